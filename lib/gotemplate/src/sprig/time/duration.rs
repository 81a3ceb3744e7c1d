//! Spans of time, written `1h15m30.918s`.

use std::fmt;

/// Nanoseconds, negative ones for the past.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub i64);

/// Why a text is no duration, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// It does not follow the grammar, or does not fit.
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    /// A number has no unit.
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    /// A unit is unknown.
    #[error("time: unknown unit {0:?} in duration {1:?}")]
    UnknownUnit(String, String),
}

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Duration {
    /// Whole seconds; what does not fit wraps around, as Go's multiplication does.
    pub fn seconds(seconds: i64) -> Self {
        Self(seconds.wrapping_mul(1_000_000_000))
    }

    /// Reads numbers with units: `-1.5h`, `2h45m`, `300ms`.
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (digits, after) = rest.split_at(number);
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
                return Err(invalid());
            }
            let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
            let (unit, after) = after.split_at(unit);
            let scale = match unit {
                "ns" => 1,
                "us" | "µs" | "μs" => 1_000,
                "ms" => 1_000_000,
                "s" => SECOND,
                "m" => MINUTE,
                "h" => HOUR,
                "" => return Err(DurationError::MissingUnit(text.to_owned())),
                _ => return Err(DurationError::UnknownUnit(unit.to_owned(), text.to_owned())),
            };
            let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
            let nanos = whole.checked_mul(scale).and_then(|nanos| nanos.checked_add(fraction_of(fraction, scale)));
            total = nanos.and_then(|nanos| total.checked_add(nanos)).ok_or_else(invalid)?;
            rest = after;
        }
        let signed = if negative { 0_i64.checked_sub_unsigned(total) } else { i64::try_from(total).ok() };
        signed.map(Self).ok_or_else(invalid)
    }

    /// To the nearest second, half away from zero.
    #[must_use]
    pub fn rounded_to_seconds(self) -> Self {
        let magnitude = (self.0.unsigned_abs() + SECOND / 2) / SECOND * SECOND;
        let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
        Self(if self.0 < 0 { -magnitude } else { magnitude })
    }

    /// Writes only the largest unit that it exceeds: `3mo`, `2h`, `0s`.
    pub fn largest_unit(self) -> String {
        let nanos = self.0.unsigned_abs();
        let units = [(365 * DAY, "y"), (30 * DAY, "mo"), (DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")];
        match units.into_iter().find(|(size, _)| nanos > *size) {
            Some((size, name)) => format!("{}{name}", nanos / size),
            None => "0s".to_owned(),
        }
    }
}

/// Nanoseconds of the digits behind the point; those beyond what matters are dropped.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as Go computes it"
)]
fn fraction_of(digits: &str, scale: u64) -> u64 {
    let digits = &digits[..digits.len().min(18)];
    let value: u64 = digits.parse().unwrap_or(0);
    let power = 10_f64.powi(i32::try_from(digits.len()).unwrap_or(0));
    (value as f64 * (scale as f64 / power)) as u64
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let with_fraction = |whole: u64, rest: u64, digits: usize| {
            let text = format!("{whole}.{rest:0digits$}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        match nanos {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{nanos}ns"),
            1_000..1_000_000 => write!(f, "{}µs", with_fraction(nanos / 1_000, nanos % 1_000, 3)),
            1_000_000..SECOND => write!(f, "{}ms", with_fraction(nanos / 1_000_000, nanos % 1_000_000, 6)),
            _ => {
                if nanos >= HOUR {
                    write!(f, "{}h", nanos / HOUR)?;
                }
                if nanos >= MINUTE {
                    write!(f, "{}m", nanos / MINUTE % 60)?;
                }
                write!(f, "{}s", with_fraction(nanos / SECOND % 60, nanos % SECOND, 9))
            }
        }
    }
}
