//! References by name: when objects are renamed, what names them follows.

use std::collections::HashMap;

use crate::apply;
use crate::config::{Config, Field, Referrers};
use crate::error::{Fault, Place, Problem, Reason};
use crate::id::{Gvk, GvkPattern, Id};
use crate::node::{Node, Tag};
use crate::path::shape_name;
use crate::resource::{Resource, Text};
use crate::set::Set;

/// Updates all references.
pub(crate) fn update(set: &mut Set, config: &Config) -> Result<(), Vec<Problem>> {
    // Made when the first object asks, before any has changed.
    let mut index = None;
    let fields = by_kind(config);
    let mut problems = Vec::new();
    for i in 0..set.len() {
        let Some(resource) = set.get(i) else { continue };
        let wanted = wanted(&fields, resource.original_id().gvk);
        if wanted.is_empty() {
            continue;
        }
        let index = index.get_or_insert_with(|| Index::new(set));
        let Some(resource) = set.get_mut_same_id(i) else { continue };
        let mut node = std::mem::replace(&mut resource.node, Node::null());
        let resource: &Resource = resource;
        let referrer = match Referrer::new(resource, &node) {
            Ok(referrer) => referrer,
            Err(fault) => {
                problems.push(*fault);
                continue;
            }
        };
        for reference in wanted {
            let mut update = Update { referrer: &referrer, reference, index };
            let result = apply::of_any_kind(&mut node, reference.field, None, &mut |field| update.field(field));
            if let Err(fault) = result {
                let path = reference.field.path.as_str();
                let subject = referrer.subject.clone();
                problems.push(*fault.on(|| subject).hint(Some(format!("the reference is in {path:?}"))));
                break;
            }
        }
        if let Some(resource) = set.get_mut_same_id(i) {
            resource.node = node;
        }
    }
    set.forget();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The fields of a type that may name others, in the order of the configuration.
fn wanted<'f, 'c>(fields: &'f HashMap<&str, Vec<Reference<'c>>>, gvk: Gvk<'_>) -> Vec<&'f Reference<'c>> {
    let of_kind = fields.get(gvk.kind).map_or(&[][..], Vec::as_slice);
    let of_any = fields.get("").map_or(&[][..], Vec::as_slice);
    let mut wanted: Vec<&Reference<'_>> =
        of_kind.iter().chain(of_any).filter(|reference| gvk.is_selected(&reference.field.gvk)).collect();
    wanted.sort_by_key(|reference| reference.order);
    wanted
}

/// A field that may name an object of a type.
struct Reference<'c> {
    order: usize,
    field: &'c Field,
    target: &'c GvkPattern,
}

fn by_kind(config: &Config) -> HashMap<&str, Vec<Reference<'_>>> {
    let mut fields: HashMap<&str, Vec<Reference<'_>>> = HashMap::new();
    let all =
        config.name_reference.iter().flat_map(|Referrers { target, fields }| fields.iter().map(move |f| (target, f)));
    for (order, (target, field)) in all.enumerate() {
        fields.entry(&field.gvk.kind).or_default().push(Reference { order, field, target });
    }
    fields
}

/// What others may refer to: a copy of what counts, so that referrers can change meanwhile.
struct Candidate {
    name: Box<str>,
    namespace: Box<str>,
    /// The namespace that counts now, and the one that counted first.
    effective: Text,
    original: Text,
    kind: Text,
    cluster: bool,
    group: Text,
    version: Text,
    former: Vec<(Text, Text)>,
    prefixes: Vec<Text>,
    suffixes: Vec<Text>,
    place: Place,
}

/// All objects that had another name, by every name that they had.
struct Index {
    candidates: Vec<Candidate>,
    by_name: HashMap<Text, Vec<usize>>,
    /// Namespaces that objects came with, renamed or not.
    original_namespaces: HashMap<Text, Vec<(Text, Box<str>, bool)>>,
}

