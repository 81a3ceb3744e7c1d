//! A build file for a directory that has none.

use tree::{Files, Kind, TreePath};

use super::{API_VERSION, File, KIND, NAMES};
use crate::decode::Entry;
use crate::error::Place;
use crate::node::Keys;
use crate::read;

/// Why no build file can be made for a directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The tree could not be read.
    #[error("{0}")]
    Read(tree::ReadError),
    /// A YAML file that holds no Kubernetes objects.
    #[error("failed to decode Kubernetes YAML from {path}: {problem}")]
    NotObjects {
        /// The file.
        path: TreePath,
        /// The first thing that is wrong with it.
        problem: String,
    },
}

/// Makes a build file of all YAML files below a directory, in the order of their names. A directory that has a build
/// file of its own is taken as one. A directory without any YAML gets a build file that builds nothing.
///
/// # Errors
/// [`ScanError::NotObjects`] for the first file that holds something else than Kubernetes objects.
///
/// # Source
/// Flux's kustomize-controller does the same.
pub fn scan(files: &dyn Files, directory: &TreePath) -> Result<File, ScanError> {
    let mut resources = Vec::new();
    walk(files, directory, directory, &mut resources)?;
    let mut file = File { api_version: API_VERSION.to_owned(), kind: KIND.to_owned(), ..File::default() };
    if resources.is_empty() {
        // Without any field a build file counts as empty, which is an error.
        "_placeholder".clone_into(&mut file.namespace);
    }
    file.resources = resources;
    Ok(file)
}

fn walk(files: &dyn Files, root: &TreePath, directory: &TreePath, found: &mut Vec<Entry>) -> Result<(), ScanError> {
    for entry in files.list(directory).map_err(ScanError::Read)? {
        let Ok(path) = directory.join(&entry.name) else { continue };
        let relative = path.strip_prefix(root).unwrap_or_default();
        match entry.kind {
            Kind::Symlink => {}
            Kind::Dir => {
                let entries = files.list(&path).map_err(ScanError::Read)?;
                if entries.iter().any(|entry| NAMES.contains(&entry.name.as_str())) {
                    found.push(relative.as_str().into());
                } else {
                    walk(files, root, &path, found)?;
                }
            }
            Kind::File { .. } => {
                let yaml = matches!(entry.name.rsplit_once('.'), Some((_, "yaml" | "yml")));
                if yaml && !NAMES.contains(&entry.name.as_str()) {
                    check(files, &path)?;
                    found.push(relative.as_str().into());
                }
            }
        }
    }
    Ok(())
}

fn check(files: &dyn Files, path: &TreePath) -> Result<(), ScanError> {
    let bytes = files.read(path).map_err(ScanError::Read)?;
    let name = Place { file: path.as_str().into(), line: 0 }.file;
    let wrong = |problem: String| ScanError::NotObjects { path: path.clone(), problem };
    let text = read::text(&bytes, &name).map_err(|fault| wrong(fault.to_string()))?;
    let objects = read::objects(&text, &name, &mut Keys::default());
    objects.map(drop).map_err(|problems| wrong(problems.first().map_or_else(String::new, ToString::to_string)))
}
