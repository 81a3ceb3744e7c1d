//! Objects by chance of kinds that Kubernetes brings.

use fastrand::Rng;
use serde_json::{Value, json};

use super::Nature;
use crate::random;

/// The kinds: version, kind, plural, and how objects are made.
pub(super) fn all() -> [(&'static str, &'static str, &'static str, Nature); 13] {
    [
        ("v1", "ConfigMap", "configmaps", Nature::BuiltIn(|rng| json!({"data": texts(rng)}))),
        ("v1", "Service", "services", Nature::Service),
        ("apps/v1", "Deployment", "deployments", Nature::BuiltIn(|rng| json!({"spec": deployment(rng)}))),
        ("apps/v1", "StatefulSet", "statefulsets", Nature::BuiltIn(stateful_set)),
        ("batch/v1", "CronJob", "cronjobs", Nature::BuiltIn(cron_job)),
        ("networking.k8s.io/v1", "Ingress", "ingresses", Nature::BuiltIn(ingress)),
        ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", Nature::BuiltIn(network_policy)),
        ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", Nature::BuiltIn(autoscaler)),
        ("rbac.authorization.k8s.io/v1", "Role", "roles", Nature::BuiltIn(role)),
        ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", Nature::BuiltIn(budget)),
        ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", Nature::BuiltIn(claim)),
        ("v1", "Secret", "secrets", Nature::BuiltIn(secret)),
        ("v1", "ServiceAccount", "serviceaccounts", Nature::BuiltIn(service_account)),
    ]
}

/// A map of words to words, as labels and the data of a ConfigMap may be.
fn texts(rng: &mut Rng) -> Value {
    (0..rng.usize(0..4)).map(|_| (rng.choice(["a", "b", "c"]).unwrap_or("a"), json!(rng.choice(["x", "y"])))).collect()
}

pub(super) fn service(rng: &mut Rng) -> Value {
    let mut ports = Vec::new();
    for (name, port) in [("a", 80), ("b", 81), ("c", 82)] {
        if rng.bool() {
            let mut entry = json!({"name": name, "port": port});
            if rng.bool() {
                entry["targetPort"] = if rng.bool() { json!(8080) } else { json!("http") };
            }
            if rng.u8(0..3) == 0 {
                entry["protocol"] = rng.choice(["TCP", "UDP"]).into();
            }
            ports.push(entry);
        }
    }
    rng.shuffle(&mut ports);
    if ports.is_empty() {
        ports.push(json!({"port": 80}));
    }
    let mut spec = json!({"ports": ports});
    if rng.bool() {
        spec["selector"] = texts(rng);
    }
    if rng.u8(0..3) == 0 {
        spec["sessionAffinity"] = rng.choice(["None", "ClientIP"]).into();
    }
    if rng.u8(0..3) == 0 {
        spec["publishNotReadyAddresses"] = rng.bool().into();
    }
    spec
}

fn deployment(rng: &mut Rng) -> Value {
    let mut containers = Vec::new();
    for name in ["web", "side", "log"] {
        if name == "web" || rng.u8(0..3) == 0 {
            containers.push(container(rng, name));
        }
    }
    rng.shuffle(&mut containers);
    let labels = json!({"app": "web"});
    let mut pod = json!({"containers": containers});
    if rng.u8(0..3) == 0 {
        pod["volumes"] = json!([{"name": "v", "emptyDir": {}}]);
    }
    if rng.u8(0..3) == 0 {
        pod["nodeSelector"] = json!({"a": rng.choice(["1", "2"])});
    }
    if rng.u8(0..3) == 0 {
        pod["tolerations"] = json!([{"key": "k", "operator": "Exists"}]);
    }
    let mut spec =
        json!({"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}});
    if rng.bool() {
        spec["replicas"] = rng.u8(0..3).into();
    }
    match rng.u8(0..4) {
        0 => spec["strategy"] = json!({"type": "Recreate"}),
        1 => spec["strategy"] = json!({"rollingUpdate": {"maxSurge": rng.choice(["10%", "20%"])}}),
        _ => {}
    }
    spec
}

fn container(rng: &mut Rng, name: &str) -> Value {
    let mut container = json!({"name": name, "image": rng.choice(["i:1", "i:2"])});
    if rng.bool() {
        let mut env = Vec::new();
        for name in ["A", "B", "C"] {
            if rng.bool() {
                env.push(json!({"name": name, "value": rng.choice(["1", "2"])}));
            }
        }
        rng.shuffle(&mut env);
        // Kubernetes takes them twice, and merging must live with it.
        if let (0, Some(first)) = (rng.u8(0..4), env.first().cloned()) {
            env.push(json!({"name": first["name"], "value": "3"}));
        }
        container["env"] = json!(env);
    }
    if rng.bool() {
        let mut ports = Vec::new();
        for (port, protocol) in [(80, "TCP"), (81, "UDP"), (80, "UDP")] {
            match (rng.u8(0..4), protocol) {
                (0 | 1, _) => ports.push(json!({"containerPort": port, "protocol": protocol})),
                (2, "TCP") => ports.push(json!({"containerPort": port})),
                _ => {}
            }
        }
        container["ports"] = json!(ports);
    }
    if rng.u8(0..3) == 0 {
        container["resources"] = json!({"limits": {"cpu": rng.choice(["100m", "0.2"])}, "requests": {"memory": "1Gi"}});
    }
    if rng.u8(0..3) == 0 {
        container["args"] = json!([random::word(rng)]);
    }
    container
}

/// Adds a field, one time in so many.
fn sometimes(rng: &mut Rng, one_in: u8, object: &mut Value, field: &str, make: impl FnOnce(&mut Rng) -> Value) {
    if rng.u8(0..one_in) == 0 {
        object[field] = make(rng);
    }
}

/// Some of the items, in any order.
fn some(rng: &mut Rng, items: &[Value]) -> Value {
    let mut some: Vec<Value> = items.iter().filter(|_| rng.bool()).cloned().collect();
    rng.shuffle(&mut some);
    Value::Array(some)
}

fn stateful_set(rng: &mut Rng) -> Value {
    let mut spec = deployment(rng);
    if let Value::Object(spec) = &mut spec {
        spec.remove("strategy");
    }
    spec["serviceName"] = "web".into();
    sometimes(rng, 3, &mut spec, "updateStrategy", |rng| {
        let kinds = [json!({"type": "OnDelete"}), json!({"rollingUpdate": {"partition": 1}})];
        rng.choice(kinds).unwrap_or_default()
    });
    sometimes(rng, 4, &mut spec, "minReadySeconds", |rng| rng.u8(0..3).into());
    sometimes(rng, 4, &mut spec, "persistentVolumeClaimRetentionPolicy", |_| json!({"whenScaled": "Delete"}));
    json!({"spec": spec})
}

fn cron_job(rng: &mut Rng) -> Value {
    let mut pod = json!({"restartPolicy": rng.choice(["Never", "OnFailure"]), "containers": [container(rng, "web")]});
    sometimes(rng, 3, &mut pod, "hostAliases", |rng| {
        some(rng, &[json!({"ip": "10.0.0.1", "hostnames": ["a"]}), json!({"ip": "10.0.0.2", "hostnames": ["b", "c"]})])
    });
    let mut job = json!({"template": {"spec": pod}});
    sometimes(rng, 3, &mut job, "backoffLimit", |rng| rng.u8(0..3).into());
    let mut spec = json!({"schedule": rng.choice(["* * * * *", "@daily"]), "jobTemplate": {"spec": job}});
    sometimes(rng, 3, &mut spec, "concurrencyPolicy", |rng| json!(rng.choice(["Forbid", "Replace"])));
    sometimes(rng, 3, &mut spec, "suspend", |rng| rng.bool().into());
    sometimes(rng, 4, &mut spec, "timeZone", |_| "Etc/UTC".into());
    json!({"spec": spec})
}

fn ingress(rng: &mut Rng) -> Value {
    let backend = |rng: &mut Rng| {
        let port = if rng.bool() { json!({"number": 80}) } else { json!({"name": "http"}) };
        json!({"service": {"name": rng.choice(["a", "b"]), "port": port}})
    };
    let path = json!({"path": "/", "pathType": rng.choice(["Prefix", "Exact"]), "backend": backend(rng)});
    let mut spec =
        json!({"rules": [{"host": rng.choice(["a.example.org", "b.example.org"]), "http": {"paths": [path]}}]});
    sometimes(rng, 3, &mut spec, "defaultBackend", backend);
    sometimes(rng, 3, &mut spec, "ingressClassName", |rng| json!(rng.choice(["a", "b"])));
    sometimes(rng, 3, &mut spec, "tls", |_| json!([{"hosts": ["a.example.org"], "secretName": "s"}]));
    json!({"spec": spec})
}

fn network_policy(rng: &mut Rng) -> Value {
    let mut spec = json!({"podSelector": {}});
    sometimes(rng, 2, &mut spec, "podSelector", |rng| json!({"matchLabels": texts(rng)}));
    sometimes(rng, 2, &mut spec, "ingress", |rng| {
        let peers = [json!({"podSelector": {}}), json!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}})];
        let from = [rng.choice(peers).unwrap_or_default()];
        json!([{"from": from, "ports": [{"port": rng.choice([80, 443])}]}])
    });
    sometimes(rng, 3, &mut spec, "egress", |_| json!([{}]));
    sometimes(rng, 3, &mut spec, "policyTypes", |rng| some(rng, &[json!("Ingress"), json!("Egress")]));
    json!({"spec": spec})
}

