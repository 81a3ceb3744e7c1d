//! The objects of one kind as the API server last showed them, and who wants to know when they change.
//!
//! One watch per kind feeds one [`Store`], which all controllers of the process share. An object that does not decode is
//! left out and logged: it must not keep the others from being seen. (Flux's own kinds decode whatever is stored and name
//! the fields that do not fit.)

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use futures::TryStreamExt;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The name of an object within its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The namespace; empty when the kind is cluster-scoped.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Key {
    /// Names an object.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The name of `object`.
    pub fn of(object: &impl ResourceExt) -> Self {
        Self::new(object.namespace().unwrap_or_default(), object.name_any())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What happened to one object. A relist shows every object again: then `before` and `after` are equal.
#[derive(Debug)]
pub struct Change<K> {
    /// Which object.
    pub key: Key,
    /// As it was, unless it is new.
    pub before: Option<Arc<K>>,
    /// As it is, unless it is gone.
    pub after: Option<Arc<K>>,
}

type Listener<K> = Box<dyn Fn(&Change<K>) + Send + Sync>;

/// The objects of one kind.
pub struct Store<K> {
    objects: RwLock<HashMap<Key, Arc<K>>>,
    listeners: RwLock<Vec<Listener<K>>>,
    synced: watch::Sender<bool>,
}

impl<K> fmt::Debug for Store<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("synced", &*self.synced.borrow()).finish_non_exhaustive()
    }
}

impl<K> Default for Store<K> {
    fn default() -> Self {
        Self { objects: RwLock::default(), listeners: RwLock::default(), synced: watch::Sender::new(false) }
    }
}

/// Which objects a watch shows.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Only those of this namespace.
    pub namespace: Option<String>,
    /// Only those with these labels.
    pub labels: Option<String>,
}

