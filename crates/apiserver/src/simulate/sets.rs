//! Deployments, ReplicaSets, StatefulSets and DaemonSets: what their controllers would make of them.

use serde_json::{Value, json};

use super::{
    Act, NODE, Plan, World, condition, controlled_by, failure, hash, is_deleted, items, number, pod_of, pods, text,
};

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
/// The condition of a set whose Pods are refused.
const REPLICA_FAILURE: &str = "ReplicaFailure";
/// The label that says from which revision of a set a Pod is.
const SET_REVISION: &str = "controller-revision-hash";

/// Rolls a Deployment out: the new ReplicaSet grows at once, the old ones shrink when it is ready.
pub(super) fn deployment(world: &World, deployment: &Value, plan: &mut Plan) {
    if is_deleted(deployment) || deployment["spec"]["paused"] == true {
        return;
    }
    let wanted = number(deployment, "/spec/replicas");
    let hash = hash(&deployment["spec"]["template"]);
    let name = format!("{}-{hash}", text(deployment, "/metadata/name"));
    let sets: Vec<&Value> = world.owned("replicasets", deployment).filter(|set| !is_deleted(set)).collect();
    let revision_of =
        |set: &Value| set.pointer("/metadata/annotations").and_then(|all| all[REVISION].as_str()?.parse::<i64>().ok());
    let newest = sets.iter().filter_map(|set| revision_of(set)).max().unwrap_or_default();
    let current = sets.iter().find(|set| text(set, "/metadata/name") == name);
    let Some(current) = current else {
        plan.acts.push(Act::Create(new_set(deployment, &name, &hash, newest + 1)));
        return;
    };
    scale(current, wanted, plan);
    let ready = number(current, "/status/availableReplicas");
    let is_recreated = text(deployment, "/spec/strategy/type") == "Recreate";
    for old in sets.iter().filter(|set| text(set, "/metadata/name") != name) {
        if ready >= wanted || is_recreated {
            scale(old, 0, plan);
        }
    }
    let sum = |pointer: &str| sets.iter().map(|set| number(set, pointer)).sum::<i64>();
    let (replicas, available) = (sum("/status/replicas"), sum("/status/availableReplicas"));
    let updated = number(current, "/status/replicas");
    let mut status = json!({ "observedGeneration": deployment["metadata"]["generation"], "conditions": [] });
    let counts = [
        ("replicas", replicas),
        ("updatedReplicas", updated),
        ("readyReplicas", sum("/status/readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (wanted.max(replicas) - available).max(0)),
    ];
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        status[name] = count.into();
    }
    let is_complete = updated == wanted && replicas == wanted && available == wanted;
    let conditions =
        [availability(world, deployment, available, wanted), progress(world, deployment, current, is_complete, plan)];
    let failure = std::iter::once(current).chain(&sets).find_map(|set| refusal(set));
    status["conditions"] = conditions.into_iter().chain(failure).collect();
    let status = super::as_kept(deployment, status);
    let mut changed = deployment.clone();
    let revision = revision_of(current).unwrap_or(newest).to_string();
    let is_same = deployment.get("status") == Some(&status)
        && deployment["metadata"]["annotations"][REVISION] == revision.as_str();
    if !is_same {
        changed["status"] = status;
        changed["metadata"]["annotations"][REVISION] = revision.into();
        plan.acts.push(Act::Status(changed));
    }
}

/// What a set says of its Pods that are refused, as its Deployment says it.
fn refusal(set: &Value) -> Option<Value> {
    let mut condition = items(set, "/status/conditions").find(|one| one["type"] == REPLICA_FAILURE)?.clone();
    condition["lastUpdateTime"] = condition["lastTransitionTime"].clone();
    Some(condition)
}

fn availability(world: &World, deployment: &Value, available: i64, wanted: i64) -> Value {
    // A quarter may be away while it rolls; which quarter nobody asks.
    let texts = if available >= wanted - wanted / 4 {
        ["MinimumReplicasAvailable", "Deployment has minimum availability."]
    } else {
        ["MinimumReplicasUnavailable", "Deployment does not have minimum availability."]
    };
    condition(deployment, world, "Available", texts[0] == "MinimumReplicasAvailable", texts)
}

fn progress(world: &World, deployment: &Value, set: &Value, is_complete: bool, plan: &mut Plan) -> Value {
    let name = text(set, "/metadata/name");
    let limit = jiff::SignedDuration::from_secs(number(deployment, "/spec/progressDeadlineSeconds"));
    let begun = text(set, "/metadata/creationTimestamp").parse().unwrap_or(world.now);
    let deadline = jiff::Timestamp::checked_add(begun, limit).unwrap_or(world.now);
    let (holds, reason, message) = if is_complete {
        (true, "NewReplicaSetAvailable", format!("ReplicaSet {name:?} has successfully progressed."))
    } else if world.now >= deadline {
        (false, "ProgressDeadlineExceeded", format!("ReplicaSet {name:?} has timed out progressing."))
    } else {
        plan.look_at(deadline);
        (true, "ReplicaSetUpdated", format!("ReplicaSet {name:?} is progressing."))
    };
    let mut condition = condition(deployment, world, "Progressing", holds, [reason, &message]);
    let before =
        items(deployment, "/status/conditions").find(|one| one["type"] == "Progressing" && one["reason"] == reason);
    condition["lastUpdateTime"] =
        before.map_or_else(|| world.now_text().into(), |before| before["lastUpdateTime"].clone());
    condition
}

fn new_set(deployment: &Value, name: &str, hash: &str, revision: i64) -> Value {
    let wanted = &deployment["spec"]["replicas"];
    let mut template = deployment["spec"]["template"].clone();
    let mut selector = deployment["spec"]["selector"].clone();
    template["metadata"]["labels"][HASH] = hash.into();
    selector["matchLabels"][HASH] = hash.into();
    let mut set = json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": deployment["metadata"]["namespace"],
            "labels": template["metadata"]["labels"],
            "annotations": { REVISION: revision.to_string(), "deployment.kubernetes.io/desired-replicas": wanted.to_string() },
            "ownerReferences": controlled_by(deployment),
        },
        "spec": { "replicas": wanted, "selector": selector, "template": template },
    });
    if let Some(fail) = failure(deployment) {
        set["metadata"]["annotations"][super::FAIL] = fail.into();
    }
    set
}

