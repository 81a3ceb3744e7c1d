//! What clients get wrong, and what they do on purpose, to the embedded API server.

use std::time::{Duration, Instant};

use apiserver::{Options, Server};
use http::{Method, StatusCode};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

async fn client_with(server: &Server, token: &str) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(&server.kubeconfig_with(token)).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.read_timeout = None;
    Client::try_from(config).unwrap()
}

async fn start() -> (Server, Client) {
    let server = Server::start(Options::default()).await.unwrap();
    let client = client_with(&server, server.token()).await;
    (server, client)
}

async fn ask(client: &Client, method: Method, path: &str, body: impl Into<Vec<u8>>) -> (StatusCode, Value) {
    let request = http::Request::builder().method(method).uri(path).header("Content-Type", "application/json");
    let response = client.send(request.body(Body::from(body.into())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect_bytes().await.unwrap();
    let value = serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
    (parts.status, value)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_readable_without_a_token() {
    let (server, _) = start().await;
    let stranger = client_with(&server, "nonsense").await;
    for path in
        ["/", "/api", "/apis", "/version", "/healthz", "/metrics", "/openapi/v2", "/api/v1/secrets", "/nonsense"]
    {
        let (status, body) = ask(&stranger, Method::GET, path, "").await;
        assert_eq!((status.as_u16(), &body["reason"]), (401, &json!("Unauthorized")), "{path}: {body}");
    }
    assert!(server.url().starts_with("https://127.0.0.1:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_beyond_the_limit_are_refused() {
    let (_server, client) = start().await;
    let maps = "/api/v1/namespaces/default/configmaps";
    let large = |size: usize| json!({ "metadata": { "name": "large" }, "data": { "x": "x".repeat(size) } }).to_string();
    let (status, body) = ask(&client, Method::POST, maps, large(4 << 20)).await;
    assert_eq!((status.as_u16(), &body["reason"]), (413, &json!("RequestEntityTooLarge")), "{body}");
    let (status, _) = ask(&client, Method::POST, maps, large(900_000)).await;
    assert_eq!(status, StatusCode::CREATED);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let (status, _) = ask(&client, Method::POST, maps, deep).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_watches_come_and_go() {
    let (_server, client) = start().await;
    let open = || async {
        let path = "/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=1&timeoutSeconds=60";
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let response = client.send(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response
    };
    let watches = futures_of(1000, open).await;
    let (_, text) = ask(&client, Method::GET, "/metrics", "").await;
    let open_line = |text: &Value| {
        let text = text.as_str().unwrap_or_default().to_owned();
        let line = text.lines().find(|line| line.starts_with("apiserver_longrunning_requests{")).map(str::to_owned);
        line.and_then(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).unwrap()
    };
    assert!(open_line(&text) >= 1000, "{}", open_line(&text));
    drop(watches);
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (_, text) = ask(&client, Method::GET, "/metrics", "").await;
        if open_line(&text) == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{} watches are still open", open_line(&text));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn futures_of<T, F: Future<Output = T>>(count: usize, make: impl Fn() -> F) -> Vec<T> {
    let mut done = Vec::new();
    for _ in 0..count {
        done.push(make().await);
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_told_that_its_place_is_gone() {
    let (_server, client) = start().await;
    let maps = "/api/v1/namespaces/default/configmaps";
    let (_, made) = ask(&client, Method::POST, maps, json!({ "metadata": { "name": "busy" } }).to_string()).await;
    let revision = made["metadata"]["resourceVersion"].as_str().unwrap();
    let path = format!("{maps}?watch=true&resourceVersion={revision}");
    let request = http::Request::get(&path).body(Body::empty()).unwrap();
    let unread = client.send(request).await.unwrap();
    // More than the connection and the history take, while nobody reads.
    let filler = "x".repeat(700_000);
    for at in 0..80 {
        let object = json!({ "metadata": { "name": "busy" }, "data": { "at": at.to_string(), "filler": filler } });
        let (status, body) = ask(&client, Method::PUT, &format!("{maps}/busy"), object.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    let bytes =
        tokio::time::timeout(Duration::from_secs(30), unread.into_body().collect_bytes()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&last["type"], &last["object"]["code"]), (&json!("ERROR"), &json!(410)));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_other_folders_and_broken_requests_are_refused() {
    let (_server, client) = start().await;
    for path in [
        "/api/v1/namespaces/default/configmaps/a%2Fb",
        "/api/v1/namespaces/default/configmaps/%2E%2E",
        "/api/v1/namespaces/default/configmaps/%00",
        "/api/v1/namespaces/default/configmaps/%FF",
    ] {
        let (status, body) = ask(&client, Method::GET, path, "").await;
        assert!(matches!(status.as_u16(), 400 | 404), "{path}: {status} {body}");
    }
    for (query, code) in [
        ("labelSelector=%28", 400),
        ("fieldSelector=nonsense%3Dx", 400),
        ("continue=nonsense", 400),
        ("limit=nonsense", 400),
        ("resourceVersion=nonsense", 400),
    ] {
        let (status, body) = ask(&client, Method::GET, &format!("/api/v1/configmaps?{query}"), "").await;
        assert_eq!(status.as_u16(), code, "{query}: {body}");
    }
}
