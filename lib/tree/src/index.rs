//! The names of a tree, with something to find each file by.

use std::collections::{BTreeMap, BTreeSet};

use crate::files::{Entry, Kind, ReadError};
use crate::path::TreePath;

/// A tree of names in memory. What a file is, is `T`: its bytes, its place in an archive, its object id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index<T> {
    // Flat on purpose: a nested map of a hostile path with a hundred thousand parts would be dropped recursively.
    nodes: BTreeMap<TreePath, Node<T>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node<T> {
    File { executable: bool, content: T },
    Dir(BTreeSet<String>),
    Symlink(String),
}

/// Why something could not be put into a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InsertError {
    /// A directory is there, or the root was meant.
    #[error("{path} is a directory")]
    IsDirectory {
        /// Where the file should have gone.
        path: TreePath,
    },
    /// A part above the path, or the path itself where a directory was meant, is a file or a link.
    #[error("{path} is not a directory")]
    NotADirectory {
        /// The part that is in the way.
        path: TreePath,
    },
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Index<T> {
    /// Just a root.
    pub const fn new() -> Self {
        Self { nodes: BTreeMap::new() }
    }

    /// Puts a file at a path, with the directories above it; a file or link that was there is replaced.
    ///
    /// # Errors
    /// A file cannot replace a directory, nor lie below another file.
    pub fn insert(&mut self, path: &TreePath, executable: bool, content: T) -> Result<(), InsertError> {
        self.put(path, Node::File { executable, content })
    }

    /// Puts a symbolic link at a path; its target is text and is not looked at.
    ///
    /// # Errors
    /// As [`Index::insert`].
    pub fn insert_link(&mut self, path: &TreePath, target: impl Into<String>) -> Result<(), InsertError> {
        self.put(path, Node::Symlink(target.into()))
    }

    /// Makes a directory and those above it; nothing happens when it is there.
    ///
    /// # Errors
    /// [`InsertError::NotADirectory`] when a file or link is in the way.
    pub fn insert_dir(&mut self, path: &TreePath) -> Result<(), InsertError> {
        match self.nodes.get(path) {
            Some(Node::Dir(_)) => return Ok(()),
            Some(_) => return Err(InsertError::NotADirectory { path: path.clone() }),
            None if path.is_root() => return Ok(()),
            None => {}
        }
        self.check_parents(path)?;
        self.nodes.insert(path.clone(), Node::Dir(BTreeSet::new()));
        self.register(path);
        Ok(())
    }

    /// What a file is found by.
    ///
    /// # Errors
    /// [`ReadError::NotFound`], [`ReadError::NotAFile`].
    pub fn file(&self, path: &TreePath) -> Result<&T, ReadError> {
        match self.nodes.get(path) {
            Some(Node::File { content, .. }) => Ok(content),
            Some(_) => Err(ReadError::NotAFile { path: path.clone() }),
            None if path.is_root() => Err(ReadError::NotAFile { path: path.clone() }),
            None => Err(ReadError::NotFound { path: path.clone() }),
        }
    }

    /// What lies at a path, if anything.
    pub fn kind(&self, path: &TreePath) -> Option<Kind> {
        match self.nodes.get(path) {
            Some(node) => Some(node.kind()),
            None => path.is_root().then_some(Kind::Dir),
        }
    }

    /// The entries of a directory, sorted by the bytes of their names.
    ///
    /// # Errors
    /// [`ReadError::NotFound`], [`ReadError::NotADirectory`].
    pub fn list(&self, dir: &TreePath) -> Result<Vec<Entry>, ReadError> {
        let names = match self.nodes.get(dir) {
            Some(Node::Dir(names)) => names,
            Some(_) => return Err(ReadError::NotADirectory { path: dir.clone() }),
            None if dir.is_root() => return Ok(Vec::new()),
            None => return Err(ReadError::NotFound { path: dir.clone() }),
        };
        let entry = |name: &String| {
            let kind = self.nodes.get(&dir.child(name))?.kind();
            Some(Entry { name: name.clone(), kind })
        };
        Ok(names.iter().filter_map(entry).collect())
    }

    /// Where a symbolic link says that it leads.
    ///
    /// # Errors
    /// [`ReadError::NotFound`], [`ReadError::NotALink`].
    pub fn link(&self, path: &TreePath) -> Result<&str, ReadError> {
        match self.nodes.get(path) {
            Some(Node::Symlink(target)) => Ok(target),
            Some(_) => Err(ReadError::NotALink { path: path.clone() }),
            None => Err(ReadError::NotFound { path: path.clone() }),
        }
    }

    /// The files and links, by path.
    pub fn paths(&self) -> impl Iterator<Item = &TreePath> {
        self.nodes.iter().filter(|(_, node)| !matches!(node, Node::Dir(_))).map(|(path, _)| path)
    }

    fn put(&mut self, path: &TreePath, node: Node<T>) -> Result<(), InsertError> {
        if path.is_root() || matches!(self.nodes.get(path), Some(Node::Dir(_))) {
            return Err(InsertError::IsDirectory { path: path.clone() });
        }
        self.check_parents(path)?;
        if self.nodes.insert(path.clone(), node).is_none() {
            self.register(path);
        }
        Ok(())
    }

    /// Refuses a path below a file before anything changes.
    fn check_parents(&self, path: &TreePath) -> Result<(), InsertError> {
        let mut below = path.parent();
        while let Some(dir) = below {
            match self.nodes.get(&dir) {
                // Whatever exists has its parents.
                Some(Node::Dir(_)) => return Ok(()),
                Some(_) => return Err(InsertError::NotADirectory { path: dir }),
                None => below = dir.parent(),
            }
        }
        Ok(())
    }

    /// Enters a new path into its directory, and new directories into theirs.
    fn register(&mut self, path: &TreePath) {
        let mut path = path.clone();
        while let (Some(dir), Some(name)) = (path.parent(), path.name()) {
            let known = self.nodes.contains_key(&dir);
            if let Node::Dir(names) = self.nodes.entry(dir.clone()).or_insert_with(|| Node::Dir(BTreeSet::new())) {
                names.insert(name.to_owned());
            }
            if known {
                return;
            }
            path = dir;
        }
    }
}

impl<T> Node<T> {
    fn kind(&self) -> Kind {
        match self {
            Self::File { executable, .. } => Kind::File { executable: *executable },
            Self::Dir(_) => Kind::Dir,
            Self::Symlink(_) => Kind::Symlink,
        }
    }
}
