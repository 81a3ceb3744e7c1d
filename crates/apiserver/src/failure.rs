//! Every answer that is not what was asked for: upstream's `Status`, with its reasons, codes and texts.
//!
//! # Source
//! `k8s.io/apimachinery/pkg/api/errors`; the texts are compared with the real server by `xtask differential`.

use serde_json::{Value, json};

use crate::resource::{FieldError, Resource, Warnings};

/// A refused or failed request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// The HTTP status code.
    pub(crate) code: u16,
    /// The machine-readable reason, empty for none.
    pub(crate) reason: &'static str,
    /// For people.
    pub(crate) message: String,
    /// `details` of the `Status`.
    pub(crate) details: Option<Value>,
    /// What whoever asks should know besides.
    pub(crate) warnings: Warnings,
}

/// The object that a failure is about: group, plural and name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub(crate) group: &'a str,
    pub(crate) plural: &'a str,
    pub(crate) name: &'a str,
}

impl<'a> About<'a> {
    pub(crate) fn new(resource: &'a Resource, name: &'a str) -> Self {
        Self { group: &resource.group, plural: &resource.plural, name }
    }

    /// `deployments.apps`.
    fn qualified(self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    fn details(self) -> Value {
        let mut details = serde_json::Map::new();
        for (key, value) in [("name", self.name), ("group", self.group), ("kind", self.plural)] {
            if !value.is_empty() {
                details.insert(key.to_owned(), value.into());
            }
        }
        Value::Object(details)
    }
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, warnings: Warnings::new() }
    }

    fn with(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// The same, with what was noticed before it came to this.
    pub(crate) fn warned(mut self, mut before: Warnings) -> Self {
        before.append(&mut self.warnings);
        self.warnings = before;
        self
    }

    pub(crate) fn not_found(about: About<'_>) -> Self {
        let message = format!("{} {:?} not found", about.qualified(), about.name);
        Self::new(404, "NotFound", message).with(about.details())
    }

    /// Nothing is served under the path.
    pub(crate) fn no_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with(json!({}))
    }

    pub(crate) fn already_exists(about: About<'_>) -> Self {
        let message = format!("{} {:?} already exists", about.qualified(), about.name);
        Self::new(409, "AlreadyExists", message).with(about.details())
    }

    pub(crate) fn conflict(about: About<'_>, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {:?}: {why}", about.qualified(), about.name);
        Self::new(409, "Conflict", message).with(about.details())
    }

    /// Another write came between reading and writing.
    pub(crate) fn modified(about: About<'_>) -> Self {
        const WHY: &str = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(about, WHY)
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    pub(crate) fn forbidden(about: About<'_>, why: &str) -> Self {
        let what = about.qualified();
        let message = match (what.is_empty(), about.name.is_empty()) {
            (true, _) => format!("forbidden: {why}"),
            (false, true) => format!("{what} is forbidden: {why}"),
            (false, false) => format!("{what} {:?} is forbidden: {why}", about.name),
        };
        Self::new(403, "Forbidden", message).with(about.details())
    }

    /// The rules of the kind refuse fields of the object.
    pub(crate) fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let texts: Vec<String> = errors
            .iter()
            .map(|e| if e.field.is_empty() { e.message.clone() } else { format!("{}: {}", e.field, e.message) })
            .collect();
        let all = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let causes: Vec<Value> =
            errors.iter().map(|e| json!({ "reason": e.reason, "message": e.message, "field": e.field })).collect();
        let mut details = About { group, plural: kind, name }.details();
        details["causes"] = Value::Array(causes);
        Self::new(422, "Invalid", format!("{qualified} {name:?} is invalid: {all}")).with(details)
    }

    /// Managers own fields that an apply without force would change.
    pub(crate) fn apply_conflict(message: String, causes: &[Value]) -> Self {
        Self::new(409, "Conflict", message).with(json!({ "causes": causes }))
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// A revision that the server has not reached.
    pub(crate) fn too_large_revision(asked: u64, current: u64) -> Self {
        let message = format!("Too large resource version: {asked}, current: {current}");
        let details = json!({
            "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
            "retryAfterSeconds": 1,
        });
        Self::new(504, "Timeout", format!("Timeout: {message}")).with(details)
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .with(json!({}))
    }

    pub(crate) fn not_acceptable(accepted: &[&str]) -> Self {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {}", accepted.join(", "));
        Self::new(406, "NotAcceptable", message).with(json!({}))
    }

    /// A form of answer that this answer does not have.
    pub(crate) fn unacceptable(message: impl Into<String>) -> Self {
        Self::new(406, "NotAcceptable", message)
    }

    /// A patch of a form that there is not.
    pub(crate) fn unsupported_patch() -> Self {
        Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").with(json!({}))
    }

    pub(crate) fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("Request entity too large: limit is {limit}");
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// The server's own failure: the message says what to do about it.
    pub(crate) fn internal(message: &str) -> Self {
        Self::new(500, "InternalError", format!("Internal error occurred: {message}"))
            .with(json!({ "causes": [{ "message": message }] }))
    }

    /// A request of the right form that cannot be carried out on this object.
    pub(crate) fn unprocessable(about: About<'_>, message: &str) -> Self {
        Self::new(422, "Invalid", message).with(about.details())
    }

    /// A patch that does not fit the object: upstream does not say why.
    pub(crate) fn rejected() -> Self {
        Self::new(422, "Invalid", "the server rejected our request due to an error in our request").with(json!({}))
    }

    /// What upstream passes on as it came, without a reason.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// A request that asks for too much.
    pub(crate) fn too_large_because(message: impl Into<String>) -> Self {
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// A wait that has ended without what was waited for.
    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        Self::new(504, "Timeout", message)
    }

    /// The object as it is sent.
    pub(crate) fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}
