//! `GitRepository`: storage, source, artifact, in that order; each step may end the turn.

mod access;
mod failure;
mod unsupported;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use api::{
    Artifact, ConditionType, GitRepository, GitRepositoryRef, GitRepositorySpec, GitRepositoryStatus, reason,
    well_known,
};
use artifact::{Place, Revision, VerifyError};
use fetch::git;
use fetch::work_tree::WorkTree;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use reconcile::conditions::Statement;
use reconcile::events::{Event, Severity};
use reconcile::{Done, Driver, Failure, Interrupted, Key, Reconciler, Retry, Shared, Store, Suspended, Turn};
use tree::{Files, Ignore};

use crate::Settings;
use failure::chain;

/// The conditions that say what keeps an artifact from being made.
const FAILURES: [ConditionType; 3] =
    [ConditionType::StorageOperationFailed, ConditionType::FetchFailed, ConditionType::IncludeUnavailable];

/// Until a fetch takes long.
const PROMPT: Duration = Duration::from_secs(2);
/// No fetch takes that long: what is older was left by a process that was killed.
const LEFTOVER: Duration = Duration::from_hours(2);

/// Makes the driver that reconciles the GitRepositories in `objects` into `storage`.
pub fn git_repositories(
    settings: Settings,
    shared: Shared,
    objects: Arc<Store<GitRepository>>,
    storage: Arc<artifact::Store>,
) -> Driver<GitRepositories> {
    let driver = reconcile::Settings {
        controller: "gitrepository",
        field_manager: well_known::SOURCE_CONTROLLER,
        concurrent: settings.concurrent,
        backoff: settings.backoff,
        jitter_percent: settings.jitter_percent,
        suspended: Suspended::Refreshed,
    };
    match git::remove_leftovers(&settings.scratch, LEFTOVER, SystemTime::now()) {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "removed what a killed process left of its fetches"),
        Err(error) => tracing::warn!(%error, "scratch directory not cleaned up"),
    }
    let reconciler = GitRepositories { settings, storage, objects: objects.clone() };
    Driver::new(Arc::new(reconciler), objects, shared, driver)
}

/// Reconciles GitRepositories.
#[derive(Debug)]
pub struct GitRepositories {
    settings: Settings,
    storage: Arc<artifact::Store>,
    objects: Arc<Store<GitRepository>>,
}

type GitTurn = Turn<GitRepositorySpec>;

/// What came of asking.
enum Outcome {
    /// What is stored is what is there.
    Unchanged,
    /// Something else is there.
    Fetched(Box<Content>),
}

/// What is to be stored.
struct Content {
    files: Box<dyn Files + Send>,
    revision: Revision,
    /// Of the commit; it names the file.
    id: String,
    subject: String,
    skipped: Vec<String>,
}

impl Reconciler for GitRepositories {
    type Spec = GitRepositorySpec;

    async fn reconcile(&self, turn: &mut GitTurn) -> Result<Done, Failure> {
        turn.progress("reconciliation in progress");
        if turn.object.generation() != turn.object.observed_generation() {
            let (from, to) = (turn.object.observed_generation(), turn.object.generation());
            turn.progress(format!("processing object: new generation {from} -> {to}"));
        }
        self.check_storage(turn).await?;
        turn.unsay(ConditionType::StorageOperationFailed);
        let includes = unsupported::includes(&turn.object, &self.objects, self.settings.requeue_dependency);
        includes.map_err(|failure| failed(turn, ConditionType::IncludeUnavailable, failure))?;
        turn.unsay(ConditionType::IncludeUnavailable);
        // What an earlier version, or Flux itself, verified says nothing about what is fetched now.
        turn.unsay(ConditionType::SourceVerified);
        turn.status.source_verification_mode = None;
        let outcome = self.fetch(turn).await.map_err(|failure| failed(turn, ConditionType::FetchFailed, failure))?;
        turn.unsay(ConditionType::FetchFailed);
        let done = match outcome {
            Outcome::Unchanged => Self::unchanged(turn),
            Outcome::Fetched(content) => self.store(turn, *content).await?,
        };
        FAILURES.iter().chain([&ConditionType::ArtifactOutdated]).for_each(|failure| turn.unsay(*failure));
        turn.say(&Statement::yes(ConditionType::ArtifactInStorage, reason::SUCCEEDED, done.message.clone()));
        Ok(done)
    }

