//! What an apply leaves behind.

use std::time::Duration;

use apply::{IgnoreRule, IgnoreRules, Policy};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::world::{CONFIG_MAP, DEPLOYMENT, NOTHING, World};

const SERVICE: &str = "
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: NS}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

fn managed_by(live: &object::Object, manager: &str) -> Value {
    let entries = live.field(&["metadata", "managedFields"]).and_then(Value::as_array).unwrap();
    let entry = entries.iter().find(|entry| entry["manager"] == manager && entry.get("subresource").is_none());
    entry.map_or(Value::Null, |entry| json!([entry["operation"], entry["fieldsV1"]]))
}

#[tokio::test]
async fn objects_are_owned_as_flux_owns_them() {
    let world = World::new().await;
    let changes = world.apply(&format!("{CONFIG_MAP}{DEPLOYMENT}{SERVICE}")).await.unwrap();
    assert_eq!(world.log(&changes), "ConfigMap/NS/one created\nService/NS/web created\nDeployment/NS/web created");
    world.wait(&changes, Duration::from_secs(30)).await.unwrap();

    // As Flux's recordings have it.
    let labels =
        json!({"f:labels": {"f:kustomize.toolkit.fluxcd.io/name": {}, "f:kustomize.toolkit.fluxcd.io/namespace": {}}});
    let live = world.live("v1", "ConfigMap", "one").await.unwrap();
    assert_eq!(
        managed_by(&live, "kustomize-controller"),
        json!(["Apply", {"f:data": {"f:k": {}}, "f:metadata": labels}])
    );
    let live = world.live("v1", "Service", "web").await.unwrap();
    let port = json!({".": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}});
    let ports = json!({"k:{\"port\":80,\"protocol\":\"TCP\"}": port});
    assert_eq!(
        managed_by(&live, "kustomize-controller"),
        json!(["Apply", {"f:metadata": labels, "f:spec": {"f:ports": ports, "f:selector": {}}}])
    );
    let live = world.live("apps/v1", "Deployment", "web").await.unwrap();
    let port = json!({".": {}, "f:containerPort": {}, "f:protocol": {}});
    let container = json!({".": {}, "f:image": {}, "f:name": {}, "f:resources": {},
        "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": port}});
    let template = json!({"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {"f:containers": {"k:{\"name\":\"c\"}": container}}});
    let spec = json!({"f:replicas": {}, "f:selector": {}, "f:strategy": {}, "f:template": template});
    assert_eq!(managed_by(&live, "kustomize-controller"), json!(["Apply", {"f:metadata": labels, "f:spec": spec}]));
}

#[tokio::test]
async fn nothing_changed_asks_nothing() {
    let world = World::new().await;
    let yaml = format!("{CONFIG_MAP}{DEPLOYMENT}{SERVICE}");
    let mark = world.plane.mark();
    let changes = world.apply(&yaml).await.unwrap();
    // New objects need no look before.
    assert_eq!(world.requests(mark), "3 patch, 3 patch (dry-run)");
    world.wait(&changes, Duration::from_secs(30)).await.unwrap();
    let before = world.live("apps/v1", "Deployment", "web").await.unwrap();

    let mark = world.plane.mark();
    let changes = world.apply(&yaml).await.unwrap();
    assert_eq!(
        world.log(&changes),
        "ConfigMap/NS/one unchanged\nService/NS/web unchanged\nDeployment/NS/web unchanged"
    );
    world.wait(&changes, Duration::from_secs(30)).await.unwrap();
    assert_eq!(world.requests(mark), NOTHING);
    assert_eq!(world.live("apps/v1", "Deployment", "web").await.unwrap(), before);
}

#[tokio::test]
async fn a_restart_finds_nothing_to_do_by_one_dry_run_each() {
    let world = World::new().await;
    let yaml = format!("{CONFIG_MAP}{DEPLOYMENT}");
    let changes = world.apply(&yaml).await.unwrap();
    world.wait(&changes, Duration::from_secs(30)).await.unwrap();
    let before = world.live("apps/v1", "Deployment", "web").await.unwrap();
    let restarted = World { cluster: world.restarted().await, ..world };
    let mark = restarted.plane.mark();
    let changes = restarted.apply(&yaml).await.unwrap();
    assert_eq!(restarted.log(&changes), "ConfigMap/NS/one unchanged\nDeployment/NS/web unchanged");
    let requests = restarted.requests(mark);
    assert!(requests.contains("2 patch (dry-run)") && !requests.contains("patch,"), "{requests}");
    assert_eq!(restarted.live("apps/v1", "Deployment", "web").await.unwrap(), before);
    let mark = restarted.plane.mark();
    restarted.apply(&yaml).await.unwrap();
    assert_eq!(restarted.requests(mark), NOTHING);
}

