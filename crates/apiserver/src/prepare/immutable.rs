//! What may not change of the common kinds, in upstream's words.

use notation::field::{At, FieldErrors};
use notation::quantity::Quantity;
use serde_json::{Value, json};

use super::admission::STORAGE_CLASS;
use super::get::{self, Fields};
use super::validate::stored::BESIDES_SOURCE;
use crate::resource::Resource;

const IMMUTABLE: &str = "field is immutable";
const FROZEN: &str = "field is immutable when `immutable` is set";
const STATEFUL_SET: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                            'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                            'minReadySeconds' are forbidden";
const CLAIM: &str =
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
const POD: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
                   `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to \
                   existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously \
                   negative)";

/// Fields of which a change is refused as `field is immutable`, by group and kind.
const FIELDS: &[(&str, &str, &[&str])] = &[
    ("apps", "Deployment", &["spec.selector"]),
    ("apps", "ReplicaSet", &["spec.selector"]),
    ("apps", "DaemonSet", &["spec.selector"]),
    ("apps", "ControllerRevision", &["data"]),
    (
        "batch",
        "Job",
        &[
            "spec.selector",
            "spec.completionMode",
            "spec.podFailurePolicy",
            "spec.backoffLimitPerIndex",
            "spec.managedBy",
            "spec.successPolicy",
        ],
    ),
    ("", "Secret", &["type"]),
    ("networking.k8s.io", "IngressClass", &["spec.controller"]),
    ("scheduling.k8s.io", "PriorityClass", &["preemptionPolicy"]),
    ("storage.k8s.io", "StorageClass", &["volumeBindingMode"]),
    ("node.k8s.io", "RuntimeClass", &["handler"]),
    ("discovery.k8s.io", "EndpointSlice", &["addressType"]),
    ("apiextensions.k8s.io", "CustomResourceDefinition", &["spec.scope", "spec.names.kind"]),
];

/// What an update changed that it may not.
///
/// # Deviation
/// Upstream shows the values of some fields as its internal structs print; we show them as they are written.
pub(super) fn validate(resource: &Resource, new: &Fields, old: &Fields, errors: &mut FieldErrors) {
    let this = (resource.group.as_str(), resource.kind.as_str());
    for (_, _, paths) in FIELDS.iter().filter(|(group, kind, _)| (*group, *kind) == this) {
        for path in *paths {
            fixed(new, old, path, errors);
        }
    }
    match this {
        ("", "ConfigMap" | "Secret") => frozen(new, old, errors),
        ("", "Pod") => pod(new, old, errors),
        ("", "PersistentVolumeClaim") => claim(new, old, errors),
        ("", "PersistentVolume") => volume(new, old, errors),
        ("", "Service") => service(new, old, errors),
        ("apps", "StatefulSet") => stateful_set(new, old, errors),
        ("batch", "Job") => job(new, old, errors),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding")
            if new.get("roleRef") != old.get("roleRef") =>
        {
            let reference = new.get("roleRef").cloned().unwrap_or_default();
            // It prints as upstream's own struct, which is of three texts.
            let printed =
                json!({ "APIGroup": reference["apiGroup"], "Kind": reference["kind"], "Name": reference["name"] });
            errors.invalid(&At::ROOT.field("roleRef"), &printed, "cannot change roleRef");
        }
        ("scheduling.k8s.io", "PriorityClass") if get::integer(new, "value") != get::integer(old, "value") => {
            errors.forbidden(&At::ROOT.field("value"), "may not be changed in an update.");
        }
        ("storage.k8s.io", "StorageClass") => {
            for name in ["parameters", "provisioner", "reclaimPolicy"] {
                if new.get(name) != old.get(name) {
                    errors.forbidden(&At::ROOT.field(name), &format!("updates to {name} are forbidden."));
                }
            }
        }
        _ => {}
    }
}

/// Refuses a change of the field at a path.
fn fixed(new: &Fields, old: &Fields, path: &str, errors: &mut FieldErrors) {
    let steps: Vec<&str> = path.split('.').collect();
    let (new, old) = (get::value(new, &steps), get::value(old, &steps));
    if new != old {
        errors.invalid(&At::ROOT.field(path), new.unwrap_or(&Value::Null), IMMUTABLE);
    }
}

fn frozen(new: &Fields, old: &Fields, errors: &mut FieldErrors) {
    if !get::is_true(old, "immutable") {
        return;
    }
    if !get::is_true(new, "immutable") {
        errors.forbidden(&At::ROOT.field("immutable"), FROZEN);
    }
    for name in ["data", "binaryData"] {
        if new.get(name) != old.get(name) {
            errors.forbidden(&At::ROOT.field(name), FROZEN);
        }
    }
}

/// What is left of two specs when these fields are taken away.
fn differ(new: Option<&Fields>, old: Option<&Fields>, besides: &[&str]) -> bool {
    let rest = |spec: Option<&Fields>| {
        let mut spec = spec.cloned().unwrap_or_default();
        spec.retain(|name, _| !besides.contains(&name.as_str()));
        spec
    };
    rest(new) != rest(old)
}

fn stateful_set(new: &Fields, old: &Fields, errors: &mut FieldErrors) {
    let free = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    if differ(get::map(new, "spec"), get::map(old, "spec"), &free) {
        errors.forbidden(&At::ROOT.field("spec"), STATEFUL_SET);
    }
}

fn job(new: &Fields, old: &Fields, errors: &mut FieldErrors) {
    let at = At::ROOT.field("spec");
    let value = |object: &Fields, name: &str| get::value(object, &["spec", name]).cloned().unwrap_or_default();
    let completions = (value(new, "completions"), value(old, "completions"));
    if completions.0 != completions.1 {
        let is_indexed = value(new, "completionMode") == "Indexed";
        // An indexed Job may grow and shrink when both of its numbers do.
        if !is_indexed || completions.0 != value(new, "parallelism") || value(new, "suspend") == Value::Null {
            errors.invalid(&at.field("completions"), &completions.0, IMMUTABLE);
        }
    }
    let (template, before) = (value(new, "template"), value(old, "template"));
    if template != before {
        errors.invalid(&at.field("template"), &template, IMMUTABLE);
    }
}

fn pod(new: &Fields, old: &Fields, errors: &mut FieldErrors) {
    let at = At::ROOT.field("spec");
    let masked = |pod: &Fields| {
        let mut spec = get::map(pod, "spec").cloned().unwrap_or_default();
        for list in ["containers", "initContainers"] {
            if let Some(Value::Array(containers)) = spec.get_mut(list) {
                for container in containers.iter_mut().filter_map(Value::as_object_mut) {
                    container.remove("image");
                }
            }
        }
        for name in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
            spec.remove(name);
        }
        spec
    };
    let gates = |pod| get::map(pod, "spec").into_iter().flat_map(|spec| get::structs(spec, "schedulingGates"));
    let list = at.field("schedulingGates");
    for (index, gate) in gates(new) {
        let name = get::text(gate, "name");
        if !gates(old).any(|(_, before)| get::text(before, "name") == name) {
            let detail = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            errors.forbidden(&list.item(index).field("name"), &detail);
        }
    }
    let count = |pod: &Fields, list: &str| get::map(pod, "spec").map_or(0, |spec| get::items(spec, list).len());
    for list in ["containers", "initContainers"] {
        if count(new, list) != count(old, list) {
            errors.forbidden(&at.field(list), "pod updates may not add or remove containers");
            return;
        }
    }
    if masked(new) != masked(old) {
        errors.forbidden(&at, POD);
    }
}

fn claim(new: &Fields, old: &Fields, errors: &mut FieldErrors) {
    let is_bound = get::value(new, &["status", "phase"]).is_some_and(|phase| phase == "Bound");
    let mut free = Vec::new();
    if get::value(old, &["spec", "volumeName"]).is_none() {
        free.push("volumeName");
    }
    if is_bound {
        free.extend(["resources", "volumeAttributesClassName"]);
    }
    // A claim that had no class, by whatever name, may get the default one.
    let class = |claim: &Fields| get::value(claim, &["metadata", "annotations", STORAGE_CLASS]).cloned();
    if get::value(old, &["spec", "storageClassName"]).is_none() && class(old).is_none() {
        free.push("storageClassName");
    }
    if class(new) != class(old) {
        let now = class(new).unwrap_or_else(|| json!(""));
        errors.invalid(&At::ROOT.field("metadata").field("annotations").field(STORAGE_CLASS), &now, IMMUTABLE);
    }
    let at = At::ROOT.field("spec");
    if differ(get::map(new, "spec"), get::map(old, "spec"), &free) {
        errors.forbidden(&at, CLAIM);
    }
    let size = |claim: &Fields, path: &[&str]| -> Option<Quantity> { get::value(claim, path)?.as_str()?.parse().ok() };
    let requested = ["spec", "resources", "requests", "storage"];
    let zero = Quantity::whole(0);
    let before = size(old, &requested).unwrap_or(zero);
    let capacity = size(old, &["status", "capacity", "storage"]).unwrap_or(zero);
    if size(new, &requested).is_some_and(|now| now < before && now <= capacity) {
        let at = At::ROOT.field("spec.resources.requests.storage");
        errors.forbidden(&at, "field can not be less than status.capacity");
    }
}

fn volume(new: &Fields, old: &Fields, errors: &mut FieldErrors) {
    if differ(get::map(new, "spec"), get::map(old, "spec"), &BESIDES_SOURCE) {
        let detail = "spec.persistentvolumesource is immutable after creation";
        errors.forbidden(&At::ROOT.field("spec").field("persistentvolumesource"), detail);
    }
    fixed(new, old, "spec.volumeMode", errors);
}

fn service(new: &Fields, old: &Fields, errors: &mut FieldErrors) {
    let (Some(spec), Some(before)) = (get::map(new, "spec"), get::map(old, "spec")) else { return };
    let has_ip = |spec: &Fields| get::text(spec, "type") != "ExternalName";
    let at = At::ROOT.field("spec");
    let ip = get::text(before, "clusterIP");
    if has_ip(spec) && has_ip(before) && !ip.is_empty() && get::text(spec, "clusterIP") != ip {
        let ips = at.field("clusterIPs");
        let all = spec.get("clusterIPs").cloned().unwrap_or_default();
        errors.invalid(&ips.item(0), &all, "may not change once set");
    }
}
