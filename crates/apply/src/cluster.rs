//! One cluster: the connection, what it serves, what is watched, what was applied.

use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;
use object::{GroupVersionKind, Object, health};
use ssa::managers::Managers;

use crate::Settings;
use crate::discovery::{Discovery, ResolveError, Resource};
use crate::memory::{self, Memory};
use crate::seen::Seen;
use crate::watch::Watches;

/// One cluster, as all who apply to it share it. Cheap to clone.
///
/// *Guarantees*: dropping the last clone ends the watches.
#[derive(Clone)]
pub struct Cluster {
    /// Whoever acts: reads and writes of objects.
    pub(crate) client: Client,
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
            settings,
            taken_over,
            discovery: Arc::default(),
            watches: Arc::new(watches),
            memory: Arc::default(),
        }
    }

    /// The same cluster, read and written as somebody else. Watches, which see metadata only, stay shared.
    #[must_use]
    pub fn acting_as(&self, client: Client) -> Self {
        Self { client, ..self.clone() }
    }

    /// The client that reads and writes.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Finds which resource serves a kind; asks the cluster when it is not known yet.
    pub async fn resolve(&self, gvk: &GroupVersionKind) -> Result<Arc<Resource>, ResolveError> {
        self.discovery.resolve(&self.client, gvk).await
    }

    /// Remembers that an apply of `desired` leaves `live` as it is, and how healthy that is.
    pub(crate) fn remember(&self, desired: memory::Fingerprint, live: &Object) {
        let seen = Seen::of(live, &self.settings, &self.taken_over);
        let content = memory::content(live);
        self.memory.put(live.id(), memory::Applied { desired, seen, content, is_counted: memory::is_counted(live) });
        self.watches.learn(live, Some(health::health(live, Timestamp::now())));
    }
}
