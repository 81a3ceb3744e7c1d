//! What a Go struct makes of a value: the round trip through `k8s.io/api`, from a table.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use crate::Object;

/// The structs of every kind that `client-go` knows; the file's head explains its lines.
const TABLE: &str = include_str!("../../kinds/kinds.txt");

/// The table by name: structs as `PodSpec`, kinds as `= apps/v1 Deployment`.
static STRUCTS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.filter_map(|line| if line.starts_with("= ") { line.rsplit_once(' ') } else { line.split_once(' ') }).collect()
});

/// A value of a type that the struct does not take.
struct Mismatch;

/// Reads an object of a built-in kind into its struct and prints it again, without `apiVersion`, `kind`, `status`.
///
/// None when the kind is not in the table, or when a value has the wrong type.
pub(super) fn round_trip(object: &Object) -> Option<Map<String, Value>> {
    let root = STRUCTS.get(format!("= {} {}", object.api_version(), object.kind()).as_str())?;
    match convert(root, object.as_value()).ok()? {
        Value::Object(content) => Some(content),
        _ => None,
    }
}

/// Converts a value to a Go type and back. Null, which is what an absent field is too, becomes the type's zero value.
///
/// The recursion is as deep as the value, whose reader limits it.
fn convert(go_type: &str, value: &Value) -> Result<Value, Mismatch> {
    if let Some(element) = go_type.strip_prefix('*') {
        return if value.is_null() { Ok(Value::Null) } else { convert(element, value) };
    }
    if let Some(element) = go_type.strip_prefix('[') {
        return match value {
            Value::Null => Ok(Value::Null),
            Value::Array(items) => items.iter().map(|item| convert(element, item)).collect(),
            _ => Err(Mismatch),
        };
    }
    if let Some(element) = go_type.strip_prefix('{') {
        return match value {
            Value::Null => Ok(Value::Null),
            Value::Object(entries) => {
                let converted = entries.iter().map(|(key, entry)| Ok((key.clone(), convert(element, entry)?)));
                converted.collect::<Result<Map<_, _>, _>>().map(Value::Object)
            }
            _ => Err(Mismatch),
        };
    }
    match (go_type, value) {
        ("s", Value::Null) => Ok(json!("")),
        ("b", Value::Null) => Ok(json!(false)),
        ("i" | "f" | "o", Value::Null) => Ok(json!(0)),
        ("q", Value::Null) => Ok(json!("0")),
        ("d", Value::Null) => Ok(json!("0s")),
        ("s" | "t" | "d" | "o" | "q", Value::String(_))
        | ("b", Value::Bool(_))
        | ("f", Value::Number(_))
        | ("y" | "t", Value::Null)
        | ("j", _) => Ok(value.clone()),
        ("i" | "o", Value::Number(number)) => integer(number).map(Value::from).ok_or(Mismatch),
        ("q", Value::Number(number)) => Ok(quantity(number).into()),
        ("y", Value::String(text)) => bytes(text),
        (name, Value::Null) => convert_struct(name, &Map::new()),
        (name, Value::Object(entries)) => convert_struct(name, entries),
        _ => Err(Mismatch),
    }
}

fn convert_struct(name: &str, entries: &Map<String, Value>) -> Result<Value, Mismatch> {
    // A single letter is a primitive type, which takes no map.
    let fields = STRUCTS.get(name).ok_or(Mismatch)?;
    let mut converted = Map::new();
    for field in fields.split_ascii_whitespace() {
        let Some((key, go_type)) = field.split_once(':') else { continue };
        let printed = Printed::of(go_type);
        let go_type = go_type.trim_end_matches(['!', '~']);
        let value = convert(go_type, entries.get(key).unwrap_or(&Value::Null))?;
        let omitted = match printed {
            Printed::Always => false,
            Printed::NotEmpty => is_empty(go_type, &value),
            Printed::NotZero => value == convert(go_type, &Value::Null)?,
        };
        if !omitted {
            converted.insert(key.to_owned(), value);
        }
    }
    Ok(Value::Object(converted))
}

/// When a struct prints a field, after the tag in Go.
enum Printed {
    /// No tag: even when it is zero.
    Always,
    /// `omitempty`: Go never takes a struct for empty.
    NotEmpty,
    /// `omitzero`.
    NotZero,
}

impl Printed {
    fn of(go_type: &str) -> Self {
        match go_type.as_bytes().last() {
            Some(b'!') => Self::Always,
            Some(b'~') => Self::NotZero,
            _ => Self::NotEmpty,
        }
    }
}

fn is_empty(go_type: &str, value: &Value) -> bool {
    match value {
        // Types that print themselves are structs to Go, and a struct is never empty.
        _ if matches!(go_type, "t" | "q" | "o" | "j" | "d") => false,
        // What a pointer points at may be empty, the pointer is not.
        _ if go_type.starts_with('*') => value.is_null(),
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => go_type.starts_with('{') && entries.is_empty(),
    }
}

fn integer(number: &serde_json::Number) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range, as checked")]
    let whole = |float: f64| (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64);
    number.as_i64().or_else(|| number.as_f64().and_then(whole))
}

/// A quantity may be written as a number; Go prints it as a string.
///
/// # Deviation
/// Go also rewrites `1000m` as `1`. The API server does that itself, so texts are left as they are.
fn quantity(number: &serde_json::Number) -> String {
    let thousandths = integer(number).is_none().then(|| number.as_f64()).flatten().map(|float| float * 1000.0);
    match thousandths.and_then(serde_json::Number::from_f64).as_ref().and_then(integer) {
        Some(thousandths) => format!("{thousandths}m"),
        None => number.to_string(),
    }
}

/// Go decodes bytes, line breaks aside, and encodes them again on one line.
fn bytes(text: &str) -> Result<Value, Mismatch> {
    let text: String = text.chars().filter(|letter| !matches!(letter, '\r' | '\n')).collect();
    let decoded = BASE64.decode(text).map_err(|_| Mismatch)?;
    Ok(BASE64.encode(decoded).into())
}
