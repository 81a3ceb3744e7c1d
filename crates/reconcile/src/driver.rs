//! The loop that every controller runs in:
//!
//! `load → gone? → deleting? finalize : finalizer → suspended? → acknowledge request → reconcile → settle → patch status
//! → event → metrics → requeue`
//!
//! It is the only place that writes conditions, tells of outcomes and counts turns. It knows no kind's name.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::well_known::REQUESTED_AT;
use api::{ConditionType, FluxObject, Spec, Status};
use futures::FutureExt;
use jiff::Timestamp;
use kube::{Client, ResourceExt};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::conditions;
use crate::events::Recorder;
use crate::metrics::{ControllerMetrics, Metrics, TurnResult};
use crate::schedule::{Backoff, Next, Schedule};
use crate::settle::{self, Settled};
use crate::state::State;
use crate::status::Writer;
use crate::store::{Change, Key, Store};
use crate::turn::{Done, Failure, Reconciler, Retry, Turn, Worker};

/// Work that takes longer is worth a status patch that says what is being done.
const WORTH_SAYING: Duration = Duration::from_secs(1);
/// How long running turns have to end once the process is asked to.
const GRACE: Duration = Duration::from_secs(20);

/// How a controller runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The controller's name in metrics and logs, e.g. `kustomization`.
    pub controller: &'static str,
    /// Who writes status and finalizers, e.g. `gotk-kustomize-controller`.
    pub field_manager: &'static str,
    /// How many objects are worked on at once. Waits do not count.
    pub concurrent: usize,
    /// The wait after failures that are retried with back-off.
    pub backoff: Backoff,
    /// By how many percent of an interval its end is moved, up or down, so that objects spread out.
    pub jitter_percent: u32,
    /// What a suspended object's status says.
    pub suspended: Suspended,
}

/// What a turn of a suspended object changes in its status, besides acknowledging a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspended {
    /// A ready object counts as observed; its conditions stay.
    Observed,
    /// The object counts as observed, and `Ready` speaks of the new generation.
    Refreshed,
}

/// What drivers of one process share.
#[derive(Clone)]
pub struct Shared {
    /// The controllers' own client.
    pub client: Client,
    /// Tells events of this controller.
    pub recorder: Recorder,
    /// Counts.
    pub metrics: Metrics,
}

/// Makes objects of a controller due. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Triggers(mpsc::UnboundedSender<Key>);

impl Triggers {
    /// Makes an object due now.
    pub fn trigger(&self, key: Key) {
        // Once the driver has ended nothing is due any more.
        drop(self.0.send(key));
    }
}

/// The objects that a reconciler is for.
type Objects<R> = Arc<Store<FluxObject<<R as Reconciler>::Spec>>>;

/// A controller that is ready to run.
pub struct Driver<R: Reconciler> {
    reconciler: Arc<R>,
    store: Objects<R>,
    shared: Shared,
    settings: Settings,
    triggers: Triggers,
    triggered: mpsc::UnboundedReceiver<Key>,
}

impl<R: Reconciler> Driver<R> {
    /// Makes a driver for the objects in `store`, and listens to their changes from now on.
    pub fn new(reconciler: Arc<R>, store: Objects<R>, shared: Shared, settings: Settings) -> Self {
        let (sender, triggered) = mpsc::unbounded_channel();
        let triggers = Triggers(sender);
        let own = triggers.clone();
        store.listen(move |change| {
            if calls_for_a_turn(change) {
                own.trigger(change.key.clone());
            }
        });
        Self { reconciler, store, shared, settings, triggers, triggered }
    }

    /// For those who know when objects of this controller are due: watches of what they refer to.
    pub fn triggers(&self) -> Triggers {
        self.triggers.clone()
    }

