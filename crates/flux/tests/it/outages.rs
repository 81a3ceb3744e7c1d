//! Servers that go away and come back: the controllers converge without help.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use testbed::{ControlPlane, Flux, Namespace, Proxy, User, World};
use tokio::time::sleep;

use crate::case::{Case, FLUX, config_map, is};

/// After an outage everything backs off; it need not be fast, it has to come.
const PATIENCE: Duration = Duration::from_mins(3);

async fn three(case: &Case<'_>) {
    case.push(&[("a.yaml", &config_map("one", "1"))]);
    case.source().await;
    for n in 0..3 {
        case.kustomization(&format!("app-{n}"), json!({ "namePrefix": format!("n{n}-") })).await;
    }
    for n in 0..3 {
        let ready = |o: &Value| is(o, "True", None);
        case.within(PATIENCE, "Kustomization", &format!("app-{n}"), "Ready", ready).await;
    }
}

async fn converges(case: &Case<'_>, commit: &str) {
    for n in 0..3 {
        let at = |o: &Value| o["status"]["lastAppliedRevision"].as_str().is_some_and(|r| r.ends_with(commit));
        case.within(PATIENCE, "Kustomization", &format!("app-{n}"), "at the commit", at).await;
    }
}

#[tokio::test]
async fn the_api_server_restarts() {
    let plane = ControlPlane::start().await.unwrap();
    let world = World::on(&plane, Path::new(FLUX), &[]).await.unwrap();
    let case = Case::on(&world, "restart").await;
    three(&case).await;
    plane.api_server().kill();
    sleep(Duration::from_secs(3)).await;
    plane.api_server().start().unwrap();
    plane.ready().await.unwrap();
    let commit = case.push(&[("a.yaml", &config_map("one", "2"))]);
    case.request("GitRepository", "repo").await;
    converges(&case, &commit).await;
    assert!(world.flux.ended().is_none(), "the controllers ended:\n{}", world.flux.log());
}

#[tokio::test]
async fn etcd_stops_for_twenty_seconds() {
    let plane = ControlPlane::start().await.unwrap();
    let world = World::on(&plane, Path::new(FLUX), &[]).await.unwrap();
    let case = Case::on(&world, "etcd").await;
    three(&case).await;
    let commit = case.push(&[("a.yaml", &config_map("one", "2"))]);
    case.request("GitRepository", "repo").await;
    plane.etcd().pause().unwrap();
    sleep(Duration::from_secs(20)).await;
    plane.etcd().resume().unwrap();
    plane.ready().await.unwrap();
    converges(&case, &commit).await;
    assert!(world.flux.ended().is_none(), "the controllers ended:\n{}", world.flux.log());
}

/// Cuts all connections, as soon as there are any: after a cut the controllers back off.
async fn cut(proxy: &Proxy) {
    let connected = async {
        while proxy.cut() == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, connected).await.expect("controllers that connect again");
}

#[tokio::test]
async fn watches_are_cut_again_and_again() {
    let plane = ControlPlane::start().await.unwrap();
    let world = World::on(&plane, Path::new(FLUX), &[]).await.unwrap();
    world.flux.kill();
    let proxy = Proxy::start(plane.port()).unwrap();
    let mut options = world.second("behind-a-wire", &[]).unwrap();
    options.kubeconfig = plane.kubeconfig_through(User::Flux, proxy.port()).unwrap();
    let flux = Flux::start(&options).await.unwrap();
    let case = Case::on(&world, "cut").await;
    three(&case).await;
    let mut commit = String::new();
    for round in 0..5 {
        commit = case.push(&[("a.yaml", &config_map("one", &format!("r{round}")))]);
        case.request("GitRepository", "repo").await;
        sleep(Duration::from_millis(300 * round)).await;
        cut(&proxy).await;
    }
    converges(&case, &commit).await;
    assert!(flux.ended().is_none(), "the controllers ended:\n{}", flux.log());
}

