//! One Kubernetes object: a JSON map that is known to say what it is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{GroupVersionKind, ObjectId};

/// A Kubernetes object.
///
/// *Guarantees*: `apiVersion`, `kind` and `metadata.name` are strings and not empty, `metadata` is a map. Nothing
/// else is known about the content.
///
/// *Caveats*: the content may be a Secret's, so `Debug` prints the identity only. Equality is that of the content;
/// two objects from different files may be equal.
#[derive(Clone)]
pub struct Object {
    /// Always a map, with a map `metadata`: see the guarantees.
    content: Value,
    origin: Option<Origin>,
}

/// Where an object was written down, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file, as its reader names it: relative to the root of the source.
    pub file: Arc<str>,
    /// The line of the object's first key, counted from 1.
    pub line: usize,
}

/// Prints `apps/web.yaml:12`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What a value lacks to be a Kubernetes object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidObject {
    /// The value is a list or a scalar.
    #[error("not a map but {found}")]
    NotAMap {
        /// What it is instead.
        found: &'static str,
    },
    /// One of the fields that identify an object is absent or empty.
    #[error("{field} is missing")]
    Missing {
        /// The field's path, e.g. `metadata.name`.
        field: &'static str,
    },
    /// One of the fields that identify an object has the wrong type.
    #[error("{field} is {found} instead of {expected}")]
    Type {
        /// The field's path, e.g. `metadata.name`.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
}

impl Object {
    /// Checks that a value says which object it is.
    pub fn from_value(value: Value) -> Result<Self, InvalidObject> {
        match value {
            Value::Object(content) => Self::from_map(content),
            other => Err(InvalidObject::NotAMap { found: type_name(&other) }),
        }
    }

    /// Checks that a map says which object it is.
    pub fn from_map(content: Map<String, Value>) -> Result<Self, InvalidObject> {
        check_string(content.get("apiVersion"), "apiVersion")?;
        check_string(content.get("kind"), "kind")?;
        match content.get("metadata") {
            None | Some(Value::Null) => return Err(InvalidObject::Missing { field: "metadata.name" }),
            Some(Value::Object(metadata)) => check_string(metadata.get("name"), "metadata.name")?,
            Some(other) => {
                return Err(InvalidObject::Type { field: "metadata", expected: "a map", found: type_name(other) });
            }
        }
        Ok(Self { content: Value::Object(content), origin: None })
    }

    /// The same object, known to come from a place in a file.
    #[must_use]
    pub fn with_origin(mut self, origin: Option<Origin>) -> Self {
        self.origin = origin;
        self
    }

    /// Where the object was written down, if that is known.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The content, always a map.
    pub fn as_value(&self) -> &Value {
        &self.content
    }

    /// The content, always a map.
    pub fn into_value(self) -> Value {
        self.content
    }

    /// The API version, e.g. `apps/v1`.
    pub fn api_version(&self) -> &str {
        self.content.get("apiVersion").and_then(Value::as_str).unwrap_or_default()
    }

    /// The kind, e.g. `Deployment`.
    pub fn kind(&self) -> &str {
        self.content.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// The API group, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// The version without the group, e.g. `v1`.
    pub fn version(&self) -> &str {
        self.api_version().split_once('/').map_or(self.api_version(), |(_, version)| version)
    }

    /// The kind with group and version.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::new(self.api_version(), self.kind())
    }

    /// Which object this is.
    pub fn id(&self) -> ObjectId {
        ObjectId {
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().map(str::to_owned),
            name: self.name().to_owned(),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.metadata_str("name").unwrap_or_default()
    }

    /// The namespace, if one is set and not empty.
    pub fn namespace(&self) -> Option<&str> {
        self.metadata_str("namespace")
    }

    /// The identity that the API server gave it, absent from objects of files.
    pub fn uid(&self) -> Option<&str> {
        self.metadata_str("uid")
    }

    /// The version of the stored object, absent from objects of files.
    pub fn resource_version(&self) -> Option<&str> {
        self.metadata_str("resourceVersion")
    }

    /// The number of the last change of the desired state, absent from objects of files.
    pub fn generation(&self) -> Option<i64> {
        self.field(&["metadata", "generation"]).and_then(Value::as_i64)
    }

    /// Whether deletion was asked for.
    pub fn is_terminating(&self) -> bool {
        self.metadata_str("deletionTimestamp").is_some()
    }

    /// The labels, by key. Values that are not strings are left out.
    pub fn labels(&self) -> BTreeMap<&str, &str> {
        self.string_map("labels")
    }

    /// The annotations, by key. Values that are not strings are left out.
    pub fn annotations(&self) -> BTreeMap<&str, &str> {
        self.string_map("annotations")
    }

    /// One label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.field(&["metadata", "labels", key]).and_then(Value::as_str)
    }

