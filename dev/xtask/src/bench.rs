//! Measures what the release build does beside the real tools, one subject for each argument of `cargo xtask bench`.

mod helm;
mod kustomize;
mod process;

use std::ffi::OsString;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Outcome;
use crate::oracles;
use crate::workspace::{Workspace, run};

/// Measures a subject: the rows whose names contain one of the filters, or all.
pub(crate) fn measure(workspace: &Workspace, args: &[&str]) -> Outcome {
    match args {
        ["apiserver"] => apiserver(workspace),
        ["helm", filters @ ..] => helm::measure(workspace, filters),
        ["kustomize", filters @ ..] => kustomize::measure(workspace, filters),
        ["controllers", filters @ ..] | filters => controllers(workspace, filters),
    }
}

/// Arguments of `flux` for renderings of every kind, the shortest first. What they render is written below the folder.
pub(crate) fn renderings(folder: &Path) -> Result<Vec<Vec<OsString>>, String> {
    let mut renderings = kustomize::renderings(&folder.join("kustomize"))?;
    renderings.extend(helm::renderings(&folder.join("helm"))?);
    Ok(renderings)
}

/// The controllers on a real control plane, beside the real kubectl.
fn controllers(workspace: &Workspace, filters: &[&str]) -> Outcome {
    oracles::run(workspace, &["etcd", "kubernetes"])?;
    run(workspace.cargo(&["bench", "--quiet", "--package", "flux", "--bench", "controllers", "--"]).args(filters))
}

/// The embedded API server beside the real one.
fn apiserver(workspace: &Workspace) -> Outcome {
    oracles::run(workspace, &["etcd", "kubernetes"])?;
    run(&mut workspace.cargo(&["build", "--quiet", "--release", "--package", "testbed", "--example", "api-server"]))?;
    run(&mut workspace.cargo(&["bench", "--quiet", "--package", "testbed", "--bench", "apiserver"]))
}

/// Compares builds of random trees with the real kustomize's: how many, and the first one's seed.
pub(crate) fn differential(workspace: &Workspace, args: &[&str]) -> Outcome {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let today = (since.as_secs() / 86_400 * 1_000_000).to_string();
    let (count, seed) = match args {
        [] => ("2000", today.as_str()),
        [count] => (*count, today.as_str()),
        [count, seed] => (*count, *seed),
        _ => return Err("usage: cargo xtask bench --differential [COUNT [SEED]]".to_owned()),
    };
    oracles::run(workspace, &["kustomize"])?;
    let test =
        ["test", "--quiet", "--package", "kustomize", "--test", "it", "--", "--nocapture", "random_trees_are_built"];
    run(workspace.cargo(&test).env("ORACLES_BUILT", "1").env("KUSTOMIZE_TREES", count).env("KUSTOMIZE_SEED", seed))
}
