//! Sets of fields as they were written, of which most are handed on without being read.

use serde_json::{Map, Value};

use super::{FieldSet, ParseFieldsError, PathElement};
use crate::typed::Type;

/// A set of fields, which is read only where somebody wants to change it: most managers keep what they have.
#[derive(Clone, Debug, Default)]
pub struct Fields<'w> {
    /// As `fieldsV1` has it, and known to be a set.
    written: Option<&'w Map<String, Value>>,
    /// As it is worked with, once it was read.
    set: FieldSet,
}

impl<'w> Fields<'w> {
    /// The set as it is written in `fieldsV1`.
    ///
    /// # Errors
    /// [`ParseFieldsError`] when it is none.
    pub fn written(fields: &'w Value) -> Result<Self, ParseFieldsError> {
        let map = match fields {
            Value::Null => return Ok(Self::default()),
            Value::Object(map) => map,
            _ => return Err(ParseFieldsError::NotAMap),
        };
        check(map)?;
        Ok(Self { written: Some(map), set: FieldSet::default() })
    }

    /// The set itself, to be changed. Names of fields are shared with those of the type.
    pub(crate) fn read(&mut self, of: Option<Type<'_>>) -> &mut FieldSet {
        if let Some(map) = self.written.take() {
            // It was found to be a set before.
            self.set = FieldSet::parse_map(map, of).unwrap_or_default();
        }
        &mut self.set
    }

    /// The set alone.
    pub(crate) fn into_set(mut self, of: Option<Type<'_>>) -> FieldSet {
        std::mem::take(self.read(of))
    }

    /// Whether no field is in the set.
    pub fn is_empty(&self) -> bool {
        self.written.map_or_else(|| self.set.is_empty(), Map::is_empty)
    }

    /// Whether any of these fields is in the set.
    pub(crate) fn has_any(&self, fields: &FieldSet) -> bool {
        self.written.map_or_else(|| !self.set.intersection(fields).is_empty(), |map| has_any(map, fields))
    }

    /// Whether these are the fields of the set, as far as one look tells: what is written in an unusual way is not found
    /// to be.
    pub(crate) fn is(&self, fields: &FieldSet) -> bool {
        self.written.map_or_else(|| self.set == *fields, |map| is(map, false, fields))
    }

    /// Whether all of the set is in another one.
    pub(crate) fn is_subset(&self, fields: &FieldSet, of: Type<'_>) -> bool {
        self.written.map_or_else(
            || self.set.is_subset(fields),
            |map| FieldSet::parse_map(map, Some(of)).is_ok_and(|set| set.is_subset(fields)),
        )
    }

    /// Removes fields from the set.
    pub(crate) fn subtract(&mut self, fields: &FieldSet, of: Option<Type<'_>>) {
        if self.has_any(fields) {
            self.read(of).subtract(fields);
        }
    }

    /// Makes it the set that would be written today.
    pub(crate) fn reconcile(&mut self, of: Type<'_>) {
        if self.written.is_some_and(|map| of.is_current(map)) {
            return;
        }
        let set = self.read(Some(of));
        if let Some(reconciled) = of.reconcile(set) {
            *set = reconciled;
        }
    }

    /// Whether it is still as it was written.
    pub(crate) fn is_untouched(&self) -> bool {
        self.written.is_some()
    }

    /// `fieldsV1`.
    pub fn to_value(&self) -> Value {
        self.written.map_or_else(|| self.set.to_value(), |map| Value::Object(map.clone()))
    }
}

impl From<FieldSet> for Fields<'_> {
    fn from(set: FieldSet) -> Self {
        Self { written: None, set }
    }
}

fn check(map: &Map<String, Value>) -> Result<(), ParseFieldsError> {
    for (key, fields) in map.iter().filter(|(key, _)| *key != ".") {
        PathElement::check(key)?;
        match fields {
            Value::Object(map) => check(map)?,
            Value::Null => {}
            _ => return Err(ParseFieldsError::NotAMap),
        }
    }
    Ok(())
}

fn has_any(map: &Map<String, Value>, fields: &FieldSet) -> bool {
    fields.steps().any(|(step, is_member, below)| {
        let Some(Value::Object(map)) = map.get(&step.to_text()) else { return false };
        (is_member && (map.is_empty() || map.contains_key("."))) || has_any(map, below)
    })
}

/// Goes through both at once: they are in one order but for keys of several kinds or of numbers.
fn is(map: &Map<String, Value>, is_member: bool, fields: &FieldSet) -> bool {
    if map.contains_key(".") != (is_member && !fields.is_empty()) {
        return false;
    }
    let mut written = map.iter().filter(|(key, _)| *key != ".");
    let are_same = fields.steps().all(|(step, is_member, below)| {
        let next = written.next().filter(|(key, _)| step.is_written(key));
        matches!(next, Some((_, Value::Object(map))) if is(map, is_member, below))
    });
    are_same && written.next().is_none()
}
