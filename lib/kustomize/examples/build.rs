//! Builds a directory of the disk and prints what `kustomize build` prints, to compare and to measure.
//!
//! `cargo run --release -p kustomize --example build -- ROOT DIR [none|legacy] [LoadRestrictionsNone] [drop]`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example is where the library meets the disk and the terminal"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kustomize::{LoadRestrictions, Options, Reorder, UnknownFields};
use tree::{Entry, Files, Kind, ReadError, TreePath};

/// The tree below a directory of the disk.
struct Disk(PathBuf);

impl Disk {
    fn at(&self, path: &TreePath) -> PathBuf {
        self.0.join(path.as_str())
    }
}

fn kind(path: &Path) -> Option<Kind> {
    let meta = std::fs::symlink_metadata(path).ok()?;
    Some(if meta.is_symlink() {
        Kind::Symlink
    } else if meta.is_dir() {
        Kind::Dir
    } else {
        Kind::File { executable: false }
    })
}

impl Files for Disk {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        std::fs::read(self.at(path)).map_err(|_| ReadError::NotFound { path: path.clone() })
    }

    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        Ok(kind(&self.at(path)))
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<Entry>, ReadError> {
        let entries = std::fs::read_dir(self.at(dir)).map_err(|_| ReadError::NotFound { path: dir.clone() })?;
        let mut entries: Vec<Entry> = entries
            .flatten()
            .filter_map(|entry| {
                Some(Entry { name: entry.file_name().to_str()?.to_owned(), kind: kind(&entry.path())? })
            })
            .collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn link(&self, path: &TreePath) -> Result<String, ReadError> {
        let target = std::fs::read_link(self.at(path)).map_err(|_| ReadError::NotFound { path: path.clone() })?;
        Ok(target.to_string_lossy().into_owned())
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (Some(root), Some(directory)) = (args.first(), args.get(1)) else {
        eprintln!("usage: build ROOT DIR [none|legacy] [LoadRestrictionsNone] [drop]");
        return ExitCode::FAILURE;
    };
    let has = |flag: &str| args[2..].iter().any(|arg| arg == flag);
    let options = Options {
        load_restrictions: if has("LoadRestrictionsNone") {
            LoadRestrictions::None
        } else {
            LoadRestrictions::RootOnly
        },
        reorder: if has("none") { Reorder::None } else { Reorder::Unspecified },
        unknown_fields: if has("drop") { UnknownFields::DropAndReport } else { UnknownFields::Refuse },
        ..Options::default()
    };
    let Ok(path) = TreePath::parse(directory) else {
        eprintln!("{directory} is no path below {root}");
        return ExitCode::FAILURE;
    };
    match kustomize::build(&Disk(root.into()), &path, &options) {
        Ok(build) => {
            build.warnings.iter().for_each(|warning| eprintln!("# Warning: {warning}"));
            let mut out = std::io::stdout().lock();
            for (i, resource) in build.resources.into_iter().enumerate() {
                let separator = if i > 0 { "---\n" } else { "" };
                if write!(out, "{separator}{}", resource.to_yaml()).is_err() {
                    return ExitCode::FAILURE;
                }
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}
