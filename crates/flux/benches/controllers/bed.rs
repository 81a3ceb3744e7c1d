//! A namespace, a repository and many Kustomizations, and waiting for all of them with one watch.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use api::Kustomization;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::runtime::watcher;
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use testbed::{ControlPlane, Namespace, Repository, User, World, kinds};

use crate::report::Phase;

/// Somebody who never comes back ends the bench.
const PATIENCE: Duration = Duration::from_mins(15);
/// How many requests of ours are under way at once.
const AT_ONCE: usize = 16;

/// Where one shape is measured.
pub(crate) struct Bed<'w> {
    pub(crate) world: &'w World<'w>,
    pub(crate) ns: Namespace,
    repository: Repository,
    head: std::cell::RefCell<Option<String>>,
}

/// The controllers of this build on a control plane.
pub(crate) async fn world<'p>(plane: &'p ControlPlane, args: &[&str]) -> World<'p> {
    World::on(plane, Path::new(env!("CARGO_BIN_EXE_flux")), args).await.unwrap()
}

impl<'w> Bed<'w> {
    pub(crate) async fn new(world: &'w World<'w>, name: &str) -> Self {
        let client = world.plane.client().await.unwrap();
        let ns = Namespace::new(&client, name).await.unwrap();
        let repository = Repository::new(world.repositories(), &format!("{}.git", ns.name())).unwrap();
        Self { world, ns, repository, head: std::cell::RefCell::new(None) }
    }

    pub(crate) fn push(&self, files: BTreeMap<String, String>) -> String {
        let commit = self.repository.commits_after(self.head.borrow().as_deref(), &[files]).unwrap().remove(0);
        self.repository.set_ref("refs/heads/main", &commit).unwrap();
        self.head.replace(Some(commit.clone()));
        commit
    }

    pub(crate) fn source(&self) -> Value {
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": { "name": "repo" },
            "spec": {
                "interval": "1h",
                "url": format!("{}/{}.git", self.world.git.url(), self.ns.name()),
                "ref": { "branch": "main" },
            },
        })
    }

    pub(crate) fn kustomization(&self, name: &str, path: &str, spec: Value) -> Value {
        let mut object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": { "name": name },
            "spec": {
                "interval": "1h", "prune": true, "wait": true, "timeout": "10m", "path": path,
                "targetNamespace": self.ns.name(),
                "sourceRef": { "kind": "GitRepository", "name": "repo" },
            },
        });
        let Value::Object(fields) = spec else { return object };
        for (field, value) in fields {
            object["spec"][field] = value;
        }
        object
    }

    /// Applies objects, many at once.
    pub(crate) async fn apply(&self, objects: &[Value]) {
        let client = self.ns.client();
        // The kinds are looked up once each.
        let mut apis: BTreeMap<String, Api<DynamicObject>> = BTreeMap::new();
        for object in objects {
            let kind = object["kind"].to_string();
            if let Entry::Vacant(unknown) = apis.entry(kind) {
                unknown.insert(kinds::of(client, object).await.unwrap().api(client, self.ns.name()));
            }
        }
        let params = PatchParams::apply("user").force();
        stream::iter(objects)
            .for_each_concurrent(AT_ONCE, async |object| {
                let (api, name) = (&apis[&object["kind"].to_string()], object["metadata"]["name"].as_str().unwrap());
                api.patch(name, &params, &Patch::Apply(object)).await.unwrap();
            })
            .await;
    }

    /// Asks for a reconciliation of objects of one kind, many at once.
    pub(crate) async fn request(&self, kind: &str, names: &BTreeSet<String>, request: &str) {
        let api = kinds::by_name(self.ns.client(), kind, "").await.unwrap().api(self.ns.client(), self.ns.name());
        let patch = json!({ "metadata": { "annotations": { "reconcile.fluxcd.io/requestedAt": request } } });
        stream::iter(names)
            .for_each_concurrent(AT_ONCE, async |name| {
                api.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
            })
            .await;
    }

    /// Measures from now on: does something, then waits until each of these Kustomizations satisfies a condition.
    pub(crate) async fn phase(
        &self,
        names: &BTreeSet<String>,
        act: impl Future<Output = ()>,
        done: impl Fn(&Kustomization) -> bool,
    ) -> Phase {
        self.world.flux.forget_peak().unwrap();
        let before = self.world.flux.usage().unwrap();
        let mark = self.world.plane.mark();
        let started = Instant::now();
        act.await;
        self.wait(names, done).await;
        let seconds = started.elapsed().as_secs_f64();
        // What is sent after the last one was ready belongs to the phase too.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let after = self.world.flux.usage().unwrap();
        let requests = self.world.plane.requests(User::Flux, mark).unwrap();
        Phase { seconds, cpu: after.cpu.saturating_sub(before.cpu), peak: after.peak, requests }
    }

    async fn wait(&self, names: &BTreeSet<String>, done: impl Fn(&Kustomization) -> bool) {
        let client: Client = self.world.plane.client().await.unwrap();
        let api: Api<Kustomization> = Api::namespaced(client, self.ns.name());
        let mut missing = names.clone();
        let mut seen = std::pin::pin!(watcher(api, watcher::Config::default()));
        let all = async {
            while let Some(event) = seen.try_next().await.unwrap() {
                if let watcher::Event::Apply(object) | watcher::Event::InitApply(object) = event
                    && done(&object)
                {
                    missing.remove(&object.name_any());
                }
                if missing.is_empty() {
                    return;
                }
            }
        };
        let ended = tokio::time::timeout(PATIENCE, all).await;
        assert!(ended.is_ok(), "not within {} s: {missing:?}\n{}", PATIENCE.as_secs(), self.world.flux.log());
    }
}

/// Whether it is ready at a commit.
pub(crate) fn ready_at(object: &Kustomization, commit: &str) -> bool {
    let value = serde_json::to_value(object).unwrap();
    let at = value["status"]["lastAppliedRevision"].as_str().is_some_and(|r| r.ends_with(commit));
    at && is_ready(&value)
}

/// Whether it is ready and has handled a request.
pub(crate) fn handled(object: &Kustomization, request: &str) -> bool {
    let value = serde_json::to_value(object).unwrap();
    value["status"]["lastHandledReconcileAt"] == request && is_ready(&value)
}

fn is_ready(value: &Value) -> bool {
    let conditions = value["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|c| {
        c["type"] == "Ready" && c["status"] == "True" && c["observedGeneration"] == value["metadata"]["generation"]
    })
}
