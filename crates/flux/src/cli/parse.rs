//! What was typed, as values.

use std::ffi::OsString;
use std::path::Path;

use clap::{ArgAction, Args as _, FromArgMatches as _, Subcommand as _, error::ErrorKind};

use super::{Command, EXAMPLES, settings};

/// The program without its commands.
fn program() -> clap::Command {
    let program = clap::Command::new("flux")
        .version(concat!("version ", env!("CARGO_PKG_VERSION")))
        .about("Keeps Kubernetes clusters in step with Git repositories and other sources")
        .after_help(EXAMPLES)
        .disable_help_subcommand(true)
        .max_term_width(120)
        .subcommand_required(true)
        .arg_required_else_help(true);
    settings::Args::augment_args(program)
}

/// The command line, as people are shown it.
pub(super) fn command() -> clap::Command {
    Command::augment_subcommands(program())
}

/// The same with everything in it that is otherwise built when it is typed.
pub(super) fn whole_command() -> clap::Command {
    let mut command = command();
    command.build();
    command
}

/// The same without the commands of which no word was typed: each of them would get all the flags that hold for every
/// command, and a start should cost nothing.
fn short_command(typed: &[OsString]) -> clap::Command {
    let commands = Command::augment_subcommands(clap::Command::new(""));
    let is_typed = |command: &&clap::Command| {
        let mut names = command.get_all_aliases().chain([command.get_name()]);
        names.any(|name| typed.iter().any(|word| word == name))
    };
    program().subcommands(commands.get_subcommands().filter(is_typed).cloned())
}

/// Reads what was typed. What is not understood is read once more by the whole command, which knows what could have
/// been meant.
pub(super) fn parse(typed: impl IntoIterator<Item = OsString>) -> Result<(settings::Args, Command), clap::Error> {
    let typed = as_controller(typed.into_iter().collect());
    let matches = short_command(&typed).try_get_matches_from(&typed).or_else(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            command().try_get_matches_from(&typed)
        }
        _ => switches_take_values(whole_command()).try_get_matches_from(&typed),
    })?;
    Ok((settings::Args::from_arg_matches(&matches)?, Command::from_arg_matches(&matches)?))
}

/// Under the name of a controller the program is that controller: upstream's manifests work unchanged.
fn as_controller(mut typed: Vec<OsString>) -> Vec<OsString> {
    let program = typed.first().map(Path::new).and_then(|path| path.file_name()?.to_str());
    let controller = crate::run::Controller::ALL.into_iter().find(|controller| Some(controller.name()) == program);
    if let Some(controller) = controller {
        typed.splice(1..1, ["run".into(), format!("--controllers={}", controller.name()).into()]);
    }
    typed
}

/// Lets every switch be written as in Go too: `--prune`, `--prune=true`, `--prune=false`.
pub(super) fn switches_take_values(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            if !matches!(arg.get_action(), ArgAction::SetTrue) {
                return arg;
            }
            arg.action(ArgAction::Set)
                .num_args(0..=1)
                .require_equals(true)
                .default_value("false")
                .default_missing_value("true")
                .value_parser(truth)
        })
        .mut_subcommands(switches_take_values)
}

/// What Go's flags take for a switch.
fn truth(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}
