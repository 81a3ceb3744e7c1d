//! Where a sandbox begins: the repository, and the objects that everything else follows from.

use std::path::{Path, PathBuf};

use api::{GitRepository, Kustomization};
use fetch::work_tree::WorkTree;
use reconcile::Key;
use serde_json::{Value, json};

use super::example;
use crate::cli::failure::{Failure, chain};

/// The file in which `flux bootstrap` keeps the two objects.
const SYNC: &str = "flux-system/gotk-sync.yaml";
/// How deep below the root clusters are looked for.
const DEPTH: usize = 4;

/// What was typed.
pub(super) struct Typed<'a> {
    /// A directory, an address, or nothing for the example.
    pub(super) target: Option<&'a str>,
    /// The directory of the cluster in the repository.
    pub(super) path: Option<&'a str>,
    pub(super) branch: &'a str,
    /// What objects are called that have to be made.
    pub(super) name: &'a str,
    pub(super) namespace: &'a str,
}

/// Where a sandbox begins.
pub(super) struct Entry {
    /// Stands in for the repository; none when it is fetched.
    pub(super) work_tree: Option<WorkTree>,
    /// To be applied, in this order.
    pub(super) objects: Vec<Value>,
    pub(super) source: Key,
    pub(super) kustomization: Key,
    /// For people.
    pub(super) called: String,
}

impl Entry {
    /// Finds the entry, or makes one. The example is written below `scratch`.
    pub(super) fn find(typed: &Typed<'_>, scratch: &Path) -> Result<Self, Failure> {
        let target = match typed.target {
            Some(url) if url.contains("://") => return Ok(Self::at_url(typed, url)),
            Some(directory) => PathBuf::from(directory),
            None => {
                let folder = scratch.join("fleet");
                example::write(&folder).map_err(|error| {
                    Failure::new(format!("cannot write the example to {}: {error}", folder.display()))
                })?;
                folder
            }
        };
        let work_tree = WorkTree::open(&target).map_err(|error| Failure::new(chain(&error)))?;
        Self::in_work_tree(typed, work_tree, &target)
    }

    fn at_url(typed: &Typed<'_>, url: &str) -> Self {
        let objects = made(typed, url, typed.path.unwrap_or("./"));
        let key = Key::new(typed.namespace, typed.name);
        Self { work_tree: None, objects, source: key.clone(), kustomization: key, called: url.to_owned() }
    }

    fn in_work_tree(typed: &Typed<'_>, mut work_tree: WorkTree, target: &Path) -> Result<Self, Failure> {
        let root = work_tree.root().to_owned();
        let cluster = match typed.path {
            Some(path) => root.join(path.trim_start_matches("./")),
            None => cluster_below(&target.canonicalize().unwrap_or_else(|_| root.clone()))?,
        };
        if !cluster.is_dir() {
            return Err(Failure::new(format!("{} is not a directory of the work tree", cluster.display())));
        }
        let inner = cluster.strip_prefix(&root).unwrap_or(Path::new("")).display().to_string();
        let called = format!("./{inner} of {}", root.display());
        let sync = cluster.join(SYNC);
        let objects = kept(&sync)?;
        // Templates have the file without anything in it: `flux bootstrap` will write it.
        if objects.is_empty() {
            // A name that no server has: nothing but the work tree answers to it.
            let url = "https://sandbox.invalid/work-tree";
            work_tree.stand_in_for(url);
            let objects = made(typed, url, &format!("./{inner}"));
            let key = Key::new(typed.namespace, typed.name);
            return Ok(Self { work_tree: Some(work_tree), objects, source: key.clone(), kustomization: key, called });
        }
        let of_kind = |kind: &str| objects.iter().find(|object| object["kind"] == kind);
        let (Some(source), Some(kustomization)) =
            (of_kind(GitRepository::kind().kind), of_kind(Kustomization::kind().kind))
        else {
            return Err(Failure::new(format!("{} holds no GitRepository or no Kustomization", sync.display()))
                .hint("--path names the directory of a cluster"));
        };
        work_tree.stand_in_for(source["spec"]["url"].as_str().unwrap_or_default());
        let (source, kustomization) = (key(source, typed), key(kustomization, typed));
        Ok(Self { work_tree: Some(work_tree), objects, source, kustomization, called })
    }
}

