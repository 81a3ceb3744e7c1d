//! A hundred Kustomizations on a hundred paths of one GitRepository, four objects each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use testbed::{ControlPlane, Namespace};

use crate::bed::{self, Bed, handled, ready_at};
use crate::floor;
use crate::report::{Phase, Report};

const N: usize = 100;
const SHAPE: &str = "paths";

pub(crate) async fn measure(report: &mut Report) {
    let plane = ControlPlane::start().await.unwrap();
    let world = bed::world(&plane, &[]).await;
    let idle = world.flux.usage().unwrap().resident;
    #[expect(clippy::cast_precision_loss, reason = "mebibytes for people")]
    report.number(SHAPE, "idle: memory", idle as f64 / (1024.0 * 1024.0), "MiB", Some(25.0));
    let bed = Bed::new(&world, "paths").await;
    let names: BTreeSet<String> = (0..N).map(name).collect();

    let floor_ns = Namespace::new(bed.ns.client(), "floor").await.unwrap();
    let floor = floor::seconds(&world, &floor_ns, &all(1)).await;
    report.number(SHAPE, "install: kubectl", floor, "s", None);
    let commit = bed.push(files(|_| 1));
    let mut objects: Vec<_> = names.iter().map(|n| bed.kustomization(n, &format!("./{n}"), json!({}))).collect();
    objects.insert(0, bed.source());
    let install = bed.phase(&names, bed.apply(&objects), |k| ready_at(k, &commit)).await;
    report.phase(SHAPE, "install", &install, Some(floor + 2.0));

    let unchanged = bed.phase(&names, bed.request("Kustomization", &names, "again"), |k| handled(k, "again")).await;
    report.phase(SHAPE, "nothing changed", &unchanged, Some(1.0));
    report.count(SHAPE, "nothing changed: dry-runs", dry_runs(&unchanged), 0);
    report.count(SHAPE, "nothing changed: applies", applies(&unchanged), 0);
    report.count(SHAPE, "nothing changed: status patches", statuses(&unchanged), N);

    let floor = floor::seconds(&world, &floor_ns, &all(2)).await;
    report.number(SHAPE, "all paths changed: kubectl", floor, "s", None);
    let upgrade = push(&bed, &names, files(|_| 2), "upgrade").await;
    report.phase(SHAPE, "all paths changed", &upgrade, Some(floor + 2.0));

    let one = push(&bed, &names, files(|n| if n == 0 { 3 } else { 2 }), "one").await;
    report.phase(SHAPE, "one path changed", &one, Some(1.0));
    report.count(SHAPE, "one path changed: applies", applies(&one), 4);
    report.count(SHAPE, "one path changed: dry-runs", dry_runs(&one), 4);
}

async fn push(bed: &Bed<'_>, names: &BTreeSet<String>, files: BTreeMap<String, String>, request: &str) -> Phase {
    let commit = bed.push(files);
    let repo = BTreeSet::from(["repo".to_owned()]);
    bed.phase(names, bed.request("GitRepository", &repo, request), |k| ready_at(k, &commit)).await
}

/// Of what is not Flux's own.
fn foreign(resource: &str) -> bool {
    !resource.starts_with("kustomizations") && !resource.starts_with("gitrepositories") && resource != "events"
}

fn dry_runs(phase: &Phase) -> usize {
    phase.requests.only(|r| r.dry_run).count()
}

fn applies(phase: &Phase) -> usize {
    let writes = |verb: &str| matches!(verb, "patch" | "create" | "update" | "delete");
    phase.requests.only(|r| !r.dry_run && writes(&r.verb) && foreign(&r.resource) && r.resource != "leases").count()
}

fn statuses(phase: &Phase) -> usize {
    phase.requests.only(|r| r.verb == "patch" && r.resource == "kustomizations/status").count()
}

fn name(n: usize) -> String {
    format!("app-{n:03}")
}

fn files(version: impl Fn(usize) -> usize) -> BTreeMap<String, String> {
    (0..N).map(|n| (format!("{}/app.yaml", name(n)), app(n, version(n)))).collect()
}

fn all(version: usize) -> String {
    (0..N).map(|n| app(n, version)).collect::<Vec<_>>().join("---\n")
}

/// Like podinfo, with 0 replicas. Another version changes every object.
fn app(n: usize, version: usize) -> String {
    let name = name(n);
    format!(
        "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  labels: {{app: {name}, version: v{version}}}
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  labels: {{app: {name}, version: v{version}}}
spec:
  type: ClusterIP
  selector: {{app: {name}}}
  ports:
  - {{name: http, port: 9898, protocol: TCP, targetPort: http}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {{app: {name}, version: v{version}}}
spec:
  replicas: 0
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}, version: v{version}}}
    spec:
      serviceAccountName: {name}
      containers:
      - name: podinfod
        image: ghcr.io/stefanprodan/podinfo:6.9.{version}
        ports:
        - {{name: http, containerPort: 9898, protocol: TCP}}
        command: [./podinfo, --port=9898, --level=info]
        env:
        - {{name: PODINFO_UI_COLOR, value: '#34577c'}}
        readinessProbe:
          httpGet: {{path: /readyz, port: 9898}}
          initialDelaySeconds: 5
        resources:
          limits: {{cpu: 2000m, memory: 512Mi}}
          requests: {{cpu: 100m, memory: 64Mi}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  labels: {{app: {name}, version: v{version}}}
spec:
  rules:
  - host: {name}.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: {name}
            port: {{number: 9898}}
"
    )
}
