//! The command line: what was typed becomes settings, settings become one call, and only this module tree prints.

use std::{io, process::ExitCode};

use clap::{Subcommand, error::ErrorKind};

use crate::cli::{failure::Failure, output::Output, settings::Settings};

mod ask;
mod check;
mod cluster;
mod completion;
mod create;
mod delete;
mod events;
mod export;
mod failure;
mod get;
mod install;
mod kinds;
mod logs;
mod output;
mod parse;
mod readiness;
mod reconcile;
mod render;
mod resume;
mod sandbox;
mod settings;
mod suspend;
mod table;
mod tree;
mod version;

const EXAMPLES: &str = "\
Examples:
  # Is the cluster fit for Flux?
  flux check --pre

  # Watch a Git repository
  flux create source git webapp --url=https://github.com/org/webapp --branch=main --interval=3m

  # Keep a directory of it applied
  flux create kustomization webapp --source=webapp --path=./deploy --prune --interval=5m

  # How is everything?
  flux get all --all-namespaces

  # Fetch and apply now
  flux reconcile kustomization webapp --with-source";

// What was typed. Such types have plain comments: clap takes a doc comment for the help of the command.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    /// Check the cluster and what is installed in it
    #[command(after_help = check::EXAMPLES)]
    Check(check::Args),
    /// Print a script that completes commands in a shell
    #[command(after_help = completion::EXAMPLES)]
    Completion(completion::Args),
    /// Create or update sources and other objects
    #[command(after_help = create::EXAMPLES)]
    Create(Box<create::Args>),
    /// Delete objects
    #[command(subcommand, after_help = delete::EXAMPLES)]
    Delete(kinds::OfKind<delete::Args>),
    /// Show the Kubernetes events of Flux's objects
    #[command(after_help = events::EXAMPLES)]
    Events(events::Args),
    /// Print objects as YAML
    #[command(subcommand, after_help = export::EXAMPLES)]
    Export(kinds::OfKind<export::Args>),
    /// List objects and how they are
    #[command(after_help = get::EXAMPLES)]
    Get(get::Args),
    /// Print what has to be in a cluster for Flux to run in it
    #[command(after_help = install::EXAMPLES)]
    Install(install::Args),
    /// Show the logs of the controllers
    #[command(after_help = logs::EXAMPLES)]
    Logs(logs::Args),
    /// Have objects reconciled now
    #[command(subcommand, after_help = reconcile::EXAMPLES)]
    Reconcile(kinds::OfKind<reconcile::Args>),
    /// Build manifests on this machine, without a cluster
    #[command(subcommand, after_help = render::EXAMPLES)]
    Render(render::Command),
    /// Run the controllers
    #[command(after_help = crate::run::EXAMPLES)]
    Run(Box<crate::run::Args>),
    /// Run a repository on a cluster that may be thrown away, and watch it
    #[command(after_help = sandbox::EXAMPLES)]
    Sandbox(sandbox::Args),
    /// Let suspended objects go on
    #[command(subcommand, after_help = resume::EXAMPLES)]
    Resume(kinds::OfKind<resume::Args>),
    /// Have objects left alone for a while
    #[command(subcommand, after_help = suspend::EXAMPLES)]
    Suspend(kinds::OfKind<suspend::Args>),
    /// Show what an object has applied
    #[command(subcommand, after_help = tree::EXAMPLES)]
    Tree(tree::Command),
    /// Print the versions of this program and of what runs in the cluster
    #[command(after_help = version::EXAMPLES)]
    Version(version::Args),
}

/// Runs the command that the process was started with.
pub(crate) fn main() -> ExitCode {
    let mut out = Output::to_process();
    let (global, command) = match parse::parse(std::env::args_os()) {
        Ok(typed) => typed,
        Err(error) => return refuse(&error, &mut out),
    };
    let result = match command {
        // What is built on this machine waits for nobody.
        Command::Render(command) => render::run(&command, &global, &mut out),
        command => wait(global, command, &mut out),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure, &mut out),
    }
}

/// Runs a command that talks to others.
fn wait(global: settings::Args, command: Command, out: &mut Output) -> Result<(), Failure> {
    // Whoever was first has the same provider, so a second installation is no failure.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // Commands wait for one answer after the other; controllers work.
    let mut runtime = match command {
        Command::Run(_) | Command::Sandbox(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = runtime.enable_all().build().map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    runtime.block_on(run(global, command, out))
}

async fn run(global: settings::Args, command: Command, out: &mut Output) -> Result<(), Failure> {
    let settings = Settings::new(global.clone(), &settings::Environment::of_process(), out)?;
    match command {
        Command::Check(args) => check::run(args, &settings, out).await,
        Command::Completion(args) => completion::run(&args, out),
        Command::Create(args) => create::run(*args, &settings, out).await,
        Command::Delete(args) => delete::run(args, &settings, out).await,
        Command::Events(args) => events::run(args, &settings, out).await,
        Command::Export(args) => export::run(args, &settings, out).await,
        Command::Get(args) => get::run(args, &settings, out).await,
        Command::Install(args) => install::run(&args, &settings, out),
        Command::Logs(args) => logs::run(args, &settings, out).await,
        Command::Reconcile(args) => reconcile::run(args, &settings, out).await,
        Command::Render(command) => render::run(&command, &global, out),
        Command::Resume(args) => resume::run(args, &settings, out).await,
        Command::Run(args) => {
            let config = cluster::config(&settings.connection).await?;
            crate::run::run(*args, config).await.map_err(|error| Failure::new(failure::chain(&error)))
        }
        Command::Sandbox(args) => sandbox::run(args, &settings, out).await,
        Command::Suspend(args) => suspend::run(args, &settings, out).await,
        Command::Tree(tree::Command::Kustomization(args)) => tree::run(args, &settings, out).await,
        Command::Version(args) => version::run(args, &settings, out).await,
    }
}

/// Answers what could not be parsed: with help where it was asked for, else with what is wrong.
fn refuse(error: &clap::Error, out: &mut Output) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            out.data(&error.render().to_string());
            ExitCode::SUCCESS
        }
        _ => fail(&failure_of(error), out),
    }
}

/// The first paragraph of clap's message, and its tip as the hint.
fn failure_of(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n").map(str::trim);
    let message = paragraphs.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let message = message.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let failure = Failure::new(message);
    match text.lines().find_map(|line| line.trim().strip_prefix("tip: ")) {
        Some(tip) => failure.hint(tip),
        None => failure.hint("try --help"),
    }
}

fn fail(failure: &Failure, out: &mut Output) -> ExitCode {
    out.failure(failure.message());
    if let Some(hint) = failure.hint_text() {
        out.note(&format!("hint: {hint}"));
    }
    ExitCode::FAILURE
}

/// Whether writing failed only because nobody reads any more, as under `| head`.
fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

#[cfg(test)]
mod tests;
