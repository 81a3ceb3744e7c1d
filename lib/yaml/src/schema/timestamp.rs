//! Timestamps in the four layouts that Go's YAML libraries accept.

use std::fmt::Write as _;

/// Whether Go would take the text for a timestamp.
pub(crate) fn is_timestamp(text: &str) -> bool {
    // Cheap and decisive for nearly all scalars: four digits and a dash.
    let bytes = text.as_bytes();
    bytes.len() >= 8 && bytes[4] == b'-' && bytes[..4].iter().all(u8::is_ascii_digit) && Moment::parse(text).is_some()
}

/// The timestamp as Go's JSON prints it: RFC 3339, the fraction without trailing zeros, in its own time zone.
pub(super) fn normalise(text: &str) -> Option<String> {
    let moment = Moment::parse(text)?;
    let Moment { year, month, day, hour, minute, second, nanos, offset } = moment;
    // JSON has no place for an offset of a whole day.
    if offset.abs() >= 24 * 60 {
        return None;
    }
    let mut printed = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if nanos != 0 {
        let fraction = format!("{nanos:09}");
        printed.push('.');
        printed.push_str(fraction.trim_end_matches('0'));
    }
    if offset == 0 {
        printed.push('Z');
    } else {
        let sign = if offset < 0 { '-' } else { '+' };
        let offset = offset.abs();
        // Writing to a string cannot fail.
        let _ = write!(printed, "{sign}{:02}:{:02}", offset / 60, offset % 60);
    }
    Some(printed)
}

struct Moment {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    /// Minutes east of UTC.
    offset: i32,
}

impl Moment {
    fn parse(text: &str) -> Option<Self> {
        let mut rest = Rest(text.as_bytes());
        let year = rest.digits(4)?;
        rest.literal(b'-')?;
        let month = rest.short()?;
        rest.literal(b'-')?;
        let day = rest.short()?;
        if !(1..=12).contains(&month) || day < 1 || day > days(year, month) {
            return None;
        }
        let mut moment = Self { year, month, day, hour: 0, minute: 0, second: 0, nanos: 0, offset: 0 };
        match rest.0 {
            [] => return Some(moment),
            [b'T' | b't', ..] => {
                rest.0 = &rest.0[1..];
                moment.clock(&mut rest)?;
                moment.offset = rest.zone()?;
            }
            [b' ', ..] => {
                while let [b' ', after @ ..] = rest.0 {
                    rest.0 = after;
                }
                moment.clock(&mut rest)?;
            }
            _ => return None,
        }
        rest.0.is_empty().then_some(moment)
    }

    fn clock(&mut self, rest: &mut Rest<'_>) -> Option<()> {
        self.hour = rest.short()?;
        rest.literal(b':')?;
        self.minute = rest.short()?;
        rest.literal(b':')?;
        self.second = rest.short()?;
        self.nanos = rest.fraction();
        (self.hour < 24 && self.minute < 60 && self.second < 60).then_some(())
    }
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// What is still to be parsed.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn literal(&mut self, byte: u8) -> Option<()> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        (first == byte).then_some(())
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        let (number, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        number.iter().try_fold(0u32, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
    }

    /// One digit, or two where two stand.
    fn short(&mut self) -> Option<u32> {
        let count = if self.0.get(1).is_some_and(u8::is_ascii_digit) { 2 } else { 1 };
        self.digits(count)
    }

    /// Nanoseconds after a point or comma; digits beyond the ninth are dropped.
    fn fraction(&mut self) -> u32 {
        let [b'.' | b',', digits @ ..] = self.0 else {
            return 0;
        };
        let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        if count == 0 {
            return 0;
        }
        self.0 = &digits[count..];
        (0..9).fold(0, |sum, i| {
            let digit = if i < count { digits.get(i).map_or(0, |b| u32::from(b - b'0')) } else { 0 };
            sum * 10 + digit
        })
    }

    fn zone(&mut self) -> Option<i32> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        let sign = match first {
            b'Z' => return Some(0),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = self.digits(2)?;
        self.literal(b':')?;
        let minutes = self.digits(2)?;
        // Go lets 24 hours and 60 minutes pass.
        if hours > 24 || minutes > 60 {
            return None;
        }
        Some(sign * i32::try_from(hours * 60 + minutes).ok()?)
    }
}