    async fn finalize(&self, turn: &mut GitTurn) -> Result<(), Failure> {
        let place = place(&turn.object)?;
        let storage = self.storage.clone();
        let removed = blocking(move || storage.remove(&place)).await;
        let severity = Severity::Trace;
        match removed {
            Ok(removed) => {
                let message = "garbage collected artifacts for deleted resource";
                if removed {
                    turn.tell(Event::new(severity, reason::GARBAGE_COLLECTION_SUCCEEDED, message));
                }
                Ok(())
            }
            Err(error) => {
                let message = format!("garbage collection for deleted resource failed: {}", chain(&error));
                Err(Failure::new(reason::GARBAGE_COLLECTION_FAILED, message))
            }
        }
    }
}

impl GitRepositories {
    /// Removes old artifacts, and finds out whether the current one is still what it was.
    async fn check_storage(&self, turn: &mut GitTurn) -> Result<(), Failure> {
        let Some(artifact) = turn.status.artifact.clone() else {
            turn.progress("building artifact");
            turn.unsay(ConditionType::ArtifactInStorage);
            return Ok(());
        };
        let (storage, place) = (self.storage.clone(), place(&turn.object)?);
        let (path, digest) = (artifact.path.clone(), artifact.digest.clone());
        let (collected, verified) = blocking(move || {
            (storage.collect_garbage(&place, Some(&path), SystemTime::now()), storage.verify(&path, &digest))
        })
        .await;
        match collected {
            Ok(collected) if collected.removed.is_empty() => {}
            Ok(collected) => {
                let message = format!("garbage collected {} artifacts", collected.removed.len());
                turn.tell(Event::new(Severity::Trace, reason::GARBAGE_COLLECTION_SUCCEEDED, message));
            }
            // Old files cost space, nothing else: the turn goes on.
            Err(error) => tracing::warn!(error = chain(&error), "garbage collection of artifacts failed"),
        }
        match verified {
            Ok(()) => {
                // The advertised host may have changed since the artifact was stored.
                let url = self.storage.url(&artifact.path);
                turn.status.artifact = Some(Artifact { url, ..artifact });
                return Ok(());
            }
            Err(VerifyError::Missing { .. }) => {}
            Err(error) => {
                let message = format!("failed to verify integrity of artifact: {}", chain(&error));
                turn.tell(Event::new(Severity::Error, reason::ARTIFACT_VERIFICATION_FAILED, message));
                let (storage, path) = (self.storage.clone(), artifact.path);
                // If it cannot be removed the new one replaces it.
                drop(blocking(move || storage.remove_file(&path)).await);
            }
        }
        turn.status.artifact = None;
        turn.progress("building artifact: disappeared from storage");
        turn.unsay(ConditionType::ArtifactInStorage);
        Ok(())
    }

