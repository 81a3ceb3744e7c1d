//! Go's slice.

use std::ops::Deref;
use std::rc::Rc;

use super::{Str, Type, Value, dismantle};

/// A slice. Cheap to clone; nothing a template can do changes an element, so no clone sees a change.
///
/// Dereferences to `[Value]`.
#[derive(Clone, Debug)]
pub struct List(Rc<Items>);

#[derive(Debug)]
struct Items {
    elem: Type,
    /// `None` is Go's nil slice.
    values: Option<Vec<Value>>,
}

impl List {
    /// Makes a slice of a given element type.
    ///
    /// *Assumptions*: every value is of that type; `Bytes` is the slice of `uint8`.
    pub fn new(elem: Type, values: Vec<Value>) -> Self {
        Self(Rc::new(Items { elem, values: Some(values) }))
    }

    /// Makes a nil slice, which prints as `[]` but encodes as `null`.
    pub fn nil(elem: Type) -> Self {
        Self(Rc::new(Items { elem, values: None }))
    }

    /// Makes a `[]string`.
    pub fn strings<T: Into<Str>>(strings: impl IntoIterator<Item = T>) -> Self {
        Self::new(Type::String, strings.into_iter().map(|text| Value::String(text.into())).collect())
    }

    /// The type of the elements.
    pub fn elem(&self) -> Type {
        self.0.elem
    }

    /// Whether this is Go's nil slice.
    pub fn is_nil(&self) -> bool {
        self.0.values.is_none()
    }

    /// Whether both are the same slice in memory.
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Whether nobody else holds it.
    pub(crate) fn is_unique(&self) -> bool {
        Rc::strong_count(&self.0) == 1
    }

    /// Takes the elements out if nobody else holds them.
    pub(super) fn dismantle(mut self, pending: &mut Vec<Value>) {
        if let Some(values) = Rc::get_mut(&mut self.0).and_then(|items| items.values.as_mut()) {
            pending.append(values);
        }
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        self.0.values.as_deref().unwrap_or_default()
    }
}

impl From<Vec<Value>> for List {
    fn from(values: Vec<Value>) -> Self {
        Self::new(Type::Any, values)
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self::new(Type::Any, values.into_iter().collect())
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        if let Some(values) = self.values.take_if(|values| values.iter().any(Value::holds_values)) {
            dismantle(values);
        }
    }
}
