//! What makes things ready where there are no nodes: the parts of the controller manager, the scheduler and the kubelet that
//! people see, for a sandbox. A cluster of its own does without.
//!
//! A look at everything gives a list of acts; the acts are done, and what they change is looked at again. A look is pure: it
//! knows the objects, the time, and how long things take. Who wants to rehearse a failure says so at a workload or its Pods:
//! `sandbox.fluxide.dev/fail: ImagePullBackOff`, `CrashLoopBackOff` or `NeverReady`.

mod jobs;
mod pods;
mod refused;
mod sets;
mod storage;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use object::go_struct;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use self::refused::Refused;
use crate::api::{Api, Target};
use crate::failure::Failure;
use crate::http::query::DeleteOptions;

/// How a workload, or a Pod, is to fail.
pub const FAIL: &str = "sandbox.fluxide.dev/fail";
/// The one node that all Pods run on.
const NODE: &str = "sandbox";
/// Who writes, in `managedFields`.
const MANAGER: &str = "kube-controller-manager";
/// Between two looks at whether anything has changed.
const BEAT: Duration = Duration::from_millis(100);
/// The kinds that are looked at: group, version, plural.
const KINDS: [(&str, &str, &str); 11] = [
    ("apps", "v1", "deployments"),
    ("apps", "v1", "replicasets"),
    ("apps", "v1", "statefulsets"),
    ("apps", "v1", "daemonsets"),
    ("batch", "v1", "jobs"),
    ("batch", "v1", "cronjobs"),
    ("", "v1", "pods"),
    ("", "v1", "persistentvolumeclaims"),
    ("", "v1", "persistentvolumes"),
    ("", "v1", "services"),
    ("", "v1", "nodes"),
];

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
enum Act {
    /// A new object.
    Create(Value),
    /// The object with another status, and maybe other annotations.
    Status(Value),
    /// The object with another spec.
    Update(Value),
    /// The Pod on its node.
    Bind(Value),
    /// Away with the object.
    Delete(Value),
}

/// What a look found to do, and when there is more to do although nothing changes.
#[derive(Debug, Default, PartialEq)]
struct Plan {
    acts: Vec<Act>,
    again: Option<Timestamp>,
}

impl Plan {
    /// Looks again at this time, or before.
    fn look_at(&mut self, time: Timestamp) {
        self.again = Some(self.again.map_or(time, |again| again.min(time)));
    }

    /// Gives an object a status, if it has another one.
    fn status(&mut self, object: &Value, status: Value) {
        let status = as_kept(object, status);
        if object.get("status") != Some(&status) {
            let mut changed = object.clone();
            changed["status"] = status;
            self.acts.push(Act::Status(changed));
        }
    }
}

/// Everything that is looked at.
#[derive(Debug, Default)]
struct World {
    objects: Vec<Vec<Value>>,
    now: Timestamp,
    ready_after: SignedDuration,
    refused: Refused,
}

impl World {
    /// The objects of a kind, by its plural.
    fn all(&self, plural: &str) -> &[Value] {
        let index = KINDS.iter().position(|(_, _, name)| *name == plural);
        index.and_then(|index| self.objects.get(index)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Those of a kind that an object controls.
    fn owned<'w>(&'w self, plural: &str, owner: &'w Value) -> impl Iterator<Item = &'w Value> {
        let uid = text(owner, "/metadata/uid");
        self.all(plural).iter().filter(move |object| {
            let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
            owners.into_iter().flatten().any(|one| one["controller"] == true && one["uid"] == uid)
        })
    }

    /// When something that began then is ready.
    fn ready_at(&self, since: &str) -> Timestamp {
        let since = since.parse::<Timestamp>().unwrap_or(self.now);
        since.checked_add(self.ready_after).unwrap_or(self.now)
    }

    fn now_text(&self) -> String {
        format!("{:.0}", self.now)
    }

    /// Everything that is to be done.
    fn look(&self) -> Plan {
        let mut plan = Plan::default();
        if self.all("nodes").is_empty() {
            plan.acts.push(Act::Create(pods::node()));
        }
        self.all("nodes").iter().for_each(|node| pods::look_at_node(self, node, &mut plan));
        self.all("deployments").iter().for_each(|one| sets::deployment(self, one, &mut plan));
        self.all("replicasets").iter().for_each(|one| sets::replica_set(self, one, &mut plan));
        self.all("statefulsets").iter().for_each(|one| sets::stateful_set(self, one, &mut plan));
        self.all("daemonsets").iter().for_each(|one| sets::daemon_set(self, one, &mut plan));
        self.all("cronjobs").iter().for_each(|one| jobs::cron_job(self, one, &mut plan));
        self.all("jobs").iter().for_each(|one| jobs::job(self, one, &mut plan));
        self.all("pods").iter().for_each(|one| pods::pod(self, one, &mut plan));
        self.all("persistentvolumeclaims").iter().for_each(|one| storage::claim(self, one, &mut plan));
        self.all("services").iter().for_each(|one| storage::service(self, one, &mut plan));
        plan
    }
}

/// Makes things ready until it is stopped.
pub(crate) async fn run(api: Arc<Api>, ready_after: Duration, stop: CancellationToken) {
    let ready_after = SignedDuration::try_from(ready_after).unwrap_or(SignedDuration::ZERO);
    let mut seen = None;
    let mut again: Option<Timestamp> = None;
    let mut refused = Refused::default();
    let mut beat = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        let (now, revision) = (api.now(), api.store.revision());
        if seen == Some(revision) && again.is_none_or(|again| now < again) {
            continue;
        }
        let world = world(&api, now, ready_after, refused);
        let plan = world.look();
        refused = Refused::default();
        for act in &plan.acts {
            if !refused.knows(act)
                && let Err(failure) = perform(&api, act)
                && !matches!(failure.code, 404 | 409)
                && !refused.note(&api, &world.refused, act, &failure)
            {
                tracing::warn!(failure = %failure.message, "cannot make the sandbox move");
            }
        }
        // What has just been refused for the first time, its owner has yet to say.
        seen = (refused == world.refused).then_some(revision);
        again = plan.again;
    }
}

fn world(api: &Api, now: Timestamp, ready_after: SignedDuration, refused: Refused) -> World {
    let objects = KINDS.iter().map(|(group, version, plural)| {
        let Ok(row) = api.row(group, version, plural) else { return Vec::new() };
        api.all(&row, "").iter().map(|(_, stored)| row.complete(stored)).collect()
    });
    World { objects: objects.collect(), now, ready_after, refused }
}

fn perform(api: &Api, act: &Act) -> Result<(), Failure> {
    let (Act::Create(object) | Act::Status(object) | Act::Update(object) | Act::Bind(object) | Act::Delete(object)) =
        act;
    let api_version = text(object, "/apiVersion");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resources = api.resources();
    let Some(row) = resources.of_kind(group, version, text(object, "/kind")) else { return Ok(()) };
    let target = Target::new(row, text(object, "/metadata/namespace"), text(object, "/metadata/name"));
    match act {
        Act::Create(object) => api.make(&target, MANAGER, object).map(drop),
        Act::Status(object) => {
            let target = Target { subresource: Some("status".to_owned()), ..target };
            let annotations = object.pointer("/metadata/annotations");
            api.edit(&target, MANAGER, &|current| {
                current["status"] = object["status"].clone();
                if let Some(annotations) = annotations {
                    current["metadata"]["annotations"] = annotations.clone();
                }
            })
            .map(drop)
        }
        Act::Update(object) => {
            api.edit(&target, MANAGER, &|current| current["spec"] = object["spec"].clone()).map(drop)
        }
        Act::Bind(object) => {
            let target = Target { subresource: Some("binding".to_owned()), ..target };
            api.edit(&target, MANAGER, &|current| current["spec"] = object["spec"].clone()).map(drop)
        }
        Act::Delete(_) => {
            let options = DeleteOptions { grace_seconds: Some(0), ..DeleteOptions::default() };
            api.delete_own(&target, &options).map(drop)
        }
    }
}

fn text<'o>(object: &'o Value, pointer: &str) -> &'o str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

