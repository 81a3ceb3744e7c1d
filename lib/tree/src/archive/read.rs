//! Reading archives that others wrote.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::BLOCK;
use super::header::Header;
use crate::files::Kind;
use crate::index::InsertError;
use crate::memory::Tree;
use crate::path::{PathError, TreePath};

/// How much an archive may hold. Everything counts as it is after decompression.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the whole archive, headers and padding included.
    pub total: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Files, directories and links together.
    pub entries: usize,
}

/// Names longer than this come from an attack: no file system takes them.
const LONGEST_NAME: u64 = 64 * 1024;

/// Why an archive was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadArchiveError {
    /// The bytes ended too early, are not gzip, or could not be read.
    #[error("read the archive after {offset} bytes of content")]
    Read {
        /// Decompressed bytes before the fault.
        offset: u64,
        /// What the reader said.
        source: io::Error,
    },
    /// The decompressed bytes are not a tar archive.
    #[error("malformed tar archive: {what} at byte {offset}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
        /// Where the header starts that is wrong.
        offset: u64,
    },
    /// A name would lead out of the tree, or is none.
    #[error("tar contains the invalid name {name:?}")]
    Name {
        /// The name as far as it is text.
        name: String,
        /// Why, where there is more to say than that it is empty or not UTF-8.
        source: Option<PathError>,
    },
    /// A hard link, device or pipe.
    #[error("tar entry {name:?} has the unsupported type {kind:?}")]
    Type {
        /// The entry's name.
        name: String,
        /// The type flag of its header.
        kind: char,
    },
    /// One of the [`Limits`].
    #[error("tar entry {name:?} exceeds the limit of {limit} {unit}")]
    Limit {
        /// The entry that went over it.
        name: String,
        /// The limit.
        limit: u64,
        /// What it counts.
        unit: &'static str,
    },
    /// Two entries exclude each other, such as a file and something below it.
    #[error("tar entries contradict each other")]
    Conflict {
        /// What is in the way of what.
        source: InsertError,
    },
    /// The visitor failed.
    #[error("keep {path} of the archive")]
    Visit {
        /// The entry it was given.
        path: TreePath,
        /// What it said.
        source: io::Error,
    },
}

/// One file or directory of an archive.
pub struct Visit<'a> {
    /// Where it lies. A later entry may have the path of an earlier one, and then replaces it.
    pub path: TreePath,
    /// File or directory, never a link.
    pub kind: Kind,
    /// Exactly what [`Visit::content`] holds.
    pub size: u64,
    /// The bytes; what is not read is skipped.
    pub content: &'a mut dyn Read,
}

/// Reads a gzipped tar into memory. Symbolic links are dropped, as Flux does.
///
/// # Errors
/// As [`visit`], and [`ReadArchiveError::Conflict`].
pub fn read(archive: impl Read, limits: &Limits) -> Result<Tree, ReadArchiveError> {
    let mut tree = Tree::new();
    let mut conflict = None;
    let outcome = visit(archive, limits, |entry| {
        let inserted = match entry.kind {
            Kind::Dir => tree.insert_dir(&entry.path),
            Kind::File { executable } => {
                let mut bytes = Vec::new();
                entry.content.read_to_end(&mut bytes)?;
                if executable { tree.insert_executable(&entry.path, bytes) } else { tree.insert(&entry.path, bytes) }
            }
            Kind::Symlink => Ok(()),
        };
        inserted.map_err(|source| {
            conflict = Some(source);
            io::Error::other("conflict")
        })
    });
    match conflict {
        Some(source) => Err(ReadArchiveError::Conflict { source }),
        None => outcome.map(|()| tree),
    }
}

