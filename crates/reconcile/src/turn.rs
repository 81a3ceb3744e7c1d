//! One turn of one object: what the reconciler gets, and what it gives back.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use api::{ConditionType, FluxObject, Spec, Status};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Client, ResourceExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::conditions::{self, Statement};
use crate::events::{Event, Recorder, Severity};
use crate::status::Writer;
use crate::store::Key;

/// What a controller does for its kind. The driver does the rest.
pub trait Reconciler: Send + Sync + 'static {
    /// The kind, by its spec.
    type Spec: Spec;

    /// Brings the world to what the object's spec wants, as far as it can be brought now.
    fn reconcile(&self, turn: &mut Turn<Self::Spec>) -> impl Future<Output = Result<Done, Failure>> + Send;

    /// Cleans up behind an object that is being deleted. When it succeeds the finalizer is removed.
    fn finalize(&self, turn: &mut Turn<Self::Spec>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Forgets what is remembered of an object that is gone.
    fn forget(&self, _key: &Key) {}
}

/// All is as the spec wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The reason of `Ready`.
    pub reason: &'static str,
    /// The message of `Ready`.
    pub message: String,
    /// When to look again although nothing happened; the driver spreads it by the interval jitter.
    pub again: Option<Duration>,
    /// What happened, if it is worth telling.
    pub event: Option<Event>,
}

/// It is not as the spec wants it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The reason of `Ready`.
    pub reason: &'static str,
    /// The message of `Ready`, with every cause. Deterministic: a repeated failure gives the same text.
    pub message: String,
    /// What comes next.
    pub next: Retry,
    /// What is told of it. An error is told each time, anything less only when the object does not say so already.
    pub event: Option<Event>,
    /// Objects of the same kind whose next change makes this one due.
    pub waits_for: Vec<Key>,
}

/// What comes after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Again after the object's back-off.
    Backoff,
    /// Again after exactly this long. It counts as waiting, not as an error of the controller.
    After(Duration),
    /// Again at once.
    Now,
    /// Not until the object is edited or something that it refers to changes.
    Never {
        /// Whether the object's generation counts as observed.
        observed: bool,
    },
}

impl Failure {
    /// A failure that is retried with back-off and told to everybody.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        let event = Event::new(Severity::Error, reason, message.clone());
        Self { reason, message, next: Retry::Backoff, event: Some(event), waits_for: Vec::new() }
    }

    /// Something is not there yet: looked at again after `at_most`, or as soon as one of `waits_for` changes.
    pub fn waiting(reason: &'static str, message: impl Into<String>, at_most: Duration) -> Self {
        Self { reason, message: message.into(), next: Retry::After(at_most), event: None, waits_for: Vec::new() }
    }

    /// Nothing but an edit can help.
    pub fn stalled(reason: &'static str, message: impl Into<String>) -> Self {
        Self { next: Retry::Never { observed: true }, ..Self::new(reason, message) }
    }

    /// Sets what comes next.
    #[must_use]
    pub fn next(mut self, next: Retry) -> Self {
        self.next = next;
        self
    }

    /// Sets what is told of it.
    #[must_use]
    pub fn tell(mut self, event: Option<Event>) -> Self {
        self.event = event;
        self
    }

    /// Sets the metadata of the event.
    #[must_use]
    pub fn metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        if let Some(event) = &mut self.event {
            event.metadata = metadata;
        }
        self
    }

    /// Sets what it waits for.
    #[must_use]
    pub fn waits_for(mut self, keys: Vec<Key>) -> Self {
        self.waits_for = keys;
        self
    }
}

/// A newer trigger came while the turn was waiting: there is no point in waiting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

/// One turn of one object.
pub struct Turn<S: Spec> {
    /// The object as it was when the turn began.
    pub object: Arc<FluxObject<S>>,
    /// The status to be. What differs from the object's is patched when the turn ends.
    pub status: S::Status,
    pub(crate) worker: Worker,
    pub(crate) progress: watch::Sender<Option<String>>,
    pub(crate) recorder: Recorder,
    pub(crate) writer: Writer<S>,
    pub(crate) started: Instant,
}

