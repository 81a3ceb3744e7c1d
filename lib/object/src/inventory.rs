//! What a Kustomization owns: one id and version per applied object, as its status stores them.

use std::collections::BTreeSet;

use crate::{GroupVersionKind, Object, ObjectId, order};

/// The API group of roles and bindings, whose names may hold `:`.
const RBAC: &str = "rbac.authorization.k8s.io";

/// One owned object, and the version under which it was applied last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Which object.
    pub id: ObjectId,
    /// The API version without the group, e.g. `v1`: `v` in the status.
    pub version: String,
}

impl Entry {
    /// The entry of an object.
    pub fn of(object: &Object) -> Self {
        Self { id: object.id(), version: object.version().to_owned() }
    }

    /// Reads an entry as it is stored: `{id, v}`.
    pub fn parse(id: &str, version: &str) -> Result<Self, ParseIdError> {
        Ok(Self { id: parse_id(id)?, version: version.to_owned() })
    }

    /// The object's kind with group and version.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind { group: self.id.group.clone(), version: self.version.clone(), kind: self.id.kind.clone() }
    }
}

/// The objects that one Kustomization owns, in the order in which they were applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    entries: Vec<Entry>,
}

impl Inventory {
    /// The entries, in the order in which they were added.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether nothing is owned.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether an object is owned, under whatever version.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.entries.iter().any(|entry| entry.id == *id)
    }

    /// Adds those entries whose object is not yet there. Used for objects that must not be lost although they left
    /// the desired set: survivors of a failed deletion, and what a failed pass applied before it failed.
    pub fn merge(&mut self, entries: impl IntoIterator<Item = Entry>) {
        let mut known: BTreeSet<ObjectId> = self.entries.iter().map(|entry| entry.id.clone()).collect();
        self.entries.extend(entries.into_iter().filter(|entry| known.insert(entry.id.clone())));
    }

    /// What is owned here and not there, in the order of apply. A new version of the same object is no difference.
    #[must_use]
    pub fn difference(&self, other: &Inventory) -> Vec<Entry> {
        let kept: BTreeSet<&ObjectId> = other.entries.iter().map(|entry| &entry.id).collect();
        let mut gone: Vec<Entry> = self.entries.iter().filter(|entry| !kept.contains(&entry.id)).cloned().collect();
        gone.sort_by(|a, b| order::compare(&a.id, &b.id));
        gone
    }
}

impl FromIterator<Entry> for Inventory {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

impl IntoIterator for Inventory {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// An id that has not four parts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse stored object metadata: {id}")]
pub struct ParseIdError {
    /// The id as it was stored.
    pub id: String,
}

/// Prints `<namespace>_<name>_<group>_<kind>`; namespace and group may be empty.
///
/// # Source
/// Flux's `cli-utils`: the `:` of role names, which no other kind may have, becomes `__`.
pub fn format_id(id: &ObjectId) -> String {
    let namespace = id.namespace.as_deref().unwrap_or_default();
    let name = if has_colons(id) { id.name.replace(':', "__") } else { id.name.clone() };
    format!("{namespace}_{name}_{}_{}", id.group, id.kind)
}

/// Reads `<namespace>_<name>_<group>_<kind>`. The name is what remains between the first and the last two `_`.
///
/// # Errors
/// [`ParseIdError`] when there are fewer than three `_`.
pub fn parse_id(text: &str) -> Result<ObjectId, ParseIdError> {
    let parts = || {
        let (namespace, rest) = text.split_once('_')?;
        let (rest, kind) = rest.rsplit_once('_')?;
        let (name, group) = rest.rsplit_once('_')?;
        Some(ObjectId {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: Some(namespace).filter(|namespace| !namespace.is_empty()).map(str::to_owned),
            name: name.replace("__", ":"),
        })
    };
    parts().ok_or_else(|| ParseIdError { id: text.to_owned() })
}

fn has_colons(id: &ObjectId) -> bool {
    id.group == RBAC && matches!(id.kind.as_str(), "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroupKind;

    #[test]
    fn ids_are_printed_and_read_as_upstream_does() {
        #[track_caller]
        fn check(group: &str, kind: &str, namespace: &str, name: &str, text: &str) {
            let id = ObjectId::new(&GroupKind::new(group, kind), Some(namespace), name);
            assert_eq!(format_id(&id), text);
            assert_eq!(parse_id(text).unwrap(), id);
        }
        check("", "ConfigMap", "shop", "one", "shop_one__ConfigMap");
        check("", "Namespace", "", "shop", "_shop__Namespace");
        check("apps", "Deployment", "shop", "web", "shop_web_apps_Deployment");
        check(RBAC, "ClusterRole", "", "system:x", "_system__x_rbac.authorization.k8s.io_ClusterRole");
        check("a.example", "Odd", "n", "with_one", "n_with_one_a.example_Odd");
        for text in ["", "a", "a_b", "a_b_c"] {
            assert_eq!(parse_id(text).unwrap_err().id, text);
        }
    }

    #[test]
    fn a_new_version_is_no_difference() {
        let entry = |id: &str, version: &str| Entry::parse(id, version).unwrap();
        let old: Inventory =
            [entry("n_w_apps_Deployment", "v1beta1"), entry("n_a__Pod", "v1"), entry("n_b__ConfigMap", "v1")]
                .into_iter()
                .collect();
        let new: Inventory = [entry("n_w_apps_Deployment", "v1")].into_iter().collect();
        assert_eq!(old.difference(&new), [entry("n_b__ConfigMap", "v1"), entry("n_a__Pod", "v1")]);
        let mut merged = new.clone();
        merged.merge(old);
        assert_eq!(merged.entries().len(), 3);
        assert_eq!(merged.entries()[0].version, "v1");
    }
}
