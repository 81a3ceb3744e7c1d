//! The testbed tried on itself: a control plane serves, survives disturbance, and ends with its owner.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "the whole crate is tests")]
#![allow(clippy::print_stdout, reason = "numbers are for people")]

mod clients;
mod differential;
mod durability;
mod hostile;
mod speed;

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use testbed::process::{Process, Program};
use testbed::{ControlPlane, Namespace, Notifications, User};

#[tokio::test]
async fn a_control_plane_serves_counts_and_survives() {
    let started = Instant::now();
    let plane = ControlPlane::start().await.unwrap();
    assert!(started.elapsed() < Duration::from_mins(1), "ready after {:?}", started.elapsed());
    let client = plane.client().await.unwrap();
    let ns = Namespace::new(&client, "testbed").await.unwrap();

    let flux = plane.client_of(User::Flux).await.unwrap();
    let mark = plane.mark();
    let maps: Api<ConfigMap> = Api::namespaced(flux, ns.name());
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "one" } });
    let apply = PatchParams::apply("test");
    maps.patch("one", &apply.clone().dry_run(), &Patch::Apply(&object)).await.unwrap();
    maps.patch("one", &apply, &Patch::Apply(&object)).await.unwrap();
    maps.get("one").await.unwrap();
    let requests = plane.requests(User::Flux, mark).unwrap();
    assert_eq!(requests.to_string(), "1 get, 1 patch, 1 patch (dry-run)");
    assert_eq!(plane.requests(User::Floor, mark).unwrap().count(), 0);

    let out = plane.kubectl(User::Admin, &["get", "configmap", "one", "-n", ns.name(), "-o", "name"]).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "configmap/one\n", "{}", String::from_utf8_lossy(&out.stderr));

    plane.api_server().kill();
    assert!(maps.get("one").await.is_err());
    plane.api_server().start().unwrap();
    plane.ready().await.unwrap();
    maps.get("one").await.unwrap();

    plane.etcd().pause().unwrap();
    let two = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "two" } });
    let two = Patch::Apply(&two);
    let write = maps.patch("two", &apply, &two);
    assert!(tokio::time::timeout(Duration::from_secs(1), write).await.is_err(), "written without etcd");
    plane.etcd().resume().unwrap();
    plane.ready().await.unwrap();
    maps.get("one").await.unwrap();
}

/// Plays both parts: the test, and (with the variable set) a test process that starts a server and is then killed.
#[test]
#[expect(clippy::disallowed_methods, reason = "only a process of its own can be killed")]
fn a_server_dies_with_its_test_process() {
    const PID_FILE: &str = "TESTBED_PID_FILE";
    if let Some(pid_file) = std::env::var_os(PID_FILE) {
        let program = Program {
            name: "sleep".into(),
            path: "/bin/sleep".into(),
            args: vec!["600".into()],
            env: Vec::new(),
            log: std::path::Path::new(&pid_file).with_extension("log"),
        };
        let process = Process::start(&program).unwrap();
        std::fs::write(&pid_file, process.id().to_string()).unwrap();
        loop {
            std::thread::park();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let mut owner = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_server_dies_with_its_test_process"])
        .env(PID_FILE, &pid_file)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut pid = String::new();
    until("the server runs", || {
        pid = std::fs::read_to_string(&pid_file).unwrap_or_default();
        !pid.is_empty()
    });
    let alive = || std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|c| c.contains("600"));
    assert!(alive());
    owner.kill().unwrap();
    owner.wait().unwrap();
    until("the server is gone", || !alive());
}

#[track_caller]
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn notifications_are_recorded_by_namespace() {
    let sink = Notifications::start().unwrap();
    let port: u16 = sink.address().trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
    let body = r#"{"involvedObject":{"namespace":"a"},"reason":"X"}"#;
    let request =
        format!("POST / HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.unwrap();
    assert!(answer.contains("202"), "{answer}");
    assert_eq!(sink.of("a").len(), 1);
    assert!(sink.of("b").is_empty());
}
