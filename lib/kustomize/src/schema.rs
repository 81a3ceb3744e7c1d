//! What is known of the types of objects: which lists merge by which keys, and which kinds live in a namespace.
//!
//! The built-in kinds come from a table made of Kubernetes' OpenAPI document; a build file may bring its own document
//! with `openapi.path`, which replaces it.

mod document;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::id::Gvk;

pub(crate) use document::parse;

/// The only version of the built-in document, as `openapi.version` names it.
pub(crate) const BUILTIN_VERSION: &str = "v1.21.2";

/// A type in a [`Document`].
pub(crate) type TypeId = u32;

/// What lies below a field.
#[derive(Debug, Clone)]
enum Below {
    /// A map of a type, or a list if the type is one.
    Type(TypeId),
    /// A list without a name.
    List(List),
}

#[derive(Debug, Clone, Default)]
struct Type {
    /// By name, sorted.
    fields: Vec<(Cow<'static, str>, Below)>,
    /// What holds for fields that are not named.
    other: Option<Below>,
    /// It is no map but a list that merges.
    list: Option<List>,
}

/// A list that merges by these keys (none: plain values), of maps of a type if anything is known of it.
#[derive(Debug, Clone)]
struct List {
    keys: Vec<Cow<'static, str>>,
    element: Option<TypeId>,
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
    /// The definitions among them.
    names: BTreeMap<Cow<'static, str>, TypeId>,
    /// Definitions that are referred to but not there.
    missing: BTreeMap<Cow<'static, str>, TypeId>,
    /// By API version, then kind.
    kinds: BTreeMap<Cow<'static, str>, BTreeMap<Cow<'static, str>, KindFacts>>,
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
    builtin: Cell<Builtin>,
}

/// How far kustomize has come with the built-in document before another one replaces it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Builtin {
    /// It is never read.
    #[default]
    Unused,
    /// It is read when a type is asked for: behind the other one, whose definitions give way to its own.
    Wanted,
    /// It has been read: definitions of the other one take the place of its own.
    Read,
}

impl Schema {
    /// Takes the document of a build file, unless one has been chosen before.
    pub(crate) fn choose(&mut self, document: Document) {
        if !self.chosen {
            self.chosen = true;
            self.custom = Some(match self.builtin.get() {
                Builtin::Unused => document,
                Builtin::Wanted => builtin().over(&document),
                Builtin::Read => document.over(builtin()),
            });
        }
    }

    /// Notes that a build file insists on the built-in document.
    pub(crate) fn choose_builtin(&mut self) {
        self.chosen = true;
    }

    pub(crate) fn is_chosen(&self) -> bool {
        self.chosen
    }

    /// How far the built-in document is used.
    pub(crate) fn builtin(&self) -> Builtin {
        self.builtin.get()
    }

    /// Says how far it is used, and returns what was said before.
    pub(crate) fn use_builtin(&self, used: Builtin) -> Builtin {
        self.builtin.replace(used)
    }

    /// True for kinds that certainly do not live in a namespace; false also for unknown ones.
    pub(crate) fn is_cluster_scoped(&self, gvk: Gvk<'_>) -> bool {
        if let Some(cluster) = builtin().facts(gvk).and_then(|facts| facts.cluster) {
            return cluster;
        }
        if let Some(custom) = &self.custom {
            return custom.facts(gvk).and_then(|facts| facts.cluster).unwrap_or(false);
        }
        self.builtin.set(self.builtin.get().max(Builtin::Wanted));
        false
    }

