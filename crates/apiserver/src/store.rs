//! The objects: current ones in ordered maps, what led to them in a bounded history per resource, all under one revision.
//!
//! *Guarantees*: revisions grow by one per change and are given out in the order in which changes become visible. A list
//! at an earlier revision is exactly what was there then, or refused as expired. A watch sees every change after its
//! position once, in order, or is told that its position is gone. A reader holds no buffers here: one that is slow falls
//! behind the history.
//!
//! A value is the object's JSON without `apiVersion` and `kind`, which the row it is served under knows: all versions of
//! a kind share one value, and a read answers with the bytes as they are.

mod derived;
mod disk;
mod history;
mod index;
mod watcher;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use serde_json::{Map, Value};

pub(crate) use self::derived::Derived;
pub(crate) use self::disk::{DiskError, Durable};
use self::history::History;
pub(crate) use self::history::{Change, Event};
use self::index::Index;
pub(crate) use self::index::Located;
pub(crate) use self::watcher::Watcher;

/// The name of a shelf: `deployments.apps`, shared by all versions of a resource.
pub(crate) type ShelfName = Arc<str>;

/// An object as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The revision that wrote it.
    pub(crate) revision: u64,
    /// Its JSON without `apiVersion` and `kind`.
    pub(crate) bytes: Bytes,
}

impl Stored {
    /// The object, still without `apiVersion` and `kind`.
    pub(crate) fn parse(&self) -> Map<String, Value> {
        // Only what was serialized here is ever kept.
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }
}

/// What must be there for a change to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// No object has the key.
    Absent,
    /// The object is the one that this revision wrote.
    Revision(u64),
}

/// What was expected is not there: read again.
#[derive(Debug)]
pub(crate) struct Mismatch;

/// Objects of one shelf at one revision.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) revision: u64,
    /// By key, in order.
    pub(crate) items: Vec<(Arc<str>, Stored)>,
}

/// A revision that can no longer be reconstructed.
#[derive(Debug)]
pub(crate) struct Gone {
    /// What was asked for.
    pub(crate) asked: u64,
    /// The oldest that can be.
    pub(crate) oldest: u64,
}

/// All objects.
#[derive(Debug)]
pub(crate) struct Store {
    inner: RwLock<Inner>,
    /// Woken with the name of the shelf at every change, for the controllers inside.
    changes: tokio::sync::mpsc::UnboundedSender<Touched>,
    disk: Option<disk::Disk>,
}

/// A change, as the controllers inside hear of it.
#[derive(Clone, Debug)]
pub(crate) struct Touched {
    pub(crate) shelf: ShelfName,
    pub(crate) key: Arc<str>,
    pub(crate) change: Change,
    /// The uid of the object, kept only of one that is gone.
    pub(crate) uid: Option<String>,
    /// The uids of its owners.
    pub(crate) owners: Vec<String>,
    /// Whether it is to be deleted.
    pub(crate) terminating: bool,
}

impl Touched {
    pub(crate) fn new(shelf: &ShelfName, key: &Arc<str>, change: Change, object: &Map<String, Value>) -> Self {
        let metadata = object.get("metadata");
        let uid = metadata.and_then(|metadata| metadata.get("uid")).and_then(Value::as_str);
        Self {
            shelf: shelf.clone(),
            key: key.clone(),
            change,
            uid: uid.filter(|_| change == Change::Deleted).map(str::to_owned),
            owners: index::owners(object).map(str::to_owned).collect(),
            terminating: metadata.is_some_and(|metadata| metadata.get("deletionTimestamp").is_some()),
        }
    }
}

#[derive(Debug)]
struct Inner {
    revision: u64,
    /// The revision before which nothing is known: that of the start.
    base: u64,
    shelves: BTreeMap<ShelfName, Shelf>,
    index: Index,
}

#[derive(Debug)]
struct Shelf {
    objects: BTreeMap<Arc<str>, Stored>,
    history: History,
    /// The last revision that changed the shelf.
    wake: tokio::sync::watch::Sender<u64>,
}

impl Shelf {
    fn new(base: u64) -> Self {
        Self { objects: BTreeMap::new(), history: History::new(base), wake: tokio::sync::watch::Sender::new(base) }
    }
}

/// Revisions that a restart leaves out, so that a client that saw a change which the crash lost reads anew.
const RESTART_GAP: u64 = 1000;

