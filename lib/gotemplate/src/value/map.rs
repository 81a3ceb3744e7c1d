//! Go's map with string keys: shared, mutable, walked in key order.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use super::{Str, Type, Value, dismantle};

/// A map. Clones are the same map, as in Go: what one holder sets, all see.
///
/// *Guarantees*: no method hands out a borrow, so none can panic whatever its caller does meanwhile.
#[derive(Clone, Debug)]
pub struct Map(Rc<Entries>);

/// A map that is not kept alive by this reference.
#[derive(Clone, Debug)]
pub(crate) struct WeakMap(Weak<Entries>);

#[derive(Debug)]
struct Entries {
    elem: Type,
    /// `None` is Go's nil map.
    values: Option<RefCell<BTreeMap<Str, Value>>>,
    /// Whether a [`crate::Session`] will empty this map when it ends.
    linked: Cell<bool>,
}

impl Map {
    /// Makes an empty `map[string]interface{}`.
    pub fn new() -> Self {
        Self::typed(Type::Any)
    }

    /// Makes an empty map of a given element type.
    pub fn typed(elem: Type) -> Self {
        Self::with_entries(elem, BTreeMap::new())
    }

    /// Makes a map of a given element type with these entries.
    pub fn with_entries(elem: Type, entries: BTreeMap<Str, Value>) -> Self {
        Self(Rc::new(Entries { elem, values: Some(RefCell::new(entries)), linked: Cell::new(false) }))
    }

    /// Makes a nil map, which prints as `map[]` but encodes as `null`.
    pub fn nil(elem: Type) -> Self {
        Self(Rc::new(Entries { elem, values: None, linked: Cell::new(false) }))
    }

    /// The type of the values.
    pub fn elem(&self) -> Type {
        self.0.elem
    }

    /// Whether this is Go's nil map.
    pub fn is_nil(&self) -> bool {
        self.0.values.is_none()
    }

    /// Whether both are the same map in memory.
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// An address for telling maps apart while both live.
    pub fn id(&self) -> usize {
        Rc::as_ptr(&self.0).cast::<()>().addr()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.0.values.as_ref().map_or(0, |values| values.borrow().len())
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the key is present, be it with a nil value.
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.0.values.as_ref().is_some_and(|values| values.borrow().contains_key(key.as_ref()))
    }

    /// The value under a key.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.0.values.as_ref()?.borrow().get(key.as_ref()).cloned()
    }

    /// Sets a key and returns what was there.
    ///
    /// A nil map ignores it; Go panics, so callers that can meet one check [`Map::is_nil`] and fail first.
    pub fn insert(&self, key: impl Into<Str>, value: impl Into<Value>) -> Option<Value> {
        self.0.values.as_ref()?.borrow_mut().insert(key.into(), value.into())
    }

    /// Removes a key and returns what was there.
    pub fn remove(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.0.values.as_ref()?.borrow_mut().remove(key.as_ref())
    }

    /// The entries as they are now, sorted by key. Later changes are not seen.
    pub fn entries(&self) -> Vec<(Str, Value)> {
        self.0.values.as_ref().map_or_else(Vec::new, |values| {
            values.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
        })
    }

    /// The keys as they are now, sorted.
    pub fn keys(&self) -> Vec<Str> {
        self.0.values.as_ref().map_or_else(Vec::new, |values| values.borrow().keys().cloned().collect())
    }

    /// The values as they are now, in the order of their keys.
    pub fn values(&self) -> Vec<Value> {
        self.0.values.as_ref().map_or_else(Vec::new, |values| values.borrow().values().cloned().collect())
    }

    /// Makes another map with the same entries. Values that are maps stay shared.
    #[must_use]
    pub fn shallow_copy(&self) -> Self {
        let entries = self.0.values.as_ref().map_or_else(BTreeMap::new, |values| values.borrow().clone());
        Self::with_entries(self.elem(), entries)
    }

    /// A weak reference to it, the first time that this is asked.
    pub(crate) fn link(&self) -> Option<WeakMap> {
        (!self.0.linked.replace(true)).then(|| WeakMap(Rc::downgrade(&self.0)))
    }

    /// Whether nobody else holds it.
    pub(crate) fn is_unique(&self) -> bool {
        Rc::strong_count(&self.0) == 1
    }

    /// Takes the values out if nobody else holds them.
    pub(super) fn dismantle(mut self, pending: &mut Vec<Value>) {
        if let Some(values) = Rc::get_mut(&mut self.0).and_then(|entries| entries.values.as_mut()) {
            pending.extend(std::mem::take(values.get_mut()).into_values());
        }
    }
}

impl WeakMap {
    /// Empties the map if anyone still holds it.
    pub(crate) fn clear(&self) {
        if let Some(values) = self.0.upgrade().as_ref().and_then(|entries| entries.values.as_ref()) {
            // Dropped after the borrow ends: a value below may be this very map.
            let entries = values.take();
            drop(entries);
        }
    }
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Into<Str>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self::with_entries(Type::Any, entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        if let Some(values) = self.values.as_mut().map(RefCell::get_mut)
            && values.values().any(Value::holds_values)
        {
            dismantle(std::mem::take(values).into_values().collect());
        }
    }
}
