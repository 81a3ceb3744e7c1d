//! Sending a scenario.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;

use super::script::{Request, Scenario};

const WAIT: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(50);

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status of HTTP.
    pub code: u16,
    /// The texts of `Warning` headers, sorted.
    pub warnings: Vec<String>,
    /// The body: JSON, a list of JSON lines, or text.
    pub body: Value,
}

/// A client that shows every answer: others ask again when they hear that a server is busy.
///
/// # Errors
/// The kubeconfig cannot be read.
pub async fn client(kubeconfig: &str) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig)?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

/// Sends the requests of a scenario in order, in a namespace that it makes.
///
/// # Errors
/// The server cannot be reached.
pub async fn run(client: &Client, scenario: &Scenario, namespace: &str) -> Result<Vec<Answer>, kube::Error> {
    let mut names = BTreeMap::from([("NS".to_owned(), namespace.to_owned())]);
    prepare(client, namespace).await?;
    let mut answers = Vec::new();
    for request in &scenario.requests {
        let deadline = Instant::now() + WAIT;
        let answer = loop {
            let answer = send(client, request, &names).await?;
            let is_done = request.option("until").is_none_or(|until| holds(&answer, &fill(until, &names)));
            if is_done || Instant::now() >= deadline {
                break answer;
            }
            tokio::time::sleep(AGAIN).await;
        };
        for (name, pointer) in &request.captures {
            let value = answer.body.pointer(pointer).map(text).unwrap_or_default();
            names.insert(name.clone(), value);
        }
        answers.push(answer);
    }
    Ok(answers)
}

/// Makes the namespace, and waits for what every namespace has.
async fn prepare(client: &Client, namespace: &str) -> Result<(), kube::Error> {
    let script = format!(
        "== {namespace}\nPOST /api/v1/namespaces\n{{\"metadata\":{{\"name\":\"$NS\"}}}}\n\
         GET /api/v1/namespaces/$NS/serviceaccounts/default until=200\n\
         GET /api/v1/namespaces/$NS/configmaps/kube-root-ca.crt until=200\n"
    );
    let names = BTreeMap::from([("NS".to_owned(), namespace.to_owned())]);
    for request in super::parse(&script).unwrap_or_default().iter().flat_map(|scenario| &scenario.requests) {
        let deadline = Instant::now() + WAIT;
        while send(client, request, &names).await?.code != 200
            && request.option("until").is_some()
            && Instant::now() < deadline
        {
            tokio::time::sleep(AGAIN).await;
        }
    }
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Puts values in place of names; the longest name that fits counts.
fn fill(template: &str, names: &BTreeMap<String, String>) -> String {
    let mut names: Vec<_> = names.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let mut filled = template.to_owned();
    for (name, value) in names {
        filled = filled.replace(&format!("${name}"), value);
    }
    filled
}

fn holds(answer: &Answer, until: &str) -> bool {
    match until.split_once('=') {
        Some((pointer, value)) => answer.body.pointer(pointer).map(text).as_deref() == Some(value),
        None => until.parse() == Ok(answer.code),
    }
}

async fn send(client: &Client, request: &Request, names: &BTreeMap<String, String>) -> Result<Answer, kube::Error> {
    let body = (!request.body.is_empty()).then(|| fill(&request.body.join("\n"), names));
    let content_type = match request.option("type") {
        Some("merge") => "application/merge-patch+json",
        Some("json") => "application/json-patch+json",
        Some("strategic") => "application/strategic-merge-patch+json",
        Some("apply") => "application/apply-patch+yaml",
        Some("json-object") | None => "application/json",
        Some(other) => other,
    };
    let accept = match request.option("accept") {
        None => "application/json",
        Some("table") => "application/json;as=Table;v=v1;g=meta.k8s.io",
        Some("partial") => "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        Some("partiallist") => "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
        Some("yaml") => "application/yaml",
        Some("discovery") => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        Some(other) => other,
    };
    let mut builder = http::Request::builder()
        .method(request.method.clone())
        .uri(fill(&request.path, names))
        .header(USER_AGENT, "differential/1")
        .header(ACCEPT, accept);
    if body.is_some() || request.option("type").is_some() {
        builder = builder.header(CONTENT_TYPE, content_type);
    }
    if let Some(who) = request.option("as").map(|who| fill(who, names)) {
        for (at, part) in who.split(',').enumerate() {
            builder = match part.strip_prefix("group:") {
                Some(group) if at > 0 => builder.header("Impersonate-Group", group),
                _ => builder.header("Impersonate-User", part),
            };
        }
    }
    let body = Body::from(body.unwrap_or_default().into_bytes());
    let request = builder.body(body).map_err(kube::Error::HttpError)?;
    let response = client.send(request).await?;
    let (parts, body) = response.into_parts();
    let bytes = body.collect_bytes().await?;
    Ok(Answer { code: parts.status.as_u16(), warnings: warnings(&parts.headers), body: read(&bytes) })
}

fn warnings(headers: &HeaderMap) -> Vec<String> {
    let all = headers.get_all("warning").iter();
    let mut warnings: Vec<String> = all.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect();
    warnings.sort();
    warnings
}

/// JSON, or JSON a line as watches send it, or text.
fn read(bytes: &[u8]) -> Value {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return value;
    }
    let text = String::from_utf8_lossy(bytes);
    let lines: Result<Vec<Value>, _> = text.lines().filter(|line| !line.is_empty()).map(serde_json::from_str).collect();
    lines.map_or_else(|_| Value::String(text.into_owned()), Value::Array)
}
