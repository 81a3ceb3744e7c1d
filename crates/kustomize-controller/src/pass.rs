//! One pass of a Kustomization: open, render, apply, prune, wait.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{Artifact, ConditionType, Inventory, Kustomization, ResourceRef, reason};
use apply::wait::{Awaited, Unhealthy, Verdict, Wait};
use apply::{Changes, Cluster, Failed, IgnoreRule, IgnoreRules, Policy, Step};
use artifact::{Digest, OpenError, Opened};
use object::inventory::{Entry, format_id};
use object::selector::TargetFields;
use object::{Object, ObjectId};
use reconcile::conditions::Statement;
use reconcile::events::{Event, Severity};
use reconcile::{Done, Failure, Interrupted, Retry};
use render::{Owner, Rendered};
use tree::{Files, TreePath};

use crate::controller::{self, KustomizationTurn, Kustomizations, until_decided};
use crate::health::Expressions;
use crate::{history, source, variables};

/// How long the objects of a stage that others build on may take.
const STAGE_TIMEOUT: Duration = Duration::from_mins(1);
/// Until a download takes long.
const PROMPT: Duration = Duration::from_secs(2);

/// One pass.
pub(crate) struct Pass<'a> {
    controller: &'a Kustomizations,
    turn: &'a mut KustomizationTurn,
    object: Arc<Kustomization>,
    artifact: Artifact,
    metadata: BTreeMap<String, String>,
    rules: Expressions,
    /// What was applied and is still owned, before this pass.
    before: Vec<Entry>,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(
        controller: &'a Kustomizations,
        turn: &'a mut KustomizationTurn,
        artifact: Artifact,
        metadata: BTreeMap<String, String>,
        rules: Expressions,
    ) -> Self {
        let object = turn.object.clone();
        let before = controller::inventory(&object);
        Self { controller, turn, object, artifact, metadata, rules, before }
    }

    pub(crate) async fn run(mut self) -> Result<Done, Failure> {
        self.progress("Fetching manifests");
        let (files, path) = self.open().await?;
        self.turn.status.last_attempted_revision = Some(self.artifact.revision.clone());
        self.progress("Building manifests");
        let cluster = self.controller.cluster_of(&self.object)?;
        let rendered = self.render(files, path).await?;
        self.progress("Detecting drift");
        let digest = rendered.digest.clone();
        let outcome = self.act(&cluster, rendered).await;
        let status = match &outcome {
            Ok(()) => reason::RECONCILIATION_SUCCEEDED,
            Err(failure) => failure.reason,
        };
        // A wait that a newer trigger ended is no attempt of its own.
        if status != reason::HEALTH_CHECK_CANCELED {
            self.remember(digest, status);
        }
        outcome.map(|()| self.done())
    }

    /// Everything after rendering; its failures go into the history.
    async fn act(&mut self, cluster: &Cluster, rendered: Rendered) -> Result<(), Failure> {
        if let Some(object) = rendered.objects.iter().find(|object| render::is_encrypted_secret(object)) {
            let message = format!(
                "{} is SOPS encrypted, configuring decryption is required for this secret to be reconciled",
                object.id(),
            );
            return Err(self.failure(reason::RECONCILIATION_FAILED, message));
        }
        let vanishing = apply::wait::vanishing(&rendered.objects);
        let changes = self.apply(cluster, rendered.objects).await?;
        self.prune(cluster, &changes).await?;
        self.wait_for_health(cluster, &changes, vanishing).await?;
        self.turn.status.last_applied_revision = Some(self.artifact.revision.clone());
        self.turn.status.last_applied_origin_revision = source::origin_revision(&self.artifact).map(str::to_owned);
        Ok(())
    }

    /// Opens the artifact, and finds the directory in it.
    async fn open(&mut self) -> Result<(Opened, TreePath), Failure> {
        let digest = Digest::parse(&self.artifact.digest)
            .map_err(|error| self.failure(reason::ARTIFACT_FAILED, format!("digest of the artifact: {error}")))?;
        let files = self.download(&digest).await?.map_err(|error| match error {
            OpenError::NotFound { .. } => {
                let wait = self.controller.settings.requeue_dependency;
                let message =
                    format!("Source is not ready, artifact not found, retrying in {}", api::Duration::from(wait));
                Failure::waiting(reason::ARTIFACT_FAILED, message, wait)
            }
            error => self.failure(reason::ARTIFACT_FAILED, chain(&error)),
        })?;
        let wanted = self.object.spec.path.as_deref().unwrap_or_default();
        let not_found = |what: String| {
            self.failure(reason::ARTIFACT_FAILED, format!("kustomization path not found: {wanted:?} {what}"))
        };
        // A leading slash means the artifact's root, as upstream's join has it.
        let path =
            TreePath::default().join(wanted.trim_start_matches('/')).map_err(|error| not_found(error.to_string()))?;
        match files.kind(&path) {
            Ok(Some(tree::Kind::Dir)) => Ok((files, path)),
            Ok(Some(_)) => Err(not_found("is not a directory".to_owned())),
            Ok(None) => {
                let revision = &self.artifact.revision;
                Err(not_found(format!("does not exist in revision {revision}{}", neighbours(&files, &path))))
            }
            Err(error) => Err(not_found(chain(&error))),
        }
    }

    /// Downloads the artifact, or takes what was downloaded already. One that takes long holds no worker, and ends when
    /// something newer comes: a source that has moved says where to, and nobody answers at the old place.
    async fn download(&mut self, digest: &Digest) -> Result<Result<Opened, OpenError>, Failure> {
        let mut opening = pin!(self.controller.opener.open(&self.artifact.url, digest));
        if let Ok(opened) = tokio::time::timeout(PROMPT, &mut opening).await {
            return Ok(opened);
        }
        self.turn.idle(opening).await.map_err(|Interrupted| {
            let message = format!("the artifact could not be downloaded from {} in time", self.artifact.url);
            Failure::waiting(reason::ARTIFACT_FAILED, message, Duration::ZERO)
        })
    }

    async fn render(&self, files: Opened, path: TreePath) -> Result<Rendered, Failure> {
        let strict = self.controller.settings.strict_substitutions;
        let variables = variables::load(self.turn.client(), &self.object, strict).await;
        // Without one object there is nothing to substitute in, and no failure: the message names the first object.
        let object = self.object.clone();
        let rendering = tokio::task::spawn_blocking(move || {
            let inputs = render::Inputs {
                owner: Owner { namespace: object.namespace(), name: object.name() },
                variables: variables.as_ref().map(Option::as_ref),
            };
            render::kustomization(&files, &path, &object.spec, &inputs)
        });
        let rendered = match rendering.await {
            Ok(rendered) => rendered.map_err(|error| self.failure(reason::BUILD_FAILED, chain(&error)))?,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        for warning in &rendered.warnings {
            tracing::info!(revision = self.artifact.revision, "{warning}");
        }
        Ok(rendered)
    }

    /// Applies the objects stage by stage. What is about to be created is owned before it exists, so that it is pruned
    /// one day whatever happens to this process.
    async fn apply(&mut self, cluster: &Cluster, objects: Vec<Object>) -> Result<Changes, Failure> {
        let policy = self.policy()?;
        let applied = self.apply_stages(cluster, objects, &policy).await;
        let (changes, failed) = match applied {
            Ok(changes) => (changes, None),
            Err(Stopped::Failed(failed)) => (failed.changes.clone(), Some(failed)),
            Err(Stopped::Save(failure)) => return Err(failure),
        };
        self.log(&changes);
        match failed {
            None => {
                self.own(changes.inventory().entries().to_vec());
                if changes.any() {
                    self.tell(Severity::Info, reason::PROGRESSING, changes.log());
                }
                Ok(changes)
            }
            Some(failed) => {
                // What was applied stays recorded, beside what was there before.
                let mut owned = self.before.clone();
                add(&mut owned, changes.inventory().entries());
                if owned != self.before {
                    self.own(owned);
                }
                Err(self.failure(reason::RECONCILIATION_FAILED, failed.to_string()))
            }
        }
    }

    async fn apply_stages(
        &mut self,
        cluster: &Cluster,
        objects: Vec<Object>,
        policy: &Policy,
    ) -> Result<Changes, Stopped> {
        let mut changes = Changes::default();
        let mut owned = self.before.clone();
        for mut stage in apply::stages(objects, &self.controller.applying) {
            let awaited = stage.name.is_awaited();
            let observed = apply::observe(cluster, &mut stage, policy).await;
            let plan = match apply::plan(stage, observed, policy, &self.controller.applying) {
                Ok(plan) => plan,
                Err(failures) => return Err(Failed { failures, wait: None, changes }.into()),
            };
            let created = plan.steps.iter().filter(|step| matches!(step, Step::Create { .. } | Step::Replace { .. }));
            let created: Vec<Entry> = created.map(Step::entry).collect();
            if add(&mut owned, &created) {
                self.own(owned.clone());
                self.turn.save().await.map_err(|error| Stopped::Save(self.failure_to_save(&error)))?;
            }
            let (done, failures) = apply::execute(cluster, plan, policy).await;
            let entries = done.0.iter().map(|change| change.entry.clone()).collect();
            changes.0.extend(done.0);
            if !failures.is_empty() {
                return Err(Failed { failures, wait: None, changes }.into());
            }
            if awaited
                && let Verdict::Failed(unhealthy) =
                    self.wait(cluster, Awaited::new(entries, STAGE_TIMEOUT)).await.map_err(Stopped::Save)?
            {
                return Err(Failed { failures: Vec::new(), wait: Some(unhealthy.to_string()), changes }.into());
            }
        }
        Ok(changes)
    }

    /// Deletes what was owned before and is not any more.
    async fn prune(&mut self, cluster: &Cluster, changes: &Changes) -> Result<(), Failure> {
        let now: BTreeSet<ObjectId> = changes.0.iter().map(|change| change.entry.id.clone()).collect();
        let stale: Vec<Entry> = self.before.iter().filter(|entry| !now.contains(&entry.id)).cloned().collect();
        if stale.is_empty() || !self.object.spec.prune {
            return Ok(());
        }
        let pruned = apply::prune(cluster, stale, &controller::ownership(&self.object)).await;
        if let Some(message) = pruned.error() {
            let mut owned = changes.inventory().entries().to_vec();
            add(&mut owned, &pruned.survivors);
            self.own(owned);
            return Err(self.failure(reason::PRUNE_FAILED, message));
        }
        if !pruned.changes.0.is_empty() {
            let log = pruned.changes.full_log();
            tracing::info!("garbage collection completed: {log}");
            self.tell(Severity::Info, reason::PROGRESSING, log);
        }
        Ok(())
    }

    async fn wait_for_health(
        &mut self,
        cluster: &Cluster,
        changes: &Changes,
        vanishing: BTreeSet<ObjectId>,
    ) -> Result<(), Failure> {
        let spec = &self.object.spec;
        let entries = if spec.wait { changes.to_await() } else { self.health_checks() };
        if entries.is_empty() {
            self.turn.unsay(ConditionType::Healthy);
            return Ok(());
        }
        let awaited: Vec<Entry> = entries.into_iter().filter(|entry| !self.is_itself(&entry.id)).collect();
        self.progress("Running health checks");
        let started = Instant::now();
        let awaited = Awaited {
            fail_fast: !self.controller.settings.no_fail_fast,
            vanishing,
            rules: std::mem::take(&mut self.rules).rules(),
            ..Awaited::new(awaited, spec.timeout().to_std())
        };
        let verdict = self.wait(cluster, awaited).await?;
        let took = api::Duration::from(started.elapsed());
        if let Verdict::Failed(unhealthy) = verdict {
            return Err(self.unhealthy(&unhealthy, took));
        }
        let message = format!("Health check passed in {took}");
        let was_healthy = self.object.is_true(ConditionType::Healthy);
        let status = self.object.status.as_ref();
        let is_new = status.and_then(|status| status.last_applied_revision.as_ref()) != Some(&self.artifact.revision);
        if !was_healthy || (is_new && changes.any()) {
            self.tell(Severity::Info, reason::PROGRESSING, message.clone());
            self.turn.say(&Statement::yes(ConditionType::Healthy, reason::SUCCEEDED, message));
        } else if let Some(healthy) = self.object.condition(ConditionType::Healthy) {
            // It still is: how long it took to see that is not worth a change of the status.
            let message = healthy.message.clone();
            self.turn.say(&Statement::yes(ConditionType::Healthy, reason::SUCCEEDED, message));
        }
        Ok(())
    }

    fn unhealthy(&mut self, unhealthy: &Unhealthy, took: api::Duration) -> Failure {
        self.turn.say(&Statement::no(ConditionType::Healthy, reason::HEALTH_CHECK_FAILED, unhealthy.to_string()));
        self.failure(reason::HEALTH_CHECK_FAILED, format!("health check failed after {took}: {unhealthy}"))
    }

    /// Waits without holding a worker. A newer trigger ends the wait, and the pass.
    async fn wait(&mut self, cluster: &Cluster, awaited: Awaited) -> Result<Verdict, Failure> {
        let mut wait = Wait::new(cluster, awaited);
        // What is healthy already needs no wait.
        match wait.check().await {
            Verdict::Pending => {}
            decided => return Ok(decided),
        }
        self.turn.idle(until_decided(&mut wait)).await.map_err(|Interrupted| {
            let message = "New reconciliation triggered, health checks canceled".to_owned();
            let event = Event::new(Severity::Info, reason::HEALTH_CHECK_CANCELED, message.clone());
            let event = event.metadata(self.metadata.clone());
            Failure::new(reason::HEALTH_CHECK_CANCELED, message).next(Retry::Now).tell(Some(event))
        })
    }

    /// `spec.healthChecks` as entries. Without an API version it is `apps/v1`.
    fn health_checks(&self) -> Vec<Entry> {
        let checks = self.object.spec.health_checks.iter();
        checks
            .map(|check| {
                let api_version =
                    check.api_version.as_deref().filter(|version| !version.is_empty()).unwrap_or("apps/v1");
                let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
                Entry {
                    id: ObjectId {
                        group: group.to_owned(),
                        kind: check.kind.clone(),
                        namespace: check.namespace.clone().filter(|namespace| !namespace.is_empty()),
                        name: check.name.clone(),
                    },
                    version: version.to_owned(),
                }
            })
            .collect()
    }

    /// Whether the object is this very Kustomization, which cannot wait for itself.
    fn is_itself(&self, id: &ObjectId) -> bool {
        id.kind == Kustomization::kind().kind
            && id.name == self.object.name()
            && id.namespace.as_deref() == Some(self.object.namespace())
    }

    fn policy(&self) -> Result<Policy, Failure> {
        let rules: Vec<IgnoreRule> = self.object.spec.ignore.iter().map(ignore_rule).collect();
        let ignore = IgnoreRules::new(&rules)
            .map_err(|error| self.failure(reason::RECONCILIATION_FAILED, format!("spec.ignore: {}", chain(&error))))?;
        Ok(Policy { force: self.object.spec.force, ignore })
    }

    fn done(&self) -> Done {
        let revision = &self.artifact.revision;
        let interval = self.object.spec.interval;
        let message = format!("Reconciliation finished in {}, next run in {interval}", controller::took(self.turn));
        tracing::info!(revision, "{message}");
        let mut metadata = self.metadata.clone();
        metadata.insert(format!("{}/commit_status", Kustomization::kind().group), "update".to_owned());
        Done {
            reason: reason::RECONCILIATION_SUCCEEDED,
            message: format!("Applied revision: {revision}"),
            again: Some(interval.to_std()),
            event: Some(Event::new(Severity::Info, reason::RECONCILIATION_SUCCEEDED, message).metadata(metadata)),
        }
    }

    /// Adds the pass to the history, unless it is one more of the same that nobody asked for: then the status stays as it
    /// is, and an interval at which nothing happened costs no write.
    ///
    /// # Deviation
    /// Upstream counts every interval, at the price of a write.
    fn remember(&mut self, digest: String, status: &'static str) {
        let is_asked_for = self.object.requested_at() != self.object.last_handled_reconcile_at();
        let is_same = self.turn.status.history.first().is_some_and(|last| {
            last.digest == digest
                && last.last_reconciled_status == status
                && last.metadata.get("revision") == Some(&self.artifact.revision)
        });
        if is_same && !is_asked_for && self.object.is_true(ConditionType::Ready) {
            return;
        }
        let mut metadata = BTreeMap::from([("revision".to_owned(), self.artifact.revision.clone())]);
        if let Some(origin) = source::origin_revision(&self.artifact) {
            metadata.insert("originRevision".to_owned(), origin.to_owned());
        }
        let attempt = history::Attempt { digest, status, at: self.turn.now(), took: self.turn.elapsed(), metadata };
        history::add(&mut self.turn.status.history, attempt);
    }

    /// Writes what is owned into the status to be.
    fn own(&mut self, entries: Vec<Entry>) {
        let entries = entries.into_iter().map(|entry| ResourceRef { id: format_id(&entry.id), version: entry.version });
        self.turn.status.inventory = Some(Inventory { entries: entries.collect() });
    }

    fn log(&self, changes: &Changes) {
        if !changes.0.is_empty() {
            let output: BTreeMap<String, String> =
                changes.0.iter().map(|change| (change.entry.id.to_string(), change.action.to_string())).collect();
            tracing::info!(revision = self.artifact.revision, ?output, "server-side apply completed");
        }
    }

    fn progress(&self, doing: &str) {
        let (revision, timeout) = (&self.artifact.revision, self.object.spec.timeout());
        self.turn.progress(format!("{doing} for revision {revision} with a timeout of {timeout}"));
    }

    fn tell(&self, severity: Severity, reason: &str, message: String) {
        self.turn.tell(Event::new(severity, reason, message).metadata(self.metadata.clone()));
    }

    /// A failure that is tried again after the retry interval.
    fn failure(&self, reason: &'static str, message: String) -> Failure {
        Failure::new(reason, message)
            .next(Retry::After(source::retry_interval(&self.object)))
            .metadata(self.metadata.clone())
    }

    fn failure_to_save(&self, error: &kube::Error) -> Failure {
        let message = format!("failed to update status: {}", chain(error));
        Failure::new(reason::RECONCILIATION_FAILED, message).metadata(self.metadata.clone())
    }
}

