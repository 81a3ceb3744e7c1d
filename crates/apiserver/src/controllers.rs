//! The controllers inside: what a cluster does by itself when objects come, change and go.
//!
//! One task hears of every change in order. It gathers what is to be looked at, then looks: each look reads what is there
//! and does what is missing, so that looking twice does no harm, and what a change says is never relied on.

mod aggregation;
mod definitions;
mod events;
mod flows;
mod garbage;
mod namespaces;
mod policies;
mod quotas;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use crate::access::user::{MASTERS, User};
use crate::api::{Api, Target, split_key};
use crate::failure::Failure;
use crate::http::query::{DeleteOptions, WriteOptions};
use crate::resource::Operation;
use crate::store::{Change, Located, Touched};
use crate::verbs::delete::Deleted;
use crate::verbs::manage::Manager;
use crate::verbs::write::{Author, Written};

/// Changes that are heard before what they ask for is looked at.
const BATCH: usize = 512;
/// Between two looks at what only time changes.
const TICK: Duration = Duration::from_secs(30);

/// What is to be looked at.
#[derive(Debug, Default)]
struct Agenda {
    namespaces: BTreeSet<String>,
    definitions: BTreeSet<String>,
    /// Uids of objects that are gone.
    gone: BTreeSet<String>,
    /// Objects that have owners, or wait for their dependents.
    objects: BTreeSet<Located>,
    /// Uids of owners whose dependents have changed.
    owners: BTreeSet<String>,
    roles: bool,
    policies: BTreeSet<String>,
    flows: bool,
    /// Namespaces whose objects are counted by quotas.
    counted: BTreeSet<String>,
}

/// Serves what stored definitions define: nobody who asks right after a start is to hear that there is no such kind.
pub(crate) fn restore(api: &Api) {
    let Ok(snapshot) = api.store.list(definitions::SHELF, "", "", None) else { return };
    for (name, _) in snapshot.items {
        definitions::look(api, &name);
    }
}

/// Works until it is stopped.
pub(crate) async fn run(api: Arc<Api>, mut changes: UnboundedReceiver<Touched>, stop: CancellationToken) {
    let mut agenda = Agenda::default();
    for (shelf, _) in api.store.sizes() {
        agenda.begin(&api, &shelf);
    }
    let mut tick = tokio::time::interval(TICK);
    let mut batch = Vec::new();
    loop {
        agenda.work(&api);
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => events::expire(&api),
            heard = changes.recv_many(&mut batch, BATCH) => {
                if heard == 0 {
                    return;
                }
                for touched in batch.drain(..) {
                    agenda.hear(&touched);
                }
            }
        }
    }
}

impl Agenda {
    /// Looks at everything that was there before the first change was heard.
    fn begin(&mut self, api: &Api, shelf: &str) {
        let Ok(snapshot) = api.store.list(shelf, "", "", None) else { return };
        for (key, stored) in snapshot.items {
            let object = stored.parse();
            let touched = Touched::new(&shelf.into(), &key, Change::Added, &object);
            self.hear(&touched);
        }
    }

    fn hear(&mut self, touched: &Touched) {
        let (namespace, _) = split_key(&touched.key);
        match &*touched.shelf {
            "namespaces" => {
                self.namespaces.insert(touched.key.to_string());
            }
            "customresourcedefinitions.apiextensions.k8s.io" => {
                self.definitions.insert(touched.key.to_string());
            }
            "clusterroles.rbac.authorization.k8s.io" => self.roles = true,
            "validatingadmissionpolicies.admissionregistration.k8s.io" => {
                self.policies.insert(touched.key.to_string());
            }
            "flowschemas.flowcontrol.apiserver.k8s.io" | "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io" => {
                self.flows = true;
            }
            "serviceaccounts" | "configmaps" if touched.change != Change::Added => {
                self.namespaces.insert(namespace.to_owned());
            }
            _ => {}
        }
        if !namespace.is_empty() && touched.change != Change::Modified || &*touched.shelf == "resourcequotas" {
            self.counted.insert(namespace.to_owned());
        }
        let located = Located { shelf: touched.shelf.clone(), key: touched.key.clone() };
        if let Some(uid) = &touched.uid {
            self.gone.insert(uid.clone());
            self.owners.extend(touched.owners.iter().cloned());
            if !namespace.is_empty() {
                self.namespaces.insert(namespace.to_owned());
            }
            // It may have been the last object of a definition that waits for them.
            self.definitions.insert(touched.shelf.to_string());
        } else if touched.terminating || !touched.owners.is_empty() {
            self.owners.extend(touched.owners.iter().cloned());
            self.objects.insert(located);
        }
    }