impl Index {
    fn new(set: &Set) -> Self {
        let mut texts = crate::resource::Texts::default();
        let mut index = Self { candidates: Vec::new(), by_name: HashMap::new(), original_namespaces: HashMap::new() };
        for resource in set.iter() {
            let id = resource.id();
            let original = texts.share(resource.original_id().effective_namespace());
            let effective = texts.share(id.effective_namespace());
            let list = index.original_namespaces.entry(original.clone()).or_default();
            // Objects that count the same for every question need to be there once.
            if !list.iter().any(|(e, n, c)| *e == effective && **n == *id.namespace && *c == id.cluster) {
                list.push((effective.clone(), id.namespace.into(), id.cluster));
            }
            if resource.former.is_empty() {
                continue;
            }
            let i = index.candidates.len();
            for former in &resource.former {
                let list = index.by_name.entry(former.name.clone()).or_default();
                if list.last() != Some(&i) {
                    list.push(i);
                }
            }
            index.candidates.push(Candidate {
                name: id.name.into(),
                namespace: id.namespace.into(),
                effective,
                original,
                kind: texts.share(id.gvk.kind),
                cluster: id.cluster,
                group: texts.share(id.gvk.group),
                version: texts.share(id.gvk.version),
                former: resource.former.iter().map(|former| (former.kind.clone(), former.name.clone())).collect(),
                prefixes: resource.prefixes.clone(),
                suffixes: resource.suffixes.clone(),
                place: resource.place.clone(),
            });
        }
        index
    }
}

impl Candidate {
    fn describe(&self) -> String {
        let gvk = Gvk { group: &self.group, version: &self.version, kind: &self.kind };
        let id = Id { gvk, name: &self.name, namespace: &self.namespace, cluster: self.cluster };
        format!("{id} ({})", self.place)
    }

    /// Whether it ever was of a type.
    fn was(&self, pattern: &GvkPattern) -> bool {
        self.former
            .iter()
            .any(|(kind, _)| Gvk { group: &self.group, version: &self.version, kind }.is_selected(pattern))
    }
}

/// The object that refers to others.
struct Referrer {
    effective: Text,
    cluster: bool,
    prefixes: Vec<Text>,
    suffixes: Vec<Text>,
    /// Namespaces of the service accounts that a role binding names.
    bound: Vec<String>,
    /// What a role binding refers to.
    role: Option<GvkPattern>,
    subject: crate::error::Subject,
}

impl Referrer {
    fn new(resource: &Resource, node: &Node) -> Result<Self, Fault> {
        let id = id_of(resource, node);
        let subject = crate::error::Subject { id: id.to_string(), place: Some(resource.place.clone()) };
        let bound = if id.gvk.kind == "RoleBinding" { bound(node) } else { Ok(Vec::new()) };
        let bound = bound.map_err(|fault| fault.on(|| subject.clone()))?;
        Ok(Self {
            effective: id.effective_namespace().into(),
            cluster: id.cluster,
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
            bound,
            role: role(node),
            subject,
        })
    }

    /// Whether it can refer to something at all: they share a namespace, or one of them lives in none.
    fn reaches(&self, effective: &str, namespace: &str, cluster: bool) -> bool {
        self.cluster || cluster || *self.effective == *effective || self.bound.iter().any(|bound| bound == namespace)
    }
}

fn id_of<'n>(resource: &Resource, node: &'n Node) -> Id<'n> {
    let text = |name| crate::resource::meta_text(node, name);
    Id { gvk: Gvk::of(node), name: text("name"), namespace: text("namespace"), cluster: resource.cluster }
}

fn bound(node: &Node) -> Result<Vec<String>, Fault> {
    let Some(Node::List(subjects)) = node.get("subjects") else { return Ok(Vec::new()) };
    let accounts = subjects
        .iter()
        .enumerate()
        .filter(|(_, subject)| subject.get("kind").is_some_and(|kind| kind.value() == "ServiceAccount"));
    accounts
        .filter_map(|(i, account)| account.get("namespace").map(|namespace| (i, namespace)))
        .map(|(i, namespace)| match namespace.to_value() {
            Ok(serde_json::Value::String(namespace)) => Ok(namespace),
            _ => Err(Reason::apply(format!("the namespace of the service account in subjects[{i}] is no text"))
                .hint(Some("give it a namespace, or leave the field out".to_owned()))),
        })
        .collect()
}

fn role(node: &Node) -> Option<GvkPattern> {
    let reference = node.get("roleRef")?;
    let (group, kind) = (reference.get("apiGroup")?, reference.get("kind")?);
    Some(GvkPattern::new(group.text().to_owned(), "", kind.text().to_owned()))
}

/// The candidate that is meant, for one field of one referrer.
struct Update<'u> {
    referrer: &'u Referrer,
    reference: &'u Reference<'u>,
    index: &'u Index,
}