/// Why applying stopped.
enum Stopped {
    /// Objects were refused, or did not become ready.
    Failed(Failed),
    /// What was to be owned could not be saved, or something newer came.
    Save(Failure),
}

impl From<Failed> for Stopped {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

/// Adds entries that are not there yet; returns whether there were any.
fn add(owned: &mut Vec<Entry>, entries: &[Entry]) -> bool {
    let before = owned.len();
    let known: BTreeSet<ObjectId> = owned.iter().map(|entry| entry.id.clone()).collect();
    owned.extend(entries.iter().filter(|entry| !known.contains(&entry.id)).cloned());
    owned.len() > before
}

fn ignore_rule(rule: &api::IgnoreRule) -> IgnoreRule {
    let target = rule.target.as_ref().map(|target| TargetFields {
        group: target.group.clone().unwrap_or_default(),
        version: target.version.clone().unwrap_or_default(),
        kind: target.kind.clone().unwrap_or_default(),
        name: target.name.clone().unwrap_or_default(),
        namespace: target.namespace.clone().unwrap_or_default(),
        label_selector: target.label_selector.clone().unwrap_or_default(),
        annotation_selector: target.annotation_selector.clone().unwrap_or_default(),
    });
    IgnoreRule { paths: rule.paths.clone(), target }
}

/// What there is instead of a directory that does not exist.
fn neighbours(files: &Opened, path: &TreePath) -> String {
    let Some(parent) = path.parent() else { return String::new() };
    let entries = files.list(&parent).unwrap_or_default();
    let names: Vec<String> =
        entries.into_iter().filter(|entry| entry.kind == tree::Kind::Dir).map(|entry| entry.name).take(10).collect();
    if names.is_empty() { String::new() } else { format!("; beside it there are: {}", names.join(", ")) }
}

/// An error with everything that caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