impl<K> Store<K>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Send + Sync + 'static,
{
    /// Calls `listener` for every change from now on, in order. It must be quick: it runs on the watch's own task.
    pub fn listen(&self, listener: impl Fn(&Change<K>) + Send + Sync + 'static) {
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(listener));
    }

    /// Waits until the store has seen every object once.
    pub async fn synced(&self) {
        // The sender lives as long as the store does, so this cannot fail.
        drop(self.synced.subscribe().wait_for(|synced| *synced).await);
    }

    /// Returns an object.
    pub fn get(&self, key: &Key) -> Option<Arc<K>> {
        self.read(|objects| objects.get(key).cloned())
    }

    /// Returns all objects, in no order.
    pub fn all(&self) -> Vec<Arc<K>> {
        self.read(|objects| objects.values().cloned().collect())
    }

    /// Takes over what the API server answered to a write, so that the next turn does not see the time before it.
    pub fn wrote(&self, object: K) {
        let key = Key::of(&object);
        if self.read(|objects| objects.contains_key(&key)) {
            self.put(key, Arc::new(object));
        }
    }

    /// Watches the kind until `stop` fires. A lost connection, an expired version or an answer of 429 or 500 is retried
    /// with back-off; what changed meanwhile is then seen as changes.
    pub async fn follow(self: Arc<Self>, client: Client, scope: Scope, stop: CancellationToken) {
        let resource = ApiResource::erase::<K>(&());
        let api: Api<DynamicObject> = match &scope.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let mut config = watcher::Config::default();
        if let Some(labels) = &scope.labels {
            config = config.labels(labels);
        }
        let changes = kube::runtime::WatchStreamExt::default_backoff(watcher(api, config));
        let mut changes = std::pin::pin!(changes);
        let mut listed: Option<Vec<Key>> = None;
        loop {
            let event = tokio::select! {
                event = changes.try_next() => event,
                () = stop.cancelled() => return,
            };
            match event {
                Ok(Some(Event::Init)) => listed = Some(Vec::new()),
                Ok(Some(Event::InitApply(object))) => {
                    if let Some(listed) = &mut listed {
                        listed.push(Key::of(&object));
                    }
                    self.show(object);
                }
                Ok(Some(Event::InitDone)) => {
                    self.keep_only(&listed.take().unwrap_or_default());
                    self.synced.send_replace(true);
                }
                Ok(Some(Event::Apply(object))) => self.show(object),
                Ok(Some(Event::Delete(object))) => self.remove(&Key::of(&object)),
                Ok(None) => return,
                Err(error) => tracing::warn!(kind = %K::kind(&()), %error, "watch interrupted"),
            }
        }
    }

    fn show(&self, mut object: DynamicObject) {
        let key = Key::of(&object);
        // Nobody here reads them, and they are a third of an object.
        object.metadata.managed_fields = None;
        match object.try_parse::<K>() {
            Ok(read) => self.put(key, Arc::new(read)),
            Err(error) => {
                tracing::error!(kind = %K::kind(&()), object = %key, %error, "object left out: it does not decode");
            }
        }
    }

    fn put(&self, key: Key, after: Arc<K>) {
        let before = {
            let mut objects = self.objects.write().unwrap_or_else(PoisonError::into_inner);
            if objects.get(&key).is_some_and(|before| is_older(after.as_ref(), before.as_ref())) {
                return;
            }
            objects.insert(key.clone(), after.clone())
        };
        self.tell(&Change { key, before, after: Some(after) });
    }

    fn remove(&self, key: &Key) {
        let removed = self.objects.write().unwrap_or_else(PoisonError::into_inner).remove(key);
        if removed.is_some() {
            self.tell(&Change { key: key.clone(), before: removed, after: None });
        }
    }

    fn keep_only(&self, listed: &[Key]) {
        let listed: std::collections::HashSet<&Key> = listed.iter().collect();
        let gone: Vec<Key> = self.read(|objects| objects.keys().filter(|key| !listed.contains(key)).cloned().collect());
        for key in &gone {
            self.remove(key);
        }
    }

    fn read<T>(&self, f: impl FnOnce(&HashMap<Key, Arc<K>>) -> T) -> T {
        f(&self.objects.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn tell(&self, change: &Change<K>) {
        for listener in self.listeners.read().unwrap_or_else(PoisonError::into_inner).iter() {
            listener(change);
        }
    }
}

/// Whether `a` is an older state of the same object than `b`. Versions of one object are numbers that grow
/// (Kubernetes guarantees it since 1.35; etcd has always made them so).
fn is_older(a: &impl ResourceExt, b: &impl ResourceExt) -> bool {
    let version = |object: Option<String>| object.and_then(|version| version.parse::<u64>().ok());
    a.uid() == b.uid()
        && matches!((version(a.resource_version()), version(b.resource_version())), (Some(a), Some(b)) if a < b)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::{Value, json};

    use super::*;

    fn object(name: &str, version: &str, data: &Value) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "namespace": "ns", "name": name, "uid": "u", "resourceVersion": version },
            "data": data,
        }))
        .unwrap()
    }

    #[test]
    fn an_older_state_never_replaces_a_newer_one() {
        let store: Store<ConfigMap> = Store::default();
        store.show(object("a", "9", &json!({ "k": "new" })));
        store.show(object("a", "10", &json!({ "k": "newer" })));
        store.show(object("a", "9", &json!({ "k": "new" })));
        let data = store.get(&Key::new("ns", "a")).unwrap().data.clone().unwrap();
        assert_eq!(data["k"], "newer");
    }

    #[test]
    fn r8_an_object_that_does_not_decode_does_not_hide_the_others() {
        let store: Store<ConfigMap> = Store::default();
        store.show(object("bad", "1", &json!("not a map")));
        store.show(object("good", "2", &json!({})));
        assert!(store.get(&Key::new("ns", "good")).is_some());
        assert_eq!(store.all().len(), 1);
    }

    #[test]
    fn what_a_relist_does_not_show_is_gone() {
        let store: Store<ConfigMap> = Store::default();
        let gone = Arc::new(Mutex::new(Vec::new()));
        let seen = gone.clone();
        store.listen(move |change| {
            if change.after.is_none() {
                seen.lock().unwrap().push(change.key.to_string());
            }
        });
        store.show(object("a", "1", &json!({})));
        store.show(object("b", "2", &json!({})));
        store.keep_only(&[Key::new("ns", "a")]);
        assert_eq!(*gone.lock().unwrap(), ["ns/b"]);
        assert_eq!(store.all().len(), 1);
    }

    #[test]
    fn a_write_to_an_object_that_is_gone_does_not_bring_it_back() {
        let store: Store<ConfigMap> = Store::default();
        store.wrote(object("a", "1", &json!({})).try_parse().unwrap());
        assert!(store.all().is_empty());
    }
}
