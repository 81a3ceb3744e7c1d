//! What Go's zero value of a built-in type looks like as JSON.

use serde_json::{Map, Value};

use crate::node::{Id, Type};
use crate::schemas::Schemas;

/// Zero values nest as deep as structs do, which is not deep.
const DEEPEST: usize = 32;

impl Schemas {
    /// The zero value of a built-in type: what the API server compares a new object with to know what its creator set.
    ///
    /// A struct that is no pointer is always there, which its default `{}` tells, and so are fields without `omitempty`,
    /// which are the required ones: lists, maps and pointers of them are null.
    pub fn zero(&self, id: Id) -> Value {
        self.zero_at(id, 0)
    }

    fn zero_at(&self, id: Id, depth: usize) -> Value {
        let mut map = Map::new();
        for field in self.fields(id) {
            let is_struct = self.node(field.node).kind == Type::Object && self.is_empty_map(field.node);
            let is_required = self.required(id).contains(&field.name);
            if is_struct && depth < DEEPEST {
                map.insert(field.name.to_string(), self.zero_at(field.node, depth + 1));
            } else if is_required {
                map.insert(field.name.to_string(), self.default_of(field.node).cloned().unwrap_or_default());
            }
        }
        Value::Object(map)
    }

    fn is_empty_map(&self, id: Id) -> bool {
        self.default_of(id).and_then(Value::as_object).is_some_and(Map::is_empty)
    }
}
