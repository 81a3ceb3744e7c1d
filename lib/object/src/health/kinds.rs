//! The rules of built-in kinds.

use jiff::Timestamp;
use serde_json::Value;

use super::{Condition, Health, SCHEDULE_WINDOW, Status, conditions};
use crate::Object;

/// The deadline with which the Deployment controller is asked to set no deadline.
const NO_DEADLINE: i64 = i32::MAX as i64;

/// The health of an object of a kind that has rules of its own.
pub(super) fn of_kind(object: &Object, now: Timestamp) -> Option<Health> {
    Some(match (object.group(), object.kind()) {
        ("", "ConfigMap" | "Secret") | ("batch", "CronJob") => Health::current("Resource is always ready"),
        ("", "Service") => service(object),
        ("", "Pod") => pod(object, now),
        ("", "PersistentVolumeClaim") => claim(object),
        ("apps" | "extensions", "Deployment") => deployment(object),
        ("apps" | "extensions", "ReplicaSet") => replica_set(object),
        ("apps" | "extensions", "DaemonSet") => daemon_set(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("policy", "PodDisruptionBudget") => Health::current("AllowedDisruptions has been computed."),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        _ => return None,
    })
}

/// A Job by Flux's rule: it is current when it has done its work, not when it has begun.
///
/// Deletion and generation are deliberately not looked at, as in upstream's reader.
pub(super) fn job(object: &Object) -> Health {
    if object.field(&["spec", "suspend"]) == Some(&Value::Bool(true)) {
        return Health::current("Job is suspended");
    }
    let parallelism = int(object, &["spec", "parallelism"], 1);
    let completions = int(object, &["spec", "completions"], parallelism);
    let [active, succeeded, failed] = ["active", "succeeded", "failed"].map(|key| int(object, &["status", key], 0));
    for condition in conditions(object) {
        match (condition.kind, condition.status) {
            ("Complete", "True") => {
                return Health::current(format!("Job Completed. succeeded: {succeeded}/{completions}"));
            }
            ("Failed", "True") => return Health::failed(format!("Job Failed. failed: {failed}/{completions}")),
            _ => {}
        }
    }
    if text(object, &["status", "startTime"]).is_empty() {
        return Health::in_progress(format!("Job not started. active: 0/{parallelism}"));
    }
    Health::in_progress(format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}"))
}

fn deployment(object: &Object) -> Health {
    let mut progressed = int(object, &["spec", "progressDeadlineSeconds"], NO_DEADLINE) == NO_DEADLINE;
    let mut available = false;
    for condition in conditions(object) {
        match condition {
            Condition { kind: "Progressing", reason: "ProgressDeadlineExceeded", .. } => {
                return Health::failed("Progress deadline exceeded");
            }
            Condition { kind: "Progressing", status: "True", reason: "NewReplicaSetAvailable", .. } => {
                progressed = true;
            }
            Condition { kind: "Available", status: "True", .. } => available = true,
            _ => {}
        }
    }
    let wanted = int(object, &["spec", "replicas"], 1);
    let [replicas, updated, ready, ready_for_long] =
        ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"]
            .map(|key| int(object, &["status", key], 0));
    if wanted > replicas {
        Health::in_progress(format!("Replicas: {replicas}/{wanted}"))
    } else if wanted > updated {
        Health::in_progress(format!("Updated: {updated}/{wanted}"))
    } else if replicas > wanted {
        Health::in_progress(format!("Pending termination: {}", replicas - wanted))
    } else if updated > ready_for_long {
        Health::in_progress(format!("Available: {ready_for_long}/{updated}"))
    } else if wanted > ready {
        Health::in_progress(format!("Ready: {ready}/{wanted}"))
    } else if !progressed {
        Health::in_progress("ReplicaSet not Available")
    } else if !available {
        Health::in_progress("Deployment not Available")
    } else {
        Health::current(format!("Deployment is available. Replicas: {replicas}"))
    }
}

fn replica_set(object: &Object) -> Health {
    if has_condition(object, "ReplicaFailure", "True") {
        return Health::in_progress("Replica Failure condition. Check Pods");
    }
    let wanted = int(object, &["spec", "replicas"], 1);
    let [replicas, labelled, available, ready] =
        ["replicas", "fullyLabeledReplicas", "availableReplicas", "readyReplicas"]
            .map(|key| int(object, &["status", key], 0));
    if wanted > labelled {
        Health::in_progress(format!("Labelled: {labelled}/{wanted}"))
    } else if wanted > available {
        Health::in_progress(format!("Available: {available}/{wanted}"))
    } else if wanted > ready {
        Health::in_progress(format!("Ready: {ready}/{wanted}"))
    } else if replicas > wanted {
        Health::in_progress(format!("Pending termination: {}", replicas - wanted))
    } else {
        Health::current(format!("ReplicaSet is available. Replicas: {replicas}"))
    }
}

fn daemon_set(object: &Object) -> Health {
    // A DaemonSet's counts are meaningless until its controller has seen it, which these two tell.
    if object.generation().is_none() {
        return Health::in_progress("DaemonSet metadata.generation not found");
    }
    if object.field(&["status", "observedGeneration"]).is_none() {
        return Health::in_progress("DaemonSet status.observedGeneration not found");
    }
    let [current, updated, available, ready] =
        ["currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"]
            .map(|key| int(object, &["status", key], 0));
    let wanted = int(object, &["status", "desiredNumberScheduled"], -1);
    if wanted == -1 {
        return Health::in_progress("Missing .status.desiredNumberScheduled");
    }
    for (name, count) in [("Current", current), ("Updated", updated), ("Available", available), ("Ready", ready)] {
        if wanted > count {
            return Health::in_progress(format!("{name}: {count}/{wanted}"));
        }
    }
    Health::current(format!("All replicas scheduled as expected. Replicas: {wanted}"))
}

fn stateful_set(object: &Object) -> Health {
    if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Health::current("StatefulSet is using the ondelete update strategy");
    }
    let wanted = int(object, &["spec", "replicas"], 1);
    let [replicas, ready, current, updated] =
        ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas"].map(|key| int(object, &["status", key], 0));
    let partition = int(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], -1);
    if wanted > replicas {
        Health::in_progress(format!("Replicas: {replicas}/{wanted}"))
    } else if wanted > ready {
        Health::in_progress(format!("Ready: {ready}/{wanted}"))
    } else if replicas > wanted {
        Health::in_progress(format!("Pending termination: {}", replicas - wanted))
    } else if partition != -1 && updated < wanted.saturating_sub(partition) {
        Health::in_progress(format!("updated: {updated}/{}", wanted.saturating_sub(partition)))
    } else if partition != -1 {
        Health::current(format!("Partition rollout complete. updated: {updated}"))
    } else if wanted > current {
        Health::in_progress(format!("current: {current}/{wanted}"))
    } else if text(object, &["status", "currentRevision"]) != text(object, &["status", "updateRevision"]) {
        Health::in_progress("Waiting for updated revision to match current")
    } else {
        Health::current(format!("All replicas scheduled as expected. Replicas: {replicas}"))
    }
}

