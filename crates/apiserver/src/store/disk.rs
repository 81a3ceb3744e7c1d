//! The store on disk: one thread that writes what has happened, many changes to a commit.
//!
//! *Guarantees*: what [`Durable::wait`] confirms is there after `kill -9`. Changes reach the disk in the order of their
//! revisions, so what is there after a crash is how everything was at one revision.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tokio::sync::oneshot;

use super::{ShelfName, Stored};

const FILE: &str = "apiserver.redb";
/// `shelf NUL key` to the revision in 8 bytes and the object.
const OBJECTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("objects");
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
const REVISION: &str = "revision";
/// Changes that share a commit at most.
const GROUP: usize = 4096;
/// Pages that redb may keep in memory.
const CACHE: usize = 8 << 20;

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError {
    /// The folder cannot be made.
    #[error("make the folder {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is in use, damaged, or of another format.
    #[error("open {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<redb::Error>,
    },
    /// A value of the file is not one of ours.
    #[error("{path} holds {key:?}, which no version of this program wrote")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The key of the value.
        key: String,
    },
}

/// An object that was found.
pub(super) struct Row {
    pub(super) shelf: String,
    pub(super) key: String,
    pub(super) stored: Stored,
}

/// A key of the file and its value.
type Found = (String, Vec<u8>);

/// A promise that a change lasts.
#[derive(Debug)]
pub(crate) struct Durable(Option<oneshot::Receiver<()>>);

impl Durable {
    /// For what is kept in memory alone.
    pub(crate) fn now() -> Self {
        Self(None)
    }

    /// Waits until the change is on disk. False when it cannot get there.
    pub(crate) async fn wait(self) -> bool {
        match self.0 {
            None => true,
            Some(done) => done.await.is_ok(),
        }
    }
}

#[derive(Debug)]
struct Job {
    key: String,
    revision: u64,
    /// None removes.
    bytes: Option<Bytes>,
    done: oneshot::Sender<()>,
}

#[derive(Debug)]
pub(super) struct Disk {
    jobs: Option<mpsc::Sender<Job>>,
    revision: u64,
    failed: Arc<Mutex<Option<String>>>,
    writer: Option<JoinHandle<()>>,
}

impl Disk {
    /// Opens the folder's file, and reads all that is in it.
    pub(super) fn open(folder: &Path) -> Result<(Self, Vec<Row>), DiskError> {
        std::fs::create_dir_all(folder).map_err(|source| DiskError::Folder { path: folder.to_owned(), source })?;
        let path = folder.join(FILE);
        let failed = |source: redb::Error| DiskError::Open { path: path.clone(), source: Box::new(source) };
        let database = Database::builder().set_cache_size(CACHE).create(&path).map_err(|error| failed(error.into()))?;
        let (revision, rows) = read(&database).map_err(failed)?;
        let rows = rows
            .into_iter()
            .map(|(key, value)| row(&key, &value).ok_or(DiskError::Foreign { path: path.clone(), key }))
            .collect::<Result<Vec<_>, _>>()?;
        let (jobs, inbox) = mpsc::channel();
        let failed = Arc::new(Mutex::new(None));
        let report = failed.clone();
        let writer = std::thread::spawn(move || {
            if let Err(error) = write(&database, &inbox) {
                tracing::error!(%error, "cannot write to the data folder; no further change is confirmed");
                *report.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            }
        });
        Ok((Self { jobs: Some(jobs), revision, failed, writer: Some(writer) }, rows))
    }

    /// The last revision that was written.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Why nothing can be written any more, if so.
    pub(super) fn failed(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn keep(&self, shelf: &ShelfName, key: &str, stored: &Stored) -> Durable {
        self.send(shelf, key, stored.revision, Some(stored.bytes.clone()))
    }

    pub(super) fn forget(&self, shelf: &ShelfName, key: &str, revision: u64) -> Durable {
        self.send(shelf, key, revision, None)
    }

    fn send(&self, shelf: &ShelfName, key: &str, revision: u64, bytes: Option<Bytes>) -> Durable {
        let (done, receipt) = oneshot::channel();
        if let Some(jobs) = &self.jobs {
            // A writer that has ended drops the job, and with it the promise.
            let _ = jobs.send(Job { key: format!("{shelf}\0{key}"), revision, bytes, done });
        }
        Durable(Some(receipt))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            // It ends when all jobs are written.
            let _ = writer.join();
        }
    }
}

fn read(database: &Database) -> Result<(u64, Vec<Found>), redb::Error> {
    let setup = database.begin_write()?;
    setup.open_table(OBJECTS)?;
    setup.open_table(NUMBERS)?;
    setup.commit()?;
    let transaction = database.begin_read()?;
    let revision = transaction.open_table(NUMBERS)?.get(REVISION)?.map_or(0, |value| value.value());
    let mut rows = Vec::new();
    for entry in transaction.open_table(OBJECTS)?.iter()? {
        let (key, value) = entry?;
        rows.push((key.value().to_owned(), value.value().to_vec()));
    }
    Ok((revision, rows))
}

fn row(key: &str, value: &[u8]) -> Option<Row> {
    let (shelf, key) = key.split_once('\0')?;
    let (revision, object) = value.split_first_chunk::<8>()?;
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(object).ok()?;
    let stored = Stored { revision: u64::from_be_bytes(*revision), bytes: Bytes::copy_from_slice(object) };
    Some(Row { shelf: shelf.to_owned(), key: key.to_owned(), stored })
}

fn write(database: &Database, inbox: &mpsc::Receiver<Job>) -> Result<(), redb::Error> {
    while let Ok(first) = inbox.recv() {
        let mut confirmed = Vec::new();
        let transaction = database.begin_write()?;
        {
            let mut objects = transaction.open_table(OBJECTS)?;
            let mut numbers = transaction.open_table(NUMBERS)?;
            let mut revision = 0;
            for job in std::iter::once(first).chain(inbox.try_iter().take(GROUP)) {
                revision = job.revision;
                match job.bytes {
                    Some(bytes) => {
                        let value = [&revision.to_be_bytes()[..], &bytes].concat();
                        objects.insert(job.key.as_str(), value.as_slice())?;
                    }
                    None => drop(objects.remove(job.key.as_str())?),
                }
                confirmed.push(job.done);
            }
            numbers.insert(REVISION, revision)?;
        }
        transaction.commit()?;
        for done in confirmed {
            // Whoever asked may have gone away.
            let _ = done.send(());
        }
    }
    Ok(())
}
