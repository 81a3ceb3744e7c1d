//! Quantities: the numbers with suffixes in which Kubernetes counts resources, as `100m`, `1.5Gi`, `2e3`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Thousand-millionth parts of one: the smallest step that a quantity can take.
const NANO: i128 = 1_000_000_000;
/// The largest quantity; what is larger is cut to it.
const LARGEST: i128 = i64::MAX as i128 * NANO;

/// A number of something. Displays in its one canonical form: `1000m` as `1`, `1024Mi` as `1Gi`.
///
/// # Source
/// `k8s.io/apimachinery/pkg/api/resource`; the tests hold values that the real API server returned.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// Powers of 1024: `Ki`, `Mi`.
    Binary,
    /// Powers of 1000: `m`, `k`, `M`.
    Decimal,
    /// `2e3`.
    Exponent,
}

/// A text that is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// It does not look like one.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// The letters behind the number mean nothing.
    #[error("unable to parse quantity's suffix")]
    Suffix,
    /// The number is none.
    #[error("unable to parse numeric part of quantity")]
    Number,
}

impl Quantity {
    /// A whole number of ones.
    pub fn whole(number: i64) -> Self {
        Self { nanos: i128::from(number) * NANO, format: Format::Decimal }
    }

    /// The sum, in the form of the first unless that is nothing; cut to the largest.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let format = if self.nanos == 0 { other.format } else { self.format };
        Self { nanos: (self.nanos + other.nanos).clamp(-LARGEST, LARGEST), format }
    }

    /// The difference, in the form of the first; cut to the largest.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self { nanos: (self.nanos - other.nanos).clamp(-LARGEST, LARGEST), format: self.format }
    }

    /// Rounded away from zero to thousandths.
    #[must_use]
    pub fn in_thousandths(self) -> Self {
        let step = NANO / 1000;
        let rest = self.nanos % step;
        let nanos = if rest == 0 { self.nanos } else { self.nanos - rest + step * self.nanos.signum() };
        Self { nanos, ..self }
    }

    /// -1, 0 or 1.
    pub fn sign(self) -> i64 {
        i64::from(self.nanos.signum() == 1) - i64::from(self.nanos.signum() == -1)
    }

    /// The whole number that it is, if it is one.
    pub fn as_whole(self) -> Option<i64> {
        (self.nanos % NANO == 0).then(|| i64::try_from(self.nanos / NANO).ok()).flatten()
    }

    /// About as much.
    #[expect(clippy::cast_precision_loss, reason = "approximate by its name")]
    pub fn approximately(self) -> f64 {
        self.nanos as f64 / NANO as f64
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    /// Reads a quantity. What is finer than a thousand-millionth is rounded away from zero.
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let end = unsigned.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (before, after) = number.split_once('.').unwrap_or((number, ""));
        if after.contains('.') {
            return Err(QuantityError::Number);
        }
        if before.is_empty() && after.is_empty() {
            return Err(QuantityError::Format);
        }
        let (base, exponent, format) = unit(suffix)?;
        let nanos = scaled(before, after, base, exponent);
        Ok(Self { nanos: if negative { -nanos } else { nanos }, format })
    }
}

/// The unit that a suffix means: base, exponent and form.
fn unit(suffix: &str) -> Result<(u32, i32, Format), QuantityError> {
    let decimal = |exponent| Ok((10, exponent, Format::Decimal));
    let binary = |exponent| Ok((2, exponent, Format::Binary));
    match suffix {
        "" => decimal(0),
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => match suffix.strip_prefix(['e', 'E']).map(str::parse::<i32>) {
            Some(Ok(exponent)) => Ok((10, exponent, Format::Exponent)),
            _ if suffix.bytes().all(|b| b.is_ascii_digit() || b"eEinumkKMGTP+-".contains(&b)) => {
                Err(QuantityError::Suffix)
            }
            _ => Err(QuantityError::Format),
        },
    }
}

