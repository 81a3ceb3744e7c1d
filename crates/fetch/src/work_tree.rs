//! A work tree on the disk, in place of the repository that it belongs to: what is saved, committed or not.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

use sha1::{Digest as _, Sha1};
use tree::{InsertError, PathError, Tree, TreePath};

/// More than this is no repository of manifests; all of it is held in memory.
const LARGEST: u64 = 256 << 20;

/// A directory, and the addresses of the repository that it is a checkout of.
#[derive(Debug, Clone)]
pub struct WorkTree {
    root: PathBuf,
    addresses: Vec<Address>,
}

/// What a work tree holds at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// The files, without what Git ignores.
    pub files: Tree,
    /// 40 hexadecimal digits that depend on names, contents and modes alone. There is no commit of that name.
    pub id: String,
    /// Files that are left out because no consumer could read a file of that name.
    pub skipped: Vec<String>,
}

/// A work tree cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkTreeError {
    /// A file or directory cannot be read.
    #[error("read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory cannot be listed.
    #[error("list the work tree {path}")]
    List {
        /// The work tree.
        path: PathBuf,
        /// Which directory, and why.
        source: ignore::Error,
    },
    /// It holds too much.
    #[error("the work tree {path} holds more than {limit} MiB; name a smaller directory, or have Git ignore the rest")]
    TooLarge {
        /// The work tree.
        path: PathBuf,
        /// In MiB.
        limit: u64,
    },
    /// The disk changed while it was read.
    #[error("the work tree {path} changed while it was read")]
    Changed {
        /// The work tree.
        path: PathBuf,
        /// What did not fit.
        source: InsertError,
    },
}

impl WorkTree {
    /// Takes a directory, and the remotes of the Git repository whose work tree it lies in, if any.
    ///
    /// # Errors
    /// [`WorkTreeError::Read`] when it is no directory, or its Git configuration cannot be read.
    pub fn open(directory: &Path) -> Result<Self, WorkTreeError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| WorkTreeError::Read { path, source }
        };
        let directory = directory.canonicalize().map_err(failed(directory))?;
        fs::read_dir(&directory).map_err(failed(&directory))?;
        let top = directory.ancestors().find(|ancestor| ancestor.join(".git").exists());
        let Some(top) = top else { return Ok(Self { root: directory, addresses: Vec::new() }) };
        let config = git_folder(top).map(|folder| folder.join("config")).map_err(failed(top))?;
        let text = fs::read_to_string(&config).map_err(failed(&config))?;
        Ok(Self { root: top.to_owned(), addresses: remotes(&text).map(Address::parse).collect() })
    }

    /// The directory whose files are the repository's.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes it stand in for one more address.
    pub fn stand_in_for(&mut self, url: &str) {
        self.addresses.push(Address::parse(url));
    }

    /// Whether this address is one of the repository's, whatever protocol it names.
    pub fn is_at(&self, url: &str) -> bool {
        self.addresses.contains(&Address::parse(url))
    }

    /// Reads all files.
    ///
    /// # Errors
    /// [`WorkTreeError`].
    pub fn read(&self) -> Result<Snapshot, WorkTreeError> {
        let mut snapshot = Snapshot { files: Tree::new(), id: String::new(), skipped: Vec::new() };
        let mut hash = Sha1::new();
        let mut room = LARGEST;
        for entry in self.walk() {
            let entry = entry.map_err(|source| WorkTreeError::List { path: self.root.clone(), source })?;
            let failed = |source| WorkTreeError::Read { path: entry.path().to_owned(), source };
            let Some(kind) = entry.file_type().filter(|kind| !kind.is_dir()) else { continue };
            let Some(path) = self.inner(entry.path()) else {
                snapshot.skipped.push(entry.path().display().to_string());
                continue;
            };
            let changed = |source| WorkTreeError::Changed { path: self.root.clone(), source };
            let (mode, bytes) = if kind.is_symlink() {
                let target = fs::read_link(entry.path()).map_err(failed)?.to_string_lossy().into_owned();
                snapshot.files.insert_link(&path, target.clone()).map_err(changed)?;
                ("link", target.into_bytes())
            } else if kind.is_file() {
                let meta = entry.path().metadata().map_err(failed)?;
                room = room.checked_sub(meta.len()).ok_or_else(|| self.too_large())?;
                let bytes = fs::read(entry.path()).map_err(failed)?;
                if is_executable(&meta) {
                    snapshot.files.insert_executable(&path, bytes.clone()).map_err(changed)?;
                    ("program", bytes)
                } else {
                    snapshot.files.insert(&path, bytes.clone()).map_err(changed)?;
                    ("file", bytes)
                }
            } else {
                continue;
            };
            hash.update(format!("{mode} {} {}\0", bytes.len(), path.as_str()));
            hash.update(&bytes);
        }
        for byte in hash.finalize() {
            // Writing to a String cannot fail.
            let _ = write!(snapshot.id, "{byte:02x}");
        }
        Ok(snapshot)
    }

    /// A number that changes when a file is saved: of names, sizes and times, without reading contents.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for entry in self.walk().flatten() {
            let Ok(meta) = entry.path().symlink_metadata() else { continue };
            if !meta.is_dir() {
                (entry.path(), meta.len(), meta.modified().ok()).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// Everything that Git does not ignore, in the order of names.
    fn walk(&self) -> ignore::Walk {
        ignore::WalkBuilder::new(&self.root)
            .hidden(false)
            .ignore(false)
            .parents(false)
            .require_git(false)
            .filter_entry(|entry| entry.file_name() != ".git")
            .sort_by_file_path(Path::cmp)
            .build()
    }

    fn inner(&self, path: &Path) -> Option<TreePath> {
        let text = path.strip_prefix(&self.root).ok()?.to_str()?;
        let parsed: Result<TreePath, PathError> = TreePath::parse(text);
        parsed.ok()
    }

    fn too_large(&self) -> WorkTreeError {
        WorkTreeError::TooLarge { path: self.root.clone(), limit: LARGEST >> 20 }
    }
}

