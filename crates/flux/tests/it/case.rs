//! One test's namespace and Git repository, and short words for what tests do with them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Event;
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use testbed::{Namespace, Repository, World, kinds};
use tokio::sync::OnceCell;
use tokio::time::sleep;

/// The `flux` binary of this build.
pub(crate) const FLUX: &str = env!("CARGO_BIN_EXE_flux");

const PATIENCE: Duration = Duration::from_mins(1);

/// A namespace with a Git repository of its own, in a world that others may share.
pub(crate) struct Case<'w> {
    pub(crate) world: &'w World<'w>,
    pub(crate) ns: Namespace,
    pub(crate) repository: Repository,
    client: Client,
}

/// The world of all tests that leave its servers alone.
async fn shared() -> &'static World<'static> {
    static SHARED: OnceCell<World<'static>> = OnceCell::const_new();
    let start = || async {
        let plane = testbed::shared().await.unwrap();
        World::on(plane, Path::new(FLUX), &[]).await.unwrap()
    };
    SHARED.get_or_init(start).await
}

impl Case<'static> {
    /// In the shared world.
    pub(crate) async fn new(name: &str) -> Self {
        Self::on(shared().await, name).await
    }
}

impl<'w> Case<'w> {
    /// In a world of the test's own.
    pub(crate) async fn on(world: &'w World<'w>, name: &str) -> Self {
        let client = world.plane.client().await.unwrap();
        let ns = Namespace::new(&client, name).await.unwrap();
        let repository = Repository::new(world.repositories(), &format!("{}.git", ns.name())).unwrap();
        Self { world, ns, repository, client }
    }

    /// The repository's address.
    pub(crate) fn url(&self) -> String {
        format!("{}/{}.git", self.world.git.url(), self.ns.name())
    }

    /// Pushes a commit with exactly these files to `main`, on top of what is there. `${NS}` in them is the namespace.
    pub(crate) fn push(&self, files: &[(&str, &str)]) -> String {
        let head = self.repository.git(&["rev-parse", "--verify", "--quiet", "refs/heads/main"]).ok();
        self.push_after(head.as_deref(), files)
    }

    /// Pushes a commit without history, as after a forced push.
    pub(crate) fn force_push(&self, files: &[(&str, &str)]) -> String {
        self.push_after(None, files)
    }

    fn push_after(&self, parent: Option<&str>, files: &[(&str, &str)]) -> String {
        let files: BTreeMap<String, String> =
            files.iter().map(|(path, text)| ((*path).to_owned(), text.replace("${NS}", self.ns.name()))).collect();
        let commit = self.repository.commits_after(parent, &[files]).unwrap().remove(0);
        self.repository.set_ref("refs/heads/main", &commit).unwrap();
        commit
    }

    /// Applies objects in YAML as somebody named `user`. `${NS}` and `${URL}` are the namespace and the repository.
    pub(crate) async fn apply(&self, text: &str) {
        for object in self.objects(text) {
            self.try_apply(&object).await.unwrap();
        }
    }

    pub(crate) fn objects(&self, text: &str) -> Vec<Value> {
        let text = text.replace("${NS}", self.ns.name()).replace("${URL}", &self.url());
        yaml::to_values(&text, yaml::Schema::V2).unwrap()
    }

    pub(crate) async fn try_apply(&self, object: &Value) -> Result<DynamicObject, kube::Error> {
        let kind = kinds::of(&self.client, object).await.unwrap();
        let name = object["metadata"]["name"].as_str().unwrap();
        let api = kind.api(&self.client, object["metadata"]["namespace"].as_str().unwrap_or(self.ns.name()));
        api.patch(name, &PatchParams::apply("user").force(), &Patch::Apply(object)).await
    }

