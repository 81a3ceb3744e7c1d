//! What every part of the server shares: the objects, what is served, who may do what.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::access::authenticate::Users;
use crate::access::rbac::Rbac;
use crate::access::token::Signer;
use crate::allocate::Allocator;
use crate::failure::Failure;
use crate::http::audit::Audit;
use crate::http::fairness::Fairness;
use crate::http::metrics::Metrics;
use crate::resource::{Resource, Resources};
use crate::store::{ShelfName, Store, Stored};
use crate::verbs::convert;
use crate::verbs::policies::Policies;

/// The server behind the wire.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) store: Arc<Store>,
    resources: RwLock<Arc<Resources>>,
    allocator: Mutex<Allocator>,
    /// Held while an object is counted against quotas and kept.
    counted: Mutex<()>,
    pub(crate) users: Users,
    pub(crate) signer: Signer,
    pub(crate) rbac: Rbac,
    pub(crate) policies: Policies,
    pub(crate) fairness: Fairness,
    pub(crate) metrics: Metrics,
    pub(crate) audit: Option<Audit>,
    /// The authority that signed the serving certificate, as each namespace's `kube-root-ca.crt` says it.
    pub(crate) ca_pem: String,
}

/// One object, or the place where one would be.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) resource: Arc<Resource>,
    /// Empty for objects of the whole cluster.
    pub(crate) namespace: String,
    /// Empty while it has none.
    pub(crate) name: String,
    pub(crate) subresource: Option<String>,
}

impl Target {
    pub(crate) fn new(resource: &Arc<Resource>, namespace: &str, name: &str) -> Self {
        Self { resource: resource.clone(), namespace: namespace.to_owned(), name: name.to_owned(), subresource: None }
    }

    pub(crate) fn key(&self) -> String {
        key(&self.namespace, &self.name)
    }

    pub(crate) fn shelf(&self) -> ShelfName {
        self.resource.shelf()
    }
}

/// The key of an object on its shelf.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// Namespace and name of a key.
pub(crate) fn split_key(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or(("", key))
}

impl Resource {
    /// The shelf on which all versions keep their objects.
    pub(crate) fn shelf(&self) -> ShelfName {
        // Events are served by two groups.
        if self.group == "events.k8s.io" { ShelfName::from("events") } else { self.qualified().into() }
    }

    /// A stored object as it reads in this version.
    pub(crate) fn complete(&self, stored: &Stored) -> Value {
        let mut object = convert::served(self, stored).parse();
        self.name_kind(&mut object);
        Value::Object(object)
    }

    /// A stored object as tables read it.
    pub(crate) fn shown(&self, stored: &Stored) -> Value {
        let mut object = convert::shown(self, stored).parse();
        self.name_kind(&mut object);
        Value::Object(object)
    }

    /// Says of which kind an object is.
    pub(crate) fn name_kind(&self, object: &mut Map<String, Value>) {
        object.insert("apiVersion".to_owned(), self.api_version().into());
        object.insert("kind".to_owned(), self.kind.clone().into());
    }
}

impl Api {
    pub(crate) fn new(store: Arc<Store>, resources: Resources, users: Users, signer: Signer, ca_pem: String) -> Self {
        Self {
            store,
            resources: RwLock::new(Arc::new(resources)),
            allocator: Mutex::default(),
            counted: Mutex::default(),
            users,
            signer,
            rbac: Rbac::default(),
            policies: Policies::default(),
            fairness: Fairness::default(),
            metrics: Metrics::default(),
            audit: None,
            ca_pem,
        }
    }

    /// Notes every request.
    pub(crate) fn with_audit(self, audit: Option<Audit>) -> Self {
        Self { audit, ..self }
    }

    #[expect(clippy::unused_self, reason = "time is asked of the server, so that one place reads the clock")]
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// What is served right now.
    pub(crate) fn resources(&self) -> Arc<Resources> {
        self.resources.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is served.
    pub(crate) fn serve(&self, change: impl FnOnce(&mut Resources)) {
        let mut current = self.resources.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Resources::clone(&current);
        change(&mut next);
        *current = Arc::new(next);
    }

    /// The row of a resource that must be served.
    ///
    /// # Errors
    /// 404 when it is not.
    pub(crate) fn row(&self, group: &str, version: &str, plural: &str) -> Result<Arc<Resource>, Failure> {
        self.resources().get(group, version, plural).cloned().ok_or_else(Failure::no_resource)
    }

    /// A row for the objects of a shelf, in the version that is stored.
    pub(crate) fn row_of_shelf(&self, shelf: &str) -> Option<Arc<Resource>> {
        let resources = self.resources();
        let mut rows = resources.iter().filter(|row| row.qualified() == shelf);
        let first = rows.next()?;
        if first.version == first.storage_version {
            return Some(first.clone());
        }
        Some(rows.find(|row| row.version == row.storage_version).unwrap_or(first).clone())
    }

    /// Keeps others from being counted by quotas.
    pub(crate) fn count(&self) -> MutexGuard<'_, ()> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn allocator(&self) -> MutexGuard<'_, Allocator> {
        self.allocator.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
