//! Sets of fields that were written when the schema was another one.

use serde_json::{Map, Value};

use super::{Form, Type};
use crate::fields::{FieldSet, PathElement};

impl Type<'_> {
    /// The set as it would be written today: what has become one value is owned as a whole by whoever owned parts of it.
    /// What has become several stays as it is. None when nothing changes.
    pub fn reconcile(self, fields: &FieldSet) -> Option<FieldSet> {
        let mut whole = FieldSet::default();
        find(self, fields, false, None, &mut whole);
        (!whole.is_empty()).then(|| {
            let mut fields = fields.recursive_difference(&whole);
            fields.add(whole);
            fields
        })
    }

    /// Whether [`Self::reconcile`] has nothing to change in a set as it is written.
    pub(crate) fn is_current(self, fields: &Map<String, Value>) -> bool {
        // What has no parts is one value already.
        let are_current = |type_of: &dyn Fn(&str) -> Option<Self>| {
            let mut parts = fields.iter().filter_map(|(step, below)| Some((step, below.as_object()?)));
            parts.all(|(step, below)| below.is_empty() || type_of(step).is_none_or(|of| of.is_current(below)))
        };
        match self.forms().first() {
            Form::Scalar => true,
            Form::List => !self.is_atomic_list() && are_current(&|_| Some(self.items())),
            Form::Map if self.is_untyped() => true,
            Form::Map => !self.is_atomic_map() && are_current(&|step| Some(self.field(step.strip_prefix("f:")?)?.1)),
        }
    }

    /// Whether it is a map of values of any kind, which has never been one value.
    fn is_untyped(self) -> bool {
        self.schemas.undeclared(self.id) == Some(schema::Id::DEDUCED) && self.schemas.fields(self.id).is_empty()
    }

    /// Makes those declared fields members of which parts are in the set. Who owns a part of a struct owns the struct; who
    /// owns a part of a map or an item does not own the map or the list.
    pub(crate) fn declare(self, fields: &mut FieldSet) {
        let form = self.forms();
        for (element, is_member, below) in fields.steps_mut() {
            if below.is_empty() {
                continue;
            }
            match element {
                PathElement::Field(name) if form.0 & super::Forms::MAP.0 != 0 => {
                    let Some((_, field, is_declared)) = self.field(name) else { continue };
                    *is_member |= is_declared;
                    field.declare(below);
                }
                PathElement::Key(_) if form.0 & super::Forms::LIST.0 != 0 => self.items().declare(below),
                _ => {}
            }
        }
    }
}

/// The steps that led to a set, the last one first: they are only copied where something is found.
struct Trail<'t> {
    outer: Option<&'t Trail<'t>>,
    step: &'t PathElement,
}

fn path(trail: Option<&Trail<'_>>) -> Vec<PathElement> {
    let mut path: Vec<_> = std::iter::successors(trail, |trail| trail.outer).map(|trail| trail.step.clone()).collect();
    path.reverse();
    path
}

/// Finds what is one value now, and of which parts are in the set.
fn find(of: Type<'_>, fields: &FieldSet, is_whole: bool, trail: Option<&Trail<'_>>, found: &mut FieldSet) {
    match of.forms().first() {
        Form::Scalar => {}
        Form::List => {
            if !is_whole && of.is_atomic_list() {
                found.insert(&path(trail));
                return;
            }
            descend(fields, trail, found, |_| Some(of.items()));
        }
        Form::Map => {
            if of.is_untyped() {
                return;
            }
            let other = of.schemas.undeclared(of.id).map(|other| Type::new(of.schemas, other));
            if !is_whole && of.is_atomic_map() {
                if !fields.is_empty() {
                    found.insert(&path(trail));
                }
                return;
            }
            descend(fields, trail, found, |element| match element {
                PathElement::Field(name) => of.field(name).map(|(_, field, _)| field),
                _ => other,
            });
        }
    }
}

fn descend<'a>(
    fields: &FieldSet,
    trail: Option<&Trail<'_>>,
    found: &mut FieldSet,
    type_of: impl Fn(&PathElement) -> Option<Type<'a>>,
) {
    for (step, is_member, below) in fields.steps() {
        if let Some(of) = type_of(step) {
            find(of, below, is_member && below.is_empty(), Some(&Trail { outer: trail, step }), found);
        }
    }
}
