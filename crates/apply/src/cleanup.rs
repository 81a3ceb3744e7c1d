//! What others left on an object is removed before it is applied: their annotations, and their hold on fields.

use object::Object;
use serde_json::{Value, json};
use ssa::fields::ParseFieldsError;
use ssa::managers::{self, Managers};

use crate::Settings;

/// Annotations that go: kubectl's copy of the object, and what old versions of Flux wrote.
const ANNOTATIONS: [&str; 3] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "kustomize.toolkit.fluxcd.io/checksum",
    "fluxcd.io/sync-checksum",
];
/// Labels that go.
const LABELS: [&str; 1] = ["fluxcd.io/sync-gc-mark"];

/// The JSON patch that cleans a live object up; none when it is clean, or when it or `desired` keeps what others set.
///
/// # Errors
/// The managed fields could not be read.
pub(crate) fn patch(
    desired: &Object,
    live: &Object,
    taken_over: &[Managers],
    settings: &Settings,
) -> Result<Option<Value>, ParseFieldsError> {
    let mut operations = Vec::new();
    if !settings.is_merged(desired) && !settings.is_merged(live) {
        let annotations = ANNOTATIONS.iter().filter(|key| live.annotation(key).is_some());
        operations.extend(annotations.map(|key| remove("annotations", key)));
        let labels = LABELS.iter().filter(|key| live.label(key).is_some());
        operations.extend(labels.map(|key| remove("labels", key)));
        if let Some(entries) = managers::take_over(&managers::entries(live), taken_over, &settings.manager)? {
            operations.push(replace_managed_fields(&managers::to_value(entries)));
        }
    }
    Ok((!operations.is_empty()).then_some(Value::Array(operations)))
}

/// The JSON patch that moves every manager to the version that is applied; none when they are there.
pub(crate) fn migration(desired: &Object, live: &Object) -> Option<Value> {
    let mut entries = live.field(&["metadata", "managedFields"])?.clone();
    let mut moved = false;
    for entry in entries.as_array_mut()?.iter_mut().filter_map(Value::as_object_mut) {
        if entry.get("apiVersion").and_then(Value::as_str) != Some(desired.api_version()) {
            entry.insert("apiVersion".to_owned(), desired.api_version().into());
            moved = true;
        }
    }
    moved.then(|| Value::Array(vec![replace_managed_fields(&entries)]))
}

/// Whether there is something to clean up, judged by metadata alone.
pub(crate) fn is_needed(live: &Object, taken_over: &[Managers], settings: &Settings) -> bool {
    !settings.is_merged(live)
        && (ANNOTATIONS.iter().any(|key| live.annotation(key).is_some())
            || LABELS.iter().any(|key| live.label(key).is_some())
            || managers::entries(live).iter().any(|entry| taken_over.iter().any(|managers| managers.matches(entry))))
}

fn remove(map: &str, key: &str) -> Value {
    json!({"op": "remove", "path": format!("/metadata/{map}/{}", key.replace('~', "~0").replace('/', "~1"))})
}

fn replace_managed_fields(entries: &Value) -> Value {
    json!({"op": "replace", "path": "/metadata/managedFields", "value": entries})
}
