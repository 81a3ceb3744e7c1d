//! What the tests share: a namespace of the shared control plane, and a cluster as a controller would hold it.

use std::time::Duration;

use apply::wait::{Awaited, Verdict, Wait};
use apply::{Changes, Cluster, Failed, Policy, Settings};
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use object::Object;
use serde_json::Value;
use testbed::control_plane::Mark;
use testbed::{ControlPlane, Namespace, User};

pub(crate) struct World {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) ns: Namespace,
    pub(crate) cluster: Cluster,
    pub(crate) admin: Client,
}

impl World {
    pub(crate) async fn new() -> Self {
        let plane = testbed::shared().await.unwrap();
        let admin = plane.client().await.unwrap();
        let ns = Namespace::new(&admin, "apply").await.unwrap();
        let flux = plane.client_of(User::Flux).await.unwrap();
        let cluster = Cluster::new(flux, Settings::kustomize_controller());
        Self { plane, ns, cluster, admin }
    }

    /// A cluster handle that remembers nothing, as after a restart.
    pub(crate) async fn restarted(&self) -> Cluster {
        Cluster::new(self.plane.client_of(User::Flux).await.unwrap(), Settings::kustomize_controller())
    }

    /// Objects as a Kustomization `app` would apply them; `NS` stands for the namespace.
    pub(crate) fn objects(&self, yaml: &str) -> Vec<Object> {
        let text = yaml.replace("NS", self.ns.name());
        let mut objects = object::read::read(&text, "app.yaml", &yaml::Limits::default()).unwrap();
        for object in &mut objects {
            object.set_label("kustomize.toolkit.fluxcd.io/name", "app");
            object.set_label("kustomize.toolkit.fluxcd.io/namespace", self.ns.name());
            object::normalise(object);
        }
        objects
    }

    pub(crate) async fn apply(&self, yaml: &str) -> Result<Changes, Failed> {
        apply::apply(&self.cluster, self.objects(yaml), &Policy::default()).await
    }

    /// Applies, and gives the log of the changes with `NS` for the namespace.
    #[track_caller]
    pub(crate) fn log(&self, changes: &Changes) -> String {
        changes.full_log().replace(self.ns.name(), "NS")
    }

    pub(crate) fn failure(&self, failed: &Failed) -> String {
        failed.to_string().replace(self.ns.name(), "NS")
    }

    pub(crate) async fn wait(&self, changes: &Changes, timeout: Duration) -> Result<(), String> {
        wait(&self.cluster, Awaited::new(changes.to_await(), timeout)).await
    }

    pub(crate) fn api(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.admin.clone(), self.ns.name(), &resource)
    }

    pub(crate) async fn live(&self, api_version: &str, kind: &str, name: &str) -> Option<Object> {
        let found = self.api(api_version, kind).get_opt(name).await.unwrap()?;
        Some(Object::from_value(serde_json::to_value(found).unwrap()).unwrap())
    }

    /// A merge patch by somebody else.
    pub(crate) async fn edit(&self, api_version: &str, kind: &str, name: &str, patch: Value) {
        let params = PatchParams { field_manager: Some("editor".to_owned()), ..Default::default() };
        self.api(api_version, kind).patch(name, &params, &Patch::Merge(patch)).await.unwrap();
    }

    /// Requests of the cluster handle for objects of this namespace since the mark.
    pub(crate) fn requests(&self, mark: Mark) -> String {
        let requests = self.plane.requests(User::Flux, mark).unwrap();
        requests.only(|request| request.namespace == self.ns.name()).to_string()
    }

    /// Applies again and again until that changes something: watches bring others' edits when they bring them.
    pub(crate) async fn apply_until_changed(&self, yaml: &str) -> String {
        for _ in 0..1000 {
            let changes = self.apply(yaml).await.unwrap();
            if changes.any() {
                return changes.log();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the edit is not noticed");
    }

    /// Waits until applying the objects again asks for nothing: the watches have then seen all that happened.
    pub(crate) async fn settle(&self, yaml: &str) {
        for _ in 0..100 {
            let mark = self.plane.mark();
            self.apply(yaml).await.unwrap();
            if self.requests(mark) == NOTHING {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("does not settle");
    }
}

pub(crate) async fn wait(cluster: &Cluster, awaited: Awaited) -> Result<(), String> {
    let mut wait = Wait::new(cluster, awaited);
    loop {
        match wait.check().await {
            Verdict::Reached => return Ok(()),
            Verdict::Failed(unhealthy) => return Err(unhealthy.to_string()),
            Verdict::Pending => wait.changed().await,
        }
    }
}

/// How no request prints.
pub(crate) const NOTHING: &str = "none";

pub(crate) const CONFIG_MAP: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: NS}
data: {k: v}
";

pub(crate) const DEPLOYMENT: &str = "
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: example.com/web, ports: [{containerPort: 80}]}]}
";
