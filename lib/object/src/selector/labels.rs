//! The language of Kubernetes' label selectors: `app=web,tier in (front,back),!canary`.

use std::collections::BTreeMap;

use serde_json::Value;

/// Selects by labels. Everything is selected by no requirement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operator {
    Exists,
    Absent,
    In(Vec<String>),
    /// Met by absent labels too.
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

/// A text that is not a label selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("in {selector:?}: found {found}, expected {expected}")]
pub struct ParseSelectorError {
    /// The whole text.
    pub selector: String,
    /// What could not be understood.
    pub found: String,
    /// What should be there.
    pub expected: &'static str,
}

impl LabelSelector {
    /// Reads a selector; the empty text selects everything.
    ///
    /// # Errors
    /// [`ParseSelectorError`] quotes what could not be understood.
    ///
    /// # Source
    /// `k8s.io/apimachinery/pkg/labels.Parse`.
    pub fn parse(text: &str) -> Result<Self, ParseSelectorError> {
        let mut parser = Parser { text, rest: text };
        let mut requirements = Vec::new();
        if parser.peek().is_none() {
            return Ok(Self { requirements });
        }
        loop {
            requirements.push(parser.requirement()?);
            match parser.next() {
                None => return Ok(Self { requirements }),
                Some(",") => {}
                other => return Err(parser.error(other, "a comma or the end")),
            }
        }
    }

    /// Reads a selector as objects have it: `matchLabels` and `matchExpressions`. An operator that nobody knows is met by
    /// nothing.
    pub fn of(selector: &Value) -> Self {
        let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
        let equal = labels.map(|(key, value)| {
            let values = value.as_str().map(str::to_owned).into_iter().collect();
            Requirement { key: key.clone(), operator: Operator::In(values) }
        });
        let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
        let more = expressions.map(|expression| {
            let text = |key: &str| expression.get(key).and_then(Value::as_str).unwrap_or_default();
            let values = || {
                let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
                values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
            };
            let operator = match text("operator") {
                "In" => Operator::In(values()),
                "NotIn" => Operator::NotIn(values()),
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::Absent,
                _ => Operator::In(Vec::new()),
            };
            Requirement { key: text("key").to_owned(), operator }
        });
        Self { requirements: equal.chain(more).collect() }
    }

    /// Whether the labels of an object meet every requirement.
    pub fn selects(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
        self.matches(&labels.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect())
    }

    /// Whether labels meet every requirement.
    pub fn matches(&self, labels: &BTreeMap<&str, &str>) -> bool {
        self.requirements.iter().all(|Requirement { key, operator }| {
            let value = labels.get(key.as_str()).copied();
            let compare = |expected: fn(&i64, &i64) -> bool, limit: &i64| {
                value.and_then(|value| value.parse().ok()).is_some_and(|value: i64| expected(&value, limit))
            };
            match operator {
                Operator::Exists => value.is_some(),
                Operator::Absent => value.is_none(),
                Operator::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
                Operator::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
                Operator::Greater(limit) => compare(i64::gt, limit),
                Operator::Less(limit) => compare(i64::lt, limit),
            }
        })
    }
}

struct Parser<'t> {
    text: &'t str,
    rest: &'t str,
}

impl<'t> Parser<'t> {
    fn requirement(&mut self) -> Result<Requirement, ParseSelectorError> {
        if self.peek() == Some("!") {
            self.next();
            return Ok(Requirement { key: self.key()?, operator: Operator::Absent });
        }
        let key = self.key()?;
        if matches!(self.peek(), None | Some(",")) {
            return Ok(Requirement { key, operator: Operator::Exists });
        }
        let operator = match self.next() {
            Some("=" | "==") => Operator::In(vec![self.value()?]),
            Some("!=") => Operator::NotIn(vec![self.value()?]),
            Some("in") => Operator::In(self.values()?),
            Some("notin") => Operator::NotIn(self.values()?),
            Some(">") => Operator::Greater(self.number()?),
            Some("<") => Operator::Less(self.number()?),
            other => return Err(self.error(other, "one of =, ==, !=, in, notin, >, <")),
        };
        Ok(Requirement { key, operator })
    }

    fn key(&mut self) -> Result<String, ParseSelectorError> {
        match self.next() {
            Some(key) if is_key(key) => Ok(key.to_owned()),
            other => Err(self.error(other, "a label's key")),
        }
    }

    /// One value; it may be empty, then nothing stands for it.
    fn value(&mut self) -> Result<String, ParseSelectorError> {
        match self.peek() {
            None | Some("," | ")") => Ok(String::new()),
            Some(value) if is_value(value) => {
                self.next();
                Ok(value.to_owned())
            }
            other => Err(self.error(other, "a label's value")),
        }
    }

    fn values(&mut self) -> Result<Vec<String>, ParseSelectorError> {
        match self.next() {
            Some("(") => {}
            other => return Err(self.error(other, "an opening parenthesis")),
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value()?);
            match self.next() {
                Some(",") => {}
                Some(")") => return Ok(values),
                other => return Err(self.error(other, "a comma or a closing parenthesis")),
            }
        }
    }

    fn number(&mut self) -> Result<i64, ParseSelectorError> {
        let token = self.next();
        token.and_then(|text| text.parse().ok()).ok_or_else(|| self.error(token, "a whole number"))
    }

    fn peek(&self) -> Option<&'t str> {
        let (token, _) = split_token(self.rest);
        Some(token).filter(|token| !token.is_empty())
    }

    fn next(&mut self) -> Option<&'t str> {
        let (token, rest) = split_token(self.rest);
        self.rest = rest;
        Some(token).filter(|token| !token.is_empty())
    }

    fn error(&self, found: Option<&str>, expected: &'static str) -> ParseSelectorError {
        let found = found.map_or_else(|| "the end".to_owned(), |found| format!("{found:?}"));
        ParseSelectorError { selector: self.text.to_owned(), found, expected }
    }
}

/// Splits off the next token: a sign, or a word up to the next sign or space.
fn split_token(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches([' ', '\t', '\r', '\n']);
    for sign in ["==", "!=", "=", "!", ",", "(", ")", "<", ">"] {
        if let Some(rest) = text.strip_prefix(sign) {
            return (&text[..sign.len()], rest);
        }
    }
    let end = text.find([' ', '\t', '\r', '\n', '=', '!', ',', '(', ')', '<', '>']).unwrap_or(text.len());
    text.split_at(end)
}

/// A name of at most 63 letters, digits, `-_.`, begun and ended by a letter or digit; before it maybe a domain and `/`.
fn is_key(text: &str) -> bool {
    match text.split_once('/') {
        Some((domain, name)) => {
            !domain.is_empty() && domain.len() <= 253 && domain.split('.').all(is_name) && is_name(name)
        }
        None => is_name(text),
    }
}

fn is_value(text: &str) -> bool {
    text.is_empty() || is_name(text)
}

fn is_name(text: &str) -> bool {
    let edge = |letter: Option<u8>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.bytes().next())
        && edge(text.bytes().last())
        && text.bytes().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.'))
}
