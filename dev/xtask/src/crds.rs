//! `deploy/crds`: the CRDs as files, made from the types of `crates/api`.
//!
//! The making lies in an example of the testbed, so that building this program does not mean building a Kubernetes client.

use crate::Outcome;
use crate::workspace::{Workspace, run};

const MAKE: [&str; 7] = ["run", "--quiet", "--package", "testbed", "--example", "crds", "--"];

/// Writes the files.
pub(crate) fn write(workspace: &Workspace) -> Outcome {
    run(workspace.cargo(&MAKE).arg(workspace.path("deploy/crds")))
}

/// Fails when a file is missing, outdated or left over.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    run(workspace.cargo(&MAKE).arg("--check").arg(workspace.path("deploy/crds")))
}
