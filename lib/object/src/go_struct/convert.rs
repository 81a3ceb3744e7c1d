//! The round trip of a value through a Go type.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use notation::field::At;
use notation::quantity::Quantity;
use serde_json::{Map, Number, Value, json};

use super::{Printed, RoundTrip, Struct, Type};

/// A value of a type that the struct does not take.
///
/// Displays as Go's decoder says it, e.g.
/// `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// `string`, `number 5000000000`.
    found: String,
    /// `int32`.
    expected: String,
    /// The innermost struct, by its bare name.
    within: Option<String>,
    /// Names of fields, the innermost first.
    path: Vec<&'static str>,
    /// What the type's own decoder says, when it has one.
    problem: Option<String>,
}

impl std::error::Error for Mismatch {}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(problem) = &self.problem {
            return f.write_str(problem);
        }
        write!(f, "json: cannot unmarshal {} into Go ", self.found)?;
        match &self.within {
            None => f.write_str("value")?,
            Some(name) => {
                write!(f, "struct field {name}")?;
                for field in self.path.iter().rev() {
                    write!(f, ".{field}")?;
                }
            }
        }
        write!(f, " of type {}", self.expected)
    }
}

/// Converts an object: a struct of which `apiVersion` and `kind` are known besides its fields.
pub(super) fn object(root: &Struct, value: &Value) -> Result<RoundTrip, Mismatch> {
    let Value::Object(entries) = value else { return Err(mismatch(value, go_name(root.name))) };
    let mut conversion = Conversion { unknown: Vec::new() };
    let content = conversion.fields(root, entries, &At::ROOT)?;
    Ok(RoundTrip { content, unknown: conversion.unknown })
}

/// What an object says of itself.
const KIND: [&str; 2] = ["apiVersion", "kind"];

struct Conversion {
    unknown: Vec<String>,
}

impl Conversion {
    /// Converts a value to a Go type and back. Null, which is what an absent field is too, becomes the type's zero value.
    ///
    /// The recursion is as deep as the value, whose reader limits it.
    fn value(&mut self, type_: &Type, value: &Value, at: &At<'_>) -> Result<Value, Mismatch> {
        match (type_, value) {
            (Type::Pointer(_) | Type::List(_) | Type::Map(_), Value::Null) => Ok(Value::Null),
            (Type::Pointer(target), _) => self.value(target, value, at),
            (Type::List(element), Value::Array(items)) => {
                let converted = items.iter().enumerate();
                converted.map(|(index, item)| self.value(element, item, &at.item(index))).collect()
            }
            (Type::Map(element), Value::Object(entries)) => {
                let converted =
                    entries.iter().map(|(key, entry)| Ok((key.clone(), self.value(element, entry, &at.field(key))?)));
                converted.collect::<Result<Map<_, _>, _>>().map(Value::Object)
            }
            (Type::Struct(id) | Type::StructOrAnything(id), Value::Object(entries)) => {
                self.fields(id.get(), entries, at).map(Value::Object)
            }
            (Type::StructOrAnything(_) | Type::Anything, _) => Ok(value.clone()),
            (_, Value::Null) => Ok(zero(type_)),
            _ => primitive(type_, value),
        }
    }

    fn fields(
        &mut self,
        struct_: &Struct,
        entries: &Map<String, Value>,
        at: &At<'_>,
    ) -> Result<Map<String, Value>, Mismatch> {
        let mut converted = Map::new();
        let mut known = 0;
        for name in KIND.into_iter().filter(|_| struct_.is_kind) {
            known += usize::from(entries.contains_key(name));
            match entries.get(name) {
                Some(text @ Value::String(_)) => drop(converted.insert(name.to_owned(), text.clone())),
                None | Some(Value::Null) => {}
                Some(other) => return Err(within(mismatch(other, "string"), struct_.name, name)),
            }
        }
        for field in &struct_.fields {
            let given = entries.get(field.name);
            known += usize::from(given.is_some());
            let value = self
                .value(&field.type_, given.unwrap_or(&Value::Null), &at.field(field.name))
                .map_err(|mismatch| within(mismatch, struct_.name, field.name))?;
            let omitted = match field.printed {
                Printed::Always => false,
                Printed::NotEmpty => is_empty(&field.type_, &value),
                Printed::NotZero => value == zero(&field.type_),
            };
            if !omitted {
                converted.insert(field.name.to_owned(), value);
            }
        }
        if known < entries.len() {
            let strange = entries
                .keys()
                .filter(|key| struct_.field(key).is_none() && !(struct_.is_kind && KIND.contains(&key.as_str())));
            for key in strange {
                self.unknown.push(at.field(key).to_string());
            }
        }
        Ok(converted)
    }
}

/// What a type has in Go before anything is read into it, as it prints.
pub(super) fn zero(type_: &Type) -> Value {
    match type_ {
        Type::Text(_) => json!(""),
        Type::Bool => json!(false),
        Type::Int32 | Type::Int64 | Type::Float | Type::IntOrString => json!(0),
        Type::Quantity => json!("0"),
        Type::Duration => json!("0s"),
        Type::Struct(id) => {
            let fields = id.get().fields.iter().filter_map(|field| {
                let value = zero(&field.type_);
                let printed = match field.printed {
                    Printed::Always => true,
                    Printed::NotEmpty => !is_empty(&field.type_, &value),
                    Printed::NotZero => false,
                };
                printed.then(|| (field.name.to_owned(), value))
            });
            Value::Object(fields.collect())
        }
        Type::Bytes
        | Type::Time
        | Type::Anything
        | Type::StructOrAnything(_)
        | Type::Pointer(_)
        | Type::List(_)
        | Type::Map(_) => Value::Null,
    }
}

