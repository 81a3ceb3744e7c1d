//! FlowSchemas say whether the priority level that they name exists.

use serde_json::{Value, json};

use crate::api::{Api, Target};
use crate::controllers::report;
use crate::verbs::write::time;

const GROUP: &str = "flowcontrol.apiserver.k8s.io";

/// Looks at all of them.
pub(super) fn look(api: &Api) {
    let Ok(resource) = api.row(GROUP, "v1", "flowschemas") else { return };
    for (name, stored) in api.all(&resource, "") {
        let schema = Value::Object(stored.parse());
        let level = schema.pointer("/spec/priorityLevelConfiguration/name").and_then(Value::as_str).unwrap_or_default();
        let exists = api.store.get(&format!("prioritylevelconfigurations.{GROUP}"), level).is_some();
        let (status, reason) = if exists { ("False", "Found") } else { ("True", "NotFound") };
        let before = schema.pointer("/status/conditions/0/status").and_then(Value::as_str);
        if before == Some(status) {
            continue;
        }
        let how = if exists { "and it exists" } else { "but there is no such object" };
        let target = Target { subresource: Some("status".to_owned()), ..Target::new(&resource, "", &name) };
        let config = json!({
            "apiVersion": resource.api_version(),
            "kind": resource.kind,
            "metadata": { "name": &*name },
            "status": { "conditions": [{
                "type": "Dangling",
                "status": status,
                "lastTransitionTime": time(api.now()),
                "reason": reason,
                "message": format!(
                    "This FlowSchema references the PriorityLevelConfiguration object named {level:?} {how}"
                ),
            }] },
        });
        let result = api.apply_own(&target, "api-priority-and-fairness-config-consumer-v1", &config);
        report("say whether the priority level of a FlowSchema exists", &name, result.map(drop));
    }
}
