//! From a push to healthy objects, corrected when they drift, gone when they leave Git.

use std::time::Duration;

use serde_json::{Value, json};

use crate::case::{Case, condition, config_map, deployment, is};

#[tokio::test]
async fn what_is_pushed_appears_and_what_leaves_is_pruned() {
    let case = Case::new("life").await;
    let first = case.push(&[("a.yaml", &config_map("one", "v")), ("d.yaml", &deployment("web", 0))]);
    case.source().await;
    case.kustomization("app", json!({ "wait": true })).await;
    let object = case.applied("app", &first).await;
    let entries = object["status"]["inventory"]["entries"].as_array().map(Vec::len);
    assert_eq!(entries, Some(2), "{:#}", object["status"]);
    let second = case.push(&[("d.yaml", &deployment("web", 0))]);
    case.request("GitRepository", "repo").await;
    case.applied("app", &second).await;
    case.gone("ConfigMap", "one").await;
    case.delete("Kustomization", "app").await;
    case.gone("Kustomization", "app").await;
    case.gone("Deployment", "web").await;
}

#[tokio::test]
async fn drift_is_corrected_when_asked() {
    let case = Case::new("drift").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.ready("Kustomization", "app").await;
    case.patch("ConfigMap", "one", json!({ "data": { "k": "edited", "mine": "1" } })).await;
    let asked = case.request("Kustomization", "app").await;
    case.until("Kustomization", "app", "handled", |o| o["status"]["lastHandledReconcileAt"] == asked.as_str()).await;
    let data = case.get("ConfigMap", "one").await.unwrap()["data"].clone();
    assert_eq!(data, json!({ "k": "v", "mine": "1" }), "the other manager's field stays");
}

#[tokio::test]
async fn drift_is_corrected_at_the_interval() {
    let case = Case::new("interval").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.kustomization("app", json!({ "interval": "2s" })).await;
    case.ready("Kustomization", "app").await;
    case.delete("ConfigMap", "one").await;
    case.until("ConfigMap", "one", "is back", |_| true).await;
}

#[tokio::test]
async fn a_dependant_waits_for_its_dependency_and_then_runs_at_once() {
    let case = Case::new("depends").await;
    case.push(&[("a/d.yaml", &deployment("web", 1)), ("b/b.yaml", &config_map("two", "v"))]);
    case.source().await;
    case.kustomization("second", json!({ "path": "./b", "dependsOn": [{ "name": "first" }] })).await;
    case.kustomization("first", json!({ "path": "./a", "wait": true })).await;
    let waits = |o: &Value| condition(o, "Ready")["reason"] == "DependencyNotReady";
    case.until("Kustomization", "second", "waits for the dependency", waits).await;
    case.push(&[("a/d.yaml", &deployment("web", 0)), ("b/b.yaml", &config_map("two", "v"))]);
    case.request("GitRepository", "repo").await;
    case.ready("Kustomization", "first").await;
    let soon = Duration::from_secs(5);
    case.within(soon, "Kustomization", "second", "Ready", |o| is(o, "True", None)).await;
}

#[tokio::test]
async fn a_new_commit_ends_a_wait_at_once() {
    let case = Case::new("fix").await;
    case.push(&[("d.yaml", &deployment("web", 1))]);
    case.source().await;
    case.kustomization("app", json!({ "wait": true, "timeout": "10m" })).await;
    case.until("Deployment", "web", "is applied", |_| true).await;
    let fix = case.push(&[("d.yaml", &deployment("web", 0))]);
    case.request("GitRepository", "repo").await;
    let fetched = |o: &Value| o["status"]["artifact"]["revision"].as_str().is_some_and(|r| r.ends_with(&fix));
    case.until("GitRepository", "repo", "has the fix", fetched).await;
    let applied = |o: &Value| {
        is(o, "True", None) && o["status"]["lastAppliedRevision"].as_str().is_some_and(|r| r.ends_with(&fix))
    };
    // 2 s in the release build of an idle machine; this one is neither.
    case.within(Duration::from_secs(15), "Kustomization", "app", "applied the fix", applied).await;
}

#[tokio::test]
async fn one_that_is_deleted_while_it_waits_is_gone_at_once() {
    let case = Case::new("deleted").await;
    case.push(&[("d.yaml", &deployment("web", 1))]);
    case.source().await;
    case.kustomization("app", json!({ "wait": true, "timeout": "10m" })).await;
    case.until("Deployment", "web", "is applied", |_| true).await;
    case.delete("Kustomization", "app").await;
    case.gone("Kustomization", "app").await;
    case.gone("Deployment", "web").await;
}

