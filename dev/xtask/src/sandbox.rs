//! `cargo sandbox`: builds what is needed, then runs `examples/fleet` on a control plane of its own.

use crate::Outcome;
use crate::oracles;
use crate::workspace::{self, Workspace};

/// Further flags go to `flux sandbox`.
pub(crate) fn run(workspace: &Workspace, flags: &[&str]) -> Outcome {
    oracles::run(workspace, &["etcd", "kubernetes"])?;
    println!("building flux");
    workspace::run(&mut workspace.cargo(&["build", "--quiet", "--package", "flux"]))?;
    let flux = workspace.target().join("debug/flux");
    let fleet = workspace.path("examples/fleet");
    workspace::run(
        workspace
            .cargo(&["run", "--quiet", "--package", "testbed", "--example", "sandbox", "--"])
            .arg(flux)
            .arg(fleet)
            .args(flags),
    )
}