fn pod(object: &Object, now: Timestamp) -> Health {
    match text(object, &["status", "phase"]) {
        "Succeeded" => Health::current("Pod has completed successfully"),
        "Failed" => Health::current("Pod has completed, but not successfully"),
        "Running" if has_condition(object, "Ready", "True") => Health::current("Pod is Ready"),
        "Running" => {
            let crashing = crash_looping(object);
            if crashing.is_empty() {
                Health::in_progress("Pod is running but is not Ready")
            } else {
                Health::failed(format!("Containers in CrashLoop state: {}", crashing.join(",")))
            }
        }
        "Pending" => {
            let unschedulable = conditions(object).any(|condition| {
                (condition.kind, condition.status, condition.reason) == ("PodScheduled", "False", "Unschedulable")
            });
            if unschedulable { unscheduled(object, now) } else { Health::in_progress("Pod is in the Pending phase") }
        }
        "" => Health::in_progress("Pod phase not available"),
        phase => Health::new(Status::Unknown, format!("unknown phase {phase}")),
    }
}

fn unscheduled(object: &Object, now: Timestamp) -> Health {
    let created = text(object, &["metadata", "creationTimestamp"]).parse::<Timestamp>().ok();
    match created.and_then(|created| created.checked_add(SCHEDULE_WINDOW).ok()) {
        Some(deadline) if now < deadline => {
            Health { look_again: Some(deadline), ..Health::in_progress("Pod has not been scheduled") }
        }
        _ => Health::failed("Pod could not be scheduled"),
    }
}

fn crash_looping(object: &Object) -> Vec<&str> {
    let containers = object.field(&["status", "containerStatuses"]).and_then(Value::as_array);
    let crashing = containers.into_iter().flatten().filter(|container| {
        container.pointer("/state/waiting/reason").and_then(Value::as_str) == Some("CrashLoopBackOff")
    });
    crashing.filter_map(|container| container.get("name")?.as_str()).collect()
}

fn claim(object: &Object) -> Health {
    match object.field(&["status", "phase"]).and_then(Value::as_str).unwrap_or("unknown") {
        "Bound" => Health::current("PVC is Bound"),
        phase => Health::in_progress(format!("PVC is not Bound. phase: {phase}")),
    }
}

fn service(object: &Object) -> Health {
    // The external address is deliberately not awaited.
    if text(object, &["spec", "type"]) == "LoadBalancer" && text(object, &["spec", "clusterIP"]).is_empty() {
        Health::in_progress("ClusterIP not set. Service type: LoadBalancer")
    } else {
        Health::current("Service is ready")
    }
}

fn definition(object: &Object) -> Health {
    for condition in conditions(object) {
        match condition {
            Condition { kind: "NamesAccepted", status: "False", message, .. } => return Health::failed(message),
            Condition { kind: "Established", status: "False", reason, message } if reason != "Installing" => {
                return Health::failed(message);
            }
            Condition { kind: "Established", status: "True", .. } => return Health::current("CRD is established"),
            _ => {}
        }
    }
    Health::in_progress("Install in progress")
}

fn has_condition(object: &Object, kind: &str, status: &str) -> bool {
    conditions(object).any(|condition| condition.kind == kind && condition.status == status)
}

fn int(object: &Object, path: &[&str], default: i64) -> i64 {
    object.field(path).and_then(Value::as_i64).unwrap_or(default)
}

fn text<'a>(object: &'a Object, path: &[&str]) -> &'a str {
    object.field(path).and_then(Value::as_str).unwrap_or_default()
}
