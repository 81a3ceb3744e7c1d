//! Go's `reflect.DeepEqual`.

use super::{Kind, MAX_NESTING, Value};

/// Containers nest deeper than [`MAX_NESTING`], or contain themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("values nest deeper than {MAX_NESTING} levels")]
pub struct NestingTooDeep;

/// Compares as `reflect.DeepEqual` does: types must be identical, so `int` 1 is not `int64` 1.
pub fn deep_equal(a: &Value, b: &Value) -> Result<bool, NestingTooDeep> {
    equal(a, b, 0)
}

#[expect(clippy::float_cmp, reason = "Go compares exactly")]
fn equal(a: &Value, b: &Value, depth: usize) -> Result<bool, NestingTooDeep> {
    if depth > MAX_NESTING {
        return Err(NestingTooDeep);
    }
    Ok(match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) | (Value::Int64(a), Value::Int64(b)) => a == b,
        (Value::Int32(a), Value::Int32(b)) => a == b,
        (Value::Uint8(a), Value::Uint8(b)) => a == b,
        (Value::Uint32(a), Value::Uint32(b)) => a == b,
        (Value::Uint64(a), Value::Uint64(b)) => a == b,
        (Value::Float64(a), Value::Float64(b)) => a == b,
        (Value::Complex128(a, c), Value::Complex128(b, d)) => a == b && c == d,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a.is_nil() == b.is_nil() && a.as_slice() == b.as_slice(),
        (Value::List(a), Value::List(b)) => {
            if a.elem() != b.elem() || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            if a.same(b) {
                return Ok(true);
            }
            for (a, b) in a.iter().zip(b.iter()) {
                if !equal(a, b, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.elem() != b.elem() || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            if a.same(b) {
                return Ok(true);
            }
            for ((key_a, a), (key_b, b)) in a.entries().iter().zip(b.entries().iter()) {
                if key_a != key_b || !equal(a, b, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Object(a), Value::Object(b)) => {
            if a.type_name() != b.type_name() || a.is_nil() != b.is_nil() {
                return Ok(false);
            }
            match (a.underlying(), b.underlying()) {
                (Some(a), Some(b)) => return equal(&a, &b, depth + 1),
                (None, None) => {}
                _ => return Ok(false),
            }
            let (fields_a, fields_b) = (a.fields(), b.fields());
            if fields_a.is_empty() && a.kind() == Kind::Struct {
                // Opaque structs such as `time.Time` print everything that they are.
                return Ok(a.text() == b.text());
            }
            for ((name_a, a), (name_b, b)) in fields_a.iter().zip(&fields_b) {
                if name_a != name_b || !equal(a, b, depth + 1)? {
                    return Ok(false);
                }
            }
            fields_a.len() == fields_b.len()
        }
        _ => false,
    })
}
