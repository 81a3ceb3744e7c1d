//! Getting an artifact's files by URL and digest.

mod unpacked;

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::OnceCell;
use tree::archive::{Limits, ReadArchiveError};
use tree::{Entry, Files, Kind, ReadError, TreePath};

use crate::digest::Digest;
use crate::store::Store;
use unpacked::Unpacked;

/// What an [`Opener`] is made with.
pub struct OpenSettings {
    /// Sends the requests; its own timeouts hold for each of them.
    pub client: reqwest::Client,
    /// For downloads and unpacked files. They have no names there and are gone with the process.
    pub scratch: PathBuf,
    /// For what is unpacked.
    pub limits: Limits,
    /// For what is downloaded, in bytes.
    pub largest_download: u64,
    /// What to do about a server that is not there or fails.
    pub retry: Retry,
    /// Replaces the host of every URL (`SOURCE_CONTROLLER_LOCALHOST`).
    pub host: Option<String>,
    /// The store of this very process: its artifacts are read from disk.
    pub local: Option<Arc<Store>>,
    /// How many unpacked artifacts stay, last used first, though nobody reads them.
    pub keep: usize,
}

/// How often and after which waits a download is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Tries after the first.
    pub attempts: u32,
    /// Before the second try; doubled before each further one.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
}

impl OpenSettings {
    /// Far above any real source, far below what fills a disk: 4 GiB in all, 1 GiB a file, a million entries.
    pub const LIMITS: Limits = Limits { total: 4 << 30, file: 1 << 30, entries: 1_000_000 };
}

