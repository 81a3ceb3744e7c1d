//! The arena of types, and how it is asked.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use crate::node::{Additional, Field, Id, Limits, ListType, MapType, Node, PatchStrategy, prefix};

/// A group, a version and a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// Empty for the core group.
    pub group: String,
    /// For example `v1`.
    pub version: String,
    /// For example `Deployment`.
    pub kind: String,
}

/// The types of many kinds.
///
/// Types are shared: a definition that several documents bring is kept once, and so are equal types without fields.
///
/// # Guarantees
/// An [`Id`] that it gave stays what it was, whatever is read later. A document that is refused leaves nothing behind.
#[derive(Clone, Debug)]
pub struct Schemas {
    pub(crate) nodes: Vec<Node>,
    pub(crate) fields: Vec<Field>,
    pub(crate) texts: Vec<Arc<str>>,
    pub(crate) defaults: Vec<Value>,
    pub(crate) limits: Vec<Limits>,
    pub(crate) names: HashMap<Arc<str>, Id>,
    pub(crate) kinds: HashMap<Kind, Id>,
    /// The type of `metadata`.
    pub(crate) object_meta: Id,
    /// Names of fields, to share them.
    pub(crate) words: HashSet<Arc<str>>,
    /// Nodes that own no fields, to share them.
    pub(crate) leaves: HashMap<Node, Id>,
}

impl Default for Schemas {
    fn default() -> Self {
        Self::new()
    }
}

impl Schemas {
    /// The types that are always there: [`Id::DEDUCED`], [`Id::UNTYPED`] and `ObjectMeta`.
    pub fn new() -> Self {
        let anything = Node { preserve_unknown: true, merges_unknown: true, ..Node::default() };
        let deduced = Node {
            map: MapType::Granular,
            list: ListType::Atomic,
            additional: Additional::Of(Id::DEDUCED),
            items: Some(Id::UNTYPED),
            ..anything.clone()
        };
        let untyped = Node {
            map: MapType::Atomic,
            list: ListType::Atomic,
            additional: Additional::Of(Id::UNTYPED),
            items: Some(Id::UNTYPED),
            ..anything
        };
        let mut schemas = Self {
            nodes: vec![deduced, untyped],
            fields: Vec::new(),
            texts: Vec::new(),
            defaults: Vec::new(),
            limits: Vec::new(),
            names: HashMap::new(),
            kinds: HashMap::new(),
            object_meta: Id::DEDUCED,
            words: HashSet::new(),
            leaves: HashMap::new(),
        };
        schemas.add_object_meta();
        schemas
    }

    /// The node. Asked with an id of other schemas, it may be any.
    #[inline]
    pub fn node(&self, id: Id) -> &Node {
        self.nodes.get(id.0 as usize).unwrap_or(&self.nodes[0])
    }

    /// The type of a kind, if it was read.
    pub fn kind(&self, kind: &Kind) -> Option<Id> {
        self.kinds.get(kind).copied()
    }

    /// All kinds that were read, in order.
    pub fn kinds(&self) -> Vec<(&Kind, Id)> {
        let mut kinds: Vec<_> = self.kinds.iter().map(|(kind, id)| (kind, *id)).collect();
        kinds.sort();
        kinds
    }

    /// The type of a definition, such as `io.k8s.api.core.v1.PodSpec`.
    pub fn definition(&self, name: &str) -> Option<Id> {
        self.names.get(name).copied()
    }

    /// The name of the definition whose fields an object has. It is looked for: for messages alone.
    pub fn name_of(&self, id: Id) -> Option<&str> {
        let fields = self.node(id).fields;
        let is_it = |id: Id| fields.length > 0 && self.node(id).fields == fields;
        self.names.iter().filter(|(_, id)| is_it(**id)).map(|(name, _)| &**name).min()
    }

    /// The declared fields of an object, by name.
    #[inline]
    pub fn fields(&self, id: Id) -> &[Field] {
        self.node(id).fields.of(&self.fields)
    }

    /// A declared field of an object.
    #[inline]
    pub fn field(&self, id: Id, name: &str) -> Option<&Field> {
        let (fields, prefix) = (self.fields(id), prefix(name));
        // Numbers tell most names apart.
        let order = |field: &Field| field.prefix.cmp(&prefix).then_with(|| (*field.name).cmp(name));
        fields.get(fields.binary_search_by(order).ok()?)
    }

    /// Which fields an object must have, as the schema lists them.
    pub fn required(&self, id: Id) -> &[Arc<str>] {
        self.node(id).required.of(&self.texts)
    }

    /// `x-kubernetes-list-map-keys`, as the schema lists them.
    #[inline]
    pub fn keys(&self, id: Id) -> &[Arc<str>] {
        self.node(id).keys.of(&self.texts)
    }

    /// The value that stands for a missing one.
    pub fn default_of(&self, id: Id) -> Option<&Value> {
        self.defaults.get(self.node(id).default? as usize)
    }

    /// What a value must satisfy besides its type.
    pub fn limits(&self, id: Id) -> Option<&Limits> {
        self.limits.get(self.node(id).limits? as usize)
    }

    /// What merging takes an undeclared field of an object for; none when it may not have any.
    ///
    /// # Source
    /// kube-openapi's `schemaconv`: an object that declares nothing may hold anything, and so may all that an object
    /// with unknown fields holds, up to the next definition.
    #[inline]
    pub fn undeclared(&self, id: Id) -> Option<Id> {
        let node = self.node(id);
        match node.additional {
            Additional::Of(id) => Some(id),
            Additional::Any => Some(Id::DEDUCED),
            Additional::Refused => None,
            Additional::Unset => (node.merges_unknown || node.fields.length == 0).then_some(Id::DEDUCED),
        }
    }

    /// What the items of a list are.
    #[inline]
    pub fn items(&self, id: Id) -> Id {
        self.node(id).items.unwrap_or(Id::UNTYPED)
    }

    /// Whether merging takes the items of a list one by one.
    #[inline]
    pub fn is_associative(&self, id: Id) -> bool {
        let node = self.node(id);
        match node.list {
            ListType::Set | ListType::Map => true,
            ListType::Atomic => false,
            ListType::Unset => matches!(node.patch, PatchStrategy::Merge | PatchStrategy::MergeRetainKeys),
        }
    }

    /// The fields by which merging names the items of an associative list; none when they are their own names.
    #[inline]
    pub fn item_keys(&self, id: Id) -> &[Arc<str>] {
        let node = self.node(id);
        match node.list {
            ListType::Map => self.keys(id),
            ListType::Set | ListType::Atomic => &[],
            ListType::Unset => node.merge_key.as_slice(),
        }
    }

    /// How many bytes it takes, about.
    pub fn size(&self) -> usize {
        let texts: usize = self.words.iter().map(|word| word.len() + 16).sum();
        self.nodes.capacity() * size_of::<Node>()
            + self.leaves.capacity() * (size_of::<Node>() + size_of::<Id>())
            + self.fields.capacity() * size_of::<Field>()
            + self.limits.capacity() * size_of::<Limits>()
            + self.texts.capacity() * size_of::<Arc<str>>()
            + texts
    }
}