    /// Runs until `stop` fires, then lets turns end.
    pub async fn run(mut self, stop: CancellationToken) {
        self.store.synced().await;
        let metrics = self.shared.metrics.controller(self.settings.controller, self.settings.concurrent);
        let waits = self.wake_those_who_wait();
        let controller = Arc::new(Controller {
            reconciler: self.reconciler,
            writer: Writer {
                client: self.shared.client.clone(),
                store: self.store.clone(),
                manager: self.settings.field_manager,
            },
            recorder: self.shared.recorder.clone(),
            metrics: metrics.clone(),
            waits,
            settings: self.settings,
        });
        let workers = Arc::new(Semaphore::new(controller.settings.concurrent));
        let mut schedule = Schedule::new(controller.settings.backoff);
        let mut interrupts: HashMap<Key, CancellationToken> = HashMap::new();
        let mut turns = JoinSet::new();
        loop {
            let now = Instant::now();
            metrics.depth(schedule.depth(now));
            let next = schedule.next_date();
            let due = next.is_some_and(|date| date <= now);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some((key, next)) = join(&mut turns) => {
                    interrupts.remove(&key);
                    schedule.end(&key, next, Instant::now());
                }
                Some(key) = self.triggered.recv() => {
                    metrics.queued();
                    if schedule.trigger(&key, now)
                        && let Some(interrupt) = interrupts.get(&key)
                    {
                        interrupt.cancel();
                    }
                }
                Ok(permit) = workers.clone().acquire_owned(), if due => {
                    let Some((key, since)) = schedule.take(now) else { continue };
                    metrics.began(now.duration_since(since));
                    let interrupt = CancellationToken::new();
                    interrupts.insert(key.clone(), interrupt.clone());
                    let worker = Worker { permits: workers.clone(), permit: Some(permit), interrupt };
                    turns.spawn(controller.clone().turn(key, worker));
                }
                () = sleep_until(next), if !due => {}
            }
        }
        // Waits end at once; work has a while to end in good order.
        interrupts.values().for_each(CancellationToken::cancel);
        if tokio::time::timeout(GRACE, async { while join(&mut turns).await.is_some() {} }).await.is_err() {
            tracing::warn!(controller = controller.settings.controller, "turns cut off at the end");
        }
    }

    /// An object that waits for others of its kind is due as soon as one of them changes.
    fn wake_those_who_wait(&self) -> Waits {
        let waits = Waits::default();
        let (listened, triggers) = (waits.clone(), self.triggers.clone());
        self.store.listen(move |change| listened.take(&change.key).into_iter().for_each(|key| triggers.trigger(key)));
        waits
    }
}

/// Whether a change of an object is one that its controller acts on: it is new, its spec or the request changed, or it
/// is being deleted. Changes of its status are our own.
fn calls_for_a_turn<S: Spec>(change: &Change<FluxObject<S>>) -> bool {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => {
            before.uid() != after.uid()
                || before.generation() != after.generation()
                || before.annotation(REQUESTED_AT) != after.annotation(REQUESTED_AT)
                || before.is_deleting() != after.is_deleting()
        }
        (before, after) => before.is_some() || after.is_some(),
    }
}

/// Waits for a turn to end. Without turns it waits for ever when nothing is left, which `select!` takes as disabled.
async fn join(turns: &mut JoinSet<(Key, Next)>) -> Option<(Key, Next)> {
    // A turn catches its own panics, and turns are never aborted while the loop runs.
    turns.join_next().await?.ok()
}

/// A random name for a turn, in the form that people search logs by.
fn reconcile_id() -> String {
    let random = format!("{:032x}", fastrand::u128(..));
    format!("{}-{}-4{}-8{}-{}", &random[..8], &random[8..12], &random[13..16], &random[17..20], &random[20..])
}

async fn sleep_until(date: Option<Instant>) {
    match date {
        Some(date) => tokio::time::sleep_until(date).await,
        None => std::future::pending().await,
    }
}

/// Which objects wait for which others of their kind.
#[derive(Debug, Clone, Default)]
struct Waits(Arc<Mutex<HashMap<Key, HashSet<Key>>>>);

impl Waits {
    fn add(&self, waiting: &Key, on: &[Key]) {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for awaited in on {
            waits.entry(awaited.clone()).or_default().insert(waiting.clone());
        }
    }

    fn take(&self, changed: &Key) -> HashSet<Key> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(changed).unwrap_or_default()
    }
}

