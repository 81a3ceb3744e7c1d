//! Which resource serves a kind, and whether it lives in namespaces.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kube::Client;
use object::{GroupVersionKind, ObjectId};

use crate::request::{self, Refusal};

/// A kind as the cluster serves it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    /// The kind.
    pub gvk: GroupVersionKind,
    /// The name in URLs, e.g. `deployments`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Resource {
    /// The URL path of an object.
    pub(crate) fn path(&self, id: &ObjectId) -> String {
        let mut path = String::from(if self.gvk.group.is_empty() { "/api/" } else { "/apis/" });
        path.push_str(&self.gvk.api_version());
        if let (true, Some(namespace)) = (self.namespaced, &id.namespace) {
            path.push_str("/namespaces/");
            path.push_str(&request::escape(namespace));
        }
        path.push('/');
        path.push_str(&self.plural);
        path.push('/');
        path.push_str(&request::escape(&id.name));
        path
    }

    /// What `kube` calls this.
    pub(crate) fn api_resource(&self) -> kube::api::ApiResource {
        let gvk = kube::api::GroupVersionKind::gvk(&self.gvk.group, &self.gvk.version, &self.gvk.kind);
        kube::api::ApiResource::from_gvk_with_plural(&gvk, &self.plural)
    }
}

/// A kind that could not be resolved.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The cluster does not serve it. It may later: a definition may be on its way.
    #[error("no matches for kind {:?} in version {:?}", gvk.kind, gvk.api_version())]
    NoMatch {
        /// The kind.
        gvk: GroupVersionKind,
    },
    /// The cluster did not say.
    #[error("ask which resource serves {gvk}")]
    Request {
        /// The kind.
        gvk: GroupVersionKind,
        /// Its answer.
        source: Refusal,
    },
}

type Resources = HashMap<String, Arc<Resource>>;

/// What the cluster serves, asked for once per group and version, and again when a kind is not found: it may be of a
/// definition that was registered a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    by_version: Mutex<HashMap<String, Resources>>,
}

impl Discovery {
    /// Finds the resource of a kind.
    pub(crate) async fn resolve(&self, client: &Client, gvk: &GroupVersionKind) -> Result<Arc<Resource>, ResolveError> {
        if let Some(known) = self.known(gvk) {
            return Ok(known);
        }
        let api_version = gvk.api_version();
        let served = read(client, &api_version).await.map_err(|source| {
            let gvk = gvk.clone();
            if source.is_not_found() { ResolveError::NoMatch { gvk } } else { ResolveError::Request { gvk, source } }
        })?;
        let found = served.get(&gvk.kind).cloned();
        self.by_version.lock().unwrap_or_else(PoisonError::into_inner).insert(api_version, served);
        found.ok_or_else(|| ResolveError::NoMatch { gvk: gvk.clone() })
    }

    /// Finds a resource of the kind, of another version if need be: the version of an inventory may be gone.
    pub(crate) async fn resolve_any(
        &self,
        client: &Client,
        gvk: &GroupVersionKind,
    ) -> Result<Arc<Resource>, ResolveError> {
        let missing = match self.resolve(client, gvk).await {
            Err(missing @ ResolveError::NoMatch { .. }) if !gvk.group.is_empty() => missing,
            other => return other,
        };
        let versions = match versions(client, &gvk.group).await {
            Ok(versions) => versions,
            Err(refusal) if refusal.is_not_found() => return Err(missing),
            Err(source) => return Err(ResolveError::Request { gvk: gvk.clone(), source }),
        };
        for version in versions.into_iter().filter(|version| *version != gvk.version) {
            match self.resolve(client, &GroupVersionKind { version, ..gvk.clone() }).await {
                Err(ResolveError::NoMatch { .. }) => {}
                other => return other,
            }
        }
        Err(missing)
    }

    /// Forgets a kind that turned out not to be served any more.
    pub(crate) fn forget(&self, gvk: &GroupVersionKind) {
        self.by_version.lock().unwrap_or_else(PoisonError::into_inner).remove(&gvk.api_version());
    }

    fn known(&self, gvk: &GroupVersionKind) -> Option<Arc<Resource>> {
        let known = self.by_version.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&gvk.api_version())?.get(&gvk.kind).cloned()
    }
}

/// The versions that are served of a group, the preferred ones first.
async fn versions(client: &Client, group: &str) -> Result<Vec<String>, Refusal> {
    let group = request::get_value(client, &format!("/apis/{}", request::escape(group))).await?;
    let versions = group.get("versions").and_then(|versions| versions.as_array()).into_iter().flatten();
    Ok(versions.filter_map(|version| version.get("version")?.as_str().map(str::to_owned)).collect())
}

async fn read(client: &Client, api_version: &str) -> Result<Resources, Refusal> {
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    let list = request::get_value(client, &format!("{root}/{}", request::escape_path(api_version))).await?;
    let mut served = Resources::new();
    for resource in list.get("resources").and_then(|resources| resources.as_array()).into_iter().flatten() {
        let text = |key: &str| resource.get(key).and_then(|value| value.as_str()).unwrap_or_default();
        let (plural, kind) = (text("name"), text("kind"));
        // Subresources have kinds of their own, e.g. `Scale`.
        if plural.is_empty() || kind.is_empty() || plural.contains('/') {
            continue;
        }
        let namespaced = resource.get("namespaced").and_then(serde_json::Value::as_bool).unwrap_or_default();
        let gvk = GroupVersionKind::new(api_version, kind);
        let resource = Resource { gvk, plural: plural.to_owned(), namespaced };
        served.entry(kind.to_owned()).or_insert_with(|| Arc::new(resource));
    }
    Ok(served)
}
