//! The reconciler: what happens around the passes, and at the end of an object.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{ConditionType, DeletionPolicy, FieldProblem, Kustomization, KustomizationSpec, reason, well_known};
use apply::wait::{Awaited, Verdict, Wait};
use apply::{Cluster, Ownership};
use artifact::Opener;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use object::inventory::Entry;
use reconcile::events::{Event, Severity};
use reconcile::{Done, Driver, Failure, Key, Reconciler, Retry, Shared, Suspended, Turn, clients};

use crate::edges::{self, Taken};
use crate::health::Expressions;
use crate::pass::Pass;
use crate::{Settings, Stores, dependencies, source, unsupported};

pub(crate) type KustomizationTurn = Turn<KustomizationSpec>;

/// Makes the driver that reconciles the Kustomizations of `stores` on the cluster of `shared`.
pub fn kustomizations(
    settings: Settings,
    shared: Shared,
    stores: Stores,
    opener: Arc<Opener>,
) -> Driver<Kustomizations> {
    let driver = reconcile::Settings {
        controller: "kustomization",
        field_manager: well_known::GOTK_KUSTOMIZE_CONTROLLER,
        concurrent: settings.concurrent,
        backoff: settings.backoff,
        jitter_percent: settings.jitter_percent,
        suspended: Suspended::Observed,
    };
    let applying = apply::Settings {
        override_managers: settings.override_managers.clone(),
        custom_stage_kinds: settings.custom_stage_kinds.clone(),
        concurrency: settings.concurrent_ssa,
        ..apply::Settings::kustomize_controller()
    };
    let cluster = Cluster::new(shared.client.clone(), applying.clone());
    let taken = Taken::default();
    let (objects, sources) = (stores.kustomizations.clone(), stores.clone());
    let reconciler = Kustomizations { settings, stores, opener, cluster, applying, taken: taken.clone() };
    let driver = Driver::new(Arc::new(reconciler), objects, shared, driver);
    edges::watch_sources(&sources, taken, driver.triggers());
    driver
}

/// Reconciles Kustomizations.
pub struct Kustomizations {
    pub(crate) settings: Settings,
    pub(crate) stores: Stores,
    pub(crate) opener: Arc<Opener>,
    pub(crate) cluster: Cluster,
    pub(crate) applying: apply::Settings,
    taken: Taken,
}

impl Reconciler for Kustomizations {
    type Spec = KustomizationSpec;

    async fn reconcile(&self, turn: &mut KustomizationTurn) -> Result<Done, Failure> {
        let object = turn.object.clone();
        let problems = unsupported::fields(&object);
        if !problems.is_empty() {
            return Err(Failure::stalled("UnsupportedField", problems.join("; ")));
        }
        let rules = Expressions::parse(&object.spec.health_check_exprs).map_err(invalid_expression)?;
        let artifact = source::artifact(&object, &self.stores, &self.settings)?;
        self.taken.note(turn.key(), &artifact);
        let metadata = event_metadata(&artifact.revision, source::origin_revision(&artifact));
        let additive = self.settings.additive_ready_expr;
        let find = |key: &Key| self.stores.kustomizations.get(key);
        dependencies::check(&object, &artifact, additive, find).map_err(|problem| match problem {
            dependencies::Problem::Invalid(message) => {
                invalid_expression(format!("terminal error: {message}")).metadata(metadata.clone())
            }
            dependencies::Problem::NotReady { message, keys } => {
                let wait = self.settings.requeue_dependency;
                let told =
                    format!("Dependencies do not meet ready condition, retrying in {}", api::Duration::from(wait));
                let event = Event::new(Severity::Info, reason::DEPENDENCY_NOT_READY, told).metadata(metadata.clone());
                Failure::waiting(reason::DEPENDENCY_NOT_READY, message, wait).tell(Some(event)).waits_for(keys)
            }
        })?;
        Pass::new(self, turn, artifact, metadata, rules).run().await
    }

    async fn finalize(&self, turn: &mut KustomizationTurn) -> Result<(), Failure> {
        let object = turn.object.clone();
        let inventory = inventory(&object);
        if !inventory.is_empty() && deletes(&object).map_err(|problem| self.undecided(turn, problem))? {
            if let Some(cluster) = self.cluster_for_deletion(turn, &object).await? {
                self.delete(turn, &cluster, inventory).await?;
            } else {
                let ids: Vec<String> = inventory.iter().map(|entry| entry.id.to_string()).collect();
                let message = format!("unable to prune objects: \n{}", ids.join("\n"));
                tracing::error!("{message}");
                self.tell(turn, Severity::Error, message);
            }
        }
        // As after every pass of an object that is ready.
        if !object.spec.suspend && object.is_true(ConditionType::Ready) {
            let interval = object.spec.interval;
            let message = format!("Reconciliation finished in {}, next run in {interval}", took(turn));
            self.tell_with(turn, Severity::Info, message, Some("update"));
        }
        Ok(())
    }

