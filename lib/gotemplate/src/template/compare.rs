//! `eq`, `ne`, `lt`, `le`, `gt`, `ge`.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::fmt;
use crate::funcs::Fault;
use crate::value::{Kind, Value, deep_equal};

/// Kinds that compare: signed integers with unsigned ones, all others only among themselves.
enum Basic<'v> {
    Bool(bool),
    Complex(f64, f64),
    Int(i64),
    Uint(u64),
    Float(f64),
    String(&'v [u8]),
}

fn basic(value: &Value) -> Option<Basic<'_>> {
    Some(match value {
        Value::Bool(b) => Basic::Bool(*b),
        Value::Complex128(re, im) => Basic::Complex(*re, *im),
        Value::Int(n) | Value::Int64(n) => Basic::Int(*n),
        Value::Int32(n) => Basic::Int(i64::from(*n)),
        Value::Uint8(n) => Basic::Uint(u64::from(*n)),
        Value::Uint32(n) => Basic::Uint(u64::from(*n)),
        Value::Uint64(n) => Basic::Uint(*n),
        Value::Float64(n) => Basic::Float(*n),
        Value::String(s) => Basic::String(s.as_bytes()),
        _ => return None,
    })
}

fn incompatible<T>(a: &Value, b: &Value) -> Result<T, Fault> {
    let (a, b) = (a.type_name(), b.type_name());
    Err(Fault::message(format!("incompatible types for comparison: {a} and {b}")))
}

/// Whether the first equals any of the others.
pub(super) fn eq(first: &Value, others: &[Value]) -> Result<bool, Fault> {
    if others.is_empty() {
        return Err(Fault::message("missing argument for comparison"));
    }
    for other in others {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[expect(clippy::float_cmp, reason = "Go compares exactly")]
fn equal(a: &Value, b: &Value) -> Result<bool, Fault> {
    Ok(match (basic(a), basic(b)) {
        (Some(Basic::Bool(a)), Some(Basic::Bool(b))) => a == b,
        (Some(Basic::Complex(a, c)), Some(Basic::Complex(b, d))) => a == b && c == d,
        (Some(Basic::Int(a)), Some(Basic::Int(b))) => a == b,
        (Some(Basic::Uint(a)), Some(Basic::Uint(b))) => a == b,
        (Some(Basic::Float(a)), Some(Basic::Float(b))) => a == b,
        (Some(Basic::String(a)), Some(Basic::String(b))) => a == b,
        (Some(Basic::Int(int)), Some(Basic::Uint(uint))) | (Some(Basic::Uint(uint)), Some(Basic::Int(int))) => {
            u64::try_from(int) == Ok(uint)
        }
        (None, None) => return references_equal(a, b),
        _ if matches!(a, Value::Nil) || matches!(b, Value::Nil) => false,
        _ => return incompatible(a, b),
    })
}

/// Compares nil, maps, lists, functions, pointers and structs. All but the last two compare with nil only.
fn references_equal(a: &Value, b: &Value) -> Result<bool, Fault> {
    let (kind_a, kind_b) = (a.kind(), b.kind());
    if kind_a != kind_b && kind_a != Kind::Invalid && kind_b != Kind::Invalid {
        let (type_a, type_b) = (a.type_name(), b.type_name());
        let message = format!("non-comparable types {}: {type_a}, {type_b}: {}", shown(b"%s", a), shown(b"%v", b));
        return Err(Fault::message(message));
    }
    if is_nil(a) || is_nil(b) {
        return Ok(is_nil(a) == is_nil(b));
    }
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.kind() == Kind::Pointer => Ok(Rc::ptr_eq(a, b)),
        (Value::Object(_), Value::Object(object)) if object.kind() == Kind::Struct => Ok(deep_equal(a, b)?),
        _ => Err(Fault::message(format!("non-comparable type {}: {}", shown(b"%s", b), b.type_name()))),
    }
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::Bytes(bytes) => bytes.is_nil(),
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        Value::Object(object) => object.is_nil() || object.underlying().is_some_and(|value| is_nil(&value)),
        _ => false,
    }
}

/// A value as errors show it.
fn shown(format: &[u8], value: &Value) -> String {
    match fmt::sprintf(format, std::slice::from_ref(value), 1 << 10) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => format!("<{} Value>", value.type_name()),
    }
}

pub(super) fn ne(a: &Value, b: &Value) -> Result<bool, Fault> {
    equal(a, b).map(|equal| !equal)
}

pub(super) fn lt(a: &Value, b: &Value) -> Result<bool, Fault> {
    let invalid = || Fault::message("invalid type for comparison");
    let (basic_a, basic_b) = (basic(a).ok_or_else(invalid)?, basic(b).ok_or_else(invalid)?);
    let order = match (basic_a, basic_b) {
        (Basic::Int(a), Basic::Int(b)) => Some(a.cmp(&b)),
        (Basic::Uint(a), Basic::Uint(b)) => Some(a.cmp(&b)),
        (Basic::Float(a), Basic::Float(b)) => a.partial_cmp(&b),
        (Basic::String(a), Basic::String(b)) => Some(a.cmp(b)),
        (Basic::Int(a), Basic::Uint(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (Basic::Uint(a), Basic::Int(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => return Err(invalid()),
        _ => return incompatible(a, b),
    };
    Ok(order == Some(Ordering::Less))
}

pub(super) fn le(a: &Value, b: &Value) -> Result<bool, Fault> {
    Ok(lt(a, b)? || equal(a, b)?)
}

/// Not less or equal: so of two numbers of which one is not a number, each is greater.
pub(super) fn gt(a: &Value, b: &Value) -> Result<bool, Fault> {
    le(a, b).map(|le| !le)
}

pub(super) fn ge(a: &Value, b: &Value) -> Result<bool, Fault> {
    lt(a, b).map(|lt| !lt)
}
