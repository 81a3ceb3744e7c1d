//! How sprig makes numbers of anything (`spf13/cast`): what cannot be one is zero, and no error.

use crate::value::Value;

/// Makes an integer: `"0x1f"` and `"010"` by their prefix, `"3.00"` without its zeros, floats cut off.
pub(crate) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(n) | Value::Int64(n) => *n,
        Value::Int32(n) => i64::from(*n),
        Value::Uint8(n) => i64::from(*n),
        Value::Uint32(n) => i64::from(*n),
        Value::Uint64(n) => n.cast_signed(),
        Value::Float64(n) => truncate(*n),
        Value::Bool(b) => i64::from(*b),
        Value::String(s) => s.as_str().and_then(|s| parse_int(trim_zero_decimal(s))).unwrap_or(0),
        Value::Object(object) => object.underlying().map_or(0, |inner| to_int(&inner)),
        _ => 0,
    }
}

/// Makes a float.
#[expect(clippy::cast_precision_loss, reason = "Go's conversion loses it as well")]
pub(crate) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Int(n) | Value::Int64(n) => *n as f64,
        Value::Int32(n) => f64::from(*n),
        Value::Uint8(n) => f64::from(*n),
        Value::Uint32(n) => f64::from(*n),
        Value::Uint64(n) => *n as f64,
        Value::Float64(n) => *n,
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::String(s) => s.as_str().and_then(parse_float).unwrap_or(0.0),
        Value::Object(object) => object.underlying().map_or(0.0, |inner| to_float(&inner)),
        _ => 0.0,
    }
}

/// Cuts off as amd64 does, where everything that does not fit becomes the smallest integer.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(crate) fn truncate(n: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&n) { n as i64 } else { i64::MIN }
}

/// Reads `strconv.ParseInt(text, 0, 64)`.
fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits, prefixed) = match lower.as_deref() {
        Some("0x") => (16, &digits[2..], true),
        Some("0o") => (8, &digits[2..], true),
        Some("0b") => (2, &digits[2..], true),
        Some(_) if digits.starts_with('0') => (8, &digits[1..], true),
        _ => (10, digits, false),
    };
    let digits = without_underscores(digits, prefixed)?;
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let magnitude = u64::from_str_radix(&digits, radix).ok()?;
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// Takes out underscores that stand between digits, or behind a prefix; refuses any other.
fn without_underscores(digits: &str, prefixed: bool) -> Option<String> {
    let badly_placed =
        digits.ends_with('_') || digits.contains("__") || (!prefixed && digits.starts_with('_'));
    (!badly_placed).then(|| digits.replace('_', ""))
}

/// Reads `strconv.ParseFloat(text, 64)`: what is too large is an error, not infinity.
fn parse_float(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    let spelled_out = text.bytes().any(|b| b.is_ascii_alphabetic() && !matches!(b, b'e' | b'E'));
    (number.is_finite() || spelled_out).then_some(number)
}

/// Cuts `.000` off.
fn trim_zero_decimal(text: &str) -> &str {
    let trimmed = text.trim_end_matches('0');
    match trimmed.strip_suffix('.') {
        Some(whole) if trimmed.len() < text.len() => whole,
        _ => text,
    }
}
