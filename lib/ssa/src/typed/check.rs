//! Whether a value is of a type, as far as merging needs to know.

use std::collections::BTreeSet;
use std::fmt;

use schema::{Format, Type as Kind};
use serde_json::{Map, Value};

use super::naming::ItemName;
use super::{Form, Type};
use crate::fields::PathElement;
use crate::values;

/// Whether an associative list may name an item twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// As in what is stored, where the API server's validation has the say.
    Allowed,
    /// As in what is applied.
    Refused,
}

/// What is wrong with a part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// For example `.spec.ports[port=80]`; empty for the value itself.
    pub path: String,
    /// What is wrong, in upstream's words.
    pub text: String,
}

/// What is wrong with a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.text) } else { write!(f, "{}: {}", self.path, self.text) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.0.as_slice() {
            return only.fmt(f);
        }
        f.write_str("errors:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

impl Type<'_> {
    /// Checks that a value is of the type: its fields are declared, its items can be named, its scalars are what the
    /// type says. Whether they are allowed is another question.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn check(self, value: &Value, duplicates: Duplicates) -> Result<(), Problems> {
        let mut checker = Checker { duplicates, problems: Vec::new() };
        checker.value(self, value, &At { outer: None, step: Step::Root });
        if checker.problems.is_empty() { Ok(()) } else { Err(Problems(checker.problems)) }
    }
}

/// Where in the value: a path is only made of it where something is wrong.
struct At<'p> {
    outer: Option<&'p At<'p>>,
    step: Step<'p>,
}

enum Step<'p> {
    Root,
    Field(&'p str),
    Item(&'p ItemName<'p>),
    Index(usize),
}

impl<'p> At<'p> {
    fn at(&'p self, step: Step<'p>) -> Self {
        Self { outer: Some(self), step }
    }
}

impl At<'_> {
    fn is_metadata(&self) -> bool {
        matches!((&self.step, self.outer), (Step::Field("metadata"), Some(At { step: Step::Root, .. })))
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(outer) = self.outer {
            outer.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Field(name) => PathElement::field(name).fmt(f),
            Step::Item(name) => name.fmt(f),
            Step::Index(index) => PathElement::index(index).fmt(f),
        }
    }
}

struct Checker {
    duplicates: Duplicates,
    problems: Vec<Problem>,
}

impl Checker {
    fn value(&mut self, of: Type<'_>, value: &Value, at: &At<'_>) {
        match (of.form_of(value), value) {
            (_, Value::Null) => {}
            (Form::Map, Value::Object(map)) => self.map(of, map, at),
            (Form::List, Value::Array(items)) => self.list(of, items, at),
            (Form::Map, other) => self.refuse(at, format!("expected map, got &{{{}}}", values::plain(other))),
            (Form::List, other) => self.refuse(at, format!("expected list, got &{{{}}}", values::plain(other))),
            (Form::Scalar, value) => {
                if let Some(problem) = scalar_problem(of, value) {
                    self.refuse(at, problem);
                }
            }
        }
    }

    fn map(&mut self, of: Type<'_>, map: &Map<String, Value>, at: &At<'_>) {
        for (name, value) in map {
            // Who owns what is read by its own rules.
            if name == "managedFields" && at.is_metadata() {
                continue;
            }
            let place = at.at(Step::Field(name));
            let Some((_, field, _)) = of.field(name) else {
                return self.refuse(&place, "field not declared in schema".to_owned());
            };
            self.value(field, value, &place);
        }
    }

    fn list(&mut self, of: Type<'_>, items: &[Value], at: &At<'_>) {
        let is_associative = of.schemas.is_associative(of.id);
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            if !is_associative {
                self.value(of.items(), item, &at.at(Step::Index(index)));
                continue;
            }
            let name = match of.name_of(item) {
                Ok(name) => name,
                Err(why) => return self.refuse(at, format!("element {index}: {why}")),
            };
            let is_counted = self.duplicates == Duplicates::Refused;
            if is_counted && seen.contains(&name) {
                self.refuse(at, format!("duplicate entries for key {name}"));
            }
            self.value(of.items(), item, &at.at(Step::Item(&name)));
            if is_counted {
                seen.insert(name);
            }
        }
    }

    fn refuse(&mut self, at: &At<'_>, text: String) {
        self.problems.push(Problem { path: at.to_string(), text });
    }
}

fn scalar_problem(of: Type<'_>, value: &Value) -> Option<String> {
    match of.kind() {
        Kind::Integer | Kind::Number if !value.is_number() => {
            Some(format!("expected numeric (int or float), got {}", values::go_type(value)))
        }
        Kind::String if matches!(of.schemas.node(of.id).format, Format::None | Format::Byte) && !value.is_string() => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", values::go_syntax(value)))
        }
        Kind::Boolean if !value.is_boolean() => Some(format!("expected boolean, got &{{{}}}", values::plain(value))),
        _ if value.is_array() || value.is_object() => {
            Some(format!("expected any scalar, got &{{{}}}", values::plain(value)))
        }
        _ => None,
    }
}
