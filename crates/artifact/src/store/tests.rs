//! The store on a real disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tree::{Ignore, Tree};

use super::{Algorithm, Artifact, Place, Retention, Settings, Store, VerifyError};
use crate::digest::Digest;

fn store(root: &TempDir) -> Store {
    Store::open(Settings {
        root: root.path().join("data"),
        host: "source-controller.flux-system.svc.cluster.local.".into(),
        retention: Retention::default(),
        algorithm: Algorithm::default(),
    })
    .unwrap()
}

fn place() -> Place {
    Place::new("GitRepository", "default", "podinfo").unwrap()
}

fn put(store: &Store, file: &str, content: &str) -> Artifact {
    let tree = Tree::from([("a.yaml", content)]);
    store.put(&place(), file, "main@sha1:00".into(), (&tree, &Ignore::nothing())).unwrap()
}

#[test]
fn an_artifact_is_stored_under_its_place_and_verifies() {
    let root = TempDir::new().unwrap();
    let store = store(&root);
    let artifact = put(&store, "00.tar.gz", "x: 1");
    assert_eq!(artifact.path, "gitrepository/default/podinfo/00.tar.gz");
    assert_eq!(
        artifact.url,
        "http://source-controller.flux-system.svc.cluster.local./gitrepository/default/podinfo/00.tar.gz"
    );
    let local = root.path().join("data").join(&artifact.path);
    let bytes = fs::read(&local).unwrap();
    assert_eq!(artifact.size, bytes.len() as u64);
    assert_eq!(artifact.digest, Algorithm::Sha256.hash(bytes.as_slice()).unwrap());
    assert_eq!(fs::metadata(&local).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(local.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(store.holds(&artifact.path));
    store.verify(&artifact.path, &artifact.digest.to_string()).unwrap();
    assert_eq!(put(&store, "01.tar.gz", "x: 1").digest, artifact.digest, "equal trees give equal bytes");
}

#[test]
fn tampering_and_loss_are_told_apart() {
    let root = TempDir::new().unwrap();
    let store = store(&root);
    let artifact = put(&store, "00.tar.gz", "x: 1");
    let digest = artifact.digest.to_string();
    fs::write(root.path().join("data").join(&artifact.path), "tampered").unwrap();
    assert!(matches!(store.verify(&artifact.path, &digest), Err(VerifyError::Mismatch { .. })));
    assert!(matches!(store.verify(&artifact.path, "sha256:1"), Err(VerifyError::Digest { .. })));
    store.remove_file(&artifact.path).unwrap();
    store.remove_file(&artifact.path).unwrap();
    assert!(matches!(store.verify(&artifact.path, &digest), Err(VerifyError::Missing { .. })));
    assert!(!store.holds(&artifact.path));
}

#[test]
fn p2_nothing_outside_of_the_store_is_reached_through_a_path() {
    let root = TempDir::new().unwrap();
    let store = store(&root);
    let artifact = put(&store, "00.tar.gz", "x: 1");
    fs::write(root.path().join("secret"), "s").unwrap();
    fs::write(root.path().join("data/gitrepository/default/podinfo/00.tar.gz.lock"), "").unwrap();
    fs::write(root.path().join("data/gitrepository/default/podinfo/.tmp-1"), "").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", root.path().join("data/gitrepository/default/podinfo/link")).unwrap();
    let digest = Digest::parse(&"0".repeat(64)).unwrap().to_string();
    for path in [
        "../secret",
        "gitrepository/default/podinfo/../../../../secret",
        "gitrepository/../../secret",
        "/etc/passwd",
        "",
        "gitrepository",
        "gitrepository/default/podinfo",
        "gitrepository/default/podinfo/",
        "gitrepository/default/podinfo/link",
        "gitrepository/default/podinfo/.tmp-1",
        "gitrepository/default/podinfo/00.tar.gz.lock",
        "gitrepository/default/podinfo/00.tar.gz\0",
        "gitrepository/default/podinfo\\00.tar.gz/x",
        "gitrepository/default/podinfo/00.tar.gz/x",
    ] {
        assert!(!store.holds(path), "{path}");
        assert!(matches!(store.verify(path, &digest), Err(VerifyError::Missing { .. })), "{path}");
        store.remove_file(path).unwrap();
    }
    assert!(store.holds(&artifact.path) && root.path().join("secret").exists());
    for (kind, namespace, name) in [("..", "a", "b"), ("k", "a/b", "c"), ("k", "", "c"), ("k", "a", "..")] {
        assert!(Place::new(kind, namespace, name).is_err());
    }
    let tree = Tree::new();
    assert!(store.put(&place(), "../x.tar.gz", "r".into(), (&tree, &Ignore::nothing())).is_err());
}

#[test]
fn removing_a_source_removes_its_directory_only() {
    let root = TempDir::new().unwrap();
    let store = store(&root);
    let artifact = put(&store, "00.tar.gz", "x");
    let other = Place::new("GitRepository", "default", "other").unwrap();
    let kept = store.put(&other, "0.tar.gz", "r".into(), (&Tree::new(), &Ignore::nothing())).unwrap();
    assert!(store.remove(&place()).unwrap());
    assert!(!store.remove(&place()).unwrap());
    assert!(!store.holds(&artifact.path) && store.holds(&kept.path));
}

#[test]
fn garbage_is_collected_by_age_and_count() {
    let root = TempDir::new().unwrap();
    let store = store(&root);
    for name in ["1.tar.gz", "2.tar.gz", "3.tar.gz"] {
        put(&store, name, name);
    }
    let current = "gitrepository/default/podinfo/1.tar.gz";
    let now = SystemTime::now();
    assert_eq!(store.collect_garbage(&place(), Some(current), now).unwrap().removed.len(), 1);
    let later = now + Duration::from_mins(2);
    assert_eq!(store.collect_garbage(&place(), Some(current), later).unwrap().removed, ["3.tar.gz"]);
    assert!(store.holds(current));
    let nothing = Place::new("GitRepository", "default", "never").unwrap();
    assert!(store.collect_garbage(&nothing, None, later).unwrap().removed.is_empty());
}
