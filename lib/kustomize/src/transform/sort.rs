//! The order of the output.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::config::{FIRST, LAST, sort_text};
use crate::error::{Fault, Reason};
use crate::file::SortOptions;
use crate::id::Id;
use crate::resource::Resource;

/// An order of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they were read and made.
    Fifo,
    /// By kind, these first and those last.
    Legacy { first: Vec<String>, last: Vec<String> },
}

impl Order {
    /// kustomize's own list of kinds.
    pub(crate) fn legacy() -> Self {
        let owned = |kinds: &[&str]| kinds.iter().map(|&kind| kind.to_owned()).collect();
        Self::Legacy { first: owned(FIRST), last: owned(LAST) }
    }

    pub(crate) fn new(options: &SortOptions) -> Result<Self, Fault> {
        match (options.order.as_str(), &options.legacy_sort_options) {
            ("fifo", None) => Ok(Self::Fifo),
            ("fifo", Some(_)) => Err(Reason::invalid(
                "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
            )),
            ("legacy", None) => Ok(Self::legacy()),
            ("legacy", Some(kinds)) => {
                Ok(Self::Legacy { first: kinds.order_first.clone(), last: kinds.order_last.clone() })
            }
            _ => Err(Reason::invalid("the field 'sortOptions.order' must be one of [fifo, legacy]")),
        }
    }
}

/// Brings objects into an order.
pub(crate) fn sort(list: &mut [Resource], order: &Order) {
    let Order::Legacy { first, last } = order else { return };
    let mut ranks: HashMap<&str, i64> = HashMap::new();
    for (i, kind) in (0i64..).zip(first.iter().rev()) {
        // Of a kind that is named twice the last place counts.
        ranks.entry(kind).or_insert(-1 - i);
    }
    for (i, kind) in (1i64..).zip(last) {
        ranks.insert(kind, i);
    }
    list.sort_by_cached_key(|resource| Key::new(&resource.id(), &ranks));
}

/// What objects are compared by.
#[derive(PartialEq, Eq)]
struct Key {
    rank: i64,
    gvk: String,
    id: String,
    /// A namespace: one of Kubernetes' own, or something else of that name.
    namespace: Option<bool>,
}

impl Key {
    fn new(id: &Id<'_>, ranks: &HashMap<&str, i64>) -> Self {
        let namespace = (id.gvk.kind == "Namespace").then_some(id.gvk.group.is_empty());
        let rank = ranks.get(id.gvk.kind).copied().unwrap_or(0);
        Self { rank, gvk: sort_text(id.gvk), id: id_text(id), namespace }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let gvk = || match (self.namespace, other.namespace) {
            // Kubernetes' own namespaces come before those of other groups.
            (Some(own), Some(others)) if own || others => other.gvk.cmp(&self.gvk),
            _ => self.gvk.cmp(&other.gvk),
        };
        self.rank.cmp(&other.rank).then_with(gvk).then_with(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn id_text(id: &Id<'_>) -> String {
    let or = |text, otherwise| if str::is_empty(text) { otherwise } else { text };
    format!("{}|{}|{}", id.gvk, or(id.namespace, "~X"), or(id.name, "~N"))
}
