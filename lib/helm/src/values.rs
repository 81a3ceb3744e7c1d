//! Values: tables as charts and users write them, merged and looked into.

use serde_json::{Number, Value};

/// A YAML mapping with text keys.
pub type Table = serde_json::Map<String, Value>;

/// The key under which values reach every chart of a tree.
pub const GLOBAL: &str = "global";

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
pub fn table<'t>(values: &'t Table, path: &str) -> Option<&'t Table> {
    path.split('.').try_fold(values, |table, key| table.get(key)?.as_object())
}

/// Finds the value at a dotted path; tables are no values.
pub fn value<'t>(values: &'t Table, path: &str) -> Option<&'t Value> {
    let (parent, key) = match path.rsplit_once('.') {
        Some((parent, key)) => (table(values, parent)?, key),
        None => (values, path),
    };
    parent.get(key).filter(|value| !value.is_object())
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