/// What every turn of one controller shares.
struct Controller<R: Reconciler> {
    reconciler: Arc<R>,
    writer: Writer<R::Spec>,
    recorder: Recorder,
    metrics: ControllerMetrics,
    waits: Waits,
    settings: Settings,
}

impl<R: Reconciler> Controller<R> {
    /// One turn of one object. A panic in it is a failure like others: it is logged, counted and retried.
    async fn turn(self: Arc<Self>, key: Key, worker: Worker) -> (Key, Next) {
        let started = Instant::now();
        let span = tracing::info_span!(
            "turn",
            controller = self.settings.controller,
            group = R::Spec::KIND.group,
            kind = R::Spec::KIND.kind,
            namespace = key.namespace,
            name = key.name,
            id = reconcile_id(),
        );
        let turn = AssertUnwindSafe(self.steps(&key, worker, started)).catch_unwind();
        let (next, result) = turn.instrument(span).await.unwrap_or_else(|panic| {
            let cause = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
            tracing::error!(object = %key, cause = cause.unwrap_or("unknown"), "reconciliation panicked");
            self.metrics.panicked();
            (Next::Backoff, TurnResult::Error)
        });
        self.metrics.ended(result, started.elapsed());
        (key, next)
    }

    async fn steps(&self, key: &Key, worker: Worker, started: Instant) -> (Next, TurnResult) {
        let Some(object) = self.writer.store.get(key) else { return self.gone(key) };
        let finalizer = object.has_finalizer();
        if object.is_deleting() {
            // Without our finalizer we have nothing to clean up: somebody else's keeps it.
            return if finalizer { self.finalize(object, worker, started).await } else { rest() };
        }
        if !finalizer {
            // Nothing else in this turn, so that nothing is ever done for an object that could go without a trace.
            return match self.writer.add_finalizer(&object).await {
                Ok(()) => (Next::Again, TurnResult::Requeue),
                Err(error) => retry_quietly(&error),
            };
        }
        if object.spec.suspended() {
            tracing::info!("Reconciliation is suspended for this object");
            return self.suspended(&object).await;
        }
        self.reconcile(object, worker, started).await
    }

    fn gone(&self, key: &Key) -> (Next, TurnResult) {
        self.reconciler.forget(key);
        self.metrics.gone(R::Spec::KIND.kind, &key.name, &key.namespace);
        (Next::Gone, TurnResult::Success)
    }

    async fn finalize(&self, object: Arc<FluxObject<R::Spec>>, worker: Worker, started: Instant) -> (Next, TurnResult) {
        let mut turn = self.begin(object.clone(), worker, started);
        let finalized = self.reconciler.finalize(&mut turn).await;
        if let Err(failure) = finalized {
            tracing::error!(error = failure.message, "finalization failed");
            if let Some(event) = failure.event {
                turn.tell(event);
            }
            return (Next::Backoff, TurnResult::Error);
        }
        match self.writer.remove_finalizer(&object).await {
            Ok(()) => rest(),
            Err(error) => retry_quietly(&error),
        }
    }

    async fn suspended(&self, object: &FluxObject<R::Spec>) -> (Next, TurnResult) {
        let mut status = object.status.clone().unwrap_or_default();
        acknowledge(object, &mut status);
        match self.settings.suspended {
            Suspended::Observed if object.is_true(ConditionType::Ready) => {
                status.set_observed_generation(object.generation());
            }
            Suspended::Observed => {}
            Suspended::Refreshed => {
                status.set_observed_generation(object.generation());
                let conditions = status.conditions_mut();
                conditions::remove(conditions, ConditionType::Stalled);
                let ready = conditions.iter_mut().find(|condition| condition.type_ == ConditionType::Ready.as_str());
                if let Some(ready) = ready {
                    ready.observed_generation = Some(object.generation());
                }
            }
        }
        match self.writer.write(object, &status).await {
            Ok(_) => rest(),
            Err(error) => retry_quietly(&error),
        }
    }

