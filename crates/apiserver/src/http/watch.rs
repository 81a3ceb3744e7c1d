//! Watching: changes as a stream of events, one JSON object a line.
//!
//! The stream is pulled by the connection: a client that does not read costs its position, and is told 410 when it reads
//! again too late.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::failure::Failure;
use crate::http::accept::{Accept, Encoding, Form};
use crate::http::query::Query;
use crate::http::respond::{self, Body};
use crate::http::table;
use crate::resource::{FieldError, Resource};
use crate::store::{Change, Event, Stored, Watcher};
use crate::verbs::read::{self, ListOptions};
use crate::verbs::select::Selector;

/// How long a watch lasts that does not say: between this and twice as long.
const LASTS: Duration = Duration::from_mins(30);
/// Between bookmarks.
const BOOKMARKS: Duration = Duration::from_mins(1);

/// One watch.
struct Stream {
    watcher: Watcher,
    view: View,
    /// What is to be sent before the next change.
    ready: VecDeque<Bytes>,
    bookmarks: bool,
    next_bookmark: Instant,
    ends: Instant,
    stop: CancellationToken,
    ended: bool,
}

/// What of the changes is seen, and how.
struct View {
    resource: Arc<Resource>,
    query: Query,
    selector: Selector,
    accept: Accept,
    /// Tables name their columns once.
    has_columns: bool,
}

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// With what is there, as if it was made just now.
    Everything,
    /// With what is there, and a bookmark that says where it ends.
    EverythingMarked,
    /// With the first change after a revision.
    After(u64),
    /// With the next change.
    Now,
}

impl Api {
    /// Answers a watch.
    ///
    /// # Errors
    /// As the options of lists; 422 for options that contradict each other.
    pub(crate) async fn watch(
        self: &Arc<Self>,
        resource: &Arc<Resource>,
        namespace: &str,
        name: Option<&str>,
        query: &Query,
        accept: Accept,
        stop: CancellationToken,
    ) -> Result<Response<Body>, Failure> {
        let mut selector = Selector::parse(resource, query.get("labelSelector"), query.get("fieldSelector"))?;
        if let Some(name) = name {
            selector = selector.named(name);
        }
        let start = start(query)?;
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
        if start == Start::EverythingMarked
            && let Some(revision) = read::revision(query.get("resourceVersion"))?
        {
            self.catch_up(revision).await?;
        }
        let (items, position) = match start {
            Start::After(revision) => (Vec::new(), revision),
            Start::Now => (Vec::new(), self.store.revision()),
            Start::Everything | Start::EverythingMarked => {
                let list = self.list(resource, namespace, &ListOptions::everything()).await?;
                (list.items, list.revision)
            }
        };
        let mut view = View { resource: resource.clone(), query: query.clone(), selector, accept, has_columns: false };
        let mut ready = VecDeque::new();
        for (key, stored) in &items {
            if view.selector.matches(key, stored) {
                ready.push_back(view.event("ADDED", stored));
            }
        }
        if start == Start::EverythingMarked {
            ready.push_back(view.bookmark(position, true));
        }
        let lasts = match query.number("timeoutSeconds")?.and_then(|seconds| u64::try_from(seconds).ok()) {
            Some(seconds) if seconds > 0 => Duration::from_secs(seconds),
            _ => LASTS.mul_f64(1.0 + fastrand::f64()),
        };
        let now = Instant::now();
        let stream = Stream {
            watcher: self.store.watch(&resource.shelf(), &prefix, position),
            view,
            ready,
            bookmarks: query.flag("allowWatchBookmarks"),
            next_bookmark: first_bookmark(now, lasts),
            ends: now.checked_add(lasts).unwrap_or(now + LASTS),
            stop,
            ended: false,
        };
        let gauge = self.metrics.watching();
        let frames = stream::unfold((stream, gauge), |(mut stream, gauge)| async move {
            let line = stream.next().await?;
            Some((Ok::<_, Infallible>(Frame::data(line)), (stream, gauge)))
        });
        let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
        let content_type = match accept.encoding {
            Encoding::Json => "application/json",
            Encoding::Yaml => "application/yaml;stream=watch",
        };
        let headers = response.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        Ok(response)
    }
}

/// When the first bookmark comes: in time before the end.
fn first_bookmark(now: Instant, lasts: Duration) -> Instant {
    const BEFORE_END: Duration = Duration::from_secs(2);
    let last = lasts.checked_sub(BEFORE_END).unwrap_or(BOOKMARKS);
    now + last.min(BOOKMARKS)
}

