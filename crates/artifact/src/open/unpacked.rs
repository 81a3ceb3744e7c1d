//! An archive's files: names in memory, contents in one file without a name.
//!
//! Foreign names never reach the disk, so there is nothing that could be overwritten, followed or raced; the system
//! frees the space when the last reader is gone, however the process ends.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Bound;
use std::os::unix::fs::FileExt;
use std::path::Path;

use tree::archive::{self, Limits, ReadArchiveError};
use tree::{Entry, Files, Kind, ReadError, TreePath};

pub(super) struct Unpacked {
    index: BTreeMap<TreePath, Slot>,
    contents: File,
}

#[derive(Clone, Copy)]
enum Slot {
    Dir,
    File { start: u64, size: u64, executable: bool },
}

pub(super) enum Error {
    Archive(ReadArchiveError),
    Disk(io::Error),
}

impl Unpacked {
    pub(super) fn new(archive: File, limits: &Limits, scratch: &Path) -> Result<Self, Error> {
        let contents = tempfile::tempfile_in(scratch).map_err(Error::Disk)?;
        let mut out = BufWriter::with_capacity(64 * 1024, &contents);
        let mut index = BTreeMap::from([(TreePath::root(), Slot::Dir)]);
        let mut end = 0;
        archive::visit(io::BufReader::new(archive), limits, |entry| {
            let slot = match entry.kind {
                Kind::File { executable } => {
                    let slot = Slot::File { start: end, size: entry.size, executable };
                    let copied = io::copy(entry.content, &mut out)?;
                    if copied != entry.size {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    end += copied;
                    slot
                }
                Kind::Dir | Kind::Symlink => Slot::Dir,
            };
            enter(&mut index, entry.path, slot)
        })
        .map_err(Error::Archive)?;
        out.flush().map_err(Error::Disk)?;
        drop(out);
        Ok(Self { index, contents })
    }
}

/// Enters a path and the directories above it; a path is a file or a directory, never both.
fn enter(index: &mut BTreeMap<TreePath, Slot>, path: TreePath, slot: Slot) -> io::Result<()> {
    let conflict = |path: &TreePath| Err(io::Error::other(format!("{path} is both a file and a directory")));
    let mut above = path.parent();
    while let Some(dir) = above {
        match index.get(&dir) {
            Some(Slot::Dir) => break,
            Some(Slot::File { .. }) => return conflict(&dir),
            None => {
                above = dir.parent();
                index.insert(dir, Slot::Dir);
            }
        }
    }
    match (index.get(&path), slot) {
        (Some(Slot::Dir), Slot::File { .. }) | (Some(Slot::File { .. }), Slot::Dir) => conflict(&path),
        _ => {
            index.insert(path, slot);
            Ok(())
        }
    }
}

impl Slot {
    const fn kind(self) -> Kind {
        match self {
            Self::Dir => Kind::Dir,
            Self::File { executable, .. } => Kind::File { executable },
        }
    }
}

impl Files for Unpacked {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        let (start, size) = match self.index.get(path) {
            Some(Slot::File { start, size, .. }) => (*start, *size),
            Some(Slot::Dir) => return Err(ReadError::NotAFile { path: path.clone() }),
            None => return Err(ReadError::NotFound { path: path.clone() }),
        };
        let failed = |source: io::Error| ReadError::Storage { path: path.clone(), source: source.into() };
        let length = usize::try_from(size).map_err(io::Error::other).map_err(failed)?;
        let mut bytes = vec![0; length];
        self.contents.read_exact_at(&mut bytes, start).map_err(failed)?;
        Ok(bytes)
    }

    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        Ok(self.index.get(path).map(|slot| slot.kind()))
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<Entry>, ReadError> {
        match self.index.get(dir) {
            Some(Slot::Dir) => {}
            Some(Slot::File { .. }) => return Err(ReadError::NotADirectory { path: dir.clone() }),
            None => return Err(ReadError::NotFound { path: dir.clone() }),
        }
        let prefix = if dir.is_root() { String::new() } else { format!("{dir}/") };
        let mut entries: Vec<Entry> = Vec::new();
        let mut from = Bound::Excluded(prefix.clone());
        while let Some((path, slot)) =
            self.index.range::<str, _>((from.as_ref().map(String::as_str), Bound::Unbounded)).next()
        {
            let Some(rest) = path.as_str().strip_prefix(&prefix) else { break };
            match rest.split_once('/') {
                None => {
                    entries.push(Entry { name: rest.to_owned(), kind: slot.kind() });
                    from = Bound::Excluded(path.as_str().to_owned());
                }
                // Below a child: `0` follows `/`, so this leaps over all that lies there.
                Some((child, _)) => from = Bound::Included(format!("{prefix}{child}0")),
            }
        }
        Ok(entries)
    }

    fn link(&self, path: &TreePath) -> Result<String, ReadError> {
        Err(match self.index.get(path) {
            Some(_) => ReadError::NotALink { path: path.clone() },
            None => ReadError::NotFound { path: path.clone() },
        })
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
