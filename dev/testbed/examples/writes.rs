//! Records what the real kube-apiserver makes of writes, `CASES RECORDED [CORPUS]`: `cargo xtask kinds`.
//!
//! CASES is a folder of YAML files, a case a document: its `name`, maybe a CustomResourceDefinition as its `definition`, what
//! it creates, and merge patches that are tried on that, each by itself, as `patches`. CORPUS is a folder of kustomize's
//! expected output, of which every object is created. What is different in every run is written in one form.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use kube::Client;
use serde_json::{Value, json};
use testbed::ControlPlane;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let folders: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let [cases, recorded, corpus @ ..] = folders.as_slice() else {
        eprintln!("usage: writes CASES RECORDED [CORPUS]");
        return ExitCode::FAILURE;
    };
    match record(cases, recorded, corpus.first().map(PathBuf::as_path)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("writes: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn record(cases: &Path, recorded: &Path, corpus: Option<&Path>) -> Result<(), Failure> {
    let plane = ControlPlane::start().await?;
    // Nobody is to change what was written.
    plane.controller_manager().kill();
    let client = plane.client().await?;
    let discovery = discovery(&client).await?;
    std::fs::create_dir_all(recorded)?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(cases)?.flatten() {
        let documents = yaml::to_values(&std::fs::read_to_string(entry.path())?, yaml::Schema::V3)?;
        let name = entry.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, documents));
    }
    if let Some(corpus) = corpus {
        files.push(("corpus".to_owned(), corpus_cases(corpus)?));
    }
    files.sort_by(|one, other| one.0.cmp(&other.0));
    for (name, cases) in files {
        let mut text = String::new();
        for case in &cases {
            if let Some(line) = play(&client, &discovery, case).await? {
                writeln!(text, "{line}")?;
            }
        }
        println!("{name}: {} cases", text.lines().count());
        std::fs::write(recorded.join(format!("{name}.jsonl")), text)?;
    }
    Ok(())
}

/// Every distinct object of kustomize's expected output, as a case.
fn corpus_cases(folder: &Path) -> Result<Vec<Value>, Failure> {
    let mut seen = BTreeSet::new();
    let mut cases = Vec::new();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    for folder in folders {
        let Ok(text) = std::fs::read_to_string(folder.join("expected.yaml")) else { continue };
        let Ok(documents) = yaml::to_values(&text, yaml::Schema::V2) else { continue };
        for (index, document) in documents.into_iter().enumerate() {
            if document.get("kind").is_some() && seen.insert(document.to_string()) {
                let name = format!("{} {index}", folder.file_name().unwrap_or_default().to_string_lossy());
                cases.push(json!({ "name": name, "create": document }));
            }
        }
    }
    Ok(cases)
}

/// Group, version, kind, plural, whether in namespaces.
type Row = (String, String, String, String, bool);

async fn discovery(client: &Client) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for root in ["/api", "/apis"] {
        let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        let request = http::Request::get(root).header("accept", accept).body(Vec::new())?;
        let list: Value = serde_json::from_str(&client.request_text(request).await?)?;
        for group in list["items"].as_array().into_iter().flatten() {
            for version in group["versions"].as_array().into_iter().flatten() {
                for resource in version["resources"].as_array().into_iter().flatten() {
                    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                    rows.push((
                        text(&group["metadata"]["name"]),
                        text(&version["version"]),
                        text(&resource["responseKind"]["kind"]),
                        text(&resource["resource"]),
                        resource["scope"] == "Namespaced",
                    ));
                }
            }
        }
    }
    Ok(rows)
}

