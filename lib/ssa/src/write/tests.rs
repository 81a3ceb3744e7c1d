//! Applies and updates, with the answers of kube-apiserver.

use std::collections::BTreeMap;

use schema::{Kind, Schemas};
use serde_json::{Value, json};

use super::*;
use crate::fields::{FieldSet, PathElement};
use crate::typed::Type;
use crate::versions::Alike;

const VERSION: &str = "example.org/v1";

fn schema() -> Value {
    let text = json!({"type": "string"});
    let port = json!({
        "type": "object", "required": ["port"],
        "properties": {"port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}, "name": text},
    });
    json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "replicas": {"type": "integer"},
                    "image": text,
                    "selector": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": text},
                    "args": {"type": "array", "items": text},
                    "hosts": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
                    "ports": {
                        "type": "array", "items": port, "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["port", "protocol"],
                    },
                },
            },
            "status": {"type": "object", "properties": {"phase": text}},
        },
    })
}

/// A cluster of one object.
struct World {
    schemas: Schemas,
    live: Option<Value>,
    now: i64,
}

impl World {
    fn new() -> Self {
        let mut schemas = Schemas::new();
        for version in ["v1", "v2"] {
            schemas.add_crd(kind(version), &schema()).unwrap();
        }
        Self { schemas, live: None, now: 0 }
    }

