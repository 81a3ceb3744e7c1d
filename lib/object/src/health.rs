//! Whether an object has reached what it was asked to become, from its status alone.
//!
//! The rules are kstatus', as Flux uses them: properties that any kind may have come first, then rules of built-in
//! kinds, then a `Ready` condition; an object that says nothing of itself is current.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::Object;

mod kinds;

/// How long a pod may go unscheduled before that is a failure.
pub const SCHEDULE_WINDOW: SignedDuration = SignedDuration::from_secs(15);

/// How far an object has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It is what it was asked to be.
    Current,
    /// It is on the way.
    InProgress,
    /// It will not get there by itself.
    Failed,
    /// Its deletion was asked for.
    Terminating,
    /// There is no such object.
    NotFound,
    /// Its status cannot be read.
    Unknown,
}

/// Prints the name that Flux's messages use, e.g. `InProgress`.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        })
    }
}

/// How far an object has come, and why that is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// How far.
    pub status: Status,
    /// Why, in words.
    pub message: String,
    /// When to look again although the object has not changed: only a pod that waits to be scheduled fails with time.
    pub look_again: Option<Timestamp>,
}

impl Health {
    /// A status and its reason in words.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), look_again: None }
    }

    /// The health of an object that does not exist.
    pub fn not_found() -> Self {
        Self::new(Status::NotFound, "Resource not found")
    }

    fn current(message: impl Into<String>) -> Self {
        Self::new(Status::Current, message)
    }

    fn in_progress(message: impl Into<String>) -> Self {
        Self::new(Status::InProgress, message)
    }

    fn failed(message: impl Into<String>) -> Self {
        Self::new(Status::Failed, message)
    }
}

/// Computes the health of an object as it is on the cluster, status included.
///
/// # Deviation
/// Where kstatus fails because a field has an unexpected type, the result is [`Status::Unknown`] with the field's name.
///
/// # Source
/// kstatus of `fluxcd/cli-utils`, and Flux's own rule for Jobs: one is current when it is complete or suspended.
pub fn health(object: &Object, now: Timestamp) -> Health {
    if object.kind() == "Job" && object.group() == "batch" {
        return kinds::job(object);
    }
    generic(object).unwrap_or_else(|| kinds::of_kind(object, now).or_else(|| ready(object)).unwrap_or_else(is_current))
}

fn is_current() -> Health {
    Health::current("Resource is current")
}

/// Properties that any kind may have.
fn generic(object: &Object) -> Option<Health> {
    if object.is_terminating() {
        return Some(Health::new(Status::Terminating, "Resource scheduled for deletion"));
    }
    if let (Some(generation), Some(observed)) = (object.generation(), object.field(&["status", "observedGeneration"])) {
        let Some(observed) = observed.as_i64() else {
            return Some(Health::new(Status::Unknown, "status.observedGeneration is not a whole number"));
        };
        if observed != generation {
            let kind = object.kind();
            return Some(Health::in_progress(format!(
                "{kind} generation is {generation}, but latest observed generation is {observed}"
            )));
        }
    }
    conditions(object).find_map(|condition| match (condition.kind, condition.status) {
        ("Reconciling", "True") => Some(Health::in_progress(condition.message)),
        ("Stalled", "True") => Some(Health::failed(condition.message)),
        _ => None,
    })
}

/// The `Ready` condition that most custom resources have. Not ready is never a failure: nothing says that it will stay.
fn ready(object: &Object) -> Option<Health> {
    conditions(object).filter(|condition| condition.kind == "Ready").find_map(|condition| match condition.status {
        "True" => Some(Health::current("Resource is Ready")),
        "False" | "Unknown" => Some(Health::in_progress(condition.message)),
        _ => None,
    })
}

/// One entry of `status.conditions`.
#[derive(Clone, Copy)]
struct Condition<'a> {
    kind: &'a str,
    status: &'a str,
    reason: &'a str,
    message: &'a str,
}

fn conditions(object: &Object) -> impl Iterator<Item = Condition<'_>> {
    let list = object.field(&["status", "conditions"]).and_then(Value::as_array);
    list.into_iter().flatten().map(|condition| {
        let text = |key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default();
        Condition { kind: text("type"), status: text("status"), reason: text("reason"), message: text("message") }
    })
}

#[cfg(test)]
mod tests;
