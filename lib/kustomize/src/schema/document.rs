//! Reading an OpenAPI (version 2) document that a build file names.

use serde_json::Value;

use super::{Below, Document, KindFacts, Type, TypeId};
use std::collections::HashMap;

/// References that lead to references are followed this far.
const MAX_REFERENCES: usize = 32;
/// Schemas inside schemas, without references.
const MAX_DEPTH: usize = 64;

/// Takes the types and scopes of a document; what does not look like one is empty.
pub(crate) fn parse(openapi: &Value) -> Document {
    let mut document = Document::default();
    let Some(definitions) = openapi.get("definitions").and_then(Value::as_object) else {
        return document;
    };
    let numbers: HashMap<&str, TypeId> = definitions
        .keys()
        .enumerate()
        .filter_map(|(i, name)| Some((name.as_str(), TypeId::try_from(i).ok()?)))
        .collect();
    document.types.resize_with(numbers.len(), Type::default);
    let mut reader = Reader { definitions, numbers, document };
    for (i, schema) in definitions.values().enumerate() {
        let found = reader.fields(schema, 0);
        reader.document.types[i] = found;
        for gvk in schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array).into_iter().flatten() {
            if let Some((api_version, kind)) = type_meta(gvk) {
                reader.document.kind(&api_version, kind).root = TypeId::try_from(i).ok();
            }
        }
    }
    let mut document = reader.document;
    scopes(openapi, &mut document);
    document
}

struct Reader<'a> {
    definitions: &'a serde_json::Map<String, Value>,
    numbers: HashMap<&'a str, TypeId>,
    document: Document,
}

impl Reader<'_> {
    fn fields(&mut self, schema: &Value, depth: usize) -> Type {
        let mut found = Type::default();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let Some(below) = self.below(property, depth) {
                found.fields.insert(name.as_str().into(), below);
            }
        }
        found.other = schema.get("additionalProperties").and_then(|values| self.below(values, depth));
        found
    }

    fn below(&mut self, schema: &Value, depth: usize) -> Option<Below> {
        if depth > MAX_DEPTH {
            return None;
        }
        if let Some(id) = self.reference(schema) {
            return Some(Below::Map(id));
        }
        let strategy = schema.get("x-kubernetes-patch-strategy").and_then(Value::as_str).unwrap_or("");
        if strategy.split(',').any(|part| part == "merge") {
            let items = schema.get("items");
            let element = items.and_then(|items| self.reference(items).or_else(|| self.inline(items, depth)));
            return Some(Below::List(keys(schema), element));
        }
        self.inline(schema, depth).map(Below::Map)
    }

    /// Gives a schema without a name a number.
    fn inline(&mut self, schema: &Value, depth: usize) -> Option<TypeId> {
        schema.get("properties").or_else(|| schema.get("additionalProperties"))?;
        let found = self.fields(schema, depth + 1);
        let id = TypeId::try_from(self.document.types.len()).ok()?;
        self.document.types.push(found);
        Some(id)
    }

    fn reference(&self, schema: &Value) -> Option<TypeId> {
        let mut name = definition(schema)?;
        for _ in 0..MAX_REFERENCES {
            match definition(self.definitions.get(name)?) {
                Some(next) => name = next,
                None => return self.numbers.get(name).copied(),
            }
        }
        None
    }
}

fn definition(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/definitions/")
}

fn keys(schema: &Value) -> Vec<Box<str>> {
    match schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array) {
        Some(keys) => keys.iter().filter_map(Value::as_str).map(Into::into).collect(),
        None => {
            schema.get("x-kubernetes-patch-merge-key").and_then(Value::as_str).map(Into::into).into_iter().collect()
        }
    }
}

/// A kind whose path names a namespace lives in one; one that has a path without lives outside.
fn scopes(openapi: &Value, document: &mut Document) {
    for (path, item) in openapi.get("paths").and_then(Value::as_object).into_iter().flatten() {
        let gvk = item.get("get").and_then(|get| get.get("x-kubernetes-group-version-kind"));
        let Some((api_version, kind)) = gvk.and_then(type_meta) else { continue };
        let facts: &mut KindFacts = document.kind(&api_version, kind);
        if path.contains("namespaces/{namespace}") {
            facts.cluster = Some(false);
        } else {
            facts.cluster.get_or_insert(true);
        }
    }
}

fn type_meta(gvk: &Value) -> Option<(String, &str)> {
    let text = |name| gvk.get(name).and_then(Value::as_str);
    let (version, kind) = (text("version")?, text("kind")?);
    let api_version = match text("group") {
        Some(group) if !group.is_empty() => format!("{group}/{version}"),
        _ => version.to_owned(),
    };
    Some((api_version, kind))
}
