//! How long an apply takes as a function: a Deployment of 4 KiB with three managers.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that says what it found")]

use std::hint::black_box;
use std::time::Instant;

use differential::kinds;
use fastrand::Rng;
use serde_json::{Value, json};
use ssa::{Force, Time, Write};
use testbed::ControlPlane;

const ROUNDS: u32 = 20_000;

fn main() {
    let kinds = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let plane = ControlPlane::start().await.unwrap();
        kinds::all(&plane.client().await.unwrap(), &mut Rng::with_seed(1), "bench.example.org", 0).await.unwrap()
    });
    let kind = kinds.iter().find(|kind| kind.kind == "Deployment").unwrap();
    println!("schemas of apps/v1: {} KiB", kind.schemas.size() >> 10);
    let (versions, reset) = (kind.versions(), kind.reset("apps/v1", ""));
    let mut empty = kind.empty.clone();
    empty["apiVersion"] = "apps/v1".into();
    let write = |manager| Write {
        versions: &versions,
        reset: &reset,
        empty: &empty,
        subresource: "",
        manager,
        now: Time::from_seconds(0),
    };
    let mut live = write("kubectl").apply(None, &deployment("1"), Force::No).unwrap();
    live["metadata"]["uid"] = "1".into();
    let replicas =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 3}});
    let live = write("scaler").apply(Some(&live), &replicas, Force::Yes).unwrap();
    let mut edited = live.clone();
    edited["spec"]["template"]["metadata"]["annotations"] = json!({"restarted": "now"});
    let live = write("editor").update(Some(&live), edited);
    println!(
        "object: {} bytes, {} managers",
        live.to_string().len(),
        live["metadata"]["managedFields"].as_array().map_or(0, Vec::len)
    );
    measure("nothing changes", &live, || write("kubectl").apply(Some(&live), &deployment("1"), Force::Yes).unwrap());
    measure("a new image", &live, || write("kubectl").apply(Some(&live), &deployment("2"), Force::Yes).unwrap());
    let mut less = deployment("1");
    less["spec"]["template"]["spec"]["containers"][0]["env"].as_array_mut().unwrap().pop();
    measure("a variable less", &live, || write("kubectl").apply(Some(&live), &less, Force::Yes).unwrap());
    let mut other = live.clone();
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "i:3".into();
    measure("an update", &live, || write("editor").update(Some(&live), other.clone()));
}

fn measure(what: &str, live: &Value, act: impl Fn() -> Value) {
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        black_box(act());
    }
    let each = begun.elapsed() / ROUNDS;
    println!("{what}: {each:?} each ({} after)", if act() == *live { "the same" } else { "another" });
}

fn deployment(image: &str) -> Value {
    let container = |name: &str| {
        let env: Vec<Value> =
            (0..8).map(|n| json!({"name": format!("VARIABLE_{n}"), "value": format!("value-{n}")})).collect();
        json!({
            "name": name,
            "image": format!("registry.example.org/team/{name}:{image}"),
            "args": ["--listen=:8080", "--verbose", "--config=/etc/app/config.yaml"],
            "env": env,
            "ports": [{"name": format!("{name}-http"), "containerPort": 8080, "protocol": "TCP"}],
            "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "64Mi"}},
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10},
            "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 5},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}, {"name": "data", "mountPath": "/data"}],
        })
    };
    let labels = json!({"app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop"});
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": "web",
                    "containers": [container("web"), container("proxy")],
                    "volumes": [{"name": "config", "configMap": {"name": "web"}}, {"name": "data", "emptyDir": {}}],
                },
            },
        },
    })
}
