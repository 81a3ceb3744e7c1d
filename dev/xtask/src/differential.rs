//! Compares ours with the real API server at length; `verify` does so in brief.

use crate::Outcome;
use crate::oracles;
use crate::workspace::{Workspace, run as run_program};

/// So many sequences without a number.
const SEQUENCES: &str = "5000";
/// So many schemas without a number.
const SCHEMAS: &str = "200";

/// Runs what the arguments name: the script of `dev/testbed/differential`, random writes, or
/// objects of random schemas.
pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Outcome {
    oracles::run(workspace, &["etcd", "kubernetes"])?;
    let (test, variable, count) = match args {
        [] => {
            let script = ["test", "--package", "testbed", "--test", "it", "--", "--nocapture", "differential::"];
            return run_program(&mut workspace.cargo(&script));
        }
        ["ssa"] => ("ssa", "SEQUENCES", SEQUENCES),
        ["ssa", number] => ("ssa", "SEQUENCES", *number),
        ["schemas"] => ("schemas", "SCHEMAS", SCHEMAS),
        ["schemas", number] => ("schemas", "SCHEMAS", *number),
        _ => return Err("usage: cargo xtask differential [ssa [N] | schemas [N]]".to_owned()),
    };
    let test = ["test", "--package", "differential", "--test", test, "--", "--nocapture"];
    run_program(workspace.cargo(&test).env(variable, count))
}