    fn forget(&self, key: &Key) {
        self.taken.forget(key);
    }
}

impl Kustomizations {
    /// The cluster as the object may use it.
    ///
    /// # Errors
    /// When its service account's name is none.
    pub(crate) fn cluster_of(&self, object: &Kustomization) -> Result<Cluster, Failure> {
        let Some(account) = self.service_account(object) else { return Ok(self.cluster.clone()) };
        let client =
            clients::as_service_account(self.cluster.client(), object.namespace(), account).map_err(|error| {
                let message = format!("failed to build kube client: service account {account:?}: {error}");
                Failure::new(reason::RECONCILIATION_FAILED, message).next(Retry::After(source::retry_interval(object)))
            })?;
        let user = format!("system:serviceaccount:{}:{account}", object.namespace());
        Ok(self.cluster.acting_as(client).recognised_as(&user))
    }

    fn service_account<'a>(&'a self, object: &'a Kustomization) -> Option<&'a str> {
        let named = object.spec.service_account_name.as_deref().filter(|name| !name.is_empty());
        named.or(self.settings.default_service_account.as_deref())
    }

    /// The cluster to delete from; nothing when the service account is gone, whose rights would be needed.
    async fn cluster_for_deletion(
        &self,
        turn: &KustomizationTurn,
        object: &Kustomization,
    ) -> Result<Option<Cluster>, Failure> {
        if let Some(account) = self.service_account(object) {
            let accounts: Api<ServiceAccount> = Api::namespaced(turn.client().clone(), object.namespace());
            match accounts.get_metadata_opt(account).await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(error) => return Err(Failure::new(reason::PRUNE_FAILED, error.to_string()).tell(None)),
            }
        }
        self.cluster_of(object).map(Some)
    }

    async fn delete(
        &self,
        turn: &mut KustomizationTurn,
        cluster: &Cluster,
        inventory: Vec<Entry>,
    ) -> Result<(), Failure> {
        let pruned = apply::prune(cluster, inventory, &ownership(&turn.object)).await;
        if let Some(message) = pruned.error() {
            self.tell(turn, Severity::Error, "pruning for deleted resource failed".to_owned());
            return Err(Failure::new(reason::PRUNE_FAILED, message).tell(None));
        }
        if !pruned.changes.0.is_empty() {
            self.tell(turn, Severity::Info, pruned.changes.full_log());
        }
        if turn.object.spec.deletion_policy.unwrap_or_default() == DeletionPolicy::WaitForTermination {
            let timeout = turn.object.spec.timeout().to_std();
            let mut wait = Wait::new(cluster, Awaited::gone(&pruned.changes, timeout));
            let verdict = turn.idle(until_decided(&mut wait)).await;
            if let Ok(Verdict::Failed(remaining)) = verdict {
                let message = "failed to wait for resources termination";
                tracing::error!(%remaining, "{message}");
                self.tell(turn, Severity::Error, message.to_owned());
            }
        }
        Ok(())
    }

    /// The object stays until somebody says whether what it owns is to go with it.
    fn undecided(&self, turn: &KustomizationTurn, problem: &FieldProblem) -> Failure {
        let message = format!(
            "{problem}; whether the objects of the inventory are to be deleted is not known: correct the field, or \
             remove the finalizer to keep them",
        );
        self.tell(turn, Severity::Error, message.clone());
        Failure::new(reason::PRUNE_FAILED, message).tell(None)
    }

    fn tell(&self, turn: &KustomizationTurn, severity: Severity, message: String) {
        self.tell_with(turn, severity, message, None);
    }

    /// Tells of an object that is being deleted, under the reason that it was last ready or not.
    #[expect(clippy::unused_self, reason = "it belongs to the reconciler's vocabulary")]
    fn tell_with(&self, turn: &KustomizationTurn, severity: Severity, message: String, commit_status: Option<&str>) {
        let ready = turn.object.condition(ConditionType::Ready);
        let fallback = if severity == Severity::Error { "error" } else { "info" };
        let reason = ready.map_or(fallback, |ready| ready.reason.as_str());
        let status = turn.object.status.as_ref();
        let revision = status.and_then(|status| status.last_applied_revision.as_deref()).unwrap_or_default();
        let origin = status.and_then(|status| status.last_applied_origin_revision.as_deref());
        let mut metadata = event_metadata(revision, origin);
        if let Some(commit_status) = commit_status {
            metadata.insert(metadata_key("commit_status"), commit_status.to_owned());
        }
        turn.tell(Event::new(severity, reason, message).metadata(metadata));
    }
}

