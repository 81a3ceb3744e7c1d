//! Pods that the server does not let in: whoever wants them says why, as its controller would.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Act, MANAGER, items, text};
use crate::api::{Api, Target};
use crate::failure::Failure;

/// Why the Pods of an owner are refused, by the owner's uid: the same until one is let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refused(BTreeMap<String, String>);

impl Refused {
    /// Why the Pods of an owner were refused the last time.
    pub(super) fn why(&self, owner: &Value) -> Option<&str> {
        self.0.get(text(owner, "/metadata/uid")).map(String::as_str)
    }

    /// Whether an act would be refused again for what has just been said.
    pub(super) fn knows(&self, act: &Act) -> bool {
        pod_and_owner(act).is_some_and(|(_, owner)| self.0.contains_key(text(owner, "/uid")))
    }

    /// Takes note of a failure, and says it once, which `before` tells; false when it is not one of a Pod. In a namespace
    /// that is on its way out nobody wants Pods any more.
    pub(super) fn note(&mut self, api: &Api, before: &Self, act: &Act, failure: &Failure) -> bool {
        let Some((pod, owner)) = pod_and_owner(act) else { return false };
        if failure.details.as_ref().is_some_and(|details| text(details, "/causes/0/reason") == "NamespaceTerminating") {
            return true;
        }
        let uid = text(owner, "/uid");
        let said = before.0.get(uid).cloned();
        if said.is_none() {
            tell(api, pod, owner, &failure.message);
        }
        self.0.insert(uid.to_owned(), said.unwrap_or_else(|| failure.message.clone()));
        true
    }
}

fn pod_and_owner(act: &Act) -> Option<(&Value, &Value)> {
    let Act::Create(pod) = act else { return None };
    let owner = items(pod, "/metadata/ownerReferences").next()?;
    (pod["kind"] == "Pod").then_some((pod, owner))
}

fn tell(api: &Api, pod: &Value, owner: &Value, why: &str) {
    let (kind, name, now) = (text(owner, "/kind"), text(owner, "/name"), api.now());
    let namespace = text(pod, "/metadata/namespace");
    let message = if kind == "StatefulSet" {
        format!("Create Pod {} in StatefulSet {name} failed error: {why}", text(pod, "/metadata/name"))
    } else {
        format!("Error creating: {why}")
    };
    let component = format!("{}-controller", kind.to_lowercase());
    let event_name = format!("{name}.{:x}", now.as_nanosecond());
    let event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": event_name, "namespace": namespace },
        "involvedObject": {
            "apiVersion": owner["apiVersion"],
            "kind": kind,
            "name": name,
            "namespace": namespace,
            "uid": owner["uid"],
        },
        "type": "Warning",
        "reason": "FailedCreate",
        "message": message,
        "source": { "component": component },
        "reportingComponent": component,
        "firstTimestamp": format!("{now:.0}"),
        "lastTimestamp": format!("{now:.0}"),
        "count": 1,
    });
    let made = api
        .row("", "v1", "events")
        .and_then(|row| api.make(&Target::new(&row, namespace, &event_name), MANAGER, &event));
    if let Err(failure) = made {
        tracing::warn!(failure = %failure.message, "cannot say why a Pod is refused");
    }
}
