//! Which artifact a Kustomization is built from.

use api::{Artifact, Kustomization, reason};
use reconcile::{Failure, Key, Retry};
use std::time::Duration;

use crate::{Settings, Stores};

/// The key in an artifact's metadata of the revision at its origin.
const ORIGIN_REVISION: &str = api::well_known::ORIGIN_REVISION;

/// The name of the source that `object` refers to.
pub(crate) fn key(object: &Kustomization) -> Key {
    let source = &object.spec.source_ref;
    Key::new(source.namespace.as_deref().unwrap_or(object.namespace()), &source.name)
}

/// Finds the artifact that the source of `object` offers.
pub(crate) fn artifact(object: &Kustomization, stores: &Stores, settings: &Settings) -> Result<Artifact, Failure> {
    let key = key(object);
    let kind = object.spec.source_ref.kind;
    if settings.no_cross_namespace_refs && key.namespace != object.namespace() {
        let message = format!("can't access '{kind}/{key}', cross-namespace references have been blocked");
        return Err(Failure::new(reason::ACCESS_DENIED, message).next(Retry::Never { observed: false }));
    }
    let Some(source) = stores.git_repositories.get(&key) else {
        let message = format!("{kind}.{} \"{}\" not found", api::GitRepository::kind().group, key.name);
        return Err(Failure::waiting(reason::ARTIFACT_FAILED, message, retry_interval(object)));
    };
    source.status.as_ref().and_then(|status| status.artifact.clone()).ok_or_else(|| {
        let wait = settings.requeue_dependency;
        let message = format!("Source artifact not found, retrying in {}", api::Duration::from(wait));
        Failure::waiting(reason::ARTIFACT_FAILED, message, wait)
    })
}

/// The revision that the artifact had where it was made, if it says so.
pub(crate) fn origin_revision(artifact: &Artifact) -> Option<&str> {
    artifact.metadata.get(ORIGIN_REVISION).map(String::as_str)
}

/// How long after a failure the object is tried again.
pub(crate) fn retry_interval(object: &Kustomization) -> Duration {
    object.spec.retry_interval().to_std()
}
