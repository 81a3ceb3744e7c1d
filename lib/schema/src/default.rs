//! Fills a value with the defaults of its schema.

use serde_json::Value;

use crate::node::{Additional, Id};
use crate::schemas::Schemas;

/// Fills what is absent, or null where null is not allowed, below a value; what was filled is filled in turn.
///
/// # Source
/// `structuraldefaulting` of apiextensions-apiserver.
pub fn fill(schemas: &Schemas, id: Id, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for field in schemas.fields(id) {
                let is_absent = match fields.get(&*field.name) {
                    None => true,
                    Some(value) => value.is_null() && !schemas.node(field.node).nullable,
                };
                if let (true, Some(default)) = (is_absent, schemas.default_of(field.node)) {
                    fields.insert(field.name.to_string(), default.clone());
                }
            }
            for (name, value) in fields.iter_mut() {
                match (schemas.field(id, name), schemas.node(id).additional) {
                    (Some(field), _) => fill(schemas, field.node, value),
                    (None, Additional::Of(element)) => fill_element(schemas, element, value),
                    _ => {}
                }
            }
        }
        Value::Array(items) => {
            if let Some(element) = schemas.node(id).items {
                for item in items {
                    fill_element(schemas, element, item);
                }
            }
        }
        _ => {}
    }
}

/// An element that is null where it may not be is the default, which may be none.
fn fill_element(schemas: &Schemas, id: Id, value: &mut Value) {
    if value.is_null() && !schemas.node(id).nullable {
        *value = schemas.default_of(id).cloned().unwrap_or_default();
    }
    fill(schemas, id, value);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schemas::Kind;

    #[test]
    fn defaults_fill_what_is_absent_and_themselves() {
        let schema = json!({
            "type": "object",
            "properties": { "spec": { "type": "object", "default": {}, "properties": {
                "replicas": { "type": "integer", "default": 1 },
                "mode": { "type": "string", "nullable": true, "default": "a" },
                "list": { "type": "array", "items": { "type": "object", "properties": { "port": { "type": "integer", "default": 80 } } } },
                "map": { "type": "object", "additionalProperties": { "type": "object", "properties": { "x": { "type": "integer", "default": 2 } } } },
            } } },
        });
        let mut schemas = Schemas::new();
        let id = schemas.add_crd(Kind::default(), &schema).unwrap();
        for (mut value, filled) in [
            (json!({}), json!({ "spec": { "replicas": 1, "mode": "a" } })),
            (json!({ "spec": { "replicas": null, "mode": null } }), json!({ "spec": { "replicas": 1, "mode": null } })),
            (
                json!({ "spec": { "replicas": 0, "mode": "b", "list": [{}], "map": { "k": {} } } }),
                json!({ "spec": { "replicas": 0, "mode": "b", "list": [{ "port": 80 }], "map": { "k": { "x": 2 } } } }),
            ),
        ] {
            fill(&schemas, id, &mut value);
            assert_eq!(value, filled);
        }
    }
}
