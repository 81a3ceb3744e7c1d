//! Git repositories over HTTPS and SSH, without a checkout and without the `git` program.
//!
//! One connection lists the references; if the one that is asked for moved, the same connection fetches the objects,
//! as few as will do, into a pack that is gone once nobody reads the tree.
//!
//! We speak version 0 of Git's protocol: servers of every age know it, listing takes one request instead of two, and
//! a fetch that has nothing yet needs no negotiation.

mod connection;
mod error;
mod files;
mod http;
pub mod keys;
mod known_hosts;
mod pack;
mod reference;
mod ssh;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use artifact::Revision;
use auth::Proxy;
use auth::git::Credentials;
use url::Url;

use connection::Connection;
pub use error::{Error, KeyError, ObjectError, RemoteError};
pub use files::GitFiles;
use pack::Pack;
pub use reference::Reference;
use reference::{Candidate, Plan, Selection};

/// The start of the names of our directories among the scratch.
const PREFIX: &str = "fluxide-git-";

/// What is wanted from where.
#[derive(Debug, Clone)]
pub struct GitRequest {
    /// `http`, `https` or `ssh`. Credentials within it are not used and never shown.
    pub url: Url,
    /// Which commit.
    pub reference: Reference,
    /// The revision that is here already. When the remote still is at it, nothing is fetched.
    pub last: Option<Revision>,
    /// A proxy for HTTP.
    pub proxy: Option<Proxy>,
    /// For all of it together.
    pub timeout: Duration,
    /// A directory for the objects, which are removed from it before the answer is given.
    pub scratch: PathBuf,
    /// What a server may send.
    pub limits: Limits,
    /// What SSH negotiates.
    pub ssh: SshAlgorithms,
}

/// What a server may send at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the list of references.
    pub advertisement: u64,
    /// Bytes of the pack.
    pub pack: u64,
    /// Bytes of one object.
    pub object: usize,
    /// Files and directories of the tree.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { advertisement: 64 << 20, pack: 2 << 30, object: 256 << 20, entries: 1_000_000 }
    }
}

/// Names of SSH algorithms, best first; empty for ours.
#[derive(Debug, Clone, Default)]
pub struct SshAlgorithms {
    /// Key exchanges.
    pub kex: Vec<String>,
    /// Host keys. Overrides what follows from the known hosts.
    pub host_key: Vec<String>,
}

/// What came of a request.
#[derive(Debug)]
pub enum Outcome {
    /// The remote is at the revision of [`GitRequest::last`].
    Unchanged(Revision),
    /// The content of another revision.
    Fetched(Box<Fetched>),
}

/// One commit and its files.
#[derive(Debug)]
pub struct Fetched {
    /// The files, read from the objects as they are asked for.
    pub files: GitFiles,
    /// `<reference>@sha1:<commit>`, or `sha1:<commit>` where only a commit was asked for.
    pub revision: Revision,
    /// The commit.
    pub commit: Commit,
    /// The annotated tag that led to it.
    pub tag: Option<Tag>,
}

/// A commit as far as others need it.
#[derive(Debug, Clone)]
pub struct Commit {
    /// 40 hexadecimal digits.
    pub id: String,
    /// The message's first line.
    pub subject: String,
    /// The object's bytes, for its signature.
    pub raw: Vec<u8>,
}

/// An annotated tag as far as others need it.
#[derive(Debug, Clone)]
pub struct Tag {
    /// Without `refs/tags/`.
    pub name: String,
    /// The object's bytes, for its signature.
    pub raw: Vec<u8>,
}

impl Commit {
    /// The subject, cut to 50 characters.
    pub fn short_subject(&self) -> String {
        match self.subject.char_indices().nth(50) {
            Some((end, _)) => format!("{}...", &self.subject[..end]),
            None => self.subject.clone(),
        }
    }
}

/// Lists the remote and fetches what it holds, unless that is here already. Cancel by dropping.
///
/// # Errors
/// By variant of [`Error`].
pub async fn git(request: &GitRequest, credentials: &Credentials) -> Result<Outcome, Error> {
    let step = Step::default();
    let work = run(request, credentials, &step);
    match tokio::time::timeout(request.timeout, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Deadline { url: shown(&request.url), step: step.name(), timeout: request.timeout }),
    }
}

