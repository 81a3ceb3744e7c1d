//! What differs between two values.

use std::collections::BTreeMap;

use serde_json::Value;

use super::naming::ItemName;
use super::{Form, Forms, Type};
use crate::fields::{FieldSet, PathElement};
use crate::values::same;

/// What differs between an old and a new value. No field is in two of the sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// In the old value alone.
    pub removed: FieldSet,
    /// In both, and different.
    pub modified: FieldSet,
    /// In the new value alone.
    pub added: FieldSet,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.removed.is_empty() && self.modified.is_empty() && self.added.is_empty()
    }
}

impl Type<'_> {
    /// What differs between two values of the type.
    pub fn compare(self, old: &Value, new: &Value) -> Comparison {
        let mut walk = Walk { path: Vec::new(), found: Comparison::default() };
        if old != new {
            walk.values(self, Some(old), Some(new));
        }
        walk.found
    }
}

struct Walk {
    path: Vec<PathElement>,
    found: Comparison,
}

impl Walk {
    /// Looks at values that are not equal.
    fn values(&mut self, of: Type<'_>, old: Option<&Value>, new: Option<&Value>) {
        let (old_forms, new_forms) = (of.forms().of(old), of.forms().of(new));
        let is_leaf = if new.is_none() {
            self.form(of, old_forms, old, new)
        } else {
            if old.is_some() && old_forms != new_forms {
                self.form(of, old_forms, old, new);
            }
            self.form(of, new_forms, old, new)
        };
        match (old, new) {
            _ if is_leaf => {}
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            _ => {}
        }
    }

    /// Compares in one form, and tells whether that made a leaf of the values.
    fn form(&mut self, of: Type<'_>, forms: Forms, old: Option<&Value>, new: Option<&Value>) -> bool {
        let is_leaf = match forms.first() {
            Form::Scalar => true,
            Form::Map => {
                let count = |value: Option<&Value>| value.and_then(Value::as_object).map_or(0, serde_json::Map::len);
                of.is_atomic_map() || count(old) + count(new) == 0
            }
            Form::List => {
                let count = |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len);
                of.is_atomic_list() || count(old) + count(new) == 0
            }
        };
        match forms.first() {
            _ if is_leaf => self.leaf(old, new),
            Form::Map => self.maps(of, old, new),
            _ => self.lists(of, old, new),
        }
        is_leaf
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            (Some(old), Some(new)) if !same(old, new) => self.found.modified.insert(&self.path),
            _ => {}
        }
    }

    fn maps(&mut self, of: Type<'_>, old: Option<&Value>, new: Option<&Value>) {
        let (old, new) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
        for (name, value) in old.into_iter().flatten() {
            self.field(of, name, Some(value), new.and_then(|new| new.get(name)));
        }
        let is_new = |name: &String| old.is_none_or(|old| !old.contains_key(name));
        for (name, value) in new.into_iter().flatten().filter(|(name, _)| is_new(name)) {
            self.field(of, name, None, Some(value));
        }
    }

    fn field(&mut self, of: Type<'_>, name: &str, old: Option<&Value>, new: Option<&Value>) {
        // Most of two versions is the same, and nothing of that can differ.
        if old == new {
            return;
        }
        if let Some((name, field, _)) = of.field(name) {
            self.at(name.element(), |walk| walk.values(field, old, new));
        }
    }

    /// Items that are named twice are compared as one value, and have no parts.
    fn lists(&mut self, of: Type<'_>, old: Option<&Value>, new: Option<&Value>) {
        let mut items: BTreeMap<ItemName<'_>, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        for item in old.and_then(Value::as_array).into_iter().flatten() {
            if let Ok(name) = of.name_of(item) {
                items.entry(name).or_default().0.push(item);
            }
        }
        for item in new.and_then(Value::as_array).into_iter().flatten() {
            if let Ok(name) = of.name_of(item) {
                items.entry(name).or_default().1.push(item);
            }
        }
        for (name, (old, new)) in items {
            let item = of.items();
            // Most items are the same, and need no name.
            if matches!((old.as_slice(), new.as_slice()), ([old], [new]) if old == new) {
                continue;
            }
            self.at(name.element(), |walk| match (old.as_slice(), new.as_slice()) {
                ([] | [_], [] | [_]) => walk.values(item, old.first().copied(), new.first().copied()),
                ([_, _, ..], [_, _, ..]) => {
                    if old.len() != new.len() || old.iter().zip(&new).any(|(old, new)| !same(old, new)) {
                        walk.found.modified.insert(&walk.path);
                    }
                }
                ([_, _, ..], _) => {
                    if let Some(new) = new.first() {
                        walk.values(item, None, Some(new));
                    }
                    walk.found.removed.insert(&walk.path);
                }
                (_, _) => {
                    if let Some(old) = old.first() {
                        walk.values(item, Some(old), None);
                    }
                    walk.found.added.insert(&walk.path);
                }
            });
        }
    }

    fn at(&mut self, element: PathElement, walk: impl FnOnce(&mut Self)) {
        self.path.push(element);
        walk(self);
        self.path.pop();
    }
}
