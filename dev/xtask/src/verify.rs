//! Everything that CI checks, with one line for each step and the numbers of tests at the end.

mod counts;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use self::counts::Counts;
use crate::Outcome;
use crate::workspace::Workspace;

/// How many lines of a failed step's output are shown; all of it is in the log.
const SHOWN: usize = 80;

struct Step {
    name: &'static str,
    /// Arguments of cargo.
    args: &'static [&'static str],
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Check,
    Tests,
    EndToEnd,
}

const XTASK: [&str; 5] = ["run", "--quiet", "--package", "xtask", "--"];

const STEPS: &[Step] = &[
    Step { name: "format", args: &["fmt", "--all", "--check"], kind: Kind::Check },
    Step {
        name: "clippy",
        args: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        kind: Kind::Check,
    },
    Step { name: "floors", args: &["floors"], kind: Kind::Check },
    Step { name: "tidy", args: &["tidy"], kind: Kind::Check },
    Step { name: "crds", args: &["crds", "--check"], kind: Kind::Check },
    Step { name: "oracles", args: &["oracles"], kind: Kind::Check },
    Step {
        name: "unit and corpus tests",
        args: &[
            "test",
            "--workspace",
            "--exclude",
            "flux",
            "--exclude",
            "testbed",
            "--no-fail-fast",
            "--",
            "--show-output",
        ],
        kind: Kind::Tests,
    },
    Step {
        name: "tests of the binary",
        args: &[
            "test",
            "--package",
            "flux",
            "--package",
            "testbed",
            "--lib",
            "--bins",
            "--no-fail-fast",
            "--",
            "--show-output",
        ],
        kind: Kind::Tests,
    },
    Step {
        name: "end-to-end tests",
        args: &[
            "test",
            "--package",
            "testbed",
            "--package",
            "flux",
            "--test",
            "*",
            "--no-fail-fast",
            "--",
            "--show-output",
        ],
        kind: Kind::EndToEnd,
    },
];

/// Runs every step, also after one has failed, and fails if any did.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let started = Instant::now();
    let logs = workspace.path("target/verify");
    fs::create_dir_all(&logs).map_err(|e| format!("make {}: {e}", logs.display()))?;
    let mut failed = Vec::new();
    let mut total = Counts::default();
    for step in STEPS {
        let log = logs.join(format!("{}.log", step.name.replace(' ', "-")));
        print!("{:<24} ", step.name);
        let _ = std::io::stdout().flush();
        let begun = Instant::now();
        let passed = play(workspace, step, &log)?;
        let output = fs::read_to_string(&log).unwrap_or_default();
        let counts = if step.kind == Kind::Check { Counts::default() } else { Counts::of(&output) };
        let verdict = if passed { "ok" } else { "FAILED" };
        println!("{verdict:<8} {:>6.1} s{}", begun.elapsed().as_secs_f64(), counts.in_brief());
        if !passed {
            failed.push(step.name);
            let lines: Vec<&str> = output.lines().filter(|l| !counts::is_success(l)).collect();
            for line in &lines[lines.len().saturating_sub(SHOWN)..] {
                println!("    {line}");
            }
            println!("    (all of it: {})", log.display());
        }
        total.add(counts, step.kind == Kind::EndToEnd);
    }
    println!("\n{total}in {:.0} s", started.elapsed().as_secs_f64());
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

fn play(workspace: &Workspace, step: &Step, log: &PathBuf) -> Result<bool, String> {
    let open = || -> std::io::Result<(File, File)> {
        let out = File::create(log)?;
        let err = out.try_clone()?;
        Ok((out, err))
    };
    let (out, err) = open().map_err(|e| format!("write {}: {e}", log.display()))?;
    command(workspace, step)
        .stdout(out)
        .stderr(err)
        .status()
        .map(|status| status.success())
        .map_err(|e| format!("run {}: {e}", step.name))
}

fn command(workspace: &Workspace, step: &Step) -> Command {
    let chore = !matches!(step.args, ["fmt" | "clippy" | "test", ..]);
    let mut command = workspace.cargo(if chore { &XTASK } else { &[] });
    command.args(step.args).env("CARGO_TERM_COLOR", "never");
    command
}
