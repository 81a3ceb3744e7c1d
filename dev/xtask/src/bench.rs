//! Measures what the release build does beside the real tools, one subject for each argument of `cargo xtask bench`.

mod kustomize;
mod process;

use crate::Outcome;
use crate::oracles;
use crate::workspace::{Workspace, run};

/// Measures a subject: the rows whose names contain one of the filters, or all.
pub(crate) fn measure(workspace: &Workspace, args: &[&str]) -> Outcome {
    match args {
        ["kustomize", filters @ ..] => kustomize::measure(workspace, filters),
        ["controllers", filters @ ..] | filters => controllers(workspace, filters),
    }
}

/// The controllers on a real control plane, beside the real kubectl.
fn controllers(workspace: &Workspace, filters: &[&str]) -> Outcome {
    oracles::run(workspace, &["etcd", "kubernetes"])?;
    run(workspace.cargo(&["bench", "--quiet", "--package", "flux", "--bench", "controllers", "--"]).args(filters))
}