    /// Asks the remote what it has, and gets it unless it is what is stored already.
    async fn fetch(&self, turn: &mut GitTurn) -> Result<Outcome, Failure> {
        let object = turn.object.clone();
        unsupported::fields(&object)?;
        let spec = &object.spec;
        if let Some(work_tree) = self.settings.work_trees.iter().find(|tree| tree.is_at(&spec.url)) {
            return Self::read(work_tree.clone(), turn).await;
        }
        let url = url::Url::parse(&spec.url).map_err(|error| {
            let message = format!("failed to parse url '{}': {error}", spec.url);
            Failure::stalled(reason::URL_INVALID, message)
        })?;
        let proxy = access::proxy(turn.client(), &object).await?;
        let credentials = access::credentials(turn.client(), &object, &url).await?;
        let request = git::GitRequest {
            url,
            reference: reference(spec),
            last: stored_revision(&turn.status, spec),
            proxy,
            timeout: spec.timeout().to_std(),
            scratch: self.settings.scratch.clone(),
            limits: git::Limits::default(),
            ssh: self.settings.ssh.clone(),
        };
        let mut fetching = pin!(git::git(&request, &credentials));
        let outcome = match tokio::time::timeout(PROMPT, &mut fetching).await {
            Ok(outcome) => outcome,
            // A server that takes its time holds no worker, and is left when something newer comes.
            Err(_) => turn.idle(fetching).await.map_err(|Interrupted| {
                Failure::waiting(reason::PROGRESSING, "a newer reconciliation was triggered meanwhile", Duration::ZERO)
            })?,
        };
        Ok(match outcome.map_err(|error| failure::of_fetch(&error, &object))? {
            git::Outcome::Unchanged(_) => Outcome::Unchanged,
            git::Outcome::Fetched(fetched) => Outcome::Fetched(Box::new(Content {
                revision: fetched.revision,
                subject: fetched.commit.short_subject(),
                id: fetched.commit.id,
                skipped: fetched.files.skipped().to_vec(),
                files: Box::new(fetched.files),
            })),
        })
    }

    /// Reads a directory that stands in for the repository, unless it is as it was.
    async fn read(work_tree: WorkTree, turn: &GitTurn) -> Result<Outcome, Failure> {
        let snapshot = blocking(move || work_tree.read()).await;
        let snapshot = snapshot.map_err(|error| Failure::new(reason::GIT_OPERATION_FAILED, chain(&error)))?;
        let reference = turn.object.spec.reference.clone().unwrap_or_default();
        let name =
            [reference.name, reference.tag, reference.branch].into_iter().flatten().find(|name| !name.is_empty());
        let revision = Revision::of_name(name.as_deref().unwrap_or("main"), "sha1", &snapshot.id);
        if stored_revision(&turn.status, &turn.object.spec).as_ref() == Some(&revision) {
            return Ok(Outcome::Unchanged);
        }
        Ok(Outcome::Fetched(Box::new(Content {
            revision,
            subject: "what is saved in the work tree".to_owned(),
            id: snapshot.id,
            skipped: snapshot.skipped,
            files: Box::new(snapshot.files),
        })))
    }

    /// The remote is at the stored revision.
    fn unchanged(turn: &GitTurn) -> Done {
        let revision = turn.status.artifact.as_ref().map(|artifact| artifact.revision.clone()).unwrap_or_default();
        let reference = turn.object.spec.reference.as_ref();
        let asks = |field: Option<&String>| field.is_some_and(|text| !text.is_empty());
        // Upstream fetches these every time, and says then that there was no need.
        if reference.is_some_and(|reference| asks(reference.commit.as_ref()) || is_semver(reference)) {
            tell_up_to_date(turn, &revision);
        } else {
            let message = format!("no changes since last reconciliation: observed revision '{revision}'");
            tracing::info!("{message}");
            turn.tell(Event::new(Severity::Trace, reason::GIT_OPERATION_SUCCEEDED, message));
        }
        Self::done(turn, format!("stored artifact for commit '{revision}'"))
    }

