//! Requests to the API server: what is asked, what is tried again, what an answer means.

use std::time::Duration;

use http::Request;
use kube::Client;
use object::{Object, ObjectId};
use serde_json::Value;
use tokio::time::Instant;

use crate::discovery::Resource;

/// How long a request is tried again when the server is in trouble, measured from its first attempt.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first pause between attempts; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between attempts, whatever the server asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(1);

/// An answer other than the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The HTTP status; 0 when there was no answer.
    pub code: u16,
    /// The machine-readable reason, e.g. `Invalid`; may be empty.
    pub reason: String,
    /// The server's own sentence.
    pub message: String,
    /// Whether another field manager owns a field. Forced applies do not meet this one.
    pub is_manager_conflict: bool,
    /// How long the server asks to wait before the next attempt.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    fn no_answer(message: String) -> Self {
        Self { code: 0, reason: String::new(), message, is_manager_conflict: false, retry_after: None }
    }

    pub(crate) fn timeout(message: String) -> Self {
        Self { reason: "Timeout".to_owned(), ..Self::no_answer(message) }
    }

    fn of(error: kube::Error) -> Self {
        let status = match error {
            kube::Error::Api(status) => *status,
            // The chain below it says what happened to the connection.
            other => return Self::no_answer(chain(&other)),
        };
        let details = status.details.as_ref();
        let causes = details.map(|details| details.causes.as_slice()).unwrap_or_default();
        let retry_after = details.map(|details| details.retry_after_seconds).filter(|seconds| *seconds > 0);
        Self {
            code: status.code,
            reason: status.reason.clone(),
            is_manager_conflict: causes.iter().any(|cause| cause.reason == "FieldManagerConflict"),
            retry_after: retry_after.map(|seconds| Duration::from_secs(seconds.into())),
            message: status.message,
        }
    }

    /// Whether the object, its namespace or its kind does not exist.
    pub fn is_not_found(&self) -> bool {
        self.code == 404 || self.reason == "NotFound"
    }

    /// Whether the server, not the request, is in trouble.
    pub fn is_transient(&self) -> bool {
        match self.code {
            0 | 429 | 502 | 503 | 504 => true,
            409 => self.is_race(),
            // Also what a broken webhook gives, or a patch that does not fit the schema: those stay.
            500 => self.message.contains("etcdserver:") || self.reason == "ServerTimeout",
            _ => false,
        }
    }

    /// Whether the object may have to be replaced, as a field cannot be changed.
    ///
    /// # Source
    /// Flux's `ssa/errors`: like kubectl, any conflict or invalid object counts.
    ///
    /// # Deviation
    /// A write that lost a race against another one does not count: nothing has to be deleted for that.
    pub fn is_immutable(&self) -> bool {
        let is_kind = matches!(self.reason.as_str(), "Conflict" | "Invalid") || matches!(self.code, 409 | 422);
        (is_kind && !self.is_race())
            || self.message.contains("is immutable")
            || self.message.contains("immutable field")
    }

    /// Whether another write came between.
    fn is_race(&self) -> bool {
        self.reason == "Conflict" && self.message.contains("the object has been modified")
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let source_text = source.to_string();
        if !text.contains(&source_text) {
            text.push_str(": ");
            text.push_str(&source_text);
        }
        next = source.source();
    }
    text
}

/// Whether a write is only tried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything but storing it.
    DryRun,
    /// For real.
    Real,
}

/// Reads an object; none when it does not exist.
pub(crate) async fn get(client: &Client, resource: &Resource, id: &ObjectId) -> Result<Option<Object>, Refusal> {
    match get_value(client, &resource.path(id)).await {
        Ok(value) => parse(value).map(Some),
        Err(refusal) if refusal.is_not_found() => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// Reads a path.
pub(crate) async fn get_value(client: &Client, path: &str) -> Result<Value, Refusal> {
    send(client, || Request::get(path).body(Vec::new())).await
}

/// Applies an object by server-side apply; conflicts are forced.
pub(crate) async fn apply(
    client: &Client,
    resource: &Resource,
    object: &Object,
    manager: &str,
    mode: Mode,
) -> Result<Object, Refusal> {
    let body = serde_json::to_vec(object.as_value()).map_err(|error| Refusal::no_answer(error.to_string()))?;
    let dry_run = if mode == Mode::DryRun { "&dryRun=All" } else { "" };
    let path = format!("{}?force=true&fieldManager={}{dry_run}", resource.path(&object.id()), escape(manager));
    let build = || Request::patch(&path).header("content-type", "application/apply-patch+yaml").body(body.clone());
    parse(send(client, build).await?)
}

/// Changes an object by a JSON patch.
pub(crate) async fn json_patch(
    client: &Client,
    resource: &Resource,
    id: &ObjectId,
    manager: &str,
    patch: &Value,
) -> Result<Object, Refusal> {
    let url = format!("{}?fieldManager={}", resource.path(id), escape(manager));
    let body = patch.to_string().into_bytes();
    let build = || Request::patch(&url).header("content-type", "application/json-patch+json").body(body.clone());
    parse(send(client, build).await?)
}

/// Asks for an object's deletion, if it still has this uid; what it owns is deleted afterwards by the cluster. An
/// object that does not exist is deleted.
pub(crate) async fn delete(client: &Client, resource: &Resource, live: &Object) -> Result<(), Refusal> {
    let body = serde_json::json!({
        "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background",
        "preconditions": {"uid": live.uid()},
    });
    let (path, body) = (resource.path(&live.id()), body.to_string().into_bytes());
    let build = || Request::delete(&path).header("content-type", "application/json").body(body.clone());
    match send(client, build).await {
        Ok(_) => Ok(()),
        Err(refusal) if refusal.is_not_found() => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

fn parse(value: Value) -> Result<Object, Refusal> {
    Object::from_value(value).map_err(|error| Refusal::no_answer(format!("the server's answer: {error}")))
}

/// Sends a request that may be sent twice, again and again while the server is in trouble.
async fn send(client: &Client, build: impl Fn() -> Result<Request<Vec<u8>>, http::Error>) -> Result<Value, Refusal> {
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let request = build().map_err(|error| Refusal::no_answer(error.to_string()))?;
        let answer = tokio::time::timeout(ATTEMPT_TIMEOUT, client.request::<Value>(request)).await;
        let refusal = match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => Refusal::of(error),
            Err(_) => Refusal::no_answer(format!("no answer within {} s", ATTEMPT_TIMEOUT.as_secs())),
        };
        let next = refusal.retry_after.unwrap_or(pause).min(LONGEST_PAUSE);
        if !refusal.is_transient() || started.elapsed() + next > PATIENCE {
            return Err(refusal);
        }
        tracing::debug!(error = %refusal, "request failed, trying again");
        tokio::time::sleep(next).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Escapes one segment of a path, or a query's value.
pub(crate) fn escape(text: &str) -> String {
    escape_except(text, b"-_.~")
}

/// Escapes a path of several segments.
pub(crate) fn escape_path(text: &str) -> String {
    escape_except(text, b"-_.~/")
}

fn escape_except(text: &str, plain: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
