//! What is known of the types of objects: which lists merge by which keys, and which kinds live in a namespace.
//!
//! The built-in kinds come from a table made of Kubernetes' OpenAPI document; a build file may bring its own document
//! with `openapi.path`, which replaces it.

mod document;

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::id::Gvk;

pub(crate) use document::parse;

/// The only version of the built-in document, as `openapi.version` names it.
pub(crate) const BUILTIN_VERSION: &str = "v1.21.2";

/// A type in a [`Document`].
pub(crate) type TypeId = u32;

/// What lies below a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Below {
    /// A map of a type.
    Map(TypeId),
    /// A list that merges by these keys (none: plain values), of maps of a type if anything is known of it.
    List(Vec<Box<str>>, Option<TypeId>),
}

#[derive(Debug, Default)]
struct Type {
    fields: HashMap<Box<str>, Below>,
    /// What holds for fields that are not named.
    other: Option<Below>,
}

#[derive(Debug, Clone, Copy, Default)]
struct KindFacts {
    root: Option<TypeId>,
    cluster: Option<bool>,
}

/// The types of one OpenAPI document.
#[derive(Debug, Default)]
pub(crate) struct Document {
    types: Vec<Type>,
    /// By API version, then kind.
    kinds: HashMap<Box<str>, HashMap<Box<str>, KindFacts>>,
}

/// A type of a document, or a part of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TypeRef<'a> {
    document: &'a Document,
    id: TypeId,
}

/// The documents that hold for a build.
///
/// kustomize keeps them for the whole process, and the first build file that names its own wins; what that means for
/// objects loaded before is part of what users see, so it is kept here.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    custom: Option<Document>,
    /// A build file has chosen; later choices are ignored.
    chosen: bool,
    /// The built-in types have been asked for before a document replaced them, so they stay.
    builtin_used: std::cell::Cell<bool>,
}

impl Schema {
    /// Takes the document of a build file, unless one has been chosen before.
    pub(crate) fn choose(&mut self, document: Document) {
        if !self.chosen {
            self.chosen = true;
            self.custom = Some(document);
        }
    }

    /// Notes that a build file insists on the built-in document.
    pub(crate) fn choose_builtin(&mut self) {
        self.chosen = true;
    }

    pub(crate) fn is_chosen(&self) -> bool {
        self.chosen
    }

    /// Whether the built-in types have been asked for.
    pub(crate) fn builtin_used(&self) -> bool {
        self.builtin_used.get()
    }

    /// Says whether they have been, and returns what was said before.
    pub(crate) fn use_builtin(&self, used: bool) -> bool {
        self.builtin_used.replace(used)
    }

    /// True for kinds that certainly do not live in a namespace; false also for unknown ones.
    pub(crate) fn is_cluster_scoped(&self, gvk: Gvk<'_>) -> bool {
        if let Some(cluster) = builtin().facts(gvk).and_then(|facts| facts.cluster) {
            return cluster;
        }
        if let Some(custom) = &self.custom {
            return custom.facts(gvk).and_then(|facts| facts.cluster).unwrap_or(false);
        }
        self.builtin_used.set(true);
        false
    }

    /// The type of an object.
    pub(crate) fn of(&self, gvk: Gvk<'_>) -> Option<TypeRef<'_>> {
        let Some(custom) = &self.custom else {
            self.builtin_used.set(true);
            return builtin().root(gvk);
        };
        custom.root(gvk).or_else(|| builtin().root(gvk).filter(|_| self.builtin_used.get()))
    }
}

impl Document {
    fn facts(&self, gvk: Gvk<'_>) -> Option<KindFacts> {
        let kinds =
            if gvk.group.is_empty() { self.kinds.get(gvk.version) } else { self.kinds.get(gvk.api_version().as_str()) };
        kinds?.get(gvk.kind).copied()
    }

