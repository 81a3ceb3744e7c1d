//! The annotation in which `kubectl apply` keeps what it applied from the client.

use serde_json::{Map, Value};

use crate::fields::FieldSet;
use crate::typed::{Duplicates, Type};
use crate::values::write_json;

/// The manager of `kubectl apply --server-side`, for which the annotation counts.
pub(crate) const CLIENT: &str = "kubectl";
const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// As large as the annotations of an object may be together.
const LARGEST: usize = 256 << 10;

/// What the client applied and is still as it applied it, so that it may take it; none without an annotation that tells.
pub(crate) fn owned(of: Type<'_>, live: &Value, version: &str) -> Option<FieldSet> {
    let text = annotations(live)?.get(ANNOTATION)?.as_str().filter(|text| !text.is_empty())?;
    let applied: Value = serde_json::from_str(text).ok()?;
    if applied.get("apiVersion").and_then(Value::as_str) != Some(version) {
        return None;
    }
    of.check(&applied, Duplicates::Refused).ok()?;
    of.check(live, Duplicates::Refused).ok()?;
    let changed = of.compare(&applied, live);
    let mut fields = of.fields_of(&applied);
    for changed in [changed.modified, changed.added, changed.removed] {
        fields.subtract(&changed);
    }
    Some(fields)
}

/// Brings the annotation up to date, if there is one.
pub(crate) fn refresh(object: &mut Value, config: &Value) {
    let has_one = |annotations: &Map<String, Value>| {
        annotations.get(ANNOTATION).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
    };
    if !annotations(object).is_some_and(has_one) {
        return;
    }
    let mut applied = config.clone();
    if let Some(annotations) = annotations_mut(&mut applied) {
        annotations.remove(ANNOTATION);
    }
    let mut text = String::new();
    write_json(&mut text, &applied);
    text.push('\n');
    if let Some(annotations) = annotations_mut(object) {
        annotations.insert(ANNOTATION.to_owned(), text.into());
        let size = annotations.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len));
        if size.sum::<usize>() > LARGEST {
            annotations.remove(ANNOTATION);
        }
    }
}

fn annotations(object: &Value) -> Option<&Map<String, Value>> {
    object.get("metadata")?.get("annotations")?.as_object()
}

fn annotations_mut(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.get_mut("metadata")?.get_mut("annotations")?.as_object_mut()
}