impl Update<'_> {
    fn field(&mut self, node: &mut Node) -> Result<(), Fault> {
        match node {
            node if node.is_null() => Ok(()),
            Node::Scalar(_) => self.name(node),
            Node::Map(_) => self.name_and_namespace(node),
            Node::List(items) => items.iter_mut().try_for_each(|item| match item {
                item if item.is_null() => Ok(()),
                Node::Scalar(_) => self.name(item),
                Node::Map(_) => self.name_and_namespace(item),
                Node::List(_) => Err(Reason::apply(format!(
                    "a reference must be a name or a map, found {}",
                    shape_name(item.shape())
                ))),
            }),
        }
    }

    fn name(&self, node: &mut Node) -> Result<(), Fault> {
        let found = self.find(node.text(), |_| true, |a, b| a.name == b.name)?;
        match found {
            Some(candidate) if *candidate.name != *node.text() => apply::write(node, &candidate.name, Tag::Unknown),
            _ => Ok(()),
        }
    }

    fn name_and_namespace(&self, node: &mut Node) -> Result<(), Fault> {
        let Node::Map(map) = node else { return Ok(()) };
        let Some(name) = map.get("name").map(|name| name.text().to_owned()) else {
            return Err(Reason::apply("path config error; no 'name' field in node"));
        };
        let namespace = map.get("namespace").map(|namespace| namespace.text().to_owned());
        let by_original = namespace.as_deref().is_some_and(|namespace| self.is_original(namespace));
        let fits = |candidate: &Candidate| match namespace.as_deref() {
            None => true,
            Some(namespace) if by_original => *candidate.original == *namespace,
            Some(namespace) => !candidate.cluster && *candidate.effective == *namespace,
        };
        let same = |a: &Candidate, b: &Candidate| a.name == b.name && a.namespace == b.namespace;
        let Some(candidate) = self.find(&name, fits, same)? else { return Ok(()) };
        if *candidate.name == *name && candidate.namespace.is_empty() {
            return Ok(());
        }
        map.set("name", &*candidate.name, Tag::Unknown);
        if !candidate.namespace.is_empty() {
            map.set("namespace", &*candidate.namespace, Tag::Unknown);
        }
        Ok(())
    }

    /// Whether any object in reach came with this namespace; then it means that one, else the present one.
    fn is_original(&self, namespace: &str) -> bool {
        namespace != crate::id::NO_NAMESPACE
            && self.index.original_namespaces.get(namespace).is_some_and(|list| {
                list.iter().any(|(effective, namespace, cluster)| self.referrer.reaches(effective, namespace, *cluster))
            })
    }

    fn find(
        &self,
        name: &str,
        fits: impl Fn(&Candidate) -> bool,
        same: impl Fn(&Candidate, &Candidate) -> bool,
    ) -> Result<Option<&Candidate>, Fault> {
        let Some(named) = self.index.by_name.get(name) else { return Ok(None) };
        let referrer = self.referrer;
        let role =
            self.reference.field.path.as_str().ends_with("roleRef/name").then_some(referrer.role.as_ref()).flatten();
        let mut found: Vec<&Candidate> = named
            .iter()
            .map(|&i| &self.index.candidates[i])
            .filter(|c| referrer.reaches(&c.effective, &c.namespace, c.cluster) && fits(c))
            .filter(|c| c.was(self.reference.target))
            .filter(|c| role.is_none_or(|role| c.was(role)))
            .filter(|c| {
                referrer.cluster || c.cluster || *c.kind == *"ServiceAccount" || *referrer.effective == *c.effective
            })
            .collect();
        if found.len() == 1 {
            return Ok(found.pop());
        }
        found.retain(|c| self.same_affixes(c, true));
        if found.len() > 1 {
            found.retain(|c| self.same_affixes(c, false));
        }
        match found.as_slice() {
            [] => Ok(None),
            [first, rest @ ..] if rest.iter().all(|other| same(first, other)) => Ok(Some(first)),
            many => {
                let what = format!("found multiple possible referrals for the name {name:?}");
                let candidates = many.iter().map(|candidate| candidate.describe()).collect();
                Err(Reason::Ambiguous { what, candidates }.into())
            }
        }
    }

    /// Whether both went through the same prefixes and suffixes last.
    fn same_affixes(&self, candidate: &Candidate, allow_empty: bool) -> bool {
        let same = |ours: &[Text], theirs: &[Text]| {
            (allow_empty && (ours.is_empty() || theirs.is_empty())) || same_ending(ours, theirs)
        };
        same(&self.referrer.prefixes, &candidate.prefixes) && same(&self.referrer.suffixes, &candidate.suffixes)
    }
}

/// Whether the shorter list is the end of the longer one; an empty one is only that of an empty one.
fn same_ending(a: &[Text], b: &[Text]) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}
