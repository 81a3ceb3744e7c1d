//! Go's types and kinds, as far as templates can tell them apart.

use std::fmt;

use super::{List, Map, Str, Value};

/// A Go type: of a parameter, or of a container's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface{}`
    Any,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `int64`
    Int64,
    /// `int32`
    Int32,
    /// `uint8`
    Uint8,
    /// `uint32`
    Uint32,
    /// `uint64`
    Uint64,
    /// `float64`
    Float64,
    /// `complex128`
    Complex128,
    /// `string`
    String,
    /// A slice of the element type. `List(&Type::Uint8)` is `[]byte`, held as [`super::Bytes`].
    List(&'static Type),
    /// A map from strings to the element type.
    Map(&'static Type),
    /// Any function.
    Func,
    /// An [`super::Object`] with this type name.
    Named(&'static str),
}

impl Type {
    /// `[]interface{}`
    pub const LIST: Self = Self::List(&Self::Any);
    /// `[]string`
    pub const STRINGS: Self = Self::List(&Self::String);
    /// `[]byte`
    pub const BYTES: Self = Self::List(&Self::Uint8);
    /// `map[string]interface{}`
    pub const MAP: Self = Self::Map(&Self::Any);
    /// `map[string]string`
    pub const STRING_MAP: Self = Self::Map(&Self::String);

    /// Whether Go accepts `nil` for this type.
    pub fn is_nilable(self) -> bool {
        match self {
            Self::Any | Self::List(_) | Self::Map(_) | Self::Func => true,
            Self::Named(name) => name.starts_with('*'),
            _ => false,
        }
    }

    /// Makes Go's zero value of the type.
    pub fn zero(self) -> Value {
        match self {
            Self::Any | Self::Func | Self::Named(_) => Value::Nil,
            Self::Bool => Value::Bool(false),
            Self::Int => Value::Int(0),
            Self::Int64 => Value::Int64(0),
            Self::Int32 => Value::Int32(0),
            Self::Uint8 => Value::Uint8(0),
            Self::Uint32 => Value::Uint32(0),
            Self::Uint64 => Value::Uint64(0),
            Self::Float64 => Value::Float64(0.0),
            Self::Complex128 => Value::Complex128(0.0, 0.0),
            Self::String => Value::String(Str::EMPTY),
            Self::List(Self::Uint8) => Value::Bytes(super::Bytes::nil()),
            Self::List(elem) => Value::List(List::nil(*elem)),
            Self::Map(elem) => Value::Map(Map::nil(*elem)),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "interface {}",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Int32 => "int32",
            Self::Uint8 => "uint8",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::String => "string",
            Self::Func => "func()",
            Self::Named(name) => name,
            Self::List(elem) => return write!(f, "[]{elem}"),
            Self::Map(elem) => return write!(f, "map[string]{elem}"),
        })
    }
}

/// A Go `reflect.Kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Go's own")]
pub enum Kind {
    Invalid,
    Bool,
    Int,
    Int64,
    Int32,
    Uint8,
    Uint32,
    Uint64,
    Float64,
    Complex128,
    String,
    Slice,
    Map,
    Struct,
    Pointer,
    Func,
}

impl Kind {
    /// Go's name: `slice`, `map`, `ptr`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Int32 => "int32",
            Self::Uint8 => "uint8",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::String => "string",
            Self::Slice => "slice",
            Self::Map => "map",
            Self::Struct => "struct",
            Self::Pointer => "ptr",
            Self::Func => "func",
        }
    }
}
