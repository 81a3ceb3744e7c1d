//! The formats of strings that the API server checks; what it does not know is not checked.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use notation::network;
use regex::Regex;

/// Whether a text has a format.
pub(super) fn is_valid(format: &str, text: &str) -> bool {
    match format {
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => network::is_cidr(text),
        "mac" => matches_one(&MAC, text),
        "uuid" | "uuid3" | "uuid4" | "uuid5" => is_uuid(format, text),
        "email" => text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && is_hostname(host)),
        "hostname" => is_hostname(text),
        "uri" => is_request_uri(text),
        "byte" => is_base64(text),
        "date" => text.len() == 10 && is_date_time(&format!("{text}T00:00:00Z")),
        "date-time" | "datetime" => is_date_time(text),
        "duration" => is_duration(text),
        "hexcolor" => matches_one(&HEX_COLOR, text),
        "rgbcolor" => matches_one(&RGB_COLOR, text),
        "bsonobjectid" => text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        _ => true,
    }
}

static MAC: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^([0-9A-Fa-f]{2}[:-]){5,7}[0-9A-Fa-f]{2}$").ok());
static HEX_COLOR: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$").ok());
static RGB_COLOR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    const PART: &str = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    Regex::new(&format!(r"^rgb\(\s*{PART}\s*,\s*{PART}\s*,\s*{PART}\s*\)$")).ok()
});
static DATE_TIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?([Zz]|[+-][0-9]{2}:?[0-9]{2})$").ok()
});

fn matches_one(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_none_or(|regex| regex.is_match(text))
}

/// Dashes may be left out; the versioned formats fix the version.
fn is_uuid(format: &str, text: &str) -> bool {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let version = match format {
        "uuid3" => Some(b'3'),
        "uuid4" => Some(b'4'),
        "uuid5" => Some(b'5'),
        _ => None,
    };
    let is_version = version.is_none_or(|version| digits.get(12) == Some(&version));
    digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit) && matches!(text.len(), 32 | 36) && is_version
}

fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_'))
    };
    text.len() <= 255 && text.trim_end_matches('.').split('.').all(is_label)
}

/// What may stand in a request: absolute, or a path from the root.
fn is_request_uri(text: &str) -> bool {
    let has_scheme = text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    !text.contains([' ', '\n', '\t']) && (has_scheme || text.starts_with('/'))
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
}

fn is_date_time(text: &str) -> bool {
    matches_one(&DATE_TIME, text)
}

/// Go's durations, `1h30m`, and words as `3 days`.
fn is_duration(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '+']);
    if text == "0" {
        return true;
    }
    let mut rest = text;
    let mut count = 0;
    while !rest.is_empty() {
        let end = rest.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let tail = tail.trim_start();
        let end = tail.char_indices().find(|(_, c)| !c.is_alphabetic()).map_or(tail.len(), |(index, _)| index);
        let (unit, tail) = tail.split_at(end);
        let units = [
            "ns", "us", "µs", "μs", "ms", "s", "m", "h", "d", "w", "sec", "min", "hr", "day", "days", "week", "weeks",
            "hour", "hours", "minute", "minutes", "second", "seconds",
        ];
        if number.is_empty() || number.matches('.').count() > 1 || !units.contains(&unit) {
            return false;
        }
        rest = tail.trim_start();
        count += 1;
    }
    count > 0
}
