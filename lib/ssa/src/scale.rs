//! Who owns the replicas of an object that is written through its `scale` subresource.
//!
//! A scale has owners as an object of its own has them, of its one field; before a write they are made of the owners of
//! the object, and afterwards the object's are made of them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fields::{FieldSet, PathElement};
use crate::managed::{DecodeError, Managed, Owned};

const SCALE: &str = "autoscaling/v1";

/// Where each version of a kind has its replicas. A version that is not here is not served; one without a path cannot be
/// scaled.
pub type Replicas = BTreeMap<String, Option<Vec<PathElement>>>;

/// The `managedFields` of a scale, of those of the object.
///
/// # Errors
/// When the object's cannot be read.
pub fn to_scale(entries: Option<&Value>, replicas: &Replicas) -> Result<Option<Value>, DecodeError> {
    let mut scale = Managed::default();
    for (manager, owned) in Managed::decode(entries)?.0 {
        let Some(Some(path)) = replicas.get(&owned.version) else { continue };
        if owned.fields.has_any(&only(path)) {
            let fields = only(&in_scale()).into();
            scale.0.insert(manager, Owned { fields, version: SCALE.to_owned(), time: owned.time });
        }
    }
    Ok(scale.encode())
}

/// The `managedFields` of the object, of its own before a write to its scale and those of the scale after it. `version` is
/// that of the object in the request.
///
/// # Errors
/// When either cannot be read.
pub fn from_scale(
    entries: Option<&Value>,
    scale: Option<&Value>,
    version: &str,
    replicas: &Replicas,
) -> Result<Option<Value>, DecodeError> {
    let before = Managed::decode(entries)?;
    let mut scale = Managed::decode(scale)?.0;
    let times: BTreeMap<_, _> = before.0.iter().map(|(manager, owned)| (manager.clone(), owned.time)).collect();
    let mut after = Managed::default();
    for (manager, mut owned) in before.0 {
        let Some(path) = replicas.get(&owned.version) else { continue };
        if let Some(path) = path.as_ref().map(|path| only(path)).filter(|path| owned.fields.has_any(path))
            && scale.remove(&manager).is_none()
        {
            owned.fields.subtract(&path, None);
        }
        if !owned.fields.is_empty() {
            after.0.insert(manager, owned);
        }
    }
    for (manager, owned) in scale {
        if let (true, Some(Some(path))) = (owned.fields.has_any(&only(&in_scale())), replicas.get(version)) {
            // Upstream takes the time of the object's entry, which a new manager does not have.
            let time = times.get(&manager).copied().flatten();
            after.0.insert(manager, Owned { fields: only(path).into(), version: version.to_owned(), time });
        }
    }
    Ok(after.encode())
}

fn in_scale() -> [PathElement; 2] {
    [PathElement::field("spec"), PathElement::field("replicas")]
}

fn only(path: &[PathElement]) -> FieldSet {
    let mut set = FieldSet::default();
    set.insert(path);
    set
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(manager: &str, operation: &str, version: &str, subresource: &str, fields: &Value) -> Value {
        let mut entry = json!({
            "manager": manager, "operation": operation, "apiVersion": version, "fieldsType": "FieldsV1", "fieldsV1": fields,
        });
        if !subresource.is_empty() {
            entry["subresource"] = subresource.into();
        }
        entry
    }

    fn replicas() -> Replicas {
        BTreeMap::from([("apps/v1".to_owned(), Some(in_scale().to_vec()))])
    }

    #[test]
    fn replicas_are_taken_from_who_applied_them() {
        let both = json!({"f:spec": {"f:replicas": {}, "f:selector": {}}});
        let before = json!([
            entry("a", "Apply", "apps/v1", "", &both),
            entry("old", "Apply", "extensions/v1", "", &both),
            entry("u", "Update", "apps/v1", "", &json!({"f:spec": {"f:paused": {}}})),
        ]);
        let one = json!({"f:spec": {"f:replicas": {}}});
        let scale = to_scale(Some(&before), &replicas()).unwrap();
        assert_eq!(scale, Some(json!([entry("a", "Apply", "autoscaling/v1", "", &one)])));
        let after = json!([entry("hpa", "Update", "autoscaling/v1", "scale", &one)]);
        let object = from_scale(Some(&before), Some(&after), "apps/v1", &replicas()).unwrap();
        let expected = json!([
            entry("a", "Apply", "apps/v1", "", &json!({"f:spec": {"f:selector": {}}})),
            entry("hpa", "Update", "apps/v1", "scale", &one),
            entry("u", "Update", "apps/v1", "", &json!({"f:spec": {"f:paused": {}}})),
        ]);
        assert_eq!(object, Some(expected));
        // Who kept them keeps them.
        let object = from_scale(Some(&before), scale.as_ref(), "apps/v1", &replicas()).unwrap();
        assert_eq!(object.unwrap()[0], entry("a", "Apply", "apps/v1", "", &both));
    }
}
