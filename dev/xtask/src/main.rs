//! Chores of the project, one subcommand each: `cargo xtask CHORE`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "chores talk to people")]
#![allow(clippy::disallowed_methods, reason = "chores run cargo, go and git")]

mod bench;
mod crds;
mod differential;
mod floors;
mod fuzz;
mod kinds;
mod merge_keys;
mod oracles;
mod order;
mod tidy;
mod verify;
mod workspace;

use std::process::ExitCode;

use crate::workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask CHORE

  verify               everything that CI checks: the chores below and all tests
  floors               dependencies are those that ARCHITECTURE.md allows
  tidy                 line budget, headers, names, paths
  crds [--check]       write deploy/crds from the types of crates/api, or check that it is current
  kinds                write crates/apiserver/data, and what writes come to, from the real kube-apiserver
  merge-keys [--check] write kustomize's table of lists that merge from Kubernetes' OpenAPI, or check that it is current
  order                write crates/flux/order.ld, by which the release build is laid out, from what valgrind sees run
  oracles [FOLDER...]  build the real tools of oracles/FOLDER (all without an argument) into target/oracles
  differential         the same requests to the real API server and to ours, answers compared field by field
  differential schemas [N]
                       objects of N random custom kinds, 200 without it, answered by both servers
  differential ssa [N] N random sequences of writes, 5000 without it, on the real API server and by our server-side apply
  fuzz TARGET [SECONDS]
                       feed a target of fuzz/ with random input, for a minute or so many seconds
  bench [SUBJECT] [FILTER...]
                       measure the release build beside the real tools; subjects: controllers (the default), apiserver,
                       helm, kustomize
  bench --differential [COUNT [SEED]]
                       build random trees, 2000 from a seed of today, and compare with what the real kustomize prints
";

/// What went wrong, told to a person: chores have no caller that would distinguish.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let workspace = Workspace::here();
    let outcome = match args.as_slice() {
        ["verify"] => verify::run(&workspace),
        ["floors"] => floors::run(&workspace),
        ["tidy"] => tidy::run(&workspace),
        ["crds"] => crds::write(&workspace),
        ["crds", "--check"] => crds::check(&workspace),
        ["kinds"] => kinds::write(&workspace),
        ["merge-keys"] => merge_keys::write(&workspace),
        ["merge-keys", "--check"] => merge_keys::check(&workspace),
        ["order"] => order::write(&workspace),
        ["oracles", only @ ..] => oracles::run(&workspace, only),
        ["differential", rest @ ..] => differential::run(&workspace, rest),
        ["fuzz", target] => fuzz::target(&workspace, target, None),
        ["fuzz", target, seconds] => fuzz::target(&workspace, target, Some(seconds)),
        ["bench", "--differential", rest @ ..] => bench::differential(&workspace, rest),
        ["bench", rest @ ..] => bench::measure(&workspace, rest),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => Err(format!("unknown chore: {}\n\n{USAGE}", args.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{}", message.trim_end());
            ExitCode::FAILURE
        }
    }
}
