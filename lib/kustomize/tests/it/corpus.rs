//! The corpus that others recorded with kustomize 5.8.1: `in/`, `case.json`, `expected.yaml` or `expected_error.txt`.

use std::path::{Path, PathBuf};

use kustomize::{LoadRestrictions, Options, Reorder};
use tree::{Tree, TreePath};

/// Cases that are there; fewer mean that something was not found.
const RECORDED: usize = 132;

fn corpus() -> Option<PathBuf> {
    let root = std::env::var_os("FLUXIDE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    let found = root.join("kustomize");
    found.is_dir().then_some(found)
}

fn read(from: &Path, at: &TreePath, tree: &mut Tree) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let path = at.join(entry.file_name().to_str().unwrap()).unwrap();
        if entry.file_type().unwrap().is_dir() {
            tree.insert_dir(&path).unwrap();
            read(&entry.path(), &path, tree);
        } else {
            tree.insert(&path, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

fn run(case: &Path) -> Result<(), String> {
    let text = |name: &str| std::fs::read_to_string(case.join(name));
    let config: serde_json::Value = serde_json::from_str(&text("case.json").unwrap()).unwrap();
    let mut tree = Tree::new();
    read(&case.join("in"), &TreePath::root(), &mut tree);
    let options = Options {
        load_restrictions: match config["load_restrictions"].as_str() {
            Some("None") => LoadRestrictions::None,
            _ => LoadRestrictions::RootOnly,
        },
        reorder: match config["reorder"].as_str() {
            Some("none") => Reorder::None,
            Some("legacy") => Reorder::Legacy,
            _ => Reorder::Unspecified,
        },
        ..Options::default()
    };
    let path = TreePath::parse(config["path"].as_str().unwrap()).unwrap();
    let built = kustomize::build(&tree, &path, &options);
    match (built, text("expected.yaml")) {
        (Ok(build), Ok(expected)) if build.to_yaml() == expected => Ok(()),
        (Ok(build), Ok(expected)) => Err(format!("--- expected\n{expected}--- found\n{}", build.to_yaml())),
        (Ok(build), Err(_)) => Err(format!("expected an error, built\n{}", build.to_yaml())),
        (Err(error), Ok(_)) => Err(format!("failed: {error}")),
        (Err(_), Err(_)) => Ok(()),
    }
}

#[test]
fn every_recorded_build_is_the_same() {
    let Some(corpus) = corpus() else {
        eprintln!("no corpus found: set FLUXIDE_CORPUS");
        assert!(std::env::var_os("CI").is_none(), "CI must have the corpus");
        return;
    };
    let mut cases: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let mut failed = Vec::new();
    for case in &cases {
        if let Err(message) = run(case) {
            failed.push(format!("{}: {message}", case.file_name().unwrap().to_string_lossy()));
        }
    }
    eprintln!("{} of {} recorded builds are the same", cases.len() - failed.len(), cases.len());
    assert!(cases.len() >= RECORDED, "only {} cases", cases.len());
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