/// Removes what fetches of a killed process left in a scratch directory, and says how much it was. Directories that were
/// changed within `age` may be another process's.
///
/// # Errors
/// The scratch directory cannot be listed. What cannot be removed stays.
pub fn remove_leftovers(scratch: &Path, age: Duration, now: SystemTime) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(scratch)? {
        let entry = entry?;
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        let old = changed.is_ok_and(|changed| now.duration_since(changed).is_ok_and(|since| since > age));
        if ours && old && fs::remove_dir_all(entry.path()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

async fn run(request: &GitRequest, credentials: &Credentials, step: &Step) -> Result<Outcome, Error> {
    let plan = Plan::new(&request.reference)?;
    let url = shown(&request.url);
    let failed = |source| {
        // Upstream looks first and clones then; we look in any case, and keep its words.
        if request.last.is_some() || plan.looks_first() {
            Error::List { url: url.clone(), source }
        } else {
            Error::Clone { url: url.clone(), source }
        }
    };

    let mut connection = Connection::open(request, credentials).await?;
    step.enter(Step::LISTING);
    let advertised = connection.list(request.limits.advertisement, |name| plan.wants(name)).await.map_err(failed)?;
    let selection = plan.select(&url, &advertised)?;
    if let (Some(last), Some(revision)) = (&request.last, selection.revision())
        && *last == revision
    {
        connection.close().await;
        return Ok(Outcome::Unchanged(revision));
    }

    step.enter(Step::FETCHING);
    let failed = |source| Error::Clone { url: url.clone(), source };
    let scratch = request.scratch.clone();
    let dir = blocking(move || tempfile::Builder::new().prefix(PREFIX).tempdir_in(scratch));
    let dir = dir.await.map_err(|source| Error::Disk { source })?;
    let download = dir.path().join("download");
    let answer = connection.fetch(&selection.wants, selection.shallow, &advertised).await.map_err(failed)?;
    wire::save_pack(answer, &download, request.limits.pack).await.map_err(failed)?;

    step.enter(Step::INDEXING);
    let pack = Pack::index(dir, download, request.limits).await.map_err(|source| Error::Objects { url, source })?;
    open(pack, selection, &plan, request.limits).await
}

/// Finds the wanted commit in the pack and the files in the commit.
async fn open(pack: Pack, selection: Selection, plan: &Plan, limits: Limits) -> Result<Outcome, Error> {
    let plan = plan.clone();
    let work = move || {
        let (candidate, commit) = newest(&pack, &selection, &plan)?;
        let revision = candidate.revision(&commit.id.to_string());
        let tag = match (&candidate.tag, commit.tag) {
            (Some(name), Some(raw)) => Some(Tag { name: name.clone(), raw }),
            _ => None,
        };
        let id = commit.id.to_string();
        let failed = |source| Error::Tree { commit: id.clone(), source };
        let files = GitFiles::new(pack, commit.tree, limits.entries).map_err(failed)?;
        let commit = Commit { id, subject: commit.subject, raw: commit.raw };
        Ok(Outcome::Fetched(Box::new(Fetched { files, revision, commit, tag })))
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(Error::Disk { source: io::Error::other(error) }),
    }
}

/// The candidate whose commit is the latest. There is more than one only where versions differ in nothing but their
/// build metadata.
fn newest(pack: &Pack, selection: &Selection, plan: &Plan) -> Result<(Candidate, pack::Commit), Error> {
    let mut best: Option<(Candidate, pack::Commit)> = None;
    for candidate in &selection.candidates {
        let commit = pack.commit(candidate.id).map_err(|source| plan.unresolved(candidate, source))?;
        if best.as_ref().is_none_or(|(_, other)| other.time < commit.time) {
            best = Some((candidate.clone(), commit));
        }
    }
    best.ok_or(Error::Empty)
}

/// A URL for messages: no password, no query.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() || !matches!(url.scheme(), "ssh") {
        auth::git::strip_userinfo(&mut url);
    }
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten()
}

/// How far we got, for the message about a deadline.
#[derive(Default)]
struct Step(AtomicUsize);

impl Step {
    const LISTING: usize = 1;
    const FETCHING: usize = 2;
    const INDEXING: usize = 3;
    const NAMES: [&'static str; 4] =
        ["connecting", "listing the references", "fetching the objects", "reading the objects"];

    fn enter(&self, step: usize) {
        self.0.store(step, Ordering::Relaxed);
    }

    fn name(&self) -> &'static str {
        Self::NAMES.get(self.0.load(Ordering::Relaxed)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::{Commit, PREFIX, remove_leftovers, shown};

    #[test]
    fn only_old_directories_of_ours_are_leftovers() {
        let scratch = tempfile::tempdir().unwrap();
        let ours = scratch.path().join(format!("{PREFIX}x"));
        for dir in [&ours, &scratch.path().join("other")] {
            fs::create_dir(dir).unwrap();
            fs::write(dir.join("download"), "x").unwrap();
        }
        let (hour, now) = (Duration::from_hours(1), SystemTime::now());
        assert_eq!(remove_leftovers(scratch.path(), hour, now).unwrap(), 0);
        assert_eq!(remove_leftovers(scratch.path(), hour, now + 2 * hour).unwrap(), 1);
        assert!(!ours.exists() && scratch.path().join("other/download").exists());
    }

    #[test]
    fn s4_urls_are_shown_without_credentials() {
        let check = |url: &str, expected: &str| assert_eq!(shown(&url.parse().unwrap()), expected);
        check("https://user:secret@example.com/r.git?token=secret#x", "https://example.com/r.git");
        check("https://token@example.com/r.git", "https://example.com/r.git");
        check("ssh://git@example.com:22/r.git", "ssh://git@example.com:22/r.git");
        check("ssh://git:secret@example.com/r.git", "ssh://example.com/r.git");
    }

    #[test]
    fn long_subjects_are_cut_at_fifty_characters() {
        let commit = |subject: String| Commit { id: String::new(), subject, raw: Vec::new() };
        assert_eq!(commit("é".repeat(50)).short_subject(), "é".repeat(50));
        assert_eq!(commit("é".repeat(51)).short_subject(), "é".repeat(50) + "...");
    }
}
