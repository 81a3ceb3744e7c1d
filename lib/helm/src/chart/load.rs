//! Charts from folders and archives.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use tree::{Files, Kind, ReadError, TreePath};

use super::ignore::{Ignore, IgnoreError};
use super::metadata::{ApiVersion, Metadata, MetadataError};
use super::{Chart, File};
use crate::values;

/// How much a chart may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of all files together, nested archives included.
    pub total_bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Files and folders.
    pub entries: usize,
    /// Charts in charts.
    pub depth: usize,
}

impl Default for Limits {
    /// Helm's: 100 MiB and 5 MiB. It has none for the number of files and for nesting.
    fn default() -> Self {
        Self { total_bytes: 100 << 20, file_bytes: 5 << 20, entries: 100_000, depth: 32 }
    }
}

/// Why a chart could not be loaded. Below a subchart, the path says which.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no `Chart.yaml`.
    #[error("{chart}Chart.yaml file is missing")]
    MissingChartYaml {
        /// Of which subchart, with a colon; empty for the chart itself.
        chart: String,
    },
    /// A YAML file cannot be read.
    #[error("cannot load {file}")]
    Yaml {
        /// From the root chart's folder.
        file: String,
        /// Where and why.
        source: yaml::Error,
    },
    /// `Chart.yaml` or `requirements.yaml` says what it must not.
    #[error("cannot load {file}")]
    Metadata {
        /// From the root chart's folder.
        file: String,
        /// What is wrong.
        source: MetadataError,
    },
    /// `values.yaml` is no mapping.
    #[error("cannot load {file}")]
    Values {
        /// From the root chart's folder.
        file: String,
        /// What is wrong.
        source: values::ReadError,
    },
    /// `.helmignore` is not well formed.
    #[error("cannot load .helmignore")]
    Ignore {
        /// The line.
        source: IgnoreError,
    },
    /// The folder could not be read.
    #[error("cannot read the chart's folder")]
    Read {
        /// Why.
        source: ReadError,
    },
    /// The archive could not be read.
    #[error("cannot read the chart archive {archive}")]
    Archive {
        /// Empty for the chart itself, else the path of a nested archive.
        archive: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing in the archive.
    #[error("no files in chart archive")]
    Empty,
    /// A file of the archive has a name that leads elsewhere.
    #[error("chart illegally contains {0:?}: names must lie below one base directory")]
    IllegalName(String),
    /// A symbolic link leads out of the chart, nowhere, or in circles.
    #[error("{path} is a symbolic link that does not lead to a file of this tree")]
    Link {
        /// The link.
        path: String,
    },
    /// A file exceeds [`Limits::file_bytes`].
    #[error("chart file {file:?} is larger than the maximum file size {limit}")]
    FileTooLarge {
        /// The file.
        file: String,
        /// The limit.
        limit: u64,
    },
    /// The chart exceeds [`Limits::total_bytes`].
    #[error("decompressed chart is larger than the maximum size {0}")]
    TooLarge(u64),
    /// The chart exceeds [`Limits::entries`].
    #[error("the chart has more than {0} files")]
    TooManyEntries(usize),
    /// The chart exceeds [`Limits::depth`].
    #[error("charts are nested deeper than {0}")]
    TooDeep(usize),
}

impl Chart {
    /// Loads a chart from a folder. Its `.helmignore` applies; symbolic links are followed within `files`.
    pub fn from_files(files: &dyn Files, folder: &TreePath, limits: &Limits) -> Result<Self, LoadError> {
        let mut loader = Loader::new(limits);
        let ignore = match files.read(&join(folder, ".helmignore")?) {
            Ok(bytes) => Ignore::parse(&String::from_utf8_lossy(&bytes)),
            Err(_) => Ignore::parse(""),
        };
        let ignore = ignore.map_err(|source| LoadError::Ignore { source })?;
        let mut found = Vec::new();
        loader.walk(files, folder, "", &ignore, 0, &mut found)?;
        let read = loader.read(files, found)?;
        loader.assemble(read, "", 0)
    }

    /// Loads a chart from a `.tgz`.
    pub fn from_archive(archive: impl Read, limits: &Limits) -> Result<Self, LoadError> {
        let mut loader = Loader::new(limits);
        let files = loader.unpack(archive, "")?;
        loader.assemble(files, "", 0)
    }
}

fn join(folder: &TreePath, name: &str) -> Result<TreePath, LoadError> {
    folder.join(name).map_err(|_| LoadError::IllegalName(name.to_owned()))
}

/// Loads with what is left of the limits.
struct Loader {
    limits: Limits,
    bytes: u64,
    entries: usize,
}

/// A file of a chart's folder, and where its bytes lie: elsewhere if a link leads there.
struct Found {
    name: String,
    path: TreePath,
}

/// From how many files on it is worth several threads to read them.
const MANY: usize = 128;

/// How many links may lead to links, and folders lie in each other.
const MAX_LINKS: usize = 16;
const MAX_FOLDERS: usize = 64;

