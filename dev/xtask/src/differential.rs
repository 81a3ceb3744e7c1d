//! Compares ours with the real API server at length; `verify` does so in brief.

use crate::Outcome;
use crate::oracles;
use crate::workspace::{Workspace, run as run_program};

/// So many sequences without a number.
const SEQUENCES: &str = "5000";

/// Runs what the arguments name: the script of `dev/testbed/differential`, or random writes.
pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Outcome {
    oracles::run(workspace, &["etcd", "kubernetes"])?;
    let sequences = match args {
        [] => {
            let script = ["test", "--package", "testbed", "--test", "it", "--", "--nocapture", "differential::"];
            return run_program(&mut workspace.cargo(&script));
        }
        ["ssa"] => SEQUENCES,
        ["ssa", number] => number,
        _ => return Err("usage: cargo xtask differential [ssa [N]]".to_owned()),
    };
    let test = ["test", "--package", "differential", "--test", "ssa", "--", "--nocapture"];
    run_program(workspace.cargo(&test).env("SEQUENCES", sequences))
}
