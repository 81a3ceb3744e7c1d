//! Numbers as Go's `strconv` reads and prints them.

use super::{Scalar, Schema};

/// A plain scalar that starts with a dot: a float, `.inf`, `.nan`, or text.
pub(super) fn dotted(text: &str) -> Scalar<'_> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
        // Here, unlike after a digit, underscores count only between digits.
        _ if text.contains('_') => {
            let bytes = text.as_bytes();
            let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
            let separates = |(i, &b): (usize, &u8)| b != b'_' || i > 0 && digit(i - 1) && digit(i + 1);
            if !bytes.iter().enumerate().all(separates) {
                return Scalar::Str;
            }
            float(&text.replace('_', "")).map_or(Scalar::Str, Scalar::Float)
        }
        _ => float(text).map_or(Scalar::Str, Scalar::Float),
    }
}

/// A plain scalar that starts with a digit or a sign: a number or text.
pub(super) fn number(schema: Schema, text: &str) -> Scalar<'_> {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b'_')) {
        return Scalar::Str;
    }
    let stripped: String;
    let plain = if text.contains('_') {
        stripped = text.replace('_', "");
        &stripped
    } else {
        text
    };
    if let Some(found) = integer(plain) {
        return found;
    }
    if let Some(float) = float(plain) {
        return Scalar::Float(float);
    }
    // What is left of a prefix is parsed with its own sign: `0b-11` is -3.
    let (rest, radix, negative) = if let Some(rest) = plain.strip_prefix("0b") {
        (rest, 2, false)
    } else if let Some(rest) = plain.strip_prefix("-0b") {
        (rest, 2, true)
    } else if let Some(rest) = plain.strip_prefix("0o").filter(|_| schema == Schema::V3) {
        (rest, 8, false)
    } else if let Some(rest) = plain.strip_prefix("-0o").filter(|_| schema == Schema::V3) {
        (rest, 8, true)
    } else {
        return Scalar::Str;
    };
    if negative {
        return i64::from_str_radix(&format!("-{rest}"), radix).map_or(Scalar::Str, Scalar::Int);
    }
    i64::from_str_radix(rest, radix).map_or(Scalar::Str, Scalar::Int)
}

/// An integer with an optional sign and a prefix that names its base; a leading zero means octal.
fn integer(text: &str) -> Option<Scalar<'static>> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (Some('-'), &text[1..]),
        b'+' => (Some('+'), &text[1..]),
        _ => (None, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if sign == Some('-') {
        return 0i64.checked_sub_unsigned(magnitude).map(Scalar::Int);
    }
    match i64::try_from(magnitude) {
        Ok(n) => Some(Scalar::Int(n)),
        // Go's unsigned parser takes no sign.
        Err(_) => sign.is_none().then_some(Scalar::Uint(magnitude)),
    }
}

/// A decimal float: digits around at most one dot, an exponent. Out of range is no float.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let bytes = unsigned.as_bytes();
    let whole = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = whole;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        let fraction = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if whole + fraction == 0 {
            return None;
        }
        at += fraction;
    } else if whole == 0 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        let exponent = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if exponent == 0 {
            return None;
        }
        at += exponent;
    }
    if at != bytes.len() {
        return None;
    }
    text.parse::<f64>().ok().filter(|f| f.is_finite())
}

/// Prints a float as Go's `FormatFloat(f, 'g', -1, 64)`: the shortest digits that read back equal, with an exponent
/// below 1e-4 and from 1e6 on.
pub(crate) fn format_g(float: f64) -> String {
    let scientific = format!("{float:e}");
    let even = format!("{float:.*e}", fraction(&scientific));
    shortest(float, if even.parse() == Ok(float) { &even } else { &scientific })
}

/// How many digits stand behind the point.
///
/// Where two shortest decimals are equally near, Go takes the even one and Rust the larger. Printed to as many digits,
/// Rust takes the even one too.
fn fraction(scientific: &str) -> usize {
    let digits = scientific.bytes().take_while(|b| *b != b'e').filter(u8::is_ascii_digit).count();
    digits.saturating_sub(1)
}

/// The same in single precision, which is how sigs.k8s.io/yaml prints float keys.
pub(crate) fn format_g32(float: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "single precision is the point")]
    let single = float as f32;
    let scientific = format!("{single:e}");
    let even = format!("{single:.*e}", fraction(&scientific));
    shortest(float, if even.parse() == Ok(single) { &even } else { &scientific })
}

fn shortest(float: f64, scientific: &str) -> String {
    if float.is_nan() {
        return ".nan".to_owned();
    }
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        // Rust prints infinities without exponent.
        return if scientific.starts_with('-') { "-.inf" } else { ".inf" }.to_owned();
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    if !(-4..6).contains(&exponent) {
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{direction}{:02}", exponent.unsigned_abs());
    }
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or_default());
    if exponent < 0 {
        format!("{sign}0.{}{digits}", zeros(-exponent - 1))
    } else if count <= exponent + 1 {
        format!("{sign}{digits}{}", zeros(exponent + 1 - count))
    } else {
        let (whole, fraction) = digits.split_at(usize::try_from(exponent + 1).unwrap_or_default());
        format!("{sign}{whole}.{fraction}")
    }
}

/// The digits of a float that Go's JSON prints as a 64-bit integer.
///
/// These are the shortest digits filled up with zeros, not always the float's exact value.
pub(crate) fn whole(float: f64) -> Option<Scalar<'static>> {
    if float.fract() != 0.0 || float.abs() >= 1e21 {
        return None;
    }
    let digits = format!("{float}");
    match digits.parse::<i64>() {
        Ok(n) => Some(Scalar::Int(n)),
        Err(_) => digits.parse::<u64>().ok().map(Scalar::Uint),
    }
}
