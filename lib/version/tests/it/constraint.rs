//! Constraints: a recorded table, the reasons, the limits.

use ::version::{Constraint, Version};
use proptest::prelude::*;

/// One line per constraint: its text, ` => `, and one mark per version of the first line (`1` fits, `.` does not)
/// or the error. Written by Masterminds/semver v3.5.0.
const RECORDED: &str = include_str!("constraints.txt");

#[test]
fn every_recorded_constraint_answers_alike() {
    let mut lines = RECORDED.lines();
    let versions: Vec<&str> = lines.next().unwrap().trim_start_matches("# versions: ").split(' ').collect();
    let mut ran = 0;
    for line in lines {
        let (constraint, expected) = line.split_once(" => ").unwrap();
        let answer = match Constraint::parse(constraint) {
            Ok(parsed) => versions
                .iter()
                .map(|version| if parsed.check(&Version::parse(version).unwrap()) { '1' } else { '.' })
                .collect(),
            Err(error) => error.to_string(),
        };
        assert_eq!(answer, expected, "{constraint:?} against {versions:?}");
        ran += 1;
    }
    assert_eq!(ran, 75);
}

#[track_caller]
fn reasons(constraint: &str, version: &str, expected: &[&str]) {
    let constraint = Constraint::parse(constraint).unwrap();
    let version = Version::parse(version).unwrap();
    let reasons: Vec<String> = match constraint.validate(&version) {
        Ok(()) => Vec::new(),
        Err(reasons) => reasons.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(reasons, expected);
    assert_eq!(constraint.check(&version), expected.is_empty());
}

#[test]
fn each_comparison_that_fails_gives_its_reason() {
    reasons(">=1.2 <2", "1.3.0", &[]);
    reasons(">=1.2 <2", "3.0.0", &[r#""3.0.0" is greater than or equal to "2""#]);
    reasons(
        "<1 || >4",
        "2",
        &[r#""2.0.0" is greater than or equal to "1""#, r#""2.0.0" is less than or equal to "4""#],
    );
    reasons(
        "^0.2",
        "0.3.0",
        &[
            r#""0.3.0" does not have same minor version as "0.2". Expected minor versions to match when constraint major version is 0"#,
        ],
    );
}

#[test]
fn an_unwanted_prerelease_is_said_once() {
    reasons(
        ">1 || >2 || >3",
        "4.0.0-rc.1",
        &[r#""4.0.0-rc.1" is a prerelease version and the constraint is only looking for release versions"#],
    );
}

#[test]
fn prereleases_can_be_let_in() {
    let constraint = Constraint::parse(">=1.2").unwrap().including_prereleases();
    assert!(constraint.check(&Version::parse("1.3.0-rc.1").unwrap()));
}

#[test]
fn a_hyphen_range_prints_as_two_comparisons() {
    assert_eq!(Constraint::parse("1.2 - 2 || =>4.x, != 4.1").unwrap().to_string(), ">=1.2 <=2 || =>4.x !=4.1");
}

#[test]
fn long_constraints_are_refused() {
    let error = |text: &str| Constraint::parse(text).unwrap_err().to_string();
    assert_eq!(error(&"1 ".repeat(300)), "constraint string is too long (max 512 bytes)");
    assert_eq!(error(&["1"; 33].join("||")), "too many constraint groups (max 32)");
}

proptest! {
    #[test]
    fn no_text_panics(text in "[ vx*|0-9.,<>=!~^a+\\-é]{0,40}", version in "v?[0-9]{1,3}(\\.[0-9]{1,3}){0,2}(-[a-z0-9]{1,4})?") {
        if let (Ok(constraint), Ok(version)) = (Constraint::parse(&text), Version::parse(&version)) {
            prop_assert_eq!(constraint.check(&version), constraint.validate(&version).is_ok());
        }
    }
}
