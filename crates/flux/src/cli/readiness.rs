//! Whether one of Flux's objects is as its spec wants it, and waiting until it is.

use std::time::Duration;

use kube::core::DynamicObject;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use crate::cli::{cluster::Cluster, failure::Failure, kinds::Row, settings::Settings};

/// How often an object is looked at while it is waited for.
const POLL: Duration = Duration::from_millis(500);

/// What is to be said of an object that was ready before, and whose controller says nothing.
const SILENCE: &str = "its controller has not answered yet";

/// How an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// As its spec wants it.
    Current,
    /// On its way.
    InProgress,
    /// Only an edit helps; or it is being deleted.
    Failed(String),
}

/// An object's condition of a type.
pub(crate) fn condition<'a>(object: &'a DynamicObject, type_: &str) -> Option<&'a Value> {
    object.data["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == type_)
}

/// The status and message of the condition `Ready`, as lists show them.
pub(crate) fn ready(object: &DynamicObject) -> (&str, &str) {
    match condition(object, "Ready") {
        Some(ready) => (ready["status"].as_str().unwrap_or_default(), ready["message"].as_str().unwrap_or_default()),
        None => ("False", "waiting to be reconciled"),
    }
}

/// Judges an object by kstatus' rules for kinds that it knows nothing about but their conditions.
pub(crate) fn of(object: &DynamicObject) -> Readiness {
    if object.metadata.deletion_timestamp.is_some() {
        return Readiness::Failed("it is being deleted".to_owned());
    }
    let observed = object.data["status"]["observedGeneration"].as_i64();
    if observed.is_some_and(|observed| Some(observed) != object.metadata.generation) {
        return Readiness::InProgress;
    }
    for condition in object.data["status"]["conditions"].as_array().into_iter().flatten() {
        match (condition["type"].as_str(), condition["status"].as_str()) {
            (Some("Reconciling"), Some("True")) => return Readiness::InProgress,
            (Some("Stalled"), Some("True")) => {
                return Readiness::Failed(condition["message"].as_str().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }
    match condition(object, "Ready") {
        Some(ready) if ready["status"] != "True" => Readiness::InProgress,
        _ => Readiness::Current,
    }
}

/// Judges an object that was just written: only what the controller says about this very generation counts.
pub(crate) fn of_written(object: &DynamicObject) -> Readiness {
    let observed = object.data["status"]["observedGeneration"].as_i64().unwrap_or_default();
    let spoken = condition(object, "Ready").is_some_and(|ready| {
        let of = ready["observedGeneration"].as_i64().filter(|of| *of != 0).unwrap_or(observed);
        Some(of) == object.metadata.generation
    });
    if observed < 1 || !spoken { Readiness::InProgress } else { of(object) }
}

/// Waits until an object is as the judge wants it.
///
/// # Errors
/// The object fails, is gone, or the time is over; then the last thing that its controller said is part of the message.
pub(crate) async fn wait(
    cluster: &Cluster,
    (row, name): (&Row, &str),
    settings: &Settings,
    deadline: Instant,
    judge: impl Fn(&DynamicObject) -> Readiness,
) -> Result<DynamicObject, Failure> {
    let namespace = &settings.namespace;
    let mut last = SILENCE.to_owned();
    loop {
        let Ok(read) = timeout_at(deadline, cluster.get(row, namespace, name)).await else {
            return Err(late(row, namespace, name, settings, &last));
        };
        let object = read?;
        match judge(&object) {
            Readiness::Current => return Ok(object),
            Readiness::Failed(message) => return Err(Failure::new(message)),
            Readiness::InProgress => match ready(&object) {
                ("True", _) => SILENCE.clone_into(&mut last),
                (_, message) => message.clone_into(&mut last),
            },
        }
        if Instant::now() + POLL >= deadline {
            return Err(late(row, namespace, name, settings, &last));
        }
        sleep(POLL).await;
    }
}

fn late(row: &Row, namespace: &str, name: &str, settings: &Settings, last: &str) -> Failure {
    let kind = row.api.kind;
    let message = format!("{kind}/{namespace}/{name} is not ready after {}: {last}", settings.timeout);
    Failure::new(message).hint(format!("flux events --for {kind}/{name} -n {namespace}"))
}

/// When a command that starts now has to end.
pub(crate) fn deadline(settings: &Settings) -> Instant {
    Instant::now() + settings.timeout.to_std()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn object(generation: i64, status: &Value) -> DynamicObject {
        serde_json::from_value(json!({ "metadata": { "name": "a", "generation": generation }, "status": status }))
            .unwrap()
    }

    #[test]
    fn only_what_is_said_about_this_generation_counts() {
        let ready = json!([{ "type": "Ready", "status": "True", "observedGeneration": 1 }]);
        assert_eq!(
            of_written(&object(1, &json!({ "observedGeneration": 1, "conditions": ready }))),
            Readiness::Current
        );
        assert_eq!(
            of_written(&object(2, &json!({ "observedGeneration": 1, "conditions": ready }))),
            Readiness::InProgress
        );
        assert_eq!(of_written(&object(1, &json!({ "observedGeneration": -1 }))), Readiness::InProgress);
        assert_eq!(of_written(&object(1, &json!({ "observedGeneration": 1 }))), Readiness::InProgress);
        let unmarked = json!([{ "type": "Ready", "status": "True" }]);
        assert_eq!(
            of_written(&object(3, &json!({ "observedGeneration": 3, "conditions": unmarked }))),
            Readiness::Current
        );
    }

    #[test]
    fn only_stalled_objects_fail() {
        let retrying = json!([
            { "type": "Reconciling", "status": "True" },
            { "type": "Ready", "status": "False", "message": "no" },
        ]);
        assert_eq!(of(&object(1, &json!({ "observedGeneration": 1, "conditions": retrying }))), Readiness::InProgress);
        let stalled = json!([{ "type": "Stalled", "status": "True", "message": "no" }]);
        let failed = Readiness::Failed("no".to_owned());
        assert_eq!(of(&object(1, &json!({ "observedGeneration": 1, "conditions": stalled }))), failed);
        assert_eq!(of(&object(1, &json!({}))), Readiness::Current);
    }
}
