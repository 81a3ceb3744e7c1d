//! The health of each kind, by what its status says.

use serde_json::json;

use super::*;

const NOW: &str = "2026-01-01T00:01:00Z";

#[track_caller]
fn check(kind: &str, generation: i64, content: &Value, expected: Status, message: &str) {
    let (api_version, kind) = kind.rsplit_once(' ').unwrap();
    let mut object = json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {"name": "x", "generation": generation, "creationTimestamp": "2026-01-01T00:00:00Z"},
    });
    for (key, value) in content.as_object().unwrap() {
        if key == "metadata" {
            object["metadata"].as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        } else {
            object[key] = value.clone();
        }
    }
    let health = health(&Object::from_value(object).unwrap(), NOW.parse().unwrap());
    assert_eq!((health.status, health.message.as_str()), (expected, message));
}

use Status::{Current, Failed, InProgress, Terminating, Unknown};

#[test]
fn what_any_kind_may_say_comes_first() {
    let deleted = json!({"metadata": {"deletionTimestamp": NOW}});
    check("v1 ConfigMap", 1, &deleted, Terminating, "Resource scheduled for deletion");
    let stale = json!({"status": {"observedGeneration": 1}});
    check("a.b/v1 X", 2, &stale, InProgress, "X generation is 2, but latest observed generation is 1");
    let reconciling = json!({"status": {"conditions": [{"type": "Reconciling", "status": "True", "message": "busy"}]}});
    check("a.b/v1 X", 1, &reconciling, InProgress, "busy");
    let stalled = json!({"status": {"conditions": [{"type": "Stalled", "status": "True", "message": "no"}]}});
    check("a.b/v1 X", 1, &stalled, Failed, "no");
    let odd = json!({"status": {"observedGeneration": "1"}});
    check("a.b/v1 X", 1, &odd, Unknown, "status.observedGeneration is not a whole number");
}

#[test]
fn custom_resources_speak_by_their_ready_condition() {
    let ready = |status: &str| json!({"status": {"conditions": [{"type": "Ready", "status": status, "message": "m"}]}});
    check("a.b/v1 X", 1, &ready("True"), Current, "Resource is Ready");
    check("a.b/v1 X", 1, &ready("False"), InProgress, "m");
    check("a.b/v1 X", 1, &ready("Unknown"), InProgress, "m");
    check("a.b/v1 X", 1, &json!({}), Current, "Resource is current");
    check("v1 ConfigMap", 1, &ready("False"), Current, "Resource is always ready");
}

#[test]
fn a_deployment_is_rolled_out_in_steps() {
    let status = |replicas: i64, updated: i64, ready: i64, available: i64, conditions: &Value| {
        json!({"spec": {"replicas": 2, "progressDeadlineSeconds": 600}, "status": {"observedGeneration": 1,
            "replicas": replicas, "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": available,
            "conditions": conditions}})
    };
    let kind = "apps/v1 Deployment";
    let done = json!([{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}, {"type": "Available", "status": "True"}]);
    check(kind, 1, &status(0, 0, 0, 0, &json!([])), InProgress, "Replicas: 0/2");
    check(kind, 1, &status(2, 1, 0, 0, &json!([])), InProgress, "Updated: 1/2");
    check(kind, 1, &status(3, 2, 2, 2, &json!([])), InProgress, "Pending termination: 1");
    check(kind, 1, &status(2, 2, 2, 1, &json!([])), InProgress, "Available: 1/2");
    check(kind, 1, &status(2, 2, 1, 2, &json!([])), InProgress, "Ready: 1/2");
    check(kind, 1, &status(2, 2, 2, 2, &json!([])), InProgress, "ReplicaSet not Available");
    check(kind, 1, &status(2, 2, 2, 2, &json!([done[0]])), InProgress, "Deployment not Available");
    check(kind, 1, &status(2, 2, 2, 2, &done), Current, "Deployment is available. Replicas: 2");
    let exceeded = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
    check(kind, 1, &status(2, 0, 0, 0, &exceeded), Failed, "Progress deadline exceeded");
}

