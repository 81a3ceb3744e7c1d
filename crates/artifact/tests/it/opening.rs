//! Download, verification and sharing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use artifact::{Digest, OpenError};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tree::archive::Limits;
use tree::{Files, Tree, TreePath};

use crate::World;

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

#[tokio::test]
async fn an_artifact_is_read_over_http_and_from_the_local_store_alike() {
    let world = World::new().await;
    let tree = Tree::from([("a/b.yaml", "x: 1"), ("c.yaml", "y: 2")]);
    let artifact = world.put(&tree);
    let remote = world.opener(|_| ());
    let files = remote.open(&artifact.url, &artifact.digest).await.unwrap();
    assert_eq!(files.read(&path("a/b.yaml")).unwrap(), b"x: 1");
    let local = world.opener(|settings| {
        settings.local = Some(Arc::clone(&world.store));
        settings.host = Some("nowhere.invalid".into());
    });
    let files = local.open(&artifact.url, &artifact.digest).await.unwrap();
    assert_eq!(files.read(&path("c.yaml")).unwrap(), b"y: 2");
    world.store.remove_file(&artifact.path).unwrap();
    assert_eq!(files.list(&path("a")).unwrap().len(), 1, "open files outlive the artifact");
    for opener in [remote, local] {
        drop(files.clone());
        let fresh = Digest::parse(&"0".repeat(64)).unwrap();
        let gone = opener.open(&artifact.url, &fresh).await.err().unwrap();
        assert_eq!(gone.to_string(), format!("artifact not found at {}", artifact.url));
        assert!(matches!(gone, OpenError::NotFound { .. }));
    }
}

#[tokio::test]
async fn a5_other_bytes_than_promised_are_refused() {
    let world = World::new().await;
    let artifact = world.put(&Tree::from([("a", "1")]));
    let other = Digest::parse(&"0".repeat(64)).unwrap();
    for opener in [world.opener(|_| ()), world.opener(|settings| settings.local = Some(Arc::clone(&world.store)))] {
        let error = opener.open(&artifact.url, &other).await.err().unwrap();
        let expected = format!("artifact from {} has digest {}, expected {other}", artifact.url, artifact.digest);
        assert_eq!(error.to_string(), expected);
        opener.open(&artifact.url, &artifact.digest).await.unwrap();
    }
}

#[tokio::test]
async fn r2_a_bomb_is_refused_at_the_limit() {
    let world = World::new().await;
    let artifact = world.put(&Tree::from([("zeros", vec![0; 1 << 20])]));
    let small = Limits { total: 1 << 16, file: 1 << 16, entries: 10 };
    let error = world.opener(|s| s.limits = small).open(&artifact.url, &artifact.digest).await.err().unwrap();
    assert!(matches!(error, OpenError::Unpack { .. }), "{error}");
    let error = world.opener(|s| s.largest_download = 100).open(&artifact.url, &artifact.digest).await.err().unwrap();
    assert_eq!(error.to_string(), format!("artifact from {} is larger than 100 bytes", artifact.url));
    let left: Vec<_> = std::fs::read_dir(world.root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["data"], "nothing stays in the scratch directory");
}

#[tokio::test]
async fn many_users_of_one_artifact_download_it_once() {
    let world = World::new().await;
    let artifact = world.put(&Tree::from([("a", "1")]));
    let bytes = std::fs::read(world.root.path().join("data").join(&artifact.path)).unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    let count = move || {
        counter.fetch_add(1, Ordering::Relaxed);
        std::future::ready(bytes.clone())
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.tar.gz", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, Router::new().route("/a.tar.gz", get(count))).into_future());

    let opener = world.opener(|_| ());
    let users = (0..50).map(|_| opener.open(&url, &artifact.digest));
    let users: Vec<_> = futures::future::join_all(users).await;
    assert!(users.iter().all(|user| user.as_ref().is_ok_and(|files| files.read(&path("a")).unwrap() == b"1")));
    assert_eq!(requests.load(Ordering::Relaxed), 1);
    drop(users);
    opener.open(&url, &artifact.digest).await.unwrap();
    assert_eq!(requests.load(Ordering::Relaxed), 2, "what nobody uses is not kept");
    let keeping = world.opener(|settings| settings.keep = 1);
    for _ in 0..3 {
        keeping.open(&url, &artifact.digest).await.unwrap();
    }
    assert_eq!(requests.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_failing_server_is_tried_again_and_a_refusing_one_is_not() {
    let world = World::new().await;
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    let fail = move || {
        let status =
            if counter.fetch_add(1, Ordering::Relaxed) < 3 { StatusCode::BAD_GATEWAY } else { StatusCode::FORBIDDEN };
        std::future::ready(status)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(axum::serve(listener, Router::new().route("/x", get(fail))).into_future());
    let digest = Digest::parse(&"0".repeat(64)).unwrap();
    let opener = world.opener(|settings| {
        settings.retry.attempts = 9;
        settings.host = Some(host.clone());
    });
    let error = opener.open("http://source-controller.flux-system.svc.cluster.local./x", &digest).await.err().unwrap();
    assert_eq!(error.to_string(), format!("download artifact from http://{host}/x: status 403"));
    assert_eq!(requests.load(Ordering::Relaxed), 4);
}
