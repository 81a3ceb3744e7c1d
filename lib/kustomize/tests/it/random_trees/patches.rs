//! Random patches of both kinds, and whom they are for.

use serde_json::{Map, Value, json};

use super::objects::{image, label, text};
use super::{Known, Random};

/// A strategic merge patch for an object.
pub(super) fn strategic(random: &mut Random, known: &Known) -> Value {
    let mut patch = json!({ "apiVersion": known.api_version, "kind": known.kind, "metadata": { "name": known.name } });
    if let Some(namespace) = &known.namespace {
        patch["metadata"]["namespace"] = json!(namespace);
    }
    if random.chance(4) {
        patch["$patch"] = json!("delete");
        return patch;
    }
    if random.chance(40) {
        let (key, value) = label(random);
        patch["metadata"]["labels"] = json!({ key: value });
    }
    if random.chance(30) {
        patch["metadata"]["annotations"] = json!({ "note": null, "patched": text(random) });
    }
    if known.is_workload() {
        patch["spec"] = workload(random);
        return patch;
    }
    match known.kind.as_str() {
        "ConfigMap" => {
            patch["data"] = json!({ "key": null, "patched": text(random) });
            if random.chance(20) {
                patch["data"]["$patch"] = json!(random.pick(&["replace", "merge", "delete"]));
            }
        }
        "Secret" => patch["stringData"] = json!({ "password": text(random), "more": "x" }),
        "Service" => {
            patch["spec"] = json!({ "type": "NodePort", "ports": [{ "port": 80, "nodePort": 30080 }, { "port": 8443, "name": "more" }] });
            if random.chance(20) {
                patch["spec"]["$setElementOrder/ports"] = json!([{ "port": 8443 }, { "port": 80 }]);
            }
        }
        "ServiceAccount" => patch["secrets"] = json!([{ "name": "added" }, { "$patch": "delete", "name": "web" }]),
        "MyKind" => {
            patch["spec"] = json!({ "items": [{ "name": "b", "value": text(random) }, { "name": "c", "value": 3 }], "ratio": 1.5, "list": null, "added": { "deep": [] } });
        }
        "PersistentVolumeClaim" => {
            patch["spec"] =
                json!({ "resources": { "requests": { "storage": "2Gi" } }, "accessModes": ["ReadWriteMany"] });
        }
        "Ingress" => patch["spec"] = json!({ "tls": null, "rules": [{ "host": "b.example.com" }] }),
        "Role" | "ClusterRole" => patch["rules"] = json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }]),
        "RoleBinding" | "ClusterRoleBinding" => patch["subjects"] = json!([{ "kind": "Group", "name": "g" }]),
        _ => {}
    }
    patch
}

fn workload(random: &mut Random) -> Value {
    let mut container = json!({ "name": random.pick(&["app", "sidecar", "new"]) });
    for _ in 0..=random.below(3) {
        match random.below(9) {
            0 => container["image"] = json!(image(random)),
            1 => {
                container["env"] =
                    json!([{ "name": "PLAIN", "value": text(random) }, { "name": "ADDED", "value": "$(NAME)" }]);
            }
            2 => container["env"] = json!([{ "name": "FROM", "$patch": "delete" }, { "name": "PLAIN", "value": null }]),
            3 => {
                container["ports"] =
                    json!([{ "containerPort": 8080, "protocol": "TCP", "name": "renamed" }, { "containerPort": 9090 }]);
            }
            4 => container["resources"] = json!({ "$patch": "replace", "limits": { "cpu": "1" } }),
            5 => container["args"] = json!(["--other"]),
            6 => container["command"] = Value::Null,
            7 => {
                container["volumeMounts"] =
                    json!([{ "mountPath": "/etc/conf", "subPath": "a" }, { "mountPath": "/data", "name": "data" }]);
            }
            _ => container["$patch"] = json!(random.pick(&["delete", "replace"])),
        }
    }
    let mut pod = json!({ "containers": [container] });
    if random.chance(15) {
        pod["$setElementOrder/containers"] = json!([{ "name": "sidecar" }, { "name": "app" }]);
    }
    if random.chance(20) {
        pod["volumes"] =
            json!([{ "name": "tmp", "$patch": "delete" }, { "name": "more", "secret": { "secretName": "db" } }]);
    }
    if random.chance(15) {
        pod["tolerations"] = json!([{ "key": "b", "operator": "Exists" }]);
    }
    if random.chance(10) {
        pod["$deleteFromPrimitiveList/finalizers"] = json!(["x"]);
    }
    let mut spec = json!({ "template": { "spec": pod } });
    if random.chance(20) {
        spec["replicas"] = json!(random.below(9));
    }
    if random.chance(15) {
        spec["strategy"] = json!({ "$retainKeys": ["type"], "type": "Recreate" });
    }
    if random.chance(10) {
        spec["strategy"] = json!({ "$patch": "delete" });
    }
    if random.chance(10) {
        spec["selector"] = Value::Null;
    }
    spec
}

