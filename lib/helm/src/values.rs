//! Values: tables as charts and users write them, merged and looked into.

mod path;

use gotemplate as go;
pub use path::{Path, Step};
use serde_json::{Number, Value};

/// A YAML mapping with text keys.
pub type Table = serde_json::Map<String, Value>;

/// The key under which values reach every chart of a tree.
pub const GLOBAL: &str = "global";

/// Why a text is no table of values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is not YAML.
    #[error("cannot read YAML")]
    Yaml(#[source] yaml::Error),
    /// A document holds something else than a mapping.
    #[error("{at}: expected a mapping of values, found {found}")]
    NotATable {
        /// Where the document starts.
        at: yaml::Position,
        /// What it holds.
        found: &'static str,
    },
}

/// Reads a values file. Several documents are merged; numbers become floats.
pub fn read(text: &[u8]) -> Result<Table, ReadError> {
    let mut values = Table::new();
    let text = yaml::text(text).map_err(ReadError::Yaml)?;
    for document in yaml::Reader::new(yaml::Schema::V2).values(text) {
        let document = document.map_err(ReadError::Yaml)?;
        match document.value {
            Value::Object(table) => merge(&mut values, with_go_numbers(table)),
            Value::Null => {}
            other => return Err(ReadError::NotATable { at: document.at, found: kind_of(&other) }),
        }
    }
    Ok(values)
}

/// The text that a value becomes where Go's YAML library is to fill a `string`: numbers and booleans become text,
/// collections do not. Floats pass through 32 bits on the way, so that `1.160` is `1.16` and `1e39` is `+Inf`.
///
/// # Source
/// sigs.k8s.io/yaml 1.6, `convertToJSONableObject`.
#[expect(clippy::cast_possible_truncation, reason = "this is Go's conversion")]
pub(crate) fn to_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(b) => Some(b.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_f64() => {
            let narrow = number.as_f64()? as f32;
            // The decimals of the narrow number, not those of the wide number that is nearest to it.
            let decimals: f64 = if narrow.is_finite() { narrow.to_string().parse().ok()? } else { narrow.into() };
            Some(go::strconv::format_float(decimals, go::strconv::FloatFormat::Shorter, None))
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Names what a value is.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

/// Makes the map that templates see; every call makes a new one.
pub(crate) fn to_map(table: &Table) -> go::Map {
    table.iter().map(|(key, value)| (key.as_str(), to_go(value))).collect()
}

/// Makes the value that templates see.
pub(crate) fn to_go(value: &Value) -> go::Value {
    match value {
        Value::Null => go::Value::Nil,
        Value::Bool(b) => (*b).into(),
        Value::Number(n) => match n.as_i64() {
            Some(n) => go::Value::Int64(n),
            None => go::Value::Float64(n.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(to_go).collect::<go::List>().into(),
        Value::Object(table) => to_map(table).into(),
    }
}

/// Makes a table of the map that templates see.
pub(crate) fn from_map(map: &go::Map) -> Table {
    map.entries().iter().map(|(key, value)| (key.to_str().into_owned(), from_go(value, 0))).collect()
}

fn from_go(value: &go::Value, depth: usize) -> Value {
    match value {
        _ if depth > go::value::MAX_NESTING => Value::Null,
        go::Value::Nil => Value::Null,
        go::Value::Bool(b) => Value::Bool(*b),
        go::Value::Float64(n) => Number::from_f64(*n).map_or(Value::Null, Value::Number),
        go::Value::String(text) => Value::String(text.to_str().into_owned()),
        other => match (other.as_map(), other.as_list(), other.as_int()) {
            (Some(map), ..) => Value::Object(
                map.entries()
                    .iter()
                    .map(|(key, value)| (key.to_str().into_owned(), from_go(value, depth + 1)))
                    .collect(),
            ),
            (_, Some(list), _) => Value::Array(list.iter().map(|item| from_go(item, depth + 1)).collect()),
            (.., Some(n)) => Value::from(n),
            _ => Value::Null,
        },
    }
}

/// Merges `over` into `base`: tables key by key, everything else replaced.
pub fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (Some(slot), value) => *slot = value,
            (None, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Finds the table at a dotted path.
pub(crate) fn table(values: &go::Map, path: &str) -> Option<go::Map> {
    path.split('.').try_fold(values.clone(), |table, key| table.get(key)?.as_map())
}

/// Finds the value at a dotted path; tables are no values.
pub(crate) fn value(values: &go::Map, path: &str) -> Option<go::Value> {
    let (parent, key) = match path.rsplit_once('.') {
        Some((parent, key)) => (table(values, parent)?, key),
        None => (values.clone(), path),
    };
    parent.get(key).filter(|value| value.as_map().is_none())
}

/// Makes every number a `float64`, which is what Go's JSON decoder makes of numbers in values.
///
/// Templates can tell: `eq .Values.replicas 2` fails, and 1234567 prints as `1.234567e+06`.
#[must_use]
pub fn with_go_numbers(mut table: Table) -> Table {
    table.values_mut().for_each(with_go_numbers_in);
    table
}

/// Does what [`with_go_numbers`] does to one value.
pub(crate) fn with_go_numbers_in(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().and_then(Number::from_f64) {
                *number = float;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(with_go_numbers_in),
        Value::Object(table) => table.values_mut().for_each(with_go_numbers_in),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Whether two values are the same, whichever type their numbers have.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(l), Value::Number(r)) => l.as_f64() == r.as_f64(),
        (Value::Array(l), Value::Array(r)) => l.len() == r.len() && l.iter().zip(r).all(|(l, r)| same(l, r)),
        (Value::Object(l), Value::Object(r)) => {
            l.len() == r.len() && l.iter().all(|(key, l)| r.get(key).is_some_and(|r| same(l, r)))
        }
        _ => left == right,
    }
}
