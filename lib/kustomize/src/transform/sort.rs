//! The order of the output.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::config::{FIRST, LAST, sort_text};
use crate::error::{Fault, Reason};
use crate::file::SortOptions;
use crate::id::{Gvk, Id};
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
    list.sort_by(|a, b| compare(&a.id(), &b.id(), &ranks));
}

fn compare(a: &Id<'_>, b: &Id<'_>, ranks: &HashMap<&str, i64>) -> Ordering {
    if a.gvk == b.gvk {
        return id_text(a).cmp(&id_text(b));
    }
    let rank = |gvk: Gvk<'_>| ranks.get(gvk.kind).copied().unwrap_or(0);
    rank(a.gvk).cmp(&rank(b.gvk)).then_with(|| {
        let namespaces = a.gvk.kind == "Namespace" && b.gvk.kind == "Namespace";
        let order = sort_text(a.gvk).cmp(&sort_text(b.gvk));
        // Kubernetes' own namespaces come before those of other groups.
        if namespaces && (a.gvk.group.is_empty() || b.gvk.group.is_empty()) { order.reverse() } else { order }
    })
}

fn id_text(id: &Id<'_>) -> String {
    let or = |text, otherwise| if str::is_empty(text) { otherwise } else { text };
    format!("{}|{}|{}", id.gvk, or(id.namespace, "~X"), or(id.name, "~N"))
}
