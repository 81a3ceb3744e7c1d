//! A tree held in memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::files::{Entry, Files, Kind, ReadError};
use crate::path::TreePath;

/// A tree whose files lie in memory: tests, small archives, what the embedded tools generate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    // Flat on purpose: a nested map of a hostile path with a hundred thousand parts would be dropped recursively.
    nodes: BTreeMap<TreePath, Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    File { executable: bool, bytes: Vec<u8> },
    Dir(BTreeSet<String>),
    Symlink(String),
}

/// Why something could not be put into a [`Tree`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InsertError {
    /// A directory is there, or the root was meant.
    #[error("{path} is a directory")]
    IsDirectory {
        /// Where the file should have gone.
        path: TreePath,
    },
    /// A part above the path is a file or a link.
    #[error("{path} is not a directory")]
    NotADirectory {
        /// The part that is in the way.
        path: TreePath,
    },
}

impl Tree {
    /// A tree with nothing in it.
    pub const fn new() -> Self {
        Self { nodes: BTreeMap::new() }
    }

    /// Puts a file at a path, with the directories above it; a file or link that was there is replaced.
    ///
    /// # Errors
    /// A file cannot replace a directory, nor lie below another file.
    pub fn insert(&mut self, path: &TreePath, bytes: impl Into<Vec<u8>>) -> Result<(), InsertError> {
        self.put(path, Node::File { executable: false, bytes: bytes.into() })
    }

    /// Puts a file that may be run at a path; else as [`Tree::insert`].
    ///
    /// # Errors
    /// As [`Tree::insert`].
    pub fn insert_executable(&mut self, path: &TreePath, bytes: impl Into<Vec<u8>>) -> Result<(), InsertError> {
        self.put(path, Node::File { executable: true, bytes: bytes.into() })
    }

    /// Puts a symbolic link at a path; its target is text and is not looked at.
    ///
    /// # Errors
    /// As [`Tree::insert`].
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

    /// The files and links, by path.
    pub fn paths(&self) -> impl Iterator<Item = &TreePath> {
        self.nodes.iter().filter(|(_, node)| !matches!(node, Node::Dir(_))).map(|(path, _)| path)
    }

    fn put(&mut self, path: &TreePath, node: Node) -> Result<(), InsertError> {
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

impl<P: AsRef<str>, B: Into<Vec<u8>>, const N: usize> From<[(P, B); N]> for Tree {
    /// A tree from literals, for tests and constants.
    ///
    /// # Panics
    /// When a path is not one, or two of them exclude each other: literals are not foreign input.
    #[allow(clippy::panic, reason = "a wrong literal is a bug of the caller, found by the first run")]
    fn from(files: [(P, B); N]) -> Self {
        let mut tree = Self::new();
        for (path, bytes) in files {
            let path = TreePath::parse(path.as_ref()).unwrap_or_else(|error| panic!("{error}"));
            tree.insert(&path, bytes).unwrap_or_else(|error| panic!("{error}"));
        }
        tree
    }
}

impl Files for Tree {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        match self.nodes.get(path) {
            Some(Node::File { bytes, .. }) => Ok(bytes.clone()),
            Some(_) => Err(ReadError::NotAFile { path: path.clone() }),
            None if path.is_root() => Err(ReadError::NotAFile { path: path.clone() }),
            None => Err(ReadError::NotFound { path: path.clone() }),
        }
    }

    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        Ok(match self.nodes.get(path) {
            Some(node) => Some(node.kind()),
            None if path.is_root() => Some(Kind::Dir),
            None => None,
        })
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<Entry>, ReadError> {
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

    fn link(&self, path: &TreePath) -> Result<String, ReadError> {
        match self.nodes.get(path) {
            Some(Node::Symlink(target)) => Ok(target.clone()),
            Some(_) => Err(ReadError::NotALink { path: path.clone() }),
            None => Err(ReadError::NotFound { path: path.clone() }),
        }
    }
}

impl Node {
    fn kind(&self) -> Kind {
        match self {
            Self::File { executable, .. } => Kind::File { executable: *executable },
            Self::Dir(_) => Kind::Dir,
            Self::Symlink(_) => Kind::Symlink,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{InsertError, Tree};
    use crate::{Entry, Files, Kind, ReadError, TreePath};

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    #[test]
    fn directories_appear_with_their_files_and_list_in_order() {
        let mut tree = Tree::from([("b/c.yaml", "c"), ("b/a/x", "x"), ("a", "a"), ("b.yaml", "b")]);
        tree.insert_executable(&path("run.sh"), "#!").unwrap();
        tree.insert_link(&path("link"), "../out").unwrap();
        let names: Vec<_> = tree.list(&TreePath::root()).unwrap().into_iter().map(|e| (e.name, e.kind)).collect();
        let file = Kind::File { executable: false };
        assert_eq!(
            names,
            [
                ("a".to_owned(), file),
                ("b".to_owned(), Kind::Dir),
                ("b.yaml".to_owned(), file),
                ("link".to_owned(), Kind::Symlink),
                ("run.sh".to_owned(), Kind::File { executable: true }),
            ]
        );
        assert_eq!(tree.list(&path("b/a")).unwrap(), [Entry { name: "x".into(), kind: file }]);
        assert_eq!(tree.read(&path("b/a/x")).unwrap(), b"x");
        assert_eq!(tree.link(&path("link")).unwrap(), "../out");
        assert_eq!(tree.kind(&path("nope")).unwrap(), None);
        assert!(matches!(tree.read(&path("nope")), Err(ReadError::NotFound { .. })));
        assert!(matches!(tree.read(&path("b")), Err(ReadError::NotAFile { .. })));
        assert!(matches!(tree.list(&path("a")), Err(ReadError::NotADirectory { .. })));
        assert!(Tree::new().list(&TreePath::root()).unwrap().is_empty());
    }

    #[test]
    fn a_path_is_a_file_or_a_directory_never_both() {
        let mut tree = Tree::from([("a/b", "1")]);
        assert_eq!(tree.insert(&path("a"), ""), Err(InsertError::IsDirectory { path: path("a") }));
        assert_eq!(tree.insert(&path("a/b/c/d"), ""), Err(InsertError::NotADirectory { path: path("a/b") }));
        assert_eq!(tree.insert_dir(&path("a/b")), Err(InsertError::NotADirectory { path: path("a/b") }));
        assert_eq!(tree.insert_dir(&path("a/b/c")), Err(InsertError::NotADirectory { path: path("a/b") }));
        assert_eq!(tree.insert(&TreePath::root(), ""), Err(InsertError::IsDirectory { path: TreePath::root() }));
        assert_eq!(tree.paths().count(), 1, "a refused insert leaves nothing behind");
        tree.insert(&path("a/b"), "2").unwrap();
        assert_eq!(tree.read(&path("a/b")).unwrap(), b"2");
    }

    #[test]
    fn a_very_deep_path_neither_overflows_nor_stalls() {
        let deep = path(&vec!["d"; 2_000].join("/"));
        let mut tree = Tree::new();
        tree.insert(&deep, "x").unwrap();
        assert_eq!(tree.read(&deep).unwrap(), b"x");
    }
}
