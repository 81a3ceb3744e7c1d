//! Number and character constants.

use super::ast::Number;
use super::lex::Kind;
use crate::strconv;

/// Reads a constant; where it stands is not known here. The error is in Go's words.
pub(super) fn parse(text: &str, kind: Kind) -> Result<Number, String> {
    let mut number = Number::default();
    match kind {
        Kind::Char => {
            let c = strconv::unquote_char(text).ok_or_else(|| {
                if text.chars().count() > 3 && !text.starts_with("'\\") {
                    format!("malformed character constant: {text}")
                } else {
                    "invalid syntax".to_owned()
                }
            })?;
            number.int = Some(i64::from(c));
            number.uint = Some(u64::from(c));
            number.float = Some(f64::from(c));
            return Ok(number);
        }
        Kind::Complex => {
            let (re, im) = split_complex(text).ok_or("syntax error scanning complex number")?;
            let part = |text| strconv::parse_float(text).map_err(|_| "syntax error scanning complex number".to_owned());
            set_complex(&mut number, part(re)?, part(im)?);
            return Ok(number);
        }
        _ => {}
    }
    if let Some(imaginary) = text.strip_suffix('i')
        && let Ok(imaginary) = strconv::parse_float(imaginary)
    {
        set_complex(&mut number, 0.0, imaginary);
        return Ok(number);
    }
    number.uint = strconv::parse_uint(text, 0).ok();
    number.int = strconv::parse_int(text, 0).ok();
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(float_of_int(int));
    } else if let Some(uint) = number.uint {
        number.float = Some(float_of_uint(uint));
    } else if let Ok(float) = strconv::parse_float(text) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", strconv::quote(text.as_bytes())));
        }
        number.float = Some(float);
        number.int = whole_int(float);
        number.uint = whole_uint(float);
    }
    if number.float.is_none() {
        return Err(format!("illegal number syntax: {}", strconv::quote(text.as_bytes())));
    }
    Ok(number)
}

fn set_complex(number: &mut Number, re: f64, im: f64) {
    number.complex = Some((re, im));
    if im == 0.0 {
        number.float = Some(re);
        number.int = whole_int(re);
        number.uint = whole_uint(re);
    }
}

/// Parts `1+2i` at the sign that is neither the first nor an exponent's.
fn split_complex(text: &str) -> Option<(&str, &str)> {
    let body = text.strip_suffix('i')?;
    let hexadecimal = body.trim_start_matches(['+', '-']).to_ascii_lowercase().starts_with("0x");
    let bytes = body.as_bytes();
    let split = (1..bytes.len()).rev().find(|&i| {
        let after_exponent = matches!(bytes[i - 1], b'p' | b'P') || !hexadecimal && matches!(bytes[i - 1], b'e' | b'E');
        matches!(bytes[i], b'+' | b'-') && !after_exponent
    })?;
    Some(body.split_at(split))
}

#[expect(clippy::cast_precision_loss, reason = "a constant is rounded to the type that is asked for, as in Go")]
fn float_of_int(int: i64) -> f64 {
    int as f64
}

#[expect(clippy::cast_precision_loss, reason = "a constant is rounded to the type that is asked for, as in Go")]
fn float_of_uint(uint: u64) -> f64 {
    uint as f64
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole_int(float: f64) -> Option<i64> {
    (float.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float))
        .then_some(float as i64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn whole_uint(float: f64) -> Option<u64> {
    (float.fract() == 0.0 && (0.0..18_446_744_073_709_551_616.0).contains(&float)).then_some(float as u64)
}