async fn play(client: &Client, discovery: &[Row], case: &Value) -> Result<Option<Value>, Failure> {
    let mut rows = discovery.to_vec();
    let definition = &case["definition"];
    if definition.is_object() {
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        send(client, "POST", path, definition).await?;
        let spec = &definition["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for version in spec["versions"].as_array().into_iter().flatten() {
            let is_namespaced = spec["scope"] == "Namespaced";
            let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
            rows.push((group, text(&version["name"]), text(&spec["names"]["kind"]), plural, is_namespaced));
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let create = &case["create"];
    let api_version = create["apiVersion"].as_str().unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let row =
        rows.iter().find(|(g, v, k, ..)| (g.as_str(), v.as_str()) == (group, version) && create["kind"] == k.as_str());
    let Some((_, _, _, plural, is_namespaced)) = row else { return Ok(None) };
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let mut body = create.clone();
    let path = if *is_namespaced {
        // All live in one namespace; what else there is to know does not depend on it.
        body["metadata"]["namespace"] = json!("default");
        format!("{root}/namespaces/default/{plural}")
    } else {
        if let Some(metadata) = body["metadata"].as_object_mut() {
            metadata.remove("namespace");
        }
        format!("{root}/{plural}")
    };
    let patches = case["patches"].as_array().cloned().unwrap_or_default();
    let dry_run = if patches.is_empty() { "?dryRun=All" } else { "" };
    let created = send(client, "POST", &format!("{path}{dry_run}"), &body).await?;
    let name = created["answer"]["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let mut tried = Vec::new();
    for change in &patches {
        let (below, change) = match change.get("status") {
            Some(_) if change.get("spec").is_none() => ("/status", change.clone()),
            _ => ("", change.clone()),
        };
        let answer = send(client, "PATCH", &format!("{path}/{name}{below}?dryRun=All"), &change).await?;
        tried.push(json!({ "patch": change, "answer": answered(&created["answer"], &answer, &body) }));
    }
    if !patches.is_empty() && created["code"] == 201 {
        send(client, "PATCH", &format!("{path}/{name}"), &json!({ "metadata": { "finalizers": null } })).await?;
        send(client, "DELETE", &format!("{path}/{name}?gracePeriodSeconds=0"), &json!({})).await?;
    }
    let mut line =
        json!({ "name": case["name"], "create": body, "answer": answered(&created["answer"], &created, &body) });
    if definition.is_object() {
        line["definition"] = definition.clone();
    }
    if !tried.is_empty() {
        line["patches"] = tried.into();
    }
    Ok(Some(line))
}

/// An answer without what is different in every run.
fn answered(created: &Value, answer: &Value, body: &Value) -> Value {
    let mut text = answer.to_string();
    if let Some(uid) = created["metadata"]["uid"].as_str() {
        text = text.replace(uid, "UID");
    }
    let name = created["metadata"]["name"].as_str().or(created["details"]["name"].as_str());
    if let (Some(prefix), Some(name)) = (body["metadata"]["generateName"].as_str(), name)
        && body["metadata"]["name"].is_null()
    {
        text = text.replace(name, &format!("{prefix}xxxxx"));
    }
    let asked = |name: &str| body["spec"][name].as_str().is_some();
    if let Some(ip) = created["spec"]["clusterIP"]
        .as_str()
        .filter(|ip| *ip != "None" && !asked("clusterIP") && created["kind"] == "Service")
    {
        text = text.replace(&format!("\"{ip}\""), "\"10.0.0.10\"");
    }
    let mut answer: Value = serde_json::from_str(&text).unwrap_or_default();
    number_ports(&mut answer, body);
    if let Some(time) = answer.pointer_mut("/answer/status/lastPhaseTransitionTime") {
        *time = "TIME".into();
    }
    if let Some(metadata) = answer["answer"]["metadata"].as_object_mut() {
        for name in ["creationTimestamp", "managedFields", "resourceVersion"] {
            metadata.remove(name);
        }
    }
    answer
}

/// Node ports that were handed out, numbered in order.
fn number_ports(answer: &mut Value, body: &Value) {
    if answer["answer"]["kind"] != "Service" {
        return;
    }
    let asked: Vec<Value> =
        body["spec"]["ports"].as_array().into_iter().flatten().map(|port| port["nodePort"].clone()).collect();
    let mut known: Vec<Value> = Vec::new();
    let mut number = |port: &mut Value| {
        if port.is_number() && *port != 0 && !asked.contains(port) {
            let index = known.iter().position(|one| one == port).unwrap_or_else(|| {
                known.push(port.clone());
                known.len() - 1
            });
            *port = json!(30001 + index);
        }
    };
    let Some(spec) = answer.pointer_mut("/answer/spec") else { return };
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(port) = port.get_mut("nodePort") {
            number(port);
        }
    }
    if let Some(port) = spec.get_mut("healthCheckNodePort") {
        number(port);
    }
}

async fn send(client: &Client, method: &str, path: &str, body: &Value) -> Result<Value, Failure> {
    let content = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", content)
        .header("accept", "application/json")
        .body(serde_json::to_vec(body)?)?;
    let response = client.send(request.map(kube::client::Body::from)).await?;
    let code = response.status().as_u16();
    let warnings: Vec<String> = response
        .headers()
        .get_all("warning")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(|value| value.strip_prefix("299 - \"")?.strip_suffix('"').map(|text| text.replace("\\\"", "\"")))
        .filter(|text| text.starts_with("unknown field"))
        .collect();
    let bytes = response.into_body().collect_bytes().await?;
    let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(json!({ "code": code, "warnings": warnings, "answer": answer }))
}
