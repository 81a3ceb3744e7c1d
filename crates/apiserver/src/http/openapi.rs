//! The documents that explain the kinds: OpenAPI v3 by group and version, and v2 all in one.
//!
//! Those of built-in kinds lie compressed in the program and are sent so; those of custom kinds are made of their
//! schemas when somebody asks.

use std::collections::BTreeSet;
use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::failure::Failure;
use crate::http::accept::Encoding;
use crate::http::answer::{self, Call};
use crate::http::health;
use crate::http::respond::{self, Body};
use crate::kinds;
use crate::verbs::decode;

const REFERENCE: &str = "#/components/schemas/";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// How version 2 is called in protobuf. It is asked for with an `@`, which no type may hold.
const PROTOBUF_V2: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// Version 2 in protobuf, as an outline without paths and definitions. kubectl asks for it about kinds that nobody can
/// patch, such as `List`, and lets what the outline does not know pass: the server validates what the list holds.
fn outline() -> Vec<u8> {
    let text =
        |field: u8, text: &str| [&[field << 3 | 2, u8::try_from(text.len()).unwrap_or(0)], text.as_bytes()].concat();
    let info = [text(1, "Kubernetes"), text(2, "v1.35.4")].concat();
    let empty = |field: u8| vec![field << 3 | 2, 0];
    let length = u8::try_from(info.len()).unwrap_or(0);
    [text(1, "2.0"), vec![2 << 3 | 2, length], info, empty(8), empty(9)].concat()
}

/// Answers a request for a document; none for other paths.
pub(crate) fn answer(call: &Call, path: &str) -> Option<Response<Body>> {
    let rest = path.strip_prefix("/openapi/")?;
    let only_protobuf = call
        .header(http::header::ACCEPT)
        .is_some_and(|accept| !accept.is_empty() && accept.split(',').all(|clause| clause.contains("protobuf")));
    if only_protobuf && rest == "v2" {
        return Some(respond::bytes(200, PROTOBUF_V2, outline()));
    }
    if only_protobuf {
        let failure = Failure::not_acceptable(&["application/json"]);
        return Some(respond::failure(Encoding::Json, &failure));
    }
    let api = &call.api;
    match rest.trim_end_matches('/') {
        "v2" => Some(respond::value(200, Encoding::Json, &version_2(api))),
        "v3" => Some(respond::value(200, Encoding::Json, &index(api))),
        rest => {
            let group_version = rest.strip_prefix("v3/")?;
            let (group, version) = match group_version.split('/').collect::<Vec<_>>().as_slice() {
                ["api", version] => (String::new(), (*version).to_owned()),
                ["apis", group, version] => ((*group).to_owned(), (*version).to_owned()),
                _ => return Some(answer::nothing()),
            };
            Some(document(call, &group, &version).unwrap_or_else(answer::nothing))
        }
    }
}

/// A document, compressed or not.
enum Document {
    Packed(&'static [u8]),
    Plain(Vec<u8>),
}

fn find(api: &Api, group: &str, version: &str) -> Option<Document> {
    if let Some(packed) = kinds::document(group, version) {
        return Some(Document::Packed(packed));
    }
    let document = custom(api, group, version)?;
    Some(Document::Plain(document.to_string().into_bytes()))
}

impl Document {
    fn hash(&self) -> String {
        let bytes = match self {
            Self::Packed(bytes) => bytes,
            Self::Plain(bytes) => bytes.as_slice(),
        };
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        decode::hex(digest.as_ref()).to_uppercase()
    }

    fn unpacked(self) -> Vec<u8> {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Packed(packed) => {
                let mut bytes = Vec::new();
                // It is our own.
                let _ = GzDecoder::new(packed).read_to_end(&mut bytes);
                bytes
            }
        }
    }
}

