//! Finds out how the API server calls a kind, and where its objects live.

use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::discovery::{ApiCapabilities, Scope};
use kube::{Client, Discovery};
use serde_json::Value;

/// A kind of the cluster.
#[derive(Clone, Debug)]
pub struct Kind {
    resource: ApiResource,
    scope: Scope,
}

impl Kind {
    fn new((resource, capabilities): (ApiResource, ApiCapabilities)) -> Self {
        Self { resource, scope: capabilities.scope }
    }

    /// The objects in a namespace, or of the cluster where the kind knows no namespaces.
    pub fn api(&self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        match self.scope {
            Scope::Namespaced => Api::namespaced_with(client.clone(), namespace, &self.resource),
            Scope::Cluster => Api::all_with(client.clone(), &self.resource),
        }
    }
}

/// The kind of an object.
pub async fn of(client: &Client, object: &Value) -> Result<Kind, String> {
    let (version, kind) =
        (object["apiVersion"].as_str().unwrap_or_default(), object["kind"].as_str().unwrap_or_default());
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let gvk = GroupVersionKind::gvk(group, version, kind);
    let found = kube::discovery::pinned_kind(client, &gvk).await;
    found.map(Kind::new).map_err(|e| format!("look up {kind}: {e}"))
}

/// The kind with this name; if several groups have one, that whose group contains `hint`.
pub async fn by_name(client: &Client, name: &str, hint: &str) -> Result<Kind, String> {
    let discovery = Discovery::new(client.clone()).run_aggregated().await.map_err(|e| e.to_string())?;
    let mut found: Vec<_> = discovery
        .groups()
        .flat_map(kube::discovery::ApiGroup::recommended_resources)
        .filter(|(resource, _)| resource.kind == name)
        .collect();
    found.sort_by_key(|(resource, _)| !resource.group.contains(hint));
    found.into_iter().next().map(Kind::new).ok_or_else(|| format!("the cluster knows no kind {name}"))
}
