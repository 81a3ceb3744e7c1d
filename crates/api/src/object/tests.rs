//! Objects as a cluster may hold them.

use serde_json::{Value, json};

use crate::{GitProvider, GitRepository, Kustomization};

#[track_caller]
fn problems(spec: &Value) -> Vec<String> {
    let stored = json!({ "metadata": { "name": "a", "namespace": "b" }, "spec": spec });
    let object: Kustomization = serde_json::from_value(stored).unwrap();
    object.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sound_object_reads_without_problems_and_prints_as_it_was() {
    let stored = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": { "name": "a", "namespace": "b", "generation": 2 },
        "spec": { "url": "https://x/y.git", "interval": "1m0s", "provider": "aws", "ignore": "" },
        "status": { "observedGeneration": -1 },
    });
    let object: GitRepository = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(object.problems, []);
    assert_eq!(object.spec.provider, Some(GitProvider::Aws));
    assert_eq!(object.observed_generation(), -1);
    assert_eq!(serde_json::to_value(&object).unwrap(), stored);
}

#[test]
fn a_broken_field_is_named_and_leaves_the_others_alone() {
    let stored = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": { "name": "a" },
        "spec": {
            "interval": "often",
            "prune": true,
            "sourceRef": { "kind": "GitRepository", "name": "x" },
            "deletionPolicy": "Shred",
            "path": "./apps",
        },
        "status": { "inventory": { "entries": [{ "id": "a_b__C", "v": "v1" }] }, "history": 5, "observedGeneration": 3 },
    });
    let object: Kustomization = serde_json::from_value(stored.clone()).unwrap();
    let fields: Vec<&str> = object.problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["spec.deletionPolicy", "spec.interval", "status.history"]);
    assert!(object.problems[1].message.contains("\"often\""), "{}", object.problems[1]);
    assert!(object.spec.prune);
    assert_eq!(object.spec.path.as_deref(), Some("./apps"));
    assert_eq!(object.status.as_ref().unwrap().inventory.as_ref().unwrap().entries.len(), 1);
    assert_eq!(serde_json::to_value(&object).unwrap(), stored, "what was not understood survives");
}

#[test]
fn null_is_another_way_to_leave_a_field_out() {
    let spec = json!({ "interval": "1m", "prune": false, "sourceRef": { "kind": "Bucket", "name": "x", "namespace": null }, "patches": null });
    assert_eq!(problems(&spec), Vec::<String>::new());
}

#[test]
fn specs_of_another_shape_are_problems_not_errors() {
    assert_eq!(problems(&json!("x")), ["spec: not an object"]);
    assert_eq!(problems(&Value::Null), ["spec: missing"]);
    assert_eq!(problems(&json!({})), ["spec.interval: missing", "spec.prune: missing", "spec.sourceRef: missing"]);
    let found = problems(&json!({ "interval": 5, "prune": "yes", "sourceRef": { "kind": "Sftp", "name": "x" } }));
    assert_eq!(found.len(), 3, "{found:?}");
}