fn autoscaler(rng: &mut Rng) -> Value {
    let metric = |name: &str, target: u8| json!({"type": "Resource", "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": target}}});
    let mut spec = json!({
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": rng.choice(["a", "b"])},
        "maxReplicas": rng.u8(3..6),
    });
    sometimes(rng, 2, &mut spec, "minReplicas", |rng| rng.u8(1..3).into());
    sometimes(rng, 2, &mut spec, "metrics", |rng| some(rng, &[metric("cpu", 50), metric("memory", 60)]));
    sometimes(
        rng,
        3,
        &mut spec,
        "behavior",
        |rng| json!({"scaleDown": {"stabilizationWindowSeconds": rng.u8(0..9), "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}}),
    );
    json!({"spec": spec})
}

fn role(rng: &mut Rng) -> Value {
    let rules = [
        json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}),
        json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"], "resourceNames": ["a"]}),
    ];
    json!({"rules": some(rng, &rules)})
}

fn budget(rng: &mut Rng) -> Value {
    let mut spec = json!({"selector": {"matchLabels": texts(rng)}});
    let amount = |rng: &mut Rng| rng.choice([json!(1), json!("50%")]).unwrap_or_default();
    let field = if rng.u8(0..4) > 0 { "minAvailable" } else { "maxUnavailable" };
    spec[field] = amount(rng);
    sometimes(rng, 3, &mut spec, "unhealthyPodEvictionPolicy", |_| "AlwaysAllow".into());
    json!({"spec": spec})
}

fn claim(rng: &mut Rng) -> Value {
    let mut spec =
        json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": rng.choice(["1Gi", "2Gi"])}}});
    sometimes(rng, 3, &mut spec, "storageClassName", |_| "fast".into());
    sometimes(rng, 4, &mut spec, "selector", |rng| json!({"matchLabels": texts(rng)}));
    json!({"spec": spec})
}

fn secret(rng: &mut Rng) -> Value {
    let data: Value = ["a", "b", "c"].iter().filter(|_| rng.bool()).map(|name| (*name, json!("eA=="))).collect();
    let mut secret = json!({"data": data});
    sometimes(rng, 3, &mut secret, "type", |_| "Opaque".into());
    secret
}

fn service_account(rng: &mut Rng) -> Value {
    let mut account = json!({});
    sometimes(rng, 2, &mut account, "imagePullSecrets", |rng| some(rng, &[json!({"name": "a"}), json!({"name": "b"})]));
    sometimes(rng, 2, &mut account, "secrets", |rng| some(rng, &[json!({"name": "a"}), json!({"name": "b"})]));
    sometimes(rng, 3, &mut account, "automountServiceAccountToken", |rng| rng.bool().into());
    account
}
