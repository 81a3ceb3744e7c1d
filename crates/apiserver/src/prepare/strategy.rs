//! What the server alone decides: identity, generation, status, and what it hands out.

use notation::field::FieldErrors;
use serde_json::{Map, Value, json};

use super::get::{self, Fields};
use super::{Strategy, app_armor, services};
use crate::resource::Write;

/// The longest part of a name that a generated end still fits behind.
const LONGEST_PREFIX: usize = 58;

/// The containers of a Pod that came last.
const EPHEMERAL: &str = "ephemeralContainers";

/// What makes `metadata.generation` go up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Generation {
    /// The kind has none.
    None,
    /// It is 1 for ever.
    Constant,
    /// A change of this field.
    Field(&'static str),
    /// A change of the spec or of an annotation.
    SpecOrAnnotations,
    /// A change of anything but metadata and status.
    Content,
}

fn generation(strategy: &Strategy<'_>) -> Generation {
    let resource = strategy.resource;
    if resource.custom {
        return Generation::Content;
    }
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("apps", "Deployment") => Generation::SpecOrAnnotations,
        ("apps", "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch", "Job" | "CronJob")
        | ("", "Pod" | "ReplicationController")
        | ("networking.k8s.io", "Ingress" | "NetworkPolicy" | "IngressClass" | "IPAddress" | "ServiceCIDR")
        | ("policy", "PodDisruptionBudget")
        | ("flowcontrol.apiserver.k8s.io", _)
        | ("apiextensions.k8s.io", "CustomResourceDefinition")
        | ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy" | "ValidatingAdmissionPolicyBinding") => {
            Generation::Field("spec")
        }
        ("admissionregistration.k8s.io", _) => Generation::Field("webhooks"),
        ("", "PodTemplate") => Generation::Field("template"),
        ("discovery.k8s.io", "EndpointSlice") => Generation::Content,
        ("scheduling.k8s.io", "PriorityClass") => Generation::Constant,
        _ => Generation::None,
    }
}

/// Applies it to an object that was decoded and filled.
pub(super) fn apply(strategy: &Strategy<'_>, write: &mut Write<'_>, object: &mut Fields, errors: &mut FieldErrors) {
    match strategy.old {
        None => create(strategy, write, object),
        Some(old) if write.subresource == Some("status") => update_status(strategy, object, old),
        Some(old) => update(strategy, write.subresource, object, old),
    }
    match (strategy.resource.group.as_str(), strategy.resource.kind.as_str()) {
        ("", "Service") => services::allocate(write, strategy.old, object, errors),
        ("batch", "Job") if strategy.old.is_none() => select_by_uid(object, strategy.given),
        ("apps", "DaemonSet") => count_templates(object, strategy.old),
        _ => {}
    }
}

fn create(strategy: &Strategy<'_>, write: &mut Write<'_>, object: &mut Fields) {
    let now = format!("{:.0}", write.now);
    reset_status(strategy, &now, object);
    let Some(metadata) = get::map_or_new(object, "metadata") else { return };
    for name in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"] {
        metadata.remove(name);
    }
    metadata.insert("uid".to_owned(), write.allocate.uid().into());
    metadata.insert("creationTimestamp".to_owned(), now.into());
    if generation(strategy) != Generation::None {
        metadata.insert("generation".to_owned(), json!(1));
    }
    let prefix = get::text(metadata, "generateName").to_owned();
    if !prefix.is_empty() && get::text(metadata, "name").is_empty() {
        let cut: String = prefix.chars().take(LONGEST_PREFIX).collect();
        metadata.insert("name".to_owned(), format!("{cut}{}", write.allocate.suffix(5)).into());
    }
    match (strategy.resource.group.as_str(), strategy.resource.kind.as_str()) {
        ("", "Namespace") => {
            // Only now is a generated name known.
            let name = get::text(metadata, "name").to_owned();
            if let Some(labels) = get::map_or_new(metadata, "labels") {
                labels.insert("kubernetes.io/metadata.name".to_owned(), name.into());
            }
            object.insert("spec".to_owned(), json!({ "finalizers": ["kubernetes"] }));
        }
        ("", "PersistentVolumeClaim") => add_finalizer(metadata, "kubernetes.io/pvc-protection"),
        ("", "PersistentVolume") => add_finalizer(metadata, "kubernetes.io/pv-protection"),
        ("", "Pod") => app_armor::confine(object),
        _ => {}
    }
}

