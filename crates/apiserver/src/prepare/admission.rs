//! What admission gives new objects, after what lies around them: Pods their priority, their patience with nodes that are
//! not well and the amounts of their namespace's limits; claims their storage class, Ingresses their class.
//!
//! # Source
//! `k8s.io/kubernetes/plugin/pkg/admission`: `limitranger`, `priority`, `defaulttolerationseconds`,
//! `storage/storageclass/setdefault`, `network/defaultingressclass`.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::get::{self, Fields};
use crate::resource::{Resource, Surroundings};

/// Says where amounts came from that nobody had asked for.
const LIMIT_RANGER: &str = "kubernetes.io/limit-ranger";
/// Annotations that name a class, from the time before the fields.
pub(super) const INGRESS_CLASS: &str = "kubernetes.io/ingress.class";
pub(super) const STORAGE_CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const DEFAULT_INGRESS_CLASS: &[&str] = &["ingressclass.kubernetes.io/is-default-class"];
const DEFAULT_STORAGE_CLASS: &[&str] =
    &["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

/// Completes a new object, or says why it is forbidden.
pub(super) fn complete(resource: &Resource, around: &Surroundings, object: &mut Fields) -> Result<(), String> {
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Pod") => {
            for range in &around.limit_ranges {
                fill_amounts(range, object);
            }
            let Some(spec) = get::at_mut(object, &["spec"]) else { return Ok(()) };
            give_priority(&around.classes, spec)?;
            tolerate_nodes(spec);
        }
        ("", "PersistentVolumeClaim") => {
            choose_class(object, "storageClassName", STORAGE_CLASS, DEFAULT_STORAGE_CLASS, &around.classes);
        }
        ("networking.k8s.io", "Ingress") => {
            choose_class(object, "ingressClassName", INGRESS_CLASS, DEFAULT_INGRESS_CLASS, &around.classes);
        }
        _ => {}
    }
    Ok(())
}

/// Gives containers the amounts that a LimitRange has for those that say none.
fn fill_amounts(range: &Value, pod: &mut Fields) {
    let (mut requests, mut limits) = (Fields::new(), Fields::new());
    let items = range.pointer("/spec/limits").and_then(Value::as_array).into_iter().flatten();
    for limit in items.filter(|limit| limit["type"] == "Container").filter_map(Value::as_object) {
        requests.extend(get::map(limit, "defaultRequest").into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
        limits.extend(get::map(limit, "default").into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
    }
    let mut notes = Vec::new();
    let Some(spec) = get::at_mut(pod, &["spec"]) else { return };
    for (list, what) in [("containers", "container"), ("initContainers", "init container")] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for container in containers.filter_map(Value::as_object_mut) {
            let name = get::text(container, "name").to_owned();
            for (field, defaults, word) in [("requests", &requests, "request"), ("limits", &limits, "limit")] {
                let set = fill(container, field, defaults);
                if !set.is_empty() {
                    notes.push(format!("{} {word} for {what} {name}", set.join(", ")));
                }
            }
        }
    }
    if notes.is_empty() {
        return;
    }
    let metadata = get::map_or_new(pod, "metadata");
    if let Some(annotations) = metadata.and_then(|metadata| get::map_or_new(metadata, "annotations")) {
        let note = format!("LimitRanger plugin set: {}", notes.join("; "));
        annotations.insert(LIMIT_RANGER.to_owned(), note.into());
    }
}

/// Fills in what a container's resources lack, and names it.
fn fill(container: &mut Fields, field: &str, defaults: &Fields) -> Vec<String> {
    if defaults.is_empty() {
        return Vec::new();
    }
    let resources = get::map_or_new(container, "resources");
    let Some(amounts) = resources.and_then(|resources| get::map_or_new(resources, field)) else { return Vec::new() };
    let mut set: Vec<String> = defaults.keys().filter(|name| !amounts.contains_key(*name)).cloned().collect();
    for name in &set {
        amounts.insert(name.clone(), defaults[name].clone());
    }
    set.sort();
    set
}

/// Looks up a Pod's priority class, or takes the one that is for everybody.
fn give_priority(classes: &[Value], spec: &mut Fields) -> Result<(), String> {
    let name = get::text(spec, "priorityClassName");
    let class = if name.is_empty() {
        classes.iter().filter(|class| class["globalDefault"] == true).min_by_key(|class| class["value"].as_i64())
    } else {
        let named = classes.iter().find(|class| class["metadata"]["name"] == name);
        Some(named.ok_or_else(|| format!("no PriorityClass with name {name} was found"))?)
    };
    let value = class.and_then(|class| class["value"].as_i64()).unwrap_or_default();
    let policy = class.and_then(|class| class["preemptionPolicy"].as_str()).unwrap_or("PreemptLowerPriority");
    if let Some(given) = get::integer(spec, "priority").filter(|given| *given != value) {
        return Err(format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller \
             computed {value} from the given PriorityClass name"
        ));
    }
    let given = get::text(spec, "preemptionPolicy");
    if !given.is_empty() && given != policy {
        return Err(format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission \
             controller computed {policy} from the given PriorityClass name"
        ));
    }
    if let Some(class) = class {
        spec.insert("priorityClassName".to_owned(), class["metadata"]["name"].clone());
    }
    spec.insert("priority".to_owned(), json!(value));
    spec.insert("preemptionPolicy".to_owned(), policy.into());
    Ok(())
}

fn tolerate_nodes(spec: &mut Fields) {
    let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
    let Value::Array(tolerations) = tolerations else { return };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerates = |one: &Value| {
            (one["key"] == key || one.get("key").is_none())
                && (one["effect"] == "NoExecute" || one.get("effect").is_none())
        };
        if !tolerations.iter().any(tolerates) {
            tolerations
                .push(json!({ "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }));
        }
    }
}

/// Names the default class where an object names none: the newest, of several.
fn choose_class(object: &mut Fields, field: &str, annotation: &str, is_default: &[&str], classes: &[Value]) {
    let names_one = get::value(object, &["spec", field]).is_some()
        || get::at(object, &["metadata", "annotations"])
            .is_some_and(|annotations| annotations.contains_key(annotation));
    let defaults = classes.iter().filter(|class| {
        let annotations = &class["metadata"]["annotations"];
        is_default.iter().any(|name| annotations[*name] == "true")
    });
    let at = |class: &&Value| {
        let text = |name: &str| class["metadata"][name].as_str().unwrap_or_default().to_owned();
        (Reverse(text("creationTimestamp")), text("name"))
    };
    if let (false, Some(class)) = (names_one, defaults.min_by_key(at))
        && let Some(spec) = get::at_mut(object, &["spec"])
    {
        spec.insert(field.to_owned(), class["metadata"]["name"].clone());
    }
}
