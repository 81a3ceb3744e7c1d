//! How sprig makes numbers of anything (`spf13/cast`): what cannot be one is zero, and no error.

use crate::strconv;
use crate::value::Value;

/// Makes an integer: `"0x1f"` and `"010"` by their prefix, `"3.00"` without its zeros, floats cut off.
pub fn to_int(value: &Value) -> i64 {
    match value {
        Value::Bool(b) => i64::from(*b),
        Value::Uint64(n) => n.cast_signed(),
        Value::Float64(n) => truncate(*n),
        Value::String(s) => s.as_str().and_then(|s| strconv::parse_int(trim_zero_decimal(s), 0).ok()).unwrap_or(0),
        Value::Object(object) => object.underlying().map_or(0, |inner| to_int(&inner)),
        other => other.as_int().unwrap_or(0),
    }
}

/// Makes a float.
#[expect(clippy::cast_precision_loss, reason = "Go's conversion loses it as well")]
pub(crate) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::Uint64(n) => *n as f64,
        Value::Float64(n) => *n,
        Value::String(s) => s.as_str().and_then(|s| strconv::parse_float(s).ok()).unwrap_or(0.0),
        Value::Object(object) => object.underlying().map_or(0.0, |inner| to_float(&inner)),
        other => other.as_int().map_or(0.0, |n| n as f64),
    }
}

/// Cuts off as amd64 does, where everything that does not fit becomes the smallest integer.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn truncate(n: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&n) { n as i64 } else { i64::MIN }
}

/// Cuts `.000` off.
fn trim_zero_decimal(text: &str) -> &str {
    let trimmed = text.trim_end_matches('0');
    match trimmed.strip_suffix('.') {
        Some(whole) if trimmed.len() < text.len() => whole,
        _ => text,
    }
}