    async fn reconcile(
        &self,
        object: Arc<FluxObject<R::Spec>>,
        worker: Worker,
        started: Instant,
    ) -> (Next, TurnResult) {
        let mut turn = self.begin(object.clone(), worker, started);
        let (progress, writer) = (turn.progress.subscribe(), self.writer.clone());
        let outcome = {
            let reconciling = self.reconcile_if_readable(&mut turn);
            tokio::select! {
                biased;
                outcome = reconciling => outcome,
                never = say_what_takes_long(&object, progress, writer) => match never {},
            }
        };
        let Settled { state, event, next, result } = settle::settle::<R::Spec>(
            outcome,
            &object,
            turn.progress.borrow().clone(),
            self.settings.jitter_percent,
            |waits_for| self.waits.add(&turn.key(), waits_for),
        );
        let mut status = turn.status.clone();
        acknowledge(object.as_ref(), &mut status);
        state.write(status.conditions_mut(), object.generation(), Timestamp::now());
        if state.is_observed() {
            status.set_observed_generation(object.generation());
        }
        if let Err(error) = self.writer.write(&object, &status).await {
            return retry_quietly(&error);
        }
        if let Some(event) = event {
            turn.tell(event);
        }
        self.metrics.reconciled(R::Spec::KIND.kind, object.name(), object.namespace(), started.elapsed());
        (next, result)
    }

    /// An object with fields that could not be understood is not acted on: what its spec wants is not known.
    async fn reconcile_if_readable(&self, turn: &mut Turn<R::Spec>) -> Result<Done, Failure> {
        let problems = turn.object.problems.iter().filter(|problem| problem.field.starts_with("spec"));
        let problems: Vec<String> = problems.map(ToString::to_string).collect();
        if problems.is_empty() {
            return self.reconciler.reconcile(turn).await;
        }
        let message = format!("{}; correct the object and apply it again", problems.join("; "));
        Err(Failure::new("InvalidSpec", message).next(Retry::Never { observed: true }))
    }

    fn begin(&self, object: Arc<FluxObject<R::Spec>>, worker: Worker, started: Instant) -> Turn<R::Spec> {
        Turn {
            status: object.status.clone().unwrap_or_default(),
            object,
            worker,
            progress: watch::Sender::new(None),
            recorder: self.recorder.clone(),
            writer: self.writer.clone(),
            started,
        }
    }
}

/// Saves what is being done, each time it is still being done a while after it was said.
async fn say_what_takes_long<S: Spec>(
    object: &Arc<FluxObject<S>>,
    mut progress: watch::Receiver<Option<String>>,
    writer: Writer<S>,
) -> std::convert::Infallible {
    loop {
        if progress.changed().await.is_err() {
            return std::future::pending().await;
        }
        tokio::time::sleep(WORTH_SAYING).await;
        let Some(doing) = progress.borrow_and_update().clone() else { continue };
        let latest = writer.store.get(&Key::of(object.as_ref())).unwrap_or_else(|| object.clone());
        let mut status = latest.status.clone().unwrap_or_default();
        State::Progressing { doing }.write(status.conditions_mut(), object.generation(), Timestamp::now());
        if let Err(error) = writer.write(object, &status).await {
            tracing::debug!(%error, "progress not saved");
        }
    }
}

/// Repeats in the status the last request for a turn.
fn acknowledge<S: Spec>(object: &FluxObject<S>, status: &mut S::Status) {
    if let Some(requested) = object.requested_at() {
        status.set_last_handled_reconcile_at(requested.to_owned());
    }
}

fn rest() -> (Next, TurnResult) {
    (Next::Rest, TurnResult::Success)
}

/// A write of our own failed. A conflict, or that the object is gone, is nobody's news; all else is logged.
fn retry_quietly(error: &kube::Error) -> (Next, TurnResult) {
    match error {
        kube::Error::Api(status) if status.code == 404 => (Next::Rest, TurnResult::Success),
        kube::Error::Api(status) if status.code == 409 => {
            (Next::After(Duration::from_millis(100)), TurnResult::Requeue)
        }
        error => {
            tracing::error!(%error, "status not saved");
            (Next::Backoff, TurnResult::Error)
        }
    }
}
