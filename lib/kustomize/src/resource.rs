//! An object on its way through a build: its value, and what the build remembers about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Fault, Place, Reason, Subject};
use crate::id::{Gvk, Id};
use crate::node::{Map, Node, Scalar, Tag};
use crate::origin::{ORIGIN, Origin};
use crate::schema::Schema;

/// A text that many objects share.
pub(crate) type Text = Arc<str>;

/// An identity that the object had before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Former {
    pub(crate) kind: Text,
    pub(crate) name: Text,
    pub(crate) namespace: Text,
}

/// What a generated object does to one that is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

/// An object of a build.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) node: Node,
    /// Whether its kind is known not to live in a namespace.
    pub(crate) cluster: bool,
    /// Its identities, oldest first; group and version are always the present ones.
    pub(crate) former: Vec<Former>,
    pub(crate) prefixes: Vec<Text>,
    pub(crate) suffixes: Vec<Text>,
    /// Names of the vars that read from this object.
    pub(crate) vars: Vec<Text>,
    pub(crate) behavior: Behavior,
    pub(crate) needs_hash: bool,
    pub(crate) origin: Option<Arc<Origin>>,
    pub(crate) transformations: Vec<Arc<Origin>>,
    pub(crate) place: Place,
    /// The last number given to a value that is shared by several fields.
    pub(crate) shared: u16,
}

/// Annotations with which kustomize's own parts talk to each other: read from objects and never printed.
pub(crate) const BUILD_ANNOTATIONS: &[&str] = &[
    "config.k8s.io/id",
    "config.kubernetes.io/index",
    "config.kubernetes.io/path",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/helm-generated",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/suffixes",
];
const PREVIOUS_NAMES: &str = "internal.config.kubernetes.io/previousNames";
pub(crate) const NEEDS_HASH: &str = "internal.config.kubernetes.io/needsHashSuffix";
pub(crate) const HELM_GENERATED: &str = "internal.config.kubernetes.io/helm-generated";

impl Resource {
    pub(crate) fn new(node: Node, place: Place, schema: &Schema) -> Self {
        let cluster = schema.is_cluster_scoped(Gvk::of(&node));
        let needs_hash = annotation(&node, NEEDS_HASH) == Some("enabled");
        Self {
            node,
            cluster,
            former: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            vars: Vec::new(),
            behavior: Behavior::default(),
            needs_hash,
            origin: None,
            transformations: Vec::new(),
            place,
            shared: 0,
        }
    }

    /// A number for a value that goes into several fields; zero, for one that is not shared, when there are too many.
    pub(crate) fn share(&mut self) -> u16 {
        self.shared = self.shared.saturating_add(1);
        if self.shared == u16::MAX { 0 } else { self.shared }
    }

    /// Brings what was written into one field of a shared value into its other fields.
    pub(crate) fn spread(&mut self) {
        if self.shared == 0 {
            return;
        }
        let mut last: BTreeMap<u16, (Scalar, bool)> = BTreeMap::new();
        self.node.each_scalar(&mut |scalar| {
            if scalar.shared == 0 {
                return;
            }
            match last.get_mut(&scalar.shared) {
                None => {
                    last.insert(scalar.shared, (scalar.clone(), false));
                }
                Some((known, stale)) => {
                    *stale |= known.written != scalar.written || known != scalar;
                    if scalar.written >= known.written {
                        *known = scalar.clone();
                    }
                }
            }
        });
        if last.values().any(|(_, stale)| *stale) {
            self.node.each_scalar(&mut |scalar| {
                if let Some((last, true)) = last.get(&scalar.shared) {
                    *scalar = last.clone();
                }
            });
        }
    }

    /// Looks up again whether the kind lives in a namespace, after the object or the schema has changed.
    pub(crate) fn refresh(&mut self, schema: &Schema) {
        self.cluster = schema.is_cluster_scoped(Gvk::of(&self.node));
    }

