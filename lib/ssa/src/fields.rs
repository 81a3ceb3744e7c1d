//! Sets of fields, as `managedFields` writes them: `{"f:spec":{"f:replicas":{}}}`.

mod element;
mod wire;
mod written;

pub use element::PathElement;
pub(crate) use element::path_text;
pub use wire::ParseFieldsError;
pub use written::Fields;

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

    /// Room for so many fields and parts of the object.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self { nodes: Vec::with_capacity(count) }
    }

    /// Brings what was pushed in order, and makes one of what names the same field.
    pub(crate) fn sort(&mut self) {
        self.sort_by(Self::add);
    }

    /// As [`Self::sort`], with another say in what becomes of the parts of fields of the same name.
    pub(crate) fn sort_by(&mut self, merge: impl Fn(&mut Self, Self)) {
        if self.nodes.is_sorted_by(|a, b| a.element < b.element) {
            return;
        }
        self.nodes.sort_by(|a, b| a.element.cmp(&b.element));
        self.nodes.dedup_by(|later, earlier| {
            let is_same = later.element == earlier.element;
            if is_same {
                earlier.is_member |= later.is_member;
                merge(&mut earlier.below, std::mem::take(&mut later.below));
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
        let mut set = self.clone();
        set.add(other.clone());
        set
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut set = Self::default();
        if other.is_empty() {
            return set;
        }
        for ours in &self.nodes {
            if let Ok(index) = other.find(&ours.element) {
                let theirs = &other.nodes[index];
                let below = ours.below.intersection(&theirs.below);
                set.push(ours.element.clone(), ours.is_member && theirs.is_member, below);
            }
        }
        set
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut set = self.clone();
        set.subtract(other);
        set
    }

    /// What is in this set, and is neither in the other nor a part of what is.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let mut set = self.clone();
        set.exclude(other);
        set
    }

    /// Adds what is in another set.
    pub(crate) fn add(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let mut new = Vec::new();
        for theirs in other.nodes {
            match self.find(&theirs.element) {
                Ok(index) => {
                    let ours = &mut self.nodes[index];
                    ours.is_member |= theirs.is_member;
                    ours.below.add(theirs.below);
                }
                Err(_) => new.push(theirs),
            }
        }
        self.nodes.extend(new);
        self.sort();
    }

    /// Removes what is in another set.
    pub(crate) fn subtract(&mut self, other: &Self) {
        self.cut(other, |node, theirs| {
            node.is_member &= !theirs.is_member;
            node.below.subtract(&theirs.below);
        });
    }

    /// Removes what is in another set, and all parts of it.
    pub(crate) fn exclude(&mut self, other: &Self) {
        self.cut(other, |node, theirs| {
            if theirs.is_member {
                node.is_member = false;
                node.below = Self::default();
            } else {
                node.below.exclude(&theirs.below);
            }
        });
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
        let mut others = other.nodes.iter();
        self.nodes.iter().all(|ours| {
            let theirs = others.find(|theirs| theirs.element >= ours.element);
            theirs
                .filter(|theirs| theirs.element == ours.element)
                .is_some_and(|theirs| (!ours.is_member || theirs.is_member) && ours.below.is_subset(&theirs.below))
        })
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

    /// As [`Self::steps`], to be changed. What has nothing left must not stay.
    pub(crate) fn steps_mut(&mut self) -> impl Iterator<Item = (&PathElement, &mut bool, &mut Self)> {
        self.nodes.iter_mut().map(|node| (&node.element, &mut node.is_member, &mut node.below))
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

    /// Lets something be taken from every field that is in both sets, or has parts there.
    fn cut(&mut self, other: &Self, take: impl Fn(&mut Node, &Node)) {
        let mut is_any_gone = false;
        for theirs in &other.nodes {
            if let Ok(index) = self.find(&theirs.element) {
                let node = &mut self.nodes[index];
                take(node, theirs);
                is_any_gone |= !node.is_anything();
            }
        }
        if is_any_gone {
            self.nodes.retain(Node::is_anything);
        }
    }
}

impl Node {
    fn is_anything(&self) -> bool {
        self.is_member || !self.below.is_empty()
    }
}

#[cfg(test)]
mod tests;
