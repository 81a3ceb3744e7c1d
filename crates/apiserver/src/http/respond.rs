//! Answers, as bytes.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::http::accept::{Accept, Encoding, Form};
use crate::http::query::Query;
use crate::http::table;
use crate::resource::Resource;
use crate::store::Stored;
use crate::verbs::convert;
use crate::verbs::read::List;

/// What an answer consists of.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// An answer of any type.
pub(crate) fn bytes(code: u16, content_type: &'static str, bytes: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(full(bytes));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

/// An answer that is no object.
pub(crate) fn text(code: u16, text: impl Into<String>) -> Response<Body> {
    bytes(code, "text/plain; charset=utf-8", text.into())
}

/// A value as the client wants it written.
pub(crate) fn value(code: u16, encoding: Encoding, value: &Value) -> Response<Body> {
    match encoding {
        Encoding::Json => bytes(code, "application/json", value.to_string()),
        Encoding::Yaml => bytes(code, "application/yaml", yaml::print(value)),
    }
}

/// A refusal.
pub(crate) fn failure(encoding: Encoding, failure: &Failure) -> Response<Body> {
    let mut response = value(failure.code, encoding, &failure.to_value());
    let retry = failure.details.as_ref().and_then(|details| details.get("retryAfterSeconds")).and_then(Value::as_u64);
    if let Some(seconds) = retry {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    warn(&mut response, &failure.warnings);
    response
}

/// What those hear for whom there is no seat.
pub(crate) fn too_many_requests() -> Response<Body> {
    let mut response = text(429, "Too many requests, please try again later.\n");
    response.headers_mut().insert(RETRY_AFTER, 1.into());
    response
}

/// Adds what a client should know.
pub(crate) fn warn(response: &mut Response<Body>, warnings: &[String]) {
    for warning in warnings {
        let text: String = warning.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(header) = HeaderValue::from_bytes(format!("299 - \"{quoted}\"").as_bytes()) {
            response.headers_mut().append(HeaderName::from_static("warning"), header);
        }
    }
}

/// A stored object in the form that a client asked for.
pub(crate) fn stored(accept: Accept, query: &Query, resource: &Resource, stored: &Stored) -> Response<Body> {
    match accept.form {
        Form::Full if accept.encoding == Encoding::Json => bytes(200, "application/json", complete(resource, stored)),
        Form::Table => object(200, accept, query, resource, resource.shown(stored)),
        _ => object(200, accept, query, resource, resource.complete(stored)),
    }
}

/// An object in the form that a client asked for.
pub(crate) fn object(code: u16, accept: Accept, query: &Query, resource: &Resource, object: Value) -> Response<Body> {
    let sent = match accept.form {
        Form::Full => object,
        Form::Metadata | Form::MetadataList => metadata(&object),
        Form::Table => {
            let version = object.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
            let meta = json!({ "resourceVersion": version });
            table::table(resource, query, &meta, std::slice::from_ref(&object), Timestamp::now())
        }
    };
    value(code, accept.encoding, &sent)
}

/// Objects in the form that a client asked for.
pub(crate) fn list(accept: Accept, query: &Query, resource: &Resource, list: &List) -> Response<Body> {
    let mut meta = Map::new();
    meta.insert("resourceVersion".to_owned(), list.revision.to_string().into());
    if let Some(next) = &list.next {
        meta.insert("continue".to_owned(), next.clone().into());
    } else if resource.custom && accept.form == Form::Full {
        meta.insert("continue".to_owned(), "".into());
    }
    if let Some(remaining) = list.remaining {
        meta.insert("remainingItemCount".to_owned(), remaining.into());
    }
    let meta = Value::Object(meta);
    let objects = || list.items.iter().map(|(_, stored)| resource.complete(stored)).collect::<Vec<_>>();
    match (accept.form, accept.encoding) {
        (Form::Full, Encoding::Json) => bytes(200, "application/json", full_list(resource, &meta, list)),
        (Form::Full, Encoding::Yaml) => {
            let text = full_list(resource, &meta, list);
            let value: Value = serde_json::from_slice(&text).unwrap_or_default();
            self::value(200, Encoding::Yaml, &value)
        }
        (Form::Metadata | Form::MetadataList, encoding) => {
            let items: Vec<Value> = objects().iter().map(metadata).collect();
            let sent = json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": meta,
                "items": items,
            });
            value(200, encoding, &sent)
        }
        (Form::Table, encoding) => {
            let objects: Vec<Value> = list.items.iter().map(|(_, stored)| resource.shown(stored)).collect();
            value(200, encoding, &table::table(resource, query, &meta, &objects, Timestamp::now()))
        }
    }
}

/// The list with its objects' bytes as they are kept. Those of custom resources say their kind, as upstream's do.
fn full_list(resource: &Resource, meta: &Value, list: &List) -> Vec<u8> {
    let (kind, version) = (Value::from(resource.list_kind.as_str()), Value::from(resource.api_version()));
    let head = format!("{{\"kind\":{kind},\"apiVersion\":{version},\"metadata\":{meta},\"items\":[");
    let prefix = if resource.custom { prefix(resource) } else { Vec::new() };
    let length: usize = list.items.iter().map(|(_, stored)| stored.bytes.len() + prefix.len() + 1).sum();
    let mut text = Vec::with_capacity(head.len() + length + 16);
    text.extend_from_slice(head.as_bytes());
    for (at, (_, stored)) in list.items.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        let stored = convert::served(resource, stored);
        if prefix.is_empty() {
            text.extend_from_slice(&stored.bytes);
        } else {
            append(&mut text, &prefix, &stored);
        }
    }
    text.extend_from_slice(b"]}");
    text
}

/// A stored object with its kind, without reading it.
pub(crate) fn complete(resource: &Resource, stored: &Stored) -> Vec<u8> {
    let prefix = prefix(resource);
    let mut text = Vec::with_capacity(prefix.len() + stored.bytes.len());
    append(&mut text, &prefix, &convert::served(resource, stored));
    text
}

fn prefix(resource: &Resource) -> Vec<u8> {
    let kind = Value::from(resource.kind.as_str());
    let version = Value::from(resource.api_version());
    format!("{{\"kind\":{kind},\"apiVersion\":{version},").into_bytes()
}

fn append(text: &mut Vec<u8>, prefix: &[u8], stored: &Stored) {
    text.extend_from_slice(prefix);
    // An object has metadata at least: after its brace comes a field.
    text.extend_from_slice(stored.bytes.strip_prefix(b"{").unwrap_or(&stored.bytes));
}

/// The metadata of an object, as an object of its own.
pub(crate) fn metadata(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object.get("metadata").cloned().unwrap_or_default(),
    })
}

/// An object that was deleted, when the kind does not answer with the object itself.
pub(crate) fn deleted(resource: &Resource, name: &str, uid: &str) -> Value {
    let mut details = json!({ "name": name, "kind": resource.plural, "uid": uid });
    if !resource.group.is_empty() {
        details["group"] = resource.group.clone().into();
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}
