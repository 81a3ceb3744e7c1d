//! Takes from a value what its schema does not know.

use notation::field::At;
use serde_json::{Map, Value};

use crate::node::{Additional, Id};
use crate::schemas::Schemas;

/// What every object has, whatever its schema says.
const EVERY_OBJECT: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Removes fields that the schema of a custom kind does not know, and returns their paths, sorted: `spec.list[0].colour`.
///
/// # Source
/// `structuralpruning` of apiextensions-apiserver; the texts of the real server are in the cases of `apiserver`.
pub fn prune(schemas: &Schemas, root: Id, object: &mut Value) -> Vec<String> {
    let mut removed = Vec::new();
    if let Value::Object(fields) = object {
        prune_fields(schemas, root, fields, &At::ROOT, true, &mut removed);
    }
    removed.sort();
    removed
}

fn prune_value(schemas: &Schemas, id: Id, value: &mut Value, at: &At<'_>, removed: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let is_object = schemas.node(id).embedded_resource;
            prune_fields(schemas, id, fields, at, is_object, removed);
        }
        Value::Array(items) => {
            let node = schemas.node(id);
            let Some(element) = node.items else {
                // Without a schema for items nothing in them is known, unless everything is.
                if !node.preserve_unknown {
                    for (index, item) in items.iter_mut().enumerate() {
                        remove_all(item, &at.item(index), removed);
                    }
                }
                return;
            };
            for (index, item) in items.iter_mut().enumerate() {
                prune_value(schemas, element, item, &at.item(index), removed);
            }
        }
        _ => {}
    }
}

fn prune_fields(
    schemas: &Schemas,
    id: Id,
    fields: &mut Map<String, Value>,
    at: &At<'_>,
    is_object: bool,
    removed: &mut Vec<String>,
) {
    let node = schemas.node(id);
    let mut strange: Vec<String> = Vec::new();
    for (name, value) in fields.iter_mut() {
        if is_object && EVERY_OBJECT.contains(&name.as_str()) {
            continue;
        }
        let place = at.field(name);
        match (schemas.field(id, name), node.additional) {
            (Some(field), _) => prune_value(schemas, field.node, value, &place, removed),
            (None, Additional::Of(element)) => prune_value(schemas, element, value, &place, removed),
            (None, Additional::Any) => {}
            (None, _) if node.preserve_unknown => {}
            (None, _) => strange.push(name.clone()),
        }
    }
    for name in strange {
        removed.push(at.field(&name).to_string());
        fields.remove(&name);
    }
}

/// Visits the metadata of the objects that lie in an object, with the paths of these.
///
/// # Errors
/// The first of the visits.
pub fn embedded<E>(
    schemas: &Schemas,
    root: Id,
    object: &mut Value,
    visit: &mut impl FnMut(&mut Value, &str) -> Result<(), E>,
) -> Result<(), E> {
    embedded_below(schemas, root, object, &At::ROOT, visit)
}

fn embedded_below<E>(
    schemas: &Schemas,
    id: Id,
    value: &mut Value,
    at: &At<'_>,
    visit: &mut impl FnMut(&mut Value, &str) -> Result<(), E>,
) -> Result<(), E> {
    let node = schemas.node(id);
    match value {
        Value::Object(fields) => {
            if let Some(metadata) = fields.get_mut("metadata").filter(|_| node.embedded_resource) {
                visit(metadata, &at.to_string())?;
            }
            for (name, value) in fields.iter_mut() {
                match (schemas.field(id, name), node.additional) {
                    (Some(field), _) => embedded_below(schemas, field.node, value, &at.field(name), visit)?,
                    (None, Additional::Of(element)) => embedded_below(schemas, element, value, &at.entry(name), visit)?,
                    _ => {}
                }
            }
        }
        Value::Array(items) => {
            let Some(element) = node.items else { return Ok(()) };
            for (index, item) in items.iter_mut().enumerate() {
                embedded_below(schemas, element, item, &at.item(index), visit)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn remove_all(value: &mut Value, at: &At<'_>, removed: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            removed.extend(fields.keys().map(|name| at.field(name).to_string()));
            fields.clear();
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                remove_all(item, &at.item(index), removed);
            }
        }
        _ => {}
    }
}

/// Removes null where the schema knows the field, does not allow null, and has no default for it.
pub fn nulls(schemas: &Schemas, id: Id, value: &mut Value) {
    let of_field = |name: &str| match (schemas.field(id, name), schemas.node(id).additional) {
        (Some(field), _) => Some(field.node),
        (None, Additional::Of(element)) => Some(element),
        _ => None,
    };
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| {
                let known = of_field(name);
                let is_refused = known.is_some_and(|id| !schemas.node(id).nullable && schemas.default_of(id).is_none());
                !(value.is_null() && is_refused)
            });
            for (name, value) in fields.iter_mut() {
                if let Some(id) = of_field(name) {
                    nulls(schemas, id, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(element) = schemas.node(id).items {
                for item in items {
                    nulls(schemas, element, item);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schemas::Kind;

    #[track_caller]
    fn check(schema: &Value, mut value: Value, pruned: &Value, removed: &[&str]) {
        let mut schemas = Schemas::new();
        let id = schemas.add_crd(Kind::default(), schema).unwrap();
        assert_eq!(prune(&schemas, id, &mut value), removed);
        assert_eq!(&value, pruned);
    }

    #[test]
    fn unknown_fields_go_and_are_told() {
        let schema = json!({
            "type": "object",
            "properties": { "spec": { "type": "object", "properties": {
                "known": { "type": "string" },
                "list": { "type": "array", "items": { "type": "object", "properties": { "a": { "type": "string" } } } },
                "map": { "type": "object", "additionalProperties": { "type": "object", "properties": { "a": { "type": "string" } } } },
                "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                          "properties": { "tidy": { "type": "object", "properties": {} } } },
            } } },
        });
        check(
            &schema,
            json!({ "apiVersion": "v1", "kind": "A", "metadata": { "name": "x" }, "odd": 1, "spec": {
                "known": "x", "colour": "red", "list": [{ "a": "1", "b": "2" }], "map": { "k": { "b": 1 } },
                "free": { "anything": { "goes": 1 }, "tidy": { "not": 1 } },
            } }),
            &json!({ "apiVersion": "v1", "kind": "A", "metadata": { "name": "x" }, "spec": {
                "known": "x", "list": [{ "a": "1" }], "map": { "k": {} },
                "free": { "anything": { "goes": 1 }, "tidy": {} },
            } }),
            &["odd", "spec.colour", "spec.free.tidy.not", "spec.list[0].b", "spec.map.k.b"],
        );
    }
}
