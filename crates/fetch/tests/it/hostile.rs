//! Servers and repositories that mean harm.

use std::path::Path;

use fetch::git::Limits;
use testbed::git::Settings;

use crate::references::commit_tree;
use crate::{World, branch, fetched, refused};

/// Writes a tree object that `git mktree` would refuse, and a commit of it on `evil`.
fn evil_tree(world: &World, entries: &[(&str, &[u8], &str)]) -> String {
    let mut bytes = Vec::new();
    for (mode, name, id) in entries {
        bytes.extend_from_slice(mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend((0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()));
    }
    let file = world.folder.path().join("evil");
    std::fs::write(&file, bytes).unwrap();
    let tree = world.repository.git(&["hash-object", "-t", "tree", "--literally", "-w", &file.display().to_string()]);
    commit(world, &tree.unwrap())
}

fn commit(world: &World, tree: &str) -> String {
    let who = ["-c", "user.name=dev", "-c", "user.email=dev@example.com"];
    let commit = world.repository.git(&[&who[..], &["commit-tree", "-m", "evil", tree]].concat()).unwrap();
    world.repository.set_ref("refs/heads/evil", &commit).unwrap();
    commit
}

fn blob(world: &World, content: &[u8]) -> String {
    let file = world.folder.path().join("blob");
    std::fs::write(&file, content).unwrap();
    world.repository.git(&["hash-object", "-w", &file.display().to_string()]).unwrap()
}

#[tokio::test]
async fn p4_names_that_lead_out_of_a_checkout_are_refused_with_their_place() {
    let (world, _) = World::filled();
    let file = blob(&world, b"x");
    let server = world.serve(Settings::default()).await;
    for name in ["..", ".git", ".GIT", "git~1", "../x"] {
        let commit = evil_tree(&world, &[("100644", name.as_bytes(), &file)]);
        let message = refused(&world.request(server.url(), branch("evil")), &[]).await;
        let expected = format!(
            "unable to read the tree of commit {commit}: the directory . holds the invalid name {name:?}; \
             remove it from the repository"
        );
        assert_eq!(message, expected);
        world.check_nothing_left();
    }
}

#[tokio::test]
async fn r5_a_tree_of_trees_without_end_is_cut_off() {
    let (world, _) = World::filled();
    let mut list = format!("100644 blob {}\tx\n", blob(&world, b"x"));
    for _ in 0..7 {
        let file = world.folder.path().join("list");
        std::fs::write(&file, &list).unwrap();
        let commit = commit_tree(&world, &file);
        let tree = world.repository.git(&["rev-parse", &format!("{commit}^{{tree}}")]).unwrap();
        world.repository.set_ref("refs/heads/evil", &commit).unwrap();
        let lines: Vec<_> = (0..10).map(|n| format!("040000 tree {tree}\t{n}\n")).collect();
        list = lines.concat();
    }
    let server = world.serve(Settings::default()).await;
    let mut request = world.request(server.url(), branch("evil"));
    request.limits.entries = 10_000;
    let message = refused(&request, &[]).await;
    assert!(message.ends_with("the tree has more than 10000 entries"), "{message}");
}

#[tokio::test]
async fn r5_lists_packs_and_objects_have_limits() {
    let (world, _) = World::filled();
    let zeros = blob(&world, &vec![0; 1 << 20]);
    evil_tree(&world, &[("100644", b"zeros", &zeros)]);
    let server = world.serve(Settings::default()).await;
    let check = async |limits: Limits, expected: &str| {
        let mut request = world.request(server.url(), branch("evil"));
        request.limits = limits;
        let message = refused(&request, &[]).await;
        assert!(message.contains(expected), "{message}");
        world.check_nothing_left();
    };
    let whole = Limits::default();
    check(Limits { advertisement: 100, ..whole }, "the list of references is larger than 100 bytes").await;
    check(Limits { pack: 100, ..whole }, "the pack is larger than 100 bytes").await;
    check(Limits { object: 100_000, ..whole }, "unable to read the objects").await;
    assert_eq!(fetched(&world.request(server.url(), branch("evil")), &[]).await.commit.subject, "evil");
}

#[tokio::test]
async fn r5_what_is_no_pack_is_refused() {
    let (world, _) = World::filled();
    let check = async |path: &str, answer: &[u8], expected: &str| {
        let settings = Settings { answer: Some((path.into(), answer.to_vec())), ..Settings::default() };
        let server = world.serve(settings).await;
        let message = refused(&world.request(server.url(), branch("main")), &[]).await;
        assert!(message.contains(expected), "{message}");
        world.check_nothing_left();
    };
    check("info/refs", b"<html>", "a line without a length").await;
    check("info/refs", b"", "the list of references ends early").await;
    check("git-upload-pack", b"0008NAK\n", "unable to read the objects").await;
    check("git-upload-pack", b"0008NAK\n0009\x01PACK0000", "unable to read the objects").await;
    check("git-upload-pack", b"0019ERR upload-pack: no!\n", "remote: upload-pack: no!").await;
    let empty_pack = b"0008NAK\n0025\x01PACK\0\0\0\x02\0\0\0\0\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e0000";
    check("git-upload-pack", empty_pack, "it holds no objects").await;
}

#[tokio::test]
async fn r5_a_damaged_pack_is_refused() {
    let (world, _) = World::filled();
    let mut pack = world_pack(&world);
    let middle = pack.len() / 2;
    pack[middle] ^= 0x55;
    let mut answer = b"0008NAK\n".to_vec();
    for piece in pack.chunks(1000) {
        answer.extend_from_slice(format!("{:04x}\x01", piece.len() + 5).as_bytes());
        answer.extend_from_slice(piece);
    }
    answer.extend_from_slice(b"0000");
    let server =
        world.serve(Settings { answer: Some(("git-upload-pack".into(), answer)), ..Settings::default() }).await;
    let message = refused(&world.request(server.url(), branch("main")), &[]).await;
    assert!(message.contains("unable to read the objects"), "{message}");
    world.check_nothing_left();
}

fn world_pack(world: &World) -> Vec<u8> {
    world.repository.git(&["repack", "-adq"]).unwrap();
    let packs = world.repository.path().join("objects/pack");
    let is_pack = |path: &Path| path.extension().is_some_and(|extension| extension == "pack");
    let file = std::fs::read_dir(packs).unwrap().map(|entry| entry.unwrap().path()).find(|path| is_pack(path)).unwrap();
    std::fs::read(file).unwrap()
}
