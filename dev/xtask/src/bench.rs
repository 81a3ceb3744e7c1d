//! Measures the controllers, built for release, on a real control plane beside the real kubectl.

use crate::Outcome;
use crate::oracles;
use crate::workspace::{Workspace, run};

/// Runs the shapes whose names contain one of the filters, or all.
pub(crate) fn run_shapes(workspace: &Workspace, filters: &[&str]) -> Outcome {
    oracles::run(workspace, &["etcd", "kubernetes"])?;
    run(workspace.cargo(&["bench", "--quiet", "--package", "flux", "--bench", "controllers", "--"]).args(filters))
}
