//! A YAML value as kustomize's engine sees it while it works: typed scalars that remember their text.
//!
//! The text matters: kustomize compares merge keys, prefixes names and stringifies annotations by what was written
//! (`1.10` stays `1.10`), and what a scalar finally is may be decided only when it is printed: a number written over a
//! quoted string comes out quoted. The order of a map's entries never reaches the output, so maps are sorted.

mod map;
mod scalar;

use serde_json::Value;
use yaml::View;

pub(crate) use map::{Key, Keys, Map};
pub(crate) use scalar::{Quote, Scalar, Tag};

/// How deep values may be nested after all patches; YAML files have their own limit when they are read.
pub(crate) const MAX_DEPTH: usize = 1000;

/// A YAML value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Map),
}

/// What is created where a path leads to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Scalar,
    List,
    Map,
}

/// Why a value cannot be printed: its tag and its text contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field {path:?} would become {}, which is not {expected}", text.as_ref().map_or("a text".to_owned(), |text| format!("`{text}`")))]
pub(crate) struct Unprintable {
    /// The way to the field, slashes between its parts.
    pub(crate) path: String,
    /// What would stand there; none where it may be a secret.
    pub(crate) text: Option<String>,
    pub(crate) expected: &'static str,
}

impl Node {
    pub(crate) fn str(text: impl Into<Box<str>>) -> Self {
        Self::Scalar(Scalar::str(text))
    }

    pub(crate) fn null() -> Self {
        Self::Scalar(Scalar::new("null", Tag::Null))
    }

    /// An empty value of a shape; a scalar without a type yet.
    pub(crate) fn empty(shape: Shape) -> Self {
        match shape {
            Shape::Scalar => Self::Scalar(Scalar::new("", Tag::Unknown)),
            Shape::List => Self::List(Vec::new()),
            Shape::Map => Self::Map(Map::default()),
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Scalar(_) => Shape::Scalar,
            Self::List(_) => Shape::List,
            Self::Map(_) => Shape::Map,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(scalar) if scalar.tag == Tag::Null)
    }

    /// True for null, `{}` and `[]`.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(scalar) => scalar.tag == Tag::Null,
            Self::List(items) => items.is_empty(),
            Self::Map(map) => map.is_empty(),
        }
    }

    pub(crate) fn is_null_or_empty_map(&self) -> bool {
        !matches!(self, Self::List(_)) && self.is_empty()
    }

    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(crate) fn map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(crate) fn map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The text of a scalar as it was written, nulls included; nothing for maps and lists.
    pub(crate) fn text(&self) -> &str {
        self.scalar().map_or("", |scalar| &scalar.text)
    }

    /// The text of a scalar that is not null.
    pub(crate) fn value(&self) -> &str {
        if self.is_null() { "" } else { self.text() }
    }

    /// A field of a map; none for anything else.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.map().and_then(|map| map.get(name))
    }

    /// Writes a scalar over this one, which keeps its quotes; a map or a list is replaced.
    pub(crate) fn write(&mut self, text: impl Into<Box<str>>, tag: Tag) {
        match self {
            Self::Scalar(scalar) => scalar.become_value(text.into(), tag),
            other => *other = Self::Scalar(Scalar::new(text, tag)),
        }
    }

    /// Calls `f` for every scalar.
    pub(crate) fn each_scalar(&mut self, f: &mut dyn FnMut(&mut Scalar)) {
        match self {
            Self::Scalar(scalar) => f(scalar),
            Self::List(items) => items.iter_mut().for_each(|item| item.each_scalar(f)),
            Self::Map(map) => map.values_mut().for_each(|value| value.each_scalar(f)),
        }
    }

    /// How deep this value is nested, counting no further than `limit`.
    pub(crate) fn deeper_than(&self, limit: usize) -> bool {
        match self {
            Self::Scalar(_) => false,
            _ if limit == 0 => true,
            Self::List(items) => items.iter().any(|item| item.deeper_than(limit - 1)),
            Self::Map(map) => map.iter().any(|(_, value)| value.deeper_than(limit - 1)),
        }
    }

    /// The value as JSON, every scalar finally typed.
    pub(crate) fn to_value(&self) -> Result<Value, Unprintable> {
        Ok(match self {
            Self::Scalar(scalar) => scalar.to_value()?,
            Self::List(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| item.to_value().map_err(|e| e.below(&i.to_string())))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Map(map) => Value::Object(
                map.iter()
                    .map(|(key, value)| Ok((key.to_owned(), value.to_value().map_err(|e| e.below(key))?)))
                    .collect::<Result<_, Unprintable>>()?,
            ),
        })
    }

    /// Whether [`Node::to_value`] gives a value.
    pub(crate) fn check(&self) -> Result<(), Unprintable> {
        match self {
            Self::Scalar(scalar) => scalar.check(),
            Self::List(items) => {
                items.iter().enumerate().try_for_each(|(i, item)| item.check().map_err(|e| e.below(&i.to_string())))
            }
            Self::Map(map) => map.iter().try_for_each(|(key, value)| {
                scalar::check_characters(key).and_then(|()| value.check()).map_err(|e| e.below(key))
            }),
        }
    }

    /// A JSON value as kustomize takes it back after a JSON patch: every number through a 64-bit float.
    pub(crate) fn from_json(value: Value, keys: &mut Keys) -> Self {
        match value {
            Value::Null => Self::null(),
            Value::Bool(b) => Self::Scalar(Scalar::new(if b { "true" } else { "false" }, Tag::Bool)),
            Value::Number(number) => Self::Scalar(Scalar::from_float(number.as_f64().unwrap_or_default())),
            Value::String(text) => Self::Scalar(Scalar::from_string(text)),
            Value::Array(items) => Self::List(items.into_iter().map(|item| Self::from_json(item, keys)).collect()),
            Value::Object(fields) => Self::Map(
                fields.into_iter().map(|(key, value)| (keys.intern(&key), Self::from_json(value, keys))).collect(),
            ),
        }
    }
}

/// Printed, a value is what [`Node::to_value`] gives; null where that gives none.
impl yaml::Print for Node {
    fn view(&self) -> View<'_, Self> {
        match self {
            Self::Scalar(scalar) if scalar.is_text() => View::Text(scalar.final_text()),
            Self::Scalar(scalar) => match scalar.to_value() {
                Ok(Value::Bool(value)) => View::Bool(value),
                Ok(Value::Number(number)) => View::Number(number),
                Ok(Value::String(text)) => View::Text(text.into()),
                _ => View::Null,
            },
            Self::List(items) => View::List(items),
            Self::Map(map) => View::Map(map.iter().collect()),
        }
    }
}

impl Unprintable {
    fn below(mut self, part: &str) -> Self {
        self.path = if self.path.is_empty() { part.to_owned() } else { format!("{part}/{}", self.path) };
        self
    }
}