/// Nobody brings a status along; the kinds that begin with one begin with this.
fn reset_status(strategy: &Strategy<'_>, now: &str, object: &mut Fields) {
    if strategy.resource.subresource("status").is_none() {
        return;
    }
    object.remove("status");
    let Some(field) = strategy.struct_.and_then(|struct_| struct_.field("status")) else { return };
    let mut status = field.type_.zero();
    let first = match (strategy.resource.group.as_str(), strategy.resource.kind.as_str()) {
        ("", "Namespace") => json!({ "phase": "Active" }),
        ("", "PersistentVolumeClaim") => json!({ "phase": "Pending" }),
        ("", "PersistentVolume") => json!({ "phase": "Pending", "lastPhaseTransitionTime": now }),
        ("", "Pod") => pod_status(object, now),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => json!({ "storedVersions": stored(object) }),
        _ => Value::Null,
    };
    if let (Value::Object(status), Value::Object(first)) = (&mut status, first) {
        status.extend(first);
    }
    object.insert("status".to_owned(), status);
}

fn pod_status(pod: &Fields, now: &str) -> Value {
    let mut status = json!({ "phase": "Pending", "qosClass": quality(pod) });
    if get::map(pod, "spec").is_some_and(|spec| !get::items(spec, "schedulingGates").is_empty()) {
        status["conditions"] = json!([{
            "type": "PodScheduled",
            "status": "False",
            "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
            "lastProbeTime": null,
            "lastTransitionTime": now,
        }]);
    }
    status
}

fn stored(definition: &Fields) -> Value {
    let empty = Map::new();
    let spec = get::map(definition, "spec").unwrap_or(&empty);
    let stored = get::structs(spec, "versions").filter(|(_, version)| get::is_true(version, "storage"));
    stored.map(|(_, version)| json!(get::text(version, "name"))).collect()
}

fn add_finalizer(metadata: &mut Fields, finalizer: &str) {
    let finalizers = metadata.entry("finalizers").or_insert_with(|| json!([]));
    if let Value::Array(finalizers) = finalizers
        && !finalizers.contains(&json!(finalizer))
    {
        finalizers.push(finalizer.into());
    }
}

/// The quality of service that a Pod's resources buy it.
fn quality(pod: &Fields) -> &'static str {
    let Some(spec) = get::map(pod, "spec") else { return "BestEffort" };
    let containers = ["containers", "initContainers"].into_iter().flat_map(|list| get::structs(spec, list));
    let resources: Vec<Option<&Fields>> = containers.map(|(_, container)| get::map(container, "resources")).collect();
    let amount = |resources: Option<&Fields>, kind: &str, name: &str| -> Option<notation::quantity::Quantity> {
        let text = get::text(get::map(resources?, kind)?, name);
        text.parse().ok().filter(|quantity: &notation::quantity::Quantity| quantity.sign() > 0)
    };
    let counted = [("requests", "cpu"), ("requests", "memory"), ("limits", "cpu"), ("limits", "memory")];
    if !resources.iter().any(|one| counted.iter().any(|(kind, name)| amount(*one, kind, name).is_some())) {
        return "BestEffort";
    }
    let is_guaranteed = resources.iter().all(|one| {
        ["cpu", "memory"].iter().all(|name| {
            let limit = amount(*one, "limits", name);
            limit.is_some() && amount(*one, "requests", name).is_none_or(|request| Some(request) == limit)
        })
    });
    if is_guaranteed { "Guaranteed" } else { "Burstable" }
}

fn update(strategy: &Strategy<'_>, subresource: Option<&str>, object: &mut Fields, old: &Fields) {
    keep_identity(object, old);
    if strategy.resource.subresource("status").is_some() {
        restore(object, old, "status");
    }
    let is_namespace = strategy.resource.group.is_empty() && strategy.resource.kind == "Namespace";
    if is_namespace && subresource != Some("finalize") {
        restore(object, old, "spec");
    }
    if subresource == Some("ephemeralcontainers") {
        keep_all_but_ephemeral(object, old);
    }
    let changed = |name: &str| object.get(name) != old.get(name);
    let annotations = |object: &Fields| get::at(object, &["metadata", "annotations"]).cloned().unwrap_or_default();
    let is_next = match generation(strategy) {
        Generation::None | Generation::Constant => false,
        Generation::Field(name) => changed(name),
        Generation::SpecOrAnnotations => changed("spec") || annotations(object) != annotations(old),
        Generation::Content => {
            let content = |object: &Fields| {
                let mut content = object.clone();
                for name in ["metadata", "status", "apiVersion", "kind"] {
                    // A custom kind without a status subresource has its status among its content.
                    if name != "status"
                        || !strategy.resource.custom
                        || strategy.resource.subresource("status").is_some()
                    {
                        content.remove(name);
                    }
                }
                content
            };
            content(object) != content(old)
        }
    };
    if is_next && let Some(metadata) = get::map_or_new(object, "metadata") {
        let generation = get::integer(metadata, "generation").unwrap_or_default();
        metadata.insert("generation".to_owned(), json!(generation.saturating_add(1)));
    }
}

