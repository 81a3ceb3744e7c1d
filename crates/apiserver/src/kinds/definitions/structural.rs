//! Whether a schema is structural: every value has a type, and what is about values says nothing about types.

use notation::field::{At, FieldError, FieldErrors};
use schema::{Checks, Id, Kind, Schemas};
use serde_json::{Map, Value, json};

type Fields = Map<String, Value>;

/// How deep a schema may nest; deeper ones are refused when they are read.
const DEEPEST: usize = 64;
/// What a schema says about types, which a nested one may not.
const OF_TYPES: [(&str, &str); 10] = [
    ("type", "must be empty to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
    ("x-kubernetes-embedded-resource", "must be false to be structural"),
    ("x-kubernetes-int-or-string", "must be false to be structural"),
    ("x-kubernetes-list-map-keys", "must be empty to be structural"),
    ("x-kubernetes-list-type", "must be undefined to be structural"),
];

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Field,
    Item,
}

/// What keeps a schema from being structural, sorted as upstream sorts it.
pub(super) fn problems(schema: &Value, at: &At<'_>) -> Vec<FieldError> {
    let mut errors = FieldErrors::default();
    check(schema, Level::Root, at, 0, None, &mut errors);
    if errors.is_empty() {
        let mut schemas = Schemas::new();
        let kind = Kind { group: String::new(), version: String::new(), kind: String::new() };
        if let Ok(root) = schemas.add_crd(kind, schema) {
            let checks = Checks::new(&schemas, root);
            defaults(schema, &schemas, root, &checks, at, &mut errors);
        }
    }
    let mut errors = errors.into_vec();
    errors.sort_by_key(ToString::to_string);
    errors
}

/// `uncorrelated` is the path of the list or map around, if what is in it cannot be told from what was there before.
fn check(
    schema: &Value,
    level: Level,
    at: &At<'_>,
    depth: usize,
    uncorrelated: Option<&str>,
    errors: &mut FieldErrors,
) {
    let Value::Object(schema) = schema else { return };
    if depth > DEEPEST {
        errors.invalid(at, &json!(""), &format!("must not nest deeper than {DEEPEST} levels"));
        return;
    }
    let type_ = text(schema, "type");
    let own = at.to_string();
    let below = |is_correlated: bool| uncorrelated.or((!is_correlated).then_some(own.as_str()));
    let of_items = below(text(schema, "x-kubernetes-list-type") == "map");
    let of_fields = below(text(schema, "x-kubernetes-map-type") != "atomic");
    match schema.get("items") {
        None if type_ == "array" => errors.required(&at.field("items"), "must be specified"),
        Some(Value::Array(_)) => {
            errors.forbidden(&at.field("items"), "items must be a schema object and not an array");
        }
        Some(items) => check(items, Level::Item, &at.field("items"), depth + 1, of_items, errors),
        None => {}
    }
    let properties = at.field("properties");
    for (name, property) in map(schema, "properties").into_iter().flatten() {
        if level == Level::Root && name == "metadata" {
            metadata(property, &properties.entry(name), errors);
        }
        check(property, Level::Field, &properties.entry(name), depth + 1, of_fields, errors);
    }
    if let Some(additional) = schema.get("additionalProperties").filter(|additional| !additional.is_null()) {
        let place = at.field("additionalProperties");
        if level == Level::Root {
            errors.forbidden(&place, "must not be used at the root");
        }
        if map(schema, "properties").is_some_and(|properties| !properties.is_empty()) {
            errors.forbidden(&place, "additionalProperties and properties are mutual exclusive");
        }
        check(additional, Level::Field, &place, depth + 1, of_fields, errors);
    }
    typed(schema, level, at, errors);
    values(schema, at, depth, errors);
    lists(schema, at, errors);
    rules(schema, at, uncorrelated, errors);
}

