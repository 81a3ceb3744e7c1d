//! Brings an object into the form in which Flux applies it.
//!
//! Flux reads objects of built-in kinds into Go's structs and prints them again before it applies them. What an object
//! then owns (`managedFields`) shows that: fields that the struct does not know are gone, fields that it prints even
//! when they are empty are there. A cluster that changes hands between Flux and us must see no difference, so we do the
//! same, from a table of those structs: `kinds/kinds.txt`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

use crate::{Object, go_struct};

mod pem;

/// Brings an object into the form in which it is applied.
///
/// - Objects of built-in kinds go through Go's structs, unless a value has a type that the struct does not take: then
///   the object is left for the API server to refuse in its own words.
/// - Container and Service ports get their default protocol: the API server merges ports by it before it sets defaults.
/// - A Secret's `stringData` is folded into `data`.
/// - `status` goes, except a `CustomResourceDefinition`'s; `metadata.creationTimestamp` goes.
/// - A `CustomResourceDefinition`'s webhook loses a `caBundle` that holds no certificate, which the API server refuses.
///
/// # Source
/// Flux's `ssa/normalize` and `ssa/utils`. `Role` and `ClusterRole` are spared as there: Go would print absent rules as
/// null. Compared with the real functions over the cases of `normalise/cases.jsonl`.
pub fn normalise(object: &mut Object) {
    let is_definition = object.kind() == "CustomResourceDefinition" && object.group() == "apiextensions.k8s.io";
    let is_role =
        object.api_version() == "rbac.authorization.k8s.io/v1" && matches!(object.kind(), "Role" | "ClusterRole");
    if let Some(mut content) = round_trip(object) {
        default_protocols(object, &mut content);
        if object.api_version() == "v1" && object.kind() == "Secret" {
            fold_string_data(&mut content);
        }
        replace_content(object, content);
    }
    object.remove_field(&["metadata", "creationTimestamp"]);
    if !is_definition && !is_role {
        object.remove_field(&["status"]);
    }
    if is_definition {
        remove_bad_ca_bundle(object);
    }
}

/// What Go makes of an object; none when Flux does not read its kind into a struct, or a value has the wrong type.
fn round_trip(object: &mut Object) -> Option<Map<String, Value>> {
    if !go_struct::is_read_by_flux(object.api_version(), object.kind()) {
        return None;
    }
    // It is never applied, and need not fit.
    object.remove_field(&["status"]);
    let read = go_struct::of_kind(object.api_version(), object.kind())?.round_trip(object.as_value());
    read.ok().map(|read| read.content)
}

fn replace_content(object: &mut Object, content: Map<String, Value>) {
    let (api_version, kind) = (object.api_version().to_owned(), object.kind().to_owned());
    let replaced = object.update(|old| {
        *old = content;
        old.insert("apiVersion".to_owned(), api_version.into());
        old.insert("kind".to_owned(), kind.into());
    });
    debug_assert!(replaced.is_ok(), "the struct of metadata keeps the name");
}

/// Where a kind keeps a pod's specification.
fn pod_spec(object: &Object) -> Option<&'static [&'static str]> {
    match (object.api_version(), object.kind()) {
        ("v1", "Pod") => Some(&["spec"]),
        ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch/v1", "Job") => {
            Some(&["spec", "template", "spec"])
        }
        ("batch/v1", "CronJob") => Some(&["spec", "jobTemplate", "spec", "template", "spec"]),
        _ => None,
    }
}

fn default_protocols(object: &Object, content: &mut Map<String, Value>) {
    if object.api_version() == "v1" && object.kind() == "Service" {
        if let Some(Value::Object(spec)) = content.get_mut("spec") {
            default_protocol(spec);
        }
    } else if let Some(path) = pod_spec(object) {
        let pod = path.iter().try_fold(content, |map, key| map.get_mut(*key)?.as_object_mut());
        // Init containers are deliberately absent, as upstream.
        let containers = pod.and_then(|pod| pod.get_mut("containers")?.as_array_mut());
        containers.into_iter().flatten().filter_map(Value::as_object_mut).for_each(default_protocol);
    }
}

fn default_protocol(owner: &mut Map<String, Value>) {
    let ports = owner.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        port.entry("protocol").or_insert_with(|| "TCP".into());
    }
}

fn fold_string_data(content: &mut Map<String, Value>) {
    let Some(Value::Object(texts)) = content.remove("stringData") else { return };
    let data = content.entry("data").or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(data) = data else { return };
    for (key, text) in texts {
        data.insert(key, BASE64.encode(text.as_str().unwrap_or_default()).into());
    }
}

fn remove_bad_ca_bundle(object: &mut Object) {
    const PATH: [&str; 5] = ["spec", "conversion", "webhook", "clientConfig", "caBundle"];
    let Some(bundle) = object.field(&PATH).and_then(Value::as_str).filter(|bundle| !bundle.is_empty()) else { return };
    let valid = BASE64.decode(bundle).is_ok_and(|text| text.is_empty() || pem::holds_a_certificate(&text));
    if !valid {
        object.remove_field(&PATH);
    }
}

#[cfg(test)]
mod tests;