fn primitive(type_: &Type, value: &Value) -> Result<Value, Mismatch> {
    match (type_, value) {
        (Type::Quantity, Value::String(text)) => quantity(text.trim()),
        (Type::Quantity, _) => quantity(&value.to_string()),
        (Type::Text(_) | Type::Time | Type::Duration | Type::IntOrString, Value::String(_))
        | (Type::Bool, Value::Bool(_))
        | (Type::Float, Value::Number(_)) => Ok(value.clone()),
        (Type::Int64, Value::Number(number)) => match integer(number) {
            Some(whole) => Ok(whole.into()),
            None => Err(out_of_range(number, "int64")),
        },
        (Type::Int32 | Type::IntOrString, Value::Number(number)) => {
            match integer(number).filter(|whole| i32::try_from(*whole).is_ok()) {
                Some(whole) => Ok(whole.into()),
                None => Err(out_of_range(number, "int32")),
            }
        }
        (Type::Bytes, Value::String(text)) => bytes(text),
        (Type::IntOrString, Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Err(mismatch(value, "int32")),
        _ => Err(mismatch(value, go_type(type_))),
    }
}

fn is_empty(type_: &Type, value: &Value) -> bool {
    match value {
        // Types that print themselves are structs to Go, and a struct is never empty.
        _ if matches!(type_, Type::Time | Type::Quantity | Type::IntOrString | Type::Anything | Type::Duration) => {
            false
        }
        // What a pointer points at may be empty, the pointer is not.
        _ if matches!(type_, Type::Pointer(_)) => value.is_null(),
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => matches!(type_, Type::Map(_)) && entries.is_empty(),
    }
}

fn integer(number: &Number) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range, as checked")]
    let whole = |float: f64| (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64);
    number.as_i64().or_else(|| number.as_f64().and_then(whole))
}

/// Go reads the text of whatever stands for a quantity and prints its canonical form.
fn quantity(text: &str) -> Result<Value, Mismatch> {
    text.parse::<Quantity>().map(|quantity| quantity.to_string().into()).map_err(|error| said(error.to_string()))
}

/// Go decodes bytes, line breaks aside, and encodes them again on one line.
fn bytes(text: &str) -> Result<Value, Mismatch> {
    let joined: String = text.chars().filter(|letter| !matches!(letter, '\r' | '\n')).collect();
    if let Ok(decoded) = BASE64.decode(joined) {
        return Ok(BASE64.encode(decoded).into());
    }
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'\r' | b'\n');
    let at = text.bytes().position(|byte| !alphabet(byte)).unwrap_or(text.len());
    Err(said(format!("illegal base64 data at input byte {at}")))
}

fn within(mut mismatch: Mismatch, struct_: &str, field: &'static str) -> Mismatch {
    mismatch.within.get_or_insert_with(|| bare_name(struct_).to_owned());
    mismatch.path.push(field);
    mismatch
}

/// What Go's decoder calls a value that it does not expect.
pub fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn mismatch(value: &Value, expected: impl Into<String>) -> Mismatch {
    Mismatch {
        found: json_type(value).to_owned(),
        expected: expected.into(),
        within: None,
        path: Vec::new(),
        problem: None,
    }
}

fn out_of_range(number: &Number, expected: &str) -> Mismatch {
    let found = format!("number {number}");
    Mismatch { found, expected: expected.to_owned(), within: None, path: Vec::new(), problem: None }
}

fn said(problem: String) -> Mismatch {
    let problem = Some(problem);
    Mismatch { found: String::new(), expected: String::new(), within: None, path: Vec::new(), problem }
}

/// `PodSpec` of `core/v1.PodSpec`.
fn bare_name(struct_: &str) -> &str {
    struct_.rsplit('.').next().unwrap_or(struct_)
}

/// `v1.PodSpec`, as Go prints the type.
fn go_name(struct_: &str) -> String {
    match struct_.rsplit_once('/') {
        Some((_, name)) => name.to_owned(),
        None => format!("v1.{struct_}"),
    }
}

fn go_type(type_: &Type) -> String {
    match type_ {
        Type::Text(name) => (*name).to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Int32 => "int32".to_owned(),
        Type::Int64 => "int64".to_owned(),
        Type::Float => "float64".to_owned(),
        Type::Bytes => "[]uint8".to_owned(),
        // These decode themselves, from a text.
        Type::Time | Type::Duration | Type::Quantity | Type::IntOrString => "string".to_owned(),
        Type::Anything => "interface {}".to_owned(),
        Type::Struct(id) | Type::StructOrAnything(id) => go_name(id.get().name),
        Type::Pointer(target) => go_type(target),
        Type::List(element) => format!("[]{}", go_type(element)),
        Type::Map(element) => format!("map[string]{}", go_type(element)),
    }
}
