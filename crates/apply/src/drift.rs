//! Whether an apply would change the live object, judged by what the server says it would become.

use object::Object;
use serde_json::Value;

/// Whether `would_be`, the result of a dry run, differs from the live object in labels, annotations, or anything but
/// metadata and status.
///
/// # Source
/// Flux's `ssa.hasDrifted`.
pub(crate) fn has_drifted(live: &Object, would_be: &Object) -> bool {
    live.labels() != would_be.labels()
        || live.annotations() != would_be.annotations()
        || contents(live).ne(contents(would_be))
}

/// The paths of fields that differ, at most `limit`, for people to read. Values are left out: they may be secret.
pub(crate) fn changed_fields(live: &Object, would_be: &Object, limit: usize) -> Vec<String> {
    let mut paths = Vec::new();
    for map in ["labels", "annotations"] {
        let part = |object: &Object| object.field(&["metadata", map]).cloned().unwrap_or(Value::Null);
        collect(&part(live), &part(would_be), &format!("metadata.{map}"), limit, &mut paths);
    }
    let rest = |object: &Object| -> Value {
        Value::Object(contents(object).map(|(key, value)| (key.clone(), value.into_owned())).collect())
    };
    collect(&rest(live), &rest(would_be), "", limit, &mut paths);
    paths
}

fn collect(live: &Value, would_be: &Value, path: &str, limit: usize, paths: &mut Vec<String>) {
    if live == would_be || paths.len() >= limit {
        return;
    }
    let step = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (live, would_be) {
        (Value::Object(live), Value::Object(would_be)) => {
            let mut keys: Vec<&String> = live.keys().chain(would_be.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let side = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                collect(&side(live), &side(would_be), &step(key), limit, paths);
            }
        }
        (Value::Array(live), Value::Array(would_be)) if live.len() == would_be.len() => {
            for (index, (live, would_be)) in live.iter().zip(would_be).enumerate() {
                collect(live, would_be, &format!("{path}[{index}]"), limit, paths);
            }
        }
        _ => paths.push(path.to_owned()),
    }
}

/// What is compared besides labels and annotations.
fn contents(object: &Object) -> impl Iterator<Item = (&String, std::borrow::Cow<'_, Value>)> {
    use std::borrow::Cow;
    let is_autoscaler = object.kind() == "HorizontalPodAutoscaler";
    let mut fields: Vec<(&String, Cow<'_, Value>)> = object
        .as_value()
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != "metadata" && *key != "status")
        .map(|(key, value)| {
            let has_metrics = is_autoscaler && key == "spec";
            (key, if has_metrics { Cow::Owned(without_repeated_metrics(value)) } else { Cow::Borrowed(value) })
        })
        .collect();
    fields.sort_unstable_by_key(|(key, _)| *key);
    fields.into_iter()
}

/// API servers before 1.27 repeat an autoscaler's first metric in dry runs, and add an empty one.
fn without_repeated_metrics(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(Value::Array(metrics)) = spec.get_mut("metrics") {
        let mut kept: Vec<Value> = Vec::new();
        for metric in metrics.drain(..) {
            let is_empty = metric.get("type").and_then(Value::as_str).is_none_or(str::is_empty);
            if !is_empty && !kept.contains(&metric) {
                kept.push(metric);
            }
        }
        *metrics = kept;
    }
    spec
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(metadata: &Value, spec: &Value) -> Object {
        let mut value =
            json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "spec": spec, "status": metadata});
        value["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
        Object::from_value(value).unwrap()
    }

    #[test]
    fn metadata_counts_by_labels_and_annotations_only() {
        #[track_caller]
        fn check(live: &Value, would_be: &Value, expected: bool) {
            assert_eq!(has_drifted(&object(live, &json!({})), &object(would_be, &json!({}))), expected);
        }
        check(&json!({"resourceVersion": "1"}), &json!({"resourceVersion": "2", "finalizers": ["a"]}), false);
        check(&json!({"labels": {}}), &json!({}), false);
        check(&json!({"labels": {"a": "b"}}), &json!({}), true);
        check(&json!({"annotations": {"a": "b"}}), &json!({"annotations": {"a": "c"}}), true);
    }

    #[test]
    fn changed_fields_are_named_without_their_values() {
        let live = object(&json!({"labels": {"a": "b"}}), &json!({"list": [{"x": 1}], "n": 1, "same": {}}));
        let would_be = object(&json!({}), &json!({"list": [{"x": 2}], "n": 2, "same": {}, "new": 1}));
        assert!(has_drifted(&live, &would_be));
        assert_eq!(changed_fields(&live, &would_be, 9), ["metadata.labels", "spec.list[0].x", "spec.n", "spec.new"]);
        assert_eq!(changed_fields(&live, &would_be, 2).len(), 2);
    }

    #[test]
    fn repeated_metrics_are_no_drift() {
        let autoscaler = |metrics: &Value| {
            Object::from_value(json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": "x"}, "spec": {"metrics": metrics}}))
            .unwrap()
        };
        let cpu = json!({"type": "Resource"});
        assert!(!has_drifted(&autoscaler(&json!([cpu])), &autoscaler(&json!([cpu, cpu, {"type": ""}]))));
    }
}
