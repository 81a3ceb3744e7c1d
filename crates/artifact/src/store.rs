//! Where a source controller keeps its artifacts.

mod garbage;

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tree::archive::WriteArchiveError;
use tree::{Files, Ignore};

use crate::digest::{Algorithm, Digest, DigestError, Hasher};
use crate::revision::Revision;
pub use garbage::Collected;

/// Files under construction. The leading dot keeps them from being served.
const TEMPORARY: &str = ".tmp-";

/// A source's content as one file, addressed by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Relative to the root of the store: `<kind>/<namespace>/<name>/<file>`.
    pub path: String,
    /// Where consumers get it.
    pub url: String,
    /// Which state of the source it holds.
    pub revision: Revision,
    /// Of the `.tar.gz` exactly as served.
    pub digest: Digest,
    /// Length of the `.tar.gz` in bytes.
    pub size: u64,
    /// When it was stored.
    pub last_update: SystemTime,
}

/// The directory of one source in the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place(String);

/// A kind, namespace, name or file that is not one part of a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part:?} cannot be part of an artifact's path")]
pub struct PlaceError {
    /// The offending part.
    pub part: String,
}

/// How long old artifacts stay, for consumers that still hold their URLs.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Artifacts older than this go, the current one excepted.
    pub ttl: Duration,
    /// Beyond this number the oldest go, whatever their age. The current one counts.
    pub records: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { ttl: Duration::from_mins(1), records: 2 }
    }
}

/// What a [`Store`] is opened with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The directory of the disk that holds everything.
    pub root: PathBuf,
    /// The host, with a port where it is not 80, under which consumers reach the [server](crate::server).
    pub host: String,
    /// For [`Store::collect_garbage`].
    pub retention: Retention,
    /// For new artifacts.
    pub algorithm: Algorithm,
}

/// Artifacts on disk.
///
/// *Guarantees*: a file under its final name is whole, whenever the process was killed. Directories are 0700, files
/// 0600. Nothing is ever written or removed outside of the root.
///
/// *Assumptions*: one process writes; of one source, one call at a time.
///
/// *Caveats*: bytes are not forced to disk. After a power cut a file may be short; [`Store::verify`] finds out.
///
/// Calls block on the disk: from async code, call from a blocking thread.
#[derive(Debug)]
pub struct Store {
    settings: Settings,
}

