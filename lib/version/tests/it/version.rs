//! Versions: both ways of reading, order, next versions, limits.

use ::version::Version;
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, loose: &str, strict: &str) {
    let show = |parsed: Result<Version, ::version::ParseError>| match parsed {
        Ok(version) => version.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(show(Version::parse(text)), loose, "loose {text:?}");
    assert_eq!(show(Version::parse_strict(text)), strict, "strict {text:?}");
}

#[test]
fn loose_and_strict_reading() {
    const INVALID: &str = "invalid semantic version";
    check("1.2.3", "1.2.3", "1.2.3");
    check("v1.2.3", "1.2.3", "invalid characters in version");
    check("1.2", "1.2.0", INVALID);
    check("1", "1.0.0", INVALID);
    check("", INVALID, "version string empty");
    check("01.2.3", "1.2.3", "version segment starts with 0");
    check("1.2.3-rc.1+b.2", "1.2.3-rc.1+b.2", "1.2.3-rc.1+b.2");
    check("1.2-rc.1", "1.2.0-rc.1", "invalid characters in version");
    check("1.2.3-01", "version segment starts with 0", "version segment starts with 0");
    check("1.2.3-", INVALID, "invalid prerelease string");
    check("1.2.3+", INVALID, "invalid metadata string");
    check("1.2.3+a_b", INVALID, "invalid metadata string");
    check("1..3", INVALID, "strconv.ParseUint: parsing \"\": invalid syntax");
    check("1.2.3.4", INVALID, "invalid characters in version");
    check("V1.2.3", INVALID, "invalid characters in version");
    check(
        "1.18446744073709551616.0",
        "error parsing version segment: strconv.ParseUint: parsing \"18446744073709551616\": value out of range",
        "strconv.ParseUint: parsing \"18446744073709551616\": value out of range",
    );
}

#[test]
fn a_long_version_is_refused() {
    let text = format!("1.2.3-{}", "a".repeat(260));
    check(&text, "version string is too long (max 256 bytes)", "version string is too long (max 256 bytes)");
}

#[test]
fn precedence_is_that_of_the_specification() {
    let ascending = [
        "1.0.0-1",
        "1.0.0-2",
        "1.0.0-10",
        "1.0.0--1",
        "1.0.0-18446744073709551616",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.2",
        "2",
    ];
    let ascending: Vec<Version> = ascending.iter().map(|text| Version::parse(text).unwrap()).collect();
    for (i, low) in ascending.iter().enumerate() {
        for (j, high) in ascending.iter().enumerate() {
            assert_eq!(low.cmp(high), i.cmp(&j), "{low} {high}");
        }
    }
    assert_eq!(Version::parse("v1.2+a").unwrap(), Version::parse("1.2.0+b").unwrap());
}

#[test]
fn the_next_versions_keep_the_leading_v() {
    let version = Version::parse("v1.2.3-rc.1+b").unwrap();
    assert_eq!(version.next_patch().unwrap().original(), "v1.2.3");
    assert_eq!(version.next_minor().unwrap().original(), "v1.3.0");
    assert_eq!(version.next_major().unwrap().original(), "v2.0.0");
    assert_eq!(Version::new(1, 2, 3).next_patch().unwrap().original(), "1.2.4");
    assert!(Version::new(u64::MAX, 0, 0).next_major().is_none());
}

#[test]
fn prerelease_and_metadata_can_be_replaced() {
    let version = Version::parse("v1.2.3-rc.1+b").unwrap();
    assert_eq!(version.with_metadata("0cc9a8446c95").unwrap().original(), "v1.2.3-rc.1+0cc9a8446c95");
    assert_eq!(version.with_prerelease("").unwrap().to_string(), "1.2.3+b");
    assert_eq!(version.with_prerelease("a..b").unwrap_err().to_string(), "invalid prerelease string");
    assert_eq!(version.with_metadata("a_b").unwrap_err().to_string(), "invalid metadata string");
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(text in "\\PC{0,20}|v?[0-9]{1,3}(\\.[0-9]{1,3}){0,2}(-[a-z0-9.]{1,6})?(\\+[a-z0-9.]{1,6})?") {
        if let Ok(version) = Version::parse(&text) {
            let again = Version::parse_strict(&version.to_string()).unwrap();
            prop_assert_eq!(again.to_string(), version.to_string());
        }
    }
}
