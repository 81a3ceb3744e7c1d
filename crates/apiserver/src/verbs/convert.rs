//! Objects that two groups serve in two forms: Events. They are kept as the core has them.
//!
//! # Source
//! `k8s.io/kubernetes/pkg/apis/events/v1/conversion.go`.

use std::borrow::Cow;

use serde_json::{Map, Value};

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

fn is_renamed(resource: &Resource) -> bool {
    resource.group == "events.k8s.io"
}

/// An object as it is kept, in the form of the row that it is served under.
pub(crate) fn served<'s>(resource: &Resource, stored: &'s Stored) -> Cow<'s, Stored> {
    if !is_renamed(resource) {
        return Cow::Borrowed(stored);
    }
    let mut object = stored.parse();
    rename(&mut object, EVENT.iter().copied());
    // The core always says who reports, this group when somebody does.
    object.retain(|key, value| !(key.starts_with("reporting") && value == ""));
    let bytes = serde_json::to_vec(&object).unwrap_or_default();
    Cow::Owned(Stored { revision: stored.revision, bytes: bytes.into() })
}

/// An object in the form in which it is kept.
pub(crate) fn kept(resource: &Resource, object: &Value) -> Map<String, Value> {
    let mut object = object.as_object().cloned().unwrap_or_default();
    if is_renamed(resource) {
        rename(&mut object, EVENT.iter().map(|(core, other)| (*other, *core)));
    }
    object
}

fn rename<'n>(object: &mut Map<String, Value>, names: impl Iterator<Item = (&'n str, &'n str)>) {
    for (from, to) in names {
        if let Some(value) = object.remove(from) {
            object.insert(to.to_owned(), value);
        }
    }
}
