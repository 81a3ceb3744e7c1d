//! What makes a Kustomization due besides its own edits: its source has new content.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::{Artifact, ConditionType, GitRepository, Kustomization};
use reconcile::{Key, Store, Triggers};

use crate::{Stores, source};

/// The digest of the artifact that each Kustomization is being, or was last, reconciled from.
///
/// A turn may read an artifact a moment before the change that brought it is told. Without this it would be due again
/// for what it has just done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken(Arc<Mutex<HashMap<Key, String>>>);

impl Taken {
    /// Notes that `key` is being reconciled from `artifact`.
    pub(crate) fn note(&self, key: Key, artifact: &Artifact) {
        self.lock().insert(key, artifact.digest.clone());
    }

    /// Forgets an object that is gone.
    pub(crate) fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    fn is(&self, key: &Key, artifact: &Artifact) -> bool {
        self.lock().get(key).is_some_and(|digest| *digest == artifact.digest)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes Kustomizations due when their source has something new for them.
///
/// All of a source's Kustomizations are made due at once. Those whose dependencies have not applied the new revision
/// wait for them, so the order of dependencies holds without sorting, and a cycle harms only its own members.
pub(crate) fn watch_sources(stores: &Stores, taken: Taken, triggers: Triggers) {
    let kustomizations = stores.kustomizations.clone();
    stores.git_repositories.listen(move |change| {
        let (before, Some(after)) = (artifact(change.before.as_ref()), artifact(change.after.as_ref())) else { return };
        // A new digest of the same revision, by other ignore rules, is new content too.
        if before.is_some_and(|before| before.revision == after.revision && before.digest == after.digest) {
            return;
        }
        for object in users(&kustomizations, &change.key) {
            let key = Key::of(object.as_ref());
            // When the controller starts every source seems new.
            let seen = before.is_none() && has_seen(&object, after);
            if !seen && !taken.is(&key, after) {
                triggers.trigger(key);
            }
        }
    });
}

fn artifact(source: Option<&Arc<GitRepository>>) -> Option<&Artifact> {
    source?.status.as_ref()?.artifact.as_ref()
}

fn users(store: &Store<Kustomization>, source: &Key) -> Vec<Arc<Kustomization>> {
    let refers = |object: &Arc<Kustomization>| {
        object.spec.source_ref.kind == api::SourceKind::GitRepository && source::key(object) == *source
    };
    store.all().into_iter().filter(refers).collect()
}

/// Whether the object has dealt with the revision, or another process is about to.
fn has_seen(object: &Kustomization, artifact: &Artifact) -> bool {
    let attempted = object.status.as_ref().and_then(|status| status.last_attempted_revision.as_deref());
    let settled = object.is_true(ConditionType::Ready) || object.is_true(ConditionType::Reconciling);
    settled && attempted == Some(&artifact.revision)
}