/// Where a watch begins, by its options.
fn start(query: &Query) -> Result<Start, Failure> {
    let revision = read::revision(query.get("resourceVersion")).map_err(read::as_it_came)?;
    let matching = query.get("resourceVersionMatch");
    let mut errors = Vec::new();
    let mut forbid = |field: &str, why: &str| {
        let message = format!("Forbidden: {why}");
        errors.push(FieldError { field: field.to_owned(), reason: "FieldValueForbidden", message });
    };
    let asked = query.get("sendInitialEvents");
    if asked.is_some() && matching != Some("NotOlderThan") {
        forbid("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    if let Some(other) = matching.filter(|matching| asked.is_some() && *matching != "NotOlderThan") {
        errors.push(FieldError {
            field: "resourceVersionMatch".to_owned(),
            reason: "FieldValueNotSupported",
            message: format!("Unsupported value: {other:?}: supported values: \"NotOlderThan\""),
        });
    }
    let mut forbid = |field: &str, why: &str| {
        let message = format!("Forbidden: {why}");
        errors.push(FieldError { field: field.to_owned(), reason: "FieldValueForbidden", message });
    };
    if asked.is_none() && matching.is_some() {
        forbid(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        );
    }
    if query.get("continue").is_some() {
        forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
    }
    if !errors.is_empty() {
        return Err(Failure::invalid("meta.k8s.io", "ListOptions", "", &errors));
    }
    if query.flag("sendInitialEvents") {
        return Ok(if query.flag("allowWatchBookmarks") { Start::EverythingMarked } else { Start::Everything });
    }
    Ok(match revision {
        Some(revision) => Start::After(revision),
        None if asked.is_some() => Start::Now,
        None => Start::Everything,
    })
}

impl Stream {
    /// The next line; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            if self.ended {
                return None;
            }
            let bookmark_at = self.next_bookmark;
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep_until(self.ends) => {
                    self.ended = true;
                }
                () = tokio::time::sleep_until(bookmark_at), if self.bookmarks => {
                    self.next_bookmark = Instant::now() + BOOKMARKS;
                    let line = self.view.bookmark(self.watcher.position(), false);
                    self.ready.push_back(line);
                }
                events = self.watcher.next() => match events {
                    Ok(events) => {
                        let lines = events.iter().filter_map(|event| self.view.see(event));
                        self.ready.extend(lines);
                    }
                    Err(gone) => {
                        self.ended = true;
                        let status = read::too_old(&gone).to_value();
                        self.ready.push_back(line("ERROR", &status));
                    }
                },
            }
        }
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n").into()
}

impl View {
    /// A change as the selector sees it: what enters is added, what leaves is deleted.
    fn see(&mut self, event: &Event) -> Option<Bytes> {
        let everything = self.selector.is_everything();
        let is = event.change != Change::Deleted && (everything || self.selector.matches(&event.key, &event.object));
        let was = event.before.as_ref().is_some_and(|before| everything || self.selector.matches(&event.key, before));
        match (was, is) {
            (false, false) => None,
            (false, true) => Some(self.event("ADDED", &event.object)),
            (true, true) => Some(self.event("MODIFIED", &event.object)),
            (true, false) if event.change == Change::Deleted => Some(self.event("DELETED", &event.object)),
            // It was last seen as it was before, and is gone for this client as of now.
            (true, false) => {
                let mut last = event.before.as_ref()?.parse();
                if let Some(Value::Object(metadata)) = last.get_mut("metadata") {
                    metadata.insert("resourceVersion".to_owned(), event.object.revision.to_string().into());
                }
                let bytes = serde_json::to_vec(&last).unwrap_or_default();
                Some(self.event("DELETED", &Stored { revision: event.object.revision, bytes: bytes.into() }))
            }
        }
    }

    fn event(&mut self, kind: &str, stored: &Stored) -> Bytes {
        if self.accept.form == Form::Full {
            let object = respond::complete(&self.resource, stored);
            let mut text = Vec::with_capacity(object.len() + 40);
            text.extend_from_slice(format!("{{\"type\":\"{kind}\",\"object\":").as_bytes());
            text.extend_from_slice(&object);
            text.extend_from_slice(b"}\n");
            return text.into();
        }
        let object =
            if self.accept.form == Form::Table { self.resource.shown(stored) } else { self.resource.complete(stored) };
        line(kind, &self.form(&object))
    }

    fn form(&mut self, object: &Value) -> Value {
        match self.accept.form {
            Form::Full => object.clone(),
            Form::Metadata | Form::MetadataList => respond::metadata(object),
            Form::Table => {
                let version = object.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
                let meta = json!({ "resourceVersion": version });
                let mut table =
                    table::table(&self.resource, &self.query, &meta, std::slice::from_ref(object), Timestamp::now());
                if std::mem::replace(&mut self.has_columns, true) {
                    table["columnDefinitions"] = Value::Null;
                }
                table
            }
        }
    }

    /// Says up to where everything has been sent, and whether that is all there was in the beginning.
    fn bookmark(&mut self, position: u64, initial: bool) -> Bytes {
        let mut object = json!({
            "kind": self.resource.kind,
            "apiVersion": self.resource.api_version(),
            "metadata": { "resourceVersion": position.to_string() },
        });
        if initial {
            object["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        line("BOOKMARK", &self.form(&object))
    }
}