impl Store {
    /// An empty store, or the one that a folder holds.
    ///
    /// # Errors
    /// [`DiskError`] when the folder cannot be used.
    pub(crate) fn open(
        data_dir: Option<&Path>,
        changes: tokio::sync::mpsc::UnboundedSender<Touched>,
    ) -> Result<Self, DiskError> {
        let mut inner = Inner { revision: 0, base: 0, shelves: BTreeMap::new(), index: Index::default() };
        let Some(folder) = data_dir else {
            return Ok(Self { inner: RwLock::new(inner), changes, disk: None });
        };
        let (disk, found) = disk::Disk::open(folder)?;
        let newest = found.iter().map(|row| row.stored.revision).max().unwrap_or(0).max(disk.revision());
        inner.base = if newest == 0 { 0 } else { newest + RESTART_GAP };
        inner.revision = inner.base;
        for disk::Row { shelf, key, stored } in found {
            let shelf: ShelfName = shelf.into();
            let key: Arc<str> = key.into();
            inner.index.insert(&shelf, &key, &stored.parse());
            let base = inner.base;
            inner.shelves.entry(shelf).or_insert_with(|| Shelf::new(base)).objects.insert(key, stored);
        }
        Ok(Self { inner: RwLock::new(inner), changes, disk: Some(disk) })
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The revision of the last change.
    pub(crate) fn revision(&self) -> u64 {
        self.read().revision
    }

    /// Whether there is nothing yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.read().shelves.values().all(|shelf| shelf.objects.is_empty())
    }

    /// Why nothing can be kept any more, if so.
    pub(crate) fn failed(&self) -> Option<String> {
        self.disk.as_ref().and_then(disk::Disk::failed)
    }

    /// The revision of the last change to a shelf.
    pub(crate) fn revision_of(&self, shelf: &str) -> u64 {
        self.read().shelves.get(shelf).map_or(0, |shelf| *shelf.wake.borrow())
    }

    /// The object under a key.
    pub(crate) fn get(&self, shelf: &str, key: &str) -> Option<Stored> {
        self.read().shelves.get(shelf)?.objects.get(key).cloned()
    }

    /// The objects of a shelf whose keys begin with `prefix`, from `start` on, as they are or as they were `at` a revision.
    ///
    /// # Errors
    /// [`Gone`] when that revision is older than the history.
    pub(crate) fn list(&self, shelf: &str, prefix: &str, start: &str, at: Option<u64>) -> Result<Snapshot, Gone> {
        let inner = self.read();
        let now = inner.revision;
        let Some(shelf) = inner.shelves.get(shelf) else {
            return match at.filter(|at| *at < inner.base) {
                Some(asked) => Err(Gone { asked, oldest: inner.base }),
                None => Ok(Snapshot { revision: at.unwrap_or(now), items: Vec::new() }),
            };
        };
        let from = if start > prefix { start } else { prefix };
        let current = shelf
            .objects
            .range::<str, _>((Bound::Included(from), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, stored)| (key.clone(), stored.clone()));
        let Some(at) = at.filter(|at| *at < now) else {
            return Ok(Snapshot { revision: now, items: current.collect() });
        };
        if at < shelf.history.oldest() {
            return Err(Gone { asked: at, oldest: shelf.history.oldest() });
        }
        let mut items: BTreeMap<Arc<str>, Stored> = current.collect();
        for (key, before) in shelf.history.undo(at) {
            if !key.starts_with(prefix) || &*key < from {
                continue;
            }
            match before {
                Some(stored) => items.insert(key, stored),
                None => items.remove(&key),
            };
        }
        Ok(Snapshot { revision: at, items: items.into_iter().collect() })
    }

    /// How many objects each shelf holds.
    pub(crate) fn sizes(&self) -> Vec<(ShelfName, usize)> {
        self.read().shelves.iter().map(|(name, shelf)| (name.clone(), shelf.objects.len())).collect()
    }

