//! The written form of a set: `fieldsV1`.

use serde_json::{Map, Value};

use super::{FieldSet, PathElement};

/// A value that is not a set of fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseFieldsError {
    /// Sets are maps of maps.
    #[error("a set of fields is a map")]
    NotAMap,
    /// A key of the maps is not a step.
    #[error("{element:?} is no step of a field path")]
    Element {
        /// The key.
        element: String,
    },
}

impl FieldSet {
    /// Reads `fieldsV1`.
    ///
    /// # Errors
    /// [`ParseFieldsError`] when it is not maps of steps.
    pub fn parse(fields: &Value) -> Result<Self, ParseFieldsError> {
        let mut set = Self::default();
        let map = match fields {
            Value::Object(map) => map,
            Value::Null => return Ok(set),
            _ => return Err(ParseFieldsError::NotAMap),
        };
        // The set's own membership is written by whoever holds it.
        for (key, fields) in map.iter().filter(|(key, _)| *key != ".") {
            let below = Self::parse(fields)?;
            let is_member = below.is_empty() || fields.get(".").is_some();
            if let Some(element) = PathElement::parse(key)? {
                set.push(element, is_member, below);
            }
        }
        set.sort();
        Ok(set)
    }

    /// Prints `fieldsV1`.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (element, is_member, below) in self.steps() {
            let mut fields = below.to_value();
            if let (true, false, Value::Object(fields)) = (is_member, below.is_empty(), &mut fields) {
                fields.insert(".".to_owned(), Value::Object(Map::new()));
            }
            map.insert(element.to_text(), fields);
        }
        Value::Object(map)
    }
}
