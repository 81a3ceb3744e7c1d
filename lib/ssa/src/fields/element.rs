//! One step of a field path.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::ParseFieldsError;
use crate::values;

/// One step from a value to a part of it.
#[derive(Clone, Debug)]
pub enum PathElement {
    /// A field of a map.
    Field(Arc<str>),
    /// An item of a list, named by the fields that identify it, in order of their names.
    Key(Arc<[(Arc<str>, Value)]>),
    /// An item of a set, by itself.
    Value(Arc<Value>),
    /// An item of a list, by its place.
    Index(i64),
}

impl PathElement {
    /// A field of a map: `f:<name>`.
    pub fn field(name: &str) -> Self {
        Self::Field(name.into())
    }

    /// An item of a list, named by the fields that identify it: `k:{"name":"web"}`.
    pub fn key(fields: &Map<String, Value>) -> Self {
        Self::from_key(fields.iter().map(|(name, value)| (name.as_str().into(), value.clone())).collect())
    }

    /// An item of a list, named by the fields that identify it, in any order.
    pub(crate) fn from_key(mut fields: Vec<(Arc<str>, Value)>) -> Self {
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        Self::Key(fields.into())
    }

    /// An item of a set: `v:<json>`.
    pub fn value(value: &Value) -> Self {
        Self::Value(Arc::new(value.clone()))
    }

    /// An item of a list by its place: `i:<index>`.
    pub fn index(index: usize) -> Self {
        Self::Index(i64::try_from(index).unwrap_or(i64::MAX))
    }

    /// Reads the written form; none when it is of a form that a later version may know.
    ///
    /// # Errors
    /// [`ParseFieldsError::Element`] when it is none.
    pub fn parse(text: &str) -> Result<Option<Self>, ParseFieldsError> {
        let bad = || ParseFieldsError::Element { element: text.to_owned() };
        let json = |json: &str| serde_json::from_str::<Value>(json).map_err(|_| bad());
        let (form, rest) = text.split_at_checked(2).filter(|(form, _)| form.ends_with(':')).ok_or_else(bad)?;
        Ok(Some(match form {
            "f:" => Self::Field(rest.into()),
            "i:" => Self::Index(rest.parse().map_err(|_| bad())?),
            "v:" => Self::Value(Arc::new(json(rest)?)),
            "k:" => match plain_key(rest) {
                Some((name, value)) => Self::Key([(name.into(), value.into())].into()),
                None => match json(rest)? {
                    Value::Object(fields) => {
                        Self::from_key(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
                    }
                    _ => return Err(bad()),
                },
            },
            _ => return Ok(None),
        }))
    }

    /// Checks the written form without reading it.
    pub(super) fn check(text: &str) -> Result<(), ParseFieldsError> {
        let is_plain = text.starts_with("f:") || text.strip_prefix("k:").is_some_and(|key| plain_key(key).is_some());
        if is_plain { Ok(()) } else { Self::parse(text).map(drop) }
    }

    /// Whether this is the written form.
    pub(super) fn is_written(&self, text: &str) -> bool {
        match self {
            Self::Field(name) => text.strip_prefix("f:") == Some(&**name),
            Self::Key(fields) => match (plain_key(text.strip_prefix("k:").unwrap_or_default()), &**fields) {
                (Some((name, value)), [(key, Value::String(text))]) => **key == *name && text == value,
                _ => self.to_text() == text,
            },
            _ => self.to_text() == text,
        }
    }

    /// The written form.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    /// Appends the written form.
    pub(super) fn write(&self, text: &mut String) {
        match self {
            Self::Field(name) => {
                text.reserve_exact(name.len() + 2);
                text.push_str("f:");
                text.push_str(name);
            }
            Self::Index(index) => {
                let _ = write!(text, "i:{index}");
            }
            Self::Value(value) => {
                text.push_str("v:");
                values::write_json(text, value);
            }
            Self::Key(fields) => {
                text.reserve(32);
                text.push_str("k:{");
                for (index, (name, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    values::write_string(text, name);
                    text.push(':');
                    values::write_json(text, value);
                }
                text.push('}');
            }
        }
    }

    /// The fields that identify an item of a list, if the step is such a one.
    pub fn as_key(&self) -> Option<Map<String, Value>> {
        let Self::Key(fields) = self else { return None };
        Some(fields.iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
    }
}

/// As messages write it: `.spec`, `[name="web"]`, `[="a"]`, `[0]`.
impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Value(value) => write!(f, "[={}]", human(value)),
            Self::Key(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", human(value))).collect();
                write!(f, "[{}]", fields.join(","))
            }
        }
    }
}

/// The name and the text of `{"name":"web"}`, as most keys are: one text that has no escapes.
fn plain_key(json: &str) -> Option<(&str, &str)> {
    let (name, value) = json.strip_prefix("{\"")?.strip_suffix("\"}")?.split_once("\":\"")?;
    let is_plain = |text: &str| text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    (is_plain(name) && is_plain(value)).then_some((name, value))
}

/// A path as messages write it.
pub(crate) fn path_text(path: &[PathElement]) -> String {
    path.iter().map(ToString::to_string).collect()
}

fn human(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(string) => values::quoted(string),
        Value::Array(items) => format!("[{}]", items.iter().map(human).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            let fields: Vec<_> = map.iter().map(|(key, value)| format!("{key}={}", human(value))).collect();
            fields.concat()
        }
        other => values::plain(other),
    }
}

impl PartialEq for PathElement {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a == b,
            _ => self.cmp(other).is_eq(),
        }
    }
}

impl Eq for PathElement {}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Fields, then keys, then values, then places.
impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |element: &Self| match element {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        };
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => {
                if Arc::ptr_eq(a, b) {
                    Ordering::Equal
                } else {
                    a.cmp(b)
                }
            }
            (Self::Key(a), Self::Key(b)) => {
                let fields = a.iter().zip(b.iter());
                let pairs = fields.map(|((ak, av), (bk, bv))| ak.cmp(bk).then_with(|| values::compare(av, bv)));
                pairs.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            (Self::Value(a), Self::Value(b)) => values::compare(a, b),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}
