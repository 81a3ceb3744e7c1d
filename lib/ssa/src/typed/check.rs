//! Whether a value is of a type, as far as merging needs to know.

use std::fmt;

use schema::{Format, Type as Kind};
use serde_json::{Map, Value};

use super::{Form, Type};
use crate::fields::{PathElement, path_text};
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
        let mut checker = Checker { path: Vec::new(), duplicates, problems: Vec::new() };
        checker.value(self, value);
        if checker.problems.is_empty() { Ok(()) } else { Err(Problems(checker.problems)) }
    }
}

struct Checker {
    path: Vec<PathElement>,
    duplicates: Duplicates,
    problems: Vec<Problem>,
}

impl Checker {
    fn value(&mut self, of: Type<'_>, value: &Value) {
        match (of.form_of(value), value) {
            (_, Value::Null) => {}
            (Form::Map, Value::Object(map)) => self.map(of, map),
            (Form::List, Value::Array(items)) => self.list(of, items),
            (Form::Map, other) => self.refuse(format!("expected map, got &{{{}}}", values::plain(other))),
            (Form::List, other) => self.refuse(format!("expected list, got &{{{}}}", values::plain(other))),
            (Form::Scalar, value) => {
                if let Some(problem) = scalar_problem(of, value) {
                    self.refuse(problem);
                }
            }
        }
    }

    fn map(&mut self, of: Type<'_>, map: &Map<String, Value>) {
        for (name, value) in map {
            let Some((name, field, _)) = of.field(name) else {
                let refuse = |checker: &mut Self| checker.refuse("field not declared in schema".to_owned());
                return self.at(PathElement::field(name), refuse);
            };
            self.at(name.element(), |checker| checker.value(field, value));
        }
    }

    fn list(&mut self, of: Type<'_>, items: &[Value]) {
        let mut seen = std::collections::BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let name = if of.schemas.is_associative(of.id) {
                match of.name_of(item) {
                    Ok(name) => name,
                    Err(why) => return self.refuse(format!("element {index}: {why}")),
                }
            } else {
                PathElement::index(index)
            };
            if !seen.insert(name.clone()) && self.duplicates == Duplicates::Refused {
                self.refuse(format!("duplicate entries for key {name}"));
            }
            self.at(name, |checker| checker.value(of.items(), item));
        }
    }

    fn at(&mut self, element: PathElement, check: impl FnOnce(&mut Self)) {
        self.path.push(element);
        check(self);
        self.path.pop();
    }

    fn refuse(&mut self, text: String) {
        self.problems.push(Problem { path: path_text(&self.path), text });
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