#[tokio::test]
async fn drift_is_corrected_and_the_fields_of_others_stay() {
    let world = World::new().await;
    let yaml = format!("{CONFIG_MAP}{DEPLOYMENT}");
    world.apply(&yaml).await.unwrap();
    world.settle(&yaml).await;
    world.edit("v1", "ConfigMap", "one", json!({"data": {"k": "changed", "mine": "1"}})).await;
    world.edit("apps/v1", "Deployment", "web", json!({"spec": {"replicas": 1}})).await;
    // The watches may bring the two edits apart.
    let mut log = String::new();
    while !(log.contains("ConfigMap") && log.contains("Deployment")) {
        log.push_str(&world.apply_until_changed(&yaml).await);
    }
    let live = world.live("v1", "ConfigMap", "one").await.unwrap();
    assert_eq!(live.field(&["data"]), Some(&json!({"k": "v", "mine": "1"})));
    let live = world.live("apps/v1", "Deployment", "web").await.unwrap();
    assert_eq!(live.field(&["spec", "replicas"]), Some(&json!(0)));
}

#[tokio::test]
async fn a_removed_label_or_a_deleted_object_is_noticed() {
    let world = World::new().await;
    let yaml = format!("{CONFIG_MAP}{SERVICE}");
    world.apply(&yaml).await.unwrap();
    world.settle(&yaml).await;
    let label = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": null}}});
    world.edit("v1", "ConfigMap", "one", label).await;
    world.api("v1", "Service").delete("web", &DeleteParams::default()).await.unwrap();
    let mut log = String::new();
    while !(log.contains("ConfigMap") && log.contains("Service")) {
        log.push_str(&world.apply_until_changed(&yaml).await);
    }
    assert!(log.contains("/one configured") && log.contains("/web created"), "{log}");
    let live = world.live("v1", "ConfigMap", "one").await.unwrap();
    assert_eq!(live.label("kustomize.toolkit.fluxcd.io/name"), Some("app"));
}

#[tokio::test]
async fn a_status_that_moves_costs_nothing_or_one_read() {
    let world = World::new().await;
    world.apply(DEPLOYMENT).await.unwrap();
    world.settle(DEPLOYMENT).await;
    let status = json!({"status": {"conditions": [{"type": "Odd", "status": "True"}]}});
    let params = PatchParams::default();
    world.api("apps/v1", "Deployment").patch_status("web", &params, &Patch::Merge(status)).await.unwrap();
    let mark = world.plane.mark();
    let changes = world.apply(DEPLOYMENT).await.unwrap();
    assert_eq!(world.log(&changes), "Deployment/NS/web unchanged");
    assert_eq!(world.requests(mark), NOTHING);

    // A kind without generation is read when it was written.
    world.apply(SERVICE).await.unwrap();
    world.settle(SERVICE).await;
    let condition = json!({"type": "Odd", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let status = json!({"status": {"conditions": [condition]}});
    world.api("v1", "Service").patch_status("web", &params, &Patch::Merge(status)).await.unwrap();
    for _ in 0..20 {
        let mark = world.plane.mark();
        assert_eq!(world.log(&world.apply(SERVICE).await.unwrap()), "Service/NS/web unchanged");
        assert!(!world.requests(mark).contains("patch"));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_new_version_is_applied_where_it_differs() {
    let world = World::new().await;
    world.apply(&format!("{CONFIG_MAP}{DEPLOYMENT}")).await.unwrap();
    let other_value = CONFIG_MAP.replace("k: v", "k: w");
    let changes = world.apply(&format!("{other_value}{DEPLOYMENT}")).await.unwrap();
    assert_eq!(changes.log().replace(world.ns.name(), "NS"), "ConfigMap/NS/one configured");
    // A field that left Git goes.
    let other = CONFIG_MAP.replace("k: v", "other: w");
    world.apply(&other).await.unwrap();
    let live = world.live("v1", "ConfigMap", "one").await.unwrap();
    assert_eq!(live.field(&["data"]), Some(&json!({"other": "w"})));
}

#[tokio::test]
async fn markers_leave_objects_alone() {
    let world = World::new().await;
    let api = world.api("v1", "ConfigMap");
    let map = |name: &str, annotation: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "annotations": annotation}, "data": {"k": "mine"}});
    let user = PatchParams::apply("user");
    for (name, annotation) in [
        ("once", json!({})),
        ("live", json!({"kustomize.toolkit.fluxcd.io/reconcile": "Disabled"})),
        ("merged", json!({})),
    ] {
        api.patch(name, &user, &Patch::Apply(map(name, annotation))).await.unwrap();
    }
    let yaml = "
apiVersion: v1
kind: ConfigMap
metadata: {name: once, namespace: NS, annotations: {kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}}
data: {k: v}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: fresh, namespace: NS, annotations: {kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}}
data: {k: v}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: live, namespace: NS}
data: {k: v}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: never, namespace: NS, annotations: {kustomize.toolkit.fluxcd.io/ssa: ignore}}
data: {k: v}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: merged, namespace: NS, annotations: {kustomize.toolkit.fluxcd.io/ssa: Merge}}
data: {other: v}
";
    let changes = world.apply(yaml).await.unwrap();
    let expected = "ConfigMap/NS/fresh created\nConfigMap/NS/live skipped\nConfigMap/NS/merged configured\nConfigMap/NS/never skipped\nConfigMap/NS/once skipped";
    assert_eq!(world.log(&changes), expected);
    assert_eq!(changes.inventory().entries().len(), 5);
    assert_eq!(changes.to_await().len(), 2);
    let merged = world.live("v1", "ConfigMap", "merged").await.unwrap();
    assert_eq!(merged.field(&["data"]), Some(&json!({"k": "mine", "other": "v"})));
    let once = world.live("v1", "ConfigMap", "once").await.unwrap();
    assert_eq!(once.field(&["data"]), Some(&json!({"k": "mine"})));
    assert_eq!(once.label("kustomize.toolkit.fluxcd.io/name"), None);
    assert!(world.live("v1", "ConfigMap", "never").await.is_none());
    assert_eq!(world.log(&world.apply(yaml).await.unwrap()).matches("skipped").count(), 4);
}