/// The store itself is unusable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A directory cannot be made.
    #[error("create the artifact directory {}", path.display())]
    Create {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A directory cannot be removed.
    #[error("remove the artifact directory {path}")]
    Remove {
        /// Relative to the root of the store.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A directory cannot be listed, or a file in it not removed.
    #[error("collect old artifacts in {path}")]
    Collect {
        /// Relative to the root of the store.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Why an artifact could not be stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PutError {
    /// The source's directory cannot be made.
    #[error("create the artifact directory {path}")]
    Directory {
        /// Relative to the root of the store.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be written: a full disk, most of the time.
    #[error("write artifact {path}")]
    Write {
        /// Relative to the root of the store.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The tree cannot be read, or its archive not be written.
    #[error("archive into {path}")]
    Archive {
        /// Relative to the root of the store.
        path: String,
        /// What the archiver said.
        source: WriteArchiveError,
    },
}

/// Why a stored artifact is not what a status says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is no such file, or the path is not one of this store.
    #[error("artifact {path} disappeared from storage")]
    Missing {
        /// The path in the status.
        path: String,
    },
    /// The digest in the status is not one.
    #[error("artifact {path} has no usable digest")]
    Digest {
        /// The path in the status.
        path: String,
        /// What is wrong with it.
        source: DigestError,
    },
    /// The bytes changed.
    #[error("computed digest {actual} of artifact {path} does not match {expected}")]
    Mismatch {
        /// The path in the status.
        path: String,
        /// Of the bytes on disk.
        actual: Digest,
        /// Of the status.
        expected: Digest,
    },
    /// The file cannot be read.
    #[error("read artifact {path}")]
    Read {
        /// The path in the status.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Place {
    /// The place of an object; the kind is lower-cased.
    ///
    /// # Errors
    /// A part that is empty, starts with a dot or holds a slash, backslash or NUL.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Result<Self, PlaceError> {
        for part in [kind, namespace, name] {
            check_part(part)?;
        }
        Ok(Self(format!("{}/{namespace}/{name}", kind.to_ascii_lowercase())))
    }

    /// The path of a file of this object.
    fn file(&self, name: &str) -> Result<String, PlaceError> {
        check_part(name)?;
        Ok(format!("{}/{name}", self.0))
    }
}

fn check_part(part: &str) -> Result<(), PlaceError> {
    if part.is_empty() || part.starts_with('.') || part.contains(['/', '\\', '\0']) {
        return Err(PlaceError { part: part.to_owned() });
    }
    Ok(())
}

impl Store {
    /// Opens a store, making its root if it is not there.
    ///
    /// # Errors
    /// [`StoreError::Create`].
    pub fn open(settings: Settings) -> Result<Self, StoreError> {
        make_dir(&settings.root).map_err(|source| StoreError::Create { path: settings.root.clone(), source })?;
        Ok(Self { settings })
    }

    /// Packs a tree into a file of its place. A file of that name is replaced at once and as a whole.
    ///
    /// # Errors
    /// By variant of [`PutError`]; what was there before stays.
    pub fn put(
        &self,
        place: &Place,
        file: &str,
        revision: Revision,
        (files, ignore): (&dyn Files, &Ignore),
    ) -> Result<Artifact, PutError> {
        let invalid = |error: PlaceError| PutError::Write {
            path: place.0.clone(),
            source: io::Error::new(io::ErrorKind::InvalidInput, error),
        };
        let path = place.file(file).map_err(invalid)?;
        let dir = self.settings.root.join(&place.0);
        make_dir(&dir).map_err(|source| PutError::Directory { path: place.0.clone(), source })?;

        let failed = |source| PutError::Write { path: path.clone(), source };
        let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&dir).map_err(failed)?;
        let hasher = self.settings.algorithm.hasher();
        let out = BufWriter::with_capacity(64 * 1024, Tee { file: temporary.as_file(), hasher, size: 0 });
        let out = tree::archive::write(files, ignore, out)
            .map_err(|source| PutError::Archive { path: path.clone(), source })?;
        let Tee { hasher, size, .. } = out.into_inner().map_err(|error| failed(error.into_error()))?;
        let stored = temporary.persist(self.settings.root.join(&path)).map_err(|error| failed(error.error))?;
        let last_update = stored.metadata().and_then(|metadata| metadata.modified()).map_err(failed)?;
        Ok(Artifact { url: self.url(&path), path, revision, digest: hasher.finish(), size, last_update })
    }

    /// Where consumers get the file at a path of this store, now.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.settings.host)
    }

    /// Checks that the file at a path is there and has the digest, by reading all of it.
    ///
    /// # Errors
    /// By variant of [`VerifyError`].
    pub fn verify(&self, path: &str, digest: &str) -> Result<(), VerifyError> {
        let expected = Digest::parse(digest).map_err(|source| VerifyError::Digest { path: path.to_owned(), source })?;
        let failed = |source| VerifyError::Read { path: path.to_owned(), source };
        let missing = || VerifyError::Missing { path: path.to_owned() };
        let (file, _) = self.read(path).map_err(failed)?.ok_or_else(missing)?;
        let actual = expected.algorithm().hash(file).map_err(failed)?;
        if actual == expected {
            return Ok(());
        }
        Err(VerifyError::Mismatch { path: path.to_owned(), actual, expected })
    }

    /// Whether the file at a path is there.
    pub fn holds(&self, path: &str) -> bool {
        self.read(path).is_ok_and(|found| found.is_some())
    }

    /// Removes one file; nothing happens when it is not there.
    ///
    /// # Errors
    /// [`StoreError::Remove`].
    pub fn remove_file(&self, path: &str) -> Result<(), StoreError> {
        let Some(local) = self.local_path(path) else { return Ok(()) };
        absent_is_fine(fs::remove_file(local)).map_err(|source| StoreError::Remove { path: path.to_owned(), source })
    }

    /// Removes all that a source has stored. True when there was something.
    ///
    /// # Errors
    /// [`StoreError::Remove`].
    pub fn remove(&self, place: &Place) -> Result<bool, StoreError> {
        let dir = self.settings.root.join(&place.0);
        let existed = dir.exists();
        absent_is_fine(fs::remove_dir_all(dir))
            .map_err(|source| StoreError::Remove { path: place.0.clone(), source })?;
        Ok(existed)
    }

    /// Opens a file for reading; none when there is no regular, finished file at that path.
    ///
    /// # Errors
    /// The system's, but for a file that is not there.
    pub(crate) fn read(&self, path: &str) -> io::Result<Option<(File, fs::Metadata)>> {
        let Some(local) = self.local_path(path) else { return Ok(None) };
        let found = fs::symlink_metadata(&local).and_then(|metadata| {
            // Links are not followed: the store makes none, so one that is there leads somewhere else.
            if metadata.is_file() { File::open(&local).map(|file| Some((file, metadata))) } else { Ok(None) }
        });
        match found {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            found => found,
        }
    }

    /// The file behind a URL of this store.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub(crate) fn read_url(&self, url: &str) -> Option<io::Result<Option<(File, fs::Metadata)>>> {
        let path = url.strip_prefix("http://")?.strip_prefix(&self.settings.host)?.strip_prefix('/')?;
        Some(self.read(path))
    }

    /// The disk's path of `<kind>/<namespace>/<name>/<file>`; none for any other text.
    fn local_path(&self, path: &str) -> Option<PathBuf> {
        let parts: Vec<_> = path.split('/').collect();
        let whole = parts.len() == 4 && parts.iter().all(|part| check_part(part).is_ok());
        let finished = Path::new(path).extension().is_none_or(|extension| extension != "lock" && extension != "tmp");
        (whole && finished).then(|| self.settings.root.join(path))
    }
}

fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn absent_is_fine(outcome: io::Result<()>) -> io::Result<()> {
    outcome.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Writes to a file and hashes what it writes.
struct Tee<'a> {
    file: &'a File,
    hasher: Hasher,
    size: u64,
}

impl Write for Tee<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests;
