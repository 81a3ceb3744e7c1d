//! The audit log: a line for each request, written before the answer is sent.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use http::header::USER_AGENT;
use http::request::Parts;
use serde_json::{Value, json};

use crate::http::route::Route;

/// A log under way.
#[derive(Debug)]
pub(crate) struct Audit(Mutex<File>);

/// What is noted of a request before it is answered.
pub(crate) struct Note(Value);

impl Audit {
    /// Appends to a file.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().create(true).append(true).open(path).map(|file| Self(Mutex::new(file)))
    }

    /// Writes a line in the form of `audit.k8s.io/v1`, without bodies. A disk that is full costs lines, not answers.
    pub(crate) fn write(&self, note: Note, user: &str, status: u16) {
        let Note(mut event) = note;
        event["user"] = json!({ "username": user });
        event["responseStatus"] = json!({ "code": status });
        let line = format!("{event}\n");
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::warn!(%error, "audit log not written");
        }
    }
}

impl Note {
    pub(crate) fn of(parts: &Parts, route: &Route, verb: &str) -> Self {
        let agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // The answer to a watch is its beginning.
        let stage = if verb == "watch" { "ResponseStarted" } else { "ResponseComplete" };
        let mut event = json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": stage,
            "requestURI": parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            "verb": verb, "userAgent": agent,
        });
        if let Route::Objects(objects) = route {
            event["objectRef"] = json!({
                "apiGroup": objects.group, "apiVersion": objects.version, "resource": objects.plural,
                "subresource": objects.subresource.clone().unwrap_or_default(),
                "namespace": objects.namespace.clone().unwrap_or_default(),
                "name": objects.name.clone().unwrap_or_default(),
            });
        }
        Self(event)
    }
}