impl<S: Spec> fmt::Debug for Turn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("object", &self.key()).finish_non_exhaustive()
    }
}

impl<S: Spec> Turn<S> {
    /// The object's name.
    pub fn key(&self) -> Key {
        Key::of(self.object.as_ref())
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// How long the turn has taken.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The controller's own client.
    pub fn client(&self) -> &Client {
        &self.writer.client
    }

    /// Says what is being done. It reaches the status only when it takes long enough to be of interest, or when it fails.
    pub fn progress(&self, doing: impl Into<String>) {
        self.progress.send_replace(Some(doing.into()));
    }

    /// Sets a condition of the kind's own. `Ready`, `Reconciling` and `Stalled` follow from the outcome.
    pub fn say(&mut self, statement: &Statement) {
        let generation = self.object.generation();
        conditions::set(self.status.conditions_mut(), statement, generation, Timestamp::now());
    }

    /// Removes a condition of the kind's own.
    pub fn unsay(&mut self, condition: ConditionType) {
        conditions::remove(self.status.conditions_mut(), condition);
    }

    /// Tells what happened.
    pub fn tell(&self, event: Event) {
        self.recorder.tell(&reference(self.object.as_ref()), self.object.annotations(), event);
    }

    /// Saves the status as it is now, for what must not be lost if the process dies before the turn ends.
    ///
    /// # Errors
    /// When the API server refuses the patch or cannot be reached.
    pub async fn save(&self) -> Result<(), kube::Error> {
        self.writer.write(&self.object, &self.status).await.map(drop)
    }

    /// Waits for `future` without holding a worker.
    ///
    /// # Errors
    /// When a newer trigger came; `future` is dropped then.
    pub async fn idle<F: Future>(&mut self, future: F) -> Result<F::Output, Interrupted> {
        self.worker.idle(future).await
    }

    /// Whether a newer trigger came since the turn began.
    pub fn is_interrupted(&self) -> bool {
        self.worker.interrupt.is_cancelled()
    }
}

/// How events and logs refer to an object.
pub(crate) fn reference<S: Spec>(object: &FluxObject<S>) -> ObjectReference {
    ObjectReference {
        api_version: Some(S::KIND.api_version()),
        kind: Some(S::KIND.kind.to_owned()),
        name: object.metadata.name.clone(),
        namespace: object.metadata.namespace.clone(),
        uid: object.uid(),
        resource_version: object.resource_version(),
        field_path: None,
    }
}

/// The right to work, of which there are as many as `--concurrent` says. It is given back during waits.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    pub(crate) interrupt: CancellationToken,
}

impl Worker {
    async fn idle<F: Future>(&mut self, future: F) -> Result<F::Output, Interrupted> {
        self.permit = None;
        let outcome = tokio::select! {
            biased;
            () = self.interrupt.cancelled() => Err(Interrupted),
            output = future => Ok(output),
        };
        // The semaphore is never closed.
        self.permit = self.permits.clone().acquire_owned().await.ok();
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(permits: &Arc<Semaphore>) -> Worker {
        Worker {
            permits: permits.clone(),
            permit: permits.clone().try_acquire_owned().ok(),
            interrupt: CancellationToken::new(),
        }
    }

    #[tokio::test]
    async fn a_wait_holds_no_worker() {
        let permits = Arc::new(Semaphore::new(1));
        let mut waiting = worker(&permits);
        let free = waiting.idle(async { permits.available_permits() }).await;
        assert_eq!(free, Ok(1));
        assert_eq!(permits.available_permits(), 0, "it works on after the wait");
    }

    #[tokio::test]
    async fn a_newer_trigger_ends_a_wait_at_once() {
        let permits = Arc::new(Semaphore::new(1));
        let mut waiting = worker(&permits);
        waiting.interrupt.cancel();
        assert_eq!(waiting.idle(std::future::pending::<()>()).await, Err(Interrupted));
    }
}