    /// The type of an object.
    pub(crate) fn of(&self, gvk: Gvk<'_>) -> Option<TypeRef<'_>> {
        let Some(custom) = &self.custom else {
            self.builtin.set(Builtin::Read);
            return builtin().root(gvk);
        };
        custom.root(gvk)
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

    fn kind(&mut self, api_version: Cow<'static, str>, kind: Cow<'static, str>) -> &mut KindFacts {
        self.kinds.entry(api_version).or_default().entry(kind).or_default()
    }

    /// Both documents as one, where definitions and kinds of this one take the place of those below. A reference leads
    /// to the definition of its name that holds, whichever document either is from.
    fn over(&self, below: &Self) -> Self {
        let offset = TypeId::try_from(below.types.len()).unwrap_or(TypeId::MAX);
        let ids = |types: &[Type]| TypeId::try_from(types.len()).unwrap_or(TypeId::MAX);
        let mut lower: Vec<TypeId> = (0..offset).collect();
        let mut upper: Vec<TypeId> = (0..ids(&self.types)).map(|id| id + offset).collect();
        for (name, &id) in &below.names {
            if let Some(&by) = self.names.get(name) {
                lower[id as usize] = by + offset;
            }
        }
        for (moved, missing, found, shift) in
            [(&mut lower, &below.missing, &self.names, offset), (&mut upper, &self.missing, &below.names, 0)]
        {
            for (name, &id) in missing {
                if let Some(&by) = found.get(name) {
                    moved[id as usize] = by + shift;
                }
            }
        }
        let mut both = Self { kinds: below.kinds.clone(), ..Self::default() };
        both.types.extend(below.types.iter().map(|found| found.renumbered(&lower)));
        both.types.extend(self.types.iter().map(|found| found.renumbered(&upper)));
        for (api_version, kinds) in &self.kinds {
            for (kind, facts) in kinds {
                let held = both.kind(api_version.clone(), kind.clone());
                held.root = facts.root.map(|id| id + offset).or(held.root);
                held.cluster = facts.cluster.or(held.cluster);
            }
        }
        both
    }
}

impl Type {
    fn sort(&mut self) {
        self.fields.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    }

    fn renumbered(&self, moved: &[TypeId]) -> Self {
        let to = |id: TypeId| moved.get(id as usize).copied().unwrap_or(id);
        let list = |list: &List| List { keys: list.keys.clone(), element: list.element.map(to) };
        let below = |below: &Below| match below {
            Below::Type(id) => Below::Type(to(*id)),
            Below::List(found) => Below::List(list(found)),
        };
        Self {
            fields: self.fields.iter().map(|(name, found)| (name.clone(), below(found))).collect(),
            other: self.other.as_ref().map(below),
            list: self.list.as_ref().map(list),
        }
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
        let named = found.fields.binary_search_by(|(field, _)| (**field).cmp(name)).ok();
        let below = named.map(|i| &found.fields[i].1).or(found.other.as_ref())?;
        Some(FieldType { document: self.document, below })
    }
}

impl<'a> FieldType<'a> {
    /// The type of the map in this field.
    pub(crate) fn map(self) -> Option<TypeRef<'a>> {
        match self.below {
            Below::Type(id) => Some(TypeRef { document: self.document, id: *id }),
            Below::List(_) => None,
        }
    }

    /// The merge keys of the list in this field and the type of its elements; none for a list that is replaced.
    pub(crate) fn list(self) -> Option<(&'a [Cow<'static, str>], Option<TypeRef<'a>>)> {
        let list = match self.below {
            Below::Type(id) => self.document.types.get(*id as usize)?.list.as_ref()?,
            Below::List(list) => list,
        };
        Some((&list.keys, list.element.map(|id| TypeRef { document: self.document, id })))
    }
}

fn builtin() -> &'static Document {
    static BUILTIN: OnceLock<Document> = OnceLock::new();
    BUILTIN.get_or_init(|| read_table(include_str!("schema/builtin.txt")))
}

/// Reads our own table; a line that does not fit is left out, and a test says that there is none.
fn read_table(table: &'static str) -> Document {
    let mut document = Document::default();
    let mut words: Vec<&str> = Vec::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        words.clear();
        words.extend(line.split(' '));
        match words[..] {
            ["type", _, name] => {
                document.names.extend(TypeId::try_from(document.types.len()).ok().map(|id| (name.into(), id)));
                document.types.push(Type::default());
            }
            ["kind", api_version, kind, root, scope] => {
                *document.kind(api_version.into(), kind.into()) =
                    KindFacts { root: root.parse().ok(), cluster: (scope != "?").then_some(scope == "c") };
            }
            [name, sign, target, ref keys @ ..] => {
                let below = match (sign, target.parse()) {
                    (">", Ok(id)) => Below::Type(id),
                    ("+", id) => {
                        Below::List(List { keys: keys.iter().map(|&key| key.into()).collect(), element: id.ok() })
                    }
                    _ => continue,
                };
                let Some(last) = document.types.last_mut() else { continue };
                if name == "*" {
                    last.other = Some(below);
                } else {
                    last.fields.push((name.into(), below));
                }
            }
            _ => {}
        }
    }
    document.types.iter_mut().for_each(Type::sort);
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
        let kinds = builtin().kinds.values().map(std::collections::BTreeMap::len).sum::<usize>();
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
        assert_eq!(keys, ["name"]);
        let (keys, _) = container.unwrap().field("ports").unwrap().list().unwrap();
        assert_eq!(keys, ["containerPort", "protocol"]);
    }

    #[test]
    fn only_known_cluster_kinds_are_outside_of_namespaces() {
        let schema = Schema::default();
        assert!(!schema.is_cluster_scoped(DEPLOYMENT));
        assert!(schema.is_cluster_scoped(Gvk { group: "", version: "v1", kind: "Namespace" }));
        assert!(!schema.is_cluster_scoped(Gvk { group: "example.com", version: "v1", kind: "ClusterThing" }));
    }
}
