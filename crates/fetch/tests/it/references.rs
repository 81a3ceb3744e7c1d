//! Which commit comes back.

use fetch::git::{Outcome, Reference};
use testbed::git::Settings;

use crate::{World, branch, chain, contents, fetch_with, fetched, refused};

#[track_caller]
fn fields(pairs: &[(&str, &str)]) -> Reference {
    let get = |key| pairs.iter().find(|(other, _)| *other == key).map(|(_, value)| (*value).to_owned());
    Reference {
        branch: get("branch"),
        tag: get("tag"),
        semver: get("semver"),
        name: get("name"),
        commit: get("commit"),
    }
}

#[tokio::test]
async fn each_kind_of_reference_finds_its_commit() {
    let (world, ids) = World::filled();
    let server = world.serve(Settings::default()).await;
    let check = async |reference: &[(&str, &str)], revision: &str, commit: usize| {
        let request = world.request(server.url(), fields(reference));
        let fetched = fetched(&request, &[]).await;
        assert_eq!(fetched.revision.as_str(), format!("{revision}sha1:{}", ids[commit - 1]), "{reference:?}");
        assert_eq!(fetched.commit.id, ids[commit - 1]);
        assert_eq!(fetched.commit.subject, format!("commit {commit}"));
        assert_eq!(contents(&fetched.files)["a.yaml"], format!("n: {commit}\n"));
        assert!(fetched.commit.raw.starts_with(b"tree "));
        assert_eq!(fetched.tag.is_some(), revision.contains("v1.2.0"));
        world.check_nothing_left();
    };
    check(&[("branch", "main")], "main@", 3).await;
    check(&[("branch", "side/way")], "side/way@", 2).await;
    check(&[("tag", "v1.0.0")], "v1.0.0@", 1).await;
    check(&[("tag", "v1.2.0")], "v1.2.0@", 2).await;
    check(&[("semver", ">=1.0.0")], "v1.2.0@", 2).await;
    check(&[("semver", ">=1.0.0-0")], "v1.10.0-rc.1@", 3).await;
    check(&[("name", "refs/heads/main")], "refs/heads/main@", 3).await;
    check(&[("name", "refs/pull/7/head")], "refs/pull/7/head@", 1).await;
    check(&[("name", "refs/tags/v1.2.0")], "refs/tags/v1.2.0@", 2).await;
    check(&[("name", "HEAD")], "HEAD@", 3).await;
    check(&[("commit", &ids[0]), ("branch", "main")], "main@", 1).await;
    check(&[("commit", &ids[1])], "", 2).await;
    check(&[("commit", &ids[0])], "", 1).await;
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let (world, ids) = World::filled();
    let server = world.serve(Settings::default()).await;
    let check = async |reference: &[(&str, &str)], expected: &str| {
        let message = refused(&world.request(server.url(), fields(reference)), &[]).await;
        assert_eq!(message.replace(server.url(), "<url>"), expected);
    };
    check(
        &[("branch", "nope")],
        "unable to clone '<url>/r.git': couldn't find remote ref \"refs/heads/nope\"; the default branch is 'main'",
    )
    .await;
    check(&[("name", "refs/pull/9/head")], "unable to resolve ref 'refs/pull/9/head' to a specific commit").await;
    check(&[("semver", ">=3.0.0")], "no match found for semver: >=3.0.0").await;
    let none = "0123456789".repeat(4);
    let text =
        format!("unable to resolve commit object for '{none}': object not found in the history of branch 'main'");
    check(&[("commit", &none), ("branch", "main")], &text).await;
    let text = format!(
        "unable to resolve commit object for '{}': object not found in the history of branch 'side/way'",
        ids[2]
    );
    check(&[("commit", &ids[2]), ("branch", "side/way")], &text).await;
    world.check_nothing_left();

    let empty = World::new();
    let server = empty.serve(Settings::default()).await;
    assert_eq!(refused(&empty.request(server.url(), branch("main")), &[]).await, "git repository is empty");
}

