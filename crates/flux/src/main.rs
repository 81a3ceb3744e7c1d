//! The `flux` binary: the command line, and the controllers under the names that they are called by.

use std::process::ExitCode;

mod cli;
mod run;

fn main() -> ExitCode {
    // Whoever was first has the same provider, so a second installation is no failure.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    cli::main()
}
