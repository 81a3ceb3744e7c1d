//! Fields that are left to others: `spec.ignore`.

use object::Object;
use object::selector::{Target, TargetError, TargetFields};
use serde_json::Value;
use ssa::fields::{FieldSet, PathElement};
use ssa::managers::{self, Operation};

/// Fields that are not corrected when they drift.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreRule {
    /// JSON pointers to the fields.
    pub paths: Vec<String>,
    /// Whose fields; without it, every object's.
    pub target: Option<TargetFields>,
}

/// Rules, ready for use.
///
/// # Deviation
/// Upstream drops every rule without a target but the last one. Here all of them count.
#[derive(Clone, Debug, Default)]
pub struct IgnoreRules {
    rules: Vec<(Option<Target>, Vec<String>)>,
    /// The rules as text, which tells them from others.
    text: String,
}

/// Rules that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IgnoreRulesError {
    /// A target cannot be understood.
    #[error("failed to create ignore rule selector")]
    Target {
        /// Which of the rules, from 0.
        rule: usize,
        /// What is wrong with it.
        source: TargetError,
    },
    /// A path is no JSON pointer.
    #[error("ignore rule path {path:?} is no JSON pointer: it must begin with /")]
    Path {
        /// The path.
        path: String,
    },
}

impl IgnoreRules {
    /// Compiles rules.
    ///
    /// # Errors
    /// [`IgnoreRulesError`] for the first rule that cannot be understood.
    pub fn new(rules: &[IgnoreRule]) -> Result<Self, IgnoreRulesError> {
        let mut compiled = Vec::with_capacity(rules.len());
        for (index, rule) in rules.iter().enumerate() {
            if let Some(path) = rule.paths.iter().find(|path| !path.starts_with('/')) {
                return Err(IgnoreRulesError::Path { path: path.clone() });
            }
            let target = rule.target.as_ref().map(Target::new).transpose();
            let target = target.map_err(|source| IgnoreRulesError::Target { rule: index, source })?;
            compiled.push((target, rule.paths.clone()));
        }
        let text = if rules.is_empty() { String::new() } else { format!("{rules:?}") };
        Ok(Self { rules: compiled, text })
    }

    /// The rules as text, equal for equal rules.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn paths(&self, object: &Object) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter().filter(|(target, _)| target.as_ref().is_none_or(|target| target.matches(object)));
        rules.flat_map(|(_, paths)| paths).map(String::as_str)
    }

    /// A copy without the ignored fields, to compare. `matched` decides which rules hold, so that both sides of a
    /// comparison lose the same.
    pub(crate) fn strip(&self, object: &Object, matched: &Object) -> Object {
        let mut stripped = object.clone();
        for path in self.paths(matched) {
            change(&mut stripped, |content| drop(remove(content, path)));
        }
        stripped
    }

    /// What is sent instead of `desired`, so that ignored fields stay as they are on the cluster: a field that another
    /// manager applies is left out, another one is sent with its live value.
    pub(crate) fn payload(&self, desired: &Object, live: &Object, would_be: &Object, manager: &str) -> Object {
        let mut payload = desired.clone();
        let others = others(live, manager);
        for path in self.paths(would_be) {
            let live_value = live.as_value().pointer(path);
            if live_value == would_be.as_value().pointer(path) || desired.as_value().pointer(path).is_none() {
                continue;
            }
            let is_others =
                field_path(live, path, &others).is_some_and(|field| others.iter().any(|fields| fields.touches(&field)));
            match live_value.filter(|_| !is_others) {
                Some(value) => change(&mut payload, |content| {
                    if let Some(slot) = content.pointer_mut(path) {
                        *slot = value.clone();
                    }
                }),
                None => change(&mut payload, |content| drop(remove(content, path))),
            }
        }
        payload
    }
}

/// Changes the content, unless the object would lose its identity by that.
fn change(object: &mut Object, edit: impl FnOnce(&mut Value)) {
    let kept = object.update(|map| {
        let mut content = Value::Object(std::mem::take(map));
        edit(&mut content);
        if let Value::Object(edited) = content {
            *map = edited;
        }
    });
    if let Err(error) = kept {
        tracing::debug!(object = %object.id(), %error, "an ignore rule names a field that identifies the object");
    }
}

