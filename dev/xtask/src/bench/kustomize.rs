//! `flux render kustomize` beside `kustomize build`.

mod trees;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use self::trees::Tree;
use super::process::{self, Bars, Program, Table, Time};
use crate::Outcome;
use crate::oracles;
use crate::workspace::Workspace;

/// Numbers of objects whose builds must take time in proportion.
const GROWTH: [usize; 5] = [500, 1000, 2000, 4000, 8000];
/// How much longer an object may take in the worst of those builds than in the best.
const GROWTH_BAR: f64 = 1.5;

/// Measures every row that the filters want.
pub(crate) fn measure(workspace: &Workspace, filters: &[&str]) -> Outcome {
    oracles::run(workspace, &["kustomize"])?;
    let flux = process::flux(workspace)?;
    let real = workspace.path("target/oracles/kustomize");
    let folder = workspace.target().join("bench/kustomize");
    let mut table = Table::new(&folder, filters)?;

    // Most of the real one's time is its start.
    let start = Bars { time: Time::Times(4.0), memory: None };
    let usual = || Bars { time: Time::Times(10.0), memory: Some(4.0) };
    let references = Bars { time: Time::Seconds(1.0), memory: Some(4.0) };
    let rows: [(&str, Tree, Bars); 5] = [
        ("overlay of 3 files", trees::overlay(), start),
        ("100 Deployments, 3 patches each", trees::patches(100), usual()),
        ("1000 ConfigMap generators", trees::generators(1000), usual()),
        ("CRD bundle of 2 MB", trees::crds(2_000_000), usual()),
        ("4000 objects with name references", trees::references(4000), references),
    ];
    for (name, tree, bars) in rows {
        if table.wants(name) {
            let path = write(&folder.join("tree"), &tree)?;
            let real = Program::new(&real, ["build".as_ref(), path.as_os_str()]);
            table.compare(name, &ours(&flux, &path), &real, &bars)?;
        }
    }
    let name = "growth from 500 to 8000 objects";
    if table.wants(name) {
        table.bound(name, growth(&flux, &folder)?, GROWTH_BAR);
    }
    table.finish()
}

/// Arguments of `flux` for builds like those that are measured, but shorter.
pub(super) fn renderings(folder: &Path) -> Result<Vec<Vec<OsString>>, String> {
    let trees =
        [trees::overlay(), trees::patches(20), trees::generators(50), trees::crds(200_000), trees::references(50)];
    let each = trees.iter().enumerate();
    each.map(|(i, tree)| Ok(arguments(&write(&folder.join(i.to_string()), tree)?).map(OsString::from).to_vec()))
        .collect()
}

fn arguments(tree: &Path) -> [&OsStr; 3] {
    ["render".as_ref(), "kustomize".as_ref(), tree.as_os_str()]
}

fn ours(flux: &Path, tree: &Path) -> Program {
    Program::new(flux, arguments(tree))
}

/// The time of an object in the slowest of the builds, in times of that in the fastest.
fn growth(flux: &Path, folder: &Path) -> Result<f64, String> {
    let mut each = Vec::new();
    for count in GROWTH {
        let path = write(&folder.join("tree"), &trees::references(count))?;
        let cost = ours(flux, &path).measure(&folder.join("ours"))?;
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let object = cost.seconds / count as f64;
        println!("{:<44} {:>8.4} s, {:.1} µs for each", format!("  {count} objects"), cost.seconds, object * 1e6);
        each.push(object);
    }
    let (least, most) = each.iter().fold((f64::MAX, 0.0_f64), |(least, most), &t| (least.min(t), most.max(t)));
    Ok(most / least)
}

/// Writes a tree to the disk, in place of what is there, and returns the path of its build file's directory.
fn write(folder: &Path, tree: &Tree) -> Result<PathBuf, String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|e| format!("remove {}: {e}", folder.display()))?;
    }
    for (path, text) in &tree.files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|e| format!("write {}: {e}", path.display()))?;
    }
    Ok(folder.join(tree.root))
}