#[tokio::test]
async fn what_kubectl_applied_is_taken_over() {
    let world = World::new().await;
    let object = world.plane.folder().join(format!("{}.json", world.ns.name()));
    let content = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": world.ns.name()}, "data": {"k": "old", "extra": "1"}});
    std::fs::write(&object, content.to_string()).unwrap();
    let done = world.plane.kubectl(testbed::User::Admin, &["apply", "-f", object.to_str().unwrap()]).await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let changes = world.apply(CONFIG_MAP).await.unwrap();
    assert_eq!(world.log(&changes), "ConfigMap/NS/one configured");
    let live = world.live("v1", "ConfigMap", "one").await.unwrap();
    assert_eq!(live.field(&["data"]), Some(&json!({"k": "v"})));
    assert_eq!(live.annotations().len(), 0);
    let managers = live.field(&["metadata", "managedFields"]).and_then(Value::as_array).unwrap();
    assert_eq!(managers.len(), 1, "{managers:?}");
    assert_eq!(managers[0]["manager"], "kustomize-controller");
    // Even when what is wanted is what kubectl set.
    world.settle(CONFIG_MAP).await;
    let content = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": world.ns.name()}, "data": {"k": "v"}});
    std::fs::write(&object, content.to_string()).unwrap();
    world.plane.kubectl(testbed::User::Admin, &["apply", "-f", object.to_str().unwrap()]).await.unwrap();
    world.apply_until_changed(CONFIG_MAP).await;
    let live = world.live("v1", "ConfigMap", "one").await.unwrap();
    assert_eq!(live.annotations().len(), 0);
}

#[tokio::test]
async fn definitions_namespaces_and_what_needs_them_go_in_one_pass() {
    let world = World::new().await;
    let yaml = "
apiVersion: NS.example.com/v1
kind: Gadget
metadata: {name: g, namespace: NS}
spec: {size: 3}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.NS.example.com}
spec:
  group: NS.example.com
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: NS-made}
---
apiVersion: v1
kind: Namespace
metadata: {name: NS-made, namespace: NS}
";
    let changes = world.apply(yaml).await.unwrap();
    let expected = "CustomResourceDefinition/gadgets.NS.example.com created\nNamespace/NS-made created\nConfigMap/NS-made/one created\nGadget/NS/g created";
    assert_eq!(world.log(&changes), expected);
    world.settle(yaml).await;
}

#[tokio::test]
async fn an_immutable_field_is_forced_or_refused() {
    let world = World::new().await;
    let job = |image: &str, annotations: &str| {
        format!(
            "
apiVersion: batch/v1
kind: Job
metadata: {{name: j, namespace: NS, annotations: {{{annotations}}}}}
spec: {{suspend: true, template: {{spec: {{restartPolicy: Never, containers: [{{name: c, image: {image}}}]}}}}}}
"
        )
    };
    world.apply(&job("a", "")).await.unwrap();
    let before = world.live("batch/v1", "Job", "j").await.unwrap();
    let failed = world.apply(&job("b", "")).await.unwrap_err();
    let text = world.failure(&failed);
    assert!(
        text.starts_with("Job/NS/j dry-run failed (Invalid): Job.batch \"j\" is invalid: spec.template: "),
        "{text}"
    );
    assert!(text.contains("\n  at app.yaml:2\n  hint: to have the object replaced, set spec.force"), "{text}");

    let changes = world.apply(&job("b", "kustomize.toolkit.fluxcd.io/force: Enabled")).await.unwrap();
    assert_eq!(world.log(&changes), "Job/NS/j created");
    let after = world.live("batch/v1", "Job", "j").await.unwrap();
    assert_ne!(before.uid(), after.uid());

    let force = Policy { force: true, ..Policy::default() };
    let changes = apply::apply(&world.cluster, world.objects(&job("c", "")), &force).await.unwrap();
    assert_eq!(world.log(&changes), "Job/NS/j created");
}

