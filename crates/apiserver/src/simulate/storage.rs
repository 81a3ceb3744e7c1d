//! Claims get a volume, and Services of type LoadBalancer an address.

use serde_json::{Value, json};

use super::{Act, Plan, World, failure, is_deleted, text};

/// Binds a claim to a volume of its own.
pub(super) fn claim(world: &World, claim: &Value, plan: &mut Plan) {
    if is_deleted(claim) {
        // What protects a claim in use protects nothing here.
        return;
    }
    if failure(claim).is_some() || text(claim, "/status/phase") == "Bound" {
        return;
    }
    let ready_at = world.ready_at(text(claim, "/metadata/creationTimestamp"));
    if world.now < ready_at {
        plan.look_at(ready_at);
        return;
    }
    let asked = text(claim, "/spec/volumeName");
    if asked.is_empty() {
        let name = format!("pvc-{}", text(claim, "/metadata/uid"));
        let mut bound = claim.clone();
        bound["spec"]["volumeName"] = name.into();
        plan.acts.push(Act::Update(bound));
        return;
    }
    let size = &claim["spec"]["resources"]["requests"]["storage"];
    let volume = world.all("persistentvolumes").iter().find(|volume| volume["metadata"]["name"] == asked);
    match volume {
        None => plan.acts.push(Act::Create(json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": { "name": asked, "annotations": { "pv.kubernetes.io/provisioned-by": "sandbox.fluxide.dev" } },
            "spec": {
                "accessModes": claim["spec"]["accessModes"],
                "capacity": { "storage": size },
                "volumeMode": claim["spec"]["volumeMode"],
                "storageClassName": claim["spec"].get("storageClassName").cloned().unwrap_or_else(|| json!("")),
                "persistentVolumeReclaimPolicy": "Delete",
                "hostPath": { "path": format!("/sandbox/{asked}") },
                "claimRef": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "name": claim["metadata"]["name"],
                    "namespace": claim["metadata"]["namespace"],
                    "uid": claim["metadata"]["uid"],
                },
            },
        }))),
        Some(volume) => plan.status(volume, json!({ "phase": "Bound" })),
    }
    let mut bound = claim.clone();
    bound["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] = "yes".into();
    bound["status"] = json!({
        "phase": "Bound",
        "accessModes": claim["spec"]["accessModes"],
        "capacity": { "storage": size },
    });
    plan.acts.push(Act::Status(bound));
}

/// Gives a Service of type LoadBalancer an address that nobody else has: of those for documentation.
pub(super) fn service(world: &World, service: &Value, plan: &mut Plan) {
    let has_one = service.pointer("/status/loadBalancer/ingress").is_some();
    if is_deleted(service) || text(service, "/spec/type") != "LoadBalancer" || has_one || failure(service).is_some() {
        return;
    }
    let ready_at = world.ready_at(text(service, "/metadata/creationTimestamp"));
    if world.now < ready_at {
        plan.look_at(ready_at);
        return;
    }
    let taken = |ip: &str| {
        let others = world.all("services").iter();
        let others = others.filter_map(|one| one.pointer("/status/loadBalancer/ingress/0/ip").and_then(Value::as_str));
        others.into_iter().any(|one| one == ip)
            || plan.acts.iter().any(
                |act| matches!(act, Act::Status(object) if text(object, "/status/loadBalancer/ingress/0/ip") == ip),
            )
    };
    let free = (1..=254).map(|last| format!("192.0.2.{last}")).find(|ip| !taken(ip));
    let ip = free.unwrap_or_else(|| "192.0.2.254".to_owned());
    plan.status(service, json!({ "loadBalancer": { "ingress": [{ "ip": ip, "ipMode": "VIP" }] } }));
}
