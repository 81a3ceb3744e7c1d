//! Durations as Go writes and reads them: `1h5m0s`, `1.5s`, `750ms`.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A span of time, at most Go's 2^63-1 nanoseconds (292 years) and never negative.
///
/// # Source
/// `time.ParseDuration` and `time.Duration.String` of Go; see the tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(std::time::Duration);

/// The text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid duration {text:?}: expected numbers with units (h, m, s, ms, us, ns), such as 1h30m or 90s")]
pub struct DurationError {
    /// What was given.
    pub text: String,
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(std::time::Duration::ZERO);

    /// Makes a duration of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// The same as the standard library has it.
    pub const fn to_std(self) -> std::time::Duration {
        self.0
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// This less the other, and nothing where the other is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Cuts off what is less than a millisecond, as people need no more.
    #[must_use]
    pub fn to_millis(self) -> Self {
        let whole = self.0;
        Self(std::time::Duration::new(whole.as_secs(), whole.subsec_millis() * 1_000_000))
    }
}

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Self(duration)
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text)
            .map(|nanos| Self(std::time::Duration::from_nanos(nanos)))
            .ok_or_else(|| DurationError { text: text.to_owned() })
    }
}

/// Adds up the parts of a duration, in nanoseconds.
fn parse(text: &str) -> Option<u64> {
    const MOST: u64 = i64::MAX.unsigned_abs();
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit = nanoseconds(unit)?;
        let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
        let part = whole.checked_mul(unit)?.checked_add(fraction_of(fraction, unit))?;
        total = total.checked_add(part).filter(|total| *total <= MOST)?;
        rest = after;
    }
    Some(total)
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The nanoseconds of a unit, by Go's names; both signs for micro count.
fn nanoseconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60 * 1_000_000_000,
        "h" => 3600 * 1_000_000_000,
        _ => return None,
    })
}

/// The nanoseconds of the digits after the point; those that no longer count are cut off.
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let mut value = 0u128;
    let mut scale = 1u128;
    // 18 digits are more than a nanosecond can be of an hour.
    for digit in digits.bytes().take(18) {
        value = value * 10 + u128::from(digit - b'0');
        scale *= 10;
    }
    u64::try_from(u128::from(unit) * value / scale).unwrap_or_default()
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let nanos = self.0.subsec_nanos();
        if seconds == 0 {
            return match nanos {
                0 => f.write_str("0s"),
                1..1_000 => write!(f, "{nanos}ns"),
                1_000..1_000_000 => write_with_fraction(f, u64::from(nanos / 1_000), nanos % 1_000, 3, "\u{b5}s"),
                _ => write_with_fraction(f, u64::from(nanos / 1_000_000), nanos % 1_000_000, 6, "ms"),
            };
        }
        if seconds >= 3600 {
            write!(f, "{}h", seconds / 3600)?;
        }
        if seconds >= 60 {
            write!(f, "{}m", seconds / 60 % 60)?;
        }
        write_with_fraction(f, seconds % 60, nanos, 9, "s")
    }
}

fn write_with_fraction(
    f: &mut fmt::Formatter<'_>,
    whole: u64,
    fraction: u32,
    digits: usize,
    unit: &str,
) -> fmt::Result {
    if fraction == 0 {
        return write!(f, "{whole}{unit}");
    }
    let fraction = format!("{fraction:0digits$}");
    write!(f, "{whole}.{}{unit}", fraction.trim_end_matches('0'))
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, printed: &str) {
        let duration: Duration = text.parse().unwrap();
        assert_eq!(duration.to_string(), printed, "{text}");
        assert_eq!(printed.parse::<Duration>().unwrap(), duration, "{text} read back");
    }

    #[test]
    fn durations_read_and_print_as_in_go() {
        for (text, printed) in [
            ("0", "0s"),
            ("+0", "0s"),
            ("0s", "0s"),
            ("1h5m0s", "1h5m0s"),
            ("10m", "10m0s"),
            ("90s", "1m30s"),
            ("60m", "1h0m0s"),
            ("1.5s", "1.5s"),
            (".5s", "500ms"),
            ("1.s", "1s"),
            ("750ms", "750ms"),
            ("1500us", "1.5ms"),
            ("1\u{b5}s", "1\u{b5}s"),
            ("1\u{3bc}s", "1\u{b5}s"),
            ("100ns", "100ns"),
            ("1.000000001s", "1.000000001s"),
            ("0.3333333333333333333h", "19m59.999999999s"),
            ("1s1s", "2s"),
            ("3m1h", "1h3m0s"),
            ("9223372036s", "2562047h47m16s"),
            ("9223372036854775807ns", "2562047h47m16.854775807s"),
        ] {
            check(text, printed);
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            " ",
            "3",
            "s",
            ".",
            ".s",
            "-",
            "-5m",
            "1d",
            "1 s",
            "1h ",
            "1x",
            "1hm",
            "9223372036854775808ns",
            "3000000h",
            "1e3s",
            "99999999999999999999s",
        ] {
            let error = text.parse::<Duration>().unwrap_err();
            assert_eq!(error.text, text);
        }
    }
}
