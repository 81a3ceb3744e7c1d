//! The `flux` binary: the command line, and the controllers under the names that they are called by.

use std::process::ExitCode;

mod cli;
mod run;

fn main() -> ExitCode {
    cli::main()
}