/// A JSON patch for objects of which nothing is known but that they may have these fields.
pub(super) fn json6902(random: &mut Random, known: &Known) -> Value {
    let mut operations = Vec::new();
    for _ in 0..=random.below(3) {
        operations.push(match random.below(10) {
            0 => json!({ "op": "add", "path": "/metadata/labels", "value": { "json": "patched", "n": "1" } }),
            1 => json!({ "op": "add", "path": "/metadata/annotations", "value": { "a~b/c": text(random) } }),
            2 => json!({ "op": "add", "path": "/spec", "value": { "only": [1, 2.5, 1e21, "x", null, true] } }),
            3 => json!({ "op": "replace", "path": "/metadata/name", "value": random.pick(&["renamed", "web"]) }),
            4 => json!({ "op": "copy", "from": "/metadata/name", "path": "/metadata/generation" }),
            5 => json!({ "op": "test", "path": "/kind", "value": known.kind }),
            6 => json!({ "op": "add", "path": "/data", "value": { "added": text(random) } }),
            7 if known.is_workload() => json!({ "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image(random) }),
            7 => json!({ "op": "move", "from": "/metadata/name", "path": "/metadata/name" }),
            8 if known.is_workload() => json!({ "op": "add", "path": "/spec/template/spec/containers/-", "value": { "name": "last", "image": "x" } }),
            8 => json!({ "op": "test", "path": "/apiVersion", "value": known.api_version }),
            _ => json!({ "op": "add", "path": "/metadata/finalizers", "value": ["a", "b"] }),
        });
    }
    Value::Array(operations)
}

/// Objects to select, this one mostly among them.
pub(super) fn selector(random: &mut Random, known: &Known, only_kind: bool) -> Value {
    let mut selector = Map::new();
    if only_kind || random.chance(70) {
        selector.insert(
            "kind".to_owned(),
            json!(if only_kind || random.chance(80) { known.kind.as_str() } else { "Deploy.*" }),
        );
    }
    if random.chance(60) {
        let pattern = match random.below(6) {
            0 => format!("{}.*", &known.name[..1]),
            1 => format!("({}|other)", known.name),
            2 => format!("^{}$", known.name),
            3 => ".*".to_owned(),
            _ => known.name.clone(),
        };
        selector.insert("name".to_owned(), json!(pattern));
    }
    if random.chance(15) {
        selector.insert("group".to_owned(), json!(known.group()));
    }
    if random.chance(15) {
        selector.insert("version".to_owned(), json!(known.version()));
    }
    if random.chance(8) {
        selector.insert("namespace".to_owned(), json!(random.pick(&["prod", "default", ".*", "team-.*"])));
    }
    if random.chance(10) {
        selector.insert(
            "labelSelector".to_owned(),
            json!(random.pick(&["app=web", "tier in (web, api)", "!env", "own", "app!=web"])),
        );
    }
    if random.chance(5) {
        selector.insert("annotationSelector".to_owned(), json!(random.pick(&["sidecar=true", "note", "!patched"])));
    }
    if selector.is_empty() {
        selector.insert("kind".to_owned(), json!(known.kind));
    }
    Value::Object(selector)
}