fn typed(schema: &Fields, level: Level, at: &At<'_>, errors: &mut FieldErrors) {
    let type_ = text(schema, "type");
    let is = |name: &str| schema.get(name) == Some(&json!(true));
    let (is_either, is_free) = (is("x-kubernetes-int-or-string"), is("x-kubernetes-preserve-unknown-fields"));
    let place = at.field("type");
    if type_.is_empty() && !is_either && !is_free {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.required(&place, detail);
    } else if level == Level::Root && !type_.is_empty() && type_ != "object" {
        errors.invalid(&place, &json!(type_), "must be object at the root");
    } else if !matches!(type_, "" | "array" | "boolean" | "integer" | "number" | "object" | "string") {
        errors.unsupported(&place, &json!(type_), ["array", "boolean", "integer", "number", "object", "string"]);
    }
    if is_either && is_free {
        let detail = "must be false if x-kubernetes-int-or-string is true";
        errors.invalid(&at.field("x-kubernetes-preserve-unknown-fields"), &json!(true), detail);
    }
    for name in ["patternProperties", "definitions", "dependencies"] {
        if map(schema, name).is_some_and(|fields| !fields.is_empty()) {
            errors.forbidden(&at.field(name), &format!("{name} is not supported"));
        }
    }
    if !text(schema, "$ref").is_empty() {
        errors.forbidden(&at.field("$ref"), "$ref is not supported");
    }
    if is("uniqueItems") {
        errors.forbidden(
            &at.field("uniqueItems"),
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        );
    }
}

fn metadata(schema: &Value, at: &At<'_>, errors: &mut FieldErrors) {
    let Value::Object(schema) = schema else { return };
    if text(schema, "type") != "object" {
        errors.invalid(&at.field("type"), &json!(text(schema, "type")), "must be object");
    }
    let properties = map(schema, "properties").into_iter().flatten();
    let is_more = properties.into_iter().any(|(name, _)| !matches!(name.as_str(), "name" | "generateName"));
    let says_more = schema.keys().any(|name| !matches!(name.as_str(), "type" | "properties" | "description"));
    if is_more || says_more {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.forbidden(at, detail);
    }
}

/// What is about values: patterns that compile, and nested schemas that say nothing about types.
fn values(schema: &Fields, at: &At<'_>, depth: usize, errors: &mut FieldErrors) {
    let pattern = text(schema, "pattern");
    if !pattern.is_empty()
        && let Err(error) = re2::compile(pattern)
    {
        let detail = format!("must be a valid regular expression, but isn't: {error}");
        errors.invalid(&at.field("pattern"), &json!(pattern), &detail);
    }
    let is_either = schema.get("x-kubernetes-int-or-string") == Some(&json!(true));
    for name in ["anyOf", "allOf", "oneOf"] {
        let place = at.field(name);
        let list = schema.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        // This is how an integer or a string is said to those who do not know the extension.
        if is_either && name == "anyOf" && is_integer_or_string(list) {
            continue;
        }
        for (index, nested) in list.iter().enumerate() {
            let skip = is_either
                && name == "allOf"
                && index == 0
                && nested.get("anyOf").and_then(Value::as_array).is_some_and(|list| is_integer_or_string(list));
            if !skip {
                nested_problems(nested, &place.item(index), depth + 1, errors);
            }
        }
    }
    if let Some(not) = schema.get("not") {
        nested_problems(not, &at.field("not"), depth + 1, errors);
    }
}

fn is_integer_or_string(list: &[Value]) -> bool {
    list == [json!({ "type": "integer" }), json!({ "type": "string" })]
}

fn nested_problems(schema: &Value, at: &At<'_>, depth: usize, errors: &mut FieldErrors) {
    let Value::Object(schema) = schema else { return };
    if depth > DEEPEST {
        return;
    }
    values(schema, at, depth, errors);
    for (name, detail) in OF_TYPES {
        let is_said = match schema.get(name) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            Some(_) => true,
        };
        if is_said {
            errors.forbidden(&at.field(name), detail);
        }
    }
    if let Some(items) = schema.get("items") {
        nested_problems(items, &at.field("items"), depth + 1, errors);
    }
    let properties = at.field("properties");
    for (name, property) in map(schema, "properties").into_iter().flatten() {
        nested_problems(property, &properties.entry(name), depth + 1, errors);
    }
    if schema.get("additionalProperties").is_some_and(|additional| !additional.is_null()) {
        errors.forbidden(&at.field("additionalProperties"), "must be undefined to be structural");
    }
}

