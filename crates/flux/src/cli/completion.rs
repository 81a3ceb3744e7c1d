//! `flux completion`: prints a script that completes commands in a shell.

use clap_complete::Shell;

use crate::cli::{failure::Failure, output::Output, parse::command};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # In ~/.bashrc
  . <(flux completion bash)

  # For fish
  flux completion fish > ~/.config/fish/completions/flux.fish";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "flux", &mut script);
    let script = String::from_utf8(script).map_err(|error| Failure::new(error.to_string()))?;
    out.data(&script);
    Ok(())
}
