//! `cargo sandbox`: builds what is needed, then runs `examples/fleet` on a control plane of its own.

use crate::Outcome;
use crate::oracles;
use crate::workspace::{self, Workspace};

/// Further flags go to `flux sandbox`.
pub(crate) fn run(workspace: &Workspace, flags: &[&str]) -> Outcome {
    oracles::run(workspace, &["etcd", "kubernetes"])?;
    println!("building flux");
    // Both in one build, which gives what they share the same features.
    let build =
        ["build", "--quiet", "--package", "flux", "--package", "testbed", "--bin", "flux", "--example", "sandbox"];
    workspace::run(&mut workspace.cargo(&build))?;
    let flux = workspace.target().join("debug/flux");
    let fleet = workspace.path("examples/fleet");
    let sandbox = workspace.target().join("debug/examples/sandbox");
    workspace::run(std::process::Command::new(sandbox).arg(flux).arg(fleet).args(flags))
}
