//! How the fields of a document merge: what the caller knows of its type, and what its author wrote into comments.

use serde_json::Value;

use crate::node::Node;

/// Knows which lists merge item by item.
pub trait Lists {
    /// A place in a type: an object, a field, the items of a list.
    type At: Clone;

    /// The type of an object.
    fn root(&self, api_version: &str, kind: &str) -> Option<Self::At>;
    /// A field of the mapping at a place.
    fn field(&self, at: &Self::At, name: &str) -> Option<Self::At>;
    /// The items of the list at a place.
    fn items(&self, at: &Self::At) -> Option<Self::At>;
    /// The type behind a reference in a comment, `#/definitions/…`.
    fn reference(&self, reference: &str) -> Option<Self::At>;
    /// How the list at a place merges.
    fn merging(&self, at: &Self::At) -> Merging;
}

/// How a list merges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merging {
    /// The new list takes the place of the old.
    Replace,
    /// Items with equal values of these fields merge; with no field, the items are scalars and form a set.
    ByKeys(Vec<String>),
}

/// Knows nothing: every list is replaced as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLists;

impl Lists for NoLists {
    type At = ();

    fn root(&self, _api_version: &str, _kind: &str) -> Option<()> {
        None
    }

    fn field(&self, (): &(), _name: &str) -> Option<()> {
        None
    }

    fn items(&self, (): &()) -> Option<()> {
        None
    }

    fn reference(&self, _reference: &str) -> Option<()> {
        None
    }

    fn merging(&self, (): &()) -> Merging {
        Merging::Replace
    }
}

/// A place in a type that the caller knows, or that a comment describes.
#[derive(Clone)]
pub(super) enum At<A> {
    Known(A),
    /// An `OpenAPI` schema.
    Written(Value),
}

impl<A: Clone> At<A> {
    pub(super) fn field<L: Lists<At = A>>(&self, lists: &L, name: &str) -> Option<Self> {
        match self {
            Self::Known(at) => lists.field(at, name).map(At::Known),
            Self::Written(schema) => written(lists, schema.get("properties")?.get(name)?),
        }
    }

    pub(super) fn items<L: Lists<At = A>>(&self, lists: &L) -> Option<Self> {
        match self {
            Self::Known(at) => lists.items(at).map(At::Known),
            Self::Written(schema) => written(lists, schema.get("items")?),
        }
    }

    pub(super) fn merging<L: Lists<At = A>>(&self, lists: &L) -> Merging {
        let schema = match self {
            Self::Known(at) => return lists.merging(at),
            Self::Written(schema) => schema,
        };
        let strategy = schema.get("x-kubernetes-patch-strategy").and_then(Value::as_str).unwrap_or_default();
        if !strategy.split(',').any(|strategy| strategy == "merge") {
            return Merging::Replace;
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let keys = match schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array) {
            Some(keys) => keys.iter().filter_map(text).collect(),
            None => schema.get("x-kubernetes-patch-merge-key").and_then(text).into_iter().collect(),
        };
        Merging::ByKeys(keys)
    }
}

fn written<L: Lists>(lists: &L, schema: &Value) -> Option<At<L::At>> {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => lists.reference(reference).map(At::Known),
        None => Some(At::Written(schema.clone())),
    }
}

/// The schema that a node's line or head comment holds as JSON.
pub(super) fn in_comments<L: Lists>(lists: &L, node: &Node) -> Option<At<L::At>> {
    let comments = node.comments();
    [&comments.line, &comments.head].into_iter().find_map(|comment| {
        let json = comment.trim_start_matches('#').trim();
        if !json.starts_with('{') {
            return None;
        }
        let schema: Value = serde_json::from_str(json).ok()?;
        written(lists, &schema)
    })
}

/// The place that the nodes themselves name, by a comment or as an object; else the one that is known already.
pub(super) fn refine<L: Lists>(lists: &L, at: Option<At<L::At>>, nodes: &[Option<&Node>]) -> Option<At<L::At>> {
    let present = || nodes.iter().flatten().filter(|node| !node.is_null());
    if let Some(written) = present().find_map(|node| in_comments(lists, node)) {
        return Some(written);
    }
    at.or_else(|| {
        present().find_map(|node| {
            let api_version = node.get("apiVersion")?.text()?;
            let kind = node.get("kind")?.text()?;
            lists.root(api_version, kind).map(At::Known)
        })
    })
}
