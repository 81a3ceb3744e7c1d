//! What is wrong with what lies in Git, or with what the cluster says to it: told with object, place and rule, while
//! others go on, and mended by the next commit.

use serde_json::{Value, json};

use crate::case::{Case, condition, config_map, deployment, is};

/// Pushes something wrong below `app`, expects the failure, mends it, and expects the new commit to be applied.
async fn check(name: &str, files: &[(&str, &str)], reason: &str, words: &[&str]) {
    let case = Case::new(name).await;
    case.push(files);
    case.source().await;
    case.kustomization("app", json!({ "path": "./app" })).await;
    case.fails("Kustomization", "app", reason, words).await;

    let commit = case.push(&[("app/a.yaml", &config_map("one", "v"))]);
    case.request("GitRepository", "repo").await;
    case.applied("app", &commit).await;
    let (code, out, _) = case.flux("get kustomizations").await;
    assert!(code == 0 && out.contains("Applied revision"), "{out}");
}

#[tokio::test]
async fn a_path_that_is_not_there() {
    let files = [("a.yaml", config_map("one", "v"))];
    let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
    check("no-path", &files, "ArtifactFailed", &["app"]).await;
}

#[tokio::test]
async fn yaml_that_does_not_parse() {
    let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n data: [\n";
    check("bad-yaml", &[("app/bad.yaml", broken)], "BuildFailed", &["bad.yaml", "5"]).await;
}

#[tokio::test]
async fn an_object_without_a_kind() {
    let text = "apiVersion: v1\nmetadata:\n  name: x\n";
    check("no-kind", &[("app/x.yaml", text)], "BuildFailed", &["x.yaml", "kind"]).await;
}

#[tokio::test]
async fn a_resource_that_is_not_there() {
    let files = [("kustomization.yaml", "resources: [nope.yaml]\n")];
    let case = Case::new("no-resource").await;
    case.push(&files);
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.fails("Kustomization", "app", "BuildFailed", &["nope.yaml"]).await;
}

#[tokio::test]
async fn a_kind_that_the_cluster_does_not_know() {
    let text = "apiVersion: example.com/v1\nkind: Unheard\nmetadata:\n  name: x\n";
    check("no-crd", &[("app/x.yaml", text)], "ReconciliationFailed", &["Unheard", "example.com/v1"]).await;
}

#[tokio::test]
async fn a_namespace_that_is_missing() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  namespace: nowhere\n";
    let words = ["ConfigMap/nowhere/x", "namespace"];
    let case = Case::new("no-namespace").await;
    case.push(&[("x.yaml", text)]);
    case.source().await;
    case.kustomization("app", json!({ "targetNamespace": null })).await;
    case.fails("Kustomization", "app", "ReconciliationFailed", &words).await;
}

#[tokio::test]
async fn an_object_that_a_policy_refuses() {
    let case = Case::new("policy").await;
    case.apply(
        "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: '${NS}'}
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: '${NS}'}}
    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]
  validations: [{expression: \"object.metadata.name != 'refused'\", message: house rules forbid this name}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: '${NS}'}
spec: {policyName: '${NS}', validationActions: [Deny]}
",
    )
    .await;
    // A policy is in force some time after it was accepted.
    let probe = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "refused" } });
    while case.try_apply(&probe).await.is_ok() {
        case.delete("ConfigMap", "refused").await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    case.push(&[("a.yaml", &config_map("allowed", "v")), ("b.yaml", &config_map("refused", "v"))]);
    case.source().await;
    case.kustomization("app", json!({})).await;
    let words = ["ConfigMap/${NS}/refused", "house rules forbid this name"];
    case.fails("Kustomization", "app", "ReconciliationFailed", &words).await;
    let commit = case.push(&[("a.yaml", &config_map("allowed", "v"))]);
    case.request("GitRepository", "repo").await;
    case.applied("app", &commit).await;
}

#[tokio::test]
async fn an_object_beyond_the_quota() {
    let case = Case::new("quota").await;
    case.push(&[("a.yaml", &config_map("one", "v")), ("b.yaml", &config_map("two", "v"))]);
    case.apply("{apiVersion: v1, kind: ResourceQuota, metadata: {name: few}, spec: {hard: {count/configmaps: '2'}}}")
        .await;
    // One is kube-root-ca.crt.
    case.until("ResourceQuota", "few", "the quota is counted", |o| o["status"]["used"]["count/configmaps"] == "1")
        .await;
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.fails("Kustomization", "app", "ReconciliationFailed", &["exceeded quota: few"]).await;
    case.patch("ResourceQuota", "few", json!({ "spec": { "hard": { "count/configmaps": "9" } } })).await;
    case.ready("Kustomization", "app").await;
}

#[tokio::test]
async fn a_field_that_cannot_change() {
    let immutable = |value: &str| format!("{}immutable: true\n", config_map("one", value));
    let case = Case::new("immutable").await;
    let first = case.push(&[("a.yaml", &immutable("v"))]);
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.applied("app", &first).await;
    let second = case.push(&[("a.yaml", &immutable("w"))]);
    case.request("GitRepository", "repo").await;
    case.fails("Kustomization", "app", "ReconciliationFailed", &["ConfigMap/${NS}/one", "immutable"]).await;
    case.kustomization("app", json!({ "force": true })).await;
    case.applied("app", &second).await;
    assert_eq!(case.get("ConfigMap", "one").await.unwrap()["data"]["k"], "w");
}

#[tokio::test]
async fn a_field_of_a_later_feature_stalls_and_is_named() {
    let case = Case::new("later").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.kustomization("app", json!({ "decryption": { "provider": "sops" } })).await;
    let stalled = |o: &Value| is(o, "False", None) && condition(o, "Stalled")["status"] == "True";
    let object = case.until("Kustomization", "app", "stalled", stalled).await;
    let message = condition(&object, "Ready")["message"].as_str().unwrap_or_default();
    assert!(message.contains("spec.decryption"), "{message}");
    case.patch("Kustomization", "app", json!({ "spec": { "decryption": null } })).await;
    case.ready("Kustomization", "app").await;
}

#[tokio::test]
async fn one_that_fails_holds_up_no_other() {
    let case = Case::new("neighbours").await;
    let broken = "kind: [\n";
    case.push(&[("bad/x.yaml", broken), ("good/a.yaml", &config_map("one", "v"))]);
    case.source().await;
    for n in 0..6 {
        case.kustomization(&format!("bad-{n}"), json!({ "path": "./bad" })).await;
    }
    case.kustomization("good", json!({ "path": "./good" })).await;
    case.ready("Kustomization", "good").await;
    case.fails("Kustomization", "bad-5", "BuildFailed", &["x.yaml"]).await;
}

#[tokio::test]
async fn waits_hold_up_no_other() {
    let case = Case::new("waits").await;
    case.push(&[("never/d.yaml", &deployment("web", 1)), ("good/a.yaml", &config_map("one", "v"))]);
    case.source().await;
    for n in 0..8 {
        let spec = json!({ "path": "./never", "wait": true, "timeout": "5m", "namePrefix": format!("n{n}-") });
        case.kustomization(&format!("never-{n}"), spec).await;
    }
    for n in 0..8 {
        let waits = |o: &Value| condition(o, "Reconciling")["status"] == "True" && is(o, "Unknown", None);
        case.until("Kustomization", &format!("never-{n}"), "waits", waits).await;
    }
    case.kustomization("good", json!({ "path": "./good", "wait": true })).await;
    let soon = std::time::Duration::from_secs(10);
    case.within(soon, "Kustomization", "good", "Ready", |o| is(o, "True", None)).await;
}
