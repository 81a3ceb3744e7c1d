//! Layouts: the reference time `Mon Jan 2 15:04:05 MST 2006` as a date should look.

use super::{Civil, Time, Zone, days_of_civil};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Why a text does not follow a layout, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// Something else stands where the layout has this element.
    #[error("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {element:?}")]
    Mismatch {
        /// The whole text.
        text: String,
        /// The whole layout.
        layout: String,
        /// The text from where it differs.
        rest: String,
        /// The layout's element.
        element: String,
    },
    /// Text follows what the layout describes.
    #[error("parsing time {text:?}: extra text: {rest:?}")]
    Extra {
        /// The whole text.
        text: String,
        /// What follows.
        rest: String,
    },
    /// There is no such month, day, hour, minute or second.
    #[error("parsing time {text:?}: {what} out of range")]
    Range {
        /// The whole text.
        text: String,
        /// Which of them.
        what: &'static str,
    },
}

/// An element of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    LongMonth,
    ShortMonth,
    Month { padded: bool },
    LongWeekday,
    ShortWeekday,
    Day { pad: Option<char> },
    YearDay { pad: char },
    Hour,
    Hour12 { padded: bool },
    Minute { padded: bool },
    Second { padded: bool },
    LongYear,
    ShortYear,
    UpperHalf,
    LowerHalf,
    ZoneName,
    Offset { zulu: bool, colon: bool, parts: usize },
    Fraction { digits: usize, trimmed: bool, separator: char },
}

/// Splits a layout into text and the element behind it.
fn next(layout: &str) -> Option<(&str, &str, Element, &str)> {
    layout.char_indices().find_map(|(at, _)| {
        let rest = &layout[at..];
        let (length, element) = element(rest)?;
        Some((&layout[..at], &rest[..length], element, &rest[length..]))
    })
}

fn element(text: &str) -> Option<(usize, Element)> {
    use Element::{
        Day, Hour, Hour12, LongMonth, LongWeekday, LongYear, LowerHalf, Minute, Month, Offset, Second, ShortMonth,
        ShortWeekday, ShortYear, UpperHalf, YearDay, ZoneName,
    };
    const TABLE: &[(&str, Element)] = &[
        ("January", LongMonth),
        ("Monday", LongWeekday),
        ("MST", ZoneName),
        ("2006", LongYear),
        ("_2006", LongYear),
        ("__2", YearDay { pad: ' ' }),
        ("002", YearDay { pad: '0' }),
        ("01", Month { padded: true }),
        ("02", Day { pad: Some('0') }),
        ("03", Hour12 { padded: true }),
        ("04", Minute { padded: true }),
        ("05", Second { padded: true }),
        ("06", ShortYear),
        ("15", Hour),
        ("1", Month { padded: false }),
        ("_2", Day { pad: Some(' ') }),
        ("2", Day { pad: None }),
        ("3", Hour12 { padded: false }),
        ("4", Minute { padded: false }),
        ("5", Second { padded: false }),
        ("PM", UpperHalf),
        ("pm", LowerHalf),
        ("-07:00:00", Offset { zulu: false, colon: true, parts: 3 }),
        ("-070000", Offset { zulu: false, colon: false, parts: 3 }),
        ("-07:00", Offset { zulu: false, colon: true, parts: 2 }),
        ("-0700", Offset { zulu: false, colon: false, parts: 2 }),
        ("-07", Offset { zulu: false, colon: false, parts: 1 }),
        ("Z07:00:00", Offset { zulu: true, colon: true, parts: 3 }),
        ("Z070000", Offset { zulu: true, colon: false, parts: 3 }),
        ("Z07:00", Offset { zulu: true, colon: true, parts: 2 }),
        ("Z0700", Offset { zulu: true, colon: false, parts: 2 }),
        ("Z07", Offset { zulu: true, colon: false, parts: 1 }),
    ];
    let abbreviated = abbreviation(text, "Jan", ShortMonth).or_else(|| abbreviation(text, "Mon", ShortWeekday));
    if abbreviated.is_some() {
        return abbreviated;
    }
    if let Some((name, element)) = TABLE.iter().find(|(name, _)| text.starts_with(name)) {
        // `_2006` is an underscore and a year, not a day and `006`.
        return if *name == "_2006" { None } else { Some((name.len(), *element)) };
    }
    fraction(text)
}

