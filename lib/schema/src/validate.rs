//! Whether a value is what its schema says: types, limits, lists without doubles.
//!
//! # Source
//! The validator of kube-openapi and `listtype` of apiextensions-apiserver, whose texts these are.

mod formats;

pub use formats::is_known_format;

use std::collections::HashMap;
use std::sync::Arc;

use notation::field::{At, FieldError, FieldErrors, print};
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::node::{Additional, Format, Id, Limits, ListType, Type};
use crate::schemas::Schemas;

/// What breaks types and limits. An unchanged value is not held against an update.
pub(crate) fn limits(
    checks: &Checks,
    schemas: &Schemas,
    root: Id,
    object: &Value,
    old: Option<&Value>,
    errors: &mut FieldErrors,
) {
    Walk { checks, schemas }.value(root, object, old, &At::ROOT, errors);
}

#[derive(Clone, Copy)]
struct Walk<'a> {
    checks: &'a Checks,
    schemas: &'a Schemas,
}

impl Walk<'_> {
    fn value(self, id: Id, value: &Value, old: Option<&Value>, at: &At<'_>, errors: &mut FieldErrors) {
        if old == Some(value) {
            return;
        }
        let node = self.schemas.node(id);
        type_(self.schemas, id, value, at, errors);
        if let Some(limits) = self.schemas.limits(id) {
            // A null that may be there is only held against the enumeration.
            if !value.is_null() {
                self.composition(limits, value, at, errors);
                self.numbers_and_texts(limits, value, at, errors);
                sizes(limits, value, at, errors);
            }
            if !limits.one_of_values.is_empty() && !limits.one_of_values.iter().any(|one| same(one, value)) {
                let texts: Vec<String> = limits.one_of_values.iter().map(plain).collect();
                errors.unsupported(at, value, texts.iter().map(String::as_str));
            }
        }
        if let (Value::String(text), Some(format)) = (value, text_format(&node.format))
            && !formats::is_valid(format, text)
        {
            errors.wrong_type(at, text, &told(at, &format!("must be of type {format}: {text:?}")));
        }
        match value {
            Value::Array(items) => {
                let Some(element) = node.items else { return };
                let correlation = Correlation::new(self.schemas, id, old);
                for (index, item) in items.iter().enumerate() {
                    let before = correlation.find(index, item);
                    self.value(element, item, before, &at.item(index), errors);
                }
            }
            Value::Object(fields) => {
                for required in self.schemas.required(id) {
                    if !fields.contains_key(&**required) {
                        errors.required(&at.field(required), "");
                    }
                }
                for (name, value) in fields {
                    let before = old.and_then(|old| old.get(name));
                    match (self.schemas.field(id, name), node.additional) {
                        (Some(field), _) => self.value(field.node, value, before, &at.field(name), errors),
                        (None, Additional::Of(element)) => self.value(element, value, before, &at.field(name), errors),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn composition(self, limits: &Limits, value: &Value, at: &At<'_>, errors: &mut FieldErrors) {
        let try_one = |id: &Id| {
            let mut errors = FieldErrors::default();
            self.value(*id, value, None, at, &mut errors);
            errors.into_vec()
        };
        let place = at.to_string();
        if !limits.any_of.is_empty() {
            let tried: Vec<_> = limits.any_of.iter().map(try_one).collect();
            if tried.iter().all(|problems| !problems.is_empty()) {
                errors.push(composite(&format!("{place:?} must validate at least one schema (anyOf)")));
                errors.extend(nearest(tried));
            }
        }
        if !limits.one_of.is_empty() {
            let tried: Vec<_> = limits.one_of.iter().map(try_one).collect();
            let valid = tried.iter().filter(|problems| problems.is_empty()).count();
            let found = match valid {
                0 => "Found none valid".to_owned(),
                _ => format!("Found {valid} valid alternatives"),
            };
            if valid != 1 {
                let text = format!("{place:?} must validate one and only one schema (oneOf). {found}");
                errors.push(composite(&text));
                if valid == 0 {
                    errors.extend(nearest(tried));
                }
            }
        }
        if !limits.all_of.is_empty() {
            let tried: Vec<_> = limits.all_of.iter().map(try_one).collect();
            let valid = tried.iter().filter(|problems| problems.is_empty()).count();
            let none = if valid == 0 { ". None validated" } else { "" };
            let is_broken = valid != tried.len();
            errors.extend(tried.into_iter().flatten());
            if is_broken {
                errors.push(composite(&format!("{place:?} must validate all the schemas (allOf){none}")));
            }
        }
        if let Some(not) = &limits.not
            && try_one(not).is_empty()
        {
            errors.push(composite(&format!("{place:?} must not validate the schema (not)")));
        }
    }

    fn numbers_and_texts(self, limits: &Limits, value: &Value, at: &At<'_>, errors: &mut FieldErrors) {
        match value {
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or_default();
                if let Some(most) = limits.maximum {
                    let (is_over, words) = if limits.exclusive_maximum {
                        (number >= most, "less than")
                    } else {
                        (number > most, "less than or equal to")
                    };
                    if is_over {
                        errors.invalid(at, value, &told(at, &format!("should be {words} {most}")));
                    }
                }
                if let Some(least) = limits.minimum {
                    let (is_under, words) = if limits.exclusive_minimum {
                        (number <= least, "greater than")
                    } else {
                        (number < least, "greater than or equal to")
                    };
                    if is_under {
                        errors.invalid(at, value, &told(at, &format!("should be {words} {least}")));
                    }
                }
                if let Some(factor) = limits.multiple_of.filter(|factor| *factor > 0.0)
                    && (number / factor).fract().abs() > 1e-9
                {
                    errors.invalid(at, value, &told(at, &format!("should be a multiple of {factor}")));
                }
            }
            Value::String(text) => {
                let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
                // Upstream is content with the first thing that is wrong.
                if let Some(most) = limits.max_length.filter(|most| length > *most) {
                    errors.too_long(at, usize::try_from(most).unwrap_or(usize::MAX));
                } else if let Some(least) = limits.min_length.filter(|least| length < *least) {
                    errors.invalid(at, value, &told(at, &format!("should be at least {least} chars long")));
                } else if let Some(pattern) = &limits.pattern
                    && !self.checks.matches(pattern, text)
                {
                    errors.invalid(at, value, &told(at, &format!("should match '{pattern}'")));
                }
            }
            _ => {}
        }
    }
}

/// The errors of the alternative that comes closest: of which the fewest are wrong.
fn nearest(tried: Vec<Vec<FieldError>>) -> Vec<FieldError> {
    tried.into_iter().min_by_key(Vec::len).unwrap_or_default()
}

/// What is wrong with a value as a whole has no field.
fn composite(text: &str) -> FieldError {
    FieldError {
        field: "<nil>".to_owned(),
        reason: "FieldValueInvalid",
        message: format!("Invalid value: \"\": {text}"),
    }
}

fn told(at: &At<'_>, text: &str) -> String {
    format!("{at} in body {text}")
}

fn type_(schemas: &Schemas, id: Id, value: &Value, at: &At<'_>, errors: &mut FieldErrors) {
    let node = schemas.node(id);
    let expected = match node.kind {
        Type::Any => return,
        Type::Boolean => "boolean",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::String => "string",
        Type::IntOrString | Type::Quantity => "integer,string",
        Type::Array => "array",
        Type::Object => "object",
    };
    let found = match value {
        Value::Null if node.nullable => return,
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = expected.split(',').any(|one| one == found) || (expected == "number" && found == "integer");
    if fits {
        return;
    }
    match (text_format(&node.format), found) {
        // Upstream takes a list for bytes wherever texts have a format.
        (Some(_), "array") => {}
        // What is no text is named by its own format there.
        (Some(format), "boolean" | "integer" | "number" | "object") => {
            let found = match found {
                "integer" => "int64",
                "number" => "float64",
                _ => "",
            };
            errors.wrong_type(at, found, &told(at, &format!("must be of type {format}: {found:?}")));
        }
        _ => errors.wrong_type(at, found, &told(at, &format!("must be of type {expected}: {found:?}"))),
    }
}

/// The format of texts that the API server checks, if there is one.
fn text_format(format: &Format) -> Option<&str> {
    match format {
        Format::None | Format::Int32 | Format::Int64 => None,
        Format::Byte => Some("byte"),
        Format::DateTime => Some("date-time"),
        Format::Other(name) => Some(&**name).filter(|name| is_known_format(name)),
    }
}

fn sizes(limits: &Limits, value: &Value, at: &At<'_>, errors: &mut FieldErrors) {
    let over =
        |size: usize, most: Option<u64>| most.and_then(|most| usize::try_from(most).ok()).filter(|most| size > *most);
    let under = |size: usize, least: Option<u64>| {
        least.and_then(|least| usize::try_from(least).ok()).filter(|least| size < *least)
    };
    match value {
        Value::Array(items) => {
            let size = items.len();
            if let Some(least) = under(size, limits.min_items) {
                errors.invalid(at, &json!(size), &told(at, &format!("should have at least {least} items")));
            }
            if let Some(most) = over(size, limits.max_items) {
                errors.too_many(at, size, most);
            }
            let has_doubles =
                || items.iter().enumerate().any(|(index, item)| items.iter().take(index).any(|one| one == item));
            if limits.unique_items && has_doubles() {
                errors.invalid(at, &json!(""), &told(at, "shouldn't contain duplicates"));
            }
        }
        Value::Object(fields) => {
            let size = fields.len();
            if let Some(least) = under(size, limits.min_properties) {
                errors.invalid(at, &json!(size), &told(at, &format!("should have at least {least} properties")));
            }
            if let Some(most) = over(size, limits.max_properties) {
                errors.too_many(at, size, most);
            }
        }
        _ => {}
    }
}

/// Whether two values are the same one: `1` is `1.0`.
fn same(one: &Value, other: &Value) -> bool {
    one == other || matches!((one.as_f64(), other.as_f64()), (Some(one), Some(other)) if one.total_cmp(&other).is_eq())
}

/// A value of an enumeration as messages list it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Which item of the old list an item is now: the one with the same keys, or the one in its place.
pub(crate) enum Correlation<'o> {
    /// By what names an item.
    Named(Vec<&'o Arc<str>>, HashMap<String, &'o Value>),
    /// By its place.
    Placed(&'o [Value]),
}

impl<'o> Correlation<'o> {
    pub(crate) fn new(schemas: &'o Schemas, list: Id, old: Option<&'o Value>) -> Self {
        let items = old.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let keys: Vec<&Arc<str>> = match schemas.node(list).list {
            ListType::Map => schemas.keys(list).iter().collect(),
            ListType::Set => Vec::new(),
            ListType::Unset | ListType::Atomic => return Self::Placed(items),
        };
        let named = items.iter().map(|item| (name(&keys, item), item)).collect();
        Self::Named(keys, named)
    }

    pub(crate) fn find(&self, index: usize, item: &Value) -> Option<&'o Value> {
        match self {
            Self::Named(keys, named) => named.get(&name(keys, item)).copied(),
            Self::Placed(items) => items.get(index),
        }
    }
}

/// What names an item: the values of its keys, or itself.
fn name(keys: &[&Arc<str>], item: &Value) -> String {
    if keys.is_empty() {
        return item.to_string();
    }
    let values: Vec<&Value> = keys.iter().map(|key| item.get(&***key).unwrap_or(&Value::Null)).collect();
    json!(values).to_string()
}

/// What is there twice in lists that are sets or maps.
pub(crate) fn lists(schemas: &Schemas, root: Id, object: &Value, errors: &mut FieldErrors) {
    list_values(schemas, root, object, &At::ROOT, errors);
}

fn list_values(schemas: &Schemas, id: Id, value: &Value, at: &At<'_>, errors: &mut FieldErrors) {
    let node = schemas.node(id);
    match value {
        Value::Array(items) => {
            match node.list {
                ListType::Set => doubles(items, at, errors),
                ListType::Map => keyed(schemas, id, items, at, errors),
                ListType::Unset | ListType::Atomic => {}
            }
            if let Some(element) = node.items {
                for (index, item) in items.iter().enumerate() {
                    list_values(schemas, element, item, &at.item(index), errors);
                }
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                match (schemas.field(id, name), node.additional) {
                    (Some(field), _) => list_values(schemas, field.node, value, &at.field(name), errors),
                    (None, Additional::Of(element)) => list_values(schemas, element, value, &at.entry(name), errors),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn keyed(schemas: &Schemas, id: Id, items: &[Value], at: &At<'_>, errors: &mut FieldErrors) {
    if let Some((index, item)) = items.iter().enumerate().find(|(_, item)| !item.is_object() && !item.is_null()) {
        errors.invalid(&at.item(index), item, "must be an object for an array of list-type map");
        return;
    }
    let key = |item: &Value| {
        let keys = schemas.keys(id).iter().filter_map(|key| Some((key.to_string(), item.get(&**key)?.clone())));
        Value::Object(keys.collect())
    };
    doubles(&items.iter().map(key).collect::<Vec<_>>(), at, errors);
}

/// Tells each value that was there before, once.
fn doubles(values: &[Value], at: &At<'_>, errors: &mut FieldErrors) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for (index, value) in values.iter().enumerate() {
        let count = counts.entry(print(value)).or_default();
        *count += 1;
        if *count == 2 {
            errors.duplicate(&at.item(index), value);
        }
    }
}

#[cfg(test)]
mod tests;