fn scale(set: &Value, replicas: i64, plan: &mut Plan) {
    if number(set, "/spec/replicas") != replicas {
        let mut scaled = set.clone();
        scaled["spec"]["replicas"] = replicas.into();
        plan.acts.push(Act::Update(scaled));
    }
}

/// Gives a ReplicaSet as many Pods as it wants.
pub(super) fn replica_set(world: &World, set: &Value, plan: &mut Plan) {
    if is_deleted(set) {
        return;
    }
    let wanted = number(set, "/spec/replicas");
    let pods: Vec<&Value> = alive(world, set);
    let there_are = i64::try_from(pods.len()).unwrap_or(i64::MAX);
    for _ in there_are..wanted {
        plan.acts.push(Act::Create(pod_of(set, &set["spec"]["template"], &[])));
    }
    // Those that are not ready go first.
    let mut surplus: Vec<&&Value> = pods.iter().collect();
    surplus.sort_by_key(|pod| pods::is_ready(pod));
    for pod in surplus.into_iter().take(usize::try_from(there_are - wanted).unwrap_or_default()) {
        plan.acts.push(Act::Delete((*pod).clone()));
    }
    let ready = count_ready(&pods);
    let mut status = json!({ "replicas": there_are, "observedGeneration": set["metadata"]["generation"] });
    for (name, count) in [("fullyLabeledReplicas", there_are), ("readyReplicas", ready), ("availableReplicas", ready)] {
        if count > 0 {
            status[name] = count.into();
        }
    }
    if let Some(why) = world.refused.why(set) {
        status["conditions"] = json!([condition(set, world, REPLICA_FAILURE, true, ["FailedCreate", why])]);
    }
    plan.status(set, status);
}

fn alive<'w>(world: &'w World, owner: &'w Value) -> Vec<&'w Value> {
    world.owned("pods", owner).filter(|pod| !is_deleted(pod) && !pods::is_over(pod)).collect()
}

fn count_ready(pods: &[&Value]) -> i64 {
    i64::try_from(pods.iter().filter(|pod| pods::is_ready(pod)).count()).unwrap_or(i64::MAX)
}

/// Whether a Pod is from the present template of a set.
fn is_current(pod: &Value, revision: &str) -> bool {
    pod.pointer("/metadata/labels").is_some_and(|labels| labels[SET_REVISION] == revision)
}

/// Gives a StatefulSet its Pods in order, each with its claims.
pub(super) fn stateful_set(world: &World, set: &Value, plan: &mut Plan) {
    if is_deleted(set) {
        return;
    }
    let name = text(set, "/metadata/name");
    let wanted = number(set, "/spec/replicas");
    let start = number(set, "/spec/ordinals/start");
    let revision = format!("{name}-{}", hash(&set["spec"]["template"]));
    let pods: Vec<&Value> = alive(world, set);
    let is_parallel = text(set, "/spec/podManagementPolicy") == "Parallel";
    let updates = text(set, "/spec/updateStrategy/type") != "OnDelete";
    let mut is_waiting = false;
    for ordinal in start..start + wanted {
        let pod_name = format!("{name}-{ordinal}");
        claims(world, set, &pod_name, plan);
        let Some(pod) = pods.iter().find(|pod| text(pod, "/metadata/name") == pod_name) else {
            if !is_waiting {
                plan.acts.push(Act::Create(member(set, &pod_name, &revision)));
            }
            is_waiting = !is_parallel;
            continue;
        };
        if !is_current(pod, &revision) && updates && !is_waiting {
            plan.acts.push(Act::Delete((*pod).clone()));
            is_waiting = true;
        }
        is_waiting |= !is_parallel && !pods::is_ready(pod);
    }
    let is_member =
        |pod: &Value| (start..start + wanted).any(|ordinal| text(pod, "/metadata/name") == format!("{name}-{ordinal}"));
    plan.acts.extend(pods.iter().filter(|pod| !is_member(pod)).map(|pod| Act::Delete((*pod).clone())));
    let current: Vec<&Value> = pods.iter().filter(|pod| is_current(pod, &revision)).copied().collect();
    let (there_are, updated) = (pods.len(), current.len());
    let ready = count_ready(&pods);
    let is_complete = updated == usize::try_from(wanted).unwrap_or_default() && there_are == updated;
    let before = text(set, "/status/currentRevision");
    let current_revision = if is_complete || before.is_empty() { revision.clone() } else { before.to_owned() };
    let on_current = pods.iter().filter(|pod| is_current(pod, &current_revision)).count();
    let mut status = json!({
        "observedGeneration": set["metadata"]["generation"],
        "replicas": there_are,
        "availableReplicas": ready,
        "collisionCount": 0,
        "currentRevision": current_revision,
        "updateRevision": revision,
    });
    let counts = [
        ("readyReplicas", ready),
        ("currentReplicas", i64::try_from(on_current).unwrap_or_default()),
        ("updatedReplicas", i64::try_from(updated).unwrap_or_default()),
    ];
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        status[name] = count.into();
    }
    plan.status(set, status);
}

