//! Writes what the real kube-apiserver serves of Kubernetes' built-in kinds as data files: `cargo xtask kinds`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use flate2::{Compression, GzBuilder};
use kube::Client;
use serde_json::{Map, Value, json};
use testbed::ControlPlane;

/// The groups and versions of what people keep in Git, and of the questions that clients ask of every cluster.
const WANTED: [(&str, &str); 21] = [
    ("", "v1"),
    ("admissionregistration.k8s.io", "v1"),
    ("apiextensions.k8s.io", "v1"),
    ("apiregistration.k8s.io", "v1"),
    ("apps", "v1"),
    ("authentication.k8s.io", "v1"),
    ("authorization.k8s.io", "v1"),
    ("autoscaling", "v1"),
    ("autoscaling", "v2"),
    ("batch", "v1"),
    ("certificates.k8s.io", "v1"),
    ("coordination.k8s.io", "v1"),
    ("discovery.k8s.io", "v1"),
    ("events.k8s.io", "v1"),
    ("flowcontrol.apiserver.k8s.io", "v1"),
    ("networking.k8s.io", "v1"),
    ("node.k8s.io", "v1"),
    ("policy", "v1"),
    ("rbac.authorization.k8s.io", "v1"),
    ("scheduling.k8s.io", "v1"),
    ("storage.k8s.io", "v1"),
];
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
/// What of a definition decides how objects are merged; the rest is for readers.
const STRUCTURE: [&str; 12] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "default",
    "format",
    "items",
    "nullable",
    "oneOf",
    "properties",
    "required",
    "type",
    "x-kubernetes-",
];

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1).map(PathBuf::from) else {
        eprintln!("usage: kinds FOLDER");
        return ExitCode::FAILURE;
    };
    match write(&folder).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kinds: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn write(folder: &std::path::Path) -> Result<(), Failure> {
    let plane = ControlPlane::start().await?;
    let client = plane.client().await?;
    let openapi = folder.join("openapi");
    std::fs::create_dir_all(&openapi)?;

    let version = get(&client, "/version", "application/json").await?;
    let version = version["gitVersion"].as_str().unwrap_or_default();
    let mut documents = BTreeMap::new();
    for (group, version) in WANTED {
        let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
        let document = get(&client, &format!("/openapi/v3/{path}"), "application/json").await?;
        let name = if group.is_empty() { "core" } else { group };
        compress(&openapi.join(format!("{name}_{version}.json.gz")), &document)?;
        documents.insert((group, version), document);
    }
    compress(&folder.join("schemas.json.gz"), &structure(documents.values()))?;

    let mut rows = Vec::new();
    for root in ["/api", "/apis"] {
        let discovery = get(&client, root, DISCOVERY).await?;
        for group in array(&discovery["items"]) {
            let name = group["metadata"]["name"].as_str().unwrap_or_default();
            for version in array(&group["versions"]) {
                let number = version["version"].as_str().unwrap_or_default();
                if !WANTED.contains(&(name, number)) {
                    continue;
                }
                for resource in array(&version["resources"]) {
                    let definitions = &documents[&(name, number)]["components"]["schemas"];
                    rows.push(row(&client, (name, number), resource, definitions).await?);
                }
            }
        }
    }
    let mut text = format!(
        "# The resources of Kubernetes' built-in kinds, one a line, as kube-apiserver {version} (Copyright The Kubernetes\n\
         # Authors, Apache-2.0) serves them. Regenerate, with the documents in openapi/ and schemas.json.gz: `cargo xtask kinds`.\n"
    );
    for row in &rows {
        writeln!(text, "{row}")?;
    }
    std::fs::write(folder.join("resources.jsonl"), text)?;
    std::fs::write(folder.join("flowcontrol.jsonl"), flow_control(&client).await?)?;
    println!("kinds: {} resources of {} groups, {version}", rows.len(), WANTED.len());
    Ok(())
}

/// The priority levels and flow schemas that every cluster has, one a line.
async fn flow_control(client: &Client) -> Result<String, Failure> {
    let mut text = String::new();
    for (plural, kind) in [("prioritylevelconfigurations", "PriorityLevelConfiguration"), ("flowschemas", "FlowSchema")]
    {
        let list = get(client, &format!("/apis/flowcontrol.apiserver.k8s.io/v1/{plural}"), "application/json").await?;
        for object in array(&list["items"]) {
            let metadata = &object["metadata"];
            let metadata = json!({ "name": metadata["name"], "annotations": metadata["annotations"] });
            writeln!(text, "{}", json!({ "kind": kind, "metadata": metadata, "spec": object["spec"] }))?;
        }
    }
    Ok(text)
}