/// Where the configuration lies: linked work trees keep theirs in the repository that they are linked to.
fn git_folder(top: &Path) -> io::Result<PathBuf> {
    let dot_git = top.join(".git");
    if dot_git.is_dir() {
        return Ok(dot_git);
    }
    let text = fs::read_to_string(&dot_git)?;
    let folder = top.join(text.trim().strip_prefix("gitdir:").unwrap_or_default().trim());
    match fs::read_to_string(folder.join("commondir")) {
        Ok(common) => Ok(folder.join(common.trim())),
        Err(_) => Ok(folder),
    }
}

/// The addresses in the `[remote …]` sections of a Git configuration.
fn remotes(config: &str) -> impl Iterator<Item = &str> {
    let mut in_remote = false;
    config.lines().map(str::trim).filter_map(move |line| {
        if line.starts_with('[') {
            in_remote = line.starts_with("[remote ");
            return None;
        }
        let (key, value) = line.split_once('=').filter(|_| in_remote)?;
        (key.trim().eq_ignore_ascii_case("url")).then(|| value.trim().trim_matches('"'))
    })
}

/// Where a repository is, whatever protocol it is reached by: `git@h:o/r.git` and `https://h/o/r` are one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Address {
    host: String,
    path: String,
}

impl Address {
    fn parse(url: &str) -> Self {
        let (host, path) = match url.split_once("://") {
            Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
            None => url.split_once(':').unwrap_or(("", url)),
        };
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        Self { host: host.to_lowercase(), path: path.to_lowercase() }
    }
}

/// Whether its owner may run a file.
#[cfg(unix)]
fn is_executable(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    meta.permissions().mode() & 0o100 != 0
}

/// Whether its owner may run a file.
#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(config: &str) -> (tempfile::TempDir, WorkTree) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".git")).unwrap();
        fs::create_dir_all(folder.path().join("apps/web")).unwrap();
        fs::write(folder.path().join(".git/config"), config).unwrap();
        fs::write(folder.path().join(".gitignore"), "*.tmp\n").unwrap();
        fs::write(folder.path().join("apps/web/a.yaml"), "a: 1\n").unwrap();
        fs::write(folder.path().join("apps/web/b.tmp"), "not in Git").unwrap();
        let tree = WorkTree::open(&folder.path().join("apps")).unwrap();
        (folder, tree)
    }

    const CONFIG: &str =
        "[core]\n\turl = no\n[remote \"origin\"]\n\turl = git@github.com:Org/fleet.git\n\tfetch = +x\n";

    #[test]
    fn what_git_ignores_is_not_there() {
        let (_folder, tree) = repository(CONFIG);
        let snapshot = tree.read().unwrap();
        let paths: Vec<&str> = snapshot.files.paths().map(TreePath::as_str).collect();
        assert_eq!(paths, [".gitignore", "apps/web/a.yaml"]);
    }

    #[test]
    fn a_saved_file_gives_another_id_and_fingerprint() {
        let (folder, tree) = repository(CONFIG);
        let (before, fingerprint) = (tree.read().unwrap().id, tree.fingerprint());
        assert_eq!(tree.read().unwrap().id, before);
        assert_eq!(before.len(), 40);
        fs::write(folder.path().join("apps/web/a.yaml"), "a: 23\n").unwrap();
        assert_ne!(tree.read().unwrap().id, before);
        assert_ne!(tree.fingerprint(), fingerprint);
    }

    #[test]
    fn a_repository_is_known_by_every_protocol() {
        let (_folder, mut tree) = repository(CONFIG);
        for url in [
            "https://github.com/org/fleet",
            "ssh://git@github.com/Org/fleet.git",
            "https://me@github.com:443/org/fleet/",
        ] {
            assert!(tree.is_at(url), "{url}");
        }
        for url in ["https://github.com/org/other", "https://example.com/org/fleet", "no", ""] {
            assert!(!tree.is_at(url), "{url}");
        }
        tree.stand_in_for("https://git.example.com/fleet");
        assert!(tree.is_at("ssh://git@git.example.com/fleet.git"));
    }

    #[test]
    fn a_directory_without_git_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "a: 1\n").unwrap();
        let tree = WorkTree::open(folder.path()).unwrap();
        assert_eq!(tree.read().unwrap().files.paths().count(), 1);
        assert!(!tree.is_at("https://github.com/org/fleet"));
        assert!(matches!(WorkTree::open(&folder.path().join("a.yaml")), Err(WorkTreeError::Read { .. })));
    }

    #[test]
    fn x3_links_are_kept_as_text_and_not_followed() {
        let (folder, tree) = repository(CONFIG);
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("apps/passwd")).unwrap();
        let snapshot = tree.read().unwrap();
        let path = TreePath::parse("apps/passwd").unwrap();
        assert!(matches!(tree::Files::kind(&snapshot.files, &path), Ok(Some(tree::Kind::Symlink))));
    }
}
