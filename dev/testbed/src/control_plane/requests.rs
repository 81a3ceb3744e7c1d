//! Counts what a client asked of the API server, read from the audit log.
//!
//! The log is written before the answer is sent, so a count taken after an answer holds it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;

/// What the API server notes: requests of the audited users, without bodies.
pub(super) const POLICY: &str = r"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: [flux, floor, limited]
- level: None
";

/// A place in the audit log; requests are counted from there on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark(pub(super) u64);

/// One request as the API server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// Whether nothing was to be stored.
    pub dry_run: bool,
    /// Plural of the kind, with `/status` behind it for the subresource; the path for what is not a resource.
    pub resource: String,
    /// Namespace of the object, or empty.
    pub namespace: String,
    /// Name of the object, or empty.
    pub name: String,
    /// The user who asked.
    pub user: String,
    /// What the client calls itself.
    pub user_agent: String,
    /// HTTP status of the answer.
    pub status: u16,
}

/// Requests in the order in which they were answered.
#[derive(Clone, Debug, Default)]
pub struct Requests(pub Vec<Request>);

impl Requests {
    /// Those that satisfy a condition.
    #[must_use]
    pub fn only(&self, condition: impl Fn(&Request) -> bool) -> Self {
        Self(self.0.iter().filter(|r| condition(r)).cloned().collect())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Numbers by verb; `patch (dry-run)` is apart from `patch`.
    pub fn by_verb(&self) -> BTreeMap<String, usize> {
        self.tally(|r| if r.dry_run { format!("{} (dry-run)", r.verb) } else { r.verb.clone() })
    }

    /// Numbers by verb and resource.
    pub fn by_resource(&self) -> BTreeMap<String, usize> {
        self.tally(|r| format!("{}{} {}", r.verb, if r.dry_run { " (dry-run)" } else { "" }, r.resource))
    }

    fn tally(&self, key: impl Fn(&Request) -> String) -> BTreeMap<String, usize> {
        let mut tally = BTreeMap::new();
        for request in &self.0 {
            *tally.entry(key(request)).or_default() += 1;
        }
        tally
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by_verb = self.by_verb();
        let parts: Vec<String> = by_verb.iter().map(|(verb, n)| format!("{n} {verb}")).collect();
        f.write_str(if parts.is_empty() { "none" } else { "" })?;
        f.write_str(&parts.join(", "))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuditEvent {
    stage: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: AuditUser,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: Option<ObjectRef>,
    #[serde(default)]
    response_status: Option<ResponseStatus>,
}

#[derive(Deserialize)]
struct AuditUser {
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ObjectRef {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}

/// The end of the log.
pub(super) fn mark(log: &Path) -> Mark {
    Mark(std::fs::metadata(log).map_or(0, |m| m.len()))
}

/// The requests that were noted after `since`.
pub(super) fn read(log: &Path, since: Mark) -> std::io::Result<Requests> {
    let mut text = String::new();
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(since.0))?;
    file.read_to_string(&mut text)?;
    Ok(Requests(text.lines().filter_map(parse).collect()))
}

/// A line of the log; nothing for one that is still being written and for the second line of a watch.
fn parse(line: &str) -> Option<Request> {
    let event: AuditEvent = serde_json::from_str(line).ok()?;
    // A watch is noted when it starts and when it ends, everything else once.
    if event.verb == "watch" && event.stage != "ResponseStarted" {
        return None;
    }
    let (path, query) = event.request_uri.split_once('?').unwrap_or((&event.request_uri, ""));
    let object = event.object_ref.unwrap_or_default();
    let resource = match (object.resource.as_str(), object.subresource.as_str()) {
        ("", _) => path.to_owned(),
        (resource, "") => resource.to_owned(),
        (resource, subresource) => format!("{resource}/{subresource}"),
    };
    Some(Request {
        verb: event.verb,
        dry_run: query.split('&').any(|p| p.starts_with("dryRun=")),
        resource,
        namespace: object.namespace,
        name: object.name,
        user: event.user.username,
        user_agent: event.user_agent,
        status: event.response_status.map_or(0, |s| s.code),
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_dry_run_is_told_from_an_apply() {
        let line = r#"{"stage":"ResponseComplete","requestURI":"/api/v1/namespaces/a/configmaps/b?dryRun=All&fieldManager=x","verb":"patch","user":{"username":"flux"},"userAgent":"u","objectRef":{"resource":"configmaps","namespace":"a","name":"b"},"responseStatus":{"code":201}}"#;
        let request = parse(line).unwrap();
        assert!(request.dry_run);
        assert_eq!((request.verb.as_str(), request.resource.as_str(), request.status), ("patch", "configmaps", 201));
        assert!(!parse(&line.replace("dryRun=All&", "")).unwrap().dry_run);
    }

    #[test]
    fn a_watch_counts_once() {
        let line = |stage: &str| {
            format!(
                r#"{{"stage":"{stage}","requestURI":"/api/v1/pods?watch=true","verb":"watch","user":{{"username":"flux"}}}}"#
            )
        };
        assert!(parse(&line("ResponseStarted")).is_some());
        assert!(parse(&line("ResponseComplete")).is_none());
    }

    #[test]
    fn half_a_line_is_no_request() {
        assert!(parse(r#"{"stage":"ResponseCom"#).is_none());
    }
}
