//! Prints JSON values as sigs.k8s.io/yaml does.

mod document;
mod order;
mod scalar;

use serde_json::{Map, Value};

use crate::schema;
pub use document::{Sequences, print_documents};

/// Prints a value byte for byte as `Marshal` of sigs.k8s.io/yaml does: sorted keys, sequences not indented under their
/// key, plain scalars where they read back as strings, folding after column 80. Ends with a line feed.
///
/// *Guarantees*: what it prints reads back equal with [`Schema::V2`](crate::Schema::V2), and with any other YAML reader.
///
/// # Deviation
/// Go prints the key `<<` plain, which reads back as a merge, and breaks lines at U+0085, U+2028 and U+2029 in a way that
/// only YAML 1.1 readers undo; here both are quoted. Go's printer refuses U+007F and most other control characters above it; here they are escaped.
///
/// # Source
/// sigs.k8s.io/yaml 1.6 over go.yaml.in/yaml 2.4; the test `go_prints_the_same`.
pub fn print(value: &Value) -> String {
    let mut out = String::with_capacity(256);
    match value {
        Value::Object(map) if !map.is_empty() => mapping(&mut out, map, 0),
        Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0),
        leaf_value => leaf(&mut out, leaf_value, 2),
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// Prints a mapping whose first key goes where the text ends now.
fn mapping(out: &mut String, map: &Map<String, Value>, indent: usize) {
    let mut pairs: Vec<(&String, &Value)> = map.iter().collect();
    order::sort(&mut pairs);
    for (i, (key, value)) in pairs.into_iter().enumerate() {
        if i > 0 {
            line(out, indent);
        }
        // Longer keys, and those of several lines, take the explicit form.
        if key.len() <= 128 && !key.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
            scalar::key(out, key);
            out.push(':');
            child(out, value, indent);
        } else {
            out.push_str("? ");
            scalar::value(out, key, indent + 2);
            line(out, indent);
            out.push(':');
            match value {
                Value::Object(map) if !map.is_empty() => {
                    out.push(' ');
                    mapping(out, map, indent + 2);
                }
                Value::Array(items) if !items.is_empty() => {
                    out.push(' ');
                    sequence(out, items, indent + 2);
                }
                leaf_value => {
                    out.push(' ');
                    leaf(out, leaf_value, indent + 2);
                }
            }
        }
    }
}

/// Prints the value behind a simple key.
fn child(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            line(out, indent + 2);
            mapping(out, map, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            line(out, indent);
            sequence(out, items, indent);
        }
        leaf_value => {
            out.push(' ');
            leaf(out, leaf_value, indent + 2);
        }
    }
}

/// Prints a sequence whose first dash goes where the text ends now.
fn sequence(out: &mut String, items: &[Value], indent: usize) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            line(out, indent);
        }
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => mapping(out, map, indent + 2),
            Value::Array(items) if !items.is_empty() => sequence(out, items, indent + 2),
            leaf_value => leaf(out, leaf_value, indent + 2),
        }
    }
}

/// Prints a scalar or an empty collection.
fn leaf(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            // Whole floats have become integers on their way through JSON.
            Some(float) => match schema::whole(float) {
                Some(schema::Scalar::Int(n)) => out.push_str(&n.to_string()),
                Some(schema::Scalar::Uint(n)) => out.push_str(&n.to_string()),
                _ => out.push_str(&schema::format_g(float)),
            },
            None => out.push_str(&number.to_string()),
        },
        Value::String(text) => scalar::value(out, text, indent),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// Starts a line at an indentation, unless a block scalar has just ended with one.
fn line(out: &mut String, indent: usize) {
    const SPACES: &str = "                                                                ";
    if !out.ends_with('\n') {
        out.push('\n');
    }
    let mut left = indent;
    while left > 0 {
        let step = left.min(SPACES.len());
        out.push_str(&SPACES[..step]);
        left -= step;
    }
}
