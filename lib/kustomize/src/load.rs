//! Finding files: from which directory, through which links, and what must not be read.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use tree::{Files, Kind, TreePath};

use crate::error::{Fault, Place, Reason, nearest};

/// Where the files of a build file may lie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoadRestrictions {
    /// In its directory or below; directories with other build files may lie anywhere in the tree.
    #[default]
    RootOnly,
    /// Anywhere in the tree.
    None,
}

/// The network, as far as a build may see it.
pub trait Remote {
    /// Fetches what an entry names that is no local file: the text is the entry as written.
    ///
    /// # Errors
    /// Why it cannot be had, for the message.
    fn fetch(&self, url: &str) -> Result<Fetched, String>;
}

/// Something remote.
pub enum Fetched {
    /// One file.
    File(Vec<u8>),
    /// A directory of a repository.
    Repository {
        /// The repository's files.
        files: Arc<dyn Files>,
        /// The directory with the build file.
        path: TreePath,
        /// The address that was cloned, for `originAnnotations`.
        repo: String,
        /// The reference that was checked out, for `originAnnotations`.
        reference: String,
    },
}

/// Links inside links; more than any honest tree has.
const MAX_LINKS: usize = 40;
/// A single file; the largest bundles of custom resource definitions have a tenth of it.
pub(crate) const MAX_FILE: usize = 64 << 20;

/// A tree of files that a build reads from: the one that it was given, or a repository.
#[derive(Clone)]
pub(crate) enum Source<'a> {
    Given(&'a dyn Files),
    Fetched(Arc<dyn Files>),
}

impl Source<'_> {
    fn files(&self) -> &dyn Files {
        match self {
            Self::Given(files) => *files,
            Self::Fetched(files) => &**files,
        }
    }
}

/// The directory of a build file, and what it may read.
#[derive(Clone)]
pub(crate) struct Loader<'a> {
    source: Source<'a>,
    /// The directory after links.
    root: TreePath,
    restrictions: LoadRestrictions,
    /// Directories with links resolved, shared by all loaders of a tree.
    resolved: Rc<RefCell<HashMap<TreePath, TreePath>>>,
    /// How many bytes may still be read, shared by all loaders of a build.
    budget: Budget,
    /// The directories of the build files that led here, in this tree.
    walked: Vec<TreePath>,
    /// What a message puts before paths: the address of a repository.
    prefix: Arc<str>,
}

/// How many bytes a build may read, every file as often as it is read.
#[derive(Clone)]
pub(crate) struct Budget {
    limit: usize,
    left: Rc<Cell<usize>>,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, left: Rc::new(Cell::new(limit)) }
    }

    fn spend(&self, bytes: usize) -> Result<(), Fault> {
        let left = self.left.get().checked_sub(bytes);
        left.map(|left| self.left.set(left))
            .ok_or_else(|| Reason::Limit { what: "bytes read", limit: self.limit }.into())
    }
}

