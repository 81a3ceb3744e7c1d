//! How long an apply takes as a function: a Deployment of 4 KiB with three managers.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench talks, and fails by panicking")]
#![expect(clippy::disallowed_types, reason = "a bench takes the time")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Read as _;
use std::time::Instant;

use schema::{Kind, Schemas};
use serde_json::{Value, json};
use ssa::fields::{FieldSet, PathElement};
use ssa::typed::Type;
use ssa::versions::Alike;
use ssa::{Force, Reset, Time, Write};

/// So many writes of each kind are measured where nobody asks for another number; the median counts, so that nothing
/// else on the machine does.
const WRITES: usize = 2000;
/// The types of built-in kinds, as the embedded API server has them.
const SCHEMAS: &[u8] = include_bytes!("../../../crates/apiserver/data/schemas.json.gz");

fn main() {
    let mut text = String::new();
    flate2::read::GzDecoder::new(SCHEMAS).read_to_string(&mut text).unwrap();
    let mut schemas = Schemas::new();
    schemas.add_openapi(&serde_json::from_str(&text).unwrap()).unwrap();
    let kind = Kind { group: "apps".to_owned(), version: "v1".to_owned(), kind: "Deployment".to_owned() };
    let id = schemas.kind(&kind).unwrap();
    let versions = Alike(BTreeMap::from([("apps/v1".to_owned(), Type::new(&schemas, id))]));
    let mut status = FieldSet::default();
    status.insert(&[PathElement::field("status")]);
    let reset = Reset::from([("apps/v1".to_owned(), status)]);
    let mut empty = schemas.zero(id);
    empty["kind"] = "Deployment".into();
    empty["apiVersion"] = "apps/v1".into();
    let write = |manager| Write {
        versions: &versions,
        reset: &reset,
        empty: &empty,
        subresource: "",
        manager,
        now: Time::from_seconds(0),
    };
    let mut live = write("flux").apply(None, &deployment("1"), Force::No).unwrap();
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
    let (same, new) = (deployment("1"), deployment("2"));
    let mut less = same.clone();
    less["spec"]["template"]["spec"]["containers"][0]["env"].as_array_mut().unwrap().pop();
    let mut other = live.clone();
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "i:3".into();
    let change = |config| write("flux").change(Some(&live), config, Force::Yes).unwrap();
    measure("nothing changes", || change(&same));
    measure("a new image", || change(&new));
    measure("a variable less", || change(&less));
    measure("an update", || write("editor").update(Some(&live), other.clone()));
    measure("a copy alone", || live.clone());
    assert!(change(&same).is_none() && change(&new).is_some());
}

fn measure<T>(what: &str, act: impl Fn() -> T) {
    let mut filters = std::env::args().skip(1).filter(|arg| !arg.starts_with("--") && arg.parse::<usize>().is_err());
    if filters.next().is_some_and(|filter| !what.contains(&filter)) {
        return;
    }
    let writes: usize = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(WRITES);
    let write = |_| {
        let begun = Instant::now();
        drop(black_box(act()));
        begun.elapsed()
    };
    let mut times: Vec<_> = (0..writes.max(1)).map(write).collect();
    times.sort();
    println!("{what:<16} {:>10.1?} each", times[times.len() / 2]);
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
