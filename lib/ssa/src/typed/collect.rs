//! Which fields a value sets.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Form, Type};
use crate::fields::FieldSet;

impl Type<'_> {
    /// The fields that a value sets: leaves, items of lists, fields of maps that are not declared, and empty maps.
    pub fn fields_of(self, value: &Value) -> FieldSet {
        self.collect(value).1
    }

    /// Whether the value is itself a field that is set, and which of its parts are.
    fn collect(self, value: &Value) -> (bool, FieldSet) {
        match (self.form_of(value), value) {
            (Form::Scalar, _) => (true, FieldSet::default()),
            (Form::Map, _) if self.is_atomic_map() => (true, FieldSet::default()),
            (Form::List, _) if self.is_atomic_list() => (true, FieldSet::default()),
            (Form::Map, Value::Object(map)) => (false, self.collect_map(map)),
            (Form::List, Value::Array(items)) => (false, self.collect_list(items)),
            _ => (false, FieldSet::default()),
        }
    }

    fn collect_map(self, map: &Map<String, Value>) -> FieldSet {
        let mut set = FieldSet::default();
        for (name, value) in map {
            let Some((name, field, is_declared)) = self.field(name) else { continue };
            let (is_set, below) = field.collect(value);
            let is_empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
            set.push(name.element(), is_set || is_empty || !is_declared, below);
        }
        set.sort();
        set
    }

    /// Items of the same name are one field, whatever is in them.
    fn collect_list(self, items: &[Value]) -> FieldSet {
        let names: Vec<_> = items.iter().map(|item| self.name_of(item).ok()).collect();
        let mut counts = BTreeMap::new();
        for name in names.iter().flatten() {
            *counts.entry(name).or_insert(0_usize) += 1;
        }
        let mut set = FieldSet::default();
        for (name, item) in names.iter().zip(items).filter_map(|(name, item)| Some((name.as_ref()?, item))) {
            let is_alone = counts.get(name) == Some(&1);
            let below = if is_alone { self.items().collect(item).1 } else { FieldSet::default() };
            set.push(name.clone(), true, below);
        }
        set.sort();
        set
    }
}
