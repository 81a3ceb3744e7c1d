//! The formats of strings that the API server checks; what it does not know is not checked.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use notation::{names, network};
use regex::Regex;

/// The formats that are checked, without their dashes.
const KNOWN: [&str; 26] = [
    "bsonobjectid",
    "byte",
    "cidr",
    "creditcard",
    "date",
    "datetime",
    "duration",
    "email",
    "hexcolor",
    "hostname",
    "ipv4",
    "ipv6",
    "isbn",
    "isbn10",
    "isbn13",
    "k8slongname",
    "k8sshortname",
    "mac",
    "password",
    "rgbcolor",
    "ssn",
    "uri",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
];

/// Whether a format of strings means something to the API server; others say nothing to it.
pub fn is_known_format(format: &str) -> bool {
    KNOWN.contains(&format.replace('-', "").as_str())
}

/// Whether a text has a format.
pub(super) fn is_valid(format: &str, text: &str) -> bool {
    match format {
        "ipv4" => without_zeros(text).parse::<Ipv4Addr>().is_ok(),
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
        "k8s-short-name" => names::dns_label(text).is_empty(),
        "k8s-long-name" => names::dns_subdomain(text).is_empty(),
        "ssn" => matches_one(&SSN, text),
        "isbn" => is_isbn(text, 10) || is_isbn(text, 13),
        "isbn10" => is_isbn(text, 10),
        "isbn13" => is_isbn(text, 13),
        "creditcard" => is_card(text),
        _ => true,
    }
}

/// An address without the zeros at the beginning of its numbers, which upstream passes over.
fn without_zeros(address: &str) -> String {
    let numbers = address.split('.').map(|number| match number.trim_start_matches('0') {
        "" if !number.is_empty() => "0",
        rest => rest,
    });
    numbers.collect::<Vec<_>>().join(".")
}

/// A book's number of so many digits, the last of which is a check.
fn is_isbn(text: &str, length: usize) -> bool {
    let digits: String = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
    let value = |at: usize, letter: char| match (letter, at) {
        ('X', 9) if length == 10 => Some(10),
        _ => letter.to_digit(10),
    };
    let values: Option<Vec<u32>> = digits.chars().enumerate().map(|(at, letter)| value(at, letter)).collect();
    let Some(values) = values.filter(|values| values.len() == length) else { return false };
    if length == 10 {
        (1..).zip(&values).map(|(weight, digit): (u32, &u32)| weight * digit).sum::<u32>().is_multiple_of(11)
    } else {
        [1, 3].iter().cycle().zip(&values).map(|(weight, digit)| weight * digit).sum::<u32>().is_multiple_of(10)
    }
}

/// The number of a credit card, with anything between its digits, the last of which is a check.
fn is_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let doubled = |digit: u32| if digit < 5 { digit * 2 } else { digit * 2 - 9 };
    let values = digits.bytes().rev().map(|byte| u32::from(byte - b'0')).enumerate();
    let sum: u32 = values.map(|(at, digit)| if at % 2 == 1 { doubled(digit) } else { digit }).sum();
    matches_one(&CARD, &digits) && sum.is_multiple_of(10)
}

static SSN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$").ok());
static CARD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new("^(4[0-9]{12}([0-9]{3})?|5[1-5][0-9]{14}|6(011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(0[0-5]|[68][0-9])[0-9]{11}|(2131|1800|35[0-9]{3})[0-9]{11})$").ok()
});
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
