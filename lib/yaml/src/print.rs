//! Prints JSON values as sigs.k8s.io/yaml does.

mod document;
mod order;
mod scalar;

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::schema;
pub use document::{Sequences, print_documents};

/// What can be printed: JSON values, and whatever can be seen as such without becoming one.
pub trait Print: Sized {
    /// The value, its children as they are.
    fn view(&self) -> View<'_, Self>;
}

/// A value as the printer sees it.
#[derive(Debug)]
pub enum View<'v, T> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(Cow<'v, str>),
    /// A list.
    List(&'v [T]),
    /// A map, in any order.
    Map(Vec<(&'v str, &'v T)>),
}

impl Print for Value {
    fn view(&self) -> View<'_, Self> {
        match self {
            Self::Null => View::Null,
            Self::Bool(value) => View::Bool(*value),
            Self::Number(number) => View::Number(number.clone()),
            Self::String(text) => View::Text(text.into()),
            Self::Array(items) => View::List(items),
            Self::Object(map) => View::Map(map.iter().map(|(key, value)| (key.as_str(), value)).collect()),
        }
    }
}

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
pub fn print<T: Print>(value: &T) -> String {
    let mut out = String::with_capacity(256);
    match value.view() {
        View::Map(pairs) if !pairs.is_empty() => mapping(&mut out, pairs, 0),
        View::List(items) if !items.is_empty() => sequence(&mut out, items, 0),
        leaf_value => leaf(&mut out, &leaf_value, 2),
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// Prints a mapping whose first key goes where the text ends now.
fn mapping<'v, T: Print>(out: &mut String, mut pairs: Vec<(&'v str, &'v T)>, indent: usize) {
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
            out.push(' ');
            inline(out, value, indent + 2);
        }
    }
}

/// Prints the value behind a simple key.
fn child<T: Print>(out: &mut String, value: &T, indent: usize) {
    match value.view() {
        View::Map(pairs) if !pairs.is_empty() => {
            line(out, indent + 2);
            mapping(out, pairs, indent + 2);
        }
        View::List(items) if !items.is_empty() => {
            line(out, indent);
            sequence(out, items, indent);
        }
        leaf_value => {
            out.push(' ');
            leaf(out, &leaf_value, indent + 2);
        }
    }
}

/// Prints a value that starts where the text ends now.
fn inline<T: Print>(out: &mut String, value: &T, indent: usize) {
    match value.view() {
        View::Map(pairs) if !pairs.is_empty() => mapping(out, pairs, indent),
        View::List(items) if !items.is_empty() => sequence(out, items, indent),
        leaf_value => leaf(out, &leaf_value, indent),
    }
}

/// Prints a sequence whose first dash goes where the text ends now.
fn sequence<T: Print>(out: &mut String, items: &[T], indent: usize) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            line(out, indent);
        }
        out.push_str("- ");
        inline(out, item, indent + 2);
    }
}

/// Prints a scalar or an empty collection.
fn leaf<T>(out: &mut String, value: &View<'_, T>, indent: usize) {
    match value {
        View::Null => out.push_str("null"),
        View::Bool(true) => out.push_str("true"),
        View::Bool(false) => out.push_str("false"),
        View::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            // Whole floats have become integers on their way through JSON.
            Some(float) => match schema::whole(float) {
                Some(schema::Scalar::Int(n)) => out.push_str(&n.to_string()),
                Some(schema::Scalar::Uint(n)) => out.push_str(&n.to_string()),
                _ => out.push_str(&schema::format_g(float)),
            },
            None => out.push_str(&number.to_string()),
        },
        View::Text(text) => scalar::value(out, text, indent),
        View::List(_) => out.push_str("[]"),
        View::Map(_) => out.push_str("{}"),
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
