//! Values that break their schema; the texts are those of the real API server.

use serde_json::{Value, json};

use crate::checks::Checks;
use crate::schemas::{Kind, Schemas};

#[track_caller]
fn check(spec_schema: &Value, spec: &Value, expected: &[&str]) {
    let schema = json!({ "type": "object", "properties": { "spec": spec_schema } });
    let mut schemas = Schemas::new();
    let id = schemas.add_crd(Kind::default(), &schema).unwrap();
    let errors = Checks::new(&schemas, id).validate(&schemas, id, &json!({ "spec": spec }), None);
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(lines, expected);
}

#[test]
fn types_and_limits_are_told_as_upstream_tells_them() {
    let schema = json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": { "type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5 },
            "replicas": { "type": "integer", "minimum": 1, "maximum": 5 },
            "mode": { "type": "string", "enum": ["a", "b"] },
            "list": { "type": "array", "minItems": 1, "maxItems": 2, "items": { "type": "string" } },
            "port": { "x-kubernetes-int-or-string": true },
            "address": { "type": "string", "format": "ipv4" },
        },
    });
    check(&schema, &json!({ "name": "abc", "replicas": 2, "port": "http" }), &[]);
    for (spec, expected) in [
        (json!({}), "spec.name: Required value"),
        (json!({ "name": "Abc" }), "spec.name: Invalid value: \"Abc\": spec.name in body should match '^[a-z]+$'"),
        (json!({ "name": "a" }), "spec.name: Invalid value: \"a\": spec.name in body should be at least 2 chars long"),
        (json!({ "name": "abcdef" }), "spec.name: Too long: may not be more than 5 bytes"),
        (
            json!({ "name": 5 }),
            "spec.name: Invalid value: \"integer\": spec.name in body must be of type string: \"integer\"",
        ),
        (
            json!({ "name": "ab", "replicas": 0 }),
            "spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1",
        ),
        (
            json!({ "name": "ab", "replicas": "2" }),
            "spec.replicas: Invalid value: \"string\": spec.replicas in body must be of type integer: \"string\"",
        ),
        (
            json!({ "name": "ab", "replicas": null }),
            "spec.replicas: Invalid value: \"null\": spec.replicas in body must be of type integer: \"null\"",
        ),
        (json!({ "name": "ab", "mode": "c" }), "spec.mode: Unsupported value: \"c\": supported values: \"a\", \"b\""),
        (
            json!({ "name": "ab", "list": [] }),
            "spec.list: Invalid value: 0: spec.list in body should have at least 1 items",
        ),
        (json!({ "name": "ab", "list": ["a", "b", "c"] }), "spec.list: Too many: 3: must have at most 2 items"),
        (
            json!({ "name": "ab", "list": [1] }),
            "spec.list[0]: Invalid value: \"integer\": spec.list[0] in body must be of type string: \"integer\"",
        ),
        (
            json!({ "name": "ab", "address": "x" }),
            "spec.address: Invalid value: \"x\": spec.address in body must be of type ipv4: \"x\"",
        ),
    ] {
        check(&schema, &spec, &[expected]);
    }
}