/// `Jan` is a month unless a lower-case letter follows.
fn abbreviation(text: &str, name: &str, element: Element) -> Option<(usize, Element)> {
    let after = text.strip_prefix(name)?;
    (!after.starts_with(|c: char| c.is_ascii_lowercase())).then_some((name.len(), element))
}

/// `.000` and `,999`, unless a digit follows.
fn fraction(text: &str) -> Option<(usize, Element)> {
    let separator = text.chars().next().filter(|c| *c == '.' || *c == ',')?;
    let kind = text[1..].chars().next().filter(|c| *c == '0' || *c == '9')?;
    let digits = text[1..].chars().take_while(|c| *c == kind).count();
    let followed = text[1 + digits..].starts_with(|c: char| c.is_ascii_digit());
    (!followed).then_some((1 + digits, Element::Fraction { digits, trimmed: kind == '9', separator }))
}

pub(super) fn format(civil: &Civil, nanos: u32, layout: &str) -> String {
    let mut out = String::with_capacity(layout.len() + 8);
    let mut rest = layout;
    while let Some((text, _, element, after)) = next(rest) {
        out.push_str(text);
        out.push_str(&show(element, civil, nanos));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn show(element: Element, civil: &Civil, nanos: u32) -> String {
    let padded = |n: u32, padded: bool| if padded { format!("{n:02}") } else { n.to_string() };
    let month = MONTHS[(civil.month as usize - 1) % 12];
    let weekday = WEEKDAYS[civil.weekday as usize % 7];
    let hour12 = if civil.hour.is_multiple_of(12) { 12 } else { civil.hour % 12 };
    match element {
        Element::LongMonth => month.to_owned(),
        Element::ShortMonth => month[..3].to_owned(),
        Element::Month { padded: pad } => padded(civil.month, pad),
        Element::LongWeekday => weekday.to_owned(),
        Element::ShortWeekday => weekday[..3].to_owned(),
        Element::Day { pad: None } => civil.day.to_string(),
        Element::Day { pad: Some(' ') } => format!("{:2}", civil.day),
        Element::Day { pad: Some(_) } => format!("{:02}", civil.day),
        Element::YearDay { pad: ' ' } => format!("{:3}", civil.year_day),
        Element::YearDay { .. } => format!("{:03}", civil.year_day),
        Element::Hour => padded(civil.hour, true),
        Element::Hour12 { padded: pad } => padded(hour12, pad),
        Element::Minute { padded: pad } => padded(civil.minute, pad),
        Element::Second { padded: pad } => padded(civil.second, pad),
        Element::LongYear if civil.year < 0 => format!("-{:04}", civil.year.abs()),
        Element::LongYear => format!("{:04}", civil.year),
        Element::ShortYear => format!("{:02}", civil.year.rem_euclid(100)),
        Element::UpperHalf => if civil.hour < 12 { "AM" } else { "PM" }.to_owned(),
        Element::LowerHalf => if civil.hour < 12 { "am" } else { "pm" }.to_owned(),
        Element::ZoneName if civil.zone.is_empty() => short_offset(civil.offset),
        Element::ZoneName => civil.zone.clone(),
        Element::Offset { zulu: true, .. } if civil.offset == 0 => "Z".to_owned(),
        Element::Offset { colon, parts, .. } => offset(civil.offset, colon, parts),
        Element::Fraction { digits, trimmed, separator } => {
            let all = format!("{nanos:09}");
            let kept = all.chars().chain(std::iter::repeat('0')).take(digits).collect::<String>();
            let kept = if trimmed { kept.trim_end_matches('0') } else { &kept };
            if trimmed && kept.is_empty() { String::new() } else { format!("{separator}{kept}") }
        }
    }
}

fn offset(seconds: i32, colon: bool, parts: usize) -> String {
    let magnitude = seconds.unsigned_abs();
    let fields = [magnitude / 3600, magnitude / 60 % 60, magnitude % 60];
    let texts: Vec<String> = fields.iter().take(parts).map(|n| format!("{n:02}")).collect();
    let sign = if seconds < 0 { '-' } else { '+' };
    format!("{sign}{}", texts.join(if colon { ":" } else { "" }))
}

/// What stands for a zone that has no name: hours, and minutes if there are any.
fn short_offset(seconds: i32) -> String {
    offset(seconds, false, if seconds % 3600 == 0 { 1 } else { 2 })
}

pub(super) fn parse(layout: &str, text: &str) -> Result<Time, LayoutError> {
    let mut reader = Reader { text, rest: text, fields: Fields::default() };
    let mut rest_of_layout = layout;
    loop {
        let (before, name, element, after) = match next(rest_of_layout) {
            Some((before, name, element, after)) => (before, name, Some(element), after),
            None => (rest_of_layout, "", None, ""),
        };
        if !reader.skip(before) {
            return Err(reader.mismatch(layout, before));
        }
        let Some(element) = element else { break };
        if reader.element(element, after).is_none() {
            return Err(reader.mismatch(layout, name));
        }
        if let Some(what) = reader.fields.out_of_range() {
            return Err(LayoutError::Range { text: text.to_owned(), what });
        }
        rest_of_layout = after;
    }
    if !reader.rest.is_empty() {
        return Err(LayoutError::Extra { text: text.to_owned(), rest: reader.rest.to_owned() });
    }
    reader.fields.time().ok_or_else(|| LayoutError::Range { text: text.to_owned(), what: "day" })
}

/// What a text has told so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    half: Option<u32>,
    offset: Option<i32>,
    zone: Option<String>,
}

impl Fields {
    fn out_of_range(&self) -> Option<&'static str> {
        match self {
            _ if self.month.is_some_and(|month| !(1..=12).contains(&month)) => Some("month"),
            _ if self.hour > 23 => Some("hour"),
            _ if self.minute > 59 => Some("minute"),
            _ if self.second > 59 => Some("second"),
            _ => None,
        }
    }

    fn time(self) -> Option<Time> {
        let days = match self.year_day {
            Some(day) if self.month.is_none() => days_of_civil(self.year, 1, 1) + i64::from(day) - 1,
            _ => {
                let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
                let next = if month == 12 { (self.year + 1, 1) } else { (self.year, month + 1) };
                let length = days_of_civil(next.0, next.1, 1) - days_of_civil(self.year, month, 1);
                if day == 0 || i64::from(day) > length {
                    return None;
                }
                days_of_civil(self.year, month, day)
            }
        };
        let hour = match self.half {
            Some(half) => self.hour % 12 + half,
            None => self.hour,
        };
        let clock = i64::from(hour * 3600 + self.minute * 60 + self.second);
        let (offset, zone) = match (self.offset, self.zone) {
            (Some(0) | None, None) => (0, Zone::Utc),
            (Some(offset), name) => (offset, Zone::Fixed(offset, name.unwrap_or_default())),
            (None, Some(name)) if name == "UTC" => (0, Zone::Utc),
            (None, Some(name)) => (0, Zone::Fixed(0, name)),
        };
        Some(Time { seconds: days * super::DAY + clock - i64::from(offset), nanos: self.nanos, zone })
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    fields: Fields,
}

impl Reader<'_> {
    fn mismatch(&self, layout: &str, element: &str) -> LayoutError {
        LayoutError::Mismatch {
            text: self.text.to_owned(),
            layout: layout.to_owned(),
            rest: self.rest.to_owned(),
            element: element.to_owned(),
        }
    }

    /// Skips text of the layout; runs of spaces in it match any number of spaces.
    fn skip(&mut self, expected: &str) -> bool {
        let mut expected = expected;
        while let Some(c) = expected.chars().next() {
            if c == ' ' {
                if !self.rest.is_empty() && !self.rest.starts_with(' ') {
                    return false;
                }
                expected = expected.trim_start_matches(' ');
                self.rest = self.rest.trim_start_matches(' ');
            } else {
                let Some(rest) = self.rest.strip_prefix(c) else { return false };
                self.rest = rest;
                expected = &expected[c.len_utf8()..];
            }
        }
        true
    }

    /// Reads between `least` and `most` digits.
    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let digits = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if digits < least {
            return None;
        }
        let number = self.rest[..digits].parse().ok()?;
        self.rest = &self.rest[digits..];
        Some(number)
    }

    /// Reads one of some names, whichever its case; returns which.
    fn name(&mut self, names: &[&str], length: usize) -> Option<u32> {
        let found = names.iter().position(|name| {
            let name = name.get(..length).unwrap_or(name);
            self.rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        })?;
        self.rest = &self.rest[names[found].len().min(length)..];
        u32::try_from(found).ok()
    }

    fn element(&mut self, element: Element, after: &str) -> Option<()> {
        match element {
            Element::LongMonth => self.fields.month = Some(self.name(&MONTHS, usize::MAX)? + 1),
            Element::ShortMonth => self.fields.month = Some(self.name(&MONTHS, 3)? + 1),
            Element::Month { padded } => self.fields.month = Some(self.number(1 + usize::from(padded), 2)?),
            Element::LongWeekday => drop(self.name(&WEEKDAYS, usize::MAX)?),
            Element::ShortWeekday => drop(self.name(&WEEKDAYS, 3)?),
            Element::Day { pad } => {
                if pad == Some(' ') {
                    self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
                }
                self.fields.day = Some(self.number(1, 2)?);
            }
            Element::YearDay { pad } => {
                let spaces = if pad == ' ' { self.rest.bytes().take(2).take_while(|b| *b == b' ').count() } else { 0 };
                self.rest = &self.rest[spaces..];
                self.fields.year_day = Some(self.number(3 - spaces, 3 - spaces)?);
            }
            Element::Hour => self.fields.hour = self.number(1, 2)?,
            Element::Hour12 { padded } => {
                let hour = self.number(1 + usize::from(padded), 2)?;
                self.fields.hour = if hour > 12 { 24 } else { hour };
            }
            Element::Minute { padded } => self.fields.minute = self.number(1 + usize::from(padded), 2)?,
            Element::Second { padded } => {
                self.fields.second = self.number(1 + usize::from(padded), 2)?;
                // A fraction may follow the seconds though the layout has none.
                if self.rest.starts_with(['.', ',']) && fraction(after).is_none() {
                    let digits = self.rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                    if digits > 0 {
                        self.fraction(digits)?;
                    }
                }
            }
            Element::LongYear => self.fields.year = i64::from(self.number(4, 4)?),
            Element::ShortYear => {
                let year = i64::from(self.number(2, 2)?);
                self.fields.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            Element::UpperHalf => self.half("AM", "PM")?,
            Element::LowerHalf => self.half("am", "pm")?,
            Element::ZoneName => self.zone_name()?,
            Element::Offset { zulu, colon, parts } => self.offset(zulu, colon, parts)?,
            Element::Fraction { digits, trimmed: false, .. } => {
                let given = self.rest.get(1..)?.bytes().take_while(u8::is_ascii_digit).count();
                if !self.rest.starts_with(['.', ',']) || given < digits {
                    return None;
                }
                self.fraction(digits)?;
            }
            Element::Fraction { .. } => {
                let digits = self.rest.get(1..).unwrap_or_default().bytes().take_while(u8::is_ascii_digit).count();
                if self.rest.starts_with(['.', ',']) && digits > 0 {
                    self.fraction(digits.min(9))?;
                }
            }
        }
        Some(())
    }

    fn half(&mut self, morning: &str, afternoon: &str) -> Option<()> {
        let half = if self.rest.starts_with(morning) {
            0
        } else if self.rest.starts_with(afternoon) {
            12
        } else {
            return None;
        };
        self.rest = &self.rest[2..];
        self.fields.half = Some(half);
        Some(())
    }

    fn fraction(&mut self, digits: usize) -> Option<()> {
        let text: String = self.rest.get(1..=digits)?.chars().chain(std::iter::repeat('0')).take(9).collect();
        self.fields.nanos = text.parse().ok()?;
        self.rest = &self.rest[1 + digits..];
        Some(())
    }

    /// Three or four capital letters; their meaning is not known here, so the offset is zero.
    fn zone_name(&mut self) -> Option<()> {
        let letters = self.rest.bytes().take_while(u8::is_ascii_uppercase).count();
        let length = match letters {
            3 => 3,
            4 if self.rest[..4].ends_with('T') || &self.rest[..4] == "WITA" => 4,
            5 if self.rest[..5].ends_with("ST") => 5,
            _ => return None,
        };
        self.fields.zone = Some(self.rest[..length].to_owned());
        self.rest = &self.rest[length..];
        Some(())
    }

    fn offset(&mut self, zulu: bool, colon: bool, parts: usize) -> Option<()> {
        if zulu && let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            self.fields.offset = Some(0);
            return Some(());
        }
        let sign = match self.rest.bytes().next()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.rest = &self.rest[1..];
        let mut seconds = 0;
        for (i, scale) in [3600, 60, 1].into_iter().take(parts).enumerate() {
            if i > 0 && colon {
                self.rest = self.rest.strip_prefix(':')?;
            }
            seconds += i32::try_from(self.number(2, 2)?).ok()? * scale;
        }
        self.fields.offset = Some(sign * seconds);
        Some(())
    }
}
