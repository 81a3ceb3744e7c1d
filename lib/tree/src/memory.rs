//! A tree held in memory.

use crate::files::{Entry, Files, Kind, ReadError};
use crate::index::{Index, InsertError};
use crate::path::TreePath;

/// A tree whose files lie in memory: tests, small archives, what the embedded tools generate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(Index<Vec<u8>>);

impl Tree {
    /// A tree with nothing in it.
    pub const fn new() -> Self {
        Self(Index::new())
    }

    /// Puts a file at a path, with the directories above it; a file or link that was there is replaced.
    ///
    /// # Errors
    /// A file cannot replace a directory, nor lie below another file.
    pub fn insert(&mut self, path: &TreePath, bytes: impl Into<Vec<u8>>) -> Result<(), InsertError> {
        self.0.insert(path, false, bytes.into())
    }

    /// Puts a file that may be run at a path; else as [`Tree::insert`].
    ///
    /// # Errors
    /// As [`Tree::insert`].
    pub fn insert_executable(&mut self, path: &TreePath, bytes: impl Into<Vec<u8>>) -> Result<(), InsertError> {
        self.0.insert(path, true, bytes.into())
    }

    /// Puts a symbolic link at a path; its target is text and is not looked at.
    ///
    /// # Errors
    /// As [`Tree::insert`].
    pub fn insert_link(&mut self, path: &TreePath, target: impl Into<String>) -> Result<(), InsertError> {
        self.0.insert_link(path, target)
    }

    /// Makes a directory and those above it; nothing happens when it is there.
    ///
    /// # Errors
    /// [`InsertError::NotADirectory`] when a file or link is in the way.
    pub fn insert_dir(&mut self, path: &TreePath) -> Result<(), InsertError> {
        self.0.insert_dir(path)
    }

    /// The files and links, by path.
    pub fn paths(&self) -> impl Iterator<Item = &TreePath> {
        self.0.paths()
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
        self.0.file(path).cloned()
    }

    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        Ok(self.0.kind(path))
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<Entry>, ReadError> {
        self.0.list(dir)
    }

    fn link(&self, path: &TreePath) -> Result<String, ReadError> {
        self.0.link(path).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;
    use crate::{Entry, Files, InsertError, Kind, ReadError, TreePath};

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
