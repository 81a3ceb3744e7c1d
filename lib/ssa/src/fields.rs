//! Sets of fields, as `managedFields` writes them: `{"f:spec":{"f:replicas":{}}}`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// One step from a value to a part of it.
///
/// Kept in the written form, with the JSON of keys and values in canonical order, so that equal steps are equal texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathElement(Box<str>);

impl PathElement {
    /// A field of a map: `f:<name>`.
    pub fn field(name: &str) -> Self {
        Self(format!("f:{name}").into())
    }

    /// An item of a list, named by the fields that identify it: `k:{"name":"web"}`.
    pub fn key(fields: &Map<String, Value>) -> Self {
        Self(format!("k:{}", canonical(&Value::Object(fields.clone()))).into())
    }

    /// An item of a set: `v:<json>`.
    pub fn value(value: &Value) -> Self {
        Self(format!("v:{}", canonical(value)).into())
    }

    /// An item of a list by its place: `i:<index>`.
    pub fn index(index: usize) -> Self {
        Self(format!("i:{index}").into())
    }

    /// Reads the written form.
    ///
    /// # Errors
    /// [`ParseFieldsError::Element`] when it is none of the four.
    pub fn parse(text: &str) -> Result<Self, ParseFieldsError> {
        let bad = || ParseFieldsError::Element { element: text.to_owned() };
        match text.split_once(':') {
            Some(("f", _)) => Ok(Self(text.into())),
            Some(("i", index)) if index.parse::<i64>().is_ok() => Ok(Self(text.into())),
            Some((form @ ("k" | "v"), json)) => {
                let value: Value = serde_json::from_str(json).map_err(|_| bad())?;
                if form == "k" && !value.is_object() {
                    return Err(bad());
                }
                Ok(Self(format!("{form}:{}", canonical(&value)).into()))
            }
            _ => Err(bad()),
        }
    }

    /// The written form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The fields that identify an item of a list, if the step is such a one.
    pub fn as_key(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(self.0.strip_prefix("k:")?).ok()
    }
}

/// JSON with its maps sorted by key, whatever order this build keeps maps in.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, &Value> = map.iter().collect();
            Value::Object(sorted.into_iter().map(|(key, value)| (key.clone(), canonical(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

/// A set of fields of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Fields that are in the set themselves.
    members: BTreeSet<PathElement>,
    /// Fields of which parts are in the set; never an empty set.
    children: BTreeMap<PathElement, FieldSet>,
}

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
        let map = fields.as_object().ok_or(ParseFieldsError::NotAMap)?;
        let mut set = Self::default();
        for (key, below) in map {
            // The set's own membership is written by whoever holds it.
            if key == "." {
                continue;
            }
            let element = PathElement::parse(key)?;
            let own = below.as_object().ok_or(ParseFieldsError::NotAMap)?;
            let children = Self::parse(below)?;
            if own.is_empty() || own.contains_key(".") {
                set.members.insert(element.clone());
            }
            if !children.is_empty() {
                set.children.insert(element, children);
            }
        }
        Ok(set)
    }

    /// Prints `fieldsV1`.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (element, children) in &self.children {
            let mut below = children.to_value();
            if let (true, Value::Object(below)) = (self.members.contains(element), &mut below) {
                below.insert(".".to_owned(), Value::Object(Map::new()));
            }
            map.insert(element.as_str().to_owned(), below);
        }
        for element in self.members.iter().filter(|element| !self.children.contains_key(element)) {
            map.insert(element.as_str().to_owned(), Value::Object(Map::new()));
        }
        Value::Object(map)
    }

    /// Whether no field is in the set.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.is_empty()
    }

    /// Adds a field. The empty path is the object itself, which no set holds.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => drop(self.members.insert(last.clone())),
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Whether the field itself is in the set.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|below| below.contains(rest)),
        }
    }

    /// Whether the field or a part of it is in the set.
    pub fn touches(&self, path: &[PathElement]) -> bool {
        match path {
            [] => !self.is_empty(),
            [last] => self.members.contains(last) || self.children.contains_key(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|below| below.touches(rest)),
        }
    }

    /// The steps that lead from a field to those of its parts that are in the set, in order.
    pub fn steps_below<'a>(&'a self, path: &[PathElement]) -> Box<dyn Iterator<Item = &'a PathElement> + 'a> {
        let below = path.iter().try_fold(self, |set, element| set.children.get(element));
        match below {
            Some(set) => {
                let steps: BTreeSet<&PathElement> = set.members.iter().chain(set.children.keys()).collect();
                Box::new(steps.into_iter())
            }
            None => Box::new(std::iter::empty()),
        }
    }

    /// What is in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        union.members.extend(other.members.iter().cloned());
        for (element, theirs) in &other.children {
            let ours = union.children.entry(element.clone()).or_default();
            *ours = ours.union(theirs);
        }
        union
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let members = self.members.intersection(&other.members).cloned().collect();
        let children = self.children.iter().filter_map(|(element, ours)| {
            let common = ours.intersection(other.children.get(element)?);
            (!common.is_empty()).then(|| (element.clone(), common))
        });
        Self { members, children: children.collect() }
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let members = self.members.difference(&other.members).cloned().collect();
        let children = self.children.iter().filter_map(|(element, ours)| {
            let rest = other.children.get(element).map_or_else(|| ours.clone(), |theirs| ours.difference(theirs));
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self { members, children: children.collect() }
    }
}

#[cfg(test)]
mod tests;