#[tokio::test]
async fn an_unchanged_remote_costs_one_request() {
    let (world, ids) = World::filled();
    let server = world.serve(Settings::default()).await;
    for reference in [
        fields(&[("branch", "main")]),
        fields(&[("tag", "v1.2.0")]),
        fields(&[("semver", "1.x")]),
        fields(&[("name", "refs/tags/v1.2.0")]),
        fields(&[("commit", &ids[0]), ("branch", "main")]),
    ] {
        let mut request = world.request(server.url(), reference.clone());
        let first = fetched(&request, &[]).await;
        let before = server.requests().len();
        request.last = Some(first.revision.clone());
        match fetch_with(&request, &[]).await {
            Ok(Outcome::Unchanged(revision)) => assert_eq!(revision, first.revision),
            other => crate::unexpected(&format!("{reference:?}: {other:?}")),
        }
        assert_eq!(server.requests()[before..], ["GET /r.git/info/refs -"], "{reference:?}");
    }
    let mut request = world.request(server.url(), branch("main"));
    request.last = Some(format!("main@sha1:{}", ids[0]).as_str().into());
    let before = server.requests().len();
    assert_eq!(fetched(&request, &[]).await.commit.id, ids[2], "history may also be rewritten");
    assert_eq!(server.requests().len() - before, 2);
}

#[tokio::test]
async fn of_versions_that_differ_in_build_metadata_the_latest_commit_wins() {
    let (world, ids) = World::filled();
    for (tag, commit) in [("2.0.0+z", 0), ("2.0.0+b", 2), ("2.0.0+c", 1)] {
        world.repository.set_ref(&format!("refs/tags/{tag}"), &ids[commit]).unwrap();
    }
    let server = world.serve(Settings::default()).await;
    let fetched = fetched(&world.request(server.url(), fields(&[("semver", "2.x")])), &[]).await;
    assert_eq!(fetched.revision.as_str(), format!("2.0.0+b@sha1:{}", ids[2]));
}

#[tokio::test]
async fn links_are_told_and_submodules_are_empty_directories() {
    let (world, ids) = World::filled();
    let blob = |content: &str| {
        let file = world.folder.path().join("blob");
        std::fs::write(&file, content).unwrap();
        world.repository.git(&["hash-object", "-w", &file.display().to_string()]).unwrap()
    };
    let (script, link) = (blob("#!/bin/sh\n"), blob("../../etc/passwd"));
    let index = world.folder.path().join("tree");
    let entries = format!(
        "100755 blob {script}\trun.sh\n120000 blob {link}\tlink\n160000 commit {}\tmodule\n100644 blob {script}\tback\\slash\n",
        ids[0]
    );
    std::fs::write(&index, entries).unwrap();
    let commit = commit_tree(&world, &index);
    world.repository.set_ref("refs/heads/odd", &commit).unwrap();
    let server = world.serve(Settings::default()).await;
    let fetched = fetched(&world.request(server.url(), branch("odd")), &[]).await;
    let seen = contents(&fetched.files);
    assert_eq!(seen["run.sh"], "#!/bin/sh\n");
    assert_eq!(seen["link"], "-> ../../etc/passwd");
    assert_eq!(seen.len(), 2);
    assert_eq!(fetched.files.links()[0].as_str(), "link");
    assert_eq!(fetched.files.skipped(), ["./back\\slash"]);
    let archive = tree::archive::write(&fetched.files, &tree::Ignore::nothing(), Vec::new()).unwrap();
    let limits = tree::archive::Limits { total: 1 << 20, file: 1 << 20, entries: 10 };
    let tree = tree::archive::read(archive.as_slice(), &limits).unwrap();
    assert_eq!(contents(&tree).keys().collect::<Vec<_>>(), ["run.sh"]);
}

/// Makes a commit of the tree that a file lists as `git mktree` reads it.
pub(crate) fn commit_tree(world: &World, list: &std::path::Path) -> String {
    let shell = format!("!git mktree <{}", list.display());
    let tree = world.repository.git(&["-c", &format!("alias.make={shell}"), "make"]).unwrap();
    let who = ["-c", "user.name=dev", "-c", "user.email=dev@example.com"];
    world.repository.git(&[&who[..], &["commit-tree", "-m", "odd", &tree]].concat()).unwrap()
}

#[test]
fn errors_print_their_causes() {
    assert_eq!(chain(&std::io::Error::other("x")), "x");
}