#[tokio::test]
async fn ignored_fields_belong_to_others() {
    let world = World::new().await;
    let rule = IgnoreRule { paths: vec!["/spec/replicas".to_owned()], target: None };
    let policy = Policy { ignore: IgnoreRules::new(&[rule]).unwrap(), ..Policy::default() };
    let apply = async |yaml: &str| {
        let changes = apply::apply(&world.cluster, world.objects(yaml), &policy).await.unwrap();
        (world.log(&changes), world.live("apps/v1", "Deployment", "web").await.unwrap())
    };
    let (log, live) = apply(DEPLOYMENT).await;
    assert_eq!((log.as_str(), live.field(&["spec", "replicas"])), ("Deployment/NS/web created", Some(&json!(0))));
    world.edit("apps/v1", "Deployment", "web", json!({"spec": {"replicas": 2}})).await;
    let (log, live) = apply(DEPLOYMENT).await;
    assert_eq!((log.as_str(), live.field(&["spec", "replicas"])), ("Deployment/NS/web unchanged", Some(&json!(2))));
    let (log, live) = apply(&DEPLOYMENT.replace("example.com/web", "example.com/web:2")).await;
    assert_eq!((log.as_str(), live.field(&["spec", "replicas"])), ("Deployment/NS/web configured", Some(&json!(2))));
}

#[tokio::test]
async fn a_kind_whose_generation_stands_still_is_corrected_too() {
    let world = World::new().await;
    let yaml = "
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: NS}
value: 7
description: wanted
";
    world.apply(yaml).await.unwrap();
    let name = world.ns.name();
    let resource = kube::core::ApiResource::erase::<k8s_openapi::api::scheduling::v1::PriorityClass>(&());
    let api: kube::Api<kube::api::DynamicObject> = kube::Api::all_with(world.admin.clone(), &resource);
    let params = PatchParams { field_manager: Some("editor".to_owned()), ..Default::default() };
    api.patch(name, &params, &Patch::Merge(json!({"description": "changed"}))).await.unwrap();
    world.apply_until_changed(yaml).await;
    assert_eq!(api.get(name).await.unwrap().data["description"], "wanted");
}

#[tokio::test]
async fn something_new_is_wanted_of_an_object_that_nobody_touched() {
    let world = World::new().await;
    let changes = world.apply(&format!("{CONFIG_MAP}{DEPLOYMENT}")).await.unwrap();
    // From then on its status rests.
    world.wait(&changes, Duration::from_secs(30)).await.unwrap();
    let mark = world.plane.mark();
    let image = DEPLOYMENT.replace("example.com/web", "example.com/web:2");
    let changes = world.apply(&format!("{CONFIG_MAP}{image}")).await.unwrap();
    assert_eq!(changes.log().replace(world.ns.name(), "NS"), "Deployment/NS/web configured");
    // What it was is remembered: it is tried out and applied, nothing else.
    assert_eq!(world.requests(mark), "1 patch, 1 patch (dry-run)");

    // What makes no difference is not applied, as Flux has it, and is settled by that.
    world.wait(&changes, Duration::from_secs(30)).await.unwrap();
    let before = world.live("apps/v1", "Deployment", "web").await.unwrap();
    let defaulted = image.replace("replicas: 0", "replicas: 0\n  revisionHistoryLimit: 10");
    let changes = world.apply(&format!("{CONFIG_MAP}{defaulted}")).await.unwrap();
    assert_eq!(world.log(&changes), "ConfigMap/NS/one unchanged\nDeployment/NS/web unchanged");
    let after = world.live("apps/v1", "Deployment", "web").await.unwrap();
    let owned = |live| managed_by(live, "kustomize-controller");
    assert_eq!((after.generation(), owned(&after)), (before.generation(), owned(&before)));
    let mark = world.plane.mark();
    world.apply(&format!("{CONFIG_MAP}{defaulted}")).await.unwrap();
    assert_eq!(world.requests(mark), NOTHING);
}
