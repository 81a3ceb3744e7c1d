//! The store on its own: lists of other times, changes that were expected, watches, and what comes back from disk.

use super::*;
use serde_json::json;

fn store() -> Arc<Store> {
    let (changes, _) = tokio::sync::mpsc::unbounded_channel();
    Arc::new(Store::open(None, changes).unwrap())
}

fn object(name: &str, at: u32) -> Map<String, Value> {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "uid": name }, "data": { "at": at } })
        .as_object()
        .cloned()
        .unwrap()
}

fn shelf() -> ShelfName {
    "configmaps".into()
}

/// The keys and values of a shelf at a revision.
#[track_caller]
fn check(store: &Store, at: Option<u64>, expected: &str) {
    let snapshot = store.list("configmaps", "", "", at).unwrap();
    let text: Vec<String> =
        snapshot.items.iter().map(|(key, stored)| format!("{key}={}", stored.parse()["data"]["at"])).collect();
    assert_eq!(text.join(" "), expected, "{at:?}");
}

#[test]
fn a_list_at_an_earlier_revision_is_what_was_there() {
    let store = store();
    store.put(&shelf(), "n/a", Expect::Absent, object("a", 1)).unwrap();
    store.put(&shelf(), "n/b", Expect::Absent, object("b", 1)).unwrap();
    store.put(&shelf(), "n/a", Expect::Revision(1), object("a", 2)).unwrap();
    store.remove(&shelf(), "n/b", 2, object("b", 1)).unwrap();
    store.put(&shelf(), "n/c", Expect::Absent, object("c", 1)).unwrap();
    check(&store, None, "n/a=2 n/c=1");
    check(&store, Some(4), "n/a=2");
    check(&store, Some(3), "n/a=2 n/b=1");
    check(&store, Some(2), "n/a=1 n/b=1");
    check(&store, Some(1), "n/a=1");
    assert_eq!(store.revision(), 5);
}

#[test]
fn a_change_happens_only_to_what_was_expected() {
    let store = store();
    store.put(&shelf(), "n/a", Expect::Absent, object("a", 1)).unwrap();
    assert!(store.put(&shelf(), "n/a", Expect::Absent, object("a", 2)).is_err());
    assert!(store.put(&shelf(), "n/a", Expect::Revision(9), object("a", 2)).is_err());
    assert!(store.put(&shelf(), "n/b", Expect::Revision(1), object("b", 2)).is_err());
    assert!(store.remove(&shelf(), "n/a", 9, object("a", 1)).is_err());
    assert_eq!(store.revision(), 1, "what did not happen has no revision");
    let stored = store.get("configmaps", "n/a").unwrap().parse();
    assert_eq!(stored["metadata"]["resourceVersion"], "1");
    assert!(stored.get("kind").is_none());
}

#[test]
fn uids_and_owners_are_followed() {
    let store = store();
    let mut child = object("child", 1);
    child["metadata"]["ownerReferences"] = json!([{ "uid": "a" }]);
    store.put(&shelf(), "n/a", Expect::Absent, object("a", 1)).unwrap();
    store.put(&shelf(), "n/child", Expect::Absent, child).unwrap();
    assert_eq!(store.locate("a").unwrap().key.as_ref(), "n/a");
    assert_eq!(store.dependents("a").len(), 1);
    store.put(&shelf(), "n/child", Expect::Revision(2), object("child", 2)).unwrap();
    assert!(store.dependents("a").is_empty());
    store.remove(&shelf(), "n/a", 1, object("a", 1)).unwrap();
    assert!(store.locate("a").is_none());
}

#[tokio::test]
async fn a_watcher_sees_each_change_once_and_in_order() {
    let store = store();
    store.put(&shelf(), "n/a", Expect::Absent, object("a", 1)).unwrap();
    let mut watcher = store.watch(&shelf(), "n/", 0);
    store.put(&shelf(), "m/x", Expect::Absent, object("x", 1)).unwrap();
    store.put(&shelf(), "n/a", Expect::Revision(1), object("a", 2)).unwrap();
    let seen: Vec<_> =
        watcher.next().await.unwrap().into_iter().map(|event| (event.change, event.object.revision)).collect();
    assert_eq!(seen, [(Change::Added, 1), (Change::Modified, 3)]);
    store.remove(&shelf(), "n/a", 3, object("a", 2)).unwrap();
    let seen: Vec<_> =
        watcher.next().await.unwrap().into_iter().map(|event| (event.change, event.object.revision)).collect();
    assert_eq!(seen, [(Change::Deleted, 4)]);
    assert_eq!(watcher.position(), 4);
}

#[tokio::test]
async fn what_is_forgotten_is_gone() {
    let store = store();
    store.put(&shelf(), "n/a", Expect::Absent, object("a", 0)).unwrap();
    let mut watcher = store.watch(&shelf(), "", 1);
    for at in 1..=20_010_u32 {
        store.put(&shelf(), "n/a", Expect::Revision(u64::from(at)), object("a", at)).unwrap();
    }
    assert!(watcher.next().await.is_err());
    assert!(store.list("configmaps", "", "", Some(2)).is_err());
    check(&store, Some(20_000), "n/a=19999");
}

#[tokio::test]
async fn what_is_on_disk_comes_back() {
    let folder = tempfile::TempDir::new().unwrap();
    let open = || {
        let (changes, _) = tokio::sync::mpsc::unbounded_channel();
        Arc::new(Store::open(Some(folder.path()), changes).unwrap())
    };
    let store = open();
    let (_, first) = store.put(&shelf(), "n/a", Expect::Absent, object("a", 1)).unwrap();
    let (_, second) = store.put(&shelf(), "n/b", Expect::Absent, object("b", 1)).unwrap();
    let (_, third) = store.remove(&shelf(), "n/a", 1, object("a", 1)).unwrap();
    assert!(first.wait().await && second.wait().await && third.wait().await);
    drop(store);
    let store = open();
    check(&store, None, "n/b=1");
    assert!(store.revision() > 3);
    assert!(store.list("configmaps", "", "", Some(3)).is_err(), "the time before the start is gone");
    let mut early = store.watch(&shelf(), "", 3);
    assert!(early.next().await.is_err());
    assert_eq!(store.locate("b").unwrap().key.as_ref(), "n/b");
}
