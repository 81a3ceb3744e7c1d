//! The commands on a cluster where the controllers run.

use std::time::Duration;

use serde_json::json;

use crate::case::{Case, config_map};

#[tokio::test]
async fn create_waits_and_export_gives_it_back() {
    let case = Case::new("create").await;
    let commit = case.push(&[("app/a.yaml", &config_map("one", "v"))]);
    let url = case.url();
    let (code, _, err) = case.flux(&format!("create source git repo --url={url} --branch=main --interval=10m")).await;
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("✔ GitRepository source reconciliation completed"), "{err}");
    assert!(err.contains(&format!("✔ fetched revision: main@sha1:{commit}")), "{err}");
    let ns = case.ns.name();
    let create =
        format!("create kustomization app --source=repo --path=./app --prune --interval=10m --target-namespace={ns}");
    let (code, _, err) = case.flux(&create).await;
    assert_eq!(code, 0, "{err}");
    assert!(err.contains(&format!("✔ applied revision main@sha1:{commit}")), "{err}");
    assert!(case.get("ConfigMap", "one").await.is_some());

    let (code, exported, _) = case.flux("export kustomization app").await;
    assert_eq!(code, 0);
    let (_, created, _) = case.flux(&format!("{create} --export")).await;
    assert_eq!(exported, created, "what is exported is what was created");
    case.flux("delete kustomization app --silent").await;
    case.gone("ConfigMap", "one").await;
}

#[tokio::test]
async fn reconcile_with_source_brings_the_new_commit() {
    let case = Case::new("reconcile").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.ready("Kustomization", "app").await;
    let commit = case.push(&[("a.yaml", &config_map("one", "w"))]);
    let (code, _, err) = case.flux("reconcile kustomization app --with-source").await;
    assert_eq!(code, 0, "{err}");
    assert!(err.contains(&format!("✔ fetched revision main@sha1:{commit}")), "{err}");
    assert!(err.contains(&format!("✔ applied revision main@sha1:{commit}")), "{err}");
    assert_eq!(case.get("ConfigMap", "one").await.unwrap()["data"]["k"], "w");
}

#[tokio::test]
async fn suspend_holds_and_resume_goes_on() {
    let case = Case::new("suspend").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.ready("Kustomization", "app").await;
    let (code, _, err) = case.flux("suspend kustomization app").await;
    assert!(code == 0 && err.contains("✔ kustomization suspended"), "{err}");
    case.delete("ConfigMap", "one").await;
    let asked = case.request("Kustomization", "app").await;
    let (_, out, _) = case.flux("get kustomizations").await;
    let row = out.lines().nth(1).unwrap_or_default();
    assert_eq!(row.split('\t').nth(2).map(str::trim), Some("True"), "{out}");
    let handled = |o: &serde_json::Value| o["status"]["lastHandledReconcileAt"] == asked.as_str();
    case.within(Duration::from_secs(10), "Kustomization", "app", "acknowledges", handled).await;
    assert!(case.get("ConfigMap", "one").await.is_none(), "nothing is applied while suspended");
    let (code, _, err) = case.flux("resume kustomization app").await;
    assert!(code == 0 && err.contains("✔ kustomization resumed"), "{err}");
    assert!(case.get("ConfigMap", "one").await.is_some());
}

#[tokio::test]
async fn a_failure_is_told_by_reconcile_and_get() {
    let case = Case::new("told").await;
    case.push(&[("a.yaml", "kind: [\n")]);
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.fails("Kustomization", "app", "BuildFailed", &["a.yaml"]).await;
    let (code, _, err) = case.flux("reconcile kustomization app --timeout=5s").await;
    assert!(code == 1 && err.contains("✗") && err.contains("a.yaml"), "{err}");
    let (code, out, _) = case.flux("get all --status-selector=ready=false").await;
    assert!(code == 0 && out.contains("kustomization/app") && !out.contains("gitrepository/repo"), "{out}");
}

#[tokio::test]
async fn events_and_tree_tell_what_happened() {
    let case = Case::new("events").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.ready("Kustomization", "app").await;
    let (code, out, err) = case.flux("events --for Kustomization/app").await;
    assert!(code == 0 && out.contains("ReconciliationSucceeded"), "{out}{err}");
    assert!(out.contains("GitRepository/repo"), "its source's events belong to it: {out}");
    let ns = case.ns.name();
    let (_, out, _) = case.flux("tree kustomization app").await;
    assert_eq!(out.trim_end(), format!("Kustomization/{ns}/app\n└── ConfigMap/{ns}/one"));
}

#[tokio::test]
async fn deleting_a_source_leaves_what_was_applied() {
    let case = Case::new("delete").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.ready("GitRepository", "repo").await;
    let (code, _, err) = case.flux("delete source git repo --silent").await;
    assert!(code == 0 && err.contains("✔ source git deleted"), "{err}");
    case.gone("GitRepository", "repo").await;
    let (code, _, err) = case.flux("delete source git repo --silent").await;
    assert!(code == 1 && err.contains("✗"), "{err}");
}

#[tokio::test]
async fn the_metrics_have_upstreams_names() {
    let case = Case::new("metrics").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.ready("Kustomization", "app").await;
    let metrics = case.world.flux.metrics().await.unwrap();
    for name in [
        "gotk_reconcile_duration_seconds_bucket",
        "controller_runtime_reconcile_total",
        "controller_runtime_reconcile_time_seconds_bucket",
        "workqueue_depth",
        "process_resident_memory_bytes",
    ] {
        assert!(metrics.contains(name), "no {name} in\n{metrics}");
    }
}

#[tokio::test]
async fn the_log_is_json_with_upstreams_fields() {
    let case = Case::new("log").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.ready("Kustomization", "app").await;
    let log = case.world.flux.log();
    let lines: Vec<serde_json::Value> = log.lines().map(|l| serde_json::from_str(l).expect(l)).collect();
    let ours = |l: &&serde_json::Value| l["controllerKind"] == "Kustomization" && l["namespace"] == case.ns.name();
    let line = lines.iter().find(ours).expect("a line about our Kustomization");
    for field in ["level", "ts", "msg", "controller", "controllerGroup", "Kustomization", "name", "reconcileID"] {
        assert!(!line[field].is_null(), "no {field} in {line}");
    }
}