#[test]
fn lists_that_are_sets_or_maps_hold_no_doubles() {
    let schema = json!({
        "type": "object",
        "properties": {
            "set": { "type": "array", "x-kubernetes-list-type": "set", "items": { "type": "string" } },
            "map": { "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                     "items": { "type": "object", "properties": { "name": { "type": "string" } } } },
        },
    });
    check(
        &schema,
        &json!({ "set": ["a", "b", "a", "a"], "map": [{ "name": "x" }, { "name": "x" }] }),
        &["spec.map[1]: Duplicate value: {\"name\":\"x\"}", "spec.set[2]: Duplicate value: \"a\""],
    );
}

#[test]
fn one_of_several_schemas_has_to_fit() {
    let schema = json!({
        "type": "object",
        "properties": { "a": { "type": "string" }, "b": { "type": "string" } },
        "oneOf": [{ "required": ["a"] }, { "required": ["b"] }],
    });
    check(&schema, &json!({ "a": "1" }), &[]);
    check(
        &schema,
        &json!({ "a": "1", "b": "2" }),
        &[
            "<nil>: Invalid value: \"\": \"spec\" must validate one and only one schema (oneOf). Found 2 valid alternatives",
        ],
    );
}

#[test]
fn rules_are_checked_where_they_stand() {
    let schema = json!({
        "type": "object",
        "x-kubernetes-validations": [
            { "rule": "self.min <= self.max", "message": "min must not exceed max" },
            { "rule": "self.min >= 0", "messageExpression": "'min is ' + string(self.min)", "fieldPath": ".min" },
        ],
        "properties": {
            "min": { "type": "integer" }, "max": { "type": "integer" },
            "size": { "type": "string", "x-kubernetes-validations": [{ "rule": "quantity(self).isGreaterThan(quantity('1Gi'))" }] },
            "wait": { "type": "string", "format": "duration", "x-kubernetes-validations": [{ "rule": "self >= duration('1m')", "reason": "FieldValueForbidden" }] },
        },
    });
    check(&schema, &json!({ "min": 1, "max": 2, "size": "2Gi", "wait": "5m" }), &[]);
    check(&schema, &json!({ "min": 3, "max": 2 }), &["spec: Invalid value: min must not exceed max"]);
    check(&schema, &json!({ "min": -1, "max": 2 }), &["spec.min: Invalid value: min is -1"]);
    check(
        &schema,
        &json!({ "min": 1, "max": 2, "size": "1Mi", "wait": "5s" }),
        &[
            "spec.size: Invalid value: \"1Mi\": failed rule: quantity(self).isGreaterThan(quantity('1Gi'))",
            "spec.wait: Forbidden: failed rule: self >= duration('1m')",
        ],
    );
}

#[test]
fn transition_rules_compare_with_what_was_there() {
    let schema = json!({ "type": "object", "properties": { "spec": { "type": "object", "properties": {
        "name": { "type": "string", "x-kubernetes-validations": [{ "rule": "self == oldSelf", "message": "is immutable" }] },
    } } } });
    let mut schemas = Schemas::new();
    let id = schemas.add_crd(Kind::default(), &schema).unwrap();
    let checks = Checks::new(&schemas, id);
    let object = |name: &str| json!({ "spec": { "name": name } });
    assert_eq!(checks.validate(&schemas, id, &object("a"), None), []);
    assert_eq!(checks.validate(&schemas, id, &object("a"), Some(&object("a"))), []);
    let errors = checks.validate(&schemas, id, &object("b"), Some(&object("a")));
    assert_eq!(errors[0].to_string(), "spec.name: Invalid value: \"b\": is immutable");
}

#[test]
fn what_an_update_leaves_alone_is_not_held_against_it() {
    let schema = json!({ "type": "object", "properties": { "spec": { "type": "object", "properties": {
        "a": { "type": "string", "maxLength": 2 }, "b": { "type": "string", "maxLength": 2 },
    } } } });
    let mut schemas = Schemas::new();
    let id = schemas.add_crd(Kind::default(), &schema).unwrap();
    let checks = Checks::new(&schemas, id);
    let old = json!({ "spec": { "a": "long", "b": "ok" } });
    assert_eq!(checks.validate(&schemas, id, &json!({ "spec": { "a": "long", "b": "on" } }), Some(&old)), []);
    assert_eq!(checks.validate(&schemas, id, &json!({ "spec": { "a": "longer", "b": "on" } }), Some(&old)).len(), 1);
}

#[test]
fn formats_are_those_that_the_api_server_checks() {
    for (format, good, bad) in [
        ("ipv4", "010.0.0.1", "10.0.0"),
        ("ssn", "123-45-6789", "12"),
        ("isbn", "978-0321751041", "978-0321751042"),
        ("isbn10", "0321751043", "032175104X"),
        ("isbn13", "9780321751041", "0321751043"),
        ("creditcard", "4111 1111 1111 1111", "4111111111111112"),
        ("k8s-short-name", "a", "a.b"),
        ("k8s-long-name", "a.b", "A"),
    ] {
        assert!(crate::is_known_format(format), "{format}");
        let schema = json!({ "type": "string", "format": format });
        check(&schema, &json!(good), &[]);
        check(&schema, &json!(bad), &[&told(format, bad)]);
    }
    assert!(!crate::is_known_format("unheard-of"));
    check(&json!({ "type": "string", "format": "unheard-of" }), &json!("anything"), &[]);
}

fn told(format: &str, text: &str) -> String {
    format!("spec: Invalid value: {text:?}: spec in body must be of type {format}: {text:?}")
}
