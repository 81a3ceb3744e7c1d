//! Which object it is, whatever its version.

use std::fmt;

use crate::GroupKind;

/// Identifies one object in one cluster.
///
/// The version is deliberately absent: `apps/v1beta1` and `apps/v1` are two views of the same object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// The API group, empty for the core group.
    pub group: String,
    /// The kind, e.g. `Deployment`.
    pub kind: String,
    /// The namespace; none for an object of a cluster-scoped kind. Never the empty string.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl ObjectId {
    /// Identifies an object; an empty namespace means none.
    pub fn new(kind: &GroupKind, namespace: Option<&str>, name: impl Into<String>) -> Self {
        Self {
            group: kind.group.clone(),
            kind: kind.kind.clone(),
            namespace: namespace.filter(|namespace| !namespace.is_empty()).map(str::to_owned),
            name: name.into(),
        }
    }

    /// The object's kind.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind::new(self.group.clone(), self.kind.clone())
    }
}

/// Prints `Deployment/default/web`, or `Namespace/default` for a cluster-scoped kind: the form of Flux's messages.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}
