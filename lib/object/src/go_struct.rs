//! The structs into which Go reads objects of built-in kinds, and what reading an object and printing it again makes of it.
//!
//! Whatever Go has read prints in one form: fields that the struct does not know are gone, fields that it prints even when
//! they are empty are there, and an absent field is the same as one with its type's zero value.

mod convert;
mod walk;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde_json::{Map, Value};

pub use self::convert::{Mismatch, json_type};
pub use self::walk::Visit;

/// The structs of every kind; the file's head explains its lines.
const TABLE: &str = include_str!("../kinds/kinds.txt");

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::parse(TABLE));

/// One struct of `k8s.io/api`.
#[derive(Debug)]
pub struct Struct {
    /// `PodSpec`; with its package when several have the name: `autoscaling/v1.HorizontalPodAutoscalerSpec`.
    pub name: &'static str,
    /// In the order in which Go prints them.
    pub fields: Vec<Field>,
    /// Whether it is that of a kind, which says so wherever it stands.
    is_kind: bool,
}

/// A field of a struct.
#[derive(Debug)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its type in Go.
    pub type_: Type,
    printed: Printed,
}

/// A type in Go.
#[derive(Debug, PartialEq, Eq)]
pub enum Type {
    /// A string, with the name of its type: `string`, `v1.Protocol`.
    Text(&'static str),
    /// `bool`.
    Bool,
    /// `int32`.
    Int32,
    /// `int64`.
    Int64,
    /// `float64`.
    Float,
    /// Bytes, which JSON holds in base64.
    Bytes,
    /// A time, with or without fractions of a second.
    Time,
    /// `metav1.Duration`, as `1h30m`.
    Duration,
    /// `resource.Quantity`.
    Quantity,
    /// `intstr.IntOrString`.
    IntOrString,
    /// Raw JSON.
    Anything,
    /// A struct.
    Struct(StructId),
    /// A struct, or raw JSON that is no map.
    StructOrAnything(StructId),
    /// What may be absent as well as zero.
    Pointer(Box<Type>),
    /// A slice.
    List(Box<Type>),
    /// A map from texts.
    Map(Box<Type>),
}

/// Names a struct of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StructId(u16);

/// When a struct prints a field, after the tag in Go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Printed {
    /// No tag: even when it is zero.
    Always,
    /// `omitempty`: Go never takes a struct for empty.
    NotEmpty,
    /// `omitzero`.
    NotZero,
}

/// What reading an object into a struct and printing it gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoundTrip {
    /// The object as Go prints it, with its `apiVersion` and `kind`.
    pub content: Map<String, Value>,
    /// Paths of fields that the structs do not know: `spec.template.spec.containers[0].imagge`.
    pub unknown: Vec<String>,
}

/// The struct of a kind, if the API server stores the kind.
pub fn of_kind(api_version: &str, kind: &str) -> Option<&'static Struct> {
    TABLES.kinds.get(&(api_version, kind)).map(|root| root.id.get())
}

/// Whether Flux reads objects of this kind into structs.
pub(crate) fn is_read_by_flux(api_version: &str, kind: &str) -> bool {
    TABLES.kinds.get(&(api_version, kind)).is_some_and(|root| root.read_by_flux)
}

/// The struct with this name, as [`Struct::name`] gives it.
pub fn named(name: &str) -> Option<&'static Struct> {
    TABLES.names.get(name).map(|id| id.get())
}

impl Struct {
    /// The field with this name in JSON.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Reads an object of a kind into this struct and prints it again.
    ///
    /// # Errors
    /// [`Mismatch`] when a value has a type that the struct does not take.
    pub fn round_trip(&self, object: &Value) -> Result<RoundTrip, Mismatch> {
        convert::object(self, object)
    }
}

impl StructId {
    /// The struct. Every id comes from the table, so the table has it.
    pub fn get(self) -> &'static Struct {
        static NONE: Struct = Struct { name: "", fields: Vec::new(), is_kind: false };
        TABLES.structs.get(usize::from(self.0)).unwrap_or(&NONE)
    }
}

struct Tables {
    structs: Vec<Struct>,
    names: HashMap<&'static str, StructId>,
    kinds: HashMap<(&'static str, &'static str), Root>,
}

struct Root {
    id: StructId,
    read_by_flux: bool,
}

impl Tables {
    fn parse(table: &'static str) -> Self {
        let lines = || table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let rows = || lines().filter(|line| !line.starts_with(['=', '+'])).filter_map(|line| line.split_once(' '));
        let ids = (0..).map(StructId);
        let names: HashMap<&str, StructId> = rows().map(|(name, _)| name).zip(ids).collect();
        let roots = || lines().filter(|line| line.starts_with(['=', '+'])).filter_map(|line| line.rsplit(' ').next());
        let roots: HashSet<&str> = roots().collect();
        let structs = rows()
            .map(|(name, fields)| Struct {
                name,
                fields: fields.split_ascii_whitespace().filter_map(|field| Field::parse(field, &names)).collect(),
                is_kind: roots.contains(name),
            })
            .collect();
        let kinds = lines().filter_map(|line| {
            let mut words = line.split(' ');
            let read_by_flux = match words.next()? {
                "=" => true,
                "+" => false,
                _ => return None,
            };
            let kind = (words.next()?, words.next()?);
            Some((kind, Root { id: *names.get(words.next()?)?, read_by_flux }))
        });
        Self { kinds: kinds.collect(), structs, names }
    }
}

impl Field {
    fn parse(text: &'static str, names: &HashMap<&str, StructId>) -> Option<Self> {
        let (name, type_) = text.split_once(':')?;
        let (type_, printed) = match type_.as_bytes().last()? {
            b'!' => (type_.trim_end_matches('!'), Printed::Always),
            b'~' => (type_.trim_end_matches('~'), Printed::NotZero),
            _ => (type_, Printed::NotEmpty),
        };
        Some(Self { name, type_: Type::parse(type_, names)?, printed })
    }
}

impl Type {
    /// What a value of this type prints before anything is read into it; null for what is then absent.
    pub fn zero(&self) -> Value {
        convert::zero(self)
    }

    /// What this is when it is not nil: a pointer's target, else the type itself.
    pub fn target(&self) -> &Self {
        if let Self::Pointer(target) = self { target } else { self }
    }

    fn parse(text: &'static str, names: &HashMap<&str, StructId>) -> Option<Self> {
        let rest = |prefix: char| text.strip_prefix(prefix);
        let element = |text| Self::parse(text, names).map(Box::new);
        if let Some(target) = rest('*') {
            return element(target).map(Self::Pointer);
        }
        if let Some(items) = rest('[') {
            return element(items).map(Self::List);
        }
        if let Some(entries) = rest('{') {
            return element(entries).map(Self::Map);
        }
        if let Some(name) = rest('?') {
            return names.get(name).copied().map(Self::StructOrAnything);
        }
        if let Some(name) = text.strip_prefix("s=") {
            return Some(Self::Text(name));
        }
        Some(match text {
            "s" => Self::Text("string"),
            "b" => Self::Bool,
            "i" => Self::Int32,
            "I" => Self::Int64,
            "f" => Self::Float,
            "y" => Self::Bytes,
            "t" => Self::Time,
            "d" => Self::Duration,
            "q" => Self::Quantity,
            "o" => Self::IntOrString,
            "j" => Self::Anything,
            name => Self::Struct(*names.get(name)?),
        })
    }
}

#[cfg(test)]
mod tests;
