//! The metadata of an object, read and changed in its JSON.

use serde_json::{Map, Value};

/// Kept by whoever deletes an object before its dependents.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// Kept by whoever deletes an object and lets its dependents be.
pub(crate) const ORPHAN: &str = "orphan";

/// Kept by a CustomResourceDefinition until its objects are gone.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Whether the metadata is such that names can be read of it.
pub(crate) fn is_sound(object: &Value) -> bool {
    let text = |value: Option<&Value>| value.is_none_or(|value| value.is_string() || value.is_null());
    match object.get("metadata") {
        None | Some(Value::Null) => true,
        Some(Value::Object(map)) => ["name", "namespace", "generateName"].iter().all(|key| text(map.get(*key))),
        Some(_) => false,
    }
}

pub(crate) fn get<'a>(object: &'a Value, field: &str) -> Option<&'a Value> {
    object.get("metadata")?.get(field).filter(|value| !value.is_null())
}

/// A text of the metadata, empty when it is not there.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    get(object, field).and_then(Value::as_str).unwrap_or_default()
}

/// The metadata, made when there is none.
pub(crate) fn of(object: &mut Value) -> &mut Map<String, Value> {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let metadata = &mut object["metadata"];
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    match metadata {
        Value::Object(map) => map,
        _ => unreachable!("made a map above"),
    }
}

pub(crate) fn set(object: &mut Value, field: &str, value: impl Into<Value>) {
    of(object).insert(field.to_owned(), value.into());
}

/// Sets a field to what it was, or removes it.
pub(crate) fn carry(object: &mut Value, field: &str, old: &Value) {
    match get(old, field) {
        Some(value) => set(object, field, value.clone()),
        None => drop(of(object).remove(field)),
    }
}

pub(crate) fn finalizers(object: &Value) -> Vec<String> {
    let list = get(object, "finalizers").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(crate) fn set_finalizers(object: &mut Value, finalizers: &[String]) {
    if finalizers.is_empty() {
        of(object).remove("finalizers");
    } else {
        set(object, "finalizers", finalizers.to_vec());
    }
}

pub(crate) fn is_terminating(object: &Value) -> bool {
    get(object, "deletionTimestamp").is_some()
}

/// One owner of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    /// Whether the owner waits for this dependent when it goes in the foreground.
    pub(crate) blocks: bool,
}

pub(crate) fn owners(object: &Value) -> Vec<Owner> {
    let list = get(object, "ownerReferences").and_then(Value::as_array).into_iter().flatten();
    list.map(|owner| {
        let text = |key: &str| owner.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Owner {
            api_version: text("apiVersion"),
            kind: text("kind"),
            name: text("name"),
            uid: text("uid"),
            blocks: owner.get("blockOwnerDeletion").and_then(Value::as_bool).unwrap_or_default(),
        }
    })
    .collect()
}

/// Removes the references to these owners.
pub(crate) fn disown(object: &mut Value, uids: &[&str]) {
    let metadata = of(object);
    let Some(Value::Array(owners)) = metadata.get_mut("ownerReferences") else { return };
    owners.retain(|owner| !uids.contains(&owner.get("uid").and_then(Value::as_str).unwrap_or_default()));
    if owners.is_empty() {
        metadata.remove("ownerReferences");
    }
}
