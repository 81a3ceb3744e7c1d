//! The Scale of an object: its numbers of replicas, wherever it keeps them.

use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::meta;
use crate::resource::{FieldError, Resource, Scale};

/// The Scale that an object shows.
pub(crate) fn of(paths: &Scale, object: &Value) -> Value {
    let mut metadata = Map::new();
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = meta::get(object, field) {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    let number = |path: &str| at(object, path).and_then(Value::as_i64).unwrap_or_default();
    let mut spec = Map::new();
    let wanted = number(&paths.spec_replicas);
    if wanted != 0 {
        spec.insert("replicas".to_owned(), wanted.into());
    }
    let mut status = json!({ "replicas": number(&paths.status_replicas) });
    let selector = paths.selector.as_ref().and_then(|path| at(object, path)).map(selector_text);
    if let Some(selector) = selector.filter(|text| !text.is_empty()) {
        status["selector"] = selector.into();
    }
    json!({ "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status })
}

/// The object with the replicas that a Scale asks for.
///
/// # Errors
/// 422 for a number that cannot be.
pub(crate) fn set(resource: &Resource, paths: &Scale, mut object: Value, scale: &Value) -> Result<Value, Failure> {
    let replicas = scale.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or_default();
    if replicas < 0 {
        let (group, kind, field, rule) = if resource.custom {
            let path = paths.spec_replicas.clone();
            (resource.group.as_str(), resource.kind.as_str(), path, "should be a non-negative integer")
        } else {
            ("autoscaling", "Scale", "spec.replicas".to_owned(), "must be greater than or equal to 0")
        };
        let message = format!("Invalid value: {replicas}: {rule}");
        let error = FieldError { field, reason: "FieldValueInvalid", message };
        return Err(Failure::invalid(group, kind, meta::text(&object, "name"), &[error]));
    }
    let version = meta::text(scale, "resourceVersion").to_owned();
    if !version.is_empty() {
        meta::set(&mut object, "resourceVersion", version);
    } else if !resource.custom {
        meta::of(&mut object).remove("resourceVersion");
    }
    let mut place = &mut object;
    for key in paths.spec_replicas.split('.').filter(|key| !key.is_empty()) {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[key];
    }
    *place = replicas.into();
    Ok(object)
}

fn at<'o>(object: &'o Value, path: &str) -> Option<&'o Value> {
    path.split('.').filter(|key| !key.is_empty()).try_fold(object, |value, key| value.get(key))
}

/// A selector as text: those of ReplicationControllers are plain maps.
fn selector_text(selector: &Value) -> String {
    if let Value::String(text) = selector {
        return text.clone();
    }
    let Some(map) = selector.as_object() else { return String::new() };
    let structured = map.contains_key("matchLabels") || map.contains_key("matchExpressions");
    let labels = if structured { selector.get("matchLabels").and_then(Value::as_object) } else { Some(map) };
    let pairs = labels.into_iter().flatten();
    let mut terms: Vec<String> = pairs.filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
    let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    for expression in expressions {
        let text = |key: &str| expression.get(key).and_then(Value::as_str).unwrap_or_default();
        let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
        let values = values.filter_map(Value::as_str).collect::<Vec<_>>().join(",");
        let key = text("key");
        terms.push(match text("operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    terms.join(",")
}
