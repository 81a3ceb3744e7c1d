//! Following a shelf: a position in its history, and a bell.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Event, Gone, ShelfName, Store};

/// Changes that are taken at once.
const BATCH: usize = 64;

/// Follows the changes of a shelf.
///
/// It holds a position, no changes: who reads slowly is told that its position is gone, and costs nothing until then.
#[derive(Debug)]
pub(crate) struct Watcher {
    store: Arc<Store>,
    shelf: ShelfName,
    prefix: String,
    position: u64,
    bell: watch::Receiver<u64>,
}

impl Watcher {
    pub(super) fn new(
        store: Arc<Store>,
        shelf: ShelfName,
        prefix: String,
        position: u64,
        bell: watch::Receiver<u64>,
    ) -> Self {
        Self { store, shelf, prefix, position, bell }
    }

    /// The revision up to which everything has been handed out.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next changes, at least one; waits for them.
    ///
    /// # Errors
    /// [`Gone`] when changes were forgotten before they were asked for.
    pub(crate) async fn next(&mut self) -> Result<Vec<Event>, Gone> {
        loop {
            self.bell.mark_unchanged();
            let events = self.take()?;
            if !events.is_empty() {
                return Ok(events);
            }
            if self.bell.changed().await.is_err() {
                // The store is gone, and the server with it.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The next changes that have happened, none if there are none.
    fn take(&mut self) -> Result<Vec<Event>, Gone> {
        let inner = self.store.read();
        let Some(shelf) = inner.shelves.get(&self.shelf) else { return Ok(Vec::new()) };
        if self.position < shelf.history.oldest() {
            return Err(Gone { asked: self.position, oldest: shelf.history.oldest() });
        }
        let mut events = Vec::new();
        for event in shelf.history.after(self.position) {
            self.position = event.object.revision;
            if event.key.starts_with(&self.prefix) {
                events.push(event.clone());
                if events.len() == BATCH {
                    return Ok(events);
                }
            }
        }
        // Everything up to now has been looked at, whatever shelf it was on; never back from a future that was asked for.
        self.position = self.position.max(inner.revision);
        Ok(events)
    }
}
