//! The objects that every cluster has: namespaces, the roles and bindings of RBAC, flow control, priority classes, the
//! Service of the API server itself.

use serde_json::{Value, json};

use crate::api::{Api, Target};
use crate::failure::Failure;
use crate::http::query::WriteOptions;
use crate::resource::Operation;
use crate::verbs::write::Author;

/// Upstream's roles and bindings, one object a line, as kube-apiserver 1.35 makes them.
const RBAC: &str = include_str!("../data/rbac.jsonl");
/// Upstream's priority levels and flow schemas (`cargo xtask kinds`).
const FLOW_CONTROL: &str = include_str!("../data/flowcontrol.jsonl");
const MANAGER: &str = "kube-apiserver";
const NAMESPACES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "default"];

/// Makes what is missing of them.
///
/// # Errors
/// Whatever the server refuses: then what it is told here is wrong.
pub(crate) fn seed(api: &Api) -> Result<(), Failure> {
    if !api.store.is_empty() {
        return Ok(());
    }
    for name in NAMESPACES {
        let object = json!({ "metadata": { "name": name } });
        make(api, "", "namespaces", &object)?;
    }
    let recorded = [
        ("rbac.authorization.k8s.io", RBAC, MANAGER),
        ("flowcontrol.apiserver.k8s.io", FLOW_CONTROL, "api-priority-and-fairness-config-producer-v1"),
    ];
    for (group, lines, manager) in recorded {
        for line in lines.lines() {
            let object: Value = serde_json::from_str(line).map_err(|error| Failure::internal(&error.to_string()))?;
            let plural = format!("{}s", object["kind"].as_str().unwrap_or_default().to_ascii_lowercase());
            make_as(manager, api, group, &plural, &object)?;
        }
    }
    for (name, value, what) in [
        (
            "system-cluster-critical",
            2_000_000_000,
            "must be running in the cluster, but can be moved to another node if necessary.",
        ),
        ("system-node-critical", 2_000_001_000, "must not be moved from their current node."),
    ] {
        let object = json!({
            "metadata": { "name": name },
            "value": value,
            "description": format!("Used for system critical pods that {what}"),
        });
        make(api, "scheduling.k8s.io", "priorityclasses", &object)?;
    }
    let service = json!({
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": { "component": "apiserver", "provider": "kubernetes" },
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "10.0.0.1",
            "ports": [{ "name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443 }],
            "sessionAffinity": "None",
        },
    });
    make(api, "", "services", &service)
}

fn make(api: &Api, group: &str, plural: &str, object: &Value) -> Result<(), Failure> {
    make_as(MANAGER, api, group, plural, object)
}

fn make_as(manager: &str, api: &Api, group: &str, plural: &str, object: &Value) -> Result<(), Failure> {
    let resource = api.row(group, "v1", plural)?;
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default().to_owned();
    let target = Target::new(&resource, &namespace, "");
    let options = WriteOptions::default();
    let user = api.system_user();
    let author = Author { user: &user, manager, options: &options, operation: Operation::Create };
    api.create(&target, author, &|_| Ok(object.clone())).map(drop)
}
