//! Everything that CI checks, with one line for each step and the numbers of tests at the end.

mod counts;
mod excerpt;
mod programs;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use self::counts::Counts;
use self::programs::{Level, Program, Server};
use crate::Outcome;
use crate::workspace::Workspace;

#[derive(Clone, Copy)]
enum Work {
    Cargo(&'static [&'static str]),
    Chore(&'static [&'static str]),
    Tests(Level),
}

/// One set of packages throughout: another set would mean other features, and building everything again.
const STEPS: [(&str, Work); 11] = [
    ("format", Work::Cargo(&["fmt", "--all", "--check"])),
    ("clippy", Work::Cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ("floors", Work::Chore(&["floors"])),
    ("tidy", Work::Chore(&["tidy"])),
    ("oracles", Work::Chore(&["oracles"])),
    ("merge keys", Work::Chore(&["merge-keys", "--check"])),
    ("build of tests", Work::Cargo(&["test", "--workspace", "--no-run"])),
    ("crds", Work::Chore(&["crds", "--check"])),
    ("unit and corpus tests", Work::Tests(Level::Alone)),
    ("end to end, real", Work::Tests(Level::On(Server::Real))),
    ("end to end, embedded", Work::Tests(Level::On(Server::Embedded))),
];

/// Runs every step, also after one has failed, and fails if any did.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let started = Instant::now();
    let logs = workspace.target().join("verify");
    fs::create_dir_all(&logs).map_err(|e| format!("make {}: {e}", logs.display()))?;
    let mut failed = Vec::new();
    let mut total = Counts::default();
    for (name, work) in STEPS {
        let log = logs.join(format!("{}.log", name.replace(' ', "-")));
        print!("{name:<24} ");
        let _ = std::io::stdout().flush();
        let begun = Instant::now();
        let outcome = play(workspace, work, &log);
        let output = fs::read_to_string(&log).unwrap_or_default();
        let counts = if matches!(work, Work::Tests(_)) { Counts::of(&output) } else { Counts::default() };
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("{verdict:<8} {:>6.1} s{}", begun.elapsed().as_secs_f64(), counts.in_brief());
        if let Err(why) = outcome {
            failed.push(name);
            for line in excerpt::of(&output) {
                println!("    {line}");
            }
            println!("    {why} (all of it: {})", log.display());
        }
        let server = if let Work::Tests(Level::On(server)) = work { Some(server) } else { None };
        total.add(counts, server);
    }
    println!("\n{total}in {:.0} s", started.elapsed().as_secs_f64());
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

fn play(workspace: &Workspace, work: Work, log: &Path) -> Outcome {
    let file = File::create(log).map_err(|e| format!("write {}: {e}", log.display()))?;
    match work {
        Work::Cargo(args) => logged(workspace.cargo(args).env("CARGO_TERM_COLOR", "never"), &file),
        Work::Chore(args) => {
            let chore = ["run", "--quiet", "--package", "xtask", "--"];
            logged(workspace.cargo(&chore).args(args).env("CARGO_TERM_COLOR", "never"), &file)
        }
        Work::Tests(level) => {
            let programs = programs::built(workspace)?;
            let mut failed = Vec::new();
            for program in programs.iter().filter(|program| program.runs_at(level)) {
                failed.extend(test(program, level, &file).err());
            }
            if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
        }
    }
}

/// Runs a test program as cargo does: in the folder of its package.
fn test(program: &Program, level: Level, log: &File) -> Outcome {
    let title = format!("\n==== {} {}\n", program.package, program.target);
    (&mut &*log).write_all(title.as_bytes()).map_err(|e| format!("write the log: {e}"))?;
    let mut command = Command::new(&program.path);
    command.arg("--show-output").current_dir(&program.folder).env("CARGO_MANIFEST_DIR", &program.folder);
    if let Level::On(server) = level {
        command.env("FLUXIDE_API_SERVER", server.name());
        if server == Server::Embedded {
            // These ask no API server, or bring their own: once is enough.
            command.args(["--skip", "helm::", "--skip", "sandbox::"]);
        }
    }
    // The real tools that tests compare with are there: none may pass over their absence.
    command.env("ORACLES_BUILT", "1");
    // A failure is told by its message.
    command.env("RUST_BACKTRACE", "0");
    logged(&mut command, log).map_err(|_| format!("cargo test -p {} ({}) failed", program.package, program.target))
}

fn logged(command: &mut Command, log: &File) -> Outcome {
    let name = command.get_program().to_string_lossy().into_owned();
    let copy = || log.try_clone().map_err(|e| format!("write the log: {e}"));
    let status = command.stdout(copy()?).stderr(copy()?).status().map_err(|e| format!("run {name}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) }
}
