//! What happened to one shelf lately: enough to follow it, and to say how it was.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Stored;

/// At most so many changes of a shelf are remembered,
const EVENTS: usize = 20_000;
/// and at most so many bytes of objects that are no longer current.
const SUPERSEDED_BYTES: usize = 32 << 20;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Modified,
    Deleted,
}

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) change: Change,
    pub(crate) key: Arc<str>,
    /// The object after the change; of a deletion its last state, under the revision of the deletion.
    pub(crate) object: Stored,
    /// The object before the change.
    pub(crate) before: Option<Stored>,
}

impl Event {
    /// Bytes that only the history holds.
    fn superseded(&self) -> usize {
        let last = if self.change == Change::Deleted { self.object.bytes.len() } else { 0 };
        last + self.before.as_ref().map_or(0, |before| before.bytes.len())
    }
}

/// The changes of one shelf, oldest first.
#[derive(Debug)]
pub(crate) struct History {
    events: VecDeque<Event>,
    superseded: usize,
    /// The revision of the last change that is forgotten.
    oldest: u64,
}

impl History {
    pub(crate) fn new(base: u64) -> Self {
        Self { events: VecDeque::new(), superseded: 0, oldest: base }
    }

    /// The oldest revision from which every change is remembered.
    pub(crate) fn oldest(&self) -> u64 {
        self.oldest
    }

    pub(crate) fn push(&mut self, event: Event) {
        self.superseded += event.superseded();
        self.events.push_back(event);
        while self.events.len() > EVENTS || (self.superseded > SUPERSEDED_BYTES && self.events.len() > 1) {
            let Some(forgotten) = self.events.pop_front() else { break };
            self.superseded -= forgotten.superseded();
            self.oldest = forgotten.object.revision;
        }
    }

    /// The changes after a revision.
    pub(crate) fn after(&self, revision: u64) -> impl Iterator<Item = &Event> {
        let from = self.events.partition_point(|event| event.object.revision <= revision);
        self.events.range(from..)
    }

    /// How every key that changed after a revision was at it.
    pub(crate) fn undo(&self, revision: u64) -> BTreeMap<Arc<str>, Option<Stored>> {
        let mut before = BTreeMap::new();
        for event in self.after(revision) {
            before.entry(event.key.clone()).or_insert_with(|| event.before.clone());
        }
        before
    }
}
