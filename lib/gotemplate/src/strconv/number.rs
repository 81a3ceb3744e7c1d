//! Reading numbers in Go's syntax.

/// Why a text is no number, in the words of `strconv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not the syntax of a number.
    #[error("invalid syntax")]
    Syntax,
    /// A number that the type cannot hold.
    #[error("value out of range")]
    Range,
}

/// Reads a signed integer as `strconv.ParseInt(text, base, 64)`. Base 0 goes by the prefix and allows underscores.
pub fn parse_int(text: &str, base: u32) -> Result<i64, NumberError> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = parse_uint(digits, base)?;
    let value = if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
    i64::try_from(value).map_err(|_| NumberError::Range)
}

/// Reads an unsigned integer as `strconv.ParseUint(text, base, 64)`.
pub fn parse_uint(text: &str, base: u32) -> Result<u64, NumberError> {
    let (base, digits) = match base {
        0 => {
            if !underscores_separate(text) {
                return Err(NumberError::Syntax);
            }
            prefixed(text)
        }
        base => (base, text),
    };
    let underscores = base != 0 && digits.len() != text.len() || text.contains('_');
    let clean: std::borrow::Cow<'_, str> = if underscores { digits.replace('_', "").into() } else { digits.into() };
    if clean.is_empty() || !clean.chars().all(|c| c.is_digit(base)) {
        return Err(NumberError::Syntax);
    }
    u64::from_str_radix(&clean, base).map_err(|_| NumberError::Range)
}

fn prefixed(text: &str) -> (u32, &str) {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'0') || bytes.len() < 2 {
        return (10, text);
    }
    match bytes.get(1) {
        Some(b'x' | b'X') if bytes.len() > 2 => (16, &text[2..]),
        Some(b'b' | b'B') if bytes.len() > 2 => (2, &text[2..]),
        Some(b'o' | b'O') if bytes.len() > 2 => (8, &text[2..]),
        _ => (8, &text[1..]),
    }
}

/// Whether underscores stand only between digits, or between a base prefix and a digit.
fn underscores_separate(text: &str) -> bool {
    if !text.contains('_') {
        return true;
    }
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let bytes = text.as_bytes();
    let (hex, body, mut last) = match bytes {
        [b'0', b'b' | b'B' | b'o' | b'O', rest @ ..] => (false, rest, b'0'),
        [b'0', b'x' | b'X', rest @ ..] => (true, rest, b'0'),
        _ => (false, bytes, b'^'),
    };
    for &byte in body {
        if byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit() {
            last = b'0';
        } else if byte == b'_' {
            if last != b'0' {
                return false;
            }
            last = b'_';
        } else {
            if last == b'_' {
                return false;
            }
            last = b'!';
        }
    }
    last != b'_'
}

/// Reads a floating-point number as `strconv.ParseFloat(text, 64)`.
pub fn parse_float(text: &str) -> Result<f64, NumberError> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let lower = unsigned.to_ascii_lowercase();
    match lower.as_str() {
        "inf" | "infinity" => return Ok(sign * f64::INFINITY),
        "nan" if unsigned.len() == text.len() => return Ok(f64::NAN),
        _ => {}
    }
    if !underscores_separate(text) {
        return Err(NumberError::Syntax);
    }
    let clean = lower.replace('_', "");
    let value = match clean.strip_prefix("0x") {
        Some(hex) => hexadecimal(hex)?,
        None => decimal(&clean)?,
    };
    if value.is_infinite() { Err(NumberError::Range) } else { Ok(sign * value) }
}

fn decimal(text: &str) -> Result<f64, NumberError> {
    // Rust also reads words and signs, which Go has dealt with by now.
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let points = mantissa.bytes().filter(|&byte| byte == b'.').count();
    if digits == 0 || points > 1 || digits + points != mantissa.len() || !exponent.is_none_or(is_exponent) {
        return Err(NumberError::Syntax);
    }
    text.parse().map_err(|_| NumberError::Syntax)
}

fn is_exponent(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads what follows `0x`: digits, an optional point, and an exponent of two that must be there.
#[expect(clippy::cast_precision_loss, reason = "the mantissa is rounded to 53 bits before")]
fn hexadecimal(text: &str) -> Result<f64, NumberError> {
    let (mantissa, exponent) = text.split_once('p').ok_or(NumberError::Syntax)?;
    if !is_exponent(exponent) {
        return Err(NumberError::Syntax);
    }
    let mut bits: u64 = 0;
    let mut sticky = false;
    let mut scale: i64 = 0;
    let (mut digits, mut behind) = (0_usize, false);
    for byte in mantissa.bytes() {
        let Some(digit) = char::from(byte).to_digit(16) else {
            if byte != b'.' || behind {
                return Err(NumberError::Syntax);
            }
            behind = true;
            continue;
        };
        digits += 1;
        if bits >> 59 == 0 {
            bits = bits << 4 | u64::from(digit);
            scale -= if behind { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            scale += if behind { 0 } else { 4 };
        }
    }
    if digits == 0 {
        return Err(NumberError::Syntax);
    }
    if bits == 0 {
        return Ok(0.0);
    }
    let exponent = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { -1 << 40 } else { 1 << 40 });
    let exponent = exponent.saturating_add(scale);
    // Round once, to the bits that the result can hold: fewer near zero.
    let length = i64::from(64 - bits.leading_zeros());
    let keep = (exponent + length + 1074).clamp(0, 53);
    let drop = length - keep;
    if drop > 0 {
        let half = 1_u128 << (drop - 1);
        let rest = u128::from(bits) & ((1_u128 << drop) - 1);
        let mut kept = u64::try_from(u128::from(bits) >> drop).unwrap_or(0);
        if rest > half || rest == half && (sticky || kept & 1 == 1) {
            kept += 1;
        }
        return Ok(scaled(kept as f64, exponent + drop));
    }
    Ok(scaled(bits as f64, exponent))
}

/// Multiplies by a power of two, in steps that neither overflow nor round early.
fn scaled(mut value: f64, exponent: i64) -> f64 {
    let mut exponent = i32::try_from(exponent.clamp(-4000, 4000)).unwrap_or(0);
    while exponent > 1000 {
        value *= 2.0_f64.powi(1000);
        exponent -= 1000;
    }
    // The value is an integer with at most 53 bits that the result can hold, so these products are exact.
    while exponent < -1000 {
        value *= 2.0_f64.powi(-1000);
        exponent += 1000;
    }
    value * 2.0_f64.powi(exponent)
}