    /// Keeps an object. What was written, and a promise that it lasts.
    ///
    /// # Errors
    /// [`Mismatch`] when another change came first.
    pub(crate) fn put(
        &self,
        name: &ShelfName,
        key: &str,
        expect: Expect,
        object: Map<String, Value>,
    ) -> Result<(Stored, Durable), Mismatch> {
        let mut inner = self.write();
        let inner = &mut *inner;
        let base = inner.base;
        let shelf = inner.shelves.entry(name.clone()).or_insert_with(|| Shelf::new(base));
        let before = shelf.objects.get_key_value(key).map(|(key, stored)| (key.clone(), stored.clone()));
        let found = before.as_ref().map(|(_, stored)| stored.revision);
        if found != expected(expect) {
            return Err(Mismatch);
        }
        inner.revision += 1;
        let revision = inner.revision;
        let stored = seal(object, revision, |object| {
            if let Some((key, stored)) = &before {
                inner.index.remove(name, key, &stored.parse());
            }
            let key = before.as_ref().map_or_else(|| Arc::from(key), |(key, _)| key.clone());
            inner.index.insert(name, &key, object);
            let change = if before.is_some() { Change::Modified } else { Change::Added };
            Touched::new(name, &key, change, object)
        });
        let (stored, touched) = stored;
        let (key, change) = (touched.key.clone(), touched.change);
        shelf.objects.insert(key.clone(), stored.clone());
        shelf.history.push(Event {
            change,
            key: key.clone(),
            object: stored.clone(),
            before: before.map(|(_, stored)| stored),
        });
        shelf.wake.send_replace(revision);
        let durable = self.disk.as_ref().map_or_else(Durable::now, |disk| disk.keep(name, &key, &stored));
        // The controllers end with the server; then nobody listens.
        let _ = self.changes.send(touched);
        Ok((stored, durable))
    }

    /// Removes an object, whose last state is `object`.
    ///
    /// # Errors
    /// [`Mismatch`] when another change came first.
    pub(crate) fn remove(
        &self,
        name: &ShelfName,
        key: &str,
        revision: u64,
        object: Map<String, Value>,
    ) -> Result<(Stored, Durable), Mismatch> {
        let mut inner = self.write();
        let inner = &mut *inner;
        let shelf = inner.shelves.get_mut(name).ok_or(Mismatch)?;
        if shelf.objects.get(key).map(|stored| stored.revision) != Some(revision) {
            return Err(Mismatch);
        }
        let (key, before) = shelf.objects.remove_entry(key).ok_or(Mismatch)?;
        inner.revision += 1;
        let revision = inner.revision;
        let (stored, touched) = seal(object, revision, |object| {
            inner.index.remove(name, &key, &before.parse());
            Touched::new(name, &key, Change::Deleted, object)
        });
        shelf.history.push(Event {
            change: Change::Deleted,
            key: key.clone(),
            object: stored.clone(),
            before: Some(before),
        });
        shelf.wake.send_replace(revision);
        let durable = self.disk.as_ref().map_or_else(Durable::now, |disk| disk.forget(name, &key, revision));
        let _ = self.changes.send(touched);
        Ok((stored, durable))
    }

    /// Follows the keys of a shelf that begin with `prefix`, from the change after `position` on.
    pub(crate) fn watch(self: &Arc<Self>, name: &ShelfName, prefix: &str, position: u64) -> Watcher {
        let mut inner = self.write();
        let base = inner.base;
        let shelf = inner.shelves.entry(name.clone()).or_insert_with(|| Shelf::new(base));
        Watcher::new(self.clone(), name.clone(), prefix.to_owned(), position, shelf.wake.subscribe())
    }

    /// The objects that name this uid as an owner.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<Located> {
        self.read().index.dependents(uid)
    }

    /// Where the object with this uid is.
    pub(crate) fn locate(&self, uid: &str) -> Option<Located> {
        self.read().index.locate(uid)
    }
}

fn expected(expect: Expect) -> Option<u64> {
    match expect {
        Expect::Absent => None,
        Expect::Revision(revision) => Some(revision),
    }
}

/// Writes the revision into the object and prints it, without what the row it is served under knows.
fn seal<T>(mut object: Map<String, Value>, revision: u64, note: impl FnOnce(&Map<String, Value>) -> T) -> (Stored, T) {
    object.remove("apiVersion");
    object.remove("kind");
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.insert("resourceVersion".to_owned(), Value::String(revision.to_string()));
    }
    let noted = note(&object);
    let bytes = serde_json::to_vec(&object).unwrap_or_default();
    (Stored { revision, bytes: Bytes::from(bytes) }, noted)
}

#[cfg(test)]
mod tests;