fn document(call: &Call, group: &str, version: &str) -> Option<Response<Body>> {
    let document = find(&call.api, group, version)?;
    let tag = format!("\"{}\"", document.hash());
    if call.header(IF_NONE_MATCH) == Some(tag.as_str()) {
        let mut response = respond::bytes(304, "application/json", Bytes::new());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Some(response);
    }
    let takes_gzip = call.header(ACCEPT_ENCODING).is_some_and(|accepted| accepted.contains("gzip"));
    let mut response = match document {
        Document::Packed(packed) if takes_gzip => {
            let mut response = respond::bytes(200, "application/json", Bytes::from_static(packed));
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        }
        document => respond::bytes(200, "application/json", document.unpacked()),
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    Some(response)
}

/// Which documents there are, each under an address that changes with it.
fn index(api: &Api) -> Value {
    let mut paths = Map::new();
    for (group, version) in group_versions(api) {
        let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
        if let Some(document) = find(api, &group, &version) {
            let url = format!("/openapi/v3/{path}?hash={}", document.hash());
            paths.insert(path, json!({ "serverRelativeURL": url }));
        }
    }
    json!({ "paths": paths })
}

fn group_versions(api: &Api) -> BTreeSet<(String, String)> {
    api.resources().iter().map(|row| (row.group.clone(), row.version.clone())).collect()
}

/// The document of a group version of custom kinds.
fn custom(api: &Api, group: &str, version: &str) -> Option<Value> {
    let definitions = api.row("apiextensions.k8s.io", "v1", "customresourcedefinitions").ok()?;
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for (_, stored) in api.all(&definitions, "") {
        let definition = Value::Object(stored.parse());
        if definition.pointer("/spec/group").and_then(Value::as_str) != Some(group) {
            continue;
        }
        let versions = definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
        for one in versions.filter(|one| one["name"] == version && one["served"] == true) {
            let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let (kind, plural) = (text("/spec/names/kind"), text("/spec/names/plural"));
            let name = definition_name(group, version, kind);
            let this = json!([{ "group": group, "version": version, "kind": kind }]);
            let schema = one.pointer("/schema/openAPIV3Schema").cloned().unwrap_or_else(|| json!({ "type": "object" }));
            schemas.insert(name.clone(), with_metadata(schema, &this));
            let scope = if text("/spec/scope") == "Namespaced" { "/namespaces/{namespace}" } else { "" };
            let below = format!("/apis/{group}/{version}{scope}/{plural}");
            paths.insert(format!("{below}/{{name}}"), operations(&name, &this[0], &["get", "put", "patch", "delete"]));
            paths.insert(below, operations(&name, &this[0], &["get", "post", "delete"]));
        }
    }
    if schemas.is_empty() {
        return None;
    }
    schemas.extend(metadata_schemas());
    Some(json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes CRD Swagger", "version": "v0.1.0" },
        "paths": paths,
        "components": { "schemas": schemas },
    }))
}

/// `io.fluxcd.toolkit.kustomize.v1.Kustomization`.
fn definition_name(group: &str, version: &str, kind: &str) -> String {
    let group: Vec<&str> = group.rsplit('.').collect();
    format!("{}.{version}.{kind}", group.join("."))
}

/// A custom schema with what every object has.
fn with_metadata(mut schema: Value, kinds: &Value) -> Value {
    const API_VERSION: &str = "APIVersion defines the versioned schema of this representation of an object.";
    const KIND: &str = "Kind is a string value representing the REST resource this object represents.";
    if !schema.get("properties").is_some_and(Value::is_object) {
        schema["properties"] = json!({});
    }
    schema["properties"]["apiVersion"] = json!({ "type": "string", "description": API_VERSION });
    schema["properties"]["kind"] = json!({ "type": "string", "description": KIND });
    schema["properties"]["metadata"] = json!({
        "description": "Standard object's metadata.",
        "allOf": [{ "$ref": format!("{REFERENCE}{OBJECT_META}") }],
    });
    schema["x-kubernetes-group-version-kind"] = kinds.clone();
    schema
}