    /// Looks at everything that is to be looked at. What fails is looked at again when something changes.
    fn work(&mut self, api: &Api) {
        for uid in std::mem::take(&mut self.gone) {
            garbage::collect_dependents(api, &uid);
        }
        for located in std::mem::take(&mut self.objects) {
            garbage::look(api, &located);
        }
        for uid in std::mem::take(&mut self.owners) {
            if let Some(owner) = api.store.locate(&uid) {
                garbage::look(api, &owner);
            }
        }
        for name in std::mem::take(&mut self.definitions) {
            definitions::look(api, &name);
        }
        for name in std::mem::take(&mut self.namespaces) {
            namespaces::look(api, &name);
        }
        for namespace in std::mem::take(&mut self.counted) {
            quotas::look(api, &namespace);
        }
        for name in std::mem::take(&mut self.policies) {
            policies::look(api, &name);
        }
        if std::mem::take(&mut self.flows) {
            flows::look(api);
        }
        if std::mem::take(&mut self.roles) {
            aggregation::look(api);
        }
    }
}

impl Api {
    /// The server itself, as a user.
    #[expect(clippy::unused_self, reason = "the server is the user")]
    pub(crate) fn system_user(&self) -> User {
        User::new("system:apiserver", [MASTERS.to_owned()])
    }

    /// Changes an object in the server's own name.
    ///
    /// # Errors
    /// As of every write.
    pub(crate) fn edit(
        &self,
        target: &Target,
        manager: &str,
        change: &(dyn Fn(&mut serde_json::Value) + Sync),
    ) -> Result<Written, Failure> {
        let options = WriteOptions::default();
        let user = self.system_user();
        let author = Author { user: &user, manager, options: &options, operation: Operation::Update };
        self.update(target, author, &|old| {
            let mut new = old.cloned().unwrap_or_default();
            change(&mut new);
            Ok(new)
        })
    }

    /// Applies a part of an object in the server's own name.
    ///
    /// # Errors
    /// As of every write.
    pub(crate) fn apply_own(
        &self,
        target: &Target,
        manager: &str,
        config: &serde_json::Value,
    ) -> Result<Written, Failure> {
        let options = WriteOptions::default();
        let user = self.system_user();
        let author = Author { user: &user, manager, options: &options, operation: Operation::Apply };
        self.update(target, author, &|old| {
            let subresource = target.subresource.as_deref().unwrap_or_default();
            let manager = Manager { name: manager, subresource, now: self.now() };
            self.apply(&target.resource, &manager, old, config, ssa::Force::Yes)
        })
    }

    /// Creates an object in the server's own name.
    ///
    /// # Errors
    /// As of every write.
    pub(crate) fn make(&self, target: &Target, manager: &str, object: &serde_json::Value) -> Result<Written, Failure> {
        let options = WriteOptions::default();
        let user = self.system_user();
        let author = Author { user: &user, manager, options: &options, operation: Operation::Create };
        self.create(target, author, &|_| Ok(object.clone()))
    }

    /// Deletes an object in the server's own name.
    ///
    /// # Errors
    /// As of every deletion.
    pub(crate) fn delete_own(&self, target: &Target, options: &DeleteOptions) -> Result<Deleted, Failure> {
        self.delete(target, &self.system_user(), options)
    }
}

/// Says what could not be done, unless somebody else has done it.
fn report(what: &str, key: &str, result: Result<(), Failure>) {
    if let Err(failure) = result
        && !matches!(failure.code, 404 | 409)
    {
        tracing::warn!(key, failure = %failure.message, "cannot {what}");
    }
}
