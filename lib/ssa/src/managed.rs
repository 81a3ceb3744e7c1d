//! Who owns which fields, as it is worked with: entries of `metadata.managedFields` by whom they are of.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::fields::{Fields, ParseFieldsError};
use crate::managers::Operation;
use crate::values::quoted;

/// As many managers by update as an object may have; the oldest of more become one.
const MOST_UPDATES: usize = 10;
/// The manager that the oldest become.
const ANCIENT: &str = "ancient-changes";

/// A second in time, as `managedFields` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(i64);

impl Time {
    /// So many seconds after 1970.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Reads RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(text.parse::<jiff::Timestamp>().ok()?.as_second()))
    }
}

/// RFC 3339 in UTC.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        jiff::Timestamp::from_second(self.0).unwrap_or_default().fmt(f)
    }
}

/// Who owns fields. Who applies is the same whatever version it applies; who updates is another in every version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// The manager's name.
    pub name: String,
    /// How it came to own its fields.
    pub operation: Operation,
    /// The version in which it updated; empty for who applies.
    pub version: String,
    /// The subresource that it wrote, empty for the object itself.
    pub subresource: String,
}

/// As messages of conflicts write it: `"kubectl" using apps/v1`.
impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(&self.name))?;
        if !self.subresource.is_empty() {
            write!(f, " with subresource {}", quoted(&self.subresource))?;
        }
        match self.operation {
            Operation::Apply => Ok(()),
            Operation::Update => write!(f, " using {}", self.version),
        }
    }
}

/// What a manager owns.
#[derive(Clone, Debug)]
pub struct Owned<'w> {
    /// The fields.
    pub fields: Fields<'w>,
    /// The version in which they are named.
    pub version: String,
    /// When the manager last changed something.
    pub time: Option<Time>,
}

/// Who owns which fields of an object.
#[derive(Clone, Debug, Default)]
pub struct Managed<'w>(pub BTreeMap<Manager, Owned<'w>>);

/// `managedFields` cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is not a list of maps.
    #[error("managedFields must be a list of entries")]
    NotEntries,
    /// An entry does not say how its manager came to own anything.
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    /// An entry does not say of which version its fields are.
    #[error("apiVersion must not be empty")]
    Version,
    /// An entry does not say how its fields are written.
    #[error("missing fieldsType in managed fields entry {index}")]
    NoFieldsType {
        /// The entry's place.
        index: usize,
    },
    /// An entry's fields are written in a way that nobody knows.
    #[error("invalid fieldsType {fields_type:?} in managed fields entry {index}")]
    FieldsType {
        /// The entry's place.
        index: usize,
        /// What it says.
        fields_type: String,
    },
    /// An entry's fields are no set.
    #[error("error decoding the fields of managed fields entry {index}")]
    Fields {
        /// The entry's place.
        index: usize,
        /// What is wrong.
        source: ParseFieldsError,
    },
}

impl<'w> Managed<'w> {
    /// Reads `metadata.managedFields`; none or null is nobody.
    ///
    /// # Errors
    /// [`DecodeError`], in upstream's words.
    pub fn decode(entries: Option<&'w Value>) -> Result<Self, DecodeError> {
        let mut decoded = Self::default();
        let entries = match entries {
            None | Some(Value::Null) => return Ok(decoded),
            Some(Value::Array(entries)) => entries,
            Some(_) => return Err(DecodeError::NotEntries),
        };
        for (index, entry) in entries.iter().enumerate() {
            let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
            let operation = match text("operation") {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return Err(DecodeError::Operation),
            };
            let version = Some(text("apiVersion")).filter(|version| !version.is_empty()).ok_or(DecodeError::Version)?;
            match text("fieldsType") {
                "FieldsV1" => {}
                "" => return Err(DecodeError::NoFieldsType { index }),
                other => return Err(DecodeError::FieldsType { index, fields_type: other.to_owned() }),
            }
            let fields = Fields::written(entry.get("fieldsV1").unwrap_or(&Value::Null));
            let fields = fields.map_err(|source| DecodeError::Fields { index, source })?;
            let manager = Manager {
                name: text("manager").to_owned(),
                operation,
                version: if operation == Operation::Update { version.to_owned() } else { String::new() },
                subresource: text("subresource").to_owned(),
            };
            let owned = Owned { fields, version: version.to_owned(), time: Time::parse(text("time")) };
            decoded.0.insert(manager, owned);
        }
        Ok(decoded)
    }

