//! Runs a fuzz target of `fuzz/`, as cargo-fuzz would, with nightly Rust.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::Outcome;
use crate::workspace::{Workspace, run};

/// What the compiler must add for libFuzzer to see where an input leads.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";
const SECONDS: &str = "60";
/// More than that for one input is a finding, in megabytes.
const MEMORY: &str = "512";

/// Runs a target for some seconds, beginning with what earlier runs found worth keeping; fails with what breaks it.
pub(crate) fn target(workspace: &Workspace, name: &str, seconds: Option<&str>) -> Outcome {
    let folder = workspace.target().join("fuzz");
    let corpus = folder.join("corpus").join(name);
    let seeds = seeds(workspace, name);
    fs::create_dir_all(&corpus).map_err(|e| format!("make {}: {e}", corpus.display()))?;
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "run", "--quiet", "--release", "--bin", name, "--manifest-path"]);
    // With a target named, the flags are for it alone, and not for what runs while building.
    command.arg(workspace.path("fuzz/Cargo.toml")).args(["--target", "host-tuple", "--target-dir"]);
    command.arg(folder.join("build")).arg("--").arg(&corpus).args(seeds);
    command.arg(format!("-max_total_time={}", seconds.unwrap_or(SECONDS)));
    command.args([format!("-rss_limit_mb={MEMORY}").as_str(), "-timeout=20", "-max_len=8192", "-print_final_stats=1"]);
    // Those of this program's own cargo.
    command.env_remove("RUSTC").env_remove("CARGO").env("RUSTFLAGS", FLAGS).current_dir(&folder);
    run(&mut command)
}

/// Folders with inputs to begin with: the cases of the tests.
fn seeds(workspace: &Workspace, name: &str) -> Vec<PathBuf> {
    let folders = [format!("lib/{name}/tests/cases"), format!("fuzz/seeds/{name}")];
    folders.iter().map(|folder| workspace.path(folder)).filter(|path| path.is_dir()).collect()
}
