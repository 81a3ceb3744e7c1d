//! The written form of a set: `fieldsV1`.

use serde_json::{Map, Value};

use super::{FieldSet, PathElement};
use crate::typed::Type;

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
        match fields {
            Value::Object(map) => Self::parse_map(map, None),
            Value::Null => Ok(Self::default()),
            _ => Err(ParseFieldsError::NotAMap),
        }
    }

    /// Reads `fieldsV1` of a type, whose names of fields are then shared. What the type does not know is read as well.
    pub(super) fn parse_map(map: &Map<String, Value>, of: Option<Type<'_>>) -> Result<Self, ParseFieldsError> {
        let mut set = Self { nodes: Vec::with_capacity(map.len()) };
        // The set's own membership is written by whoever holds it.
        for (key, fields) in map.iter().filter(|(key, _)| *key != ".") {
            let known = key.strip_prefix("f:").and_then(|name| of?.known(name));
            let (element, of) = match known {
                Some((name, field)) => (Some(PathElement::Field(name.clone())), Some(field)),
                None => (PathElement::parse(key)?, of.and_then(|of| of.below(key))),
            };
            let below = match fields {
                Value::Object(map) => Self::parse_map(map, of)?,
                Value::Null => Self::default(),
                _ => return Err(ParseFieldsError::NotAMap),
            };
            let is_member = below.is_empty() || fields.get(".").is_some();
            if let Some(element) = element {
                set.push(element, is_member, below);
            }
        }
        set.sort();
        Ok(set)
    }

    /// Prints `fieldsV1`.
    pub fn to_value(&self) -> Value {
        Value::Object(self.to_map(false))
    }

    fn to_map(&self, is_member: bool) -> Map<String, Value> {
        let own = (is_member && !self.is_empty()).then(|| (".".to_owned(), Value::Object(Map::new())));
        let fields =
            self.steps().map(|(element, is_member, below)| (element.to_text(), Value::Object(below.to_map(is_member))));
        own.into_iter().chain(fields).collect()
    }
}
