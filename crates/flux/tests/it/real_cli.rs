//! The real `flux` command line on our controllers: whoever has it in scripts and fingers goes on as before.

use serde_json::json;
use testbed::User;
use testbed::control_plane::oracle;

use crate::case::{Case, config_map};

/// Runs the real one as an administrator, in the case's namespace; returns its exit code, and what it said.
async fn real(case: &Case<'_>, command: &str) -> (i32, String) {
    let mut program = tokio::process::Command::new(oracle("flux").unwrap());
    program.args(command.split_whitespace()).args(["--namespace", case.ns.name(), "--timeout", "20s"]);
    program.arg("--kubeconfig").arg(case.world.plane.kubeconfig(User::Admin));
    program.env("KUBECACHEDIR", case.world.plane.folder().join("flux-cache")).env("HOME", case.world.plane.folder());
    let output = program.stdin(std::process::Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), text)
}

/// As [`real`]; it must succeed, and say all of this.
async fn does(case: &Case<'_>, command: &str, words: &[&str]) -> String {
    let (code, text) = real(case, command).await;
    assert_eq!(code, 0, "flux {command}:\n{text}");
    for word in words {
        assert!(text.contains(word), "flux {command} does not say {word:?}:\n{text}");
    }
    text
}

/// A case whose Kustomization `app` has applied the ConfigMap `one`.
async fn with_app(name: &str) -> Case<'static> {
    let case = Case::new(name).await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.ready("Kustomization", "app").await;
    case
}

#[tokio::test]
async fn the_real_flux_creates_and_deletes() {
    let case = Case::new("real-create").await;
    let commit = case.push(&[("app/a.yaml", &config_map("one", "v"))]);
    let (ns, fetched) = (case.ns.name(), format!("fetched revision: main@sha1:{commit}"));
    let source = format!("create source git repo --url={} --branch=main --interval=10m", case.url());
    does(&case, &source, &["GitRepository source reconciliation completed", &fetched]).await;
    let create = format!(
        "create kustomization app --source=GitRepository/repo --path=./app --prune --interval=10m --wait \
         --target-namespace={ns} --health-check-timeout=20s"
    );
    does(&case, &create, &["Kustomization app is ready", &format!("applied revision main@sha1:{commit}")]).await;
    assert!(case.get("ConfigMap", "one").await.is_some());
    // What it makes is what ours makes of the same words.
    let (_, exported, _) = case.flux("export source git repo").await;
    assert_eq!(does(&case, "export source git repo", &[]).await, exported);
    let (_, exported, _) = case.flux("export kustomization app").await;
    assert_eq!(does(&case, "export kustomization app", &[]).await, exported);
    does(&case, "delete kustomization app --silent", &["kustomization deleted"]).await;
    case.gone("ConfigMap", "one").await;
    does(&case, "delete source git repo --silent", &["source git deleted"]).await;
}

#[tokio::test]
async fn the_real_flux_shows_what_ours_shows() {
    let case = with_app("real-get").await;
    case.kustomization("broken", json!({ "path": "./none" })).await;
    case.until("Kustomization", "broken", "fails", |o| crate::case::is(o, "False", None)).await;
    for command in ["get sources git", "get kustomizations", "get kustomization app", "tree kustomization app"] {
        let (code, shown, _) = case.flux(command).await;
        assert_eq!((code, does(&case, command, &[]).await), (0, shown), "flux {command}");
    }
    does(&case, "events --for Kustomization/broken", &["Warning", "kustomization path not found"]).await;
    does(
        &case,
        &format!("trace configmap one -n {}", case.ns.name()),
        &["Managed by Flux", "Kustomization:", "GitRepository:"],
    )
    .await;
}

#[tokio::test]
async fn the_real_flux_reconciles_suspends_and_resumes() {
    let case = with_app("real-turn").await;
    let commit = case.push(&[("a.yaml", &config_map("one", "w"))]);
    let applied = format!("applied revision main@sha1:{commit}");
    does(&case, "reconcile kustomization app --with-source", &[&applied]).await;
    assert_eq!(case.get("ConfigMap", "one").await.unwrap()["data"]["k"], "w");
    does(&case, "reconcile source git repo", &[&format!("fetched revision main@sha1:{commit}")]).await;
    does(&case, "suspend kustomization app", &["kustomization suspended"]).await;
    let (code, text) = real(&case, "reconcile kustomization app").await;
    assert!(code != 0 && text.contains("suspended"), "{text}");
    does(&case, "resume kustomization app", &["kustomization resumed", &applied]).await;
    does(&case, "suspend source git repo", &["source git suspended"]).await;
    does(&case, "resume source git repo", &["source git resumed"]).await;
}

#[tokio::test]
async fn the_real_flux_previews() {
    let case = with_app("real-diff").await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), config_map("one", "w")).unwrap();
    let built = does(&case, &format!("build kustomization app --path {}", folder.path().display()), &[]).await;
    assert!(built.contains("kustomize.toolkit.fluxcd.io/name: app") && built.contains("k: w"), "{built}");
    let (code, text) = real(&case, &format!("diff kustomization app --path {}", folder.path().display())).await;
    assert!(code == 1 && text.contains("ConfigMap") && text.contains("drifted"), "{text}");
    std::fs::write(folder.path().join("a.yaml"), config_map("one", "v")).unwrap();
    let (code, text) = real(&case, &format!("diff kustomization app --path {}", folder.path().display())).await;
    assert_eq!(code, 0, "{text}");
}
