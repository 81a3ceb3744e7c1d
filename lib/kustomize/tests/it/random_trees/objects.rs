//! Random objects, few enough names that they refer to each other.

use serde_json::{Value, json};

use super::Random;

pub(super) const NAMES: &[&str] = &["web", "api", "db", "cache", "job-1"];
pub(super) const NAMESPACES: &[&str] = &["default", "prod", "team-a"];
const KINDS: usize = 26;

/// Texts that are something else when they are not quoted, or hard to print.
const TEXTS: &[&str] = &[
    "plain",
    "yes",
    "on",
    "n",
    "null",
    "~",
    "true",
    "0x1F",
    "1_000",
    "1e3",
    "010",
    "1.10",
    "",
    " lead",
    "trail ",
    "a: b",
    "a #b",
    "- c",
    "[d",
    "{e",
    "it's",
    "say \"hi\"",
    "2024-01-01",
    "12:30:45",
    "a\nb",
    "a\nb\n",
    "line one\n\nline three\n\n",
    "tab\there",
    "ünï çode",
    "!tag",
    "&x",
    "*y",
    "%z",
    "@at",
    "`tick",
    "?",
    ":",
    ",",
    "back\\slash",
    "$(VAR)",
    "key=value",
    "a,b,c",
    "a few plain words",
    "first line\nsecond line\n\nlast line",
    "one\ntwo\nthree\n",
    "a long line of words that goes on and on until the printer has to think about where it might be folded, if it were to fold it at all",
];

pub(super) fn text(random: &mut Random) -> &'static str {
    random.pick(TEXTS)
}

fn name(random: &mut Random) -> &'static str {
    random.pick(NAMES)
}

pub(super) fn label(random: &mut Random) -> (&'static str, &'static str) {
    let key = random.pick(&["app", "tier", "env", "app.kubernetes.io/name", "team"]);
    (key, random.pick(&["web", "api", "prod", "true", "1", "a"]))
}

/// An object of any kind.
pub(super) fn object(random: &mut Random) -> Value {
    let kind = random.below(KINDS);
    let own = name(random);
    let mut object = of_kind(random, kind);
    let mut metadata = json!({ "name": own });
    if random.chance(15) {
        metadata["namespace"] = json!(random.pick(NAMESPACES));
    }
    if random.chance(40) {
        let (key, value) = label(random);
        metadata["labels"] = json!({ key: value, "own": own });
    }
    if random.chance(30) {
        metadata["annotations"] = json!({ "note": text(random), "sidecar": "true" });
    }
    if random.chance(3) {
        metadata["creationTimestamp"] = Value::Null;
    }
    if random.chance(3) {
        metadata["annotations"] = json!({ "config.kubernetes.io/local-config": random.pick(&["true", "false"]) });
    }
    object["metadata"] = metadata;
    object
}

fn of_kind(random: &mut Random, kind: usize) -> Value {
    let other = name(random);
    match kind {
        0..=1 => {
            let mut object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": {
                "key": text(random), "app.conf": text(random), "host": "web.default.svc", "json": "{\"a\": {\"b\": [1, \"x\"]}}" } });
            if random.chance(10) {
                object["immutable"] = json!(true);
            }
            object
        }
        2 => {
            json!({ "apiVersion": "v1", "kind": "Secret", "type": random.pick(&["Opaque", "kubernetes.io/tls"]), "stringData": { "password": text(random) } })
        }
        3 => {
            json!({ "apiVersion": "v1", "kind": "ServiceAccount", "imagePullSecrets": [{ "name": other }], "secrets": [{ "name": other }] })
        }
        4..=8 => {
            let (api_version, kind) = *[
                ("apps/v1", "Deployment"),
                ("apps/v1", "Deployment"),
                ("apps/v1", "StatefulSet"),
                ("apps/v1", "DaemonSet"),
                ("batch/v1", "Job"),
            ]
            .get(kind - 4)
            .unwrap_or(&("apps/v1", "Deployment"));
            workload(random, api_version, kind)
        }
        9 => {
            let template = pod_template(random);
            json!({ "apiVersion": "batch/v1", "kind": "CronJob", "spec": { "schedule": "*/5 * * * *", "jobTemplate": { "spec": { "template": template } } } })
        }
        10..=11 => json!({ "apiVersion": "v1", "kind": "Service", "spec": {
            "selector": { "app": other }, "ports": [{ "port": 80, "targetPort": "http", "protocol": "TCP" }, { "port": 443, "name": "tls" }] } }),
        12 => json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {
            "tls": [{ "secretName": other, "hosts": ["a.example.com"] }],
            "rules": [{ "host": "a.example.com", "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": { "service": { "name": other, "port": { "number": 80 } } } }] } }] } }),
        13 => json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": other }, "minReplicas": 1, "maxReplicas": 5,
            "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 } } }] } }),
        14 => {
            json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "spec": { "minAvailable": random.pick(&["50%", "1"]), "selector": { "matchLabels": { "app": other } } } })
        }
        15 => json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {
            "podSelector": { "matchExpressions": [{ "key": "app", "operator": "In", "values": [other] }] },
            "ingress": [{ "from": [{ "podSelector": { "matchLabels": { "app": other } } }] }] } }),
        16 => json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": random.pick(&["Role", "ClusterRole"]), "name": other },
            "subjects": [{ "kind": "ServiceAccount", "name": name(random), "namespace": random.pick(NAMESPACES) }, { "kind": "ServiceAccount", "name": "default" }] }),
        17 => json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": other },
            "subjects": [{ "kind": "ServiceAccount", "name": name(random), "namespace": random.pick(NAMESPACES) }, { "kind": "User", "name": "someone" }] }),
        18 => json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": random.pick(&["Role", "ClusterRole"]),
            "rules": [{ "apiGroups": [""], "resources": ["configmaps", "secrets"], "resourceNames": [other], "verbs": ["get", "list"] }] }),
        19 => {
            json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": { "accessModes": ["ReadWriteOnce"], "volumeName": other, "storageClassName": name(random), "resources": { "requests": { "storage": "1Gi" } } } })
        }
        20 => json!({ "apiVersion": "v1", "kind": random.pick(&["Namespace", "PersistentVolume"]) }),
        21 => json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "example.com/nfs" }),
        22 => json!({ "apiVersion": "example.com/v1", "kind": "MyKind", "spec": {
            "configRef": other, "ref": { "name": other }, "items": [{ "name": "a", "value": text(random) }, { "name": "b", "value": 2 }], "ratio": 0.25, "replicas": 2,
            "image": "nginx:1.0", "template": { "metadata": { "labels": { "x": "y" } } }, "list": [1, "two", null, { "three": 3 }] } }),
        23 => {
            json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": random.pick(&["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]),
            "webhooks": [{ "name": "a.example.com", "clientConfig": { "service": { "name": other, "namespace": random.pick(NAMESPACES), "path": "/x" } } }] })
        }
        24 => {
            json!({ "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "spec": { "group": "example.com", "version": "v1", "service": { "name": other, "namespace": random.pick(NAMESPACES) } } })
        }
        _ => json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": {
            "group": "example.com", "scope": "Namespaced", "names": { "kind": "MyKind", "plural": "mykinds" },
            "conversion": { "strategy": "Webhook", "webhook": { "clientConfig": { "service": { "name": other, "namespace": "default" } } } },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": { "type": "object", "description": text(random) } } }] } }),
    }
}