/// What an entry of `resources` names.
pub(crate) enum Found<'a> {
    File(Vec<u8>, Arc<str>),
    Directory(Loader<'a>),
    Repository(Loader<'a>, Repository),
}

/// Where a repository came from.
pub(crate) struct Repository {
    pub(crate) path: TreePath,
    pub(crate) repo: String,
    pub(crate) reference: String,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(
        files: &'a dyn Files,
        path: &TreePath,
        restrictions: LoadRestrictions,
        budget: Budget,
    ) -> Result<Self, Fault> {
        let mut loader = Self {
            source: Source::Given(files),
            root: TreePath::root(),
            restrictions,
            resolved: Rc::default(),
            budget,
            walked: Vec::new(),
            prefix: "".into(),
        };
        loader.root = loader.directory(path)?;
        Ok(loader)
    }

    /// A repository's directory: nothing outside of it is read, whatever the build allows elsewhere.
    fn repository(files: Arc<dyn Files>, path: &TreePath, url: &str, budget: Budget) -> Result<Self, Fault> {
        let mut loader = Self {
            source: Source::Fetched(files),
            root: TreePath::root(),
            restrictions: LoadRestrictions::RootOnly,
            resolved: Rc::default(),
            budget,
            walked: Vec::new(),
            prefix: format!("{url}//").into(),
        };
        loader.root = loader.directory(path)?;
        Ok(loader)
    }

    pub(crate) fn root(&self) -> &TreePath {
        &self.root
    }

    /// A path as messages name it.
    pub(crate) fn display(&self, path: &TreePath) -> Arc<str> {
        if self.prefix.is_empty() { path.as_str().into() } else { format!("{}{path}", self.prefix).into() }
    }

    pub(crate) fn has_build_file(&self) -> Result<bool, Fault> {
        self.build_files().map(|found| !found.is_empty())
    }

    fn build_files(&self) -> Result<Vec<(&'static str, TreePath)>, Fault> {
        let mut found = Vec::new();
        for name in crate::file::NAMES {
            let path = self.join(name)?;
            if let Some(real) = self.resolve(&path)?
                && matches!(self.kind(&real)?, Some(Kind::File { .. }))
            {
                found.push((name, real));
            }
        }
        Ok(found)
    }

    /// The name of the build file in this directory and its bytes.
    pub(crate) fn build_file(&self) -> Result<(&'static str, Vec<u8>), Fault> {
        let found = self.build_files()?;
        match found.as_slice() {
            [(name, real)] => {
                let place = Place { file: self.display(&self.join(name)?), line: 0 };
                self.check(real).map_err(|fault| fault.at(&place))?;
                Ok((name, self.bytes(real)?))
            }
            [] => Err(self.no_build_file()),
            _ => {
                let names: Vec<_> = found.iter().map(|(name, _)| *name).collect();
                Err(Reason::invalid(format!(
                    "found multiple kustomization files under {}: {}",
                    self.root,
                    names.join(", ")
                )))
            }
        }
    }

    fn no_build_file(&self) -> Fault {
        let message = format!("no kustomization file in {} (one of {})", self.root, crate::file::NAMES.join(", "));
        let entries = self.source.files().list(&self.root).unwrap_or_default();
        let near = nearest("kustomization.yaml", entries.iter().map(|entry| entry.name.as_str()));
        Reason::invalid(message).hint(near.map(|name| format!("did you mean {name:?} to be one?")))
    }

    /// The file at a path that a field names.
    pub(crate) fn file(&self, path: &str) -> Result<(Vec<u8>, Arc<str>), Fault> {
        if is_remote_file(path) {
            return Err(remote(path, "only entries of resources may name addresses"));
        }
        let real = self.locate(path)?;
        match self.kind(&real)? {
            Some(Kind::File { .. }) => Ok((self.bytes(&real)?, self.display(&real))),
            Some(Kind::Dir) => Err(Reason::invalid(format!("'{path}' must resolve to a file, it is a directory"))),
            _ => Err(self.missing(path)),
        }
    }

    /// What an entry of `resources` or `components` names.
    pub(crate) fn find(&self, path: &str, remote_source: Option<&dyn Remote>) -> Result<Found<'a>, Fault> {
        if is_remote_file(path) || is_repository(path) {
            return self.fetch(path, remote_source);
        }
        if path.is_empty() {
            return Err(Reason::invalid("an empty path names nothing"));
        }
        let lexical = self.join(path)?;
        let Some(real) = self.resolve(&lexical)? else { return Err(self.missing(path)) };
        match self.kind(&real)? {
            Some(Kind::File { .. }) => {
                self.check(&real)?;
                Ok(Found::File(self.bytes(&real)?, self.display(&real)))
            }
            Some(Kind::Dir) => self.descend(&real).map(Found::Directory),
            _ => Err(self.missing(path)),
        }
    }

    /// A loader for another directory of the tree, which must not lead to this one again.
    fn descend(&self, real: &TreePath) -> Result<Self, Fault> {
        let mut walked = self.walked.clone();
        walked.push(self.root.clone());
        if walked.iter().any(|seen| seen.starts_with(real)) {
            let walked = walked.iter().chain([real]).map(ToString::to_string).collect();
            let reason = Reason::Cycle { walked };
            return Err(Fault::from(reason).hint(Some(
                "a build file cannot build a directory that it stands in; move the base beside it".to_owned(),
            )));
        }
        Ok(Self { root: real.clone(), walked, ..self.clone() })
    }

    /// How many build files led here.
    pub(crate) fn depth(&self) -> usize {
        self.walked.len()
    }

    /// Resolves a path that a field names and refuses what it must not name.
    fn locate(&self, path: &str) -> Result<TreePath, Fault> {
        let lexical = self.join(path)?;
        let real = self.resolve(&lexical)?.ok_or_else(|| self.missing(path))?;
        self.check(&real)?;
        Ok(real)
    }

    fn check(&self, real: &TreePath) -> Result<(), Fault> {
        if self.restrictions == LoadRestrictions::RootOnly && !real.starts_with(&self.root) {
            let reason =
                Reason::Outside { path: format!("/{}", real.as_str()), root: format!("/{}", self.root.as_str()) };
            return Err(Fault::from(reason)
                .hint(Some("move the file there, or build with the load restrictor LoadRestrictionsNone".to_owned())));
        }
        Ok(())
    }

    fn join(&self, path: &str) -> Result<TreePath, Fault> {
        self.root.join(path).map_err(|source| Reason::Path { source }.into())
    }

    fn directory(&self, path: &TreePath) -> Result<TreePath, Fault> {
        let missing = || Fault::from(Reason::NotFound { path: path.to_string() });
        let real = self.resolve(path)?.ok_or_else(missing)?;
        match self.kind(&real)? {
            Some(Kind::Dir) => Ok(real),
            Some(_) => Err(Reason::invalid(format!("'{path}' must resolve to a directory, it is a file"))),
            None => Err(missing()),
        }
    }

    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Fault> {
        self.source.files().kind(path).map_err(|source| Reason::Read { source }.into())
    }

    fn bytes(&self, path: &TreePath) -> Result<Vec<u8>, Fault> {
        let bytes = self.source.files().read(path).map_err(|source| Fault::from(Reason::Read { source }))?;
        if bytes.len() > MAX_FILE {
            return Err(Reason::Limit { what: "bytes in a file", limit: MAX_FILE }.into());
        }
        self.budget.spend(bytes.len())?;
        Ok(bytes)
    }

    /// Follows the links on the way to a path; none where something is missing or a link leads out of the tree.
    fn resolve(&self, path: &TreePath) -> Result<Option<TreePath>, Fault> {
        self.follow(path, &mut 0)
    }

    fn follow(&self, path: &TreePath, links: &mut usize) -> Result<Option<TreePath>, Fault> {
        let Some(parent) = path.parent() else { return Ok(Some(path.clone())) };
        let known = self.resolved.borrow().get(&parent).cloned();
        let real = if let Some(real) = known {
            real
        } else {
            let Some(real) = self.follow(&parent, links)? else { return Ok(None) };
            self.resolved.borrow_mut().insert(parent.clone(), real.clone());
            real
        };
        let Some(name) = path.name() else { return Ok(None) };
        let at = real.join(name).map_err(|source| Fault::from(Reason::Path { source }))?;
        match self.kind(&at)? {
            None => Ok(None),
            Some(Kind::Symlink) => {
                *links += 1;
                if *links > MAX_LINKS {
                    return Err(Reason::invalid(format!("too many symbolic links on the way to '{path}'")));
                }
                let target = self.source.files().link(&at).map_err(|source| Fault::from(Reason::Read { source }))?;
                let target = real.join(&target).map_err(|source| {
                    Fault::from(Reason::Path { source }).hint(Some(format!("'{at}' is a symbolic link to '{target}'")))
                })?;
                self.follow(&target, links)
            }
            Some(_) => Ok(Some(at)),
        }
    }

    fn fetch(&self, path: &str, remote_source: Option<&dyn Remote>) -> Result<Found<'a>, Fault> {
        let Some(source) = remote_source else {
            return Err(remote(path, "remote bases are not allowed here")
                .hint(Some("copy it into the repository, or make it a source of its own".to_owned())));
        };
        match source.fetch(path).map_err(|message| remote(path, &message))? {
            Fetched::File(bytes) => {
                self.budget.spend(bytes.len())?;
                Ok(Found::File(bytes, path.into()))
            }
            Fetched::Repository { files, path: directory, repo, reference } => {
                let loader = Self::repository(files, &directory, path, self.budget.clone())?;
                Ok(Found::Repository(loader, Repository { path: directory, repo, reference }))
            }
        }
    }

    fn missing(&self, path: &str) -> Fault {
        let resolved = self.join(path).unwrap_or_default();
        let entries = resolved.parent().and_then(|parent| self.source.files().list(&parent).ok()).unwrap_or_default();
        // That both end in `.yaml` makes two names no more alike.
        let (wanted, ending) = stem(resolved.name().unwrap_or_default());
        let alike = entries.iter().map(|entry| stem(&entry.name));
        let near = nearest(wanted, alike.clone().filter(|(_, other)| *other == ending).map(|(stem, _)| stem))
            .map(|near| format!("{near}{ending}"))
            .or_else(|| {
                alike.filter(|(stem, _)| *stem == wanted).map(|(stem, ending)| format!("{stem}{ending}")).next()
            });
        let hint = near.map(|near| match path.rsplit_once('/') {
            Some((directory, _)) => format!("did you mean {:?}?", format!("{directory}/{near}")),
            None => format!("did you mean {near:?}?"),
        });
        Fault::from(Reason::NotFound { path: resolved.to_string() }).hint(hint)
    }
}