    fn with<T>(&self, version: &str, manager: &str, subresource: &str, write: impl FnOnce(Write<'_>) -> T) -> T {
        let of = |version: &str| Type::new(&self.schemas, self.schemas.kind(&kind(version)).unwrap());
        let versions =
            Alike(BTreeMap::from([("example.org/v1".to_owned(), of("v1")), ("example.org/v2".to_owned(), of("v2"))]));
        let mut status = FieldSet::default();
        for field in if subresource == "status" { &["spec", "metadata"][..] } else { &["status"][..] } {
            status.insert(&[PathElement::field(field)]);
        }
        let reset = BTreeMap::from([(VERSION.to_owned(), status)]);
        let empty = json!({"apiVersion": version, "kind": "Widget"});
        let now = Time::from_seconds(self.now);
        write(Write { versions: &versions, reset: &reset, empty: &empty, subresource, manager, now })
    }

    fn apply(&mut self, manager: &str, spec: &Value, force: Force) -> Result<&Value, ApplyError> {
        self.now += 1;
        let config = widget(VERSION, spec);
        let new = self.with(VERSION, manager, "", |write| write.apply(self.live.as_ref(), &config, force))?;
        Ok(self.live.insert(stored(new)))
    }

    fn update(&mut self, manager: &str, spec: &Value) -> &Value {
        self.now += 1;
        let mut new = self.live.clone().unwrap_or_else(|| widget(VERSION, spec));
        new["spec"] = spec.clone();
        let new = self.with(VERSION, manager, "", |write| write.update(self.live.as_ref(), new));
        self.live.insert(stored(new))
    }

    fn spec(&self) -> &Value {
        &self.live.as_ref().unwrap()["spec"]
    }

    /// Who owns what: `manager/operation@second: fieldsV1`, a line each.
    fn owners(&self) -> String {
        let managed = self.live.as_ref().unwrap()["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        let line = |entry: &Value| {
            let text = |key: &str| entry[key].as_str().unwrap_or("-").to_owned();
            let second = Time::parse(&text("time")).map_or_else(|| "-".to_owned(), |time| format!("{time:?}"));
            let second = second.replace("Time(", "").replace(')', "");
            format!("{}/{}@{second}: {}", text("manager"), text("operation"), entry["fieldsV1"])
        };
        managed.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn kind(version: &str) -> Kind {
    Kind { group: "example.org".to_owned(), version: version.to_owned(), kind: "Widget".to_owned() }
}

fn widget(version: &str, spec: &Value) -> Value {
    json!({"apiVersion": version, "kind": "Widget", "metadata": {"name": "w", "namespace": "ns"}, "spec": spec})
}

fn stored(mut object: Value) -> Value {
    object["metadata"]["uid"] = "1".into();
    object
}

#[test]
fn who_applies_owns_what_it_sets() {
    let mut world = World::new();
    world.apply("a", &json!({"replicas": 1, "ports": [{"port": 80}], "selector": {"x": "1"}}), Force::No).unwrap();
    assert_eq!(
        world.owners(),
        r#"a/Apply@1: {"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}},"f:replicas":{},"f:selector":{}}}"#
    );
    assert_eq!(world.spec(), &json!({"replicas": 1, "ports": [{"port": 80}], "selector": {"x": "1"}}));
}

#[test]
fn a_field_that_is_no_longer_applied_goes_unless_somebody_else_has_it() {
    let mut world = World::new();
    world.apply("a", &json!({"replicas": 1, "image": "i", "hosts": ["x", "y"]}), Force::No).unwrap();
    world.apply("b", &json!({"image": "i", "hosts": ["y", "z"]}), Force::No).unwrap();
    world.apply("a", &json!({"replicas": 1}), Force::No).unwrap();
    assert_eq!(world.spec(), &json!({"replicas": 1, "image": "i", "hosts": ["y", "z"]}));
    world.apply("b", &json!({"hosts": ["z"]}), Force::No).unwrap();
    assert_eq!(world.spec(), &json!({"replicas": 1, "hosts": ["z"]}));
    assert_eq!(
        world.owners(),
        "a/Apply@3: {\"f:spec\":{\"f:replicas\":{}}}\nb/Apply@4: {\"f:spec\":{\"f:hosts\":{\"v:\\\"z\\\"\":{}}}}"
    );
}

#[test]
fn conflicts_are_told_in_upstream_words() {
    let mut world = World::new();
    world.apply("a", &json!({"replicas": 1, "image": "i", "ports": [{"port": 80, "name": "n"}]}), Force::No).unwrap();
    let error = world.apply("b", &json!({"replicas": 2}), Force::No).unwrap_err();
    assert_eq!(error.to_string(), "Apply failed with 1 conflict: conflict with \"a\": .spec.replicas");
    world.update("c", &json!({"replicas": 1, "image": "j", "ports": [{"port": 80, "name": "n"}]}));
    let spec = json!({"replicas": 2, "image": "k", "ports": [{"port": 80, "protocol": "TCP", "name": "m"}]});
    let error = world.apply("b", &spec, Force::No).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Apply failed with 3 conflicts: conflicts with \"a\":\n- .spec.replicas\n- .spec.ports[port=80,protocol=\"TCP\"].name\n\
         conflicts with \"c\" using example.org/v1:\n- .spec.image"
    );
    let ApplyError::Conflicts(conflicts) = error else { panic!("{error}") };
    assert_eq!(conflicts.0[0].to_string(), "conflict with \"a\"");
    assert_eq!(conflicts.0[0].field(), ".spec.replicas");
    world.apply("b", &spec, Force::Yes).unwrap();
    assert_eq!(world.spec()["replicas"], 2);
    assert!(!world.owners().contains("c/Update"), "{}", world.owners());
}

#[test]
fn the_same_applied_again_changes_nothing() {
    let mut world = World::new();
    let spec = json!({"replicas": 1, "hosts": ["x"], "args": ["1"]});
    world.apply("a", &spec, Force::No).unwrap();
    world.update("b", &json!({"replicas": 1, "hosts": ["x", "y"], "args": ["1"], "image": "i"}));
    let before = world.live.clone();
    world.apply("a", &spec, Force::No).unwrap();
    assert_eq!(world.live, before);
    // Nor does an update, whose times are put back.
    let mut new = world.update("b", &before.as_ref().unwrap()["spec"].clone()).clone();
    keep_times(before.as_ref().unwrap(), &mut new);
    assert_eq!(Some(&new), before.as_ref());
}

#[test]
fn what_was_there_before_the_first_apply_has_an_owner() {
    let mut world = World::new();
    world.live = Some(stored(widget(VERSION, &json!({"replicas": 1, "image": "i"}))));
    // Nobody is tracked before that.
    world.update("u", &json!({"replicas": 3, "image": "i"}));
    assert_eq!(world.owners(), "");
    let error = world.apply("a", &json!({"replicas": 2}), Force::No).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Apply failed with 1 conflict: conflict with \"before-first-apply\" using example.org/v1: .spec.replicas"
    );
    world.apply("a", &json!({"replicas": 2}), Force::Yes).unwrap();
    assert_eq!(
        world.owners(),
        "a/Apply@3: {\"f:spec\":{\"f:replicas\":{}}}\nbefore-first-apply/Update@3: {\"f:spec\":{\".\":{},\"f:image\":{}}}"
    );
}

#[test]
fn eleven_updates_are_ten_managers() {
    let mut world = World::new();
    for index in 0..11 {
        let hosts: Vec<String> = (0..=index).map(|host| format!("h{host}")).collect();
        world.update(&format!("m{index:02}"), &json!({"hosts": hosts}));
    }
    let owners = world.owners();
    assert_eq!(owners.lines().count(), 10, "{owners}");
    let ancient = owners.lines().next().unwrap();
    assert!(ancient.starts_with("ancient-changes/Update@2: "), "{ancient}");
    assert!(ancient.contains("h0") && ancient.contains("h1") && !ancient.contains("h2"), "{ancient}");
}

#[test]
fn kubectl_takes_what_its_annotation_shows_it_applied() {
    let mut world = World::new();
    let mut object = widget(VERSION, &json!({"replicas": 1, "image": "i"}));
    let last = json!({"apiVersion": VERSION, "kind": "Widget", "metadata": {"name": "w"}, "spec": {"replicas": 1}});
    object["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": last.to_string()});
    let new = world.with(VERSION, "kubectl-client-side-apply", "", |write| write.update(None, object));
    world.live = Some(stored(new));
    let error = world.apply("other", &json!({"replicas": 2}), Force::No).unwrap_err();
    assert!(error.to_string().starts_with("Apply failed with 1 conflict"), "{error}");
    world.apply("kubectl", &json!({"replicas": 2}), Force::No).unwrap();
    assert_eq!(world.spec(), &json!({"replicas": 2, "image": "i"}));
    let annotations = &world.live.as_ref().unwrap()["metadata"]["annotations"];
    assert_eq!(
        annotations["kubectl.kubernetes.io/last-applied-configuration"],
        "{\"apiVersion\":\"example.org/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"w\",\"namespace\":\"ns\"},\
         \"spec\":{\"replicas\":2}}\n"
    );
    // The image was never in the annotation.
    let error = world.apply("kubectl", &json!({"replicas": 2, "image": "j"}), Force::No).unwrap_err();
    assert!(error.to_string().ends_with(".spec.image"), "{error}");
}