fn workload(random: &mut Random, api_version: &str, kind: &str) -> Value {
    let mut spec = json!({ "template": pod_template(random) });
    if kind != "Job" {
        spec["selector"] = json!({ "matchLabels": { "app": name(random) } });
    }
    if matches!(kind, "Deployment" | "StatefulSet") && random.chance(70) {
        spec["replicas"] = json!(random.below(4));
    }
    if kind == "Deployment" && random.chance(40) {
        spec["strategy"] =
            json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": 1 } });
    }
    if kind == "StatefulSet" {
        spec["serviceName"] = json!(name(random));
        spec["volumeClaimTemplates"] =
            json!([{ "metadata": { "name": "data" }, "spec": { "accessModes": ["ReadWriteOnce"] } }]);
    }
    json!({ "apiVersion": api_version, "kind": kind, "spec": spec })
}

pub(super) fn image(random: &mut Random) -> &'static str {
    random.pick(&[
        "nginx",
        "nginx:1.0",
        "registry.example.com:5000/team/nginx:2",
        "redis@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3",
        "nginx:1.0@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3",
        "foo/bar:x",
    ])
}

fn pod_template(random: &mut Random) -> Value {
    let containers: Vec<Value> =
        ["app", "sidecar", "proxy"].iter().take(1 + random.below(3)).map(|name| container(random, name)).collect();
    let mut spec = json!({ "containers": containers });
    if random.chance(40) {
        spec["serviceAccountName"] = json!(name(random));
    }
    if random.chance(30) {
        spec["initContainers"] = json!([container(random, "init")]);
    }
    if random.chance(50) {
        spec["volumes"] = json!([
            { "name": "conf", "configMap": { "name": name(random), "items": [{ "key": "key", "path": "k" }] } },
            { "name": "sec", "secret": { "secretName": name(random) } },
            { "name": "both", "projected": { "sources": [{ "configMap": { "name": name(random) } }, { "secret": { "name": name(random) } }] } },
            { "name": "tmp", "emptyDir": {} },
        ]);
    }
    if random.chance(20) {
        spec["imagePullSecrets"] = json!([{ "name": name(random) }]);
    }
    if random.chance(15) {
        spec["tolerations"] = json!([{ "key": "a", "operator": "Exists", "effect": "NoSchedule" }]);
    }
    let mut template = json!({ "spec": spec });
    if random.chance(80) {
        template["metadata"] = json!({ "labels": { "app": name(random) } });
    }
    template
}

fn container(random: &mut Random, called: &str) -> Value {
    let mut container = json!({ "name": called, "image": image(random) });
    if random.chance(40) {
        container["env"] = json!([
            { "name": "PLAIN", "value": text(random) },
            { "name": "FROM", "valueFrom": { "configMapKeyRef": { "name": name(random), "key": "key" } } },
            { "name": "HIDDEN", "valueFrom": { "secretKeyRef": { "name": name(random), "key": "password", "optional": true } } },
        ]);
    }
    if random.chance(25) {
        container["envFrom"] = json!([{ "configMapRef": { "name": name(random) } }, { "secretRef": { "name": name(random) }, "prefix": "S_" }]);
    }
    if random.chance(40) {
        container["ports"] =
            json!([{ "containerPort": 8080, "name": "http" }, { "containerPort": 8080, "protocol": "UDP" }]);
    }
    if random.chance(30) {
        container["args"] = json!(["--verbose", "--name=$(NAME)", "$(OTHER)", text(random)]);
    }
    if random.chance(30) {
        container["command"] = json!(["/bin/sh", "-c", "exec app"]);
    }
    if random.chance(30) {
        container["resources"] = json!({ "limits": { "cpu": "500m", "memory": "1Gi" }, "requests": { "cpu": 0.5 } });
    }
    if random.chance(30) {
        container["volumeMounts"] = json!([{ "name": "conf", "mountPath": "/etc/conf" }, { "name": "tmp", "mountPath": "/tmp", "readOnly": false }]);
    }
    container
}