fn lists(schema: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let keys =
        schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let list_type = text(schema, "x-kubernetes-list-type");
    let place = at.field("x-kubernetes-list-map-keys");
    match list_type {
        "" | "atomic" | "set" if !keys.is_empty() => {
            errors.required(
                &at.field("x-kubernetes-list-type"),
                "must be map if x-kubernetes-list-map-keys is non-empty",
            );
        }
        "map" if keys.is_empty() => {
            errors.required(&place, "must not be empty if x-kubernetes-list-type is map");
        }
        "" | "atomic" | "set" | "map" => {}
        other => errors.unsupported(&at.field("x-kubernetes-list-type"), &json!(other), ["atomic", "map", "set"]),
    }
    if !list_type.is_empty() && text(schema, "type") != "array" {
        let detail = "must be array if x-kubernetes-list-type is specified";
        errors.invalid(&at.field("type"), &json!(text(schema, "type")), detail);
    }
    let is_nullable = |schema: &Fields| schema.get("nullable") == Some(&json!(true));
    if matches!(list_type, "set" | "map") && map(schema, "items").is_some_and(is_nullable) {
        let items = at.field("items");
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        errors.forbidden(&items.field("nullable"), &detail);
    }
    if list_type != "map" {
        return;
    }
    let empty = Fields::new();
    let items = map(schema, "items").unwrap_or(&empty);
    let properties = map(items, "properties").unwrap_or(&empty);
    let required = items.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (index, key) in keys.iter().enumerate() {
        let name = key.as_str().unwrap_or_default();
        match properties.get(name) {
            None => {
                errors.invalid(&place.item(index), key, "entries must all be names of item properties");
            }
            Some(property) => {
                let has_default = property.get("default").is_some();
                if !has_default && !required.contains(key) {
                    let items = at.field("items");
                    let properties = items.field("properties");
                    let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
                    errors.required(&properties.entry(name).field("default"), detail);
                }
                if property.as_object().is_some_and(is_nullable) {
                    let items = at.field("items");
                    let properties = items.field("properties");
                    let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
                    errors.forbidden(&properties.entry(name).field("nullable"), detail);
                }
            }
        }
    }
}

fn rules(schema: &Fields, at: &At<'_>, uncorrelated: Option<&str>, errors: &mut FieldErrors) {
    let list = at.field("x-kubernetes-validations");
    let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten();
    for (index, rule) in rules.filter_map(Value::as_object).enumerate() {
        let at = list.item(index);
        let expression = text(rule, "rule");
        if expression.trim().is_empty() {
            errors.required(&at.field("rule"), "rule is not specified");
        } else if let Err(error) = schema::rules::parse(expression) {
            errors.invalid(&at.field("rule"), &json!(expression), &format!("compilation failed: {}", error.problem));
        } else if let Some(path) = uncorrelated
            && schema::rules::is_about_change(expression)
        {
            let detail = format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {path}");
            errors.invalid(&at.field("rule"), &json!(expression), &detail);
        }
        let message = text(rule, "messageExpression");
        if !message.is_empty()
            && let Err(error) = schema::rules::parse(message)
        {
            let detail = format!("messageExpression compilation failed: {}", error.problem);
            errors.invalid(&at.field("messageExpression"), &json!(message), &detail);
        }
    }
}

/// Holds the defaults against their own schemas; upstream looks for none below `additionalProperties`.
fn defaults(schema: &Value, schemas: &Schemas, id: Id, checks: &Checks, at: &At<'_>, errors: &mut FieldErrors) {
    let Value::Object(schema) = schema else { return };
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        let field = at.field("default").to_string();
        let problems = checks.validate(schemas, id, default, None);
        errors.extend(problems.into_iter().map(|error| FieldError { field: field.clone(), ..error }));
    }
    let node = schemas.node(id);
    if let (Some(items), Some(element)) = (schema.get("items"), node.items) {
        defaults(items, schemas, element, checks, &at.field("items"), errors);
    }
    let properties = at.field("properties");
    for (name, property) in map(schema, "properties").into_iter().flatten() {
        if let Some(field) = schemas.field(id, name) {
            defaults(property, schemas, field.node, checks, &properties.entry(name), errors);
        }
    }
}

fn text<'o>(fields: &'o Fields, name: &str) -> &'o str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn map<'o>(fields: &'o Fields, name: &str) -> Option<&'o Fields> {
    fields.get(name).and_then(Value::as_object)
}