/// Why an artifact could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The server does not have it: it restarted, or the artifact is too old. A newer status will name another one.
    #[error("artifact not found at {url}")]
    NotFound {
        /// Where it should have been.
        url: String,
    },
    /// The server did not give us the bytes.
    #[error("download artifact from {url}")]
    Download {
        /// Where it should have been.
        url: String,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// The server refused.
    #[error("download artifact from {url}: status {status}")]
    Status {
        /// Where it should have been.
        url: String,
        /// The HTTP status code.
        status: u16,
    },
    /// The bytes are not the ones that the source's status promises.
    #[error("artifact from {url} has digest {actual}, expected {expected}")]
    Digest {
        /// Where it came from.
        url: String,
        /// Of the bytes.
        actual: Digest,
        /// Of the status.
        expected: Digest,
    },
    /// There are more bytes than we take.
    #[error("artifact from {url} is larger than {limit} bytes")]
    TooLarge {
        /// Where it came from.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// The bytes are not an archive that we accept.
    #[error("unpack artifact from {url}")]
    Unpack {
        /// Where it came from.
        url: String,
        /// What is wrong with it.
        source: ReadArchiveError,
    },
    /// Our own disk failed.
    #[error("keep the artifact from {url} on disk")]
    Disk {
        /// Where it came from.
        url: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Opens artifacts, each unpacked once for all that use it at the same time.
pub struct Opener {
    settings: OpenSettings,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    /// What anybody uses, by digest.
    open: HashMap<Digest, Weak<Slot>>,
    /// What was used last.
    recent: VecDeque<Arc<Slot>>,
}

type Slot = OnceCell<Unpacked>;

/// The files of an artifact. They stay readable as long as this lives, whatever becomes of the artifact.
#[derive(Clone)]
pub struct Opened(Arc<Slot>);

impl Opener {
    /// An opener with nothing open.
    pub fn new(settings: OpenSettings) -> Self {
        Self { settings, shared: Mutex::default() }
    }

    /// Gets an artifact, checks its digest and unpacks it, unless somebody did.
    ///
    /// Cancel by dropping. Of several callers at once one works and the others wait for it.
    ///
    /// # Errors
    /// By variant of [`OpenError`].
    pub async fn open(&self, url: &str, digest: &Digest) -> Result<Opened, OpenError> {
        let slot = self.slot(digest);
        slot.get_or_try_init(|| self.fetch(url, digest)).await?;
        self.used(&slot);
        Ok(Opened(slot))
    }

    fn slot(&self, digest: &Digest) -> Arc<Slot> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = shared.open.get(digest).and_then(Weak::upgrade) {
            return slot;
        }
        shared.open.retain(|_, slot| slot.strong_count() > 0);
        let slot = Arc::new(Slot::new());
        shared.open.insert(digest.clone(), Arc::downgrade(&slot));
        slot
    }

    fn used(&self, slot: &Arc<Slot>) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.recent.retain(|other| !Arc::ptr_eq(other, slot));
        shared.recent.push_front(Arc::clone(slot));
        shared.recent.truncate(self.settings.keep);
    }

    async fn fetch(&self, url: &str, digest: &Digest) -> Result<Unpacked, OpenError> {
        let file = match self.settings.local.as_ref().and_then(|store| store.read_url(url)) {
            Some(Ok(Some((file, _)))) => self.check_local(url, digest, file).await?,
            Some(Ok(None)) => return Err(OpenError::NotFound { url: url.to_owned() }),
            Some(Err(source)) => return Err(OpenError::Disk { url: url.to_owned(), source }),
            None => self.download(url, digest).await?,
        };
        let (limits, scratch) = (self.settings.limits, self.settings.scratch.clone());
        let unpacked = blocking(move || Unpacked::new(file, &limits, &scratch)).await;
        match unpacked {
            Ok(unpacked) => unpacked.map_err(|error| match error {
                unpacked::Error::Archive(source) => OpenError::Unpack { url: url.to_owned(), source },
                unpacked::Error::Disk(source) => OpenError::Disk { url: url.to_owned(), source },
            }),
            Err(source) => Err(OpenError::Disk { url: url.to_owned(), source }),
        }
    }

    async fn check_local(&self, url: &str, digest: &Digest, mut file: File) -> Result<File, OpenError> {
        let algorithm = digest.algorithm();
        let hashed = blocking(move || {
            let actual = algorithm.hash(&file)?;
            file.rewind()?;
            Ok((file, actual))
        });
        let (file, actual) =
            hashed.await.flatten().map_err(|source| OpenError::Disk { url: url.to_owned(), source })?;
        same(url, actual, digest)?;
        Ok(file)
    }

    /// Downloads to a file without a name, trying again where the server may come back.
    async fn download(&self, url: &str, digest: &Digest) -> Result<File, OpenError> {
        let url = self.target(url);
        let mut wait = self.settings.retry.first;
        for _ in 0..self.settings.retry.attempts {
            match self.download_once(&url, digest).await {
                Err(OpenError::Download { .. } | OpenError::Status { status: 500.., .. }) => {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(self.settings.retry.longest);
                }
                outcome => return outcome,
            }
        }
        self.download_once(&url, digest).await
    }

    async fn download_once(&self, url: &str, digest: &Digest) -> Result<File, OpenError> {
        let failed = |source: reqwest::Error| OpenError::Download { url: url.to_owned(), source: source.without_url() };
        let disk = |source| OpenError::Disk { url: url.to_owned(), source };
        let mut response = self.settings.client.get(url).send().await.map_err(failed)?;
        match response.status().as_u16() {
            200 => {}
            404 => return Err(OpenError::NotFound { url: url.to_owned() }),
            status => return Err(OpenError::Status { url: url.to_owned(), status }),
        }
        let mut file = tempfile::tempfile_in(&self.settings.scratch).map_err(disk)?;
        let mut hasher = digest.algorithm().hasher();
        let (mut size, limit) = (0, self.settings.largest_download);
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            size += piece.len() as u64;
            if size > limit {
                return Err(OpenError::TooLarge { url: url.to_owned(), limit });
            }
            hasher.update(&piece);
            // Pieces are small and go to the page cache; a thread for each would cost more than it saves.
            file.write_all(&piece).map_err(disk)?;
        }
        same(url, hasher.finish(), digest)?;
        file.rewind().map_err(disk)?;
        Ok(file)
    }

    fn target(&self, url: &str) -> String {
        let Some(host) = &self.settings.host else { return url.to_owned() };
        let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
        let path = rest.find('/').map_or("", |slash| &rest[slash..]);
        format!("{scheme}://{host}{path}")
    }
}

fn same(url: &str, actual: Digest, expected: &Digest) -> Result<(), OpenError> {
    if actual == *expected {
        return Ok(());
    }
    Err(OpenError::Digest { url: url.to_owned(), actual, expected: expected.clone() })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}

impl Opened {
    fn files(&self) -> Result<&Unpacked, ReadError> {
        // Only a filled slot is ever handed out.
        self.0.get().ok_or_else(|| ReadError::NotFound { path: TreePath::root() })
    }
}

impl Files for Opened {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        self.files()?.read(path)
    }

    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        self.files()?.kind(path)
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<Entry>, ReadError> {
        self.files()?.list(dir)
    }

    fn link(&self, path: &TreePath) -> Result<String, ReadError> {
        self.files()?.link(path)
    }
}
