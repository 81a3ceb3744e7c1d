//! Finds every place in which two recordings differ.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// One place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Keys and indices, joined by ` › `.
    pub(super) path: String,
    pub(super) recorded: String,
    pub(super) ours: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}\n    Flux: {}\n    ours: {}", self.path, self.recorded, self.ours)
    }
}

/// Compares two recordings.
pub(super) fn worlds(recorded: &Value, ours: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    let keys: BTreeSet<&String> = fields(recorded).chain(fields(ours)).collect();
    for key in keys {
        let (recorded, ours) = (&recorded[key], &ours[key]);
        match key.as_str() {
            // The order in which two objects speak is a matter of luck; that in which one speaks is not.
            "events" | "notifications" => walk(key, &by_object(recorded), &by_object(ours), &mut differences),
            "applied" => {
                let ours = as_far_as_recorded(recorded, ours);
                walk(key, &by_manager(recorded), &by_manager(&ours), &mut differences);
            }
            _ => walk(key, recorded, ours, &mut differences),
        }
    }
    differences
}

fn fields(value: &Value) -> impl Iterator<Item = &String> {
    value.as_object().into_iter().flat_map(|fields| fields.keys())
}

fn walk(path: &str, recorded: &Value, ours: &Value, differences: &mut Vec<Difference>) {
    match (recorded, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                walk(&format!("{path} › {key}"), &recorded[key], &ours[key], differences);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for i in 0..a.len().max(b.len()) {
                let missing = &Value::Null;
                walk(&format!("{path} › {i}"), a.get(i).unwrap_or(missing), b.get(i).unwrap_or(missing), differences);
            }
        }
        _ if recorded == ours => {}
        _ => differences.push(Difference { path: path.to_owned(), recorded: brief(recorded), ours: brief(ours) }),
    }
}

fn brief(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

fn by_object(list: &Value) -> Value {
    let mut objects = serde_json::Map::new();
    for item in list.as_array().into_iter().flatten() {
        let involved = &item["involvedObject"];
        let object = match item["object"].as_str() {
            Some(object) => object.to_owned(),
            None => {
                format!("{}/{}", involved["kind"].as_str().unwrap_or("?"), involved["name"].as_str().unwrap_or("?"))
            }
        };
        if let Value::Array(items) = objects.entry(object).or_insert_with(|| Value::Array(Vec::new())) {
            items.push(item.clone());
        }
    }
    Value::Object(objects)
}

/// The API server orders managers by the second in which they wrote.
fn by_manager(applied: &Value) -> Value {
    let mut applied = applied.clone();
    for object in applied.as_object_mut().into_iter().flat_map(|objects| objects.values_mut()) {
        if let Some(entries) = object["managedFields"].as_array_mut() {
            entries.sort_by_key(|entry| ["manager", "operation", "subresource"].map(|key| entry[key].to_string()));
        }
    }
    applied
}

/// Of a `spec` the recordings hold some fields only; who owns the others is told by `managedFields`.
fn as_far_as_recorded(recorded: &Value, ours: &Value) -> Value {
    let mut ours = ours.clone();
    for (object, applied) in ours.as_object_mut().into_iter().flatten() {
        let known = &recorded[object]["content"]["spec"];
        if let (Some(known), Some(spec)) = (known.as_object(), applied["content"]["spec"].as_object_mut()) {
            spec.retain(|field, _| known.contains_key(field));
        }
    }
    ours
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::worlds;

    #[track_caller]
    fn check(recorded: &Value, ours: &Value, expected: &[&str]) {
        let paths: Vec<String> = worlds(recorded, ours).into_iter().map(|d| d.path).collect();
        assert_eq!(paths, expected);
    }

    #[test]
    fn every_difference_has_a_place() {
        check(&json!({ "a": [1, { "b": 2 }] }), &json!({ "a": [1, { "b": 3 }, 4] }), &["a › 1 › b", "a › 2"]);
        check(&json!({ "a": 1 }), &json!({ "b": 1 }), &["a", "b"]);
    }

    #[test]
    fn objects_may_speak_in_any_order() {
        let event = |object: &str, reason: &str| json!({ "object": object, "reason": reason });
        let recorded = json!({ "events": [event("a", "1"), event("b", "1"), event("a", "2")] });
        check(&recorded, &json!({ "events": [event("b", "1"), event("a", "1"), event("a", "2")] }), &[]);
        let ours = json!({ "events": [event("b", "1"), event("a", "2"), event("a", "1")] });
        check(&recorded, &ours, &["events › a › 0 › reason", "events › a › 1 › reason"]);
    }
}