#[test]
fn a_status_is_nobodys_unless_it_is_written_as_such() {
    let mut world = World::new();
    let mut config = widget(VERSION, &json!({"replicas": 1}));
    config["status"] = json!({"phase": "up"});
    let new = world.with(VERSION, "a", "", |write| write.apply(None, &config, Force::No)).unwrap();
    world.live = Some(stored(new));
    assert_eq!(world.owners(), "a/Apply@0: {\"f:spec\":{\"f:replicas\":{}}}");
    let new = world.with(VERSION, "a", "status", |write| write.apply(world.live.as_ref(), &config, Force::No)).unwrap();
    let entries = new["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(entries[1]["subresource"], "status");
    assert_eq!(entries[1]["fieldsV1"], json!({"f:status": {"f:phase": {}}}));
}

#[test]
fn managers_of_other_versions_keep_their_fields_and_those_of_none_lose_them() {
    let mut world = World::new();
    let new = world
        .with("example.org/v2", "two", "", |write| {
            write.apply(None, &widget("example.org/v2", &json!({"image": "i"})), Force::No)
        })
        .unwrap();
    let mut new = stored(new);
    let mut gone = new["metadata"]["managedFields"][0].clone();
    gone["apiVersion"] = "example.org/v0".into();
    gone["manager"] = "gone".into();
    new["metadata"]["managedFields"].as_array_mut().unwrap().push(gone);
    world.live = Some(new);
    let error = world.apply("one", &json!({"image": "j"}), Force::No).unwrap_err();
    assert_eq!(error.to_string(), "Apply failed with 1 conflict: conflict with \"two\": .spec.image");
    world.apply("one", &json!({"replicas": 1}), Force::No).unwrap();
    let owners = world.owners();
    assert!(owners.contains("two/Apply") && !owners.contains("gone"), "{owners}");
}

#[test]
fn what_does_not_fit_is_refused_in_upstream_words() {
    #[track_caller]
    fn check(spec: &Value, message: &str) {
        let error = World::new().apply("a", spec, Force::No).unwrap_err();
        let prefix = "failed to create typed patch object (ns/w; example.org/v1, Kind=Widget): ";
        assert_eq!(error.to_string(), format!("{prefix}{message}"));
    }
    check(&json!({"nope": 1}), ".spec.nope: field not declared in schema");
    check(&json!({"replicas": "1"}), ".spec.replicas: expected numeric (int or float), got string");
    check(&json!({"image": 1}), ".spec.image: expected string, got &value.valueUnstructured{Value:1}");
    check(&json!({"hosts": ["a", "a"]}), ".spec.hosts: duplicate entries for key [=\"a\"]");
    check(&json!({"ports": {}}), ".spec.ports: expected list, got &{map[]}");
    check(
        &json!({"ports": [{"port": 1}, {"port": 1, "protocol": "TCP"}]}),
        ".spec.ports: duplicate entries for key [port=1,protocol=\"TCP\"]",
    );
    check(
        &json!({"hosts": [null]}),
        ".spec.hosts: element 0: associative list without keys has an element that's an explicit null",
    );
    check(
        &json!({"image": 1, "replicas": "x"}),
        "errors:\n  .spec.image: expected string, got &value.valueUnstructured{Value:1}\n  .spec.replicas: expected numeric (int or float), got string",
    );
    let world = World::new();
    let mut config = widget(VERSION, &json!({}));
    config["metadata"]["managedFields"] = json!([]);
    let error = world.with(VERSION, "a", "", |write| write.apply(None, &config, Force::No)).unwrap_err();
    assert_eq!(error.to_string(), "metadata.managedFields must be nil");
    let other = widget("example.org/v2", &json!({}));
    let error = world.with(VERSION, "a", "", |write| write.apply(None, &other, Force::No)).unwrap_err();
    assert_eq!(error.to_string(), "invalid object type: example.org/v2, Kind=Widget");
}

#[test]
fn a_writer_may_reset_the_owners() {
    let mut world = World::new();
    world.apply("a", &json!({"replicas": 1}), Force::No).unwrap();
    let mut new = world.live.clone().unwrap();
    new["metadata"]["managedFields"] = json!([{}]);
    let reset = world.with(VERSION, "b", "", |write| write.update(world.live.as_ref(), new.clone()));
    assert_eq!(reset["metadata"].get("managedFields"), None);
    // What is not said of them is not lost.
    new["metadata"].as_object_mut().unwrap().remove("managedFields");
    let kept = world.with(VERSION, "b", "", |write| write.update(world.live.as_ref(), new));
    assert_eq!(Some(&kept), world.live.as_ref());
}
