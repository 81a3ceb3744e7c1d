//! Go's `time`: points in time with a zone, durations, layouts.

mod duration;
mod layout;

use std::any::Any;

use crate::funcs::{Args, Call, Fault};
use crate::session::Moment;
use crate::value::{Object, Signature, Str, Type, Value};
pub use duration::{Duration, DurationError};
pub use layout::LayoutError;

/// A `time.Time`.
#[derive(Debug, Clone)]
pub struct Time {
    /// Since the Unix epoch.
    seconds: i64,
    nanos: u32,
    zone: Zone,
}

/// Where a time is shown: its offset may depend on the date.
#[derive(Debug, Clone, Default)]
pub enum Zone {
    /// Coordinated universal time.
    #[default]
    Utc,
    /// A fixed distance from it, and an abbreviation that may be empty.
    Fixed(i32, String),
    /// A zone of the IANA database.
    Named(jiff::tz::TimeZone),
}

/// A date and time of day as people read it.
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
    pub(super) weekday: u32,
    pub(super) year_day: u32,
    pub(super) offset: i32,
    pub(super) zone: String,
}

/// Go's zero time is 1 January of the year 1.
const ZERO_SECONDS: i64 = -62_135_596_800;

const DAY: i64 = 86_400;

impl Zone {
    /// Finds a zone by name. `Local` and nothing are UTC.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "" | "UTC" | "Local" => Some(Self::Utc),
            name => jiff::tz::TimeZoneDatabase::bundled().get(name).ok().map(Self::Named),
        }
    }

    fn at(&self, seconds: i64) -> (i32, String) {
        match self {
            Self::Utc => (0, "UTC".to_owned()),
            Self::Fixed(offset, name) => (*offset, name.clone()),
            Self::Named(zone) => match jiff::Timestamp::from_second(seconds) {
                Ok(timestamp) => {
                    let info = zone.to_offset_info(timestamp);
                    (info.offset().seconds(), info.abbreviation().to_owned())
                }
                Err(_) => (0, "UTC".to_owned()),
            },
        }
    }
}

impl Time {
    /// The session's clock, in UTC.
    pub fn at(moment: Moment) -> Self {
        Self { seconds: moment.seconds, nanos: moment.nanos, zone: Zone::Utc }
    }

    /// Seconds since the Unix epoch, in UTC.
    pub fn from_unix(seconds: i64) -> Self {
        Self { seconds, nanos: 0, zone: Zone::Utc }
    }

    /// Go's zero time.
    pub fn zero() -> Self {
        Self::from_unix(ZERO_SECONDS)
    }

    /// Seconds since the Unix epoch.
    pub fn unix(&self) -> i64 {
        self.seconds
    }

    /// The same moment, shown in another zone.
    #[must_use]
    pub fn in_zone(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }

    /// Later by a duration, or earlier by a negative one.
    #[must_use]
    pub fn plus(&self, duration: Duration) -> Self {
        const SECOND: i64 = 1_000_000_000;
        let nanos = i64::from(self.nanos) + duration.0.rem_euclid(SECOND);
        Self {
            seconds: self.seconds.saturating_add(duration.0.div_euclid(SECOND)).saturating_add(nanos / SECOND),
            nanos: u32::try_from(nanos % SECOND).unwrap_or(0),
            zone: self.zone.clone(),
        }
    }

