//! The disk as a tree of files, for building what lies on it.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockWriteGuard},
};

use tree::{Entry, Files, Kind, ReadError, TreePath};

use crate::cli::failure::Failure;

/// The files below a directory of the disk.
///
/// Builds may refer to directories beside and above the one that is built. Inside a Git work tree everything below its
/// top can be read, elsewhere the whole disk: what is above is never needed, and paths in messages stay short.
#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
    /// What lies at every path that was asked for or listed: a tree does not change while it is read, and the disk is
    /// asked for every file but once.
    found: RwLock<HashMap<String, Option<Kind>>>,
}

impl Disk {
    /// The tree that a directory lies in, and the directory's path in it.
    pub(super) fn around(dir: &Path) -> Result<(Self, TreePath), Failure> {
        let cannot = |error: io::Error| Failure::new(format!("cannot read the directory {}: {error}", dir.display()));
        let dir = dir.canonicalize().map_err(cannot)?;
        if !dir.is_dir() {
            return Err(Failure::new(format!("{} is not a directory", dir.display())));
        }
        let top = dir.ancestors().find(|ancestor| ancestor.join(".git").exists());
        let root = top.or_else(|| dir.ancestors().last()).unwrap_or(&dir).to_owned();
        let inner = dir.strip_prefix(&root).unwrap_or(&dir);
        let path = inner.to_str().and_then(|inner| TreePath::parse(inner).ok());
        let path = path.ok_or_else(|| Failure::new(format!("the path {} cannot be used", dir.display())))?;
        Ok((Self { root, found: RwLock::default() }, path))
    }

    fn at(&self, path: &TreePath) -> PathBuf {
        self.root.join(path.as_str())
    }

    fn learn(&self) -> RwLockWriteGuard<'_, HashMap<String, Option<Kind>>> {
        self.found.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a file may be run is not looked at: builds do not ask.
fn kind(of: fs::FileType) -> Kind {
    if of.is_symlink() {
        Kind::Symlink
    } else if of.is_dir() {
        Kind::Dir
    } else {
        Kind::File { executable: false }
    }
}

impl Files for Disk {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        match self.kind(path)? {
            Some(Kind::File { .. }) => read(&self.at(path)).map_err(|error| failed(path, error)),
            Some(_) => Err(ReadError::NotAFile { path: path.clone() }),
            None => Err(ReadError::NotFound { path: path.clone() }),
        }
    }

    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        if let Some(found) = self.found.read().unwrap_or_else(PoisonError::into_inner).get(path.as_str()) {
            return Ok(*found);
        }
        let found = match fs::symlink_metadata(self.at(path)) {
            Ok(meta) => Some(kind(meta.file_type())),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => None,
            Err(error) => return Err(failed(path, error)),
        };
        self.learn().insert(path.to_string(), found);
        Ok(found)
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<Entry>, ReadError> {
        match self.kind(dir)? {
            Some(Kind::Dir) => {}
            Some(_) => return Err(ReadError::NotADirectory { path: dir.clone() }),
            None => return Err(ReadError::NotFound { path: dir.clone() }),
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.at(dir)).map_err(|error| failed(dir, error))? {
            let entry = entry.map_err(|error| failed(dir, error))?;
            // A name that is no text can be in no build file either.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = kind(entry.file_type().map_err(|error| failed(dir, error))?);
            entries.push(Entry { name, kind });
        }
        let found =
            entries.iter().filter_map(|entry| Some((dir.join(&entry.name).ok()?.to_string(), Some(entry.kind))));
        self.learn().extend(found);
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn link(&self, path: &TreePath) -> Result<String, ReadError> {
        match self.kind(path)? {
            Some(Kind::Symlink) => {}
            Some(_) => return Err(ReadError::NotALink { path: path.clone() }),
            None => return Err(ReadError::NotFound { path: path.clone() }),
        }
        let target = fs::read_link(self.at(path)).map_err(|error| failed(path, error))?;
        let inside = target.strip_prefix(&self.root).ok().filter(|_| target.is_absolute());
        let Some(inside) = inside else { return Ok(target.to_string_lossy().into_owned()) };
        // From the link's directory up to the root, and down again.
        let depth = Path::new(path.as_str()).components().filter(|part| matches!(part, Component::Normal(_))).count();
        Ok(format!("{}{}", "../".repeat(depth.saturating_sub(1)), inside.to_string_lossy()))
    }
}

/// Reads a file at once. Where its size does not hold, as of what is just being written or is no file on a disk, it is
/// read to its end.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut content = Vec::new();
    content.try_reserve_exact(length.saturating_add(1))?;
    // One byte more would tell that there are more.
    content.resize(length.saturating_add(1), 0);
    let read = file.read(&mut content)?;
    content.truncate(read);
    if read == 0 || read != length {
        file.read_to_end(&mut content)?;
    }
    Ok(content)
}

fn failed(path: &TreePath, error: io::Error) -> ReadError {
    ReadError::Storage { path: path.clone(), source: error.into() }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn links_are_told_relative_to_their_directory() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir(root.join(".git")).unwrap();
        fs::write(root.join("a/file"), "text").unwrap();
        std::os::unix::fs::symlink(root.join("a/file"), root.join("a/b/absolute")).unwrap();
        std::os::unix::fs::symlink("../file", root.join("a/b/relative")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", root.join("a/b/outside")).unwrap();
        let (disk, path) = Disk::around(&root.join("a/b")).unwrap();
        assert_eq!(path.as_str(), "a/b");
        let link = |name: &str| disk.link(&path.join(name).unwrap()).unwrap();
        assert_eq!([link("absolute"), link("relative"), link("outside")], ["../../a/file", "../file", "/etc/passwd"]);
        let names: Vec<String> = disk.list(&path).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["absolute", "outside", "relative"]);
        assert_eq!(disk.read(&TreePath::parse("a/file").unwrap()).unwrap(), b"text");
        assert!(matches!(disk.read(&path), Err(ReadError::NotAFile { .. })));
        assert_eq!(disk.kind(&TreePath::parse("a/file/x").unwrap()).unwrap(), None);
    }

    #[test]
    fn a_file_is_read_whole_whatever_size_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        for text in ["", "text", &"long ".repeat(100_000)] {
            fs::write(&file, text).unwrap();
            assert_eq!(read(&file).unwrap(), text.as_bytes());
        }
        assert_eq!(read(&folder.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        // It says that it is empty.
        #[cfg(target_os = "linux")]
        assert!(!read(Path::new("/proc/self/status")).unwrap().is_empty());
    }
}