fn is_deleted(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

fn items<'o>(object: &'o Value, pointer: &str) -> impl Iterator<Item = &'o Value> + use<'o> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// How an object is to fail, if it is.
fn failure(object: &Value) -> Option<&str> {
    object.pointer("/metadata/annotations")?.get(FAIL)?.as_str()
}

/// A status as it is kept: what Go's structs print of it. Any other would seem to differ for ever.
fn as_kept(object: &Value, status: Value) -> Value {
    let Some(struct_) = go_struct::of_kind(text(object, "/apiVersion"), text(object, "/kind")) else { return status };
    match struct_.round_trip(&json!({ "status": status })) {
        Ok(mut read) => read.content.remove("status").unwrap_or_default(),
        Err(_) => status,
    }
}

/// A reference to the object as the controller of another.
fn controlled_by(owner: &Value) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    }])
}

/// A short text that stands for a value, of the letters of generated names.
fn hash(value: &Value) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let start = 0x811c_9dc5_u32;
    let hash = value.to_string().bytes().fold(start, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let letter = |digit: u8| LETTERS.get(usize::from(digit) % LETTERS.len()).copied().unwrap_or(b'x');
    hash.to_string().bytes().map(|digit| char::from(letter(digit))).collect()
}

/// A condition that keeps its time while its status stays.
fn condition(object: &Value, world: &World, type_: &str, status: bool, [reason, message]: [&str; 2]) -> Value {
    let status = if status { "True" } else { "False" };
    let before = items(object, "/status/conditions").find(|one| one["type"] == type_ && one["status"] == status);
    let since = before.map_or_else(|| world.now_text(), |before| text(before, "/lastTransitionTime").to_owned());
    let mut condition: Map<String, Value> = Map::new();
    condition.insert("type".to_owned(), type_.into());
    condition.insert("status".to_owned(), status.into());
    condition.insert("lastTransitionTime".to_owned(), since.into());
    for (name, value) in [("reason", reason), ("message", message)] {
        if !value.is_empty() {
            condition.insert(name.to_owned(), value.into());
        }
    }
    Value::Object(condition)
}

/// A new Pod of an owner, from its template.
fn pod_of(owner: &Value, template: &Value, labels: &[(&str, &str)]) -> Value {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": template.get("metadata").filter(|metadata| metadata.is_object()).cloned().unwrap_or_else(|| json!({})),
        "spec": template["spec"],
    });
    pod["metadata"]["namespace"] = owner["metadata"]["namespace"].clone();
    pod["metadata"]["generateName"] = format!("{}-", text(owner, "/metadata/name")).into();
    pod["metadata"]["ownerReferences"] = controlled_by(owner);
    for (name, value) in labels {
        pod["metadata"]["labels"][*name] = (*value).into();
    }
    if let (Some(fail), None) = (failure(owner), failure(&pod)) {
        pod["metadata"]["annotations"][FAIL] = fail.into();
    }
    pod
}

#[cfg(test)]
mod tests;
