//! Objects as a server sent them.

use std::fs;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gix_hash::{Kind as Hash, ObjectId};
use gix_object::{CommitRefIter, Kind, TagRefIter};
use gix_pack::bundle::write::Options;
use gix_pack::cache::lru::StaticLinkedList;
use gix_utils::progress;
use tempfile::TempDir;

use super::Limits;
use super::error::ObjectError;

/// Tags may point at tags, but not for ever.
const TAGS: usize = 8;
/// Bytes of the bases of deltas that are kept while a tree is read.
const BASES: usize = 4 << 20;

/// All objects of one answer. Their files have no names any more: they go when this goes.
pub(super) struct Pack {
    bundle: gix_pack::Bundle,
    reader: Mutex<Reader>,
    limit: usize,
}

/// What reading objects one after the other gets faster by.
struct Reader {
    inflate: gix_zlib::Inflate,
    bases: StaticLinkedList<64>,
}

/// A commit as it lies in a pack.
pub(super) struct Commit {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
    /// The committer's clock, in seconds.
    pub(super) time: i64,
    pub(super) subject: String,
    pub(super) raw: Vec<u8>,
    /// The bytes of the tag that led here.
    pub(super) tag: Option<Vec<u8>>,
}

impl Pack {
    /// Reads a pack from its file, resolving and checking every object, and removes the directory around it.
    /// Dropping the future stops the work.
    pub(super) async fn index(dir: TempDir, pack: PathBuf, limits: Limits) -> Result<Self, ObjectError> {
        let stop = Arc::new(AtomicBool::new(false));
        let _stopper = Stopper(Arc::clone(&stop));
        let work = move || Self::index_now(dir, pack, limits, &stop);
        tokio::task::spawn_blocking(work).await.map_err(damaged)?
    }

    fn index_now(dir: TempDir, pack: PathBuf, limits: Limits, stop: &AtomicBool) -> Result<Self, ObjectError> {
        let mut input = BufReader::new(fs::File::open(pack).map_err(damaged)?);
        let options = Options { thread_limit: Some(1), alloc_limit_bytes: Some(limits.object), ..Options::default() };
        let written = gix_pack::Bundle::write_to_directory(
            &mut input,
            Some(dir.path()),
            &mut progress::Discard,
            stop,
            None::<gix_object::find::Never>,
            Hash::Sha1,
            options,
        );
        let written = written.map_err(damaged)?;
        let bundle = written.to_bundle().ok_or_else(|| damaged("it holds no objects"))?.map_err(damaged)?;
        // The open maps keep the content; from here on nothing can be left behind.
        dir.close().map_err(damaged)?;
        let bundle = gix_pack::Bundle { pack: bundle.pack.with_alloc_limit_bytes(Some(limits.object)), ..bundle };
        let reader = Reader { inflate: gix_zlib::Inflate::default(), bases: StaticLinkedList::new(BASES) };
        Ok(Self { bundle, reader: Mutex::new(reader), limit: limits.object })
    }

    /// An object of a certain kind.
    pub(super) fn read(&self, id: ObjectId, kind: Kind) -> Result<Vec<u8>, ObjectError> {
        let (found, bytes) = self.find(id)?;
        if found == kind {
            return Ok(bytes);
        }
        Err(ObjectError::Malformed { id: id.to_string(), reason: format!("it is a {found}, not a {kind}") })
    }

    /// The commit at an id, or behind the tag at it.
    pub(super) fn commit(&self, id: ObjectId) -> Result<Commit, ObjectError> {
        let (mut at, mut tag) = (id, None);
        for _ in 0..TAGS {
            let (kind, raw) = self.find(at)?;
            match kind {
                Kind::Commit => return parse_commit(at, raw, tag),
                Kind::Tag => {
                    let target = TagRefIter::from_bytes(&raw, Hash::Sha1).target_id();
                    at = target.map_err(|error| malformed(at, &error))?;
                    tag.get_or_insert(raw);
                }
                other => return Err(malformed(at, &format!("it is a {other}, not a commit"))),
            }
        }
        Err(malformed(id, &"it is a tag of tags without end"))
    }

    fn find(&self, id: ObjectId) -> Result<(Kind, Vec<u8>), ObjectError> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let Reader { inflate, bases } = &mut *reader;
        let mut bytes = Vec::new();
        let found = self.bundle.find(&id, &mut bytes, inflate, bases).map_err(|error| malformed(id, &error))?;
        let kind = found.map(|(data, _)| data.kind).ok_or_else(|| ObjectError::Missing { id: id.to_string() })?;
        if bytes.len() > self.limit {
            return Err(malformed(id, &"it is too large"));
        }
        Ok((kind, bytes))
    }
}

impl std::fmt::Debug for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pack").finish_non_exhaustive()
    }
}

/// Stops the work in another thread when nobody waits for it.
struct Stopper(Arc<AtomicBool>);

impl Drop for Stopper {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn parse_commit(id: ObjectId, raw: Vec<u8>, tag: Option<Vec<u8>>) -> Result<Commit, ObjectError> {
    let commit = || CommitRefIter::from_bytes(&raw, Hash::Sha1);
    let tree = commit().tree_id().map_err(|error| malformed(id, &error))?;
    // A clock that cannot be read counts as the earliest.
    let time = commit().committer().map_or(i64::MIN, |committer| committer.seconds());
    let message = commit().message().map_err(|error| malformed(id, &error))?;
    let subject = String::from_utf8_lossy(message).lines().next().unwrap_or_default().to_owned();
    Ok(Commit { id, tree, time, subject, raw, tag })
}

fn damaged(reason: impl std::fmt::Display) -> ObjectError {
    ObjectError::Pack { reason: reason.to_string() }
}

fn malformed(id: ObjectId, reason: &dyn std::fmt::Display) -> ObjectError {
    ObjectError::Malformed { id: id.to_string(), reason: reason.to_string() }
}
