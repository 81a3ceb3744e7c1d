//! Values of a type, and what structured merge does with them.
//!
//! A value that a type does not allow is treated as upstream does: the walks go on with the first form that the type
//! does allow, so that a list where a map is due has no fields.

mod check;
mod collect;
mod compare;
mod merge;
mod naming;
mod reconcile;
mod remove;

use std::sync::Arc;

use schema::{Id, MapType, Schemas, Type as Kind};
use serde_json::Value;

pub use check::{Duplicates, Problem, Problems};
pub use compare::Comparison;

use crate::fields::PathElement;

/// A type of a value.
#[derive(Clone, Copy, Debug)]
pub struct Type<'a> {
    schemas: &'a Schemas,
    id: Id,
}

/// The forms that a value of a type may have: some of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Forms(u8);

/// How a value is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Map,
    Scalar,
    List,
}

impl Forms {
    const MAP: Self = Self(1);
    const SCALAR: Self = Self(2);
    const LIST: Self = Self(4);
    const ANY: Self = Self(7);

    /// The one that is walked: a map rather than a scalar rather than a list.
    fn first(self) -> Form {
        match self.0 {
            forms if forms & 1 != 0 => Form::Map,
            forms if forms & 2 != 0 => Form::Scalar,
            _ => Form::List,
        }
    }

    /// The form that the value has, or all if it has none of them.
    fn of(self, value: Option<&Value>) -> Self {
        let form = match value {
            None | Some(Value::Null) => return self,
            Some(Value::Array(_)) => Self::LIST,
            Some(Value::Object(_)) => Self::MAP,
            Some(_) => Self::SCALAR,
        };
        if self.0 & form.0 == 0 { self } else { form }
    }
}

impl<'a> Type<'a> {
    /// A type of some schemas.
    pub fn new(schemas: &'a Schemas, id: Id) -> Self {
        Self { schemas, id }
    }

    /// The type of what has no schema: maps merge field by field, lists are one value.
    pub fn deduced(schemas: &'a Schemas) -> Self {
        Self::new(schemas, Id::DEDUCED)
    }

    /// The schemas that it is of.
    pub fn schemas(self) -> &'a Schemas {
        self.schemas
    }

    /// Which of them it is.
    pub fn id(self) -> Id {
        self.id
    }

    fn kind(self) -> Kind {
        self.schemas.node(self.id).kind
    }

    fn forms(self) -> Forms {
        match self.kind() {
            Kind::Object => Forms::MAP,
            Kind::Array => Forms::LIST,
            Kind::Any | Kind::IntOrString => Forms::ANY,
            _ => Forms::SCALAR,
        }
    }

    fn form_of(self, value: &Value) -> Form {
        self.forms().of(Some(value)).first()
    }

    fn is_atomic_map(self) -> bool {
        self.schemas.node(self.id).map == MapType::Atomic
    }

    fn is_atomic_list(self) -> bool {
        // What a reference says of a map, it says of a list.
        !self.schemas.is_associative(self.id) || self.is_atomic_map()
    }

    fn items(self) -> Self {
        Self::new(self.schemas, self.schemas.items(self.id))
    }

    /// A declared field's name and its type.
    pub(crate) fn known(self, name: &str) -> Option<(&'a Arc<str>, Self)> {
        let field = self.schemas.field(self.id, name)?;
        Some((&field.name, Self::new(self.schemas, field.node)))
    }

    /// The type of what a step in its written form leads to, which is no declared field.
    pub(crate) fn below(self, step: &str) -> Option<Self> {
        if step.starts_with("f:") {
            self.schemas.undeclared(self.id).map(|other| Self::new(self.schemas, other))
        } else {
            Some(self.items())
        }
    }

    /// A field's name, its type and whether it is declared; none if there is no such field.
    fn field<'n>(self, name: &'n str) -> Option<(Name<'a, 'n>, Self, bool)> {
        if let Some(field) = self.schemas.field(self.id, name) {
            return Some((Name::Shared(&field.name), Self::new(self.schemas, field.node), true));
        }
        let other = self.schemas.undeclared(self.id)?;
        Some((Name::New(name), Self::new(self.schemas, other), false))
    }
}

/// A field's name, which is the schema's own where it declares the field.
#[derive(Clone, Copy)]
enum Name<'a, 'n> {
    Shared(&'a Arc<str>),
    New(&'n str),
}

impl Name<'_, '_> {
    fn element(self) -> PathElement {
        PathElement::Field(match self {
            Self::Shared(name) => name.clone(),
            Self::New(name) => name.into(),
        })
    }
}

#[cfg(test)]
mod tests;