/// Shows the files and directories of a gzipped tar one after the other, never holding more than a block of it.
///
/// Symbolic links are skipped. What follows the end mark of the archive is not looked at.
///
/// # Errors
/// Whatever [`ReadArchiveError`] says; what was shown before the fault stays shown.
pub fn visit(
    archive: impl Read,
    limits: &Limits,
    mut visitor: impl FnMut(Visit<'_>) -> io::Result<()>,
) -> Result<(), ReadArchiveError> {
    let mut stream = Stream { from: MultiGzDecoder::new(archive), offset: 0 };
    let mut entries = 0;
    let mut long_name: Option<Vec<u8>> = None;
    let mut pax = Pax::default();
    while let Some(header) = stream.header()? {
        let offset = stream.offset;
        let malformed = |what| ReadArchiveError::Malformed { what, offset: offset - BLOCK as u64 };
        let declared = header.size().ok_or_else(|| malformed("size"))?;
        match header.kind() {
            b'L' => {
                // GNU tar ends the name with a NUL and counts it.
                let mut name = stream.text(declared, &malformed)?;
                if name.last() == Some(&0) {
                    name.pop();
                }
                long_name = Some(name);
                continue;
            }
            b'x' => {
                pax.read(&stream.text(declared, &malformed)?).ok_or_else(|| malformed("extended header"))?;
                continue;
            }
            // Long link targets and global defaults say nothing that is used here.
            b'K' | b'g' => {
                stream.text(declared, &malformed)?;
                continue;
            }
            _ => {}
        }
        let records = std::mem::take(&mut pax);
        let name = records.path.or(long_name.take()).unwrap_or_else(|| header.name());
        let size = records.size.unwrap_or(declared);
        let shown = String::from_utf8_lossy(&name).into_owned();
        let over = |limit, unit| ReadArchiveError::Limit { name: shown.clone(), limit, unit };

        entries += 1;
        if entries > limits.entries {
            return Err(over(limits.entries as u64, "entries"));
        }
        let kind = match header.kind() {
            b'0' | b'\0' | b'7' if name.ends_with(b"/") => Kind::Dir,
            b'0' | b'\0' | b'7' => {
                Kind::File { executable: header.mode().ok_or_else(|| malformed("mode"))? & 0o111 != 0 }
            }
            b'5' => Kind::Dir,
            b'2' => Kind::Symlink,
            other => return Err(ReadArchiveError::Type { name: shown, kind: char::from(other) }),
        };
        let path = entry_path(&name)?;
        if size > limits.file {
            return Err(over(limits.file, "bytes for one file"));
        }
        if stream.offset.saturating_add(size) > limits.total {
            return Err(over(limits.total, "bytes in all"));
        }
        // Only files have bytes that matter; a directory or link that claims some is skipped over like any other.
        let mut content = (&mut stream.from).take(size);
        if kind != Kind::Symlink {
            let size = if kind == Kind::Dir { 0 } else { size };
            let shown = Visit { path: path.clone(), kind, size, content: &mut content };
            visitor(shown).map_err(|source| ReadArchiveError::Visit { path, source })?;
        }
        let read = size - content.limit();
        stream.offset += read;
        stream.skip(size - read)?;
        stream.skip(padding(size))?;
    }
    Ok(())
}

/// Accepts what Flux's own reader accepts: relative names that never go up.
fn entry_path(name: &[u8]) -> Result<TreePath, ReadArchiveError> {
    let invalid = |source| ReadArchiveError::Name { name: String::from_utf8_lossy(name).into_owned(), source };
    let text = std::str::from_utf8(name).map_err(|_| invalid(None))?;
    if text.is_empty() {
        return Err(invalid(None));
    }
    TreePath::parse(text).map_err(|source| invalid(Some(source)))
}

/// Zeros between the end of an entry and the next block.
const fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

/// The decompressed bytes, and how many of them have gone by.
struct Stream<R> {
    from: R,
    offset: u64,
}

impl<R: Read> Stream<R> {
    /// The next header; none at the end mark, or where an archive without one just ends.
    fn header(&mut self) -> Result<Option<Header>, ReadArchiveError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.from.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(self.failed(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = Header(block);
        if !header.is_whole() {
            return Err(ReadArchiveError::Malformed { what: "header checksum", offset: self.offset });
        }
        self.offset += BLOCK as u64;
        Ok(Some(header))
    }

    /// The content of an entry that only describes the next one.
    fn text(
        &mut self,
        size: u64,
        malformed: &impl Fn(&'static str) -> ReadArchiveError,
    ) -> Result<Vec<u8>, ReadArchiveError> {
        if size > LONGEST_NAME {
            return Err(malformed("overlong extended header"));
        }
        let mut text = Vec::new();
        let count = (&mut self.from).take(size).read_to_end(&mut text).map_err(|error| self.failed(error))?;
        if count as u64 != size {
            return Err(self.failed(io::ErrorKind::UnexpectedEof.into()));
        }
        self.offset += size;
        self.skip(padding(size))?;
        Ok(text)
    }

    fn skip(&mut self, count: u64) -> Result<(), ReadArchiveError> {
        let copied =
            io::copy(&mut (&mut self.from).take(count), &mut io::sink()).map_err(|error| self.failed(error))?;
        self.offset += copied;
        if copied == count { Ok(()) } else { Err(self.failed(io::ErrorKind::UnexpectedEof.into())) }
    }

    fn failed(&self, source: io::Error) -> ReadArchiveError {
        ReadArchiveError::Read { offset: self.offset, source }
    }
}

/// What POSIX extended headers say about the next entry, as far as it is used.
#[derive(Default)]
struct Pax {
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Pax {
    /// Takes in records of the form `<length> <key>=<value>\n`; none when they are not.
    fn read(&mut self, mut text: &[u8]) -> Option<()> {
        while !text.is_empty() {
            let blank = text.iter().position(|byte| *byte == b' ')?;
            let length: usize = std::str::from_utf8(&text[..blank]).ok()?.parse().ok()?;
            let record = text.get(blank + 1..length)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|byte| *byte == b'=')?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"size" => self.size = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
                // Sparse files would be read as something that they are not.
                _ if key.starts_with(b"GNU.sparse.") => return None,
                _ => {}
            }
            text = &text[length..];
        }
        Some(())
    }
}
