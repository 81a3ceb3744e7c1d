//! What was done to which object.

use std::fmt;

use object::inventory::{Entry, Inventory};
use object::{Object, ObjectId};

/// What was done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It did not exist, or was replaced by a new one.
    Created,
    /// It was changed.
    Configured,
    /// It was as it should be.
    Unchanged,
    /// It asks to be left alone.
    Skipped,
    /// It was deleted, or did not exist any more.
    Deleted,
    /// The cluster refused the deletion.
    Unknown,
}

impl Action {
    /// Whether the cluster is different for it.
    pub fn is_change(self) -> bool {
        matches!(self, Self::Created | Self::Configured | Self::Deleted)
    }
}

/// Prints the word of Flux's messages, e.g. `configured`.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Deleted => "deleted",
            Self::Unknown => "unknown",
        })
    }
}

/// What was done to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The object, and the version under which it was applied.
    pub entry: Entry,
    /// What was done to it.
    pub action: Action,
}

impl Change {
    pub(crate) fn of(object: &Object, action: Action) -> Self {
        Self { entry: Entry::of(object), action }
    }
}

/// Prints `Deployment/default/web configured`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.entry.id, self.action)
    }
}

/// What was done, in the order of apply (or of deletion).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(pub Vec<Change>);

impl Changes {
    /// Those by which the cluster differs, one line each: the text of Flux's event. Empty when there are none.
    pub fn log(&self) -> String {
        lines(self.0.iter().filter(|change| change.action.is_change()))
    }

    /// All, one line each: the text of Flux's event after pruning.
    pub fn full_log(&self) -> String {
        lines(self.0.iter())
    }

    /// Whether the cluster differs.
    pub fn any(&self) -> bool {
        self.0.iter().any(|change| change.action.is_change())
    }

    /// What is owned after them: every object, skipped ones included.
    pub fn inventory(&self) -> Inventory {
        self.0.iter().map(|change| change.entry.clone()).collect()
    }

    /// The objects whose health counts: all but those that were skipped.
    pub fn to_await(&self) -> Vec<Entry> {
        let counted = self.0.iter().filter(|change| change.action != Action::Skipped);
        counted.map(|change| change.entry.clone()).collect()
    }

    /// What was done to one object.
    pub fn of(&self, id: &ObjectId) -> Option<Action> {
        self.0.iter().find(|change| change.entry.id == *id).map(|change| change.action)
    }
}

fn lines<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    changes.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
