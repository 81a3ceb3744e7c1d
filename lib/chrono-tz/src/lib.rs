//! Named time zones for `cel`, which asks the crate `chrono-tz` for them: what it calls of that crate, answered from jiff's database.
//!
//! `chrono-tz` holds every zone as constants with pointers in them: a megabyte of them has to be relocated whenever the program starts,
//! a quarter of the time that it takes. Templates need jiff's database anyway, which is read where it lies.

use std::str::FromStr;

use chrono::{FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone, Utc};
use jiff::{
    Timestamp,
    tz::{AmbiguousOffset, TimeZone as Zone, TimeZoneDatabase},
};

/// Universal time.
pub const UTC: Tz = Tz(Zone::UTC);

/// A zone with its history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tz(Zone);

/// What a zone adds to universal time at some moment.
#[derive(Clone, Debug)]
pub struct Offset {
    zone: Tz,
    fixed: FixedOffset,
}

/// No zone has this name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ParseError;

impl FromStr for Tz {
    type Err = ParseError;

    /// The zone of an IANA name, in exactly its letters: `Europe/Berlin`.
    fn from_str(name: &str) -> Result<Self, ParseError> {
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| ParseError)?;
        if zone.iana_name() == Some(name) { Ok(Self(zone)) } else { Err(ParseError) }
    }
}

impl Tz {
    fn offset(&self, offset: jiff::tz::Offset) -> Offset {
        // No zone has ever been a day away.
        let fixed = FixedOffset::east_opt(offset.seconds()).unwrap_or(Utc.fix());
        Offset { zone: self.clone(), fixed }
    }
}

impl TimeZone for Tz {
    type Offset = Offset;

    fn from_offset(offset: &Offset) -> Self {
        offset.zone.clone()
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<Offset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<Offset> {
        let Some(local) = timestamp(local).map(|local| jiff::tz::Offset::UTC.to_datetime(local)) else {
            return MappedLocalTime::None;
        };
        match self.0.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => MappedLocalTime::Single(self.offset(offset)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
            AmbiguousOffset::Fold { before, after } => {
                MappedLocalTime::Ambiguous(self.offset(before), self.offset(after))
            }
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> Offset {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> Offset {
        // Before the year -9999 and after 9999 there are no rules.
        self.offset(timestamp(utc).map_or(jiff::tz::Offset::UTC, |utc| self.0.to_offset(utc)))
    }
}

impl chrono::Offset for Offset {
    fn fix(&self) -> FixedOffset {
        self.fixed
    }
}

fn timestamp(universal: &NaiveDateTime) -> Option<Timestamp> {
    Timestamp::from_second(universal.and_utc().timestamp()).ok()
}

#[cfg(test)]
mod tests;
