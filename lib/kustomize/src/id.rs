//! Who an object is: group, version, kind, name and namespace.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::node::Node;

/// The namespace of objects that live in none; no namespace can have this name.
pub(crate) const NO_NAMESPACE: &str = "_non_namespaceable_";
const DEFAULT_NAMESPACE: &str = "default";

/// A type of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Gvk<'a> {
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) kind: &'a str,
}

/// Types of objects; an empty part stands for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GvkPattern {
    /// API group.
    pub(crate) group: Cow<'static, str>,
    /// API version.
    pub(crate) version: Cow<'static, str>,
    /// Kind.
    pub(crate) kind: Cow<'static, str>,
}

/// An object's identity at some time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id<'a> {
    pub(crate) gvk: Gvk<'a>,
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    /// Known not to live in a namespace.
    pub(crate) cluster: bool,
}

/// Splits an `apiVersion`.
pub(crate) fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

impl<'a> Gvk<'a> {
    pub(crate) fn of(node: &'a Node) -> Self {
        let (group, version) = group_version(node.get("apiVersion").map_or("", Node::text));
        Self { group, version, kind: node.get("kind").map_or("", Node::text) }
    }

    /// True when every part that the pattern names is the same.
    pub(crate) fn is_selected(&self, by: &GvkPattern) -> bool {
        let fits = |pattern: &str, value: &str| pattern.is_empty() || pattern == value;
        fits(&by.kind, self.kind) && fits(&by.group, self.group) && fits(&by.version, self.version)
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl GvkPattern {
    pub(crate) fn new(
        group: impl Into<Cow<'static, str>>,
        version: impl Into<Cow<'static, str>>,
        kind: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    pub(crate) fn as_gvk(&self) -> Gvk<'_> {
        Gvk { group: &self.group, version: &self.version, kind: &self.kind }
    }
}

impl<'a> Id<'a> {
    /// The namespace that counts when identities are compared.
    pub(crate) fn effective_namespace(&self) -> &'a str {
        if self.cluster {
            NO_NAMESPACE
        } else if self.namespace.is_empty() {
            DEFAULT_NAMESPACE
        } else {
            self.namespace
        }
    }

    pub(crate) fn same_namespace(&self, other: &Id<'_>) -> bool {
        self.effective_namespace() == other.effective_namespace()
    }

    /// Equal but for the namespace.
    pub(crate) fn same_but_namespace(&self, other: &Id<'_>) -> bool {
        self.name == other.name && self.gvk == other.gvk
    }
}

impl PartialEq for Id<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.same_but_namespace(other) && self.same_namespace(other)
    }
}

impl Eq for Id<'_> {}

impl Hash for Id<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.gvk.hash(state);
        self.name.hash(state);
        self.effective_namespace().hash(state);
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

impl fmt::Display for Gvk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", or(self.kind, "[noKind]"), or(self.version, "[noVer]"), or(self.group, "[noGrp]"))
    }
}

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = if self.namespace == NO_NAMESPACE { "" } else { self.namespace };
        write!(f, "{}/{}.{}", self.gvk, or(self.name, "[noName]"), or(namespace, "[noNs]"))
    }
}
