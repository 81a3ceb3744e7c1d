//! Floating-point numbers as Go writes them.

use std::fmt::Write as _;

/// How `strconv.FormatFloat` writes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatFormat {
    /// `b`: `4503599627370496p-52`
    Binary,
    /// `e`: `1.5e+06`
    Exponent,
    /// `f`: `1500000`
    Plain,
    /// `g`: `e` for large exponents, else `f`.
    Shorter,
    /// `x`: `0x1.8p+01`
    Hexadecimal,
}

/// More digits than any `f64` has, before or after its point: what is asked for beyond is zeros.
const MAX_DIGITS: usize = 1100;

/// Writes a number as `strconv.FormatFloat` does.
///
/// Without a precision it takes the fewest digits that read back as the same number.
pub fn format_float(value: f64, format: FloatFormat, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let mut out = String::new();
    if value.is_sign_negative() {
        out.push('-');
    }
    let value = value.abs();
    match (format, precision) {
        (FloatFormat::Binary, _) => binary(&mut out, value),
        (FloatFormat::Hexadecimal, _) => hexadecimal(&mut out, value, precision),
        (FloatFormat::Exponent, None) => {
            let digits = Digits::shortest(value);
            digits.exponent(&mut out, digits.text.len().saturating_sub(1));
        }
        (FloatFormat::Exponent, Some(precision)) => {
            Digits::rounded(value, precision.saturating_add(1)).exponent(&mut out, precision);
        }
        (FloatFormat::Plain, None) => {
            let digits = Digits::shortest(value);
            digits.plain(&mut out, digits.decimals());
        }
        (FloatFormat::Plain, Some(precision)) => {
            let known = precision.min(MAX_DIGITS);
            let _ = write!(out, "{value:.known$}");
            out.extend(std::iter::repeat_n('0', precision - known));
        }
        (FloatFormat::Shorter, None) => Digits::shortest(value).shorter(&mut out, None),
        (FloatFormat::Shorter, Some(precision)) => {
            let precision = precision.max(1);
            Digits::rounded(value, precision).shorter(&mut out, Some(precision));
        }
    }
    out
}

/// Decimal digits without trailing zeros, and where the point stands: `0.text × 10^point`.
struct Digits {
    text: String,
    point: i32,
}

impl Digits {
    /// The fewest digits that read back as the same number. Of two that are equally near, Go takes the even one.
    fn shortest(value: f64) -> Self {
        let shortest = Self::parse(&format!("{value:e}"));
        if shortest.text.len() >= 15 {
            let even = format!("{value:.*e}", shortest.text.len() - 1);
            if even.parse() == Ok(value) {
                return Self::parse(&even);
            }
        }
        shortest
    }

    fn rounded(value: f64, digits: usize) -> Self {
        Self::parse(&format!("{value:.*e}", digits.clamp(1, MAX_DIGITS) - 1))
    }

    fn parse(scientific: &str) -> Self {
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
        let mut text: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        text.truncate(text.trim_end_matches('0').len());
        let point = if text.is_empty() { 0 } else { exponent.parse::<i32>().unwrap_or(0) + 1 };
        Self { text, point }
    }

    /// How many digits stand behind the point.
    fn decimals(&self) -> usize {
        usize::try_from(i64::try_from(self.text.len()).unwrap_or(0) - i64::from(self.point)).unwrap_or(0)
    }

    fn exponent(&self, out: &mut String, precision: usize) {
        let mut digits = self.text.chars();
        out.push(digits.next().unwrap_or('0'));
        if precision > 0 {
            out.push('.');
            let behind = digits.as_str();
            let behind = behind.get(..precision).unwrap_or(behind);
            out.push_str(behind);
            out.extend(std::iter::repeat_n('0', precision - behind.len()));
        }
        let exponent = if self.text.is_empty() { 0 } else { self.point - 1 };
        let _ = write!(out, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
    }

    fn plain(&self, out: &mut String, precision: usize) {
        let whole = usize::try_from(self.point).unwrap_or(0);
        if whole == 0 {
            out.push('0');
        } else {
            out.extend(self.text.chars().chain(std::iter::repeat('0')).take(whole));
        }
        if precision > 0 {
            out.push('.');
            let zeros = usize::try_from(-self.point).unwrap_or(0);
            let behind = self.text.get(whole..).unwrap_or_default();
            let digits = std::iter::repeat_n('0', zeros).chain(behind.chars()).chain(std::iter::repeat('0'));
            out.extend(digits.take(precision));
        }
    }

    fn shorter(&self, out: &mut String, precision: Option<usize>) {
        let count = self.text.len();
        let limit = match precision {
            None => 6,
            // A number that its digits write out whole needs no exponent unless it exceeds them.
            Some(precision) if precision > count && i64::try_from(count).unwrap_or(0) >= i64::from(self.point) => count,
            Some(precision) => precision,
        };
        let exponent = self.point - 1;
        if exponent < -4 || i64::from(exponent) >= i64::try_from(limit).unwrap_or(i64::MAX) {
            self.exponent(out, precision.unwrap_or(count).min(count).saturating_sub(1));
        } else {
            self.plain(out, self.decimals());
        }
    }
}

/// The mantissa as an integer and its binary exponent.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let mantissa = bits & ((1 << 52) - 1);
    match i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0) {
        0 => (mantissa, -1074),
        exponent => (mantissa | (1 << 52), exponent - 1075),
    }
}

fn binary(out: &mut String, value: f64) {
    let (mantissa, exponent) = parts(value);
    let _ = write!(out, "{mantissa}p{exponent:+}");
}

fn hexadecimal(out: &mut String, value: f64, precision: Option<usize>) {
    let (mut mantissa, mut exponent) = parts(value);
    if mantissa == 0 {
        exponent = 0;
    } else {
        // The leading one stands at bit 60, with 15 hexadecimal digits behind it.
        let shift = mantissa.leading_zeros() - 3;
        mantissa <<= shift;
        exponent += 60 - i32::try_from(shift).unwrap_or(0);
    }
    if let Some(precision) = precision.filter(|&precision| precision < 15) {
        let cut = 60 - 4 * u32::try_from(precision).unwrap_or(0);
        let (half, rest) = (1_u64 << (cut - 1), mantissa & ((1 << cut) - 1));
        mantissa >>= cut;
        if rest > half || (rest == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= cut;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let _ = write!(out, "0x{}", mantissa >> 60);
    let digits = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let digits = match precision {
        None => digits.trim_end_matches('0').to_owned(),
        Some(precision) => {
            let mut digits: String = digits.chars().take(precision).collect();
            digits.extend(std::iter::repeat_n('0', precision - digits.len()));
            digits
        }
    };
    if !digits.is_empty() {
        out.push('.');
        out.push_str(&digits);
    }
    let _ = write!(out, "p{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
}
