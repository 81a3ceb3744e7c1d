//! Reads parts of an object that its struct or schema has made well-typed; what is not there reads as Go's zero value.

use serde_json::{Map, Value};

pub(super) type Fields = Map<String, Value>;

static NO_ITEMS: Vec<Value> = Vec::new();

pub(super) fn text<'o>(fields: &'o Fields, name: &str) -> &'o str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn integer(fields: &Fields, name: &str) -> Option<i64> {
    fields.get(name).and_then(Value::as_i64)
}

pub(super) fn is_true(fields: &Fields, name: &str) -> bool {
    fields.get(name).and_then(Value::as_bool).unwrap_or_default()
}

pub(super) fn items<'o>(fields: &'o Fields, name: &str) -> &'o [Value] {
    fields.get(name).and_then(Value::as_array).unwrap_or(&NO_ITEMS)
}

/// The items of a list that are structs, with their places in it.
pub(super) fn structs<'o>(fields: &'o Fields, name: &str) -> impl Iterator<Item = (usize, &'o Fields)> {
    items(fields, name).iter().enumerate().filter_map(|(index, item)| Some((index, item.as_object()?)))
}

pub(super) fn map<'o>(fields: &'o Fields, name: &str) -> Option<&'o Fields> {
    fields.get(name).and_then(Value::as_object)
}

/// A map some way down.
pub(super) fn at<'o>(fields: &'o Fields, path: &[&str]) -> Option<&'o Fields> {
    path.iter().try_fold(fields, |fields, name| map(fields, name))
}

/// A value some way down.
pub(super) fn value<'o>(fields: &'o Fields, path: &[&str]) -> Option<&'o Value> {
    let (last, above) = path.split_last()?;
    at(fields, above)?.get(*last).filter(|value| !value.is_null())
}

/// A map some way down, to be changed.
pub(super) fn at_mut<'o>(fields: &'o mut Fields, path: &[&str]) -> Option<&'o mut Fields> {
    path.iter().try_fold(fields, |fields, name| fields.get_mut(*name).and_then(Value::as_object_mut))
}

/// A map right below, made when it is not there.
pub(super) fn map_or_new<'o>(fields: &'o mut Fields, name: &str) -> Option<&'o mut Fields> {
    let below = fields.entry(name).or_insert(Value::Null);
    if below.is_null() {
        *below = Value::Object(Map::new());
    }
    below.as_object_mut()
}