    /// Prints `metadata.managedFields`: who applies before who updates, and then the oldest first. None for nobody.
    pub fn encode(&self) -> Option<Value> {
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_by(|a, b| order(*a, *b));
        let entries: Vec<Value> = entries.into_iter().map(|(manager, owned)| entry(manager, owned)).collect();
        (!entries.is_empty()).then_some(Value::Array(entries))
    }

    /// Makes one of the oldest managers by update, for each version, until there are no more than an object may have.
    ///
    /// # Deviation
    /// Where `ancient-changes` is not the first of those of one second, upstream forgets what it owned.
    pub(crate) fn cap(&mut self) {
        let mut updates: Vec<_> = self.0.iter().filter(|(manager, _)| manager.operation == Operation::Update).collect();
        let mut surplus = updates.len().saturating_sub(MOST_UPDATES);
        updates.sort_by_key(|(manager, owned)| (seconds(owned), *manager));
        let updates: Vec<Manager> = updates.into_iter().map(|(manager, _)| manager.clone()).collect();
        let mut firsts: BTreeMap<String, Manager> = BTreeMap::new();
        for manager in updates {
            if surplus == 0 {
                return;
            }
            let Some(version) = self.0.get(&manager).map(|owned| owned.version.clone()) else { continue };
            // One alone keeps its name: only a second one makes it ancient.
            let Some(first) = firsts.get(&version).cloned() else {
                firsts.insert(version, manager);
                continue;
            };
            let bucket = Manager {
                name: ANCIENT.to_owned(),
                operation: Operation::Update,
                version: version.clone(),
                subresource: String::new(),
            };
            let Some(mut ancient) = self.0.remove(&bucket).or_else(|| self.0.remove(&first)) else { continue };
            let merged = if manager == bucket { &first } else { &manager };
            let Some(owned) = self.0.remove(merged) else { continue };
            ancient.time = ancient.time.max(owned.time);
            ancient.fields.read(None).add(owned.fields.into_set(None));
            self.0.insert(bucket, Owned { version, ..ancient });
            surplus -= 1;
        }
    }
}

fn seconds(owned: &Owned<'_>) -> i64 {
    owned.time.map_or(0, |time| time.0)
}

fn order(a: (&Manager, &Owned<'_>), b: (&Manager, &Owned<'_>)) -> Ordering {
    let key = |(manager, owned): (&Manager, &Owned<'_>)| (manager.operation, seconds(owned));
    key(a)
        .cmp(&key(b))
        .then_with(|| a.0.name.cmp(&b.0.name))
        .then_with(|| a.1.version.cmp(&b.1.version))
        .then_with(|| a.0.subresource.cmp(&b.0.subresource))
}

fn entry(manager: &Manager, owned: &Owned<'_>) -> Value {
    let mut entry = Map::new();
    let mut text = |key: &str, value: &str| {
        if !value.is_empty() {
            entry.insert(key.to_owned(), value.into());
        }
    };
    text("manager", &manager.name);
    text("operation", manager.operation.as_str());
    text("apiVersion", &owned.version);
    text("time", &owned.time.map(|time| time.to_string()).unwrap_or_default());
    text("fieldsType", "FieldsV1");
    text("subresource", &manager.subresource);
    entry.insert("fieldsV1".to_owned(), owned.fields.to_value());
    Value::Object(entry)
}
