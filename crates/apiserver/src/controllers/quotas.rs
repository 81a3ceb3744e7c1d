//! Quotas say how much of them is used.

use serde_json::Value;

use crate::api::{Api, Target, split_key};
use crate::controllers::report;

/// Looks at the quotas of a namespace.
pub(super) fn look(api: &Api, namespace: &str) {
    let Ok(resource) = api.row("", "v1", "resourcequotas") else { return };
    for (key, stored) in api.all(&resource, namespace) {
        let quota = Value::Object(stored.parse());
        let status = api.quota_status(namespace, &quota);
        if quota.get("status") == Some(&status) {
            continue;
        }
        let target = Target::new(&resource, namespace, split_key(&key).1);
        let target = Target { subresource: Some("status".to_owned()), ..target };
        let result = api.edit(&target, "kube-controller-manager", &|object| object["status"] = status.clone());
        report("count what the ResourceQuota limits", &key, result.map(drop));
    }
}
