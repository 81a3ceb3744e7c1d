//! Git servers and repositories that refuse, and ours going on once they do not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::case::{Case, config_map, is};

#[tokio::test]
async fn a_server_that_nobody_answers_for() {
    let case = Case::new("refused").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.apply(
        "{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: repo},
          spec: {interval: 10m, url: 'http://127.0.0.1:1/x.git', ref: {branch: main}}}",
    )
    .await;
    case.fails("GitRepository", "repo", "GitOperationFailed", &["http://127.0.0.1:1/x.git", "refused"]).await;
    case.source().await;
    case.ready("GitRepository", "repo").await;
}

/// Servers that take a connection and never say a word hold no worker, of which there are two.
#[tokio::test]
async fn silent_servers_hold_up_no_other() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let case = Case::new("silent").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    for n in 0..4 {
        case.apply(&format!(
            "{{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {{name: silent-{n}}},
              spec: {{interval: 10m, timeout: 59s, url: 'http://127.0.0.1:{port}/x.git', ref: {{branch: main}}}}}}",
        ))
        .await;
    }
    case.source().await;
    let ready = |o: &Value| is(o, "True", None);
    case.within(Duration::from_secs(30), "GitRepository", "repo", "Ready", ready).await;
    for n in 0..4 {
        let object = case.get("GitRepository", &format!("silent-{n}")).await.unwrap();
        assert!(!is(&object, "True", None) && !is(&object, "False", None), "it waits: {}", object["status"]);
    }
}

#[tokio::test]
async fn a_repository_that_is_not_there() {
    let case = Case::new("no-repository").await;
    case.apply(
        "{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: repo},
          spec: {interval: 1s, url: '${URL}x', ref: {branch: main}}}",
    )
    .await;
    case.fails("GitRepository", "repo", "GitOperationFailed", &["${NS}.gitx"]).await;
}

#[tokio::test]
async fn a_branch_that_appears_later() {
    let case = Case::new("no-branch").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.apply(
        "{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: repo},
          spec: {interval: 10m, url: '${URL}', ref: {branch: later}}}",
    )
    .await;
    case.fails("GitRepository", "repo", "GitOperationFailed", &["later"]).await;
    case.repository.git(&["branch", "later", "main"]).unwrap();
    case.ready("GitRepository", "repo").await;
}

#[tokio::test]
async fn a_tag_that_is_not_there() {
    let case = Case::new("no-tag").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.apply(
        "{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: repo},
          spec: {interval: 10m, url: '${URL}', ref: {tag: v9.9.9}}}",
    )
    .await;
    case.fails("GitRepository", "repo", "GitOperationFailed", &["v9.9.9"]).await;
    case.repository.git(&["tag", "v9.9.9", "main"]).unwrap();
    case.ready("GitRepository", "repo").await;
}

#[tokio::test]
async fn a_repository_without_a_commit() {
    let case = Case::new("empty").await;
    case.source().await;
    case.fails("GitRepository", "repo", "EmptyGitRepository", &["empty"]).await;
    let commit = case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.kustomization("app", json!({})).await;
    case.applied("app", &commit).await;
}

#[tokio::test]
async fn a_secret_that_appears_later() {
    let case = Case::new("no-secret").await;
    case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.apply(
        "{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: repo},
          spec: {interval: 10m, url: '${URL}', ref: {branch: main}, secretRef: {name: credentials}}}",
    )
    .await;
    case.fails("GitRepository", "repo", "AuthenticationFailed", &["credentials"]).await;
    case.apply(
        "{apiVersion: v1, kind: Secret, metadata: {name: credentials}, stringData: {username: me, password: p4ss}}",
    )
    .await;
    case.ready("GitRepository", "repo").await;
    assert!(!case.world.flux.log().contains("p4ss"), "the password is in the log");
}

#[tokio::test]
async fn history_that_was_rewritten() {
    let case = Case::new("forced").await;
    let first = case.push(&[("a.yaml", &config_map("one", "v"))]);
    case.source().await;
    case.kustomization("app", json!({})).await;
    case.applied("app", &first).await;
    let second = case.force_push(&[("b.yaml", &config_map("two", "v"))]);
    case.request("GitRepository", "repo").await;
    case.applied("app", &second).await;
    case.gone("ConfigMap", "one").await;
}

#[tokio::test]
async fn a_symlink_out_of_the_repository_reaches_nothing() {
    let case = Case::new("symlink").await;
    let blob = |text: &str| {
        let file = case.repository.path().join("blob");
        std::fs::write(&file, text).unwrap();
        case.repository.git(&["hash-object", "-w", "blob"]).unwrap()
    };
    let (link, build) = (blob("../../../../../../../../etc/passwd"), blob("resources: [passwd.yaml]\n"));
    commit_tree(&case, &format!("120000 blob {link}\tpasswd.yaml\n100644 blob {build}\tkustomization.yaml\n"));
    case.source().await;
    case.kustomization("app", json!({})).await;
    let message = case.fails("Kustomization", "app", "BuildFailed", &["passwd.yaml"]).await;
    assert!(!message.contains("root:"), "{message}");
}

#[tokio::test]
async fn a_file_that_is_named_out_of_the_repository_is_refused() {
    let case = Case::new("dotdot").await;
    case.push(&[("x", "outside")]);
    let inner = case.repository.git(&["rev-parse", "main^{tree}"]).unwrap();
    commit_tree(&case, &format!("040000 tree {inner}\t..\n"));
    case.source().await;
    case.fails("GitRepository", "repo", "GitOperationFailed", &[".."]).await;
    let outside = case.world.flux.storage().join("gitrepository").join(case.ns.name()).join("x");
    assert!(!outside.exists());
    let commit = case.force_push(&[("a.yaml", &config_map("one", "v"))]);
    case.kustomization("app", json!({})).await;
    case.applied("app", &commit).await;
}

/// Points `main` at a commit of a tree that `git mktree` reads in this form.
fn commit_tree(case: &Case<'_>, entries: &str) {
    let tree = case.repository.git_fed(&["mktree"], entries).unwrap();
    let who = ["-c", "user.name=dev", "-c", "user.email=dev@example.com"];
    let commit = [&who[..], &["commit-tree", "-m", "x", &tree]].concat();
    let commit = case.repository.git(&commit).unwrap();
    case.repository.set_ref("refs/heads/main", &commit).unwrap();
}
