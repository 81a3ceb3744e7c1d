//! What is kept of a live object to tell, without asking for it, whether somebody changed it.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use object::Object;
use serde_json::Value;
use ssa::managers::Managers;

use crate::Settings;
use crate::cleanup;

/// Keys of the hashes below: random, so that nobody can craft labels that look like others.
static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A live object's metadata, as far as it matters here. Small: one is kept for every managed object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    uid: u64,
    resource_version: Box<str>,
    /// Counts changes of the desired state, for kinds that count.
    generation: Option<i64>,
    /// Hashes of labels and annotations, sorted.
    pairs: Box<[u64]>,
    /// Hash of the fields that we own.
    own_fields: u64,
    /// The object asks to be left alone.
    pub(crate) excluded: bool,
    /// The object holds something that is cleaned up before an apply.
    unclean: bool,
}

/// Where a pair of key and value stands.
#[derive(Clone, Copy, Hash)]
enum Place {
    Label,
    Annotation,
}

impl Seen {
    /// Takes what matters from an object, or from its metadata alone.
    pub(crate) fn of(object: &Object, settings: &Settings, taken_over: &[Managers]) -> Self {
        let labels = object.labels().into_iter().map(|(key, value)| hash(&(Place::Label, key, value)));
        let annotations = object.annotations().into_iter().map(|(key, value)| hash(&(Place::Annotation, key, value)));
        let mut pairs: Box<[u64]> = labels.chain(annotations).collect();
        pairs.sort_unstable();
        let entries = object.field(&["metadata", "managedFields"]).and_then(Value::as_array);
        let own = entries.into_iter().flatten().find(|entry| {
            let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
            text("manager") == settings.manager && text("operation") == "Apply" && text("subresource").is_empty()
        });
        Self {
            uid: hash(&object.uid()),
            resource_version: object.resource_version().unwrap_or_default().into(),
            generation: object.generation().filter(|generation| *generation > 0),
            pairs,
            own_fields: own.and_then(|entry| entry.get("fieldsV1")).map_or(0, |fields| hash(&fields.to_string())),
            excluded: settings.is_excluded(object),
            unclean: cleanup::is_needed(object, taken_over, settings),
        }
    }

    pub(crate) fn is_same_object(&self, other: &Self) -> bool {
        self.uid == other.uid
    }

    /// Whether nobody but us wrote anything that an apply of `desired` would undo, judged by metadata: labels and
    /// annotations are ours, the fields we own are those we owned `before`, and nobody's are to be taken over.
    pub(crate) fn is_metadata_kept(&self, before: &Self, desired: &Object) -> bool {
        let has = |place, key: &str, value: &str| self.pairs.binary_search(&hash(&(place, key, value))).is_ok();
        self.is_untouched(before)
            && desired.labels().into_iter().all(|(key, value)| has(Place::Label, key, value))
            && desired.annotations().into_iter().all(|(key, value)| has(Place::Annotation, key, value))
    }

    /// Whether labels and annotations are the same.
    pub(crate) fn is_described_as(&self, other: &Self) -> bool {
        self.pairs == other.pairs
    }

    /// Whether somebody else wrote to the metadata what an apply would undo, whatever is wanted by now.
    pub(crate) fn is_untouched(&self, before: &Self) -> bool {
        self.uid == before.uid && self.own_fields == before.own_fields && !self.unclean
    }

    /// Whether nothing at all was written since.
    pub(crate) fn is_same_version(&self, before: &Self) -> bool {
        self.resource_version == before.resource_version
    }

    /// Whether the generation, if there is one, is the same.
    pub(crate) fn is_same_generation(&self, before: &Self) -> bool {
        self.generation.is_some() && self.generation == before.generation
    }

    /// Whether this was stored after the other; objects of unknown age count as newer.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        match (self.resource_version.parse::<u64>(), other.resource_version.parse::<u64>()) {
            (Ok(this), Ok(other)) => this > other,
            _ => self.resource_version != other.resource_version,
        }
    }
}

fn hash(value: &impl std::hash::Hash) -> u64 {
    HASHES.hash_one(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(version: &str, metadata: &Value) -> Seen {
        let mut value =
            json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "uid": "u", "resourceVersion": version}});
        value["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
        let settings = Settings::kustomize_controller();
        Seen::of(&Object::from_value(value).unwrap(), &settings, &settings.taken_over())
    }

    fn owned(fields: &Value, time: &str) -> Value {
        json!({"manager": "kustomize-controller", "operation": "Apply", "time": time, "fieldsV1": fields})
    }

    #[test]
    fn only_writes_that_an_apply_would_undo_matter() {
        let desired = json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "labels": {"a": "b"}}});
        let desired = Object::from_value(desired).unwrap();
        let own = json!({"f:metadata": {"f:labels": {"f:a": {}}}});
        let before = seen("1", &json!({"labels": {"a": "b"}, "managedFields": [owned(&own, "1")]}));
        let check = |metadata: &Value, kept: bool| {
            assert_eq!(seen("2", metadata).is_metadata_kept(&before, &desired), kept, "{metadata}");
        };
        let mine = owned(&own, "2");
        check(
            &json!({"labels": {"a": "b", "c": "d"}, "annotations": {"revision": "1"}, "managedFields": [mine]}),
            true,
        );
        check(&json!({"labels": {"a": "c"}, "managedFields": [mine]}), false);
        check(&json!({"managedFields": [mine]}), false);
        check(&json!({"annotations": {"a": "b"}, "managedFields": [mine]}), false);
        check(&json!({"labels": {"a": "b"}}), false);
        check(&json!({"labels": {"a": "b"}, "managedFields": [owned(&json!({"f:data": {}}), "1")]}), false);
        check(&json!({"labels": {"a": "b"}, "uid": "other", "managedFields": [mine]}), false);
        let kubectl = json!({"manager": "kubectl-edit", "operation": "Update"});
        check(&json!({"labels": {"a": "b"}, "managedFields": [mine, kubectl]}), false);
        let last = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"});
        check(&json!({"labels": {"a": "b"}, "annotations": last, "managedFields": [mine]}), false);
    }

    #[test]
    fn versions_and_generations_tell_writes_apart() {
        let [one, two] = ["9", "10"].map(|version| seen(version, &json!({"generation": 3})));
        assert!(two.is_newer_than(&one) && !one.is_newer_than(&two) && !one.is_newer_than(&one));
        assert!(one.is_same_generation(&two) && !one.is_same_version(&two));
        assert!(!seen("9", &json!({})).is_same_generation(&seen("9", &json!({}))));
        assert!(seen("a", &json!({})).is_newer_than(&seen("b", &json!({}))));
    }
}
