//! What a directory and a spec give.

use serde_json::{Value, json};
use tree::Tree;

use super::*;

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  k: v\n";

fn render(files: &[(&str, &str)], spec: Value) -> Result<Rendered, String> {
    let mut tree = Tree::new();
    for (path, text) in files {
        tree.insert(&TreePath::parse(path).unwrap(), *text).unwrap();
    }
    let spec: KustomizationSpec = serde_json::from_value(merged(spec)).unwrap();
    let inputs = Inputs { owner: Owner { namespace: "ns", name: "app" }, variables: Ok(None) };
    kustomization(&tree, &TreePath::default(), &spec, &inputs).map_err(|error| {
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        format!("{error}{}", source.unwrap_or_default())
    })
}

fn merged(mut spec: Value) -> Value {
    let required = json!({ "interval": "1m", "prune": true, "sourceRef": { "kind": "GitRepository", "name": "repo" } });
    spec.as_object_mut().unwrap().extend(required.as_object().unwrap().clone());
    spec
}

fn ids(rendered: &Rendered) -> Vec<String> {
    rendered.objects.iter().map(|object| object.id().to_string()).collect()
}

#[test]
fn a_directory_without_a_build_file_gets_one_of_all_its_yaml() {
    let rendered = render(
        &[
            ("a.yaml", CONFIG_MAP),
            ("sub/b.yml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: two\n"),
            ("README.md", "#"),
        ],
        json!({ "targetNamespace": "apps", "namePrefix": "x-" }),
    )
    .unwrap();
    assert_eq!(ids(&rendered), ["ConfigMap/apps/x-one", "Secret/apps/x-two"]);
    assert_eq!(rendered.objects[0].origin().map(ToString::to_string).as_deref(), Some("a.yaml:1"));
}

#[test]
fn objects_say_whose_they_are_and_carry_the_common_metadata() {
    let common = json!({ "commonMetadata": { "labels": { "team": "web" }, "annotations": { "note": "x" } } });
    let rendered = render(&[("a.yaml", CONFIG_MAP)], common).unwrap();
    let labels = rendered.objects[0].labels();
    assert_eq!(labels["kustomize.toolkit.fluxcd.io/name"], "app");
    assert_eq!(labels["kustomize.toolkit.fluxcd.io/namespace"], "ns");
    assert_eq!(labels["team"], "web");
    assert_eq!(rendered.objects[0].annotation("note"), Some("x"));
}

#[test]
fn an_empty_directory_gives_no_objects() {
    assert!(render(&[("README.md", "#")], json!({})).unwrap().objects.is_empty());
}

#[test]
fn yaml_that_is_no_object_is_named() {
    let error = render(&[("values.yaml", "replicas: 3\n")], json!({})).unwrap_err();
    assert!(error.starts_with("failed to decode Kubernetes YAML from values.yaml"), "{error}");
}

#[test]
fn the_digest_follows_the_objects_and_nothing_else() {
    let digest = |files: &[(&str, &str)]| render(files, json!({})).unwrap().digest;
    let one = digest(&[("a.yaml", CONFIG_MAP)]);
    assert!(one.starts_with("sha256:") && one.len() == 71);
    assert_eq!(one, digest(&[("a.yaml", CONFIG_MAP), ("README.md", "# new")]));
    assert_ne!(one, digest(&[("a.yaml", &CONFIG_MAP.replace("k: v", "k: w"))]));
}

#[test]
fn a_field_that_kustomize_does_not_know_is_reported() {
    let rendered =
        render(&[("a.yaml", CONFIG_MAP), ("kustomization.yaml", "resources: [a.yaml]\nresource: []\n")], json!({}));
    let warnings = rendered.unwrap().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("resource"), "{warnings:?}");
}

#[test]
fn missing_components_are_an_error_unless_they_may_be_missing() {
    let files = [("a.yaml", CONFIG_MAP)];
    assert!(render(&files, json!({ "components": ["../none"] })).unwrap_err().contains("must be a relative path"));
    assert!(render(&files, json!({ "components": ["none"] })).is_err());
    assert!(render(&files, json!({ "components": ["none"], "ignoreMissingComponents": true })).is_ok());
    assert!(render(&files, json!({ "components": ["https://example.com/c"] })).unwrap_err().contains("relative path"));
}

#[test]
fn p1_a_build_never_leaves_the_source() {
    for path in ["../../etc/passwd", "/etc/passwd", "a/../../x"] {
        let build_file = format!("resources:\n- {path}\n");
        assert!(render(&[("kustomization.yaml", build_file.as_str())], json!({})).is_err(), "{path}");
    }
}
