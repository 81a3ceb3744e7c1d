//! Sets of fields, read, printed and combined.

use serde_json::{Value, json};

use super::*;

fn set(value: &Value) -> FieldSet {
    FieldSet::parse(value).unwrap()
}

fn path(steps: &[&str]) -> Vec<PathElement> {
    steps.iter().map(|step| PathElement::parse(step).unwrap().unwrap()).collect()
}

#[test]
fn sets_are_printed_as_they_were_read() {
    let fields = json!({
        "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
        "f:spec": {
            "f:ports": {".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}},
            "f:finalizers": {"v:\"a:b\"": {}},
            "i:3": {},
        },
    });
    assert_eq!(set(&fields).to_value(), fields);
    assert!(set(&json!({})).is_empty());
}

#[test]
fn a_key_written_in_another_order_is_the_same_key() {
    let one = set(&json!({"f:p": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {}}}));
    let other = set(&json!({"f:p": {"k:{\"protocol\":\"TCP\",\"port\":80}": {}}}));
    assert_eq!(one, other);
}

#[test]
fn what_is_no_set_is_refused() {
    #[track_caller]
    fn check(value: &Value, message: &str) {
        assert_eq!(FieldSet::parse(value).unwrap_err().to_string(), message);
    }
    check(&json!([]), "a set of fields is a map");
    check(&json!({"f:a": 1}), "a set of fields is a map");
    check(&json!({"a": {}}), "\"a\" is no step of a field path");
    check(&json!({"k:[]": {}}), "\"k:[]\" is no step of a field path");
    check(&json!({"i:x": {}}), "\"i:x\" is no step of a field path");
}

#[test]
fn a_field_and_its_parts_are_different_members() {
    let parts = set(&json!({"f:spec": {"f:a": {}}}));
    assert!(!parts.contains(&path(&["f:spec"])));
    assert!(parts.touches(&path(&["f:spec"])));
    assert!(parts.contains(&path(&["f:spec", "f:a"])));
    assert!(!parts.touches(&path(&["f:spec", "f:b"])));
    let whole = set(&json!({"f:spec": {".": {}, "f:a": {}}}));
    assert!(whole.contains(&path(&["f:spec"])));
    let mut built = FieldSet::default();
    built.insert(&path(&["f:spec"]));
    built.insert(&path(&["f:spec", "f:a"]));
    assert_eq!(built, whole);
    let below: Vec<_> = whole.steps_below(&path(&["f:spec"])).map(PathElement::to_text).collect();
    assert_eq!(below, ["f:a"]);
}

#[test]
fn sets_combine() {
    let a = set(&json!({"f:x": {}, "f:s": {".": {}, "f:a": {}, "f:b": {}}}));
    let b = set(&json!({"f:y": {}, "f:s": {"f:b": {}, "f:c": {}}}));
    assert_eq!(
        a.union(&b).to_value(),
        json!({"f:x": {}, "f:y": {}, "f:s": {".": {}, "f:a": {}, "f:b": {}, "f:c": {}}})
    );
    assert_eq!(a.intersection(&b).to_value(), json!({"f:s": {"f:b": {}}}));
    assert_eq!(a.difference(&b).to_value(), json!({"f:x": {}, "f:s": {".": {}, "f:a": {}}}));
    assert!(a.difference(&a).is_empty());
    assert_eq!(a.intersection(&a), a);
}
