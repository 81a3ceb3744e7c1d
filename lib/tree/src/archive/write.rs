//! The canonical archive of a tree.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::BLOCK;
use super::header::{Header, split};
use crate::files::{Files, Kind, ReadError};
use crate::ignore::Ignore;
use crate::path::TreePath;

const DIR_MODE: u64 = 0o750;
const FILE_MODE: u64 = 0o600;
const EXECUTABLE_MODE: u64 = 0o700;

/// Why a tree could not be archived.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteArchiveError {
    /// The tree could not be read.
    #[error("read the tree to archive")]
    Read {
        /// What the tree said.
        source: ReadError,
    },
    /// The archive could not be written.
    #[error("write the archive at {path}")]
    Write {
        /// The entry that was being written.
        path: TreePath,
        /// What the writer said.
        source: io::Error,
    },
}

/// Writes a tree as gzipped tar and gives the writer back. Equal trees give equal bytes.
///
/// The root comes first as `.`, then everything depth first in the order of names. Owners and times are blank; modes
/// are 0750 for directories, 0700 for executables, 0600 for other files. Symbolic links are left out. An ignored
/// directory is left out itself, while what lies in it is judged on its own.
///
/// At most one file is held in memory at a time.
///
/// # Source
/// fluxcd/pkg `artifact/storage`; spec source §10.4.
///
/// # Errors
/// [`WriteArchiveError::Read`], [`WriteArchiveError::Write`].
pub fn write<W: Write>(files: &dyn Files, ignore: &Ignore, out: W) -> Result<W, WriteArchiveError> {
    let mut gzip = GzEncoder::new(out, Compression::default());
    // Depth first without recursion: a tree may be as deep as its paths are long.
    let mut stack = vec![(TreePath::root(), Kind::Dir)];
    while let Some((path, kind)) = stack.pop() {
        let kept = !ignore.is_ignored(&path, kind == Kind::Dir);
        let written = match kind {
            Kind::Symlink => continue,
            Kind::File { .. } if !kept => continue,
            Kind::File { executable } => {
                let bytes = files.read(&path).map_err(|source| WriteArchiveError::Read { source })?;
                file(&mut gzip, path.as_str(), executable, &bytes)
            }
            Kind::Dir => {
                let entries = files.list(&path).map_err(|source| WriteArchiveError::Read { source })?;
                stack.extend(entries.into_iter().rev().map(|entry| (path.child(&entry.name), entry.kind)));
                let name = if path.is_root() { "." } else { path.as_str() };
                if kept { entry(&mut gzip, name, b'5', DIR_MODE, 0) } else { Ok(()) }
            }
        };
        written.map_err(|source| WriteArchiveError::Write { path, source })?;
    }
    let end = gzip.write_all(&[0; 2 * BLOCK]).and_then(|()| gzip.finish());
    end.map_err(|source| WriteArchiveError::Write { path: TreePath::root(), source })
}

fn file(out: &mut impl Write, name: &str, executable: bool, bytes: &[u8]) -> io::Result<()> {
    let mode = if executable { EXECUTABLE_MODE } else { FILE_MODE };
    entry(out, name, b'0', mode, bytes.len() as u64)?;
    content(out, bytes)
}

fn entry(out: &mut impl Write, name: &str, kind: u8, mode: u64, size: u64) -> io::Result<()> {
    // Names beyond ASCII or without room in the header go into a POSIX extended header before it, as Go does.
    let short = split(name).filter(|_| name.is_ascii());
    if short.is_none() {
        let record = pax_record("path", name);
        let header = Header::new(b"", b"PaxHeaders.0/path", b'x', 0, record.len() as u64);
        out.write_all(&header.0)?;
        content(out, record.as_bytes())?;
    }
    let (prefix, name) =
        short.map_or((&[][..], name.as_bytes()), |(prefix, name)| (prefix.as_bytes(), name.as_bytes()));
    out.write_all(&Header::new(prefix, name, kind, mode, size).0)
}

fn content(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    let rest = bytes.len() % BLOCK;
    if rest == 0 { Ok(()) } else { out.write_all(&[0; BLOCK][rest..]) }
}

/// `<length> <key>=<value>\n`, where the length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    loop {
        let total = rest + length.to_string().len();
        if total == length {
            return format!("{length} {key}={value}\n");
        }
        length = total;
    }
}
