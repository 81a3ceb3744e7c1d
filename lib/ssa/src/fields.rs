//! Sets of fields, as `managedFields` writes them: `{"f:spec":{"f:replicas":{}}}`.

mod element;
mod wire;

use std::cmp::Ordering;

pub use element::PathElement;
pub(crate) use element::path_text;
pub use wire::ParseFieldsError;

/// A set of fields of one object.
///
/// A field and its parts are different members: who owns `spec.replicas` does not own `spec`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// In order. None of them is neither a member nor has members below.
    nodes: Vec<Node>,
}

/// A field that is in the set, or of which parts are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    element: PathElement,
    is_member: bool,
    below: FieldSet,
}

impl FieldSet {
    /// Whether no field is in the set.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Adds a field. The empty path is the object itself, which no set holds.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else { return };
        let index = match self.find(first) {
            Ok(index) => index,
            Err(index) => {
                let node = Node { element: first.clone(), is_member: false, below: Self::default() };
                self.nodes.insert(index, node);
                index
            }
        };
        let node = &mut self.nodes[index];
        if rest.is_empty() {
            node.is_member = true;
        } else {
            node.below.insert(rest);
        }
    }

    /// Adds a field and parts of it, after all that are there. It is left to [`Self::sort`] when that is not so.
    pub(crate) fn push(&mut self, element: PathElement, is_member: bool, below: Self) {
        if is_member || !below.is_empty() {
            self.nodes.push(Node { element, is_member, below });
        }
    }

    /// Brings what was pushed in order, and makes one of what names the same field.
    pub(crate) fn sort(&mut self) {
        if self.nodes.is_sorted_by(|a, b| a.element < b.element) {
            return;
        }
        self.nodes.sort_by(|a, b| a.element.cmp(&b.element));
        self.nodes.dedup_by(|later, earlier| {
            let is_same = later.element == earlier.element;
            if is_same {
                earlier.is_member |= later.is_member;
                earlier.below = earlier.below.union(&later.below);
            }
            is_same
        });
    }

    /// Whether the field itself is in the set.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.has(last),
            [first, rest @ ..] => self.below(first).is_some_and(|below| below.contains(rest)),
        }
    }

    /// Whether the field or a part of it is in the set.
    pub fn touches(&self, path: &[PathElement]) -> bool {
        match path {
            [] => !self.is_empty(),
            [first, rest @ ..] => self.find(first).is_ok_and(|index| {
                let node = &self.nodes[index];
                if rest.is_empty() { true } else { node.below.touches(rest) }
            }),
        }
    }

    /// The steps that lead from a field to those of its parts that are in the set, in order.
    pub fn steps_below<'a>(&'a self, path: &[PathElement]) -> Box<dyn Iterator<Item = &'a PathElement> + 'a> {
        match path.iter().try_fold(self, |set, element| set.below(element)) {
            Some(set) => Box::new(set.nodes.iter().map(|node| &node.element)),
            None => Box::new(std::iter::empty()),
        }
    }

    /// All fields in the set: those of a level before the parts of any of them.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut paths = Vec::new();
        self.collect_paths(&mut Vec::new(), &mut paths);
        paths
    }

    /// What is in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut nodes = Vec::with_capacity(self.nodes.len().max(other.nodes.len()));
        for (ours, theirs) in self.zip(other) {
            match (ours, theirs) {
                (Some(ours), Some(theirs)) => nodes.push(Node {
                    element: ours.element.clone(),
                    is_member: ours.is_member || theirs.is_member,
                    below: ours.below.union(&theirs.below),
                }),
                (one, other) => nodes.extend(one.or(other).cloned()),
            }
        }
        Self { nodes }
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |ours, theirs| {
            let theirs = theirs?;
            Some((ours.is_member && theirs.is_member, ours.below.intersection(&theirs.below)))
        })
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(other, |ours, theirs| match theirs {
            Some(theirs) => Some((ours.is_member && !theirs.is_member, ours.below.difference(&theirs.below))),
            None => Some((ours.is_member, ours.below.clone())),
        })
    }

    /// What is in this set, and is neither in the other nor a part of what is.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        self.combine(other, |ours, theirs| match theirs {
            Some(theirs) if theirs.is_member => None,
            Some(theirs) => Some((ours.is_member, ours.below.recursive_difference(&theirs.below))),
            None => Some((ours.is_member, ours.below.clone())),
        })
    }

    /// The fields in the set of which no part is in it.
    #[must_use]
    pub fn leaves(&self) -> Self {
        let leaf = |node: &Node| Node {
            element: node.element.clone(),
            is_member: node.is_member && node.below.is_empty(),
            below: node.below.leaves(),
        };
        Self { nodes: self.nodes.iter().map(leaf).collect() }
    }

    /// Whether all of this set is in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        let is_there = |ours: Option<&Node>, theirs: Option<&Node>| match (ours, theirs) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => (!ours.is_member || theirs.is_member) && ours.below.is_subset(&theirs.below),
        };
        self.zip(other).all(|(ours, theirs)| is_there(ours, theirs))
    }

    /// Whether what the step leads to is in the set.
    pub(crate) fn has(&self, element: &PathElement) -> bool {
        self.find(element).is_ok_and(|index| self.nodes[index].is_member)
    }

    /// The parts of what the step leads to that are in the set; none when there are none.
    pub(crate) fn below(&self, element: &PathElement) -> Option<&Self> {
        let node = &self.nodes[self.find(element).ok()?];
        (!node.below.is_empty()).then_some(&node.below)
    }

    /// Each step of this level, whether the field itself is in the set, and the parts of it that are.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&PathElement, bool, &Self)> {
        self.nodes.iter().map(|node| (&node.element, node.is_member, &node.below))
    }

    fn find(&self, element: &PathElement) -> Result<usize, usize> {
        self.nodes.binary_search_by(|node| node.element.cmp(element))
    }

    fn collect_paths(&self, prefix: &mut Vec<PathElement>, paths: &mut Vec<Vec<PathElement>>) {
        for node in self.nodes.iter().filter(|node| node.is_member) {
            paths.push(prefix.iter().chain([&node.element]).cloned().collect());
        }
        for node in self.nodes.iter().filter(|node| !node.below.is_empty()) {
            prefix.push(node.element.clone());
            node.below.collect_paths(prefix, paths);
            prefix.pop();
        }
    }

    /// Keeps of every field of this set what `keep` says, given the same field of the other.
    fn combine(&self, other: &Self, keep: impl Fn(&Node, Option<&Node>) -> Option<(bool, Self)>) -> Self {
        let mut set = Self::default();
        for (ours, theirs) in self.zip(other) {
            if let Some((ours, (is_member, below))) = ours.and_then(|ours| Some((ours, keep(ours, theirs)?))) {
                set.push(ours.element.clone(), is_member, below);
            }
        }
        set
    }

    /// The fields of both sets side by side, in order.
    fn zip<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (Option<&'a Node>, Option<&'a Node>)> {
        let (mut ours, mut theirs) = (self.nodes.iter().peekable(), other.nodes.iter().peekable());
        std::iter::from_fn(move || {
            let order = match (ours.peek(), theirs.peek()) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.element.cmp(&b.element),
            };
            Some(match order {
                Ordering::Less => (ours.next(), None),
                Ordering::Greater => (None, theirs.next()),
                Ordering::Equal => (ours.next(), theirs.next()),
            })
        })
    }
}

#[cfg(test)]
mod tests;
