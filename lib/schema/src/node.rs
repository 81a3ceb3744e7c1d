//! One type: a node of the arena.

use std::sync::Arc;

use serde_json::Value;

/// Names a node of one [`Schemas`](crate::Schemas).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(crate) u32);

impl Id {
    /// Anything, merged field by field: what a value is taken for where no schema says.
    pub const DEDUCED: Self = Self(0);
    /// Anything, merged as a whole.
    pub const UNTYPED: Self = Self(1);
}

/// What JSON a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Type {
    /// Anything.
    #[default]
    Any,
    /// `true` or `false`.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// A number.
    Number,
    /// A string.
    String,
    /// An integer or a string, such as a port or a percentage.
    IntOrString,
    /// A string or a number that is a quantity, such as `100m` or `1Gi`.
    Quantity,
    /// A list.
    Array,
    /// A map or a struct.
    Object,
}

/// What a string or a number is beyond its type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Nothing.
    #[default]
    None,
    /// `byte`: base64.
    Byte,
    /// `date-time`: RFC 3339.
    DateTime,
    /// `int32`.
    Int32,
    /// `int64`.
    Int64,
    /// Any other, by name.
    Other(Arc<str>),
}

/// `x-kubernetes-list-type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListType {
    /// The schema does not say.
    #[default]
    Unset,
    /// One value.
    Atomic,
    /// Items that are their own names.
    Set,
    /// Items named by their [`keys`](crate::Schemas::keys).
    Map,
}

/// `x-kubernetes-map-type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MapType {
    /// The schema does not say: granular.
    #[default]
    Unset,
    /// Every field by itself.
    Granular,
    /// One value.
    Atomic,
}

/// `x-kubernetes-patch-strategy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PatchStrategy {
    /// The schema does not say: maps merge, lists are replaced.
    #[default]
    Unset,
    /// `merge`.
    Merge,
    /// `retainKeys`.
    RetainKeys,
    /// `merge,retainKeys`.
    MergeRetainKeys,
    /// `replace`.
    Replace,
}

/// `additionalProperties`: what the fields are that an object does not declare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Additional {
    /// The schema does not say.
    #[default]
    Unset,
    /// `false`.
    Refused,
    /// `true`.
    Any,
    /// Of one type.
    Of(Id),
}

/// A declared field of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, shared by all fields of that name.
    pub name: Arc<str>,
    /// Its type.
    pub node: Id,
    /// What its name begins with, to be found by.
    pub(crate) prefix: u64,
}

impl Field {
    pub(crate) fn new(name: Arc<str>, node: Id) -> Self {
        let prefix = prefix(&name);
        Self { name, node, prefix }
    }
}

/// The first bytes of a name as a number: names are in the order of these numbers as far as they differ.
#[inline]
pub(crate) fn prefix(name: &str) -> u64 {
    if let Some(first) = name.as_bytes().first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    u64::from_be_bytes(first)
}

/// A type. What has no fixed size is asked of the [`Schemas`](crate::Schemas) that hold the node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute of JSON schema, true or absent")]
pub struct Node {
    /// What JSON it is.
    pub kind: Type,
    /// What it is beyond that.
    pub format: Format,
    /// `null` is a value of it.
    pub nullable: bool,
    /// `x-kubernetes-preserve-unknown-fields`.
    pub preserve_unknown: bool,
    /// A schema around this one preserves unknown fields, or this one does. Only merging knows of it.
    pub merges_unknown: bool,
    /// `x-kubernetes-embedded-resource`.
    pub embedded_resource: bool,
    /// How the items of a list are named.
    pub list: ListType,
    /// Whether an object is one value.
    pub map: MapType,
    /// How a strategic merge patch treats it.
    pub patch: PatchStrategy,
    /// The field that names an item of a list in a strategic merge patch.
    pub merge_key: Option<Arc<str>>,
    /// What undeclared fields are.
    pub additional: Additional,
    /// What the items of a list are.
    pub items: Option<Id>,
    pub(crate) fields: Range,
    pub(crate) keys: Range,
    pub(crate) required: Range,
    pub(crate) default: Option<u32>,
    pub(crate) limits: Option<u32>,
}

/// A run of one of the arena's vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Range {
    pub(crate) start: u32,
    pub(crate) length: u32,
}

impl Range {
    #[inline]
    pub(crate) fn of<T>(self, all: &[T]) -> &[T] {
        let start = self.start as usize;
        all.get(start..start + self.length as usize).unwrap_or_default()
    }
}

/// What a value of the right type must satisfy besides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// `enum`; empty when any value will do.
    pub one_of_values: Vec<Value>,
    /// `pattern`.
    pub pattern: Option<Box<str>>,
    /// `minimum`.
    pub minimum: Option<f64>,
    /// `maximum`.
    pub maximum: Option<f64>,
    /// `exclusiveMinimum`.
    pub exclusive_minimum: bool,
    /// `exclusiveMaximum`.
    pub exclusive_maximum: bool,
    /// `multipleOf`.
    pub multiple_of: Option<f64>,
    /// `minLength`, in characters.
    pub min_length: Option<u64>,
    /// `maxLength`, in characters.
    pub max_length: Option<u64>,
    /// `minItems`.
    pub min_items: Option<u64>,
    /// `maxItems`.
    pub max_items: Option<u64>,
    /// `uniqueItems`.
    pub unique_items: bool,
    /// `minProperties`.
    pub min_properties: Option<u64>,
    /// `maxProperties`.
    pub max_properties: Option<u64>,
    /// `allOf`.
    pub all_of: Vec<Id>,
    /// `anyOf`.
    pub any_of: Vec<Id>,
    /// `oneOf`.
    pub one_of: Vec<Id>,
    /// `not`.
    pub not: Option<Id>,
    /// `x-kubernetes-validations`.
    pub rules: Vec<Rule>,
}

/// One of `x-kubernetes-validations`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The CEL expression over `self` and `oldSelf`.
    pub rule: String,
    /// What to say when it is false; empty when it does not say.
    pub message: String,
    /// The CEL expression of what to say; empty when there is none.
    pub message_expression: String,
    /// The reason of the cause; empty for `FieldValueInvalid`.
    pub reason: String,
    /// Which field is at fault, below the value; empty for the value itself.
    pub field_path: String,
    /// Whether it runs when there is no old value.
    pub optional_old_self: bool,
}
