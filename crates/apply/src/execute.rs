//! Does what a plan says, and makes no choices.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use object::Object;
use serde_json::Value;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::discovery::Resource;
use crate::failure::{Attempt, Cause, Failure};
use crate::plan::{Plan, Step};
use crate::request::{self, Mode, Refusal};
use crate::watch::Alarm;
use crate::{Action, Change, Changes, Policy, memory};

/// How long an object that is replaced may take to disappear.
const REPLACE_TIMEOUT: Duration = Duration::from_mins(1);
/// How often its absence is asked for, besides being told.
const REPLACE_POLL: Duration = Duration::from_secs(2);

/// Does the steps of a plan in order; those of the same kind several at a time.
///
/// Returns what was done, and what was refused. After a refusal, steps of other kinds are not begun.
pub async fn execute(cluster: &Cluster, plan: Plan, policy: &Policy) -> (Changes, Vec<Failure>) {
    let execution = Execution { cluster, policy };
    let mut changes = Changes::default();
    let mut failures = Vec::new();
    let mut steps = plan.steps.into_iter().peekable();
    while let Some(first) = steps.next() {
        if !failures.is_empty() {
            break;
        }
        let kind = first.entry().id.group_kind();
        let mut group = vec![first];
        while let Some(step) = steps.next_if(|step| step.entry().id.group_kind() == kind) {
            group.push(step);
        }
        let doing = group.into_iter().map(|step| execution.step(step));
        let done: Vec<_> = futures::stream::iter(doing).buffered(cluster.settings.concurrency.max(1)).collect().await;
        for result in done {
            match result {
                Ok(change) => changes.0.push(change),
                Err(failure) => failures.push(failure),
            }
        }
    }
    (changes, failures)
}

struct Execution<'a> {
    cluster: &'a Cluster,
    policy: &'a Policy,
}

impl Execution<'_> {
    async fn step(&self, step: Step) -> Result<Change, Failure> {
        match step {
            Step::Skip { entry, .. } => Ok(Change { entry, action: Action::Skipped }),
            Step::Keep { desired, live } => {
                if let Some(live) = live {
                    self.remember(&desired, &live);
                }
                Ok(Change::of(&desired, Action::Unchanged))
            }
            Step::Create { desired } => self.apply(&desired, &desired, Action::Created).await,
            Step::Configure { desired, payload, cleanup, .. } => {
                if let Some(patch) = cleanup {
                    self.clean_up(&desired, &patch).await?;
                }
                self.apply(&desired, &payload, Action::Configured).await
            }
            Step::Replace { desired, live, .. } => {
                self.remove(&desired, &live).await?;
                self.apply(&desired, &desired, Action::Created).await
            }
        }
    }

    async fn apply(&self, desired: &Object, payload: &Object, action: Action) -> Result<Change, Failure> {
        let resource = self.resource(desired, Attempt::Apply).await?;
        let manager = &self.cluster.settings.manager;
        let applied = request::apply(&self.cluster.client, &resource, payload, manager, Mode::Real).await;
        let live = applied.map_err(|refusal| refused(desired, Attempt::Apply, refusal))?;
        self.remember(desired, &live);
        Ok(Change::of(desired, action))
    }

    async fn clean_up(&self, desired: &Object, patch: &Value) -> Result<(), Failure> {
        let resource = self.resource(desired, Attempt::CleanUp).await?;
        let manager = &self.cluster.settings.manager;
        let cleaned = request::json_patch(&self.cluster.client, &resource, &desired.id(), manager, patch).await;
        cleaned.map(drop).map_err(|refusal| refused(desired, Attempt::CleanUp, refusal))
    }

    /// Deletes an object that is to be replaced, and waits until it is gone.
    async fn remove(&self, desired: &Object, live: &Object) -> Result<(), Failure> {
        let resource = self.resource(desired, Attempt::Replace).await?;
        let alarm = Arc::new(Alarm::default());
        self.cluster.watches.subscribe(&desired.id(), &alarm);
        self.cluster.memory.forget(&desired.id());
        let deleted = request::delete(&self.cluster.client, &resource, live).await;
        deleted.map_err(|refusal| refused(desired, Attempt::Replace, refusal))?;
        let deadline = Instant::now() + REPLACE_TIMEOUT;
        loop {
            let found = request::get(&self.cluster.client, &resource, &desired.id()).await;
            match found.map_err(|refusal| refused(desired, Attempt::Disappear, refusal))? {
                Some(found) if found.uid() == live.uid() => {}
                _ => return Ok(()),
            }
            if Instant::now() >= deadline {
                let refusal = Refusal::timeout(format!("it still exists after {} s", REPLACE_TIMEOUT.as_secs()));
                return Err(refused(desired, Attempt::Disappear, refusal));
            }
            // Whichever comes first; both lead to another look.
            let _ = tokio::time::timeout(REPLACE_POLL, alarm.wait()).await;
            alarm.take();
        }
    }

    async fn resource(&self, desired: &Object, attempt: Attempt) -> Result<Arc<Resource>, Failure> {
        let resource = self.cluster.resolve(&desired.gvk()).await;
        resource.map_err(|error| Failure::of(desired, attempt, Cause::NoMatch(error)))
    }

    fn remember(&self, desired: &Object, live: &Object) {
        self.cluster.remember(memory::desired(desired, self.policy.ignore.text()), live);
    }
}

fn refused(desired: &Object, attempt: Attempt, refusal: Refusal) -> Failure {
    Failure::of(desired, attempt, Cause::Refused(refusal))
}