impl Loader {
    fn new(limits: &Limits) -> Self {
        Self { limits: *limits, bytes: 0, entries: 0 }
    }

    fn count_entry(&mut self) -> Result<(), LoadError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(LoadError::TooManyEntries(self.limits.entries));
        }
        Ok(())
    }

    fn count_bytes(&mut self, name: &str, bytes: u64) -> Result<(), LoadError> {
        if bytes > self.limits.file_bytes {
            return Err(LoadError::FileTooLarge { file: name.to_owned(), limit: self.limits.file_bytes });
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limits.total_bytes {
            return Err(LoadError::TooLarge(self.limits.total_bytes));
        }
        Ok(())
    }

    fn walk(
        &mut self,
        files: &dyn Files,
        folder: &TreePath,
        prefix: &str,
        ignore: &Ignore,
        depth: usize,
        found: &mut Vec<Found>,
    ) -> Result<(), LoadError> {
        if depth > MAX_FOLDERS {
            return Err(LoadError::TooDeep(MAX_FOLDERS));
        }
        for entry in files.list(folder).map_err(|source| LoadError::Read { source })? {
            self.count_entry()?;
            let name = format!("{prefix}{}", entry.name);
            let (path, kind) = resolve(files, &join(folder, &entry.name)?, entry.kind)?;
            if ignore.ignores(&name, kind == Kind::Dir) {
                continue;
            }
            if kind == Kind::Dir {
                self.walk(files, &path, &format!("{name}/"), ignore, depth + 1, found)?;
                continue;
            }
            found.push(Found { name, path });
        }
        Ok(())
    }

    fn read(&mut self, files: &dyn Files, found: Vec<Found>) -> Result<Vec<File>, LoadError> {
        let (most, taken) = (self.limits.total_bytes, AtomicU64::new(0));
        let read = |file: &Found| {
            // The chart is refused: no more of it need be read to say so.
            if taken.load(Ordering::Relaxed) > most {
                return Ok(None);
            }
            let data = files.read(&file.path)?;
            taken.fetch_add(data.len() as u64, Ordering::Relaxed);
            Ok(Some(without_mark(&data)))
        };
        let data: Vec<Result<Option<Arc<[u8]>>, ReadError>> = if found.len() >= MANY && rayon::current_num_threads() > 1
        {
            found.par_iter().map(read).collect()
        } else {
            found.iter().map(read).collect()
        };
        let mut all = Vec::with_capacity(found.len());
        for (Found { name, .. }, data) in found.into_iter().zip(data) {
            let data = data.map_err(|source| LoadError::Read { source })?.ok_or(LoadError::TooLarge(most))?;
            self.count_bytes(&name, data.len() as u64)?;
            all.push(File { name, data });
        }
        Ok(all)
    }

    fn unpack(&mut self, archive: impl Read, path: &str) -> Result<Vec<File>, LoadError> {
        let error = |source| LoadError::Archive { archive: path.to_owned(), source };
        // What headers may take on top of content: no file has more than a few blocks of them.
        let most = (self.limits.total_bytes - self.bytes).saturating_add(self.limits.entries as u64 * 4096);
        let mut archive = tar::Archive::new(MultiGzDecoder::new(archive).take(most));
        let mut files = Vec::new();
        for entry in archive.entries().map_err(error)? {
            let mut entry = entry.map_err(error)?;
            self.count_entry()?;
            let kind = entry.header().entry_type();
            if kind.is_dir() || kind.is_pax_global_extensions() || kind.is_pax_local_extensions() {
                continue;
            }
            let full_name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let name = name_below_base(&full_name)?;
            self.count_bytes(&name, entry.size())?;
            let mut data = Vec::new();
            entry.by_ref().take(self.limits.file_bytes).read_to_end(&mut data).map_err(error)?;
            files.push(File { name, data: without_mark(&data) });
        }
        if files.is_empty() {
            return Err(LoadError::Empty);
        }
        Ok(files)
    }

    /// Makes a chart of its files; `at` is the path of the chart's folder below the root chart's, with a slash.
    fn assemble(&mut self, files: Vec<File>, at: &str, depth: usize) -> Result<Chart, LoadError> {
        if depth > self.limits.depth {
            return Err(LoadError::TooDeep(self.limits.depth));
        }
        let mut chart = Chart::default();
        let mut has_metadata = false;
        let chart_yaml = files.iter().rfind(|file| file.name == "Chart.yaml");
        if let Some(file) = chart_yaml {
            let path = format!("{at}Chart.yaml");
            let value = read_yaml(file, &path)?;
            chart.metadata = Metadata::read(&value).map_err(|source| LoadError::Metadata { file: path, source })?;
            has_metadata = true;
        }
        let mut below: BTreeMap<String, Vec<File>> = BTreeMap::new();
        for file in files {
            let path = format!("{at}{}", file.name);
            match file.name.as_str() {
                "Chart.yaml" => {}
                "Chart.lock" => chart.lock = Some(read_yaml(&file, &path)?),
                "values.yaml" => {
                    let values = values::read(&file.data);
                    chart.values = values.map_err(|source| LoadError::Values { file: path, source })?.into();
                    chart.values_text = file.data;
                }
                "values.schema.json" => chart.schema = Some(file.data),
                "requirements.yaml" => {
                    let value = read_yaml(&file, &path)?;
                    let read = chart.metadata.read_dependencies(&value);
                    read.map_err(|source| LoadError::Metadata { file: path, source })?;
                    if chart.metadata.api_version == ApiVersion::V1 {
                        chart.files.push(file);
                    }
                }
                "requirements.lock" => {
                    chart.lock = Some(read_yaml(&file, &path)?);
                    if chart.metadata.api_version == ApiVersion::V1 {
                        chart.files.push(file);
                    }
                }
                name if name.starts_with("templates/") => chart.templates.push(file),
                name => match name.strip_prefix("charts/") {
                    Some(rest) if extension(name) != Some("prov") => {
                        let folder = rest.split('/').next().unwrap_or(rest).to_owned();
                        let file = File { name: rest.to_owned(), data: file.data };
                        below.entry(folder).or_default().push(file);
                    }
                    _ => chart.files.push(file),
                },
            }
        }
        if !has_metadata {
            let chart = if at.is_empty() { String::new() } else { format!("{}: ", at.trim_end_matches('/')) };
            return Err(LoadError::MissingChartYaml { chart });
        }
        let validated = chart.metadata.validate();
        validated.map_err(|source| LoadError::Metadata { file: format!("{at}Chart.yaml"), source })?;
        for (name, files) in below {
            if name.starts_with(['_', '.']) {
                continue;
            }
            chart.dependencies.extend(self.subchart(&name, files, at, depth)?);
        }
        Ok(chart)
    }

    fn subchart(&mut self, name: &str, files: Vec<File>, at: &str, depth: usize) -> Result<Option<Chart>, LoadError> {
        let at = format!("{at}charts/{name}");
        if extension(name) == Some("tgz") {
            let [file] = &files[..] else { return Err(LoadError::IllegalName(at)) };
            if file.name != name {
                return Err(LoadError::IllegalName(format!("{at}/{}", file.name)));
            }
            let files = self.unpack(&file.data[..], &at)?;
            return self.assemble(files, &format!("{at}/"), depth + 1).map(Some);
        }
        let prefix = format!("{name}/");
        let inner = files.into_iter().filter_map(|file| {
            let name = file.name.strip_prefix(&prefix)?.to_owned();
            Some(File { name, data: file.data })
        });
        self.assemble(inner.collect(), &format!("{at}/"), depth + 1).map(Some)
    }
}

