//! What an object's conditions say, as one value: `Ready`, `Reconciling` and `Stalled` are derived from it, so they
//! cannot contradict each other.

use api::{ConditionType, reason};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::conditions::{self, Statement};

/// The state of an object after, or during, a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// All is as the spec wants it.
    Ready {
        /// The reason of `Ready`.
        reason: String,
        /// The message of `Ready`.
        message: String,
    },
    /// Work is under way, and long enough to say so.
    Progressing {
        /// What is being done, the message of `Reconciling`.
        doing: String,
    },
    /// It failed and is tried again.
    Retrying {
        /// The reason of `Ready`.
        reason: String,
        /// The message of `Ready`.
        message: String,
        /// What was being done when it failed. Without it, `Reconciling` stays as it was.
        doing: Option<String>,
    },
    /// It failed, and only an edit of the object (or of what it refers to) can help.
    Stalled {
        /// The reason of `Ready` and `Stalled`.
        reason: String,
        /// The message of both.
        message: String,
        /// Whether the object's generation counts as observed. Where it does not, kstatus goes on saying `InProgress`.
        observed: bool,
    },
}

impl State {
    /// Whether the generation counts as observed in this state.
    pub fn is_observed(&self) -> bool {
        matches!(self, Self::Ready { .. } | Self::Stalled { observed: true, .. })
    }

    /// Writes the state into an object's conditions.
    pub fn write(&self, conditions: &mut Vec<Condition>, generation: i64, now: Timestamp) {
        let mut say = |statement: Statement| conditions::set(conditions, &statement, generation, now);
        match self {
            Self::Ready { reason, message } => {
                say(Statement::yes(ConditionType::Ready, reason, message));
                conditions::remove(conditions, ConditionType::Reconciling);
                conditions::remove(conditions, ConditionType::Stalled);
            }
            Self::Progressing { doing } => {
                say(Statement::unknown(ConditionType::Ready, reason::PROGRESSING, "Reconciliation in progress"));
                say(Statement::yes(ConditionType::Reconciling, reason::PROGRESSING, doing));
                conditions::remove(conditions, ConditionType::Stalled);
            }
            Self::Retrying { reason, message, doing } => {
                say(Statement::no(ConditionType::Ready, reason, message));
                let before =
                    conditions::get(conditions, ConditionType::Reconciling).map(|condition| condition.message.clone());
                if let Some(doing) = doing.clone().or(before) {
                    let retrying = Statement::yes(ConditionType::Reconciling, reason::PROGRESSING_WITH_RETRY, doing);
                    conditions::set(conditions, &retrying, generation, now);
                }
                conditions::remove(conditions, ConditionType::Stalled);
            }
            Self::Stalled { reason, message, .. } => {
                say(Statement::no(ConditionType::Ready, reason, message));
                say(Statement::yes(ConditionType::Stalled, reason, message));
                conditions::remove(conditions, ConditionType::Reconciling);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(states: &[State], expected: &[(&str, &str, &str, &str)]) {
        let mut written = Vec::new();
        for state in states {
            state.write(&mut written, 1, Timestamp::UNIX_EPOCH);
        }
        let written: Vec<_> = written
            .iter()
            .map(|c| (c.type_.as_str(), c.status.as_str(), c.reason.as_str(), c.message.as_str()))
            .collect();
        assert_eq!(written, expected);
    }

    fn ready() -> State {
        State::Ready { reason: "Succeeded".into(), message: "done".into() }
    }

    fn retrying(doing: Option<&str>) -> State {
        State::Retrying { reason: "BuildFailed".into(), message: "no".into(), doing: doing.map(Into::into) }
    }

    #[test]
    fn success_leaves_only_ready() {
        check(&[retrying(Some("building")), ready()], &[("Ready", "True", "Succeeded", "done")]);
    }

    #[test]
    fn a_failure_says_what_was_being_done() {
        check(
            &[ready(), retrying(Some("building"))],
            &[("Reconciling", "True", "ProgressingWithRetry", "building"), ("Ready", "False", "BuildFailed", "no")],
        );
    }

    #[test]
    fn a_failure_before_any_work_does_not_invent_progress() {
        check(&[retrying(None)], &[("Ready", "False", "BuildFailed", "no")]);
        check(
            &[State::Progressing { doing: "fetching".into() }, retrying(None)],
            &[("Reconciling", "True", "ProgressingWithRetry", "fetching"), ("Ready", "False", "BuildFailed", "no")],
        );
    }

    #[test]
    fn a_stall_is_not_reconciling() {
        let stalled = State::Stalled { reason: "AccessDenied".into(), message: "no".into(), observed: false };
        assert!(!stalled.is_observed());
        check(
            &[retrying(Some("building")), stalled],
            &[("Stalled", "True", "AccessDenied", "no"), ("Ready", "False", "AccessDenied", "no")],
        );
    }

    #[test]
    fn a_retry_ends_a_stall() {
        let stalled = State::Stalled { reason: "AccessDenied".into(), message: "no".into(), observed: true };
        check(
            &[stalled, retrying(Some("building"))],
            &[("Reconciling", "True", "ProgressingWithRetry", "building"), ("Ready", "False", "BuildFailed", "no")],
        );
    }
}