fn member(set: &Value, name: &str, revision: &str) -> Value {
    let ordinal = name.rsplit('-').next().unwrap_or_default();
    let labels = [
        ("statefulset.kubernetes.io/pod-name", name),
        ("apps.kubernetes.io/pod-index", ordinal),
        (SET_REVISION, revision),
    ];
    let mut pod = pod_of(set, &set["spec"]["template"], &labels);
    pod["metadata"]["name"] = name.into();
    if let Some(metadata) = pod["metadata"].as_object_mut() {
        metadata.remove("generateName");
    }
    pod["spec"]["hostname"] = name.into();
    pod["spec"]["subdomain"] = set["spec"]["serviceName"].clone();
    let volumes: Vec<Value> = items(set, "/spec/volumeClaimTemplates")
        .map(|template| {
            let volume = text(template, "/metadata/name");
            json!({ "name": volume, "persistentVolumeClaim": { "claimName": format!("{volume}-{name}") } })
        })
        .collect();
    let others = items(&pod, "/spec/volumes").filter(|one| !volumes.iter().any(|volume| volume["name"] == one["name"]));
    let all: Vec<Value> = volumes.iter().cloned().chain(others.cloned()).collect();
    if !all.is_empty() {
        pod["spec"]["volumes"] = all.into();
    }
    pod
}

/// The claims of a member that are not there yet.
fn claims(world: &World, set: &Value, pod: &str, plan: &mut Plan) {
    for template in items(set, "/spec/volumeClaimTemplates") {
        let name = format!("{}-{pod}", text(template, "/metadata/name"));
        let ns = &set["metadata"]["namespace"];
        let is_there = world
            .all("persistentvolumeclaims")
            .iter()
            .any(|claim| claim["metadata"]["name"] == name.as_str() && claim["metadata"]["namespace"] == *ns);
        if !is_there {
            plan.acts.push(Act::Create(json!({
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": { "name": name, "namespace": ns, "labels": set["spec"]["selector"]["matchLabels"] },
                "spec": template["spec"],
            })));
        }
    }
}

/// Gives a DaemonSet its Pod on the node.
pub(super) fn daemon_set(world: &World, set: &Value, plan: &mut Plan) {
    if is_deleted(set) {
        return;
    }
    let revision = hash(&set["spec"]["template"]);
    let pods: Vec<&Value> = alive(world, set);
    let updates = text(set, "/spec/updateStrategy/type") != "OnDelete";
    if pods.is_empty() {
        let mut pod = pod_of(set, &set["spec"]["template"], &[(SET_REVISION, &revision)]);
        pod["spec"]["nodeName"] = NODE.into();
        plan.acts.push(Act::Create(pod));
    }
    let outdated = pods.iter().filter(|pod| updates && !is_current(pod, &revision));
    plan.acts.extend(outdated.map(|pod| Act::Delete((*pod).clone())));
    plan.acts.extend(pods.iter().skip(1).map(|pod| Act::Delete((*pod).clone())));
    let count = |is: &dyn Fn(&Value) -> bool| i64::from(pods.iter().any(|pod| is(pod)));
    let (scheduled, ready) = (count(&|_| true), count(&pods::is_ready));
    let mut status = json!({
        "observedGeneration": set["metadata"]["generation"],
        "currentNumberScheduled": scheduled,
        "desiredNumberScheduled": 1,
        "numberMisscheduled": 0,
        "numberReady": ready,
    });
    let updated = count(&|pod| is_current(pod, &revision));
    for (name, count) in
        [("updatedNumberScheduled", updated), ("numberAvailable", ready), ("numberUnavailable", 1 - ready)]
    {
        if count > 0 {
            status[name] = count.into();
        }
    }
    plan.status(set, status);
}