/// What follows the last dot, in lower case only, as Helm compares it.
fn extension(name: &str) -> Option<&str> {
    name.rsplit('/').next()?.rsplit_once('.').map(|(_, extension)| extension)
}

/// Follows symbolic links, never out of the tree.
fn resolve(files: &dyn Files, path: &TreePath, kind: Kind) -> Result<(TreePath, Kind), LoadError> {
    let broken = || LoadError::Link { path: path.to_string() };
    let (mut current, mut current_kind) = (path.clone(), kind);
    for _ in 0..MAX_LINKS {
        if current_kind != Kind::Symlink {
            return Ok((current, current_kind));
        }
        let target = files.link(&current).map_err(|source| LoadError::Read { source })?;
        let text = current.to_string();
        let folder = text.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = TreePath::parse(folder).map_err(|_| broken())?;
        current = folder.join(&target).map_err(|_| broken())?;
        current_kind = files.kind(&current).map_err(|source| LoadError::Read { source })?.ok_or_else(broken)?;
    }
    Err(broken())
}

fn read_yaml(file: &File, path: &str) -> Result<serde_json::Value, LoadError> {
    let error = |source| LoadError::Yaml { file: path.to_owned(), source };
    yaml::to_value(yaml::text(&file.data).map_err(error)?, yaml::Schema::V2).map_err(error)
}

fn without_mark(data: &[u8]) -> Arc<[u8]> {
    data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data).into()
}

/// Cuts the base directory off a name in an archive, and refuses names that lead anywhere else.
fn name_below_base(full_name: &str) -> Result<String, LoadError> {
    let illegal = || LoadError::IllegalName(full_name.to_owned());
    let delimiter = if full_name.contains('\\') { '\\' } else { '/' };
    let (base, rest) = full_name.split_once(delimiter).unwrap_or((full_name, ""));
    let rest = rest.replace(delimiter, "/");
    if rest.starts_with('/') || base == "Chart.yaml" {
        return Err(illegal());
    }
    let path = TreePath::root().join(&rest).map_err(|_| illegal())?.to_string();
    let is_drive = path.as_bytes().get(1..3) == Some(b":/") && path.starts_with(|c: char| c.is_ascii_alphabetic());
    if path.is_empty() || is_drive {
        return Err(illegal());
    }
    Ok(path)
}