    /// One annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.field(&["metadata", "annotations", key]).and_then(Value::as_str)
    }

    /// Whether a label **or** an annotation has this value, letter case aside: how Flux reads its own markers.
    pub fn has_marker(&self, key: &str, value: &str) -> bool {
        [self.label(key), self.annotation(key)]
            .into_iter()
            .flatten()
            .any(|found| !found.is_empty() && found.to_lowercase() == value.to_lowercase())
    }

    /// Follows map keys from the root.
    pub fn field(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(&self.content, |value, key| value.as_object()?.get(*key))
    }

    /// Sets or removes the namespace.
    pub fn set_namespace(&mut self, namespace: Option<&str>) {
        match namespace {
            Some(namespace) => self.metadata_mut().insert("namespace".to_owned(), namespace.into()),
            None => self.metadata_mut().remove("namespace"),
        };
    }

    /// Sets the name.
    ///
    /// # Errors
    /// [`InvalidObject::Missing`] when the name is empty; the object is left as it was.
    pub fn set_name(&mut self, name: &str) -> Result<(), InvalidObject> {
        if name.is_empty() {
            return Err(InvalidObject::Missing { field: "metadata.name" });
        }
        self.metadata_mut().insert("name".to_owned(), name.into());
        Ok(())
    }

    /// Adds a label, or replaces its value.
    pub fn set_label(&mut self, key: &str, value: &str) {
        self.set_string_map_entry("labels", key, value);
    }

    /// Adds an annotation, or replaces its value.
    pub fn set_annotation(&mut self, key: &str, value: &str) {
        self.set_string_map_entry("annotations", key, value);
    }

    /// Removes an annotation; the map goes with its last entry.
    pub fn remove_annotation(&mut self, key: &str) {
        let metadata = self.metadata_mut();
        let Some(Value::Object(annotations)) = metadata.get_mut("annotations") else { return };
        annotations.remove(key);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }

    /// Sets a field at the root, e.g. `data`. The fields that identify the object have setters of their own and are
    /// left as they are.
    pub fn set_field(&mut self, key: &str, value: Value) {
        if !matches!(key, "apiVersion" | "kind" | "metadata") {
            self.map_mut().insert(key.to_owned(), value);
        }
    }

    /// Removes what a path of map keys leads to, and returns it. The fields that identify the object stay.
    pub fn remove_field(&mut self, path: &[&str]) -> Option<Value> {
        if matches!(path, ["apiVersion" | "kind" | "metadata"] | ["metadata", "name"]) {
            return None;
        }
        let (last, parents) = path.split_last()?;
        let parent = parents.iter().try_fold(self.map_mut(), |map, key| map.get_mut(*key)?.as_object_mut())?;
        parent.remove(*last)
    }

    /// Changes the content freely, e.g. by a patch, and checks it again.
    ///
    /// # Errors
    /// The change is dropped when its result no longer says which object it is.
    pub fn update(&mut self, change: impl FnOnce(&mut Map<String, Value>)) -> Result<(), InvalidObject> {
        let mut content = self.content.as_object().cloned().unwrap_or_default();
        change(&mut content);
        self.content = Self::from_map(content)?.content;
        Ok(())
    }

    fn metadata_str(&self, key: &str) -> Option<&str> {
        self.field(&["metadata", key]).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn string_map(&self, key: &str) -> BTreeMap<&str, &str> {
        let map = self.field(&["metadata", key]).and_then(Value::as_object);
        map.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
    }

    fn set_string_map_entry(&mut self, map: &str, key: &str, value: &str) {
        let entry = self.metadata_mut().entry(map).or_insert_with(|| Value::Object(Map::new()));
        if !entry.is_object() {
            *entry = Value::Object(Map::new());
        }
        if let Value::Object(entries) = entry {
            entries.insert(key.to_owned(), value.into());
        }
    }

    fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        match self.map_mut().entry("metadata").or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(map) => map,
            _ => unreachable!("the constructor and every setter keep metadata a map"),
        }
    }

    fn map_mut(&mut self) -> &mut Map<String, Value> {
        match &mut self.content {
            Value::Object(map) => map,
            _ => unreachable!("the constructor and every setter keep the content a map"),
        }
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Object").field(&format_args!("{} {}", self.api_version(), self.id())).finish()
    }
}

fn check_string(value: Option<&Value>, field: &'static str) -> Result<(), InvalidObject> {
    match value {
        None | Some(Value::Null) => Err(InvalidObject::Missing { field }),
        Some(Value::String(text)) if text.is_empty() => Err(InvalidObject::Missing { field }),
        Some(Value::String(_)) => Ok(()),
        Some(other) => Err(InvalidObject::Type { field, expected: "a string", found: type_name(other) }),
    }
}

pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests;
