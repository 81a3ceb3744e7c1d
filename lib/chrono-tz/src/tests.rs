//! Moments and clocks in zones.

use chrono::{DateTime, MappedLocalTime, NaiveDate, TimeZone};

use super::*;

fn at(text: &str, zone: &str) -> String {
    let zone: Tz = zone.parse().unwrap();
    format!("{:?}", DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&zone).fixed_offset())
}

#[test]
fn a_moment_is_told_in_a_zone() {
    assert_eq!(at("2024-07-01T12:00:00Z", "Europe/Berlin"), "2024-07-01T14:00:00+02:00");
    assert_eq!(at("2024-01-01T12:00:00Z", "Europe/Berlin"), "2024-01-01T13:00:00+01:00");
    assert_eq!(at("2024-01-01T12:00:00+05:00", "America/New_York"), "2024-01-01T02:00:00-05:00");
    assert_eq!(at("1890-01-01T12:00:00Z", "Asia/Kolkata"), "1890-01-01T17:21:10+05:21:10");
    assert_eq!(at("2024-01-01T12:00:00Z", "UTC"), "2024-01-01T12:00:00+00:00");
    assert_eq!(at("0001-01-01T00:00:00Z", "America/Los_Angeles"), "0000-12-31T16:07:02-07:52:58");
}

#[test]
fn names_are_exact() {
    for name in ["europe/berlin", "Europe/Nowhere", "+02:00", ""] {
        assert_eq!(name.parse::<Tz>(), Err(ParseError), "{name}");
    }
}

#[test]
fn a_clock_shows_some_times_twice_and_some_never() {
    let zone: Tz = "Europe/Berlin".parse().unwrap();
    let at = |day, month, hour| {
        NaiveDate::from_ymd_opt(2024, month, day).and_then(|date| date.and_hms_opt(hour, 30, 0)).unwrap()
    };
    let shown = |local| zone.from_local_datetime(&local).map(|time| format!("{:?}", time.fixed_offset()));
    assert_eq!(shown(at(1, 1, 2)), MappedLocalTime::Single("2024-01-01T02:30:00+01:00".to_owned()));
    assert_eq!(shown(at(31, 3, 2)), MappedLocalTime::None);
    assert_eq!(
        shown(at(27, 10, 2)),
        MappedLocalTime::Ambiguous("2024-10-27T02:30:00+02:00".to_owned(), "2024-10-27T02:30:00+01:00".to_owned())
    );
}