    /// Packs what was fetched, unless the same is stored already.
    async fn store(&self, turn: &mut GitTurn, content: Content) -> Result<Done, Failure> {
        let Content { files, revision: new, id, subject, skipped } = content;
        let revision = new.to_string();
        for name in skipped {
            tracing::warn!(name, "left out of the artifact: no consumer can read a file of that name");
        }
        let stored = turn.status.artifact.as_ref().map(|artifact| artifact.revision == revision);
        if stored == Some(true) && has_same_content(&turn.status, &turn.object.spec) {
            tell_up_to_date(turn, &revision);
            return Ok(Self::done(turn, format!("stored artifact for commit '{subject}'")));
        }
        if stored != Some(true) {
            let message = format!("new upstream revision '{revision}'");
            turn.progress(format!("building artifact: {message}"));
            if stored.is_some() {
                turn.say(&Statement::yes(ConditionType::ArtifactOutdated, reason::NEW_REVISION, message));
            }
        }
        let (storage, place) = (self.storage.clone(), place(&turn.object)?);
        let spec_ignore = turn.object.spec.ignore.clone();
        let ignore = spec_ignore.clone();
        let stored = blocking(move || {
            let ignore = Ignore::for_source(&*files, ignore.as_deref()).map_err(failure::of_ignore)?;
            let file = format!("{id}.tar.gz");
            storage.put(&place, &file, new, (&*files, &ignore)).map_err(|error| failure::of_put(&error))
        });
        let stored = stored.await.map_err(|failure| match failure.reason {
            // Upstream has no condition for rules that cannot be read.
            reason::SOURCE_IGNORE_ERROR => failure,
            _ => failed(turn, ConditionType::StorageOperationFailed, failure),
        })?;
        turn.status.artifact = Some(Artifact {
            path: stored.path,
            url: stored.url,
            revision: stored.revision.to_string(),
            digest: stored.digest.to_string(),
            last_update_time: Time(Timestamp::try_from(stored.last_update).unwrap_or_else(|_| turn.now())),
            size: i64::try_from(stored.size).ok(),
            metadata: BTreeMap::new(),
        });
        turn.status.observed_ignore = spec_ignore;
        // None of these is in the artifact, whatever the one before was made with.
        turn.status.observed_recurse_submodules = false;
        turn.status.observed_sparse_checkout = Vec::new();
        turn.status.observed_include = Vec::new();
        turn.status.included_artifacts = Vec::new();
        Ok(Self::done(turn, format!("stored artifact for commit '{subject}'")))
    }

    /// A success, told when there is a new artifact or an end to failures.
    fn done(turn: &GitTurn, told: String) -> Done {
        let artifact = turn.status.artifact.as_ref();
        let digest = |artifact: &Artifact| artifact.digest.clone();
        let before = turn.object.status.as_ref().and_then(|status| status.artifact.as_ref()).map(digest);
        let revision = artifact.map(|artifact| artifact.revision.clone()).unwrap_or_default();
        let event = artifact.and_then(|artifact| {
            let reason = if before.as_ref() != Some(&artifact.digest) {
                reason::NEW_ARTIFACT
            } else if FAILURES.iter().any(|failure| turn.object.is_true(*failure)) {
                reason::SUCCEEDED
            } else {
                return None;
            };
            tracing::info!("{told}");
            let group = GitRepository::kind().group;
            let metadata = BTreeMap::from([
                (format!("{group}/revision"), artifact.revision.clone()),
                (format!("{group}/digest"), artifact.digest.clone()),
            ]);
            Some(Event::new(Severity::Info, reason, told).metadata(metadata))
        });
        Done {
            reason: reason::SUCCEEDED,
            message: format!("stored artifact for revision '{revision}'"),
            again: Some(turn.object.spec.interval.to_std()),
            event,
        }
    }
}

/// The stored revision, if nothing but a new commit can make a difference to what is stored.
fn stored_revision(status: &GitRepositoryStatus, spec: &GitRepositorySpec) -> Option<artifact::Revision> {
    let stored = status.artifact.as_ref()?;
    let in_storage = reconcile::conditions::get(&status.conditions, ConditionType::ArtifactInStorage)?;
    let same = in_storage.status == "True" && has_same_content(status, spec);
    same.then(|| artifact::Revision::from(stored.revision.as_str()))
}

/// Whether the stored artifact was made by the same rules as one would be made by now.
fn has_same_content(status: &GitRepositoryStatus, spec: &GitRepositorySpec) -> bool {
    status.observed_ignore == spec.ignore
        && status.observed_recurse_submodules == spec.recurse_submodules
        && status.observed_sparse_checkout == spec.sparse_checkout
        && status.observed_include == spec.include
        && status.included_artifacts.len() == spec.include.len()
}

fn tell_up_to_date(turn: &GitTurn, revision: &str) {
    let message = format!("artifact up-to-date with remote revision: '{revision}'");
    tracing::info!("{message}");
    turn.tell(Event::new(Severity::Trace, reason::ARTIFACT_UP_TO_DATE, message));
}

