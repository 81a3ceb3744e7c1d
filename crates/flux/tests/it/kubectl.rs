//! The real kubectl on our kinds.

use serde_json::{Value, json};
use testbed::User;

use crate::case::{Case, config_map, deployment};

/// Runs kubectl in the case's namespace; returns success, standard output, standard error.
async fn kubectl(case: &Case<'_>, args: &[&str]) -> (bool, String, String) {
    let args = [&["--namespace", case.ns.name()], args].concat();
    let out = case.world.plane.kubectl(User::Admin, &args).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.success(), text(&out.stdout), text(&out.stderr))
}

fn manifest(case: &Case<'_>, name: &str, text: &str) -> String {
    let text = text.replace("${NS}", case.ns.name()).replace("${URL}", &case.url());
    let path = case.repository.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

const OBJECTS: &str = "\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: repo}
spec: {interval: 10m, url: '${URL}', ref: {branch: main}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: app}
spec:
  interval: 10m
  prune: true
  wait: true
  path: ./
  targetNamespace: '${NS}'
  sourceRef: {kind: GitRepository, name: repo}
";

#[tokio::test]
async fn apply_wait_get_describe_delete() {
    let case = Case::new("kubectl").await;
    let commit = case.push(&[("a.yaml", &config_map("one", "v")), ("d.yaml", &deployment("web", 0))]);
    let file = manifest(&case, "objects.yaml", OBJECTS);
    let (ok, out, err) = kubectl(&case, &["apply", "-f", &file]).await;
    assert!(ok, "{err}");
    assert!(out.contains("gitrepository.source.toolkit.fluxcd.io/repo created"), "{out}");
    let (ok, out, err) =
        kubectl(&case, &["wait", "--for=condition=Ready", "ks/app", "gitrepo/repo", "--timeout=60s"]).await;
    assert!(ok, "{out}{err}");

    let (_, out, _) = kubectl(&case, &["get", "kustomizations"]).await;
    let rows: Vec<Vec<&str>> = out.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "AGE", "READY", "STATUS"], "{out}");
    assert_eq!(
        (rows[1][0], rows[1][2], rows[1][3..].join(" ")),
        ("app", "True", format!("Applied revision: main@sha1:{commit}"))
    );
    let (_, out, _) = kubectl(&case, &["get", "gitrepositories"]).await;
    let rows: Vec<Vec<&str>> = out.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "URL", "AGE", "READY", "STATUS"], "{out}");
    assert_eq!((rows[1][1], rows[1][3]), (case.url().as_str(), "True"), "{out}");

    let (ok, out, _) = kubectl(&case, &["describe", "kustomization", "app"]).await;
    assert!(ok && out.contains("ReconciliationSucceeded") && out.contains("Reconciliation finished in"), "{out}");
    let (ok, _, err) = kubectl(&case, &["delete", "-f", &file, "--timeout=60s"]).await;
    assert!(ok, "{err}");
    case.gone("ConfigMap", "one").await;
    case.gone("Deployment", "web").await;
}

#[tokio::test]
async fn the_status_has_the_fields_that_others_read() {
    let case = Case::new("status").await;
    let commit = case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.kustomization("app", json!({ "wait": true })).await;
    case.applied("app", &commit).await;
    let (_, out, _) = kubectl(&case, &["get", "kustomizations", "-o", "yaml"]).await;
    let list = yaml::to_value(&out, yaml::Schema::V2).unwrap();
    let status = &list["items"][0]["status"];
    let revision = format!("main@sha1:{commit}");
    assert_eq!(status["lastAppliedRevision"], revision.as_str());
    assert_eq!(status["lastAttemptedRevision"], revision.as_str());
    assert_eq!(status["observedGeneration"], list["items"][0]["metadata"]["generation"]);
    assert_eq!(
        status["inventory"]["entries"],
        json!([{ "id": format!("{}_one__ConfigMap", case.ns.name()), "v": "v1" }])
    );
    let conditions = status["conditions"].as_array().unwrap();
    let kinds: Vec<&Value> = conditions.iter().map(|c| &c["type"]).collect();
    assert_eq!(kinds, ["Ready", "Healthy"]);
    for condition in conditions {
        let fields: Vec<&String> = condition.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["lastTransitionTime", "message", "observedGeneration", "reason", "status", "type"]);
    }
    assert_eq!(status["history"][0]["totalReconciliations"], 1);
}

#[tokio::test]
async fn what_is_invalid_is_refused_with_the_field() {
    let case = Case::new("invalid").await;
    let check = async |text: &str, words: &[&str]| {
        let file = manifest(&case, "invalid.yaml", text);
        let (ok, out, err) = kubectl(&case, &["apply", "--dry-run=server", "-f", &file]).await;
        assert!(!ok, "accepted: {text}\n{out}");
        assert!(words.iter().all(|w| err.contains(w)), "{err} says not all of {words:?}");
    };
    check(&OBJECTS.replace("interval: 10m, url", "url"), &["spec.interval", "Required"]).await;
    check(&OBJECTS.replace("'${URL}'", "ftp://x/y"), &["spec.url", "^(http|https|ssh)://"]).await;
    check(
        &OBJECTS.replace("kind: GitRepository, name: repo}", "kind: Folder, name: repo}"),
        &["spec.sourceRef.kind", "Folder"],
    )
    .await;
    check(&OBJECTS.replace("interval: 10m\n", "interval: soon\n"), &["spec.interval", "soon"]).await;
}

#[tokio::test]
async fn explain_knows_every_field() {
    let case = Case::new("explain").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    for (path, words) in [
        ("kustomization.spec", &["postBuild", "healthCheckExprs", "dependsOn", "sourceRef"][..]),
        ("gitrepository.spec.ref", &["branch", "semver", "commit"][..]),
        ("gitrepository.status.artifact", &["revision", "digest"][..]),
    ] {
        let (ok, out, err) = kubectl(&case, &["explain", path]).await;
        assert!(ok && words.iter().all(|w| out.contains(w)), "{path}: {out}{err}");
        assert!(!out.contains("<no description>"), "{path}: {out}");
    }
}

#[tokio::test]
async fn the_installation_is_accepted() {
    let case = Case::new("install").await;
    let (code, out, err) = case.flux("install --export").await;
    assert_eq!(code, 0, "{err}");
    let objects = yaml::to_values(&out, yaml::Schema::V2).unwrap();
    let kinds: Vec<&str> = objects.iter().filter_map(|o| o["kind"].as_str()).collect();
    for kind in
        ["Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "ServiceAccount", "Deployment"]
    {
        assert!(kinds.contains(&kind), "no {kind} among {kinds:?}");
    }
    // The namespace first: the others are refused without it, dry run or not.
    let space = out.replace("flux-system", case.ns.name());
    let file = manifest(&case, "install.yaml", &space);
    let (ok, _, err) =
        kubectl(&case, &["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", &file]).await;
    assert!(ok, "{err}");
}
