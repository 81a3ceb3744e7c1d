//! Watches the metadata of managed objects: one watch per kind, for everybody.
//!
//! A watch begins with the first object of its kind that is applied or waited for. It holds little of each object
//! ([`Seen`]), and wakes those who wait for one.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::StreamExt;
use kube::api::{Api, PartialObjectMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use object::health::Health;
use object::{GroupKind, Object, ObjectId};
use serde_json::json;
use ssa::managers::Managers;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Settings;
use crate::discovery::Resource;
use crate::seen::Seen;

/// Namespace and name.
type Key = (Option<String>, String);

/// How long the answer to a request of ours counts without the watch telling the same. An object may have gone between
/// the two, and if the watch told that first, or began after that, it will not tell it again.
const UNCONFIRMED: Duration = Duration::from_secs(5);

/// What is known of an object.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) seen: Seen,
    /// When a request of ours was answered with this version; none when the watch told of it.
    answered: Option<Instant>,
    /// What somebody saw of exactly this version of the object.
    pub(crate) sight: Option<Sight>,
}

/// The health of an object, as somebody saw it who may read it.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) by: Arc<str>,
    pub(crate) health: Health,
}

/// The watches of one cluster.
pub(crate) struct Watches {
    client: kube::Client,
    settings: Arc<Settings>,
    taken_over: Arc<[Managers]>,
    kinds: Mutex<HashMap<GroupKind, Watch>>,
}

#[derive(Debug)]
struct Watch {
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

/// What is known of the objects of one kind.
#[derive(Debug, Default)]
struct State {
    objects: HashMap<Key, Record>,
    /// Whether every object was listed at least once.
    complete: bool,
    /// The keys met by the list that is under way, or written by ourselves meanwhile.
    listed: Option<HashSet<Key>>,
    /// Those who want to be woken by an object.
    waiting: HashMap<Key, Vec<Weak<Alarm>>>,
}

/// Wakes one who waits, and says for which objects.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    changed: Mutex<HashSet<ObjectId>>,
    wake: Notify,
}

impl Alarm {
    /// Waits until an object has changed. Safe to drop and to call again.
    pub(crate) async fn wait(&self) {
        loop {
            let woken = self.wake.notified();
            if !lock(&self.changed).is_empty() {
                return;
            }
            woken.await;
        }
    }

    /// Takes the objects that have changed.
    pub(crate) fn take(&self) -> HashSet<ObjectId> {
        std::mem::take(&mut *lock(&self.changed))
    }

    pub(crate) fn ring(&self, id: ObjectId) {
        lock(&self.changed).insert(id);
        self.wake.notify_one();
    }
}

impl Watches {
    pub(crate) fn new(client: kube::Client, settings: Arc<Settings>, taken_over: Arc<[Managers]>) -> Self {
        Self { client, settings, taken_over, kinds: Mutex::default() }
    }

    /// What is known of an object; none when it does not exist, carries no managed label, or is not watched.
    pub(crate) fn get(&self, id: &ObjectId) -> Option<Record> {
        let state = self.state(&id.group_kind())?;
        let state = lock(&state);
        state.get(id).cloned()
    }

    /// Whether the watch of the kind knows all its objects: one that it does not know carries no managed label.
    pub(crate) fn is_complete(&self, kind: &GroupKind) -> bool {
        self.state(kind).is_some_and(|state| lock(&state).complete)
    }

    /// Tells what the API server answered to a request of ours, before the watch does. Older news is ignored.
    pub(crate) fn learn(&self, object: &Object, sight: Sight) {
        let id = object.id();
        let seen = Seen::of(object, &self.settings, &self.taken_over);
        let is_managed = self.settings.managed_label.as_ref().is_none_or(|label| object.label(label).is_some());
        if let (true, Some(state)) = (is_managed, self.state(&id.group_kind())) {
            lock(&state).put(&id, Record { seen, answered: Some(Instant::now()), sight: Some(sight) });
        }
    }

    /// Watches a kind from now on.
    pub(crate) fn start(&self, resource: &Resource) {
        let mut kinds = lock(&self.kinds);
        let kind = resource.gvk.group_kind();
        if kinds.get(&kind).is_some_and(|watch| !watch.task.is_finished()) {
            return;
        }
        // Waiters of a watch that ended go on waiting at the new one.
        let state = kinds.get(&kind).map(|watch| Arc::clone(&watch.state)).unwrap_or_default();
        let follow = Follow {
            kind: kind.clone(),
            namespaced: resource.namespaced,
            settings: Arc::clone(&self.settings),
            taken_over: Arc::clone(&self.taken_over),
            state: Arc::clone(&state),
        };
        let api: Api<PartialObjectMeta> = Api::all_with(self.client.clone(), &resource.api_resource());
        let config = watcher::Config { label_selector: self.settings.managed_label.clone(), ..Default::default() };
        let task = tokio::spawn(follow.run(api, config));
        kinds.insert(kind, Watch { state, task });
    }

