//! Random trees beside the real kustomize, which `cargo xtask oracles kustomize` builds.
//!
//! `KUSTOMIZE_TREES` says how many and `KUSTOMIZE_SEED` where to begin: `cargo xtask bench --differential` takes many.
//! `KUSTOMIZE_WHY` shows why trees are refused, `KUSTOMIZE_SHOW` so many differences.

use std::path::{Path, PathBuf};
use std::process::Command;

use kustomize::Options;
use tree::{Tree, TreePath};

use crate::random_trees::{self, RandomTree};

/// How many trees are enough for every day.
const TREES: u64 = 60;
/// How many of a hundred trees must be such that there is something to build.
const BUILT: u64 = 40;
/// Differences are shown so many at a time.
const SHOWN: usize = 5;

fn real() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/oracles/kustomize");
    path.is_file().then_some(path)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

enum Verdict {
    Built,
    Refused(String),
    Differs(String),
}

fn compare(real: &Path, folder: &Path, random: &RandomTree) -> Verdict {
    let _ = std::fs::remove_dir_all(folder);
    let mut tree = Tree::new();
    for (path, bytes) in &random.files {
        let at = folder.join(path);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(at, bytes).unwrap();
        tree.insert(&TreePath::parse(path).unwrap(), bytes.clone()).unwrap();
    }
    let output = Command::new(real).arg("build").arg(folder.join(&random.root)).output().unwrap();
    let ours = kustomize::build(&tree, &TreePath::parse(&random.root).unwrap(), &Options::default());
    let (theirs, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match (ours, output.status.success()) {
        (Ok(build), true) if build.to_yaml() == theirs => Verdict::Built,
        (Ok(build), true) => Verdict::Differs(first_difference(&theirs, &build.to_yaml())),
        // What brings the real one down need not bring us down: also that it cannot read what it has printed, as when a
        // comment stands behind a value in brackets.
        (Ok(_), false) if ["panic: ", "yaml: line 2: did not find"].iter().any(|broken| stderr.contains(broken)) => {
            Verdict::Refused("kustomize panics, or prints what it cannot read".to_owned())
        }
        (Ok(_), false) => Verdict::Differs(format!("we build what is refused: {}", stderr.trim())),
        (Err(error), true) => Verdict::Differs(format!("we refuse what is built: {error}")),
        (Err(error), false) => Verdict::Refused(error.to_string()),
    }
}

fn first_difference(theirs: &str, ours: &str) -> String {
    let mut pairs = theirs.lines().zip(ours.lines()).enumerate();
    match pairs.find(|(_, (theirs, ours))| theirs != ours) {
        Some((i, _)) => {
            let around = |text: &str| {
                text.lines().skip(i.saturating_sub(8)).take(12).map(|l| format!("    {l}\n")).collect::<String>()
            };
            format!("line {}:\n  theirs\n{}  ours\n{}", i + 1, around(theirs), around(ours))
        }
        None => format!("theirs has {} lines, ours {}", theirs.lines().count(), ours.lines().count()),
    }
}

#[test]
fn random_trees_are_built_as_kustomize_builds_them() {
    let Some(real) = real() else {
        eprintln!("the real kustomize is not there: build it with `cargo xtask oracles kustomize`");
        assert!(std::env::var_os("ORACLES_BUILT").is_none(), "the real kustomize must be there");
        return;
    };
    let first = number("KUSTOMIZE_SEED").unwrap_or(1);
    let count = number("KUSTOMIZE_TREES").unwrap_or(TREES);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("random-trees-{}", std::process::id()));
    let (mut built, mut refused, mut differences) = (0, 0, Vec::new());
    for seed in first..first + count {
        match compare(&real, &folder, &random_trees::tree(seed)) {
            Verdict::Built => built += 1,
            Verdict::Refused(why) => {
                refused += 1;
                if std::env::var_os("KUSTOMIZE_WHY").is_some() {
                    eprintln!("seed {seed} is refused: {why}");
                }
            }
            Verdict::Differs(how) => differences.push(format!("seed {seed}: {how}")),
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    eprintln!(
        "random trees of seeds {first} to {}: {built} built alike, {refused} refused by both, {} differ",
        first + count - 1,
        differences.len()
    );
    let shown =
        &differences[..differences.len().min(number("KUSTOMIZE_SHOW").map_or(SHOWN, |n| usize::try_from(n).unwrap()))];
    assert!(differences.is_empty(), "{} of {count} differ:\n{}", differences.len(), shown.join("\n"));
    assert!(built * 100 >= count * BUILT, "only {built} of {count} trees were built");
}

/// Writes the tree of `KUSTOMIZE_SEED` into the folder that `KUSTOMIZE_WRITE` names, to look at it.
#[test]
fn a_tree_can_be_written_to_look_at_it() {
    let Some(folder) = std::env::var_os("KUSTOMIZE_WRITE") else { return };
    let random = random_trees::tree(number("KUSTOMIZE_SEED").unwrap());
    for (path, bytes) in &random.files {
        let at = Path::new(&folder).join(path);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(at, bytes).unwrap();
    }
    eprintln!("build {}", Path::new(&folder).join(&random.root).display());
}