    pub(crate) fn gvk(&self) -> Gvk<'_> {
        Gvk::of(&self.node)
    }

    pub(crate) fn name(&self) -> &str {
        meta_text(&self.node, "name")
    }

    pub(crate) fn namespace(&self) -> &str {
        meta_text(&self.node, "namespace")
    }

    pub(crate) fn id(&self) -> Id<'_> {
        Id { gvk: self.gvk(), name: self.name(), namespace: self.namespace(), cluster: self.cluster }
    }

    /// The identities it had, oldest first. They never count as cluster-scoped: their namespace says it.
    pub(crate) fn former_ids(&self) -> impl Iterator<Item = Id<'_>> {
        let gvk = self.gvk();
        self.former.iter().map(move |former| Id {
            gvk: Gvk { kind: &former.kind, ..gvk },
            name: &former.name,
            namespace: &former.namespace,
            cluster: false,
        })
    }

    /// All identities, former ones first.
    pub(crate) fn all_ids(&self) -> impl Iterator<Item = Id<'_>> {
        self.former_ids().chain(std::iter::once(self.id()))
    }

    /// The identity it came with.
    pub(crate) fn original_id(&self) -> Id<'_> {
        self.former_ids().next().unwrap_or_else(|| self.id())
    }

    /// Remembers the present identity, before something changes it.
    pub(crate) fn remember(&mut self, texts: &mut Texts) {
        let id = self.id();
        let (kind, name, namespace) = (id.gvk.kind, id.name, id.effective_namespace());
        if self
            .former
            .last()
            .is_some_and(|last| *last.kind == *kind && *last.name == *name && *last.namespace == *namespace)
        {
            return;
        }
        let former = Former { kind: texts.share(kind), name: name.into(), namespace: texts.share(namespace) };
        // Most objects have one name or two.
        self.former.reserve_exact(1);
        self.former.push(former);
    }

    /// Refuses what was renamed without a name, or with commas in it: kustomize keeps what an object was called in one list
    /// of names and one of kinds, separated by commas and without what is empty, and fails over two of different length.
    pub(crate) fn check_history(&self) -> Result<(), Fault> {
        let names = self.former.iter().map(|former| &*former.name).filter(|name| !name.is_empty());
        let count = names.flat_map(|name| name.split(',')).count();
        if count == 0 || count == self.former.len() {
            return Ok(());
        }
        let message = "was renamed when it had no metadata.name, or one with commas in it: something has written that";
        Err(Reason::apply(message).on(|| self.subject()))
    }

    /// Who it is, for a message.
    pub(crate) fn subject(&self) -> Subject {
        Subject { id: self.original_id().to_string(), place: Some(self.place.clone()) }
    }

    pub(crate) fn labels(&self) -> Option<&Map> {
        meta_map(&self.node, "labels")
    }

    pub(crate) fn annotations(&self) -> Option<&Map> {
        meta_map(&self.node, "annotations")
    }

    /// Writes `metadata.FIELD`, creating `metadata`.
    pub(crate) fn set_meta(&mut self, field: &str, text: &str) {
        if let Some(meta) = metadata(&mut self.node) {
            meta.set(field, text, Tag::Unknown);
        }
    }

    /// Writes the namespace; an empty one is no namespace.
    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        if !namespace.is_empty() {
            self.set_meta("namespace", namespace);
        } else if let Some(meta) = self.node.map_mut().and_then(|root| root.get_mut("metadata")).and_then(Node::map_mut)
        {
            meta.remove("namespace");
        }
    }

    pub(crate) fn set_kind(&mut self, kind: &str) {
        if let Some(root) = self.node.map_mut() {
            root.set("kind", kind, Tag::Unknown);
        }
    }

    pub(crate) fn set_api_version(&mut self, api_version: &str) {
        if let Some(root) = self.node.map_mut() {
            root.set("apiVersion", api_version, Tag::Unknown);
        }
    }

    /// Makes a map of strings of `metadata.FIELD`, as kustomize does whenever it writes labels or annotations:
    /// every value becomes a string of what was written, and an empty map disappears.
    pub(crate) fn stringify_meta(&mut self, field: &str, with: impl FnOnce(&mut Map)) {
        let Some(meta) = metadata(&mut self.node) else { return };
        let mut map = match meta.remove(field) {
            Some(Node::Map(map)) => map,
            _ => Map::default(),
        };
        for value in map.values_mut() {
            value.each_scalar(&mut |scalar| {
                scalar.shared = 0;
                scalar.unfold();
            });
            if value.scalar().is_none_or(|scalar| scalar.tag != Tag::Str) {
                *value = Node::str(value.text());
            }
        }
        with(&mut map);
        if !map.is_empty() {
            meta.insert(field.into(), Node::Map(map));
        }
    }

    /// Puts what the build remembers where kustomize keeps it, into annotations, for as long as a patch is applied: a
    /// patch may find them there, and may remove them.
    pub(crate) fn expose(&mut self, always: bool) {
        let state = always || self.has_state();
        let origin = self.origin.is_some();
        let Some(meta) = metadata(&mut self.node).filter(|_| state || origin) else { return };
        let annotations = meta.entry("annotations", || Node::Map(Map::default()));
        if annotations.is_null() {
            *annotations = Node::Map(Map::default());
        }
        if let Node::Map(map) = annotations {
            for (name, _) in [(PREVIOUS_NAMES, state), (ORIGIN, origin)].iter().filter(|(_, there)| *there) {
                map.insert((*name).into(), Node::str(""));
            }
        }
    }

    /// Takes it back, and forgets what the patch has removed; `keep` is what kustomize restores.
    pub(crate) fn conceal(&mut self, keep: bool) {
        let mut found = (false, false);
        if let Some(Node::Map(map)) = metadata(&mut self.node).and_then(|meta| meta.get_mut("annotations")) {
            found = (map.remove(PREVIOUS_NAMES).is_some(), map.remove(ORIGIN).is_some());
        }
        if !found.0 && !keep {
            self.former.clear();
            self.prefixes.clear();
            self.suffixes.clear();
            self.needs_hash = false;
            self.behavior = Behavior::default();
        }
        if !found.1 {
            self.origin = None;
            self.transformations.clear();
        }
    }

    fn has_state(&self) -> bool {
        !self.former.is_empty()
            || !self.prefixes.is_empty()
            || !self.suffixes.is_empty()
            || self.needs_hash
            || self.behavior != Behavior::default()
    }

    /// Takes over who an object was that this generated one merges into or replaces.
    pub(crate) fn succeed(&mut self, old: &Self) {
        for field in ["labels", "annotations"] {
            let inherited = meta_map(&old.node, field).cloned().unwrap_or_default();
            self.stringify_meta(field, |map| {
                for (key, value) in inherited.into_fields() {
                    map.entry(&key, || Node::str(value.text()));
                }
            });
        }
        let (name, namespace) = (old.name().to_owned(), old.namespace().to_owned());
        self.set_meta("name", &name);
        self.set_namespace(&namespace);
        self.needs_hash &= old.needs_hash;
        self.behavior = old.behavior;
        self.former.clone_from(&old.former);
        self.prefixes.clone_from(&old.prefixes);
        self.suffixes.clone_from(&old.suffixes);
        self.vars.clone_from(&old.vars);
        self.transformations.clone_from(&old.transformations);
        if self.origin.is_none() {
            self.origin.clone_from(&old.origin);
        }
        self.cluster = old.cluster;
    }
}

/// Texts that many objects share: kinds, namespaces, prefixes.
#[derive(Debug, Default)]
pub(crate) struct Texts(std::collections::HashSet<Text>);

impl Texts {
    pub(crate) fn share(&mut self, text: &str) -> Text {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let shared: Text = text.into();
        self.0.insert(Arc::clone(&shared));
        shared
    }
}

fn metadata(node: &mut Node) -> Option<&mut Map> {
    let meta = node.map_mut()?.entry("metadata", || Node::Map(Map::default()));
    if meta.is_null() {
        *meta = Node::Map(Map::default());
    }
    meta.map_mut()
}

fn meta_map<'a>(node: &'a Node, field: &str) -> Option<&'a Map> {
    node.get("metadata")?.get(field)?.map()
}

/// A text field of `metadata`; empty where it is missing, null or no text.
pub(crate) fn meta_text<'a>(node: &'a Node, field: &str) -> &'a str {
    node.get("metadata").and_then(|meta| meta.get(field)).map_or("", Node::value)
}

/// The text of an annotation.
pub(crate) fn annotation<'a>(node: &'a Node, name: &str) -> Option<&'a str> {
    meta_map(node, "annotations")?.get(name).map(Node::text)
}
