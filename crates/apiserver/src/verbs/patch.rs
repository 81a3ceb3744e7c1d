//! Patches: the four ways to say what is to change.

use serde_json::Value;
use ssa::Force;
use ssa::patch::{self, PatchError, Status};
use ssa::typed::Type;

use crate::api::Api;
use crate::failure::{About, Failure};
use crate::meta;
use crate::resource::{FieldError, Resource};
use crate::verbs::decode::{self, Format, Kind};
use crate::verbs::manage::Manager;

/// The form of a patch, by its media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchKind {
    Json,
    Merge,
    Strategic,
    Apply,
}

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

impl PatchKind {
    /// The form that a media type names. Custom resources know no strategic merge.
    ///
    /// # Errors
    /// 415.
    pub(crate) fn of(content_type: &str, custom: bool) -> Result<Self, Failure> {
        match content_type.split(';').next().unwrap_or_default().trim() {
            JSON => Ok(Self::Json),
            MERGE => Ok(Self::Merge),
            STRATEGIC if !custom => Ok(Self::Strategic),
            APPLY => Ok(Self::Apply),
            STRATEGIC => Err(Failure::unsupported_media_type(&[JSON, MERGE, APPLY])),
            _ => Err(Failure::unsupported_patch()),
        }
    }
}

/// A patch that has been read.
#[derive(Debug)]
pub(crate) struct Patch {
    pub(crate) kind: PatchKind,
    body: Value,
    force: Force,
}

impl Patch {
    /// Reads a patch, and notes which fields of an applied object are there twice.
    ///
    /// # Errors
    /// 400 for what is no patch.
    pub(crate) fn read(kind: PatchKind, body: &[u8], force: bool) -> Result<(Self, Vec<String>), Failure> {
        let force = if force { Force::Yes } else { Force::No };
        if kind == PatchKind::Apply {
            let decoded = decode::decode(body, Format::Yaml).map_err(|mut failure| {
                failure.message.insert_str(0, "error decoding YAML: error converting YAML to JSON: ");
                failure
            })?;
            return Ok((Self { kind, body: decoded.value, force }, decoded.duplicates));
        }
        let parsed = serde_json::from_slice(body);
        let body: Value = parsed.map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
        let (found, wanted) = match (&body, kind) {
            (Value::Object(_), PatchKind::Json) => ("object", "[]handlers.jsonPatchOp"),
            (Value::Array(_), PatchKind::Merge | PatchKind::Strategic) => ("array", "map[string]interface {}"),
            _ => return Ok((Self { kind, body, force }, Vec::new())),
        };
        Err(Failure::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {found} into Go value of type {wanted}"
        )))
    }

    /// What the patch makes of an object.
    ///
    /// # Errors
    /// 422 for a patch that does not fit the object, 409 for an apply that would take what is others'.
    pub(crate) fn apply(
        &self,
        api: &Api,
        resource: &Resource,
        name: &str,
        manager: &Manager<'_>,
        old: Option<&Value>,
    ) -> Result<Value, Failure> {
        let is_scale = manager.subresource == "scale";
        if self.kind == PatchKind::Apply && !is_scale {
            let given = meta::text(&self.body, "name");
            if !given.is_empty() && given != name {
                let message = format!("the name of the object ({given}) does not match the name on the URL ({name})");
                return Err(Failure::bad_request(message));
            }
            return api.apply(resource, manager, old, &self.body, self.force);
        }
        let object = old.cloned().unwrap_or_default();
        let patched = match self.kind {
            PatchKind::Json => patch::json(object, &self.body),
            PatchKind::Merge | PatchKind::Apply => patch::merge(object, self.body.clone()),
            // A Scale has no lists.
            PatchKind::Strategic if is_scale => patch::merge(object, self.body.clone()),
            PatchKind::Strategic => {
                patch::strategic(Type::new(&resource.schemas, resource.schema), object, self.body.clone())
            }
        };
        let mut patched = patched.map_err(|error| refused(self.kind, resource, name, error))?;
        let api_version = resource.api_version();
        let kind = if is_scale {
            Kind { api_version: "autoscaling/v1", name: "Scale", custom: false }
        } else {
            Kind { api_version: &api_version, name: &resource.kind, custom: resource.custom }
        };
        let said = patched.clone();
        let resources = api.resources();
        let is_known = |api_version: &str, kind: &str| {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            resources.of_kind(group, version, kind).is_some()
        };
        decode::check(&kind, &mut patched, is_known).map_err(|failure| {
            let why = failure.message.split_once(": ").map_or(failure.message.as_str(), |(_, why)| why);
            unreadable(&said, why)
        })?;
        Ok(patched)
    }
}

/// What a patch made of an object, which is no object of its kind.
pub(crate) fn unreadable(patched: &Value, why: &str) -> Failure {
    let mut shown = patched.clone();
    meta::of(&mut shown).remove("managedFields");
    let message = format!("Invalid value: {:?}: {why}", shown.to_string());
    let error = FieldError { field: "patch".to_owned(), reason: "FieldValueInvalid", message };
    Failure::invalid("", "", "", &[error])
}

fn refused(kind: PatchKind, resource: &Resource, name: &str, error: PatchError) -> Failure {
    let PatchError { status, message } = error;
    match status {
        Status::BadRequest => Failure::bad_request(message),
        Status::TooLarge => Failure::too_large_because(message),
        Status::Unprocessable if kind == PatchKind::Json => Failure::rejected(),
        Status::Unprocessable => Failure::unprocessable(About::new(resource, name), &message),
        Status::Internal => Failure::unknown(message),
    }
}