    /// A GitRepository `repo` of branch `main`.
    pub(crate) async fn source(&self) {
        self.apply(
            "{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: repo},
              spec: {interval: 10m, url: '${URL}', ref: {branch: main}}}",
        )
        .await;
    }

    /// A Kustomization of `repo`; `spec` is merged over interval 10m, retry after 1s, prune and this namespace.
    pub(crate) async fn kustomization(&self, name: &str, spec: Value) {
        let mut object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": { "name": name },
            "spec": {
                "interval": "10m",
                "retryInterval": "1s",
                "prune": true,
                "path": "./",
                "sourceRef": { "kind": "GitRepository", "name": "repo" },
                "targetNamespace": self.ns.name(),
            },
        });
        let Value::Object(fields) = spec else { panic!("a spec is an object") };
        for (field, value) in fields {
            object["spec"][field] = value;
        }
        // Null takes a field away.
        object["spec"].as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self.try_apply(&object).await.unwrap();
    }

    /// The objects of a kind in this namespace.
    pub(crate) async fn api(&self, kind: &str) -> Api<DynamicObject> {
        kinds::by_name(&self.client, kind, self.ns.name()).await.unwrap().api(&self.client, self.ns.name())
    }

    pub(crate) async fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let object = self.api(kind).await.get_opt(name).await.unwrap();
        object.map(|o| serde_json::to_value(o).unwrap())
    }

    /// A merge patch by somebody named `editor`.
    pub(crate) async fn patch(&self, kind: &str, name: &str, patch: Value) {
        let params = PatchParams { field_manager: Some("editor".to_owned()), ..PatchParams::default() };
        self.api(kind).await.patch(name, &params, &Patch::Merge(patch)).await.unwrap();
    }

    pub(crate) async fn delete(&self, kind: &str, name: &str) {
        self.api(kind).await.delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Asks for a reconciliation and returns what was asked, as `lastHandledReconcileAt` will say.
    pub(crate) async fn request(&self, kind: &str, name: &str) -> String {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos().to_string();
        let annotations = json!({ "reconcile.fluxcd.io/requestedAt": now });
        self.patch(kind, name, json!({ "metadata": { "annotations": annotations } })).await;
        now
    }

    /// Waits until something holds of an object.
    pub(crate) async fn until(&self, kind: &str, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.within(PATIENCE, kind, name, what, holds).await
    }

    pub(crate) async fn within(
        &self,
        patience: Duration,
        kind: &str,
        name: &str,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> Value {
        let api = self.api(kind).await;
        let deadline = Instant::now() + patience;
        loop {
            // An API server that is down for a while is part of some tests.
            let found = api.get_opt(name).await;
            let object = found.as_ref().ok().cloned().flatten().map(|o| serde_json::to_value(o).unwrap());
            if let Some(object) = object.as_ref().filter(|o| holds(o)) {
                return object.clone();
            }
            if Instant::now() > deadline {
                let state = object.map_or_else(|| format!("{:?}", found.err()), |o| format!("{:#}", o["status"]));
                panic!("{kind}/{name}: not within {} s: {what}; it is {state}", patience.as_secs());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until an object is not there.
    pub(crate) async fn gone(&self, kind: &str, name: &str) {
        let deadline = Instant::now() + PATIENCE;
        let api = self.api(kind).await;
        while let Some(object) = api.get_opt(name).await.unwrap() {
            assert!(Instant::now() < deadline, "{kind}/{name} is still there: {:#}", object.data["status"]);
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until Ready is True for the current generation.
    pub(crate) async fn ready(&self, kind: &str, name: &str) -> Value {
        self.until(kind, name, "Ready", |o| is(o, "True", None)).await
    }

    /// Waits until a Kustomization is ready at a commit.
    pub(crate) async fn applied(&self, name: &str, commit: &str) -> Value {
        let at = |o: &Value| o["status"]["lastAppliedRevision"].as_str().is_some_and(|r| r.ends_with(commit));
        self.until("Kustomization", name, "Ready at the commit", |o| is(o, "True", None) && at(o)).await
    }

    /// Waits until Ready is False for the current generation with this reason, and returns the message, which names all
    /// of `words` and no path of the controllers' disk. An event says the same.
    pub(crate) async fn fails(&self, kind: &str, name: &str, reason: &str, words: &[&str]) -> String {
        let message = self.is_not_ready(kind, name, reason, words).await;
        let events: Api<Event> = Api::namespaced(self.client.clone(), self.ns.name());
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let told = events.list(&ListParams::default()).await.unwrap().items;
            let warns = |e: &&Event| e.type_.as_deref() == Some("Warning") && e.reason.as_deref() == Some(reason);
            let notes: Vec<&str> = told.iter().filter(warns).filter_map(|e| e.message.as_deref()).collect();
            if notes.iter().any(|note| says_the_same(note, &message)) {
                break;
            }
            assert!(Instant::now() < deadline, "no Warning {reason} says {message:?}, but {notes:?}");
            sleep(Duration::from_millis(100)).await;
        }
        message
    }

    /// As [`Case::fails`]; of this failure there is no event.
    pub(crate) async fn is_not_ready(&self, kind: &str, name: &str, reason: &str, words: &[&str]) -> String {
        let said = |o: &Value| {
            let message = ready(o)["message"].as_str().unwrap_or_default().to_owned();
            words.iter().all(|w| message.contains(&w.replace("${NS}", self.ns.name())))
        };
        let what = format!("Ready is False, {reason}, and says {words:?}");
        let object = self.until(kind, name, &what, |o| is(o, "False", Some(reason)) && said(o)).await;
        let message = ready(&object)["message"].as_str().unwrap_or_default().to_owned();
        let storage = self.world.flux.storage().display().to_string();
        assert!(!message.contains(&storage) && !message.contains("/tmp/"), "a path of our own disk: {message}");
        message
    }

    /// Runs one of our commands; returns its exit code, standard output and standard error.
    pub(crate) async fn flux(&self, command: &str) -> (i32, String, String) {
        let out = self.world.cli(command, self.ns.name()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
    }

    /// The names of what is in this namespace with the labels of a Kustomization, as `Kind/name`.
    pub(crate) async fn owned(&self, kind: &str) -> Vec<String> {
        let list = self.api(kind).await.list(&ListParams::default()).await.unwrap();
        let labelled = |o: &&DynamicObject| {
            o.metadata.labels.as_ref().is_some_and(|l| l.contains_key("kustomize.toolkit.fluxcd.io/name"))
        };
        list.items.iter().filter(labelled).filter_map(|o| o.metadata.name.clone()).collect()
    }
}

/// The condition Ready.
pub(crate) fn ready(object: &Value) -> &Value {
    condition(object, "Ready")
}

/// A condition, or null.
pub(crate) fn condition<'o>(object: &'o Value, kind: &str) -> &'o Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|c| c["type"] == kind).unwrap_or(&Value::Null)
}

/// Whether Ready has this status, and reason, for the current generation.
pub(crate) fn is(object: &Value, status: &str, reason: Option<&str>) -> bool {
    let ready = ready(object);
    ready["status"] == status
        && ready["observedGeneration"] == object["metadata"]["generation"]
        && reason.is_none_or(|reason| ready["reason"] == reason)
}

/// Events are cut at 1024 bytes and may differ in white space at the end.
fn says_the_same(note: &str, message: &str) -> bool {
    let start = |text: &str| text.trim().chars().take(300).collect::<String>();
    start(note) == start(message)
}

/// A ConfigMap in YAML.
pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  k: \"{value}\"\n")
}

/// A Deployment in YAML; with 0 replicas it becomes healthy, with more it never does, for there is no kubelet.
pub(crate) fn deployment(name: &str, replicas: u8) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: {replicas}\n  \
         selector:\n    matchLabels:\n      app: {name}\n  template:\n    metadata:\n      labels:\n        app: {name}\n    \
         spec:\n      containers:\n      - name: c\n        image: registry.example.com/c:1\n"
    )
}
