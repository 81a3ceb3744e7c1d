//! What `flux sandbox` shows: the entry, what it has applied, and how each Kustomization in it is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use api::{ConditionType, GitRepository, GitRepositorySpec, Kustomization, KustomizationSpec, Spec};
use object::ObjectId;
use object::inventory::Entry;
use reconcile::Key;

use super::Objects;
use super::unattended::{Places, is_flux};

/// How many objects of one Kustomization are drawn; the rest is counted.
const DRAWN: usize = 12;

/// Looks at the stores that the controllers read from.
pub(super) struct View {
    objects: Objects,
    source: Key,
    entry: Key,
}

/// What was seen at one moment.
pub(super) struct State {
    source: Line,
    entry: Node,
}

/// An object, and how it is.
#[derive(Default)]
pub(super) struct Line {
    pub(super) name: String,
    /// Whether it is ready; nothing while that is not known.
    pub(super) health: Option<bool>,
    pub(super) message: String,
}

/// A Kustomization, and what it has applied.
struct Node {
    line: Line,
    objects: Vec<String>,
    /// Other objects of Flux's kinds.
    flux: Vec<Line>,
    nodes: Vec<Node>,
}

impl View {
    pub(super) fn new(objects: Objects, source: Key, entry: Key) -> Self {
        Self { objects, source, entry }
    }

    /// All GitRepositories.
    pub(super) fn sources(&self) -> Vec<Arc<GitRepository>> {
        self.objects.0.all()
    }

    /// Looks now.
    pub(super) fn look(&self, places: &Places) -> State {
        let mut seen = BTreeSet::new();
        State { source: self.source(&self.source), entry: self.node(&self.entry, places, &mut seen) }
    }

    /// Everything of Flux's kinds that was applied and that no controller attends to.
    pub(super) fn unattended(&self) -> Vec<Entry> {
        let applied = self.objects.1.all().into_iter().flat_map(|object| inventory(&object));
        applied.filter(|entry| is_flux(&entry.id) && !is_ours(&entry.id)).collect()
    }

    /// What a source offers at the moment, if it has seen what was asked of it.
    fn revision(&self, key: &Key) -> Option<String> {
        let source = self.objects.0.get(key)?;
        let is_up_to_date = source.requested_at() == source.last_handled_reconcile_at();
        let artifact = source.status.as_ref()?.artifact.as_ref().filter(|_| is_up_to_date)?;
        Some(artifact.revision.clone())
    }

    fn source(&self, key: &Key) -> Line {
        line(&format!("GitRepository/{key}"), self.objects.0.get(key).as_deref(), self.revision(key).is_some())
    }

    fn node(&self, key: &Key, places: &Places, seen: &mut BTreeSet<Key>) -> Node {
        seen.insert(key.clone());
        let object = self.objects.1.get(key);
        let source = object.as_ref().map(|object| {
            let source = &object.spec.source_ref;
            Key::new(source.namespace.as_deref().unwrap_or(&key.namespace), &source.name)
        });
        let revision = source.and_then(|source| self.revision(&source));
        let status = object.as_ref().and_then(|object| object.status.clone()).unwrap_or_default();
        let is_current = revision.is_some() && status.last_applied_revision == revision;
        let mut node = Node {
            line: line(&format!("Kustomization/{key}"), object.as_deref(), is_current),
            objects: Vec::new(),
            flux: Vec::new(),
            nodes: Vec::new(),
        };
        for Entry { id, .. } in object.as_deref().map(inventory).unwrap_or_default() {
            let inner = Key::new(id.namespace.clone().unwrap_or_default(), id.name.clone());
            if is_of::<KustomizationSpec>(&id) {
                if !seen.contains(&inner) {
                    node.nodes.push(self.node(&inner, places, seen));
                }
            } else if is_of::<GitRepositorySpec>(&id) {
                node.flux.push(self.source(&inner));
            } else if is_flux(&id) {
                node.flux.push(places.line(&id));
            } else {
                node.objects.push(id.to_string());
            }
        }
        node
    }
}

