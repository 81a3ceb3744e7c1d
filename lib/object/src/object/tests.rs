//! What an object says of itself, and what it refuses to become.

use serde_json::json;

use super::*;

fn deployment() -> Object {
    Object::from_value(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"replicas": 2},
    }))
    .unwrap()
}

#[test]
fn an_object_says_what_it_is() {
    let object = deployment();
    assert_eq!(object.gvk().to_string(), "apps/v1, Kind=Deployment");
    assert_eq!(object.gvk().group_kind().to_string(), "Deployment.apps");
    assert_eq!(object.id().to_string(), "Deployment/shop/web");
    assert_eq!(object.version(), "v1");
    assert_eq!(object.labels(), [("app", "web")].into());
    assert_eq!(object.field(&["spec", "replicas"]), Some(&json!(2)));
    assert_eq!(object.field(&["spec", "replicas", "x"]), None);
}

#[test]
fn what_identifies_an_object_is_required() {
    #[track_caller]
    fn check(value: Value, message: &str) {
        assert_eq!(Object::from_value(value).unwrap_err().to_string(), message);
    }
    check(json!([]), "not a map but a list");
    check(json!({"kind": "A", "metadata": {"name": "x"}}), "apiVersion is missing");
    check(json!({"apiVersion": "v1", "metadata": {"name": "x"}}), "kind is missing");
    check(json!({"apiVersion": "v1", "kind": "", "metadata": {"name": "x"}}), "kind is missing");
    check(json!({"apiVersion": "v1", "kind": 7, "metadata": {"name": "x"}}), "kind is a number instead of a string");
    check(json!({"apiVersion": "v1", "kind": "A"}), "metadata.name is missing");
    check(json!({"apiVersion": "v1", "kind": "A", "metadata": {}}), "metadata.name is missing");
    check(json!({"apiVersion": "v1", "kind": "A", "metadata": "x"}), "metadata is a string instead of a map");
}

#[test]
fn setters_keep_the_identity() {
    let mut object = deployment();
    object.set_namespace(None);
    object.set_annotation("a", "b");
    object.remove_field(&["metadata", "name"]);
    object.remove_field(&["kind"]);
    object.set_field("kind", json!(1));
    assert_eq!(object.id().to_string(), "Deployment/web");
    assert!(object.update(|content| drop(content.remove("kind"))).is_err());
    assert_eq!(object.kind(), "Deployment");
    assert_eq!(object.remove_field(&["spec", "replicas"]), Some(json!(2)));
    object.remove_annotation("a");
    assert_eq!(object.field(&["metadata", "annotations"]), None);
}

#[test]
fn markers_are_labels_or_annotations_in_any_letter_case() {
    let mut object = deployment();
    object.set_annotation("kustomize.toolkit.fluxcd.io/ssa", "merge");
    assert!(object.has_marker("kustomize.toolkit.fluxcd.io/ssa", "Merge"));
    assert!(object.has_marker("app", "WEB"));
    assert!(!object.has_marker("app", "we"));
}

#[test]
fn debug_shows_no_content() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"p": "aHVudGVy"}});
    assert_eq!(format!("{:?}", Object::from_value(secret).unwrap()), "Object(v1 Secret/s)");
}