    /// Rings the alarm whenever the object changes, for as long as somebody holds the alarm.
    pub(crate) fn subscribe(&self, id: &ObjectId, alarm: &Arc<Alarm>) {
        if let Some(state) = self.state(&id.group_kind()) {
            lock(&state).waiting.entry(key(id)).or_default().push(Arc::downgrade(alarm));
        }
    }

    fn state(&self, kind: &GroupKind) -> Option<Arc<Mutex<State>>> {
        lock(&self.kinds).get(kind).map(|watch| Arc::clone(&watch.state))
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        for watch in lock(&self.kinds).values() {
            watch.task.abort();
        }
    }
}

impl State {
    fn get(&self, id: &ObjectId) -> Option<&Record> {
        let counts = |record: &&Record| record.answered.is_none_or(|then| then.elapsed() < UNCONFIRMED);
        self.objects.get(&key(id)).filter(counts)
    }

    fn put(&mut self, id: &ObjectId, record: Record) {
        let key = key(id);
        if let Some(listed) = &mut self.listed {
            listed.insert(key.clone());
        }
        if let Some(known) = self.objects.get_mut(&key) {
            if known.seen.is_same_version(&record.seen) {
                known.sight = record.sight.or(known.sight.take());
                known.answered = known.answered.and(record.answered);
                return;
            }
            if known.seen.is_same_object(&record.seen) && !record.seen.is_newer_than(&known.seen) {
                return;
            }
        }
        self.objects.insert(key.clone(), record);
        self.ring(&key, id);
    }

    fn remove(&mut self, id: &ObjectId, seen: &Seen) {
        let key = key(id);
        // A newer object of the same name may have been learnt of already.
        if self.objects.get(&key).is_none_or(|known| known.seen.is_same_object(seen)) {
            self.objects.remove(&key);
            self.ring(&key, id);
        }
    }

    fn ring(&mut self, key: &Key, id: &ObjectId) {
        let Some(alarms) = self.waiting.get_mut(key) else { return };
        alarms.retain(|alarm| {
            let alarm = alarm.upgrade();
            if let Some(alarm) = &alarm {
                alarm.ring(id.clone());
            }
            alarm.is_some()
        });
        if alarms.is_empty() {
            self.waiting.remove(key);
        }
    }
}

/// What the task of one watch holds.
struct Follow {
    kind: GroupKind,
    namespaced: bool,
    settings: Arc<Settings>,
    taken_over: Arc<[Managers]>,
    state: Arc<Mutex<State>>,
}

impl Follow {
    async fn run(self, api: Api<PartialObjectMeta>, config: watcher::Config) {
        let mut events = std::pin::pin!(watcher::watcher(api, config).default_backoff());
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => self.take(event),
                Err(error) if is_gone(&error) => break,
                Err(error) => tracing::debug!(kind = %self.kind, %error, "watch interrupted"),
            }
        }
        // The kind is not served any more, and so are its objects.
        let mut state = lock(&self.state);
        state.complete = false;
        let gone: Vec<Key> = state.objects.drain().map(|(key, _)| key).collect();
        for key in gone {
            let id = self.id(&key);
            state.ring(&key, &id);
        }
    }

    fn take(&self, event: Event<PartialObjectMeta>) {
        let mut state = lock(&self.state);
        match event {
            Event::Init => state.listed = Some(HashSet::new()),
            Event::InitApply(meta) | Event::Apply(meta) => {
                if let Some((id, seen)) = self.read(&meta) {
                    state.put(&id, Record { seen, answered: None, sight: None });
                }
            }
            Event::Delete(meta) => {
                if let Some((id, seen)) = self.read(&meta) {
                    state.remove(&id, &seen);
                }
            }
            Event::InitDone => {
                let listed = state.listed.take().unwrap_or_default();
                let gone: Vec<Key> = state.objects.keys().filter(|key| !listed.contains(*key)).cloned().collect();
                for key in gone {
                    state.objects.remove(&key);
                    let id = self.id(&key);
                    state.ring(&key, &id);
                }
                state.complete = true;
            }
        }
    }

    fn read(&self, meta: &PartialObjectMeta) -> Option<(ObjectId, Seen)> {
        let metadata = serde_json::to_value(&meta.metadata).ok()?;
        // The answer's own kind is `PartialObjectMetadata`.
        let value =
            json!({"apiVersion": format!("{}/-", self.kind.group), "kind": self.kind.kind, "metadata": metadata});
        let object = Object::from_value(value).ok()?;
        let id = ObjectId::new(&self.kind, object.namespace().filter(|_| self.namespaced), object.name());
        Some((id, Seen::of(&object, &self.settings, &self.taken_over)))
    }

    fn id(&self, key: &Key) -> ObjectId {
        ObjectId::new(&self.kind, key.0.as_deref(), key.1.clone())
    }
}

fn is_gone(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(source) | watcher::Error::WatchStartFailed(source)) = error else {
        return false;
    };
    matches!(source, kube::Error::Api(status) if status.is_not_found())
}

fn key(id: &ObjectId) -> Key {
    (id.namespace.clone(), id.name.clone())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
