//! What templates compute with: Go's kinds, with Go's reference semantics.
//!
//! Containers are `Rc`, not `Arc`: a rendering stays on one thread, and every field access clones a value. Strings are
//! `Arc`, so that the literals of a parsed template, which many threads share, become values without being copied.

mod bytes;
mod equal;
mod kind;
mod list;
mod map;
mod object;
mod text;

use std::borrow::Cow;
use std::rc::Rc;

pub use bytes::Bytes;
pub use equal::{NestingTooDeep, deep_equal};
pub use kind::{Kind, Type};
pub use list::List;
pub use map::Map;
pub(crate) use map::WeakMap;
pub use object::{Object, Signature};
pub use text::Str;

use crate::funcs::Func;

/// How deeply containers may nest for code that walks them (printing, encoding, comparing, copying).
///
/// Go overflows its stack on a map that contains itself; here every walk stops at this depth with an error.
pub const MAX_NESTING: usize = 500;

/// One Go value.
///
/// `Clone` is cheap, and a clone of a map is the same map: a change through one is seen through all.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// The nil interface, `null` in YAML.
    #[default]
    Nil,
    /// `bool`
    Bool(bool),
    /// `int`, 64 bits wide as on every platform that matters here.
    Int(i64),
    /// `int64`, a type of its own in Go: sprig's arithmetic returns it.
    Int64(i64),
    /// `int32`, which is also `rune`.
    Int32(i32),
    /// `uint8`, which is also `byte`: what `index` of a string gives.
    Uint8(u8),
    /// `uint32`
    Uint32(u32),
    /// `uint64`
    Uint64(u64),
    /// `float64`: every number that came from YAML or JSON.
    Float64(f64),
    /// `complex128`: real and imaginary part.
    Complex128(f64, f64),
    /// `string`: bytes, usually UTF-8.
    String(Str),
    /// `[]byte`
    Bytes(Bytes),
    /// A slice of anything but bytes.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A struct, a pointer, or a named type with methods.
    Object(Rc<dyn Object>),
    /// A function as a value, for `call`.
    ///
    /// Boxed, for there are few of them and they are large.
    Func(Box<Func>),
}

