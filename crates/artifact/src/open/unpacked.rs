//! An archive's files: names in memory, contents in one file without a name.
//!
//! Foreign names never reach the disk, so there is nothing that could be overwritten, followed or raced; the system
//! frees the space when the last reader is gone, however the process ends.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use tree::archive::{self, Limits, ReadArchiveError};
use tree::{Entry, Files, Index, Kind, ReadError, TreePath};

pub(super) struct Unpacked {
    index: Index<Span>,
    contents: File,
}

/// Where a file's bytes lie among all contents.
struct Span {
    start: u64,
    size: u64,
}

pub(super) enum Error {
    Archive(ReadArchiveError),
    Disk(io::Error),
}

impl Unpacked {
    pub(super) fn new(archive: File, limits: &Limits, scratch: &Path) -> Result<Self, Error> {
        let contents = tempfile::tempfile_in(scratch).map_err(Error::Disk)?;
        let mut out = BufWriter::with_capacity(64 * 1024, &contents);
        let mut index = Index::new();
        let mut end = 0;
        archive::visit(io::BufReader::new(archive), limits, |entry| {
            let Kind::File { executable } = entry.kind else {
                return index.insert_dir(&entry.path).map_err(io::Error::other);
            };
            let span = Span { start: end, size: entry.size };
            if io::copy(entry.content, &mut out)? != entry.size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            end += span.size;
            index.insert(&entry.path, executable, span).map_err(io::Error::other)
        })
        .map_err(Error::Archive)?;
        out.flush().map_err(Error::Disk)?;
        drop(out);
        Ok(Self { index, contents })
    }
}

impl Files for Unpacked {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        let span = self.index.file(path)?;
        let failed = |source: io::Error| ReadError::Storage { path: path.clone(), source: source.into() };
        let length = usize::try_from(span.size).map_err(io::Error::other).map_err(failed)?;
        let mut bytes = vec![0; length];
        self.contents.read_exact_at(&mut bytes, span.start).map_err(failed)?;
        Ok(bytes)
    }

    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        Ok(self.index.kind(path))
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<Entry>, ReadError> {
        self.index.list(dir)
    }

    fn link(&self, path: &TreePath) -> Result<String, ReadError> {
        self.index.link(path).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use proptest::prelude::*;
    use tree::archive::{self, Limits};
    use tree::{Files, Ignore, Kind, Tree, TreePath};

    use super::Unpacked;

    fn unpack(tree: &Tree) -> Unpacked {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&archive::write(tree, &Ignore::nothing(), Vec::new()).unwrap()).unwrap();
        file.rewind().unwrap();
        let limits = Limits { total: 1 << 20, file: 1 << 20, entries: 1000 };
        let Ok(unpacked) = Unpacked::new(file, &limits, &std::env::temp_dir()) else { panic!("unpack") };
        unpacked
    }

    /// Every path with its kind, and every file with its bytes.
    fn all(files: &dyn Files) -> Vec<(TreePath, Kind, Vec<u8>)> {
        let mut found = Vec::new();
        let mut stack = vec![TreePath::root()];
        while let Some(dir) = stack.pop() {
            for entry in files.list(&dir).unwrap() {
                let path = dir.join(&entry.name).unwrap();
                assert_eq!(files.kind(&path).unwrap(), Some(entry.kind));
                let bytes = if entry.kind == Kind::Dir { Vec::new() } else { files.read(&path).unwrap() };
                if entry.kind == Kind::Dir {
                    stack.push(path.clone());
                }
                found.push((path, entry.kind, bytes));
            }
        }
        found
    }

    #[test]
    fn listing_is_right_where_names_sort_around_the_slash() {
        let tree =
            Tree::from([("a/b/c", "1"), ("a/b-x", "2"), ("a/b.y", "3"), ("a/b0", "4"), ("a/bb/d", "5"), ("a-", "6")]);
        let unpacked = unpack(&tree);
        assert_eq!(all(&unpacked), all(&tree));
        let names: Vec<_> =
            unpacked.list(&TreePath::parse("a").unwrap()).unwrap().into_iter().map(|e| e.name).collect();
        assert_eq!(names, ["b", "b-x", "b.y", "b0", "bb"]);
    }

    proptest! {
        #[test]
        fn an_unpacked_tree_is_the_packed_one(files in prop::collection::btree_map("[ab/.0-]{1,9}", "[a-z]{0,9}", 0..12)) {
            let mut tree = Tree::new();
            for (path, content) in files {
                let Ok(path) = TreePath::parse(&path) else { continue };
                let _ = tree.insert(&path, content);
            }
            prop_assert_eq!(all(&unpack(&tree)), all(&tree));
        }
    }
}
