//! The CRDs, generated from the types.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Map, Value, json};

use crate::{GitRepositorySpec, KustomizationSpec, Spec, well_known};

/// Makes the CRDs of all kinds, as objects that an API server accepts.
pub fn crds() -> Vec<Value> {
    vec![crd::<GitRepositorySpec>(), crd::<KustomizationSpec>()]
}

fn crd<S: Spec>() -> Value {
    let kind = S::KIND;
    let columns: Vec<Value> = kind
        .columns
        .iter()
        .map(|column| json!({ "name": column.name, "type": column.type_, "jsonPath": column.path }))
        .collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": kind.crd_name(),
            // Descriptions mention `${}`: a Kustomization that applies the CRDs must not take that for a variable.
            "annotations": { well_known::KUSTOMIZE_SUBSTITUTE: well_known::DISABLED },
        },
        "spec": {
            "group": kind.group,
            "names": {
                "kind": kind.kind,
                "listKind": format!("{}List", kind.kind),
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": kind.short_names,
                "categories": kind.categories,
            },
            "scope": "Namespaced",
            "versions": [{
                "name": kind.version,
                "served": true,
                "storage": true,
                "additionalPrinterColumns": columns,
                "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": {
                    "description": S::DESCRIPTION,
                    "type": "object",
                    "properties": {
                        "apiVersion": { "type": "string", "description": "The version of the API that the object is written in." },
                        "kind": { "type": "string", "description": "The kind of the object." },
                        "metadata": { "type": "object" },
                        "spec": schema_of::<S>(),
                        "status": schema_of::<S::Status>(),
                    },
                } },
            }],
        },
    })
}

/// The schema of a point in time.
pub(crate) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    make_structural(&mut schema);
    schema
}

/// Turns a schema of JSON Schema's latest draft into what CRDs accept.
///
/// An optional field is one that may be left out, never one that may be `null`; and the documented variants of an enum
/// become one list of values.
fn make_structural(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    unwrap_optional(fields);
    gather_variants(fields);
    fields.remove("title");
    fields.remove("$schema");
    if fields.get("default").is_some_and(Value::is_null) {
        fields.remove("default");
    }
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            fields.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::String(description)) = fields.get_mut("description") {
        *description = unwrap_lines(description);
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(make_structural);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = fields.get_mut(inner) {
            make_structural(inner);
        }
    }
}

/// `anyOf` of a schema and `null` becomes that schema; what is said outside, such as the description, stays.
fn unwrap_optional(fields: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = fields.get("anyOf") else { return };
    let mut choices: Vec<Value> = choices.iter().filter(|choice| choice["type"] != "null").cloned().collect();
    let (Some(Value::Object(inner)), true) = (choices.pop(), choices.is_empty()) else { return };
    fields.remove("anyOf");
    for (key, value) in inner {
        fields.entry(key).or_insert(value);
    }
}

/// `oneOf` of constants and enums becomes one enum.
fn gather_variants(fields: &mut Map<String, Value>) {
    let Some(Value::Array(variants)) = fields.get("oneOf") else { return };
    let mut values = Vec::new();
    for variant in variants {
        match (variant.get("const"), variant.get("enum")) {
            (Some(value), _) => values.push(value.clone()),
            (None, Some(Value::Array(several))) => values.extend(several.iter().cloned()),
            _ => return,
        }
    }
    fields.remove("oneOf");
    fields.insert("type".to_owned(), "string".into());
    fields.insert("enum".to_owned(), Value::Array(values));
}

/// Joins the lines of a paragraph: where the source code breaks them means nothing to readers of the CRD.
fn unwrap_lines(text: &str) -> String {
    text.split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}

#[cfg(test)]
mod tests;
