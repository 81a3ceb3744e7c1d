//! Who is who, and who belongs to whom: uids and owner references, for garbage collection.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::ShelfName;

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Located {
    pub(crate) shelf: ShelfName,
    pub(crate) key: Arc<str>,
}

#[derive(Debug, Default)]
pub(crate) struct Index {
    uids: HashMap<Box<str>, Located>,
    dependents: HashMap<Box<str>, BTreeSet<Located>>,
}

impl Index {
    pub(crate) fn insert(&mut self, shelf: &ShelfName, key: &Arc<str>, object: &Map<String, Value>) {
        let here = Located { shelf: shelf.clone(), key: key.clone() };
        for owner in owners(object) {
            self.dependents.entry(owner.into()).or_default().insert(here.clone());
        }
        if let Some(uid) = uid(object) {
            self.uids.insert(uid.into(), here);
        }
    }

    pub(crate) fn remove(&mut self, shelf: &ShelfName, key: &Arc<str>, object: &Map<String, Value>) {
        let here = Located { shelf: shelf.clone(), key: key.clone() };
        for owner in owners(object) {
            if let Some(dependents) = self.dependents.get_mut(owner) {
                dependents.remove(&here);
                if dependents.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
        if let Some(uid) = uid(object) {
            self.uids.remove(uid);
        }
    }

    pub(crate) fn dependents(&self, uid: &str) -> Vec<Located> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    pub(crate) fn locate(&self, uid: &str) -> Option<Located> {
        self.uids.get(uid).cloned()
    }
}

fn uid(object: &Map<String, Value>) -> Option<&str> {
    object.get("metadata")?.get("uid")?.as_str()
}

/// The uids of an object's owners.
pub(super) fn owners(object: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let references = object.get("metadata").and_then(|metadata| metadata.get("ownerReferences"));
    references.and_then(Value::as_array).into_iter().flatten().filter_map(|owner| owner.get("uid")?.as_str())
}
