//! The floor: the real kubectl applies the same objects, until each Deployment's status has observed its generation.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use kube::runtime::watcher;
use kube::{Api, ResourceExt as _};
use testbed::{Namespace, User, World};

/// Applies YAML in a namespace and returns how long it takes until all Deployments have been observed.
pub(crate) async fn seconds(world: &World<'_>, ns: &Namespace, yaml: &str) -> f64 {
    let file = world.plane.folder().join("floor.yaml");
    std::fs::write(&file, yaml).unwrap();
    let file = file.display().to_string();
    let names: BTreeSet<String> =
        yaml.split("---\n").filter(|d| d.contains("kind: Deployment\n")).filter_map(name).collect();
    let started = Instant::now();
    let args = ["apply", "--server-side", "--force-conflicts", "--namespace", ns.name(), "--filename", &file];
    let out = world.plane.kubectl(User::Floor, &args).await.unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));

    let mut missing = names;
    let api: Api<Deployment> = Api::namespaced(ns.client().clone(), ns.name());
    let mut seen = std::pin::pin!(watcher(api, watcher::Config::default()));
    let all = async {
        while let Some(event) = seen.try_next().await.unwrap() {
            if let watcher::Event::Apply(object) | watcher::Event::InitApply(object) = event
                && object.metadata.generation == object.status.as_ref().and_then(|s| s.observed_generation)
            {
                missing.remove(&object.name_any());
            }
            if missing.is_empty() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(5), all).await.expect("Deployments that the controller manager observes");
    started.elapsed().as_secs_f64()
}

fn name(document: &str) -> Option<String> {
    document.lines().find_map(|l| l.strip_prefix("  name: ")).map(str::to_owned)
}
