//! What an outcome means: one pure function from a turn's result to the object's state, its event and its next date.

use std::time::Duration;

use api::{ConditionType, FluxObject, Spec};

use crate::events::{Event, Severity};
use crate::metrics::TurnResult;
use crate::schedule::Next;
use crate::state::State;
use crate::store::Key;
use crate::turn::{Done, Failure, Retry};

/// What an outcome means.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) state: State,
    pub(crate) event: Option<Event>,
    pub(crate) next: Next,
    pub(crate) result: TurnResult,
}

/// Decides what `outcome` means for `object`.
pub(crate) fn settle<S: Spec>(
    outcome: Result<Done, Failure>,
    object: &FluxObject<S>,
    doing: Option<String>,
    jitter_percent: u32,
    wait: impl FnOnce(&[Key]),
) -> Settled {
    let failure = match outcome {
        Ok(done) => return settle_done(done, jitter_percent),
        Err(failure) => failure,
    };
    wait(&failure.waits_for);
    let (next, result) = match failure.next {
        Retry::Backoff => (Next::Backoff, TurnResult::Error),
        Retry::After(wait) => (Next::After(wait), TurnResult::RequeueAfter),
        Retry::Now => (Next::After(Duration::ZERO), TurnResult::Requeue),
        Retry::Never { .. } => (Next::Rest, TurnResult::TerminalError),
    };
    let is_error = |event: &Event| event.severity == Severity::Error;
    if failure.event.as_ref().is_some_and(is_error) {
        tracing::error!(error = failure.message, reason = failure.reason, "reconciliation failed");
    } else {
        tracing::info!(reason = failure.reason, "{}", failure.message);
    }
    let state = match failure.next {
        Retry::Never { observed } => {
            State::Stalled { reason: failure.reason.to_owned(), message: failure.message.clone(), observed }
        }
        _ => State::Retrying { reason: failure.reason.to_owned(), message: failure.message.clone(), doing },
    };
    let news = |event: &Event| is_error(event) || !says_already(object, failure.reason, &failure.message);
    let event = failure.event.filter(news);
    Settled { state, event, next, result }
}

fn settle_done(done: Done, jitter_percent: u32) -> Settled {
    let next =
        done.again.map_or(Next::Rest, |interval| Next::After(jittered(interval, jitter_percent, fastrand::f64())));
    let result = if next == Next::Rest { TurnResult::Success } else { TurnResult::RequeueAfter };
    let state = State::Ready { reason: done.reason.to_owned(), message: done.message };
    Settled { state, event: done.event, next, result }
}

fn says_already<S: Spec>(object: &FluxObject<S>, reason: &str, message: &str) -> bool {
    object
        .condition(ConditionType::Ready)
        .is_some_and(|ready| ready.status == "False" && ready.reason == reason && ready.message == message)
}

/// Moves the end of an interval by at most `percent` of it, up or down; `random` is from 0 to 1.
fn jittered(interval: Duration, percent: u32, random: f64) -> Duration {
    let share = f64::from(percent.min(99)) / 100.0;
    interval.mul_f64(1.0 - share + 2.0 * share * random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_percentage() {
        let interval = Duration::from_secs(100);
        assert_eq!(jittered(interval, 5, 0.0), Duration::from_secs(95));
        assert_eq!(jittered(interval, 5, 0.5), interval);
        assert_eq!(jittered(interval, 5, 1.0), Duration::from_secs(105));
        assert_eq!(jittered(interval, 0, 0.3), interval);
    }

    #[test]
    fn success_without_an_interval_rests() {
        let done = Done { reason: "Succeeded", message: "done".into(), again: None, event: None };
        let settled = settle_done(done, 5);
        assert_eq!((settled.next, settled.result), (Next::Rest, TurnResult::Success));
    }
}
