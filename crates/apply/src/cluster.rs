//! One cluster: the connection, what it serves, what is watched, what was applied.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use kube::Client;
use object::health::{self, Health};
use object::{GroupVersionKind, Object, ObjectId};
use ssa::managers::Managers;

use crate::Settings;
use crate::discovery::{Discovery, ResolveError, Resource};
use crate::memory::{self, Memory};
use crate::seen::Seen;
use crate::watch::{Sight, Watches};

/// One cluster, as all who apply to it share it. Cheap to clone.
///
/// *Guarantees*: dropping the last clone ends the watches.
#[derive(Clone)]
pub struct Cluster {
    /// Whoever acts: reads and writes of objects.
    pub(crate) client: Client,
    /// Who that is. What one saw of an object is not told to another.
    pub(crate) identity: Arc<str>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) taken_over: Arc<[Managers]>,
    pub(crate) discovery: Arc<Discovery>,
    pub(crate) watches: Arc<Watches>,
    pub(crate) memory: Arc<Memory>,
}

impl Cluster {
    /// A cluster that is reached through a client, which also watches.
    pub fn new(client: Client, settings: Settings) -> Self {
        let taken_over: Arc<[Managers]> = settings.taken_over().into();
        let settings = Arc::new(settings);
        let watches = Watches::new(client.clone(), Arc::clone(&settings), Arc::clone(&taken_over));
        Self {
            client,
            identity: Arc::from(""),
            settings,
            taken_over,
            discovery: Arc::default(),
            watches: Arc::new(watches),
            memory: Arc::default(),
        }
    }

    /// The same cluster, read and written as somebody else. Watches, which see metadata only, stay shared.
    ///
    /// Every call makes somebody new, who knows nothing of what the others saw, unless it is [`Self::recognised_as`]
    /// somebody.
    #[must_use]
    pub fn acting_as(&self, client: Client) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let identity = format!("#{}", NEXT.fetch_add(1, Ordering::Relaxed)).into();
        Self { client, identity, ..self.clone() }
    }

    /// The same cluster, as an account that is known by a name: `system:serviceaccount:<namespace>:<name>`. What it saw
    /// of unchanged objects, it need not ask for again.
    #[must_use]
    pub fn recognised_as(self, account: &str) -> Self {
        Self { identity: account.into(), ..self }
    }

    /// The client that reads and writes.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Finds which resource serves a kind; asks the cluster when it is not known yet.
    pub async fn resolve(&self, gvk: &GroupVersionKind) -> Result<Arc<Resource>, ResolveError> {
        self.discovery.resolve(&self.client, gvk).await
    }

    /// Tells the watches what we saw.
    pub(crate) fn learn(&self, live: &Object, health: Health) {
        self.watches.learn(live, Sight { by: Arc::clone(&self.identity), health });
    }

    /// The health that we saw, of the version that is stored by now.
    pub(crate) fn known_health(&self, id: &ObjectId) -> Option<Health> {
        let sight = self.watches.get(id)?.sight?;
        (sight.by == self.identity).then_some(sight.health)
    }

    /// Remembers that an apply of `desired` leaves `live` as it is, and how healthy that is.
    pub(crate) fn remember(&self, desired: memory::Fingerprint, live: &Object) {
        let seen = Seen::of(live, &self.settings, &self.taken_over);
        let content = memory::content(live);
        self.memory.put(live.id(), memory::Applied { desired, seen, content, is_counted: memory::is_counted(live) });
        self.learn(live, health::health(live, Timestamp::now()));
    }
}