/// The digits before and after the point in thousand-millionths, rounded up, cut to the largest.
fn scaled(before: &str, after: &str, base: u32, exponent: i32) -> i128 {
    let mut digits: i128 = 0;
    // How many of the digits stand behind the point.
    let mut places: i32 = 0;
    let mut inexact = false;
    let all = before.bytes().map(|byte| (byte, false)).chain(after.bytes().map(|byte| (byte, true)));
    for (byte, is_behind) in all {
        let digit = i128::from(byte - b'0');
        // More digits than these are only worth a rounding, or are far beyond the largest.
        if digits > i128::from(i64::MAX) {
            inexact |= digit != 0;
            places -= i32::from(!is_behind);
        } else {
            digits = digits * 10 + digit;
            places += i32::from(is_behind);
        }
    }
    if digits == 0 {
        return 0;
    }
    let mut tens = 9 - places;
    if base == 2 {
        // At most 2^64 × 2^60: inside 128 bits.
        digits = digits.saturating_mul(1 << exponent.clamp(0, 60));
    } else {
        tens = tens.saturating_add(exponent);
    }
    for _ in 0..tens.clamp(0, 40) {
        digits = digits.saturating_mul(10);
    }
    for _ in 0..(-tens).clamp(0, 60) {
        inexact |= digits % 10 != 0;
        digits /= 10;
    }
    (digits + i128::from(inexact)).clamp(1, LARGEST)
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        let is_large = self.nanos.abs() >= 1024 * NANO && self.nanos % NANO == 0;
        if self.format == Format::Binary && is_large {
            let (number, times) = without_factor(self.nanos / NANO, 1024, 6);
            let suffix = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].get(times).copied().unwrap_or_default();
            return write!(f, "{number}{suffix}");
        }
        // Powers of 1000 of a thousand-millionth.
        let (number, times) = without_factor(self.nanos, 1000, 9);
        if self.format == Format::Exponent {
            let exponent = i32::try_from(times).unwrap_or_default() * 3 - 9;
            return if exponent == 0 { write!(f, "{number}") } else { write!(f, "{number}e{exponent}") };
        }
        let suffix = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].get(times).copied().unwrap_or_default();
        write!(f, "{number}{suffix}")
    }
}

/// The number divided by a factor as often as it goes, at most so many times, and how often that was.
fn without_factor(mut number: i128, factor: i128, most: usize) -> (i128, usize) {
    let mut times = 0;
    while times < most && number % factor == 0 {
        number /= factor;
        times += 1;
    }
    (number, times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_print_in_one_form() {
        for (text, canonical) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.", "1"),
            ("100m", "100m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("1000Ki", "1000Ki"),
            ("1e3", "1e3"),
            ("1500e0", "1500"),
            ("1E", "1E"),
            ("10E", "9223372036854775807"),
            ("1000", "1k"),
            ("1000000", "1M"),
            ("1234", "1234"),
            ("1000Mi", "1000Mi"),
            ("0", "0"),
            ("0Gi", "0"),
            ("-1000m", "-1"),
            ("+1", "1"),
            ("0.1n", "1n"),
            ("1.23456789012n", "2n"),
            ("100000000000000000000000000000", "9223372036854775807"),
        ] {
            assert_eq!(
                text.parse::<Quantity>().map(|quantity| quantity.to_string()),
                Ok(canonical.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused_in_upstreams_words() {
        for (text, expected) in [
            ("", QuantityError::Format),
            ("lots", QuantityError::Format),
            ("1.2.3", QuantityError::Number),
            ("10Kib", QuantityError::Format),
            ("10Km", QuantityError::Suffix),
            ("1 Gi", QuantityError::Format),
            ("1e", QuantityError::Suffix),
        ] {
            assert_eq!(text.parse::<Quantity>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn quantities_compare_and_add_whatever_their_form() {
        let of = |text: &str| text.parse::<Quantity>().unwrap();
        assert_eq!(of("1Gi"), of("1024Mi"));
        assert!(of("1G") < of("1Gi"));
        assert_eq!(of("1Gi").plus(of("1Gi")).to_string(), "2Gi");
        assert_eq!(of("1").minus(of("1500m")).to_string(), "-500m");
        assert_eq!(of("1.0001m").in_thousandths().to_string(), "2m");
        assert_eq!((of("3").as_whole(), of("3.5").as_whole(), of("-2").sign()), (Some(3), None, -1));
    }
}
