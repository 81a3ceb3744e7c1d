//! A value without some of its fields, or with nothing but them.

use serde_json::{Map, Value};

use super::{Form, Type};
use crate::fields::{FieldSet, PathElement};

impl Type<'_> {
    /// Removes fields and items from a value. A map or a list of which nothing is left becomes null, not empty.
    pub fn remove(self, value: &mut Value, fields: &FieldSet) {
        match (self.form_of(value), &mut *value) {
            (Form::Scalar, _) => return,
            (Form::Map, Value::Object(map)) if !self.is_atomic_map() => {
                self.remove_from_map(map, fields);
                if !map.is_empty() {
                    return;
                }
            }
            (Form::List, Value::Array(items)) if !self.is_atomic_list() => {
                self.remove_from_list(items, fields);
                if !items.is_empty() {
                    return;
                }
            }
            _ => {}
        }
        *value = Value::Null;
    }

    fn remove_from_map(self, map: &mut Map<String, Value>, fields: &FieldSet) {
        // Removing goes by the set, which is small, not by the map, which need not be.
        for (element, is_member, below) in fields.steps() {
            let PathElement::Field(name) = element else { continue };
            if is_member {
                map.remove(&**name);
            } else if let (Some(value), Some((_, field, _))) = (map.get_mut(&**name), self.field(name)) {
                field.remove(value, below);
            }
        }
    }

    fn remove_from_list(self, items: &mut Vec<Value>, fields: &FieldSet) {
        items.retain_mut(|item| {
            let Ok(name) = self.name_of(item) else { return true };
            let name = name.element();
            if fields.has(&name) {
                return false;
            }
            if let Some(below) = fields.below(&name) {
                self.items().remove(item, below);
            }
            true
        });
    }

    /// The value with these fields and items alone; null when it has none of them. Leaves are asked for: a field of which
    /// parts are in the set gives those parts, as an item of a list does, without the fields that name it.
    pub fn extract(self, value: &Value, fields: &FieldSet) -> Value {
        match (self.form_of(value), value) {
            (Form::Scalar, _) => value.clone(),
            (Form::Map, Value::Object(_)) if self.is_atomic_map() => value.clone(),
            (Form::List, Value::Array(_)) if self.is_atomic_list() => value.clone(),
            (Form::Map, Value::Object(map)) => {
                let part = |name: &str, value: &Value| {
                    let element = PathElement::field(name);
                    let (_, field, _) = self.field(name)?;
                    extracted(field, value, fields, &element)
                };
                let map: Map<String, Value> =
                    map.iter().filter_map(|(name, value)| Some((name.clone(), part(name, value)?))).collect();
                if map.is_empty() { Value::Null } else { Value::Object(map) }
            }
            (Form::List, Value::Array(items)) => {
                let part = |item: &Value| extracted(self.items(), item, fields, &self.name_of(item).ok()?.element());
                let items: Vec<Value> = items.iter().filter_map(part).collect();
                if items.is_empty() { Value::Null } else { Value::Array(items) }
            }
            _ => Value::Null,
        }
    }
}

/// The part of a map or a list that the set has, if it has any.
fn extracted(of: Type<'_>, value: &Value, fields: &FieldSet, element: &PathElement) -> Option<Value> {
    let nothing = FieldSet::default();
    let below = fields.below(element);
    (fields.has(element) || below.is_some()).then(|| of.extract(value, below.unwrap_or(&nothing)))
}
