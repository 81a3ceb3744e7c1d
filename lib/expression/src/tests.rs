//! Expressions as people write them into health checks and dependencies.

use serde_json::{Value, json};

use super::*;

fn evaluate(text: &str, object: &Value) -> Result<bool, String> {
    let expression = Expression::parse(text).map_err(|error| error.to_string())?;
    let fields = object.as_object().unwrap();
    let variables: Vec<(&str, &Value)> = fields.iter().map(|(name, value)| (name.as_str(), value)).collect();
    expression.is_true(&variables).map_err(|error| error.to_string())
}

#[track_caller]
fn check(cases: &[(&str, bool)]) {
    let object = json!({
        "metadata": { "name": "web", "generation": 2, "labels": { "app": "web" } },
        "spec": { "replicas": 3, "ratio": 1.5 },
        "status": {
            "observedGeneration": 2, "readyReplicas": 3,
            "conditions": [
                { "type": "Ready", "status": "True" },
                { "type": "Progressing", "status": "False", "reason": "Done" },
            ],
        },
    });
    for (text, expected) in cases {
        assert_eq!(evaluate(text, &object), Ok(*expected), "{text}");
    }
}

#[test]
fn health_is_read_from_conditions_and_numbers() {
    check(&[
        ("status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')", true),
        ("status.conditions.exists(e, e.type == 'Progressing' && e.status == 'True')", false),
        ("metadata.generation == status.observedGeneration", true),
        ("status.readyReplicas >= spec.replicas", true),
        ("spec.replicas > 2.5", true),
        ("has(status.failed) && status.failed > 0", false),
        ("type(spec.replicas) == int", true),
    ]);
}

#[test]
fn optional_values_and_extensions_are_there() {
    check(&[
        ("status.?phase.orValue('none') == 'none'", true),
        ("metadata.labels[?'app'].hasValue()", true),
        ("metadata.name.startsWith('w') && metadata.name.upperAscii() == 'WEB'", true),
        ("'a,b'.split(',').join('-') == 'a-b'", true),
        ("base64.decode('d2Vi') == b'web'", true),
        ("sets.contains(['a', 'b'], ['a'])", true),
        ("sets.equivalent(['a', 'b'], ['b', 'a', 'a'])", true),
        ("sets.intersects(['a'], ['b'])", false),
        ("timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-02T00:00:00Z')", true),
    ]);
}

#[test]
fn a_field_that_does_not_exist_is_an_error() {
    let error = evaluate("status.phase == 'Ready'", &json!({ "status": {} })).unwrap_err();
    assert!(error.starts_with("failed to evaluate the CEL expression 'status.phase == 'Ready''"), "{error}");
}

#[test]
fn errors_are_said_as_by_cel_go() {
    let object = json!({ "spec": { "size": "many" } });
    for (text, said) in [
        ("spec.other == 1", "no such key: other"),
        ("int(spec.size) == 1", "type conversion error from 'string' to 'int'"),
        ("double(spec.size) == 1.0", "type conversion error from 'string' to 'double'"),
    ] {
        let error = evaluate(text, &object).unwrap_err();
        assert_eq!(error, format!("failed to evaluate the CEL expression '{text}': {said}"));
    }
}

#[test]
fn what_is_neither_true_nor_false_is_an_error() {
    let error = evaluate("status", &json!({ "status": {} })).unwrap_err();
    assert!(error.ends_with("the result is neither true nor false"), "{error}");
}

#[test]
fn a_text_that_does_not_parse_is_an_error_with_its_place() {
    let error = Expression::parse("data.k ===").unwrap_err().to_string();
    assert!(error.starts_with("failed to parse the CEL expression 'data.k ==='"), "{error}");
    assert!(error.contains("1:10"), "{error}");
}

#[test]
fn r7_expressions_that_are_too_long_or_too_deep_are_refused() {
    for text in ["(".repeat(100_000), "[".repeat(200), "!".repeat(1000), "a+".repeat(10_000) + "a"] {
        assert!(Expression::parse(&text).is_err());
    }
}
