//! Which objects of a list are meant: label and field selectors.
//!
//! # Source
//! `k8s.io/apimachinery/pkg/{labels,fields}`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use object::selector::{LabelSelector, ParseSelectorError};
use serde::Deserialize;
use serde_json::Value;

use crate::api::split_key;
use crate::failure::Failure;
use crate::resource::Resource;
use crate::store::Stored;

/// Selects objects. The default selects all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    labels: LabelSelector,
    has_labels: bool,
    fields: Vec<Field>,
}

#[derive(Clone, Debug)]
struct Field {
    path: String,
    value: String,
    equal: bool,
}

/// What is read of an object to match its labels.
#[derive(Deserialize)]
struct Head<'o> {
    #[serde(borrow, default)]
    metadata: HeadMetadata<'o>,
}

#[derive(Default, Deserialize)]
struct HeadMetadata<'o> {
    #[serde(borrow, default)]
    labels: BTreeMap<Cow<'o, str>, Cow<'o, str>>,
}

impl Selector {
    /// Reads the two selectors of a query.
    ///
    /// # Errors
    /// 400 when one cannot be understood, or names a field that the resource does not select by.
    pub(crate) fn parse(resource: &Resource, labels: Option<&str>, fields: Option<&str>) -> Result<Self, Failure> {
        let parsed = labels.map(LabelSelector::parse).transpose();
        let parsed = parsed.map_err(|error| Failure::bad_request(explain(&error)))?;
        let selector =
            Self { has_labels: parsed.is_some(), labels: parsed.unwrap_or_default(), fields: parse_fields(fields)? };
        for field in &selector.fields {
            let known = field.path == "metadata.name"
                || (field.path == "metadata.namespace" && resource.namespaced)
                || resource.selectable_fields.contains(&field.path);
            if !known {
                let path = &field.path;
                let message = if resource.selectable_fields.is_empty() && !resource.custom {
                    format!("{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
                } else {
                    format!("field label not supported: {path}")
                };
                return Err(Failure::bad_request(message));
            }
        }
        Ok(selector)
    }

    /// Whether everything is selected.
    pub(crate) fn is_everything(&self) -> bool {
        !self.has_labels && self.fields.is_empty()
    }

    /// Selects of the same objects only the one with this name.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.fields.push(Field { path: "metadata.name".to_owned(), value: name.to_owned(), equal: true });
        self
    }

    pub(crate) fn matches(&self, key: &str, stored: &Stored) -> bool {
        if self.has_labels {
            let Ok(head) = serde_json::from_slice::<Head<'_>>(&stored.bytes) else { return false };
            let labels = head.metadata.labels.iter().map(|(key, value)| (&**key, &**value)).collect();
            if !self.labels.matches(&labels) {
                return false;
            }
        }
        let (namespace, name) = split_key(key);
        let mut parsed: Option<Value> = None;
        self.fields.iter().all(|field| {
            let holds = |value: &str| (value == field.value) == field.equal;
            match field.path.as_str() {
                "metadata.name" => holds(name),
                "metadata.namespace" => holds(namespace),
                path => {
                    let object = parsed.get_or_insert_with(|| Value::Object(stored.parse()));
                    holds(&field_text(object, path))
                }
            }
        })
    }
}

/// What is wrong with a label selector, in upstream's words.
fn explain(error: &ParseSelectorError) -> String {
    let found = if error.found == "the end" { "" } else { error.found.trim_matches('"') };
    let is_name = found.chars().any(char::is_alphanumeric);
    match error.expected {
        "a label's key" if is_name => {
            format!("unable to parse requirement: <nil>: Invalid value: {found:?}: it is no label key")
        }
        "a label's key" if error.selector.trim_start().starts_with(found) => {
            format!("found '{found}', expected: !, identifier, or 'end of string'")
        }
        "a label's key" => format!("found '{found}', expected: identifier after ','"),
        "a label's value" => format!("unable to parse requirement: found '{found}', expected: identifier"),
        "a comma or a closing parenthesis" => {
            format!("unable to parse requirement: found '{found}', expected: ',' or ')'")
        }
        "a comma or the end" => format!("found '{found}', expected: ',' or 'end of string'"),
        "a whole number" => format!(
            "unable to parse requirement: values[0]: Invalid value: {found:?}: for 'Gt', 'Lt' operators, the value must be an integer"
        ),
        expected => format!("unable to parse requirement: found '{found}', expected: {expected}"),
    }
}

/// A field as selectors compare it: absent ones are empty.
fn field_text<'o>(object: &'o Value, path: &str) -> Cow<'o, str> {
    // Events know their source by two names.
    let path = if path == "source" { "source.component" } else { path };
    match path.split('.').try_fold(object, |value, key| value.get(key)) {
        Some(Value::String(text)) => text.into(),
        None | Some(Value::Null) if path == "spec.unschedulable" => "false".into(),
        None | Some(Value::Null) => "".into(),
        Some(other) => other.to_string().into(),
    }
}

fn parse_fields(text: Option<&str>) -> Result<Vec<Field>, Failure> {
    let mut fields = Vec::new();
    for term in split_terms(text.unwrap_or_default()) {
        let bad = || {
            Failure::bad_request(format!("invalid selector: '{}'; can't understand '{term}'", text.unwrap_or_default()))
        };
        let (path, rest) = term.split_at(term.find(['=', '!']).ok_or_else(bad)?);
        let (equal, value) = match rest {
            rest if rest.starts_with("!=") => (false, &rest[2..]),
            rest if rest.starts_with("==") => (true, &rest[2..]),
            rest if rest.starts_with('=') => (true, &rest[1..]),
            _ => return Err(bad()),
        };
        fields.push(Field { path: path.to_owned(), value: unescape(value), equal });
    }
    Ok(fields)
}

/// Splits at commas that no backslash precedes.
fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms.retain(|term| !term.is_empty());
    terms
}

fn unescape(text: &str) -> String {
    let mut result = String::new();
    let mut escaped = false;
    for letter in text.chars() {
        if letter == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            result.push(letter);
        }
    }
    result
}