#[tokio::test]
async fn the_api_server_answers_too_many_requests() {
    let plane = ControlPlane::start().await.unwrap();
    let world = World::on(&plane, Path::new(FLUX), &[]).await.unwrap();
    world.flux.kill();
    let case = Case::on(&world, "busy").await;
    // Administrators are exempt from every limit.
    case.apply(
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: limited},
          roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin},
          subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: limited}]}",
    )
    .await;
    let mut options = world.second("limited", &[]).unwrap();
    options.kubeconfig = plane.kubeconfig(User::Limited);
    let flux = Flux::start(&options).await.unwrap();
    three(&case).await;
    case.apply(
        "apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {name: refused}
spec: {type: Limited, limited: {nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0, limitResponse: {type: Reject}}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: refused}
spec:
  priorityLevelConfiguration: {name: refused}
  matchingPrecedence: 2
  rules:
  - subjects: [{kind: User, user: {name: limited}}]
    resourceRules: [{verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true}]
",
    )
    .await;
    let mark = plane.mark();
    let commit = case.push(&[("a.yaml", &config_map("one", "2"))]);
    case.request("GitRepository", "repo").await;
    sleep(Duration::from_secs(10)).await;
    let refused = plane.requests(User::Limited, mark).unwrap().only(|r| r.status == 429);
    case.delete("FlowSchema", "refused").await;
    converges(&case, &commit).await;
    assert!(refused.count() > 0, "nothing was refused, so nothing was tested");
    assert!(flux.ended().is_none(), "the controllers ended:\n{}", flux.log());
}

#[tokio::test]
async fn one_of_two_leads_and_the_other_takes_over() {
    let plane = ControlPlane::start().await.unwrap();
    let leading = ["--enable-leader-election"];
    // Where the leases lie.
    Namespace::named(&plane.client().await.unwrap(), "flux-system").await.unwrap();
    let world = World::on(&plane, Path::new(FLUX), &leading).await.unwrap();
    let leases: Api<Lease> = Api::all(plane.client().await.unwrap());
    // Each controller leads by a lease of its own, and those of Kubernetes itself are none of ours.
    let holders = async || -> BTreeMap<String, String> {
        let list = leases.list(&ListParams::default()).await.unwrap();
        let ours = list.items.into_iter().filter(|l| l.metadata.namespace.as_deref() != Some("kube-system"));
        let held = ours.filter_map(|l| Some((l.metadata.name?, l.spec?.holder_identity?)));
        held.filter(|(_, holder)| !holder.is_empty()).collect()
    };
    // The first has to lead before there is a second.
    while holders().await.len() < 2 {
        sleep(Duration::from_millis(100)).await;
    }
    let options = world.second("second", &leading).unwrap();
    let second = Flux::start(&options).await.unwrap();
    let case = Case::on(&world, "leader").await;
    three(&case).await;
    let before = holders().await;
    world.flux.kill();
    // The successor has none of the artifacts: it fetches again, and goes on with what its predecessor had begun.
    let commit = case.push(&[("a.yaml", &config_map("one", "2"))]);
    case.request("GitRepository", "repo").await;
    converges(&case, &commit).await;
    let after = holders().await;
    assert!(before.iter().all(|(lease, holder)| after.get(lease) != Some(holder)), "{before:?} became {after:?}");
    let status = second.terminate(Duration::from_secs(20)).unwrap();
    assert!(status.success(), "SIGTERM ended it with {status}");
    assert_eq!(holders().await, BTreeMap::new(), "a leader that ends in peace lets go of its leases");
}

#[tokio::test]
async fn the_disk_of_the_artifacts_is_full() {
    let plane = ControlPlane::start().await.unwrap();
    // The storage becomes a file system of 256 KiB, seen by the controllers alone.
    let wrapper = plane.folder().join("flux-on-a-small-disk");
    let script = format!(
        "#!/bin/sh\nfor arg; do case $arg in --storage-path=*) storage=${{arg#--storage-path=}};; esac; done\n\
         exec unshare --map-root-user --mount sh -c \
         'mount -t tmpfs -o size=256k tmpfs \"$0\" && exec {FLUX} \"$@\"' \"$storage\" \"$@\"\n"
    );
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let world = World::on(&plane, &wrapper, &[]).await.unwrap();
    let case = Case::on(&world, "disk").await;
    three(&case).await;
    // Does not compress.
    let noise: String = (0..40_000u64).fold(String::new(), |mut noise, n| {
        let _ = write!(noise, "{:016x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        noise
    });
    case.push(&[("a.yaml", &config_map("one", "2")), ("noise.txt", &noise)]);
    case.request("GitRepository", "repo").await;
    let message = case.fails("GitRepository", "repo", "ArchiveOperationFailed", &["No space left"]).await;
    assert!(!message.is_empty());
    let commit = case.push(&[("a.yaml", &config_map("one", "3"))]);
    converges(&case, &commit).await;
    assert!(world.flux.ended().is_none(), "the controllers ended:\n{}", world.flux.log());
}
