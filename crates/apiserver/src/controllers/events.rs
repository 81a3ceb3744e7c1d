//! Events go by themselves after an hour.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::api::{Api, Target, split_key};
use crate::controllers::report;
use crate::http::query::DeleteOptions;

const LAST: SignedDuration = SignedDuration::from_hours(1);

/// Deletes the events that were last seen longer ago.
pub(super) fn expire(api: &Api) {
    let Ok(resource) = api.row("", "v1", "events") else { return };
    let Ok(before) = api.now().checked_sub(LAST) else { return };
    for (key, stored) in api.all(&resource, "") {
        let event = Value::Object(stored.parse());
        if seen(&event).is_some_and(|seen| seen < before) {
            let (namespace, name) = split_key(&key);
            let result = api.delete_own(&Target::new(&resource, namespace, name), &DeleteOptions::default());
            report("expire the Event", &key, result.map(drop));
        }
    }
}

/// When an event was last seen.
fn seen(event: &Value) -> Option<Timestamp> {
    let at = |pointer: &str| event.pointer(pointer).and_then(Value::as_str)?.parse::<Timestamp>().ok();
    ["/metadata/creationTimestamp", "/lastTimestamp", "/eventTime", "/series/lastObservedTime"]
        .into_iter()
        .filter_map(at)
        .max()
}