/// Whether a range of versions decides.
fn is_semver(reference: &GitRepositoryRef) -> bool {
    let asks = |field: &Option<String>| field.as_ref().is_some_and(|text| !text.is_empty());
    asks(&reference.semver) && !asks(&reference.name) && !asks(&reference.tag)
}

/// Says in a condition of its own what failed.
fn failed(turn: &mut GitTurn, condition: ConditionType, failure: Failure) -> Failure {
    turn.say(&Statement::yes(condition, failure.reason, failure.message.clone()));
    failure
}

fn place(object: &GitRepository) -> Result<Place, Failure> {
    Place::new(GitRepository::kind().kind, object.namespace(), object.name()).map_err(|error| {
        // The API server accepts no such name.
        Failure::new(reason::DIRECTORY_CREATION_FAILED, error.to_string()).next(Retry::Never { observed: true })
    })
}

fn reference(spec: &GitRepositorySpec) -> git::Reference {
    let reference = spec.reference.clone().unwrap_or_default();
    git::Reference {
        branch: reference.branch,
        tag: reference.tag,
        semver: reference.semver,
        name: reference.name,
        commit: reference.commit,
    }
}

/// Runs what blocks on the disk away from the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        // Blocking tasks are never cancelled, so it panicked: that is the turn's panic.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The name of another object of the same namespace.
fn neighbour(object: &GitRepository, name: &str) -> Key {
    Key::new(object.namespace(), name)
}

#[cfg(test)]
mod tests {
    use api::{GitRepositoryRef, GitRepositorySpec, GitRepositoryStatus};
    use serde_json::json;

    use super::{has_same_content, is_semver, stored_revision};

    fn spec(more: &serde_json::Value) -> GitRepositorySpec {
        let mut spec = json!({ "url": "https://example.com/r", "interval": "1m" });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn a_change_of_what_is_packed_is_noticed() {
        let plain = GitRepositoryStatus::default();
        assert!(has_same_content(&plain, &spec(&json!({}))));
        assert!(has_same_content(&plain, &spec(&json!({ "interval": "2m", "ref": { "branch": "b" } }))));
        for change in [
            json!({ "ignore": "" }),
            json!({ "recurseSubmodules": true }),
            json!({ "sparseCheckout": ["a"] }),
            json!({ "include": [{ "repository": { "name": "other" } }] }),
        ] {
            assert!(!has_same_content(&plain, &spec(&change)), "{change}");
        }
        let flux = GitRepositoryStatus { observed_recurse_submodules: true, ..plain };
        assert!(!has_same_content(&flux, &spec(&json!({}))), "what is no longer wanted is packed still");
    }

    #[test]
    fn only_a_stored_artifact_spares_a_fetch() {
        let status = |in_storage: &str| -> GitRepositoryStatus {
            serde_json::from_value(json!({
                "artifact": {
                    "path": "p", "url": "u", "revision": "main@sha1:00", "digest": "sha256:00",
                    "lastUpdateTime": "2026-01-01T00:00:00Z",
                },
                "conditions": [{
                    "type": "ArtifactInStorage", "status": in_storage, "reason": "Succeeded", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }],
            }))
            .unwrap()
        };
        let last = |status: &GitRepositoryStatus| stored_revision(status, &spec(&json!({}))).map(|r| r.to_string());
        assert_eq!(last(&status("True")).as_deref(), Some("main@sha1:00"));
        assert_eq!(last(&status("False")), None);
        assert_eq!(last(&GitRepositoryStatus::default()), None);
        assert_eq!(stored_revision(&status("True"), &spec(&json!({ "ignore": "x" }))), None);
    }

    #[test]
    fn a_tag_decides_before_a_range_of_versions() {
        let reference = |semver: &str, tag: &str| GitRepositoryRef {
            semver: Some(semver.into()),
            tag: Some(tag.into()),
            ..GitRepositoryRef::default()
        };
        assert!(is_semver(&reference(">=1", "")));
        assert!(!is_semver(&reference(">=1", "v1")));
        assert!(!is_semver(&reference("", "")));
    }
}
