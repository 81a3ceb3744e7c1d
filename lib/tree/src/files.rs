//! What a file tree can be asked.

use std::error::Error;
use std::sync::Arc;

use crate::path::TreePath;

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes.
    File {
        /// The owner may run it.
        executable: bool,
    },
    /// A directory.
    Dir,
    /// A symbolic link; where it leads is [`Files::link`].
    Symlink,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// A single part of a path.
    pub name: String,
    /// What it names.
    pub kind: Kind,
}

/// Why something in a tree could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing has that path.
    #[error("no such file or directory: {path}")]
    NotFound {
        /// What was asked for.
        path: TreePath,
    },
    /// The bytes of a directory, or of a link, were asked for.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// What was asked for.
        path: TreePath,
    },
    /// The entries of something else than a directory were asked for.
    #[error("{path} is not a directory")]
    NotADirectory {
        /// What was asked for.
        path: TreePath,
    },
    /// The target of something else than a symbolic link was asked for.
    #[error("{path} is not a symbolic link")]
    NotALink {
        /// What was asked for.
        path: TreePath,
    },
    /// What holds the tree failed: a disk, an object database.
    #[error("read {path}")]
    Storage {
        /// What was asked for.
        path: TreePath,
        /// What the storage said.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// A read-only tree of files.
///
/// *Guarantees*: nothing outside of the tree is ever read. Symbolic links are told, never followed: a path that runs
/// through a link is not found.
///
/// *Assumptions*: the tree does not change while it is read.
pub trait Files: Send + Sync {
    /// The bytes of a file.
    ///
    /// # Errors
    /// [`ReadError::NotFound`], [`ReadError::NotAFile`], [`ReadError::Storage`].
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError>;

    /// What lies at a path, if anything. The root is a directory.
    ///
    /// # Errors
    /// [`ReadError::Storage`] only.
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, ReadError>;

    /// The entries of a directory, sorted by the bytes of their names.
    ///
    /// # Errors
    /// [`ReadError::NotFound`], [`ReadError::NotADirectory`], [`ReadError::Storage`].
    fn list(&self, dir: &TreePath) -> Result<Vec<Entry>, ReadError>;

    /// Where a symbolic link says that it leads. The text is foreign: it may be absolute or lead out of the tree.
    ///
    /// # Errors
    /// [`ReadError::NotFound`], [`ReadError::NotALink`], [`ReadError::Storage`].
    fn link(&self, path: &TreePath) -> Result<String, ReadError>;
}

macro_rules! forward {
    ($pointer:ty) => {
        impl<F: Files + ?Sized> Files for $pointer {
            fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
                (**self).read(path)
            }
            fn kind(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
                (**self).kind(path)
            }
            fn list(&self, dir: &TreePath) -> Result<Vec<Entry>, ReadError> {
                (**self).list(dir)
            }
            fn link(&self, path: &TreePath) -> Result<String, ReadError> {
                (**self).link(path)
            }
        }
    };
}

forward!(&F);
forward!(Box<F>);
forward!(Arc<F>);
