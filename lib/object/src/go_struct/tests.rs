//! What Go's decoder makes of objects; the texts are those of the real API server.

use serde_json::{Value, json};

use super::*;

#[track_caller]
fn refused(object: &Value) -> String {
    let text = |name: &str| object[name].as_str().unwrap().to_owned();
    let root = of_kind(&text("apiVersion"), &text("kind")).unwrap();
    root.round_trip(object).unwrap_err().to_string()
}

#[test]
fn every_type_of_the_table_is_read() {
    let lines = TABLE.lines().filter(|line| !line.starts_with(['#', '=', '+']) && !line.is_empty());
    let fields: usize = lines.map(|line| line.split(' ').skip(1).filter(|word| !word.is_empty()).count()).sum();
    assert!(fields > 2400, "{fields}");
    assert_eq!(TABLES.structs.iter().map(|one| one.fields.len()).sum::<usize>(), fields);
    assert!(of_kind("apps/v1", "Deployment").unwrap().field("status").is_some());
    assert!(of_kind("apiextensions.k8s.io/v1", "CustomResourceDefinition").is_some());
}

#[test]
fn a_value_of_the_wrong_type_is_named_as_go_names_it() {
    let deployment = |spec: Value| json!({ "apiVersion": "apps/v1", "kind": "Deployment", "spec": spec });
    for (spec, expected) in [
        (
            json!({ "replicas": "3" }),
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            json!({ "template": { "spec": { "containers": { "name": "x" } } } }),
            "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
        ),
        (
            json!({ "template": { "spec": { "containers": [{ "ports": [{ "containerPort": "80" }] }] } } }),
            "json: cannot unmarshal string into Go struct field ContainerPort.spec.template.spec.containers.ports.containerPort of type int32",
        ),
        (
            json!({ "replicas": 5_000_000_000_u64 }),
            "json: cannot unmarshal number 5000000000 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
    ] {
        assert_eq!(refused(&deployment(spec)), expected);
    }
}

#[test]
fn fields_that_no_struct_knows_are_told_with_their_path() {
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "colour": 1,
        "spec": { "replicaz": 1, "template": { "spec": { "containers": [{ "imagge": "x" }] } } },
    });
    let read = of_kind("apps/v1", "Deployment").unwrap().round_trip(&object).unwrap();
    assert_eq!(read.unknown, ["spec.template.spec.containers[0].imagge", "spec.replicaz", "colour"]);
}