#[tokio::test]
async fn a_source_that_is_deleted_while_in_use_takes_nothing_with_it() {
    let case = Case::new("sourceless").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.ready("Kustomization", "app").await;
    case.delete("GitRepository", "repo").await;
    case.gone("GitRepository", "repo").await;
    case.request("Kustomization", "app").await;
    case.is_not_ready("Kustomization", "app", "ArtifactFailed", &["repo"]).await;
    assert!(case.get("ConfigMap", "one").await.is_some(), "what was applied stays");
    case.source().await;
    case.ready("Kustomization", "app").await;
}

#[tokio::test]
async fn the_second_of_two_kustomizations_with_one_object_does_not_prune_it() {
    let case = Case::new("handover").await;
    case.push(&[("a/a.yaml", &config_map("one", "v")), ("b/keep.yaml", &config_map("two", "v"))]);
    case.source().await;
    case.kustomization("a", json!({ "path": "./a" })).await;
    case.kustomization("b", json!({ "path": "./b" })).await;
    case.ready("Kustomization", "a").await;
    case.ready("Kustomization", "b").await;
    // The object moves from one to the other.
    let moved = case.push(&[
        ("a/other.yaml", &config_map("three", "v")),
        ("b/keep.yaml", &config_map("two", "v")),
        ("b/a.yaml", &config_map("one", "v")),
    ]);
    case.request("GitRepository", "repo").await;
    case.applied("a", &moved).await;
    case.applied("b", &moved).await;
    let asked = case.request("Kustomization", "b").await;
    case.until("Kustomization", "b", "handled", |o| o["status"]["lastHandledReconcileAt"] == asked.as_str()).await;
    let labels = case.get("ConfigMap", "one").await.expect("the object stays")["metadata"]["labels"].clone();
    assert_eq!(labels["kustomize.toolkit.fluxcd.io/name"], "b");
}

#[tokio::test]
async fn a_custom_object_and_its_definition_come_in_one_commit() {
    let case = Case::new("crd").await;
    let group = format!("{}.example.com", case.ns.name());
    let crd = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: things.{group}}}\nspec:\n  \
         group: {group}\n  scope: Namespaced\n  names: {{kind: Thing, plural: things, singular: thing}}\n  versions:\n  \
         - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        \
         x-kubernetes-preserve-unknown-fields: true\n"
    );
    let thing = format!("apiVersion: {group}/v1\nkind: Thing\nmetadata: {{name: t}}\nspec: {{size: 3}}\n");
    let commit = case.push(&[("a-thing.yaml", &thing), ("crd.yaml", &crd)]);
    case.source().await;
    case.kustomization("app", json!({ "wait": true })).await;
    case.applied("app", &commit).await;
    assert_eq!(case.get("Thing", "t").await.unwrap()["spec"]["size"], 3);
}

#[tokio::test]
async fn an_unchanged_remote_costs_one_request_and_no_apply() {
    let case = Case::new("unchanged").await;
    case.push(&[("a.yaml", &config_map("one", "v")), ("d.yaml", &deployment("web", 0))]);
    case.source().await;
    case.kustomization("app", json!({ "wait": true })).await;
    case.ready("Kustomization", "app").await;
    let since =
        |mark| case.world.plane.requests(testbed::User::Flux, mark).unwrap().only(|r| r.namespace == case.ns.name());
    // Until all that follows from becoming ready is done.
    let mark = loop {
        let mark = case.world.plane.mark();
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        if since(mark).count() == 0 {
            break case.world.plane.mark();
        }
    };
    let asked = case.request("Kustomization", "app").await;
    case.until("Kustomization", "app", "handled", |o| o["status"]["lastHandledReconcileAt"] == asked.as_str()).await;
    let ours = since(mark);
    let applied = ours.only(|r| r.verb == "patch" && r.resource != "kustomizations/status" && r.resource != "events");
    assert_eq!(applied.count(), 0, "{:?}", ours.by_resource());
    let statuses = ours.only(|r| r.resource == "kustomizations/status");
    assert!(statuses.count() <= 1, "{:?}", ours.by_resource());
}
