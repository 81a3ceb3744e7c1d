//! The object around a spec, and how it is read from a cluster that may hold anything.

use std::borrow::Cow;

use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, ser::SerializeMap};
use serde_json::{Map, Value};

use crate::{Condition, ConditionType, Kind, Spec, Status, well_known};

/// A field whose stored value does not fit its type.
///
/// The API server validates what it is given, but not what is already stored: an object from before a CRD's change, or
/// written past the API, may hold anything. Such a field reads as absent and is named here.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldProblem {
    /// Where the field is, e.g. `spec.interval`.
    pub field: String,
    /// What is wrong with the value.
    pub message: String,
    /// The stored value; nothing for a required field that is missing.
    value: Option<Value>,
}

impl std::fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// An object of one of Flux's kinds.
///
/// *Guarantees*: every object that has a `metadata` can be read, so that one broken object never keeps a list or a watch
/// of its kind from being read. What could not be understood is in [`problems`](Self::problems), field by field; the
/// other fields are as stored. Written back, the object still holds the values that were not understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FluxObject<S: Spec> {
    /// Name, namespace, labels and so on.
    pub metadata: ObjectMeta,
    /// What people want.
    pub spec: S,
    /// What the controller says.
    pub status: Option<S::Status>,
    /// The fields that could not be understood; they read as absent.
    pub problems: Vec<FieldProblem>,
}

impl<S: Spec> FluxObject<S> {
    /// Makes an object that no cluster has seen yet.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, spec: S) -> Self {
        let metadata =
            ObjectMeta { namespace: Some(namespace.into()), name: Some(name.into()), ..ObjectMeta::default() };
        Self { metadata, spec, status: None, problems: Vec::new() }
    }

    /// The kind's names.
    pub const fn kind() -> Kind {
        S::KIND
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// The object's namespace.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// The generation of the spec; 0 before the API server has counted.
    pub fn generation(&self) -> i64 {
        self.metadata.generation.unwrap_or_default()
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// The value of the annotation that asks for a reconciliation.
    pub fn requested_at(&self) -> Option<&str> {
        self.annotation(well_known::REQUESTED_AT)
    }

    /// Whether the object is being deleted.
    pub fn is_deleting(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Whether the finalizer is on the object.
    pub fn has_finalizer(&self) -> bool {
        self.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == well_known::FINALIZER)
    }

    /// The conditions, in the order in which they are stored.
    pub fn conditions(&self) -> &[Condition] {
        self.status.as_ref().map_or(&[], Status::conditions)
    }

    /// The condition of that type.
    pub fn condition(&self, type_: ConditionType) -> Option<&Condition> {
        self.conditions().iter().find(|condition| condition.type_ == type_.as_str())
    }

    /// Whether the condition of that type is `True`.
    pub fn is_true(&self, type_: ConditionType) -> bool {
        self.condition(type_).is_some_and(|condition| condition.status == "True")
    }

    /// The last generation that was dealt with; 0 where the status does not say.
    pub fn observed_generation(&self) -> i64 {
        self.status.as_ref().and_then(Status::observed_generation).unwrap_or_default()
    }

    /// The last request for a reconciliation that was acted on.
    pub fn last_handled_reconcile_at(&self) -> Option<&str> {
        self.status.as_ref().and_then(Status::last_handled_reconcile_at)
    }

    /// The status, to be changed.
    pub fn status_mut(&mut self) -> &mut S::Status {
        self.status.get_or_insert_default()
    }
}

impl<S: Spec> kube::Resource for FluxObject<S> {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        S::KIND.kind.into()
    }

    fn group((): &()) -> Cow<'_, str> {
        S::KIND.group.into()
    }

    fn version((): &()) -> Cow<'_, str> {
        S::KIND.version.into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        S::KIND.plural.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl<'de, S: Spec> Deserialize<'de> for FluxObject<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Stored {
            #[serde(default)]
            metadata: ObjectMeta,
            #[serde(default)]
            spec: Value,
            #[serde(default)]
            status: Value,
        }
        let Stored { metadata, spec, status } = Stored::deserialize(deserializer)?;
        let mut problems = Vec::new();
        let spec = read(spec, "spec", &mut problems);
        let status = if status.is_null() { None } else { Some(read(status, "status", &mut problems)) };
        Ok(Self { metadata, spec, status, problems })
    }
}

impl<S: Spec> Serialize for FluxObject<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiVersion", &S::KIND.api_version())?;
        map.serialize_entry("kind", S::KIND.kind)?;
        map.serialize_entry("metadata", &self.metadata)?;
        if self.problems.is_empty() {
            map.serialize_entry("spec", &self.spec)?;
        } else {
            map.serialize_entry("spec", &self.with_stored_values("spec", &self.spec))?;
        }
        match &self.status {
            None => {}
            Some(status) if self.problems.is_empty() => map.serialize_entry("status", status)?,
            Some(status) => map.serialize_entry("status", &self.with_stored_values("status", status))?,
        }
        map.end()
    }
}

impl<S: Spec> FluxObject<S> {
    /// The part as JSON, with the values that were not understood back in their places.
    fn with_stored_values<T: Serialize>(&self, part: &str, typed: &T) -> Value {
        let mut value = serde_json::to_value(typed).unwrap_or_default();
        for problem in &self.problems {
            let Some(stored) = &problem.value else { continue };
            if problem.field == part {
                value = stored.clone();
            } else if let (Some(name), Value::Object(fields)) =
                (problem.field.strip_prefix(part).and_then(|rest| rest.strip_prefix('.')), &mut value)
            {
                fields.insert(name.to_owned(), stored.clone());
            }
        }
        value
    }
}

/// Reads a spec or status. Where it does not fit as a whole, the fields that fit are kept and the others named.
fn read<T: Default + Serialize + DeserializeOwned>(stored: Value, part: &str, problems: &mut Vec<FieldProblem>) -> T {
    if let Ok(whole) = T::deserialize(&stored) {
        return whole;
    }
    let fields = match without_nulls(stored) {
        Value::Object(fields) => fields,
        other => {
            let message = if other.is_null() { "missing".to_owned() } else { "not an object".to_owned() };
            problems.push(FieldProblem { field: part.to_owned(), message, value: Some(other) });
            return T::default();
        }
    };
    // What a default value prints is exactly the required fields, so one field at a time can be tried on top of it.
    let required = match serde_json::to_value(T::default()) {
        Ok(Value::Object(required)) => required,
        _ => Map::new(),
    };
    for missing in required.keys().filter(|name| !fields.contains_key(*name)) {
        problems.push(FieldProblem { field: format!("{part}.{missing}"), message: "missing".to_owned(), value: None });
    }
    let mut good = required.clone();
    for (name, value) in fields {
        let mut trial = required.clone();
        trial.insert(name.clone(), value.clone());
        match T::deserialize(Value::Object(trial)) {
            Ok(_) => {
                good.insert(name, value);
            }
            Err(error) => problems.push(FieldProblem {
                field: format!("{part}.{name}"),
                message: error.to_string(),
                value: Some(value),
            }),
        }
    }
    T::deserialize(Value::Object(good)).unwrap_or_default()
}

/// Drops fields that are `null`: in our kinds that is another way to leave a field out.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
