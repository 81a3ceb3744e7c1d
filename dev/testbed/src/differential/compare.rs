//! Comparing answers, after what must differ has been made equal.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::send::Answer;

/// A field in which two answers differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Where, as a JSON pointer into `{code, warnings, body}`.
    pub pointer: String,
    /// What the real server says; none when the field is not there.
    pub real: Option<Value>,
    /// What ours says.
    pub ours: Option<Value>,
}

/// Differences that are meant: one line of three parts, the request and the pointer as regular expressions and the
/// reason, with ` | ` between them.
#[derive(Debug)]
pub struct Meant {
    /// Which requests.
    pub request: Regex,
    /// Which fields.
    pub pointer: Regex,
    /// Why.
    pub reason: String,
}

impl Meant {
    /// Reads the lines of a file.
    ///
    /// # Errors
    /// The line that cannot be read.
    pub fn parse(text: &str) -> Result<Vec<Self>, String> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let read = |line: &str| {
            let mut parts = line.splitn(3, " | ").map(str::trim);
            let request = Regex::new(parts.next()?).ok()?;
            let pointer = Regex::new(parts.next()?).ok()?;
            Some(Self { request, pointer, reason: parts.next()?.to_owned() })
        };
        lines.map(|line| read(line).ok_or_else(|| line.to_owned())).collect()
    }

    /// Whether a difference of a request is this one.
    pub fn is(&self, request: &str, difference: &Difference) -> bool {
        self.request.is_match(request) && self.pointer.is_match(&difference.pointer)
    }
}

/// The fields in which two answers differ.
pub fn differences(real: &Answer, ours: &Answer) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(&normal(real)), Some(&normal(ours)), &mut found);
    found
}

fn normal(answer: &Answer) -> Value {
    let mut map = Map::new();
    map.insert("code".to_owned(), answer.code.into());
    map.insert("warnings".to_owned(), normalize("", &answer.warnings.clone().into()));
    map.insert("body".to_owned(), normalize("", &answer.body));
    map.into()
}

static TIME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").ok());
static UID: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").ok());
static REVISION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"(resourceVersion\\*"?:? ?\\*"?)\d+"#).ok());
static RECORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"in record \(\d+\)").ok());
static SUFFIX: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"Bad_[a-z0-9]{5}\b").ok());
static GENERATED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^gen-\w{5}$").ok());
static AGE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(\d+[smh]){1,2}$").ok());
static NODE_PORT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r":3\d{4}/").ok());

/// A value without what no two servers say alike: uids, times, revisions, addresses that were handed out.
fn normalize(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, value)| !is_incidental(map, key, value))
            .map(|(key, value)| (replace(&UID, key, "<uid>"), normalize(key, &without_controllers(key, value))))
            .collect(),
        Value::Array(items) => items.iter().map(|item| normalize(key, item)).collect(),
        Value::Number(_) if matches!(key, "nodePort" | "healthCheckNodePort") => "<port>".into(),
        Value::String(text) => match key {
            "clusterIP" | "clusterIPs" | "cells" if text.starts_with("10.0.") => "<ip>".into(),
            "continue" | "token" | "storageVersionHash" | "serverAddress" if !text.is_empty() => "<opaque>".into(),
            "name" if matches(&GENERATED, text) => "gen-<x>".into(),
            _ if text.starts_with("-----BEGIN") => "<pem>".into(),
            "cells" if matches(&AGE, text) => "<age>".into(),
            _ => {
                let text = replace(&TIME, text, "<time>");
                let text = replace(&UID, &text, "<uid>");
                let text = replace(&REVISION, &text, "${1}N");
                let text = replace(&RECORD, &text, "in record (N)");
                let text = replace(&SUFFIX, &text, "Bad_<x>");
                let text = if key == "cells" { replace(&NODE_PORT, &text, ":<port>/") } else { text };
                text.into()
            }
        },
        other => other.clone(),
    }
}

/// Whether a field is one that no two servers, or no two moments, have alike.
fn is_incidental(object: &Map<String, Value>, key: &str, value: &Value) -> bool {
    let is =
        |field: &str, known: &[&str]| object.get(field).and_then(Value::as_str).is_some_and(|v| known.contains(&v));
    match key {
        "uid" | "resourceVersion" => value.is_string(),
        // What the controllers say that run beside the real server: when they come to it.
        "status" => is("apiVersion", &["apps/v1", "batch/v1"]) && object.contains_key("spec"),
        "conditions" => is("phase", &["Terminating"]),
        "deployment.kubernetes.io/revision" => true,
        "annotations" => {
            value.as_object().is_some_and(|map| map.keys().all(|key| key == "deployment.kubernetes.io/revision"))
        }
        _ => false,
    }
}

/// The managers of an object without the controllers that run beside the real server.
fn without_controllers(key: &str, value: &Value) -> Value {
    match value {
        Value::Array(entries) if key == "managedFields" => {
            let mut entries: Vec<Value> =
                entries.iter().filter(|entry| entry["manager"] != "kube-controller-manager").cloned().collect();
            // Their order is that of their times, and a second may begin anywhere.
            for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
                entry.remove("time");
            }
            entries.sort_by_key(|entry| {
                ["manager", "operation", "subresource"].map(|key| entry[key].as_str().unwrap_or_default().to_owned())
            });
            entries.into()
        }
        other => other.clone(),
    }
}

fn matches(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
}

fn replace(regex: &LazyLock<Option<Regex>>, text: &str, with: &str) -> String {
    regex.as_ref().map_or_else(|| text.to_owned(), |regex| regex.replace_all(text, with).into_owned())
}

fn compare(pointer: &str, real: Option<&Value>, ours: Option<&Value>, found: &mut Vec<Difference>) {
    match (real, ours) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                compare(&format!("{pointer}/{key}"), a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{pointer}/{at}"), Some(a), Some(b), found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => {
            found.push(Difference { pointer: pointer.to_owned(), real: a.cloned(), ours: b.cloned() });
        }
    }
}
