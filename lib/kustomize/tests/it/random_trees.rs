//! Random trees that use everything that build files can say, the same ones for the same seed.
#![allow(clippy::ptr_arg, clippy::too_many_lines, reason = "features are alike, and their tables long")]

mod features;
mod objects;
mod patches;
mod style;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Where chance comes from.
pub(crate) struct Random(fastrand::Rng);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// True in so many of a hundred cases.
    fn chance(&mut self, percent: u32) -> bool {
        self.0.u32(..100) < percent
    }

    fn below(&mut self, n: usize) -> usize {
        self.0.usize(..n.max(1))
    }

    fn pick<'t, T: ?Sized>(&mut self, list: &[&'t T]) -> &'t T {
        list[self.below(list.len())]
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        self.0.shuffle(list);
    }
}

/// Files by path, and the directory to build.
pub(crate) struct RandomTree {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) root: String,
}

/// What later build files know of an object that is there.
#[derive(Clone, Debug)]
struct Known {
    api_version: String,
    kind: String,
    name: String,
    namespace: Option<String>,
}

impl Known {
    fn of(object: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            api_version: text(&object["apiVersion"]),
            kind: text(&object["kind"]),
            name: text(&object["metadata"]["name"]),
            namespace: object["metadata"]["namespace"].as_str().map(str::to_owned),
        }
    }

    fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    fn version(&self) -> &str {
        self.api_version.rsplit('/').next().unwrap_or_default()
    }

    fn is_workload(&self) -> bool {
        matches!(self.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet" | "Job")
    }
}

/// Puts a tree together.
struct Builder {
    random: Random,
    files: BTreeMap<String, Vec<u8>>,
    /// Names of directories and files are counted.
    count: usize,
}

/// Writes the tree of a seed.
pub(crate) fn tree(seed: u64) -> RandomTree {
    let mut builder = Builder { random: Random::new(seed), files: BTreeMap::new(), count: 0 };
    let depth = if builder.random.chance(3) { 9 } else { builder.random.below(4) };
    let (root, _) = builder.directory(depth, "Kustomization", &[]);
    RandomTree { files: builder.files, root }
}

impl Builder {
    fn number(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    fn file(&mut self, path: &str, text: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), text.into());
    }

    /// Writes a value as YAML in a style of its own.
    fn yaml(&mut self, path: &str, value: &Value) {
        let text = style::document(&mut self.random, value);
        self.file(path, text);
    }

    /// Writes a directory with a build file, so many directories above others; returns it and what it builds.
    fn directory(&mut self, depth: usize, kind: &str, given: &[Known]) -> (String, Vec<Known>) {
        let dir = format!("{}{}", self.random.pick(&["base", "overlay", "app"]), self.number());
        let mut known = given.to_vec();
        let mut build = Map::new();
        let mut resources = Vec::new();
        let mut bases = Vec::new();
        if depth > 0 {
            let most = if depth > 4 { 1 } else { 2 };
            for i in 0..=self.random.below(most) {
                let (below, more) = self.directory(depth - 1, "Kustomization", &[]);
                if i > 0 {
                    self.rename(&below);
                    // A name that two objects had says nothing about either.
                    let both = |k: &Known, list: &[Known]| list.iter().any(|o| o.kind == k.kind && o.name == k.name);
                    let mine = std::mem::take(&mut known);
                    known.extend(mine.iter().filter(|k| !both(k, &more)).cloned());
                    known.extend(more.iter().filter(|k| !both(k, &mine)).cloned());
                } else {
                    known.extend(more);
                }
                let list = if self.random.chance(85) { &mut resources } else { &mut bases };
                list.push(json!(format!("../{below}")));
            }
        }
        if depth == 0 || self.random.chance(60) {
            for _ in 0..=self.random.below(3) {
                resources.push(self.objects(&dir, &mut known));
            }
        }
        self.random.shuffle(&mut resources);
        let mut components = Vec::new();
        if kind == "Kustomization" && self.random.chance(20) {
            let (component, more) = self.directory(0, "Component", &known);
            components.push(json!(format!("../{component}")));
            known = more;
        }
        for (field, list) in [("resources", resources), ("bases", bases), ("components", components)] {
            if !list.is_empty() {
                build.insert(field.to_owned(), Value::Array(list));
            }
        }
        self.features(&dir, kind, &mut build, &mut known);
        if kind == "Component" || self.random.chance(60) {
            let version = if kind == "Component" { "v1alpha1" } else { "v1beta1" };
            build.insert("apiVersion".to_owned(), json!(format!("kustomize.config.k8s.io/{version}")));
            build.insert("kind".to_owned(), json!(kind));
        }
        let name = if self.random.chance(90) {
            "kustomization.yaml"
        } else {
            self.random.pick(&["kustomization.yml", "Kustomization"])
        };
        self.yaml(&format!("{dir}/{name}"), &Value::Object(build));
        (dir, known)
    }

    /// Gives everything that a directory builds another name than it has elsewhere.
    fn rename(&mut self, dir: &str) {
        let number = self.number();
        let (path, text) =
            self.files.iter().find(|(path, _)| path.starts_with(&format!("{dir}/")) && is_build_file(path)).unwrap();
        let text = String::from_utf8(text.clone()).unwrap();
        let rest: String = text.split_inclusive('\n').filter(|line| !line.starts_with("namePrefix:")).collect();
        let path = path.clone();
        self.file(&path, format!("namePrefix: s{number}-\n{rest}"));
    }

    /// Writes a file of objects and returns its name.
    fn objects(&mut self, dir: &str, known: &mut Vec<Known>) -> Value {
        let count = 1 + self.random.below(4);
        let mut list: Vec<Value> = Vec::new();
        for _ in 0..count {
            let object = objects::object(&mut self.random);
            let is_new = |new: &Known| !known.iter().any(|k| k.kind == new.kind && k.name == new.name);
            let new = Known::of(&object);
            if is_new(&new) {
                known.push(new);
                list.push(object);
            }
        }
        let mut name = format!("objects-{}.yaml", self.number());
        let text = if self.random.chance(10) {
            style::document(&mut self.random, &json!({ "apiVersion": "v1", "kind": "List", "items": list }))
        } else if list.len() == 1 && self.random.chance(10) {
            name = format!("object-{}.json", self.count);
            serde_json::to_string_pretty(&list[0]).unwrap()
        } else {
            style::documents(&mut self.random, &list)
        };
        if self.random.chance(10) {
            name = format!("sub/{name}");
        }
        self.file(&format!("{dir}/{name}"), text);
        json!(name)
    }
}

fn is_build_file(path: &str) -> bool {
    kustomize::NAMES.iter().any(|name| path.split_once('/').is_some_and(|(_, rest)| rest == *name))
}