/// Checks a wait again and again until it is decided.
pub(crate) async fn until_decided(wait: &mut Wait) -> Verdict {
    loop {
        match wait.check().await {
            Verdict::Pending => wait.changed().await,
            decided => return decided,
        }
    }
}

/// How long the turn has taken, as events say it.
pub(crate) fn took(turn: &KustomizationTurn) -> api::Duration {
    api::Duration::from(turn.elapsed())
}

/// The labels by which objects say whose they are.
pub(crate) fn ownership(object: &Kustomization) -> Ownership {
    Ownership(BTreeMap::from([
        (well_known::KUSTOMIZE_NAME.to_owned(), object.name().to_owned()),
        (well_known::KUSTOMIZE_NAMESPACE.to_owned(), object.namespace().to_owned()),
    ]))
}

/// What the status says was applied. Entries that do not parse name nothing, and are left out.
pub(crate) fn inventory(object: &Kustomization) -> Vec<Entry> {
    let inventory = object.status.as_ref().and_then(|status| status.inventory.as_ref());
    let entries = inventory.map_or(&[][..], |inventory| inventory.entries.as_slice());
    entries.iter().filter_map(|entry| Entry::parse(&entry.id, &entry.version).ok()).collect()
}

/// Whether objects are deleted with their Kustomization.
///
/// # Errors
/// The first field that decides it and cannot be read: what was deleted by a default cannot be brought back.
fn deletes(object: &Kustomization) -> Result<bool, &FieldProblem> {
    const DECIDING: [&str; 4] = ["spec", "spec.suspend", "spec.prune", "spec.deletionPolicy"];
    if let Some(problem) = object.problems.iter().find(|problem| DECIDING.contains(&problem.field.as_str())) {
        return Err(problem);
    }
    Ok(!object.spec.suspend
        && match object.spec.deletion_policy.unwrap_or_default() {
            DeletionPolicy::MirrorPrune => object.spec.prune,
            DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
            DeletionPolicy::Orphan => false,
        })
}

fn metadata_key(name: &str) -> String {
    format!("{}/{name}", Kustomization::kind().group)
}

/// The metadata of every event of a revision.
pub(crate) fn event_metadata(revision: &str, origin: Option<&str>) -> BTreeMap<String, String> {
    let mut metadata = BTreeMap::new();
    if !revision.is_empty() {
        metadata.insert(metadata_key("revision"), revision.to_owned());
    }
    if let Some(origin) = origin {
        metadata.insert(metadata_key("originRevision"), origin.to_owned());
    }
    metadata
}

fn invalid_expression(message: impl std::fmt::Display) -> Failure {
    let message = format!("Reconciliation failed terminally due to configuration error: {message}");
    Failure::stalled(reason::INVALID_CEL_EXPRESSION, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::deletes;

    #[track_caller]
    fn check(fields: &Value, expected: Result<bool, &str>) {
        let mut spec = json!({ "interval": "1m", "sourceRef": { "kind": "GitRepository", "name": "a" } });
        spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let object = json!({ "metadata": { "name": "a", "namespace": "b" }, "spec": spec });
        let object: api::Kustomization = serde_json::from_value(object).unwrap();
        assert_eq!(deletes(&object).map_err(|problem| problem.field.as_str()), expected, "{fields}");
    }

    #[test]
    fn what_cannot_be_read_deletes_nothing() {
        check(&json!({ "prune": true }), Ok(true));
        check(&json!({ "prune": true, "suspend": true }), Ok(false));
        check(&json!({ "prune": true, "deletionPolicy": "Orphan" }), Ok(false));
        check(&json!({ "prune": false, "deletionPolicy": "Delete" }), Ok(true));
        check(&json!({ "prune": true, "deletionPolicy": "Keep" }), Err("spec.deletionPolicy"));
        check(&json!({ "prune": "yes" }), Err("spec.prune"));
        check(&json!({}), Err("spec.prune"));
        check(&json!({ "prune": true, "suspend": 1 }), Err("spec.suspend"));
        check(&json!({ "prune": true, "timeout": "long" }), Ok(true));
    }
}