#[test]
fn a_job_is_current_when_its_work_is_done() {
    let kind = "batch/v1 Job";
    check(kind, 1, &json!({"spec": {"suspend": true}}), Current, "Job is suspended");
    check(kind, 1, &json!({"spec": {"parallelism": 2}}), InProgress, "Job not started. active: 0/2");
    let running = json!({"status": {"startTime": NOW, "active": 1}});
    check(kind, 1, &running, InProgress, "Job in progress. success:0, active: 1, failed: 0");
    let complete = json!({"status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}});
    check(kind, 1, &complete, Current, "Job Completed. succeeded: 1/1");
    let failed = json!({"status": {"failed": 3, "conditions": [{"type": "Failed", "status": "True"}]}});
    check(kind, 1, &failed, Failed, "Job Failed. failed: 3/1");
}

#[test]
fn sets_count_their_pods() {
    let stateful = |spec: &Value, status: &Value| json!({"spec": spec, "status": status});
    let kind = "apps/v1 StatefulSet";
    let on_delete = json!({"updateStrategy": {"type": "OnDelete"}});
    check(kind, 1, &stateful(&on_delete, &json!({})), Current, "StatefulSet is using the ondelete update strategy");
    check(kind, 1, &stateful(&json!({}), &json!({})), InProgress, "Replicas: 0/1");
    let partition = json!({"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}});
    let all = json!({"replicas": 3, "readyReplicas": 3, "updatedReplicas": 1});
    check(kind, 1, &stateful(&partition, &all), Current, "Partition rollout complete. updated: 1");
    let mixed =
        json!({"replicas": 1, "readyReplicas": 1, "currentReplicas": 1, "currentRevision": "a", "updateRevision": "b"});
    check(kind, 1, &stateful(&json!({}), &mixed), InProgress, "Waiting for updated revision to match current");

    let daemon = "apps/v1 DaemonSet";
    check(daemon, 1, &json!({}), InProgress, "DaemonSet status.observedGeneration not found");
    check(
        daemon,
        1,
        &json!({"status": {"observedGeneration": 1}}),
        InProgress,
        "Missing .status.desiredNumberScheduled",
    );
    let behind = json!({"status": {"observedGeneration": 1, "desiredNumberScheduled": 2, "currentNumberScheduled": 2, "updatedNumberScheduled": 1}});
    check(daemon, 1, &behind, InProgress, "Updated: 1/2");
    let none = json!({"status": {"observedGeneration": 1, "desiredNumberScheduled": 0}});
    check(daemon, 1, &none, Current, "All replicas scheduled as expected. Replicas: 0");

    check("apps/v1 ReplicaSet", 1, &json!({"spec": {"replicas": 1}}), InProgress, "Labelled: 0/1");
    check("apps/v1 ReplicaSet", 1, &json!({"spec": {"replicas": 0}}), Current, "ReplicaSet is available. Replicas: 0");
}

#[test]
fn pods_fail_by_crashing_or_by_staying_unscheduled() {
    let kind = "v1 Pod";
    check(kind, 1, &json!({}), InProgress, "Pod phase not available");
    check(kind, 1, &json!({"status": {"phase": "Failed"}}), Current, "Pod has completed, but not successfully");
    check(kind, 1, &json!({"status": {"phase": "Odd"}}), Unknown, "unknown phase Odd");
    let crashing = json!({"status": {"phase": "Running", "containerStatuses": [
        {"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}, {"name": "b", "state": {"running": {}}}]}});
    check(kind, 1, &crashing, Failed, "Containers in CrashLoop state: a");
    let unscheduled = |created: &str| {
        json!({"metadata": {"creationTimestamp": created}, "status": {"phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}})
    };
    check(kind, 1, &unscheduled("2026-01-01T00:00:44Z"), Failed, "Pod could not be scheduled");
    check(kind, 1, &unscheduled("2026-01-01T00:00:46Z"), InProgress, "Pod has not been scheduled");
}

#[test]
fn an_unscheduled_pod_names_when_it_will_have_failed() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "creationTimestamp": NOW},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}});
    let health = health(&Object::from_value(pod).unwrap(), NOW.parse().unwrap());
    assert_eq!(health.look_again, Some("2026-01-01T00:01:15Z".parse().unwrap()));
}

#[test]
fn the_other_kinds() {
    check("v1 Service", 1, &json!({}), Current, "Service is ready");
    let balanced = json!({"spec": {"type": "LoadBalancer"}});
    check("v1 Service", 1, &balanced, InProgress, "ClusterIP not set. Service type: LoadBalancer");
    check("v1 PersistentVolumeClaim", 1, &json!({}), InProgress, "PVC is not Bound. phase: unknown");
    check("v1 PersistentVolumeClaim", 1, &json!({"status": {"phase": "Bound"}}), Current, "PVC is Bound");
    check("policy/v1 PodDisruptionBudget", 1, &json!({}), Current, "AllowedDisruptions has been computed.");
    let kind = "apiextensions.k8s.io/v1 CustomResourceDefinition";
    let condition = |kind: &str, status: &str, reason: &str| json!({"status": {"conditions": [{"type": kind, "status": status, "reason": reason, "message": "m"}]}});
    check(kind, 1, &json!({}), InProgress, "Install in progress");
    check(kind, 1, &condition("Established", "True", ""), Current, "CRD is established");
    check(kind, 1, &condition("Established", "False", "Installing"), InProgress, "Install in progress");
    check(kind, 1, &condition("Established", "False", "Odd"), Failed, "m");
    check(kind, 1, &condition("NamesAccepted", "False", "Conflict"), Failed, "m");
}
