//! Compared with what Flux's own functions make of the same objects.

use serde_json::Value;

use super::*;

/// What Flux's own functions make of objects: one `{"in", "out"}` a line.
const CASES: &str = include_str!("cases.jsonl");

#[test]
fn objects_become_what_flux_applies() {
    let mut differences = Vec::new();
    let mut cases = 0;
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let mut object = Object::from_value(case["in"].clone()).unwrap();
        normalise(&mut object);
        let expected = without_null_time(&case["out"]);
        let actual = without_null_time(object.as_value());
        if actual != expected {
            differences.push(format!("{object:?}\n   flux: {expected}\n   ours: {actual}"));
        }
        cases += 1;
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(cases, 33);
}

/// Flux sends `creationTimestamp: null`, which the API server takes for absent.
fn without_null_time(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut()
        && metadata.get("creationTimestamp").is_some_and(Value::is_null)
    {
        metadata.remove("creationTimestamp");
    }
    object
}
