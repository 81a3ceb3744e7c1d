//! What is refused, and a server in trouble.

use std::time::Duration;

use apply::{Cluster, Policy, Settings};
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use testbed::{ControlPlane, User};

use crate::world::{CONFIG_MAP, DEPLOYMENT, World};

const INVALID: &str = "
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: bad, namespace: NS}
spec: {template: {}}
";

#[tokio::test]
async fn a_refused_object_stops_its_stage_and_all_are_named() {
    let world = World::new().await;
    let wrong_type = "
---
apiVersion: v1
kind: ConfigMap
metadata: {name: typed, namespace: NS}
data: {number: 7}
";
    let failed = world.apply(&format!("{CONFIG_MAP}{INVALID}{wrong_type}")).await.unwrap_err();
    let text = world.failure(&failed);
    let invalid = "Deployment.apps \"bad\" is invalid: [spec.selector: Required value, spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`, spec.template.spec.containers: Required value]";
    let typed = "failed to create typed patch object (NS/typed; /v1, Kind=ConfigMap): .data.number: expected string, got &value.valueUnstructured{Value:7}";
    assert_eq!(
        text,
        format!(
            "ConfigMap/NS/typed dry-run failed: {typed}\n  at app.yaml:14\nDeployment/NS/bad dry-run failed (Invalid): {invalid}\n  at app.yaml:8\n"
        )
    );
    assert!(failed.changes.0.is_empty());
    assert!(world.live("v1", "ConfigMap", "one").await.is_none(), "nothing of the stage is applied");
    assert!(!failed.is_transient());
}

#[tokio::test]
async fn what_was_applied_before_a_failure_is_told() {
    let world = World::new().await;
    let yaml = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: NS-before}}\n---{INVALID}");
    let failed = world.apply(&yaml).await.unwrap_err();
    assert_eq!(world.log(&failed.changes), "Namespace/NS-before created");
    assert!(world.failure(&failed).ends_with("\nNamespace/NS-before created"));
}

#[tokio::test]
async fn places_that_do_not_exist() {
    let world = World::new().await;
    let check = async |yaml: &str, expected: &str| {
        let failed = world.apply(yaml).await.unwrap_err();
        assert_eq!(world.failure(&failed), expected);
    };
    check(
        &CONFIG_MAP.replace("NS", "nowhere-NS"),
        "ConfigMap/nowhere-NS/one not found: namespaces \"nowhere-NS\" not found\n  at app.yaml:2\n  hint: create the namespace, or apply it in the same Kustomization\n",
    )
    .await;
    check(
        &CONFIG_MAP.replace(", namespace: NS", ""),
        "ConfigMap/one namespace not specified: the server could not find the requested resource\n  at app.yaml:2\n  hint: set metadata.namespace, or the Kustomization's spec.targetNamespace\n",
    )
    .await;
    check(
        "apiVersion: nope.example.com/v1\nkind: Nope\nmetadata: {name: x, namespace: NS}\n",
        "Nope/NS/x dry-run failed: no matches for kind \"Nope\" in version \"nope.example.com/v1\"\n  at app.yaml:1\n  hint: install the definition of this kind first, or apply it in the same Kustomization\n",
    )
    .await;
    check(
        "apiVersion: v1\nkind: Nope\nmetadata: {name: x, namespace: NS}\n",
        "Nope/NS/x dry-run failed: no matches for kind \"Nope\" in version \"v1\"\n  at app.yaml:1\n  hint: install the definition of this kind first, or apply it in the same Kustomization\n",
    )
    .await;
}

#[tokio::test]
async fn a_quota_refuses_one_object() {
    let world = World::new().await;
    let quota =
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: NS}\nspec: {hard: {configmaps: \"0\"}}\n";
    world.apply(quota).await.unwrap();
    // The quota holds once its usage was counted.
    while world.live("v1", "ResourceQuota", "q").await.unwrap().field(&["status", "used"]).is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let text = world.failure(&world.apply(CONFIG_MAP).await.unwrap_err());
    assert!(
        text.starts_with(
            "ConfigMap/NS/one dry-run failed (Forbidden): configmaps \"one\" is forbidden: exceeded quota"
        ),
        "{text}"
    );
    assert!(
        text.ends_with("\n  at app.yaml:2\n  hint: raise the namespace's ResourceQuota, or ask for less\n"),
        "{text}"
    );
}

#[tokio::test]
async fn a_restarted_server_loses_nothing() {
    let plane = ControlPlane::start().await.unwrap();
    let admin = plane.client().await.unwrap();
    let cluster = Cluster::new(plane.client_of(User::Flux).await.unwrap(), Settings::kustomize_controller());
    let objects = || {
        let text = format!("{CONFIG_MAP}{DEPLOYMENT}").replace("NS", "default");
        let mut objects = object::read::read(&text, "a.yaml", &yaml::Limits::default()).unwrap();
        for object in &mut objects {
            object.set_label("kustomize.toolkit.fluxcd.io/name", "app");
            object::normalise(object);
        }
        objects
    };
    let apply = async || apply::apply(&cluster, objects(), &Policy::default()).await;
    assert!(apply().await.unwrap().any());

    plane.api_server().kill();
    let other = CONFIG_MAP.replace("NS", "default").replace("k: v", "k: w");
    let mut other = object::read::read(&other, "a.yaml", &yaml::Limits::default()).unwrap();
    object::normalise(&mut other[0]);
    let policy = Policy::default();
    let doing = apply::apply(&cluster, other, &policy);
    let (done, ()) = tokio::join!(doing, async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        plane.api_server().start().unwrap();
        plane.ready().await.unwrap();
    });
    // Either it was patient enough, or it says that the server was in trouble.
    match done {
        Ok(changes) => assert!(changes.any()),
        Err(failed) => assert!(failed.is_transient(), "{failed}"),
    }
    apply().await.unwrap();
    // What changed while the watch was interrupted is noticed.
    let maps: Api<k8s_openapi::api::core::v1::ConfigMap> = Api::default_namespaced(admin);
    maps.patch("one", &PatchParams::default(), &Patch::Merge(json!({"data": {"k": "drift"}}))).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    while !apply().await.unwrap().any() {
        assert!(tokio::time::Instant::now() < deadline, "the drift is not noticed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(maps.get("one").await.unwrap().data.unwrap()["k"], "v");
}
