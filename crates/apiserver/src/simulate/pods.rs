//! Pods and the node they run on: what a scheduler and a kubelet would make of them.

use serde_json::{Value, json};

use super::{Act, NODE, Plan, World, condition, failure, is_deleted, items, text};

/// The node.
pub(super) fn node() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": NODE, "labels": { "kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux" } },
    })
}

/// The node is always ready.
pub(super) fn look_at_node(world: &World, node: &Value, plan: &mut Plan) {
    if node.pointer("/status/conditions").is_some() {
        return;
    }
    let amounts = json!({ "cpu": "8", "memory": "16Gi", "pods": "1000" });
    let ready = condition(node, world, "Ready", true, ["KubeletReady", "nothing runs here, and it runs well"]);
    let status = json!({
        "capacity": amounts,
        "allocatable": amounts,
        "conditions": [ready],
        "addresses": [{ "type": "Hostname", "address": NODE }, { "type": "InternalIP", "address": "127.0.0.1" }],
        "daemonEndpoints": { "kubeletEndpoint": { "Port": 0 } },
        "nodeInfo": {
            "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "sandbox://1", "kernelVersion": "",
            "kubeProxyVersion": "", "kubeletVersion": "v1.35.4", "machineID": "", "operatingSystem": "linux",
            "osImage": "sandbox", "systemUUID": "",
        },
    });
    plan.status(node, status);
}

/// Whether a Pod has done what it was for.
pub(super) fn is_over(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Whether a Pod is ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    !is_deleted(pod) && items(pod, "/status/conditions").any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// Moves a Pod on: onto the node, then to ready, or to its end.
pub(super) fn pod(world: &World, pod: &Value, plan: &mut Plan) {
    if is_deleted(pod) {
        plan.acts.push(Act::Delete(pod.clone()));
        return;
    }
    if is_over(pod) {
        return;
    }
    if text(pod, "/spec/nodeName").is_empty() {
        if items(pod, "/spec/schedulingGates").next().is_some() {
            return;
        }
        let mut bound = pod.clone();
        bound["spec"]["nodeName"] = NODE.into();
        plan.acts.push(Act::Bind(bound));
        return;
    }
    let ready_at = world.ready_at(text(pod, "/metadata/creationTimestamp"));
    let is_due = world.now >= ready_at;
    if !is_due {
        plan.look_at(ready_at);
    }
    let ends = text(pod, "/spec/restartPolicy") != "Always";
    let stage = match (failure(pod), is_due) {
        (Some("ImagePullBackOff"), _) => Stage::NoImage,
        (Some(_) | None, false) => Stage::Starting,
        (Some("CrashLoopBackOff"), true) if ends => Stage::Failed,
        (Some("CrashLoopBackOff"), true) => Stage::Crashing,
        (Some("NeverReady"), true) => Stage::NotReady,
        (_, true) if ends => Stage::Succeeded,
        (_, true) => Stage::Ready,
    };
    plan.status(pod, status(world, pod, stage));
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Starting,
    NoImage,
    Crashing,
    NotReady,
    Ready,
    Succeeded,
    Failed,
}

fn status(world: &World, pod: &Value, stage: Stage) -> Value {
    let (phase, unready) = match stage {
        Stage::Starting | Stage::NoImage => ("Pending", "ContainersNotReady"),
        Stage::Crashing | Stage::NotReady => ("Running", "ContainersNotReady"),
        Stage::Ready => ("Running", ""),
        Stage::Succeeded => ("Succeeded", "PodCompleted"),
        Stage::Failed => ("Failed", "PodFailed"),
    };
    let is_ready = stage == Stage::Ready;
    let names: Vec<&str> = items(pod, "/spec/containers").map(|container| text(container, "/name")).collect();
    let unready_message = match stage {
        Stage::Ready | Stage::Succeeded | Stage::Failed => String::new(),
        _ => format!("containers with unready status: [{}]", names.join(" ")),
    };
    let ready = |type_: &str| condition(pod, world, type_, is_ready, [unready, &unready_message]);
    let reached = |type_: &str| condition(pod, world, type_, true, ["", ""]);
    let started = text(pod, "/status/startTime");
    let started = if started.is_empty() { world.now_text() } else { started.to_owned() };
    let mut status = json!({
        "phase": phase,
        "qosClass": pod["status"]["qosClass"],
        "startTime": started,
        "hostIP": "127.0.0.1",
        "hostIPs": [{ "ip": "127.0.0.1" }],
        "conditions": [reached("Initialized"), ready("Ready"), ready("ContainersReady"), reached("PodScheduled")],
        "containerStatuses": items(pod, "/spec/containers").map(|one| container(world, pod, one, stage, &started)).collect::<Vec<_>>(),
    });
    if !matches!(stage, Stage::Starting | Stage::NoImage) {
        let ip = address(text(pod, "/metadata/uid"));
        status["podIP"] = ip.clone().into();
        status["podIPs"] = json!([{ "ip": ip }]);
    }
    let init: Vec<Value> = items(pod, "/spec/initContainers")
        .map(|one| {
            let ended = json!({ "terminated": { "exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": started, "containerID": "" } });
            container_status(one, &ended, true, 0)
        })
        .collect();
    if !init.is_empty() {
        status["initContainerStatuses"] = init.into();
    }
    status
}

fn container(world: &World, pod: &Value, container: &Value, stage: Stage, started: &str) -> Value {
    let name = text(container, "/name");
    let image = text(container, "/image");
    let before = items(pod, "/status/containerStatuses").find(|one| one["name"] == name);
    let at = |pointer: &str| before.map(|before| text(before, pointer)).filter(|time| !time.is_empty());
    let running = at("/state/running/startedAt").map_or_else(|| world.now_text(), str::to_owned);
    let finished = at("/state/terminated/finishedAt").map_or_else(|| world.now_text(), str::to_owned);
    let waiting = |reason: &str, message: &str| json!({ "waiting": { "reason": reason, "message": message } });
    let terminated = |code: i64, reason: &str| json!({ "terminated": { "exitCode": code, "reason": reason, "startedAt": started, "finishedAt": finished } });
    let state = match stage {
        Stage::Starting => json!({ "waiting": { "reason": "ContainerCreating" } }),
        Stage::NoImage => waiting("ImagePullBackOff", &format!("Back-off pulling image \"{image}\"")),
        Stage::Crashing => {
            let (pod, ns) = (text(pod, "/metadata/name"), text(pod, "/metadata/namespace"));
            waiting("CrashLoopBackOff", &format!("back-off 5m0s restarting failed container={name} pod={pod}_{ns}"))
        }
        Stage::NotReady | Stage::Ready => json!({ "running": { "startedAt": running } }),
        Stage::Succeeded => terminated(0, "Completed"),
        Stage::Failed => terminated(1, "Error"),
    };
    let restarts = if stage == Stage::Crashing { 5 } else { 0 };
    let mut status = container_status(container, &state, stage == Stage::Ready, restarts);
    if stage == Stage::Crashing {
        let last = at("/lastState/terminated/finishedAt").map_or_else(|| world.now_text(), str::to_owned);
        status["lastState"] =
            json!({ "terminated": { "exitCode": 1, "reason": "Error", "startedAt": started, "finishedAt": last } });
    }
    status
}

fn container_status(container: &Value, state: &Value, ready: bool, restarts: i64) -> Value {
    json!({
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": ready,
        "started": ready,
        "restartCount": restarts,
        "state": state,
        "lastState": {},
    })
}

/// An address that stays the Pod's.
fn address(uid: &str) -> String {
    let sum = uid.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("10.244.{}.{}", sum / 250 % 250, sum % 250 + 2)
}
