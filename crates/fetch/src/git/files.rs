//! The files of a commit, straight from its objects.

use gix_hash::{Kind as Hash, ObjectId};
use gix_object::tree::EntryKind;
use gix_object::{Kind as ObjectKind, TreeRefIter};
use tree::{Entry, Files, Index, Kind, ReadError, TreePath};

use super::error::ObjectError;
use super::pack::Pack;

/// The tree of a commit. Names are in memory, contents in the pack.
#[derive(Debug)]
pub struct GitFiles {
    pack: Pack,
    index: Index<ObjectId>,
    links: Vec<TreePath>,
    skipped: Vec<String>,
}

impl GitFiles {
    /// Reads the names of all files, judging each.
    pub(super) fn new(pack: Pack, root: ObjectId, limit: usize) -> Result<Self, ObjectError> {
        let mut files = Self { pack, index: Index::new(), links: Vec::new(), skipped: Vec::new() };
        let mut entries = 0;
        let mut directories = vec![(TreePath::root(), root)];
        while let Some((dir, id)) = directories.pop() {
            let bytes = files.pack.read(id, ObjectKind::Tree)?;
            for entry in TreeRefIter::from_bytes(&bytes, Hash::Sha1) {
                let entry =
                    entry.map_err(|error| ObjectError::Malformed { id: id.to_string(), reason: error.to_string() })?;
                entries += 1;
                if entries > limit {
                    return Err(ObjectError::Entries { limit });
                }
                let Some(path) = path(&dir, entry.filename)? else {
                    files.skipped.push(format!("{dir}/{}", String::from_utf8_lossy(entry.filename)));
                    continue;
                };
                let id = entry.oid.to_owned();
                let twice = |_| ObjectError::Twice { path: path.clone() };
                match entry.mode.kind() {
                    EntryKind::Blob => files.index.insert(&path, false, id).map_err(twice)?,
                    EntryKind::BlobExecutable => files.index.insert(&path, true, id).map_err(twice)?,
                    EntryKind::Link => {
                        // What a link says lies in the pack as a blob; it is read only if somebody asks.
                        files.index.insert_link(&path, id.to_string()).map_err(twice)?;
                        files.links.push(path);
                    }
                    // A submodule is an empty directory as long as nobody fetches it.
                    EntryKind::Commit => files.index.insert_dir(&path).map_err(twice)?,
                    EntryKind::Tree => {
                        files.index.insert_dir(&path).map_err(twice)?;
                        directories.push((path, id));
                    }
                }
            }
        }
        Ok(files)
    }

    /// Symbolic links of the tree, which no artifact holds.
    pub fn links(&self) -> &[TreePath] {
        &self.links
    }

    /// Names that are left out because no consumer could read them: those with a backslash and those not in UTF-8.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    fn blob(&self, path: &TreePath, id: ObjectId) -> Result<Vec<u8>, ReadError> {
        let failed = |source: ObjectError| ReadError::Storage { path: path.clone(), source: source.into() };
        self.pack.read(id, ObjectKind::Blob).map_err(failed)
    }
}

/// The path of an entry; none for one that is left out.
///
/// # Errors
/// Names that Git itself refuses to check out, because they would write outside of the checkout or into its `.git`.
fn path(dir: &TreePath, name: &[u8]) -> Result<Option<TreePath>, ObjectError> {
    let shown = || String::from_utf8_lossy(name).into_owned();
    let refused = |source| ObjectError::Name { dir: dir.clone(), name: shown(), source };
    let hostile = name.is_empty() || matches!(name, b"." | b"..") || name.contains(&b'/') || is_git_dir(name);
    if hostile {
        return Err(refused(None));
    }
    let Ok(text) = std::str::from_utf8(name) else { return Ok(None) };
    if text.contains('\\') {
        // Each part would be judged by those who take it for a slash.
        let hostile = text.split('\\').any(|part| part == ".." || is_git_dir(part.as_bytes()));
        return if hostile { Err(refused(None)) } else { Ok(None) };
    }
    dir.join(text).map(Some).map_err(|source| refused(Some(source)))
}

/// `.git` in every spelling that some file system takes for it.
fn is_git_dir(name: &[u8]) -> bool {
    // HFS+ ignores these characters, all of which are three bytes in UTF-8.
    let text: String = String::from_utf8_lossy(name)
        .chars()
        .filter(
            |c| !matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}'),
        )
        .collect();
    // NTFS ignores trailing dots and blanks, and what follows a colon.
    let text = text.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']).to_ascii_lowercase();
    text == ".git" || text == "git~1"
}

impl Files for GitFiles {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        self.blob(path, *self.index.file(path)?)
    }

    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        Ok(self.index.kind(path))
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<Entry>, ReadError> {
        self.index.list(dir)
    }

    fn link(&self, path: &TreePath) -> Result<String, ReadError> {
        let id = self.index.link(path)?;
        let failed = |reason: String| ReadError::Storage { path: path.clone(), source: reason.into() };
        let id = ObjectId::from_hex(id.as_bytes()).map_err(|error| failed(error.to_string()))?;
        String::from_utf8(self.blob(path, id)?).map_err(|error| failed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use tree::TreePath;

    use super::path;

    #[track_caller]
    fn check(name: &[u8], expected: Result<Option<&str>, ()>) {
        let dir = TreePath::parse("a").unwrap();
        let seen = path(&dir, name).map_err(|_| ());
        assert_eq!(seen, expected.map(|path| path.map(|path| TreePath::parse(path).unwrap())));
    }

    #[test]
    fn p4_names_that_git_would_not_check_out_are_refused() {
        check(b"b.yaml", Ok(Some("a/b.yaml")));
        check(b"..b", Ok(Some("a/..b")));
        check(b".gitignore", Ok(Some("a/.gitignore")));
        check(b".github", Ok(Some("a/.github")));
        for name in [
            &b".."[..],
            b".",
            b"",
            b"x/y",
            b"../x",
            b".git",
            b".GIT",
            b".Git ",
            b".git.",
            b".git::$INDEX_ALLOCATION",
            b"git~1",
            b"GIT~1",
            ".g\u{200c}it".as_bytes(),
            b"..\\x",
            b"x\\.git",
        ] {
            check(name, Err(()));
        }
        check(b"a\\b", Ok(None));
        check(b"\xff", Ok(None));
    }
}