    /// How long after `earlier` this is; at most some 292 years.
    pub fn since(&self, earlier: &Self) -> Duration {
        let nanos = (i128::from(self.seconds) - i128::from(earlier.seconds)) * 1_000_000_000 + i128::from(self.nanos)
            - i128::from(earlier.nanos);
        Duration(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
    }

    /// Writes it by a layout, which is the reference time as it should look.
    pub fn format(&self, layout: &str) -> String {
        layout::format(&self.civil(), self.nanos, layout)
    }

    /// Reads a text by a layout; without a zone it is UTC.
    pub fn parse(layout: &str, text: &str) -> Result<Self, LayoutError> {
        layout::parse(layout, text)
    }

    /// As `json.Marshal` writes it.
    pub fn to_rfc3339(&self) -> String {
        self.format("2006-01-02T15:04:05.999999999Z07:00")
    }

    pub(super) fn civil(&self) -> Civil {
        let (offset, zone) = self.zone.at(self.seconds);
        let local = self.seconds.saturating_add(i64::from(offset));
        let days = local.div_euclid(DAY);
        let part = |n: i64| u32::try_from(n).unwrap_or(0);
        let clock = part(local.rem_euclid(DAY));
        let (year, month, day) = civil_of_days(days);
        Civil {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            weekday: part((days + 4).rem_euclid(7)),
            year_day: part(days - days_of_civil(year, 1, 1) + 1),
            offset,
            zone,
        }
    }
}

/// Days since the epoch to year, month and day, by the proleptic Gregorian calendar.
fn civil_of_days(days: i64) -> (i64, u32, u32) {
    // Years begin in March here, so that the leap day is the last of its year.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

fn days_of_civil(year: i64, month: u32, day: u32) -> i64 {
    let shifted_year = year - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let shifted_month = i64::from((month + 9) % 12);
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl Object for Time {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        const NONE: Signature = Signature::exact(&[]);
        match name {
            "Format" => Some(Signature::exact(&[Type::String])),
            "Unix" | "UnixMilli" | "UnixMicro" | "UnixNano" | "Nanosecond" | "Year" | "Month" | "Day" | "Hour"
            | "Minute" | "Second" | "Weekday" | "YearDay" | "String" | "UTC" | "Local" | "IsZero" => Some(NONE),
            "Before" | "After" | "Equal" => Some(Signature::exact(&[Type::Named("time.Time")])),
            "AddDate" => Some(Signature::exact(&[Type::Int, Type::Int, Type::Int])),
            _ => None,
        }
    }

    fn invoke(&self, name: &str, _: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
        let civil = self.civil();
        let since_epoch = self.since(&Self::from_unix(0)).0;
        let other =
            || args.get(0).downcast::<Self>().ok_or_else(|| Fault::message("wrong type for value; expected time.Time"));
        let key = |time: &Self| (time.seconds, time.nanos);
        Ok(match name {
            "Format" => self.format(&args.text(0)?).into(),
            "Unix" => Value::Int64(self.seconds),
            "UnixMilli" => Value::Int64(since_epoch / 1_000_000),
            "UnixMicro" => Value::Int64(since_epoch / 1_000),
            "UnixNano" => Value::Int64(since_epoch),
            "Nanosecond" => Value::Int(i64::from(self.nanos)),
            "Year" => Value::Int(civil.year),
            "Month" => layout::MONTHS[civil.month as usize - 1].into(),
            "Weekday" => layout::WEEKDAYS[civil.weekday as usize].into(),
            "Day" => Value::Int(i64::from(civil.day)),
            "Hour" => Value::Int(i64::from(civil.hour)),
            "Minute" => Value::Int(i64::from(civil.minute)),
            "Second" => Value::Int(i64::from(civil.second)),
            "YearDay" => Value::Int(i64::from(civil.year_day)),
            "String" => self.text().unwrap_or_default().into(),
            "UTC" | "Local" => Value::object(self.clone().in_zone(Zone::Utc)),
            "IsZero" => (self.seconds == ZERO_SECONDS && self.nanos == 0).into(),
            "Before" => (key(self) < key(other()?)).into(),
            "After" => (key(self) > key(other()?)).into(),
            "Equal" => (key(self) == key(other()?)).into(),
            "AddDate" => Value::object(self.plus_date(args.int(0)?, args.int(1)?, args.int(2)?)),
            _ => return Err(Fault::message(format!("time.Time has no method {name}"))),
        })
    }

    fn text(&self) -> Option<Str> {
        Some(self.format("2006-01-02 15:04:05.999999999 -0700 MST").into())
    }
}

impl Time {
    /// Adds to the calendar date; the 31st of a shorter month runs over into the next.
    fn plus_date(&self, years: i64, months: i64, days: i64) -> Self {
        const FAR: i64 = 1_000_000;
        let civil = self.civil();
        let month = i64::from(civil.month) - 1 + months.clamp(-FAR, FAR);
        let year = civil.year + years.clamp(-FAR, FAR) + month.div_euclid(12);
        let first = days_of_civil(year, u32::try_from(month.rem_euclid(12)).unwrap_or(0) + 1, 1);
        let day = first + i64::from(civil.day) - 1 + days.clamp(-FAR * 366, FAR * 366);
        let clock = i64::from(civil.hour * 3600 + civil.minute * 60 + civil.second);
        let seconds = day * DAY + clock - i64::from(civil.offset);
        Self { seconds, nanos: self.nanos, zone: self.zone.clone() }
    }
}