fn remove(content: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, last) = pointer.rsplit_once('/')?;
    match content.pointer_mut(parent)? {
        Value::Object(map) => map.remove(&unescape(last)),
        Value::Array(items) => {
            let index = last.parse().ok().filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        _ => None,
    }
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

/// The fields that other managers apply.
fn others(live: &Object, manager: &str) -> Vec<FieldSet> {
    let entries = managers::entries(live);
    let others = entries.iter().filter(|entry| {
        entry.operation() == Some(Operation::Apply) && entry.subresource().is_empty() && entry.manager() != manager
    });
    others.filter_map(|entry| entry.fields().ok()).collect()
}

/// The path of a field as managers write it: items of lists go by their keys, which the managers' own sets tell.
fn field_path(live: &Object, pointer: &str, sets: &[FieldSet]) -> Option<Vec<PathElement>> {
    let mut path = Vec::new();
    let mut value = Some(live.as_value());
    for segment in pointer.split('/').skip(1).map(unescape) {
        let item = value.and_then(Value::as_array).zip(segment.parse::<usize>().ok());
        let Some((items, index)) = item else {
            path.push(PathElement::field(&segment));
            value = value.and_then(|value| value.get(&segment));
            continue;
        };
        let item = items.get(index)?;
        let matches = |step: &&PathElement| {
            step.as_key().is_some_and(|key| key.iter().all(|(name, value)| item.get(name) == Some(value)))
        };
        let key = sets.iter().flat_map(|set| set.steps_below(&path)).find(matches)?.clone();
        path.push(key);
        value = Some(item);
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(replicas: u32, image: &str, managed: &Value) -> Object {
        Object::from_value(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "managedFields": managed},
            "spec": {"replicas": replicas, "containers": [{"name": "c", "image": image}]}}))
        .unwrap()
    }

    fn rules(paths: &[&str]) -> IgnoreRules {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let target = Some(TargetFields { kind: "Deployment".to_owned(), ..Default::default() });
        IgnoreRules::new(&[IgnoreRule { paths, target }]).unwrap()
    }

    #[test]
    fn a_live_value_is_adopted_and_anothers_is_left_out() {
        let by = |fields: &Value| json!([{"manager": "other", "operation": "Apply", "fieldsV1": fields}]);
        let desired = deployment(2, "a:1", &json!([]));
        let check = |managed: &Value, replicas: &Value, image: &Value| {
            let live = deployment(5, "a:0", managed);
            let payload =
                rules(&["/spec/replicas", "/spec/containers/0/image"]).payload(&desired, &live, &desired, "flux");
            let at = |pointer: &str| payload.as_value().pointer(pointer).cloned().unwrap_or(Value::Null);
            assert_eq!((&at("/spec/replicas"), &at("/spec/containers/0/image")), (replicas, image));
        };
        check(&json!([]), &json!(5), &json!("a:0"));
        check(&by(&json!({"f:spec": {"f:replicas": {}}})), &Value::Null, &json!("a:0"));
        let image = json!({"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:image": {}}}}});
        check(&by(&image), &json!(5), &Value::Null);
    }

    #[test]
    fn ignored_fields_are_not_compared() {
        let live = deployment(5, "a", &json!([]));
        let stripped = rules(&["/spec/replicas", "/spec/nothing", "/metadata/name"]).strip(&live, &live);
        assert_eq!(stripped.field(&["spec", "replicas"]), None);
        assert_eq!(stripped.name(), "web");
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        let bad = |path: &str, kind: &str| {
            let target = Some(TargetFields { kind: kind.to_owned(), ..Default::default() });
            IgnoreRules::new(&[IgnoreRule { paths: vec![path.to_owned()], target }]).unwrap_err().to_string()
        };
        assert_eq!(bad("spec", ""), "ignore rule path \"spec\" is no JSON pointer: it must begin with /");
        assert_eq!(bad("/spec", "("), "failed to create ignore rule selector");
    }
}
