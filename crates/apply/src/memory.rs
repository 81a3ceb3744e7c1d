//! What was applied last, to know without asking that nothing has to be done.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use object::{Object, ObjectId};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::seen::Seen;

/// A digest that stands for an object without holding it: it may be a Secret.
pub(crate) type Fingerprint = [u8; 32];

/// An object as it was when an apply of it last had, or would have had, no effect any more.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    /// What was wanted.
    pub(crate) desired: Fingerprint,
    /// The live object's metadata.
    pub(crate) seen: Seen,
    /// The live object without metadata and status.
    pub(crate) content: Fingerprint,
    /// Whether its generation counts every change of that content.
    pub(crate) is_counted: bool,
}

impl Applied {
    /// Judges whether only metadata and status can differ by now: the resource version changes with every write, the
    /// generation, where it is trusted, with every other one.
    pub(crate) fn is_content_kept(&self, now: &Seen) -> bool {
        now.is_same_version(&self.seen) || (self.is_counted && now.is_same_generation(&self.seen))
    }
}

/// Whether the generation counts every change of the content. That is the rule for what is under `spec`; there are kinds
/// without it, as `PriorityClass`, that stay at their first generation whatever happens.
pub(crate) fn is_counted(live: &Object) -> bool {
    let known = ["apiVersion", "kind", "metadata", "spec", "status"];
    live.as_value().as_object().into_iter().flatten().all(|(key, _)| known.contains(&key.as_str()))
}

/// What was applied last, by object.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<HashMap<ObjectId, Applied>>);

impl Memory {
    pub(crate) fn get(&self, id: &ObjectId) -> Option<Applied> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub(crate) fn put(&self, id: ObjectId, applied: Applied) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, applied);
    }

    pub(crate) fn forget(&self, id: &ObjectId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

/// Digests what is wanted, and by which rules.
pub(crate) fn desired(object: &Object, rules: &str) -> Fingerprint {
    let mut digest = Sha256::new();
    digest.update(rules.as_bytes());
    digest.update([0]);
    write(&mut digest, object.as_value());
    digest.finalize().into()
}

/// Digests what drift is looked for in, besides labels and annotations.
pub(crate) fn content(live: &Object) -> Fingerprint {
    let mut digest = Sha256::new();
    for (key, value) in live.as_value().as_object().into_iter().flatten() {
        if key != "metadata" && key != "status" {
            digest.update(key.as_bytes());
            digest.update([0]);
            write(&mut digest, value);
        }
    }
    digest.finalize().into()
}

fn write(digest: &mut Sha256, value: &Value) {
    // Printing a value to memory cannot fail, and an empty text would only cost a dry run.
    digest.update(serde_json::to_vec(value).unwrap_or_default());
    digest.update([0]);
}