/// The objects that a file holds; none if there is no such file.
fn kept(sync: &Path) -> Result<Vec<Value>, Failure> {
    if !sync.is_file() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(sync)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", sync.display())))?;
    let objects = yaml::to_values(&text, yaml::Schema::V2)
        .map_err(|error| Failure::new(format!("{}: {}", sync.display(), chain(&error))))?;
    Ok(objects.into_iter().filter(|object| !object.is_null()).collect())
}

/// The one cluster at or below a directory, or the directory itself when there is none.
fn cluster_below(directory: &Path) -> Result<PathBuf, Failure> {
    let mut found = Vec::new();
    search(directory, DEPTH, &mut found);
    found.sort();
    match found.as_slice() {
        [] => Ok(directory.to_owned()),
        [one] => Ok(one.clone()),
        several => {
            let paths = several.iter().map(|path| path.strip_prefix(directory).unwrap_or(path).display().to_string());
            let paths: Vec<String> = paths.collect();
            Err(Failure::new(format!("there are {} clusters: {}", paths.len(), paths.join(", ")))
                .hint(format!("--path={}", paths[0])))
        }
    }
}

fn search(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if directory.join(SYNC).is_file() {
        found.push(directory.to_owned());
    }
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    if depth == 0 {
        return;
    }
    for entry in entries.flatten() {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // Links are not followed: they may lead round in circles.
        if !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            search(&entry.path(), depth - 1, found);
        }
    }
}

fn key(object: &Value, typed: &Typed<'_>) -> Key {
    let metadata = &object["metadata"];
    Key::new(metadata["namespace"].as_str().unwrap_or(typed.namespace), metadata["name"].as_str().unwrap_or_default())
}

/// The two objects, for a repository that has none.
fn made(typed: &Typed<'_>, url: &str, path: &str) -> Vec<Value> {
    let metadata = json!({ "name": typed.name, "namespace": typed.namespace });
    vec![
        json!({
            "apiVersion": GitRepository::kind().api_version(), "kind": GitRepository::kind().kind, "metadata": metadata,
            "spec": { "interval": "1m", "url": url, "ref": { "branch": typed.branch } },
        }),
        json!({
            "apiVersion": Kustomization::kind().api_version(), "kind": Kustomization::kind().kind, "metadata": metadata,
            "spec": {
                "interval": "10m", "path": path, "prune": true,
                "sourceRef": { "kind": GitRepository::kind().kind, "name": typed.name },
            },
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(target: Option<&Path>, path: Option<&str>) -> Result<Entry, String> {
        let scratch = tempfile::tempdir().unwrap();
        let target = target.map(|target| target.display().to_string());
        let typed =
            Typed { target: target.as_deref(), path, branch: "main", name: "flux-system", namespace: "flux-system" };
        Entry::find(&typed, scratch.path()).map_err(|failure| failure.message().to_owned())
    }

    #[test]
    fn the_example_is_its_own_entry() {
        let entry = find(None, None).unwrap();
        assert_eq!(entry.kustomization, Key::new("flux-system", "fleet"));
        assert!(entry.work_tree.unwrap().is_at("https://git.example.com/fleet"));
    }

    #[test]
    fn an_entry_is_made_where_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("clusters/prod")).unwrap();
        let entry = find(Some(folder.path()), Some("clusters/prod")).unwrap();
        assert_eq!(entry.objects[1]["spec"]["path"], "./clusters/prod");
        assert!(find(Some(folder.path()), Some("clusters/none")).is_err());
    }

    #[test]
    fn several_clusters_are_a_question() {
        let folder = tempfile::tempdir().unwrap();
        for cluster in ["clusters/a", "clusters/b"] {
            let folder = folder.path().join(cluster).join("flux-system");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("gotk-sync.yaml"), "").unwrap();
        }
        let message = find(Some(folder.path()), None).err().unwrap();
        assert_eq!(message, "there are 2 clusters: clusters/a, clusters/b");
        let entry = find(Some(folder.path()), Some("clusters/a")).unwrap();
        assert_eq!(entry.objects[1]["spec"]["path"], "./clusters/a", "an empty file is as good as none");
        std::fs::write(folder.path().join("clusters/a/flux-system/gotk-sync.yaml"), "kind: Kustomization\n").unwrap();
        let message = find(Some(folder.path()), Some("clusters/a")).err().unwrap();
        assert!(message.ends_with("clusters/a/flux-system/gotk-sync.yaml holds no GitRepository or no Kustomization"));
    }
}