/// What clients look up of the requests: which kind they are about, and which options they take.
fn operations(name: &str, kind: &Value, methods: &[&str]) -> Value {
    let option = |name: &str, kind: &str| json!({ "name": name, "in": "query", "schema": { "type": kind, "uniqueItems": true } });
    let schema = json!({ "application/json": { "schema": { "$ref": format!("{REFERENCE}{name}") } } });
    let mut operations = Map::new();
    for method in methods {
        let mut parameters = vec![option("dryRun", "string")];
        if matches!(*method, "post" | "put" | "patch") {
            parameters.extend([option("fieldManager", "string"), option("fieldValidation", "string")]);
        }
        if *method == "patch" {
            parameters.push(option("force", "boolean"));
        }
        let operation = json!({
            "parameters": parameters,
            "responses": { "200": { "description": "OK", "content": schema } },
            "x-kubernetes-group-version-kind": kind,
        });
        operations.insert((*method).to_owned(), operation);
    }
    Value::Object(operations)
}

/// The definitions of metadata, which custom kinds refer to, as the core's document has them.
fn metadata_schemas() -> Map<String, Value> {
    let document = kinds::document("", "v1").map(|packed| Document::Packed(packed).unpacked()).unwrap_or_default();
    let document: Value = serde_json::from_slice(&document).unwrap_or_default();
    let all = document.pointer("/components/schemas").and_then(Value::as_object);
    let meta = all.into_iter().flatten().filter(|(name, _)| name.starts_with("io.k8s.apimachinery.pkg.apis.meta.v1."));
    meta.map(|(name, schema)| (name.clone(), schema.clone())).collect()
}

/// Everything in one document of the older form.
fn version_2(api: &Api) -> Value {
    let (mut definitions, mut paths) = (Map::new(), Map::new());
    for (group, version) in group_versions(api) {
        let Some(document) = find(api, &group, &version) else { continue };
        let document: Value = serde_json::from_slice(&document.unpacked()).unwrap_or_default();
        let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
        for (name, schema) in schemas.into_iter().flatten() {
            definitions.entry(name.clone()).or_insert_with(|| older(schema));
        }
        for (path, operations) in document["paths"].as_object().into_iter().flatten() {
            paths.insert(path.clone(), older_operations(operations));
        }
    }
    json!({
        "swagger": "2.0",
        "info": { "title": "Kubernetes", "version": health::VERSION.2 },
        "paths": paths,
        "definitions": definitions,
    })
}

/// A schema with references of the older form, which knows no `allOf` around them.
fn older(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let mut new = Map::new();
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("$ref", Value::String(reference)) => {
                        new.insert(key.clone(), reference.replace(REFERENCE, "#/definitions/").into());
                    }
                    ("allOf", Value::Array(items)) if items.len() == 1 => {
                        if let Value::Object(only) = older(&items[0]) {
                            new.extend(only);
                        }
                    }
                    ("default" | "nullable" | "oneOf" | "anyOf", _) => {}
                    _ => drop(new.insert(key.clone(), older(value))),
                }
            }
            new.into()
        }
        Value::Array(items) => items.iter().map(older).collect(),
        other => other.clone(),
    }
}

fn older_operations(operations: &Value) -> Value {
    let mut new = Map::new();
    for (method, operation) in operations.as_object().into_iter().flatten().filter(|(key, _)| *key != "parameters") {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters: Vec<Value> = parameters
            .map(|parameter| json!({ "name": parameter["name"], "in": parameter["in"], "type": parameter["schema"]["type"], "uniqueItems": true }))
            .collect();
        let mut one = json!({ "parameters": parameters, "responses": { "200": { "description": "OK" } } });
        if let Some(kind) = operation.get("x-kubernetes-group-version-kind") {
            one["x-kubernetes-group-version-kind"] = kind.clone();
        }
        new.insert(method.clone(), one);
    }
    new.into()
}