impl Value {
    /// Makes a value of anything with methods or fields.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Rc::new(object))
    }

    /// Makes a string value.
    pub fn string(text: impl Into<Str>) -> Self {
        Self::String(text.into())
    }

    /// Names the Go kind, as sprig's `kindOf` does.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Int64(_) => Kind::Int64,
            Self::Int32(_) => Kind::Int32,
            Self::Uint8(_) => Kind::Uint8,
            Self::Uint32(_) => Kind::Uint32,
            Self::Uint64(_) => Kind::Uint64,
            Self::Float64(_) => Kind::Float64,
            Self::Complex128(..) => Kind::Complex128,
            Self::String(_) => Kind::String,
            Self::Bytes(_) | Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Object(object) => object.kind(),
            Self::Func(_) => Kind::Func,
        }
    }

    /// Names the Go type, as `%T` does: `map[string]interface {}`, `[]string`, `<nil>`.
    pub fn type_name(&self) -> Cow<'static, str> {
        match self {
            Self::Nil => "<nil>".into(),
            Self::Bool(_) => "bool".into(),
            Self::Int(_) => "int".into(),
            Self::Int64(_) => "int64".into(),
            Self::Int32(_) => "int32".into(),
            Self::Uint8(_) => "uint8".into(),
            Self::Uint32(_) => "uint32".into(),
            Self::Uint64(_) => "uint64".into(),
            Self::Float64(_) => "float64".into(),
            Self::Complex128(..) => "complex128".into(),
            Self::String(_) => "string".into(),
            Self::Bytes(_) => "[]uint8".into(),
            Self::List(list) => format!("[]{}", list.elem()).into(),
            Self::Map(map) => format!("map[string]{}", map.elem()).into(),
            Self::Object(object) => object.type_name().to_owned().into(),
            Self::Func(func) => func.type_name().into(),
        }
    }

    /// Whether the value's Go type is exactly `ty`. Everything is an [`Type::Any`].
    pub fn is(&self, ty: Type) -> bool {
        match (self, ty) {
            (_, Type::Any)
            | (Self::Bool(_), Type::Bool)
            | (Self::Int(_), Type::Int)
            | (Self::Int64(_), Type::Int64)
            | (Self::Int32(_), Type::Int32)
            | (Self::Uint8(_), Type::Uint8)
            | (Self::Uint32(_), Type::Uint32)
            | (Self::Uint64(_), Type::Uint64)
            | (Self::Float64(_), Type::Float64)
            | (Self::Complex128(..), Type::Complex128)
            | (Self::String(_), Type::String)
            | (Self::Bytes(_), Type::List(Type::Uint8))
            | (Self::Func(_), Type::Func) => true,
            (Self::List(list), Type::List(elem)) => list.elem() == *elem,
            (Self::Map(map), Type::Map(elem)) => map.elem() == *elem,
            (Self::Object(object), Type::Named(name)) => object.type_name() == name,
            _ => false,
        }
    }

    /// Whether `if` takes the first branch: not zero, not empty, not nil.
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(b) => *b,
            Self::Int(n) | Self::Int64(n) => *n != 0,
            Self::Int32(n) => *n != 0,
            Self::Uint8(n) => *n != 0,
            Self::Uint32(n) => *n != 0,
            Self::Uint64(n) => *n != 0,
            Self::Float64(n) => *n != 0.0,
            Self::Complex128(re, im) => *re != 0.0 || *im != 0.0,
            Self::String(s) => !s.is_empty(),
            Self::Bytes(b) => !b.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => !object.is_nil() && object.underlying().is_none_or(|underlying| underlying.truth()),
            Self::Func(_) => true,
        }
    }

    /// The string, when the value is one and is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => s.as_str(),
            _ => None,
        }
    }

    /// The integer, when the value is of any integer type and fits.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(n) | Self::Int64(n) => Some(*n),
            Self::Int32(n) => Some(i64::from(*n)),
            Self::Uint8(n) => Some(i64::from(*n)),
            Self::Uint32(n) => Some(i64::from(*n)),
            Self::Uint64(n) => i64::try_from(*n).ok(),
            _ => None,
        }
    }

    /// The list, when the value is one (not `[]byte`), also under a named type.
    pub fn as_list(&self) -> Option<List> {
        match self {
            Self::List(list) => Some(list.clone()),
            Self::Object(object) => object.underlying()?.as_list(),
            _ => None,
        }
    }

    /// The map, when the value is one, also under a named type.
    pub fn as_map(&self) -> Option<Map> {
        match self {
            Self::Map(map) => Some(map.clone()),
            Self::Object(object) => object.underlying()?.as_map(),
            _ => None,
        }
    }

    /// The object, when the value is one of the Rust type `T`.
    pub fn downcast<T: 'static>(&self) -> Option<&T> {
        match self {
            Self::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// Roughly how many bytes it takes, without what lies below; nothing if something else holds it too.
    pub(crate) fn new_bytes(&self) -> usize {
        match self {
            Self::String(text) if text.is_unique() => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(list) if list.is_unique() => 64 + list.len() * size_of::<Self>(),
            Self::Map(map) if map.is_unique() => 64 + map.len() * 64,
            _ => 0,
        }
    }

    /// Whether dropping this value could drop others below it.
    fn holds_values(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_) | Self::Object(_))
    }
}

/// Drops values without recursion, so that a list nested a million deep (built by a loop) cannot overflow the stack.
fn dismantle(mut pending: Vec<Value>) {
    while let Some(value) = pending.pop() {
        match value {
            Value::List(list) => list.dismantle(&mut pending),
            Value::Map(map) => map.dismantle(&mut pending),
            _ => {}
        }
    }
}

macro_rules! from {
    ($($ty:ty => $variant:ident),* $(,)?) => {$(
        impl From<$ty> for Value {
            fn from(value: $ty) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    bool => Bool, i64 => Int, i32 => Int32, u8 => Uint8, u32 => Uint32, u64 => Uint64, f64 => Float64,
    Str => String, &str => String, String => String,
    Bytes => Bytes, List => List, Map => Map, Vec<Value> => List, Func => Func,
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}
