//! Reading an OpenAPI (version 2) document that a build file names.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Below, Document, KindFacts, List, Type, TypeId};

/// References that lead to references are followed this far.
const MAX_REFERENCES: usize = 32;
/// Schemas inside schemas, without references.
const MAX_DEPTH: usize = 64;

/// Takes the types and scopes of a document.
///
/// # Errors
/// What stands where only a map may.
pub(crate) fn parse(openapi: &Value) -> Result<Document, String> {
    let mut document = Document::default();
    let Some(openapi) = map(openapi, "the document")? else { return Ok(document) };
    let part = |name: &str| openapi.get(name).map_or(Ok(None), |found| map(found, name));
    scopes(part("paths")?, &mut document);
    let Some(definitions) = part("definitions")? else { return Ok(document) };
    for (name, schema) in definitions {
        map(schema, name)?;
    }
    document.names = definitions
        .keys()
        .enumerate()
        .filter_map(|(i, name)| Some((name.clone().into(), TypeId::try_from(i).ok()?)))
        .collect();
    document.types.resize_with(definitions.len(), Type::default);
    let mut reader = Reader { definitions, document };
    for (i, schema) in definitions.values().enumerate() {
        let list = reader.list(schema, 0);
        let found = Type { list, ..reader.fields(schema, 0) };
        reader.document.types[i] = found;
        for gvk in schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array).into_iter().flatten() {
            if let Some((api_version, kind)) = type_meta(gvk) {
                reader.document.kind(api_version.into(), kind.to_owned().into()).root = TypeId::try_from(i).ok();
            }
        }
    }
    Ok(reader.document)
}

fn map<'a>(value: &'a Value, name: &str) -> Result<Option<&'a Map<String, Value>>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Object(map) => Ok(Some(map)),
        _ => Err(format!("{name} must be a map")),
    }
}

struct Reader<'a> {
    definitions: &'a Map<String, Value>,
    document: Document,
}

impl Reader<'_> {
    fn fields(&mut self, schema: &Value, depth: usize) -> Type {
        let mut found = Type::default();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let Some(below) = self.below(property, depth) {
                found.fields.push((name.clone().into(), below));
            }
        }
        found.sort();
        found.other = schema.get("additionalProperties").and_then(|values| self.below(values, depth));
        found
    }

    fn below(&mut self, schema: &Value, depth: usize) -> Option<Below> {
        if depth > MAX_DEPTH {
            return None;
        }
        if let Some(id) = self.reference(schema) {
            return Some(Below::Type(id));
        }
        match self.list(schema, depth) {
            Some(list) => Some(Below::List(list)),
            None => self.inline(schema, depth).map(Below::Type),
        }
    }

    fn list(&mut self, schema: &Value, depth: usize) -> Option<List> {
        let strategy = schema.get("x-kubernetes-patch-strategy").and_then(Value::as_str)?;
        if !strategy.split(',').any(|part| part == "merge") {
            return None;
        }
        let items = schema.get("items");
        let element = items.and_then(|items| self.reference(items).or_else(|| self.inline(items, depth)));
        Some(List { keys: keys(schema), element })
    }

    /// Gives a schema without a name a number.
    fn inline(&mut self, schema: &Value, depth: usize) -> Option<TypeId> {
        schema.get("properties").or_else(|| schema.get("additionalProperties"))?;
        let found = self.fields(schema, depth + 1);
        let id = TypeId::try_from(self.document.types.len()).ok()?;
        self.document.types.push(found);
        Some(id)
    }

    fn reference(&mut self, schema: &Value) -> Option<TypeId> {
        let mut name = definition(schema)?;
        for _ in 0..MAX_REFERENCES {
            match self.definitions.get(name).map(definition) {
                Some(Some(next)) => name = next,
                Some(None) => return self.document.names.get(name).copied(),
                None => return self.missing(name),
            }
        }
        None
    }

    /// Leaves room for a definition that another document may have.
    fn missing(&mut self, name: &str) -> Option<TypeId> {
        if let Some(&id) = self.document.missing.get(name) {
            return Some(id);
        }
        let id = TypeId::try_from(self.document.types.len()).ok()?;
        self.document.types.push(Type::default());
        self.document.missing.insert(name.to_owned().into(), id);
        Some(id)
    }
}

fn definition(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/definitions/")
}

fn keys(schema: &Value) -> Vec<Cow<'static, str>> {
    let text = |key: &Value| key.as_str().map(|key| key.to_owned().into());
    match schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array) {
        Some(keys) => keys.iter().filter_map(text).collect(),
        None => schema.get("x-kubernetes-patch-merge-key").and_then(text).into_iter().collect(),
    }
}

/// A kind whose path names a namespace lives in one; one that has a path without lives outside.
fn scopes(paths: Option<&Map<String, Value>>, document: &mut Document) {
    for (path, item) in paths.into_iter().flatten() {
        let gvk = item.get("get").and_then(|get| get.get("x-kubernetes-group-version-kind"));
        let Some((api_version, kind)) = gvk.and_then(type_meta) else { continue };
        let facts: &mut KindFacts = document.kind(api_version.into(), kind.to_owned().into());
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
