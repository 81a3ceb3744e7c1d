//! Which fields a value sets.

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
        let mut set = FieldSet::with_capacity(map.len());
        for (name, value) in map {
            let Some((name, field, is_declared)) = self.field(name) else { continue };
            let (is_set, below) = field.collect(value);
            let is_empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
            set.push(name.element(), is_set || is_empty || !is_declared, below);
        }
        set
    }

    fn collect_list(self, items: &[Value]) -> FieldSet {
        let mut set = FieldSet::with_capacity(items.len());
        for item in items {
            if let Ok(name) = self.name_of(item) {
                set.push(name.element(), true, self.items().collect(item).1);
            }
        }
        // Items of the same name are one field, whatever is in them.
        set.sort_by(|first, _| *first = FieldSet::default());
        set
    }
}
