//! The OpenAPI definitions that `crds` names: fields that hold labels, annotations and names of other objects.

use serde_json::{Map, Value};

use super::{Config, Field, Referrers, merge_one};
use crate::error::{Fault, Reason};
use crate::id::GvkPattern;

/// Definitions inside definitions; one that refers to itself would never end.
const MAX_DEPTH: usize = 32;
/// Properties in all; definitions that refer to each other often would take forever.
const MAX_PROPERTIES: usize = 100_000;

/// Collects the fields of all definitions that look like objects.
pub(crate) fn parse(definitions: &Value) -> Result<Config, Fault> {
    let mut config = Config::default();
    let definitions = match definitions {
        Value::Object(definitions) => definitions,
        Value::Null => return Ok(config),
        _ => return Err(unlike("the file is no map")),
    };
    for (name, definition) in definitions {
        let schema = get(definition, "Schema");
        let parts = [Some(definition), schema, schema.and_then(|schema| get(schema, "properties"))];
        if parts.into_iter().flatten().any(|part| !part.is_object() && !part.is_null()) {
            return Err(unlike(&format!("what stands under {name:?} is none")));
        }
    }
    let mut seen = 0;
    for (name, definition) in definitions {
        let Some(properties) = properties(definition) else { continue };
        if ["kind", "apiVersion", "metadata"].iter().any(|field| !properties.contains_key(*field)) {
            continue;
        }
        let kind = name.rsplit('.').next().unwrap_or(name);
        let mut found = Config::default();
        Walk { definitions, kind, config: &mut found, seen: &mut seen }.properties(properties, &mut Vec::new())?;
        config.absorb(&found)?;
    }
    Ok(config)
}

fn unlike(found: &str) -> Fault {
    Reason::invalid(format!("expected a map from type names to OpenAPI definitions, but {found}")).hint(Some(
        "a CustomResourceDefinition itself belongs under resources, and the fields of its objects that hold names under \
         nameReference in a file of configurations"
            .to_owned(),
    ))
}

/// The keys of a definition are those of Go's decoder, which does not mind case.
fn properties(definition: &Value) -> Option<&Map<String, Value>> {
    get(get(definition, "Schema")?, "properties")?.as_object()
}

fn get<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let map = value.as_object()?;
    map.get(name).or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

struct Walk<'a> {
    definitions: &'a Map<String, Value>,
    kind: &'a str,
    config: &'a mut Config,
    seen: &'a mut usize,
}

impl<'a> Walk<'a> {
    fn properties(&mut self, properties: &'a Map<String, Value>, path: &mut Vec<&'a str>) -> Result<(), Fault> {
        for (name, property) in properties {
            *self.seen += 1;
            if *self.seen > MAX_PROPERTIES {
                return Err(
                    Reason::Limit { what: "properties in custom resource definitions", limit: MAX_PROPERTIES }.into()
                );
            }
            path.push(name);
            self.property(property, path)?;
            path.pop();
        }
        Ok(())
    }

    fn property(&mut self, property: &'a Value, path: &mut Vec<&'a str>) -> Result<(), Fault> {
        let text = |extension: &str| property.get(extension).and_then(Value::as_str);
        if text("x-kubernetes-annotation").is_some() {
            let field = self.field(path);
            merge_one(&mut self.config.common_annotations, field)?;
        }
        if text("x-kubernetes-label-selector").is_some() {
            let field = self.field(path);
            merge_one(&mut self.config.common_labels, field)?;
        }
        if text("x-kubernetes-identity").is_some() {
            let field = self.field(path);
            merge_one(&mut self.config.name_prefix, field)?;
        }
        if let (Some(version), Some(kind)) =
            (text("x-kubernetes-object-ref-api-version"), text("x-kubernetes-object-ref-kind"))
        {
            path.push(text("x-kubernetes-object-ref-name-key").unwrap_or("name"));
            let field = self.field(path);
            path.pop();
            let target = GvkPattern::new("", version.to_owned(), kind.to_owned());
            self.config.add_referrers(&Referrers { target, fields: vec![field] })?;
        }
        let below = property.get("$ref").and_then(Value::as_str).and_then(|name| self.definitions.get(name));
        if let Some(properties) = below.and_then(properties) {
            if path.len() > MAX_DEPTH {
                return Err(Reason::Limit { what: "definitions inside each other", limit: MAX_DEPTH }.into());
            }
            self.properties(properties, path)?;
        }
        Ok(())
    }

    fn field(&self, path: &[&str]) -> Field {
        let gvk = GvkPattern::new("", "", self.kind.to_owned());
        Field { gvk, path: path.join("/").into(), create: false }
    }
}