async fn row(
    client: &Client,
    (group, version): (&str, &str),
    resource: &Value,
    definitions: &Value,
) -> Result<Value, Failure> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let plural = text(&resource["resource"]);
    let kind = text(&resource["responseKind"]["kind"]);
    let subresources = array(&resource["subresources"]).map(|one| {
        let (other_group, other_version) = (text(&one["responseKind"]["group"]), text(&one["responseKind"]["version"]));
        let other_kind = text(&one["responseKind"]["kind"]);
        // An empty group and version mean those of the resource.
        let is_own = other_kind == kind && other_version.is_empty();
        let own_version = if other_version.is_empty() { version.to_owned() } else { other_version };
        let own_group = if other_group.is_empty() && one["responseKind"]["version"] == json!("") {
            group.to_owned()
        } else {
            other_group
        };
        let kind = (!is_own).then(|| json!([own_group, own_version, other_kind]));
        json!({ "name": one["subresource"], "kind": kind, "verbs": sorted(&one["verbs"]) })
    });
    let mut columns = Vec::new();
    if array(&resource["verbs"]).any(|verb| verb == "list") {
        let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let table = get(client, &format!("{root}/{plural}?limit=1"), TABLE).await?;
        columns.extend(array(&table["columnDefinitions"]).cloned());
    }
    let definition = definitions.as_object().into_iter().flatten().find(|(_, definition)| {
        array(&definition["x-kubernetes-group-version-kind"])
            .any(|one| one == &json!({ "group": group, "version": version, "kind": kind }))
    });
    let mut row = json!({
        "group": group,
        "version": version,
        "kind": kind,
        "plural": plural,
        "singular": resource["singularResource"],
        "namespaced": resource["scope"] == "Namespaced",
        "verbs": sorted(&resource["verbs"]),
        "shortNames": resource["shortNames"],
        "categories": resource["categories"],
        "subresources": subresources.collect::<Vec<_>>(),
        "columns": columns,
        "definition": definition.map(|(name, _)| name),
    });
    drop_empty(&mut row);
    Ok(row)
}

/// The definitions of all documents, each once, without what is said to readers.
fn structure<'a>(documents: impl Iterator<Item = &'a Value>) -> Value {
    let mut definitions = BTreeMap::new();
    for document in documents {
        for (name, definition) in document["components"]["schemas"].as_object().into_iter().flatten() {
            definitions.entry(name.clone()).or_insert_with(|| only_structure(definition));
        }
    }
    json!({ "components": { "schemas": definitions } })
}

fn only_structure(schema: &Value) -> Value {
    let Value::Object(parts) = schema else { return schema.clone() };
    let kept = parts.iter().filter(|(key, _)| {
        STRUCTURE.iter().any(|known| key == known || known.ends_with('-') && key.starts_with(known))
    });
    let kept = kept.map(|(key, part)| {
        let part = match (key.as_str(), part) {
            ("properties", Value::Object(properties)) => {
                Value::Object(properties.iter().map(|(name, schema)| (name.clone(), only_structure(schema))).collect())
            }
            ("allOf" | "oneOf", Value::Array(parts)) => parts.iter().map(only_structure).collect(),
            ("items" | "additionalProperties", part) => only_structure(part),
            (_, part) => part.clone(),
        };
        (key.clone(), part)
    });
    Value::Object(kept.collect::<Map<_, _>>())
}

fn drop_empty(row: &mut Value) {
    if let Value::Object(fields) = row {
        fields.retain(|_, value| !(value.is_null() || value.as_array().is_some_and(Vec::is_empty) || value == ""));
        fields.values_mut().filter_map(Value::as_array_mut).flatten().for_each(drop_empty);
    }
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn sorted(verbs: &Value) -> Vec<String> {
    let mut verbs: Vec<String> = array(verbs).filter_map(Value::as_str).map(str::to_owned).collect();
    verbs.sort();
    verbs
}

async fn get(client: &Client, path: &str, accept: &str) -> Result<Value, Failure> {
    let request = http::Request::get(path).header(http::header::ACCEPT, accept).body(Vec::new())?;
    let text = client.request_text(request).await.map_err(|error| format!("GET {path}: {error}"))?;
    Ok(serde_json::from_str(&text)?)
}

/// Keys are sorted, and no time is noted: the same answers give the same bytes.
fn compress(path: &std::path::Path, document: &Value) -> Result<(), Failure> {
    let mut file = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    file.write_all(serde_json::to_string(document)?.as_bytes())?;
    std::fs::write(path, file.finish()?)?;
    Ok(())
}