/// Through this subresource only containers for debugging come into a Pod.
fn keep_all_but_ephemeral(pod: &mut Fields, old: &Fields) {
    let asked = get::at(pod, &["spec"]).and_then(|spec| spec.get(EPHEMERAL)).cloned();
    restore(pod, old, "spec");
    if let Some(spec) = get::at_mut(pod, &["spec"]) {
        match asked {
            Some(asked) => drop(spec.insert(EPHEMERAL.to_owned(), asked)),
            None => drop(spec.remove(EPHEMERAL)),
        }
    }
    let (Some(metadata), Some(before)) = (get::at_mut(pod, &["metadata"]), get::map(old, "metadata")) else { return };
    for name in ["labels", "annotations", "finalizers", "ownerReferences"] {
        restore(metadata, before, name);
    }
}

/// Through the status subresource nothing else changes.
fn update_status(strategy: &Strategy<'_>, object: &mut Fields, old: &Fields) {
    keep_identity(object, old);
    let names: Vec<String> = object.keys().chain(old.keys()).cloned().collect();
    for name in names.iter().filter(|name| !matches!(name.as_str(), "metadata" | "status" | "apiVersion" | "kind")) {
        restore(object, old, name);
    }
    let Some(before) = get::map(old, "metadata") else { return };
    let Some(metadata) = get::map_or_new(object, "metadata") else { return };
    if strategy.resource.custom {
        let kept: Fields = ["managedFields", "resourceVersion"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), metadata.get(name)?.clone())))
            .collect();
        metadata.clone_from(before);
        metadata.extend(kept);
    } else {
        restore(metadata, before, "labels");
    }
}

/// What identifies an object stays, whatever was sent; what was sent and differs is for validation to refuse.
fn keep_identity(object: &mut Fields, old: &Fields) {
    let Some(before) = get::map(old, "metadata") else { return };
    let Some(metadata) = get::map_or_new(object, "metadata") else { return };
    for name in ["uid", "creationTimestamp"] {
        if metadata.get(name).is_none_or(|value| value.is_null() || value == "") {
            restore(metadata, before, name);
        }
    }
    for name in ["generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        restore(metadata, before, name);
    }
}

fn restore(fields: &mut Fields, old: &Fields, name: &str) {
    match old.get(name) {
        Some(value) => drop(fields.insert(name.to_owned(), value.clone())),
        None => drop(fields.remove(name)),
    }
}

/// A Job finds its Pods by its own uid, unless it says that it knows better.
fn select_by_uid(job: &mut Fields, given: &Value) {
    let uid = get::value(job, &["metadata", "uid"]).cloned().unwrap_or_default();
    let name = get::value(job, &["metadata", "name"]).cloned().unwrap_or_default();
    let Some(spec) = get::at_mut(job, &["spec"]) else { return };
    if get::is_true(spec, "manualSelector") {
        return;
    }
    let is_selected = get::value(spec, &["selector"]).is_some();
    let Some(template) = get::map_or_new(spec, "template") else { return };
    let Some(metadata) = get::map_or_new(template, "metadata") else { return };
    let Some(labels) = get::map_or_new(metadata, "labels") else { return };
    for (key, value) in [("controller-uid", &uid), ("job-name", &name)] {
        labels.entry(key).or_insert_with(|| value.clone());
        labels.entry(format!("batch.kubernetes.io/{key}")).or_insert_with(|| value.clone());
    }
    let labels = labels.clone();
    if !is_selected {
        spec.insert("selector".to_owned(), json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } }));
    }
    // A Job without labels has those of its template: upstream shares one map between them, unless it made up a name.
    let given = |pointer: &str| given.pointer(pointer).filter(|value| **value != json!({}) && **value != json!(""));
    let is_shared = given("/metadata/labels").is_none() && given("/metadata/name").is_some();
    if let Some(metadata) = get::map_or_new(job, "metadata")
        && (is_shared || get::map(metadata, "labels").is_none())
    {
        metadata.insert("labels".to_owned(), Value::Object(labels));
    }
}

/// A DaemonSet counts its templates in an annotation that nobody needs any more.
fn count_templates(set: &mut Fields, old: Option<&Fields>) {
    const COUNT: &str = "deprecated.daemonset.template.generation";
    let template = |set: &Fields| get::value(set, &["spec", "template"]).cloned();
    let count = match old {
        None => 1,
        Some(old) => {
            let before = get::value(old, &["metadata", "annotations", COUNT]).and_then(Value::as_str);
            let before: i64 = before.and_then(|text| text.parse().ok()).unwrap_or(1);
            if template(set) == template(old) { before } else { before.saturating_add(1) }
        }
    };
    if let Some(metadata) = get::map_or_new(set, "metadata")
        && let Some(annotations) = get::map_or_new(metadata, "annotations")
    {
        annotations.insert(COUNT.to_owned(), count.to_string().into());
    }
}
