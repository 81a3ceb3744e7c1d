//! JSON merge patches (RFC 7386).

use serde_json::{Map, Value};

use super::{PatchError, Status};

/// Applies a merge patch: maps merge, null removes, everything else replaces.
///
/// # Errors
/// [`Status::BadRequest`] when the patch is neither a map nor a list.
///
/// # Source
/// evanphx/json-patch v4, which keeps null in lists.
pub fn merge(object: Value, patch: Value) -> Result<Value, PatchError> {
    match (object, patch) {
        (Value::Object(mut map), Value::Object(patch)) => {
            merge_maps(&mut map, patch);
            Ok(Value::Object(map))
        }
        (_, patch @ (Value::Object(_) | Value::Array(_))) => Ok(without_nulls(patch)),
        _ => Err(PatchError::new(Status::BadRequest, "Invalid JSON Patch")),
    }
}

fn merge_maps(map: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (key, value) in patch {
        match (map.get_mut(&key), value) {
            (_, Value::Null) => drop(map.remove(&key)),
            (Some(Value::Object(map)), Value::Object(patch)) => merge_maps(map, patch),
            // Upstream looks into what it puts in the place of null or nothing or a scalar, but not into a list that it
            // puts in the place of a map.
            (Some(Value::Object(_)), value) => drop(map.insert(key, value)),
            (_, value) => drop(map.insert(key, without_nulls(value))),
        }
    }
}

/// A value without the fields that are null, also within lists; a list keeps its nulls.
pub(super) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
