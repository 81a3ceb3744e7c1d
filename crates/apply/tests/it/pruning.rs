//! What leaves Git.

use std::time::Duration;

use apply::wait::Awaited;
use apply::{Action, Ownership, Pruned, prune};
use kube::api::DeleteParams;
use serde_json::json;

use crate::world::{CONFIG_MAP, World, wait};

fn map(name: &str, annotations: &str) -> String {
    CONFIG_MAP.replace("name: one", &format!("name: {name}, annotations: {{{annotations}}}")) + "---\n"
}

async fn prune_all(world: &World, yaml: &str) -> Pruned {
    let entries = world.objects(yaml).iter().map(object::inventory::Entry::of).collect();
    let name = ("kustomize.toolkit.fluxcd.io/name".to_owned(), "app".to_owned());
    let namespace = ("kustomize.toolkit.fluxcd.io/namespace".to_owned(), world.ns.name().to_owned());
    prune(&world.cluster, entries, &Ownership([name, namespace].into())).await
}

#[tokio::test]
async fn only_owned_objects_that_want_it_are_deleted() {
    let world = World::new().await;
    let yaml = format!(
        "{}{}{}{}apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: a, namespace: NS}}\n",
        map("kept", "kustomize.toolkit.fluxcd.io/prune: disabled"),
        map("one", ""),
        map("others", ""),
        map("two", ""),
    );
    world.apply(&yaml).await.unwrap();
    let others = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "other"}}});
    world.edit("v1", "ConfigMap", "others", others).await;
    world.api("v1", "ConfigMap").delete("two", &DeleteParams::default()).await.unwrap();
    let pruned = prune_all(&world, &yaml).await;
    let expected = "ConfigMap/NS/two deleted\nConfigMap/NS/others skipped\nConfigMap/NS/one deleted\nConfigMap/NS/kept skipped\nServiceAccount/NS/a deleted";
    assert_eq!(world.log(&pruned.changes), expected);
    assert_eq!((pruned.error(), pruned.survivors.len()), (None, 0));
    assert!(world.live("v1", "ConfigMap", "one").await.is_none());
    assert!(world.live("v1", "ConfigMap", "others").await.is_some());
    wait(&world.cluster, Awaited::gone(&pruned.changes, Duration::from_secs(30))).await.unwrap();
}

#[tokio::test]
async fn what_may_not_be_deleted_survives() {
    let world = World::new().await;
    let policy = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: NS-keep}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [DELETE], resources: [configmaps]}]
  validations: [{expression: 'oldObject.metadata.name != \"guarded\"', message: not this one}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: NS-keep}
spec:
  policyName: NS-keep
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NS}}}
";
    let world_policy = world.objects(policy);
    apply::apply(&world.cluster, world_policy, &apply::Policy::default()).await.unwrap();
    let yaml = format!("{}{}", map("guarded", ""), map("one", ""));
    // The policy takes its time to hold.
    let pruned = loop {
        world.apply(&yaml).await.unwrap();
        let pruned = prune_all(&world, &yaml).await;
        if !pruned.failures.is_empty() {
            break pruned;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(world.log(&pruned.changes), "ConfigMap/NS/one deleted\nConfigMap/NS/guarded unknown");
    let error = pruned.error().unwrap().replace(world.ns.name(), "NS");
    assert!(error.starts_with("delete failed, errors: ConfigMap/NS/guarded delete failed: "), "{error}");
    assert!(error.contains("not this one") && error.ends_with(';'), "{error}");
    assert_eq!(pruned.survivors.len(), 1);
    assert_eq!(pruned.survivors[0].id.name, "guarded");
}

#[tokio::test]
async fn a_finalizer_holds_up_the_end() {
    let world = World::new().await;
    let yaml = CONFIG_MAP.replace("name: one", "name: one, finalizers: [example.com/hold]");
    world.apply(&yaml).await.unwrap();
    let pruned = prune_all(&world, &yaml).await;
    assert_eq!(pruned.changes.0[0].action, Action::Deleted);
    let error = wait(&world.cluster, Awaited::gone(&pruned.changes, Duration::from_millis(300))).await.unwrap_err();
    assert_eq!(error.replace(world.ns.name(), "NS"), "ConfigMap/NS/one termination timeout: context deadline exceeded");
    let gone = wait(&world.cluster, Awaited::gone(&pruned.changes, Duration::from_secs(30)));
    let (gone, ()) =
        tokio::join!(gone, world.edit("v1", "ConfigMap", "one", json!({"metadata": {"finalizers": null}})));
    gone.unwrap();
}

#[tokio::test]
async fn a_kind_that_is_gone_took_its_objects_along() {
    let world = World::new().await;
    let yaml = "apiVersion: gone.example.com/v1\nkind: Gone\nmetadata: {name: g, namespace: NS}\n";
    let pruned = prune_all(&world, yaml).await;
    assert_eq!(world.log(&pruned.changes), "Gone/NS/g deleted");
}