/// A file's name and its ending.
fn stem(name: &str) -> (&str, &str) {
    name.split_at(name.rfind('.').filter(|dot| *dot > 0).unwrap_or(name.len()))
}

fn remote(url: &str, message: &str) -> Fault {
    Reason::Remote { url: url.to_owned(), message: message.to_owned() }.into()
}

fn is_remote_file(path: &str) -> bool {
    path.split_once(':')
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
}

/// Whether kustomize would clone it: an address with a scheme, `user@host:path`, or anything at GitHub.
fn is_repository(path: &str) -> bool {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    if path.starts_with('/') {
        return false;
    }
    let path = strip_prefix_any_case(path, "git::").unwrap_or(path);
    let scheme =
        ["ssh://", "https://", "http://", "file://"].iter().find_map(|scheme| strip_prefix_any_case(path, scheme));
    if strip_prefix_any_case(path, "file://").is_some() {
        return true;
    }
    let rest = scheme.unwrap_or(path);
    let host = match rest.split_once('@') {
        Some((user, host)) if is_user(user) => host,
        _ => rest,
    };
    let lower = host.to_ascii_lowercase();
    let github = lower.starts_with("github.com/") || lower.starts_with("github.com:");
    (scheme.is_some() || host.len() != rest.len() || github) && has_repository_path(host, scheme.is_some())
}

