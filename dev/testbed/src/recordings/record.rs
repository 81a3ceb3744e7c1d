//! Records what is there after a scenario, in the shape of `recorded.json`.

use std::collections::BTreeSet;

use crate::{Namespace, World, kinds};
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::{Map, Value, json};

use super::normalize::Names;
use super::soften;

/// The kinds whose objects are recorded, besides those that the recording holds.
const APPLIED: [&str; 5] = ["ConfigMap", "Secret", "Service", "Deployment", "Job"];
const FLUX_KINDS: [&str; 2] = ["GitRepository", "Kustomization"];

/// Everything, with names for what varies.
pub(super) async fn record(
    world: &World<'_>,
    ns: &Namespace,
    names: &Names,
    recorded: &Value,
) -> Result<Value, String> {
    let mut all = Map::new();
    all.insert("objects".to_owned(), objects(ns).await?);
    all.insert("applied".to_owned(), applied(ns, recorded).await?);
    all.insert("events".to_owned(), events(ns).await?);
    all.insert("notifications".to_owned(), notifications(world, ns));
    let mut all = names.value(Value::Object(all));
    all["cli"] = cli(world, ns, names, recorded).await?;
    Ok(all)
}

async fn list(ns: &Namespace, kind: &str) -> Result<Vec<DynamicObject>, String> {
    let kind = kinds::by_name(ns.client(), kind, ns.name()).await?;
    let list = kind.api(ns.client(), ns.name()).list(&ListParams::default()).await;
    list.map(|l| l.items).map_err(|e| e.to_string())
}

async fn objects(ns: &Namespace) -> Result<Value, String> {
    let mut objects = Map::new();
    for kind in FLUX_KINDS {
        for object in list(ns, kind).await? {
            let name = object.metadata.name.clone().unwrap_or_default();
            let value = serde_json::to_value(&object).map_err(|e| e.to_string())?;
            let mut managers: Vec<Value> = managed_fields(&value)
                .iter()
                .map(|entry| json!([entry["manager"], entry["operation"], entry["subresource"]]))
                .collect();
            managers.sort_by_key(ToString::to_string);
            let metadata = &value["metadata"];
            let finalizers = if metadata["finalizers"].is_null() { json!([]) } else { metadata["finalizers"].clone() };
            objects.insert(
                format!("{kind}/{name}"),
                json!({
                    "finalizers": finalizers,
                    "generation": metadata["generation"],
                    "managers": managers,
                    "status": value["status"],
                }),
            );
        }
    }
    Ok(Value::Object(objects))
}

async fn applied(ns: &Namespace, recorded: &Value) -> Result<Value, String> {
    let known = recorded["applied"].as_object().into_iter().flat_map(|a| a.keys());
    let kinds: BTreeSet<&str> = known.filter_map(|key| key.split('/').next()).chain(APPLIED).collect();
    let mut applied = Map::new();
    for kind in kinds {
        // A kind of a scenario that got stuck before its CRD came.
        let Ok(objects) = list(ns, kind).await else { continue };
        for object in objects {
            let name = object.metadata.name.clone().unwrap_or_default();
            if name == "kube-root-ca.crt" {
                continue;
            }
            let mut value = serde_json::to_value(&object).map_err(|e| e.to_string())?;
            let mut managed = managed_fields(&value);
            managed.retain(|entry| entry["manager"] != "kube-controller-manager");
            for entry in managed.iter_mut().filter_map(Value::as_object_mut) {
                entry.retain(|key, _| ["fieldsV1", "manager", "operation", "subresource"].contains(&key.as_str()));
            }
            let strings = |key: &str| value["metadata"].get(key).cloned().unwrap_or_else(|| json!({}));
            let (labels, mut annotations) = (strings("labels"), strings("annotations"));
            if let Some(annotations) = annotations.as_object_mut() {
                // The controller manager's.
                annotations.retain(|key, _| !key.starts_with("deployment.kubernetes.io/"));
            }
            if let Some(content) = value.as_object_mut() {
                content.retain(|key, _| !["apiVersion", "kind", "metadata", "status"].contains(&key.as_str()));
            }
            applied.insert(
                format!("{kind}/{name}"),
                json!({ "labels": labels, "annotations": annotations, "content": value, "managedFields": managed }),
            );
        }
    }
    Ok(Value::Object(applied))
}

/// The entries, each with a subresource, which is empty for the object itself.
fn managed_fields(object: &Value) -> Vec<Value> {
    let mut entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    for entry in entries.iter_mut().filter(|e| e["subresource"].is_null()) {
        entry["subresource"] = json!("");
    }
    entries
}

async fn events(ns: &Namespace) -> Result<Value, String> {
    let api: Api<Event> = Api::namespaced(ns.client().clone(), ns.name());
    let mut events = api.list(&ListParams::default()).await.map_err(|e| e.to_string())?.items;
    events.retain(|event| event.involved_object.kind.as_deref().is_some_and(|kind| FLUX_KINDS.contains(&kind)));
    // An event that repeats is told again: it moves to the end.
    events.sort_by_key(|event| event.metadata.resource_version.as_deref().and_then(|v| v.parse::<u64>().ok()));
    let recorded = events.into_iter().map(|event| {
        let involved = event.involved_object;
        json!({
            "annotations": event.metadata.annotations.unwrap_or_default(),
            "message": event.message,
            "object": format!("{}/{}", involved.kind.unwrap_or_default(), involved.name.unwrap_or_default()),
            "reason": event.reason,
            "source": event.source.and_then(|s| s.component).or(event.reporting_component),
            "type": event.type_,
        })
    });
    Ok(recorded.collect())
}

fn notifications(world: &World<'_>, ns: &Namespace) -> Value {
    const KEPT: [&str; 6] = ["involvedObject", "message", "metadata", "reason", "reportingController", "severity"];
    let mut notifications = world.notifications.of(ns.name());
    for notification in notifications.iter_mut().filter_map(Value::as_object_mut) {
        notification.retain(|key, _| KEPT.contains(&key.as_str()));
    }
    Value::Array(notifications)
}

/// Runs the commands that the recording holds.
async fn cli(world: &World<'_>, ns: &Namespace, names: &Names, recorded: &Value) -> Result<Value, String> {
    let mut runs = Vec::new();
    for run in recorded["cli"].as_array().into_iter().flatten() {
        let command = run["command"].as_str().unwrap_or_default();
        let args = command.strip_prefix("flux ").unwrap_or(command);
        let out = world.cli(args, ns.name()).await.map_err(|e| format!("{command}: {e}"))?;
        let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        let lines = |text: &str| names.text(text).split('\n').map(str::to_owned).collect::<Vec<_>>();
        runs.push(json!({
            "command": command,
            "exit": out.status.code(),
            "stdout": lines(&stdout),
            "stderr": lines(&stderr),
            // Widths are those of the words before they were replaced by names.
            "padding": soften::padding(&stdout),
        }));
    }
    Ok(Value::Array(runs))
}
