//! Tables as the real command prints them.

use serde_json::json;

use super::*;

fn object(status: &serde_json::Value) -> DynamicObject {
    serde_json::from_value(json!({ "metadata": { "name": "a" }, "status": status })).unwrap()
}

#[test]
fn only_whole_words_of_lower_case_hex_are_cut() {
    let commit = "5ad6883a05c4b1a2f0e9d8c7b6a5948372615040";
    for (text, short) in [
        (format!("main@sha1:{commit}"), "main@sha1:5ad6883a".to_owned()),
        (format!("Applied revision: main@sha1:{commit}"), "Applied revision: main@sha1:5ad6883a".to_owned()),
        (format!("{commit} and '{commit}'"), "5ad6883a and '5ad6883a'".to_owned()),
        (commit.to_uppercase(), commit.to_uppercase()),
        (format!("{commit}z"), format!("{commit}z")),
        (commit[1..].to_owned(), commit[1..].to_owned()),
        ("a".repeat(128), "a".repeat(8)),
        ("a".repeat(129), "a".repeat(129)),
        ("no such é thing".to_owned(), "no such é thing".to_owned()),
    ] {
        assert_eq!(shorten_hex(&text), short);
    }
}

#[test]
fn the_status_selector_takes_any_case_and_a_negation() {
    let ready = object(&json!({ "conditions": [{ "type": "Ready", "status": "True" }] }));
    for (selector, matches) in [
        ("ready=true", true),
        ("Ready=False", false),
        ("ready!=true", false),
        ("Ready!=false", true),
        ("Healthy=true", false),
        ("Healthy!=true", true),
    ] {
        assert_eq!(StatusSelector::parse(selector).unwrap().matches(&ready), matches, "{selector}");
    }
    assert!(StatusSelector::parse("ready").is_err());
}
