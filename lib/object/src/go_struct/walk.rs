//! Visits every struct of an object that was read, with its place.

use notation::field::At;
use serde_json::{Map, Value};

use super::{Struct, Type};

/// What is called with each struct, its fields and its place.
pub type Visit<'a> = dyn FnMut(&'static Struct, &Map<String, Value>, &At<'_>) + 'a;

impl Struct {
    /// Visits the struct and those below it, the outer before the inner. What the visit changes is what is visited next.
    pub fn visit_mut(
        &'static self,
        fields: &mut Map<String, Value>,
        visit: &mut dyn FnMut(&'static Self, &mut Map<String, Value>),
    ) {
        visit(self, fields);
        for field in &self.fields {
            if field.type_.holds_structs()
                && let Some(value) = fields.get_mut(field.name)
            {
                field.type_.visit_mut(value, visit);
            }
        }
    }

    /// Visits the struct and those below it, the outer before the inner, each with its place.
    pub fn visit(&'static self, fields: &Map<String, Value>, at: &At<'_>, visit: &mut Visit<'_>) {
        visit(self, fields, at);
        for field in &self.fields {
            if field.type_.holds_structs()
                && let Some(value) = fields.get(field.name)
            {
                field.type_.visit(value, &at.field(field.name), visit);
            }
        }
    }
}

impl Type {
    fn holds_structs(&self) -> bool {
        match self {
            Self::Struct(_) | Self::StructOrAnything(_) => true,
            Self::Pointer(element) | Self::List(element) | Self::Map(element) => element.holds_structs(),
            _ => false,
        }
    }

    fn visit_mut(&'static self, value: &mut Value, visit: &mut dyn FnMut(&'static Struct, &mut Map<String, Value>)) {
        match (self, value) {
            (Self::Struct(id) | Self::StructOrAnything(id), Value::Object(fields)) => id.get().visit_mut(fields, visit),
            (Self::Pointer(target), value) => target.visit_mut(value, visit),
            (Self::List(element), Value::Array(items)) => {
                for item in items {
                    element.visit_mut(item, visit);
                }
            }
            (Self::Map(element), Value::Object(entries)) => {
                entries.values_mut().for_each(|entry| element.visit_mut(entry, visit));
            }
            _ => {}
        }
    }

    fn visit(&'static self, value: &Value, at: &At<'_>, visit: &mut Visit<'_>) {
        match (self, value) {
            (Self::Struct(id) | Self::StructOrAnything(id), Value::Object(fields)) => id.get().visit(fields, at, visit),
            (Self::Pointer(target), value) => target.visit(value, at, visit),
            (Self::List(element), Value::Array(items)) => {
                items.iter().enumerate().for_each(|(index, item)| element.visit(item, &at.item(index), visit));
            }
            (Self::Map(element), Value::Object(entries)) => {
                entries.iter().for_each(|(key, entry)| element.visit(entry, &at.entry(key), visit));
            }
            _ => {}
        }
    }
}