    fn root(&self, gvk: Gvk<'_>) -> Option<TypeRef<'_>> {
        self.facts(gvk)?.root.map(|id| TypeRef { document: self, id })
    }

    fn kind(&mut self, api_version: &str, kind: &str) -> &mut KindFacts {
        self.kinds.entry(api_version.into()).or_default().entry(kind.into()).or_default()
    }
}

/// What a patch needs to know of a field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldType<'a> {
    document: &'a Document,
    below: &'a Below,
}

impl<'a> TypeRef<'a> {
    pub(crate) fn field(self, name: &str) -> Option<FieldType<'a>> {
        let found = self.document.types.get(self.id as usize)?;
        let below = found.fields.get(name).or(found.other.as_ref())?;
        Some(FieldType { document: self.document, below })
    }
}

impl<'a> FieldType<'a> {
    /// The type of the map in this field.
    pub(crate) fn map(self) -> Option<TypeRef<'a>> {
        match self.below {
            Below::Map(id) => Some(TypeRef { document: self.document, id: *id }),
            Below::List(..) => None,
        }
    }

    /// The merge keys of the list in this field and the type of its elements; none for a list that is replaced.
    pub(crate) fn list(self) -> Option<(&'a [Box<str>], Option<TypeRef<'a>>)> {
        match self.below {
            Below::Map(_) => None,
            Below::List(keys, id) => Some((keys, id.map(|id| TypeRef { document: self.document, id }))),
        }
    }
}

fn builtin() -> &'static Document {
    static BUILTIN: OnceLock<Document> = OnceLock::new();
    BUILTIN.get_or_init(|| read_table(include_str!("schema/builtin.txt")))
}

/// Reads our own table; a line that does not fit is left out, and a test says that there is none.
fn read_table(table: &str) -> Document {
    let mut document = Document::default();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["type", _] => document.types.push(Type::default()),
            ["kind", api_version, kind, root, scope] => {
                *document.kind(api_version, kind) =
                    KindFacts { root: root.parse().ok(), cluster: (scope != "?").then_some(scope == "c") };
            }
            [name, sign, target, ref keys @ ..] => {
                let below = match (sign, target.parse()) {
                    (">", Ok(id)) => Below::Map(id),
                    ("+", id) => Below::List(keys.iter().map(|&key| key.into()).collect(), id.ok()),
                    _ => continue,
                };
                let Some(last) = document.types.last_mut() else { continue };
                if name == "*" {
                    last.other = Some(below);
                } else {
                    last.fields.insert(name.into(), below);
                }
            }
            _ => {}
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::{Schema, builtin};
    use crate::id::Gvk;

    const DEPLOYMENT: Gvk<'_> = Gvk { group: "apps", version: "v1", kind: "Deployment" };

    #[test]
    fn every_line_of_the_table_is_read() {
        let table = include_str!("schema/builtin.txt");
        let fields = builtin().types.iter().map(|t| t.fields.len() + usize::from(t.other.is_some())).sum::<usize>();
        let kinds = builtin().kinds.values().map(std::collections::HashMap::len).sum::<usize>();
        let comments = table.lines().filter(|line| line.starts_with('#')).count();
        assert_eq!(fields + kinds + builtin().types.len() + comments, table.lines().count());
        assert!(kinds >= 90, "{kinds}");
    }

    #[test]
    fn container_ports_merge_by_two_keys() {
        let schema = Schema::default();
        let mut at = schema.of(DEPLOYMENT).unwrap();
        for name in ["spec", "template", "spec"] {
            at = at.field(name).unwrap().map().unwrap();
        }
        let (keys, container) = at.field("containers").unwrap().list().unwrap();
        assert_eq!(keys, [Box::from("name")]);
        let (keys, _) = container.unwrap().field("ports").unwrap().list().unwrap();
        assert_eq!(keys, [Box::from("containerPort"), Box::from("protocol")]);
    }

    #[test]
    fn only_known_cluster_kinds_are_outside_of_namespaces() {
        let schema = Schema::default();
        assert!(!schema.is_cluster_scoped(DEPLOYMENT));
        assert!(schema.is_cluster_scoped(Gvk { group: "", version: "v1", kind: "Namespace" }));
        assert!(!schema.is_cluster_scoped(Gvk { group: "example.com", version: "v1", kind: "ClusterThing" }));
    }
}
