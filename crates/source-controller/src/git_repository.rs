//! `GitRepository`: storage, source, artifact, in that order; each step may end the turn.

mod credentials;
mod unsupported;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use api::{Artifact, ConditionType, GitRepository, GitRepositorySpec, Status, reason, well_known};
use artifact::{Place, PutError, VerifyError};
use fetch::git;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use reconcile::conditions::Statement;
use reconcile::events::{Event, Severity};
use reconcile::{Done, Driver, Failure, Key, Reconciler, Retry, Shared, Store, Suspended, Turn};
use tree::Ignore;

use crate::Settings;

/// The conditions that say what keeps an artifact from being made.
const FAILURES: [ConditionType; 3] =
    [ConditionType::StorageOperationFailed, ConditionType::FetchFailed, ConditionType::IncludeUnavailable];

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

impl Reconciler for GitRepositories {
    type Spec = GitRepositorySpec;

    async fn reconcile(&self, turn: &mut GitTurn) -> Result<Done, Failure> {
        turn.progress("reconciliation in progress");
        if turn.object.generation() != turn.object.observed_generation() {
            let (from, to) = (turn.object.observed_generation(), turn.object.generation());
            turn.progress(format!("processing object: new generation {from} -> {to}"));
        }
        self.check_storage(turn).await?;
        let problems = unsupported::fields(&turn.object, &self.objects, self.settings.requeue_dependency);
        problems.map_err(|failure| failed(turn, ConditionType::IncludeUnavailable, failure))?;
        turn.unsay(ConditionType::IncludeUnavailable);

        let fetched = self.fetch(turn).await?;
        let done = match fetched {
            git::Outcome::Unchanged(_) => self.unchanged(turn),
            git::Outcome::Fetched(fetched) => self.store(turn, fetched).await?,
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
        if let Err(error) = collected {
            // Old files cost space, nothing else: the turn goes on.
            let message = format!("garbage collection of artifacts failed: {}", chain(&error));
            turn.tell(Event::new(Severity::Error, reason::GARBAGE_COLLECTION_FAILED, message));
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
    async fn fetch(&self, turn: &mut GitTurn) -> Result<git::Outcome, Failure> {
        let spec = &turn.object.spec;
        let url = url::Url::parse(&spec.url).map_err(|error| {
            let message = format!("failed to parse url '{}': {error}", spec.url);
            Failure::stalled(reason::URL_INVALID, message)
        });
        let url = url.map_err(|failure| failed(turn, ConditionType::FetchFailed, failure))?;
        let credentials = credentials::read(turn.client(), &turn.object, &url).await;
        let credentials = credentials.map_err(|failure| failed(turn, ConditionType::FetchFailed, failure))?;
        let request = git::GitRequest {
            url,
            reference: reference(&turn.object.spec),
            last: self.stored_revision(turn),
            proxy: None,
            timeout: turn.object.spec.timeout().to_std(),
            scratch: self.settings.scratch.clone(),
            limits: git::Limits::default(),
            ssh: git::SshAlgorithms::default(),
        };
        git::git(&request, &credentials).await.map_err(|error| {
            let failure = match error {
                git::Error::Empty => Failure::new(reason::EMPTY_GIT_REPOSITORY, error.to_string()),
                error => {
                    let message = format!("failed to checkout and determine revision: {}", chain(&error));
                    Failure::new(reason::GIT_OPERATION_FAILED, message)
                }
            };
            failed(turn, ConditionType::FetchFailed, failure)
        })
    }

    /// The stored revision, if nothing but a new commit can make a difference to what is stored.
    fn stored_revision(&self, turn: &GitTurn) -> Option<artifact::Revision> {
        let stored = turn.status.artifact.as_ref()?;
        let in_storage = reconcile::conditions::get(turn.status.conditions(), ConditionType::ArtifactInStorage)?;
        let same_content = turn.status.observed_ignore == turn.object.spec.ignore;
        (in_storage.status == "True" && same_content).then(|| artifact::Revision::from(stored.revision.as_str()))
    }

    fn unchanged(&self, turn: &GitTurn) -> Done {
        let revision = turn.status.artifact.as_ref().map(|artifact| artifact.revision.clone()).unwrap_or_default();
        let message = format!("no changes since last reconciliation: observed revision '{revision}'");
        tracing::info!("{message}");
        turn.tell(Event::new(Severity::Trace, reason::GIT_OPERATION_SUCCEEDED, message));
        self.done(turn, format!("stored artifact for commit '{revision}'"))
    }

    /// Packs what was fetched, unless the same is stored already.
    async fn store(&self, turn: &mut GitTurn, fetched: Box<git::Fetched>) -> Result<Done, Failure> {
        let revision = fetched.revision.clone();
        let spec_ignore = turn.object.spec.ignore.clone();
        let current = turn.status.artifact.as_ref();
        if current.is_some_and(|current| current.revision == revision.as_str())
            && turn.status.observed_ignore == spec_ignore
        {
            let message = format!("artifact up-to-date with remote revision: '{revision}'");
            turn.tell(Event::new(Severity::Trace, reason::ARTIFACT_UP_TO_DATE, message));
            return Ok(self.done(turn, format!("stored artifact for commit '{}'", fetched.commit.short_subject())));
        }
        if current.is_none_or(|current| current.revision != revision.as_str()) {
            turn.progress(format!("building artifact: new upstream revision '{revision}'"));
        }
        let (storage, place) = (self.storage.clone(), place(&turn.object)?);
        let ignore = spec_ignore.clone();
        let subject = fetched.commit.short_subject();
        let stored = blocking(move || {
            let ignore = Ignore::for_source(&fetched.files, ignore.as_deref()).map_err(StoreFailure::Ignore)?;
            let file = format!("{}.tar.gz", fetched.commit.id);
            storage.put(&place, &file, fetched.revision, (&fetched.files, &ignore)).map_err(StoreFailure::Put)
        })
        .await;
        let stored = stored.map_err(|error| match error {
            StoreFailure::Ignore(error) => {
                let message = format!("failed to load source ignore patterns from repository: {}", chain(&error));
                Failure::new(reason::SOURCE_IGNORE_ERROR, message)
            }
            StoreFailure::Put(error) => {
                let (reason, what) = match &error {
                    PutError::Directory { .. } => {
                        (reason::DIRECTORY_CREATION_FAILED, "failed to create artifact directory")
                    }
                    _ => (reason::ARCHIVE_OPERATION_FAILED, "unable to archive artifact to storage"),
                };
                let failure = Failure::new(reason, format!("{what}: {}", chain(&error)));
                failed(turn, ConditionType::StorageOperationFailed, failure)
            }
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
        Ok(self.done(turn, format!("stored artifact for commit '{subject}'")))
    }

    /// A success, told when there is a new artifact or an end to failures.
    fn done(&self, turn: &GitTurn, told: String) -> Done {
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

/// Why packing failed.
enum StoreFailure {
    Ignore(tree::ReadError),
    Put(PutError),
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

/// The name of another object of the same namespace.
fn neighbour(object: &GitRepository, name: &str) -> Key {
    Key::new(object.namespace(), name)
}