/// What a Kustomization has applied.
fn inventory(object: &Kustomization) -> Vec<Entry> {
    let entries = object.status.as_ref().and_then(|status| status.inventory.as_ref());
    let entries = entries.map(|inventory| inventory.entries.as_slice()).unwrap_or_default();
    entries.iter().filter_map(|entry| Entry::parse(&entry.id, &entry.version).ok()).collect()
}

fn is_of<S: Spec>(id: &ObjectId) -> bool {
    id.group == S::KIND.group && id.kind == S::KIND.kind
}

/// Whether a controller of this program attends to an object.
fn is_ours(id: &ObjectId) -> bool {
    is_of::<KustomizationSpec>(id) || is_of::<GitRepositorySpec>(id)
}

/// `is_current`: whether what the object says is about what is wanted now.
fn line<S: Spec>(name: &str, object: Option<&api::FluxObject<S>>, is_current: bool) -> Line {
    let ready = object.and_then(|object| object.condition(ConditionType::Ready));
    let observed = object.is_some_and(|object| object.observed_generation() == object.generation());
    let health = match ready.map(|ready| ready.status.as_str()) {
        Some("True") if is_current && observed => Some(true),
        Some("False") => Some(false),
        _ => None,
    };
    let doing =
        object.and_then(|object| object.condition(ConditionType::Reconciling)).map(|doing| doing.message.clone());
    let message = match (health, ready) {
        (None, _) => doing.unwrap_or_else(|| "waiting to be reconciled".to_owned()),
        (Some(_), ready) => ready.map(|ready| ready.message.clone()).unwrap_or_default(),
    };
    Line { name: name.to_owned(), health, message }
}

impl State {
    /// Whether the source and every Kustomization in the tree are ready.
    pub(super) fn is_ready(&self) -> bool {
        self.source.health == Some(true) && self.entry.all().iter().all(|line| line.health == Some(true))
    }

    /// The source and everything of Flux's kinds that follows from it.
    pub(super) fn lines(&self) -> Vec<&Line> {
        [&self.source].into_iter().chain(self.entry.all()).collect()
    }

    /// What is not ready, and why: one line each.
    pub(super) fn reasons(&self) -> String {
        let mut text = String::new();
        for line in self.lines() {
            if line.health != Some(true) {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{}: {}", line.name, line.message);
            }
        }
        text
    }

    /// The tree as text.
    pub(super) fn draw(&self) -> String {
        let mut text = String::new();
        self.source.draw(&mut text, "");
        self.entry.draw(&mut text, "", "");
        text
    }
}

impl Line {
    fn draw(&self, text: &mut String, branch: &str) {
        let symbol = match self.health {
            Some(true) => '✔',
            Some(false) => '✗',
            None => '◎',
        };
        let message = self.message.lines().next().unwrap_or_default();
        let _ = writeln!(text, "{branch}{symbol} {}  {message}", self.name);
    }
}

impl Node {
    fn all(&self) -> Vec<&Line> {
        let mut lines = vec![&self.line];
        lines.extend(&self.flux);
        lines.extend(self.nodes.iter().flat_map(Node::all));
        lines
    }

    fn draw(&self, text: &mut String, branch: &str, indent: &str) {
        self.line.draw(text, branch);
        let hidden = self.objects.len().saturating_sub(DRAWN);
        let mut leaves: Vec<String> = self.objects.iter().take(DRAWN).cloned().collect();
        if hidden > 0 {
            leaves.push(format!("and {hidden} more"));
        }
        let last = leaves.len() + self.flux.len() + self.nodes.len();
        let branches = |index: usize| if index == last { ("└── ", "    ") } else { ("├── ", "│   ") };
        for (index, leaf) in leaves.iter().enumerate() {
            let _ = writeln!(text, "{indent}{}{leaf}", branches(index + 1).0);
        }
        for (index, line) in self.flux.iter().enumerate() {
            line.draw(text, &format!("{indent}{}", branches(leaves.len() + index + 1).0));
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let (branch, inner) = branches(leaves.len() + self.flux.len() + index + 1);
            node.draw(text, &format!("{indent}{branch}"), &format!("{indent}{inner}"));
        }
    }
}
