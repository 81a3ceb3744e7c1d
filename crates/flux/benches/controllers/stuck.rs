//! A hundred Kustomizations, twenty of which wait for a Deployment that never comes: they hold up nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use testbed::{ControlPlane, World};

use crate::bed::{self, Bed, ready_at};
use crate::report::{Phase, Report};

const N: usize = 100;
const STUCK: usize = 20;

pub(crate) async fn measure(report: &mut Report) {
    let plane = ControlPlane::start().await.unwrap();
    let world = bed::world(&plane, &["--concurrent=4"]).await;
    let without = run(&world, "free", 0).await;
    report.phase("stuck", "80 without the 20", &without, None);
    let with = run(&world, "stuck", 1).await;
    report.phase("stuck", "80 beside 20 that wait", &with, Some(without.seconds + 1.0));
}

async fn run(world: &World<'_>, prefix: &str, replicas: usize) -> Phase {
    let bed = Bed::new(world, prefix).await;
    let name = |n: usize| format!("app-{n:03}");
    let wanted: BTreeSet<String> = (STUCK..N).map(name).collect();
    let replicas = |n: usize| if n < STUCK { replicas } else { 0 };
    let files: BTreeMap<String, String> =
        (0..N).map(|n| (format!("{}/d.yaml", name(n)), deployment(&name(n), replicas(n)))).collect();
    let commit = bed.push(files);
    let mut objects = vec![bed.source()];
    // Those that are stuck come first.
    objects.extend((0..N).map(|n| bed.kustomization(&name(n), &format!("./{}", name(n)), json!({}))));
    bed.phase(&wanted, bed.apply(&objects), |k| ready_at(k, &commit)).await
}

/// A Deployment; with replicas it never becomes healthy, for there is no kubelet.
pub(crate) fn deployment(name: &str, replicas: usize) -> String {
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      containers:
      - name: c
        image: registry.example.com/c:1
"
    )
}
