//! Sets of fields that were written when the schema was another one.

use super::{Form, Type};
use crate::fields::{FieldSet, PathElement};

impl Type<'_> {
    /// The set as it would be written today: what has become one value is owned as a whole by whoever owned parts of it.
    /// What has become several stays as it is. None when nothing changes.
    pub fn reconcile(self, fields: &FieldSet) -> Option<FieldSet> {
        let mut whole = FieldSet::default();
        find(self, fields, false, &mut Vec::new(), &mut whole);
        (!whole.is_empty()).then(|| fields.recursive_difference(&whole).union(&whole))
    }

    /// The set with those declared fields as members of which parts are in it. Who owns a part of a struct owns the
    /// struct; who owns a part of a map or an item does not own the map or the list.
    pub(crate) fn with_declared(self, fields: &FieldSet) -> FieldSet {
        let form = self.forms();
        let mut set = FieldSet::default();
        for (element, is_member, below) in fields.steps() {
            let (of, is_declared) = match element {
                PathElement::Field(name) if form.0 & super::Forms::MAP.0 != 0 => {
                    self.field(name).map_or((None, false), |(_, field, is_declared)| (Some(field), is_declared))
                }
                PathElement::Key(_) if form.0 & super::Forms::LIST.0 != 0 => (Some(self.items()), false),
                _ => (None, false),
            };
            let parts = match of {
                Some(of) if !below.is_empty() => of.with_declared(below),
                _ => below.clone(),
            };
            set.push(element.clone(), is_member || (is_declared && !below.is_empty()), parts);
        }
        set
    }
}

/// Finds what is one value now, and of which parts are in the set.
fn find(of: Type<'_>, fields: &FieldSet, is_whole: bool, path: &mut Vec<PathElement>, found: &mut FieldSet) {
    match of.forms().first() {
        Form::Scalar => {}
        Form::List => {
            if !is_whole && of.is_atomic_list() {
                found.insert(path);
                return;
            }
            descend(fields, path, found, |_| Some(of.items()));
        }
        Form::Map => {
            // Values of any kind have never been one value.
            let other = of.schemas.undeclared(of.id).map(|other| Type::new(of.schemas, other));
            let is_untyped = other.is_some_and(|other| other.id == schema::Id::DEDUCED);
            if is_untyped && of.schemas.fields(of.id).is_empty() {
                return;
            }
            if !is_whole && of.is_atomic_map() {
                if !fields.is_empty() {
                    found.insert(path);
                }
                return;
            }
            descend(fields, path, found, |element| match element {
                PathElement::Field(name) => of.field(name).map(|(_, field, _)| field),
                _ => other,
            });
        }
    }
}

fn descend<'a>(
    fields: &FieldSet,
    path: &mut Vec<PathElement>,
    found: &mut FieldSet,
    type_of: impl Fn(&PathElement) -> Option<Type<'a>>,
) {
    for (element, is_member, below) in fields.steps() {
        if let Some(of) = type_of(element) {
            path.push(element.clone());
            find(of, below, is_member && below.is_empty(), path, found);
            path.pop();
        }
    }
}
