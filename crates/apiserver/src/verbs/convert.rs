//! Objects that are served in two forms and kept in one: Events as the core has them, autoscalers as `v2` has them.
//!
//! # Source
//! `k8s.io/kubernetes/pkg/apis/events/v1/conversion.go`.

pub(crate) mod autoscaler;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};
use ssa::typed::Type;
use ssa::versions::{ConvertError, Versions};

use crate::resource::Resource;
use crate::store::Stored;

/// The names of fields: the core's, and those of `events.k8s.io`.
const EVENT: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// The form in which a row serves its objects, where it is not the one in which they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Event,
    Autoscaler,
}

impl Form {
    fn of(group: &str, version: &str, kind: &str) -> Option<Self> {
        match (group, version, kind) {
            ("events.k8s.io", _, _) => Some(Self::Event),
            ("autoscaling", "v1", "HorizontalPodAutoscaler") => Some(Self::Autoscaler),
            _ => None,
        }
    }

    fn of_row(resource: &Resource) -> Option<Self> {
        Self::of(&resource.group, &resource.version, &resource.kind)
    }

    /// Brings an object that was kept into this form.
    fn serve(self, object: &mut Map<String, Value>) {
        match self {
            Self::Event => {
                rename(object, EVENT.iter().copied());
                // The core always says who reports, this group when somebody does.
                object.retain(|key, value| !(key.starts_with("reporting") && value == ""));
            }
            Self::Autoscaler => autoscaler::to_v1(object),
        }
    }

    /// Brings an object of this form into the one that is kept.
    fn keep(self, object: &mut Map<String, Value>) {
        match self {
            Self::Event => rename(object, EVENT.iter().map(|(core, other)| (*other, *core))),
            Self::Autoscaler => autoscaler::to_v2(object),
        }
    }
}

/// An object as it is kept, in the form of the row that it is served under.
pub(crate) fn served<'s>(resource: &Resource, stored: &'s Stored) -> Cow<'s, Stored> {
    let Some(form) = Form::of_row(resource) else { return Cow::Borrowed(stored) };
    let mut object = stored.parse();
    form.serve(&mut object);
    let bytes = serde_json::to_vec(&object).unwrap_or_default();
    Cow::Owned(Stored { revision: stored.revision, bytes: bytes.into() })
}

/// An object in the form in which it is kept.
pub(crate) fn kept(resource: &Resource, object: &Value) -> Map<String, Value> {
    let mut object = object.as_object().cloned().unwrap_or_default();
    if let Some(form) = Form::of_row(resource) {
        form.keep(&mut object);
    }
    object
}

/// An object as tables read it: of autoscalers, the form in which they are kept has more to show.
pub(crate) fn shown<'s>(resource: &Resource, stored: &'s Stored) -> Cow<'s, Stored> {
    match Form::of_row(resource) {
        Some(Form::Autoscaler) => Cow::Borrowed(stored),
        _ => served(resource, stored),
    }
}

/// The versions of a resource, for who looks at the same object in several of them.
pub(crate) struct Forms<'a>(pub(crate) BTreeMap<String, Type<'a>>);

impl Versions for Forms<'_> {
    fn type_of(&self, version: &str) -> Option<Type<'_>> {
        self.0.get(version).copied()
    }

    fn convert<'o>(&self, object: &'o Value, version: &str) -> Result<Cow<'o, Value>, ConvertError> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let from = text("apiVersion");
        if from == version {
            return Ok(Cow::Borrowed(object));
        }
        let form = |api_version: &str| {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            Form::of(group, version, text("kind"))
        };
        let mut converted = object.clone();
        if let Value::Object(fields) = &mut converted {
            if let Some(form) = form(from) {
                form.keep(fields);
            }
            if let Some(form) = form(version) {
                form.serve(fields);
            }
            fields.insert("apiVersion".to_owned(), version.into());
        }
        Ok(Cow::Owned(converted))
    }
}

fn rename<'n>(object: &mut Map<String, Value>, names: impl Iterator<Item = (&'n str, &'n str)>) {
    for (from, to) in names {
        if let Some(value) = object.remove(from) {
            object.insert(to.to_owned(), value);
        }
    }
}