fn is_user(user: &str) -> bool {
    user.starts_with(|c: char| c.is_ascii_alphabetic()) && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Behind the host there must be an owner and a repository, or a mark that says where the repository ends.
fn has_repository_path(host: &str, scheme: bool) -> bool {
    let separator: &[char] = if scheme { &['/'] } else { &['/', ':'] };
    host.split_once(separator).is_some_and(|(host, path)| {
        let path: Cow<'_, str> = path.into();
        !host.is_empty()
            && (path.contains("_git/") || path.contains("//") || path.contains(".git") || path.contains('/'))
    })
}

fn strip_prefix_any_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    text.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix)).map(|start| &text[start.len()..])
}

#[cfg(test)]
mod tests {
    use super::is_repository;

    #[test]
    fn what_kustomize_clones_is_a_repository() {
        for url in [
            "https://github.com/org/repo//path?ref=v1",
            "github.com/org/repo/path",
            "git@github.com:org/repo.git",
            "ssh://git@example.com/org/repo",
            "git::https://example.com/org/repo.git",
            "file:///repos/x",
        ] {
            assert!(is_repository(url), "{url}");
        }
        for path in ["../base", "base", "github.company/x", "./github.com/x/y", "/abs/path", "github.com/x"] {
            assert!(!is_repository(path), "{path}");
        }
    }
}
