//! The command line as a whole: help, examples, switches.

use std::fmt::Write as _;

use super::parse::{command, parse, switches_take_values, whole_command};
use super::*;

/// Every command, with the words that lead to it.
fn walk(command: &clap::Command, path: &str, visit: &mut impl FnMut(&str, &clap::Command)) {
    visit(path, command);
    for inner in command.get_subcommands() {
        walk(inner, &format!("{path} {}", inner.get_name()), visit);
    }
}

#[track_caller]
fn typed(line: &str) -> Result<(settings::Args, Command), String> {
    parse(line.split(' ').map(Into::into)).map_err(|error| failure_of(&error).message().to_owned())
}

#[test]
fn the_command_line_is_consistent() {
    whole_command().debug_assert();
    switches_take_values(whole_command()).debug_assert();
}

#[test]
fn every_command_says_what_it_does_and_shows_an_example() {
    walk(&whole_command(), "flux", &mut |path, command| {
        assert!(command.get_about().is_some(), "{path} says nothing about itself");
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("flux"), "{path} shows no example");
    });
}

#[test]
fn every_flag_is_described() {
    walk(&whole_command(), "flux", &mut |path, command| {
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            assert!(arg.get_help().is_some(), "{path} {} is not described", arg.get_id());
        }
    });
}

#[test]
fn the_examples_parse() {
    walk(&whole_command(), "flux", &mut |path, command| {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in help.lines().map(str::trim).filter(|line| line.starts_with("flux ")) {
            let line = line.split(" | ").next().unwrap().split(" > ").next().unwrap();
            let words = line.replace("--tag-semver='>=3.2.0 <3.3.0'", "--tag-semver=1");
            assert!(typed(&words).is_ok(), "{path}: {line}: {:?}", typed(&words).err());
        }
    });
}

#[test]
fn switches_are_typed_as_in_go() {
    for (line, prune) in [
        ("flux create ks webapp --source=x --prune", true),
        ("flux create ks webapp --source=x --prune=true", true),
        ("flux create ks webapp --source=x --prune=1", true),
        ("flux create ks webapp --source=x --prune=false", false),
        ("flux create ks webapp --source=x", false),
    ] {
        let text = format!("{:?}", typed(line).unwrap());
        assert!(text.contains(&format!("prune: {prune}")), "{line}: {text}");
    }
    assert!(typed("flux create ks webapp --source=x --prune=maybe").is_err());
    assert!(typed("flux get sources git -Aw").is_ok(), "short switches can be typed together");
}

#[test]
fn kinds_have_their_other_names() {
    for line in [
        "flux get ks",
        "flux get kustomization",
        "flux get kustomizations app",
        "flux get source git",
        "flux get sources all",
        "flux get all -A",
        "flux suspend ks a b",
        "flux resume kustomization a --wait=false",
        "flux reconcile ks a --with-source",
        "flux export source git --all",
        "flux tree ks a",
        "flux delete source git a -s",
    ] {
        assert!(typed(line).is_ok(), "{line}: {:?}", typed(line).err());
    }
}

#[test]
fn what_cannot_be_parsed_is_one_line_and_a_hint() {
    let error = parse(["flux", "get", "kustomisations"].map(Into::into)).unwrap_err();
    let failure = failure_of(&error);
    assert!(!failure.message().contains('\n') && !failure.message().starts_with("error"), "{failure:?}");
    assert!(failure.hint_text().unwrap().contains("kustomizations"), "{failure:?}");
}

/// `help.txt` is what people see first: a change of it is looked at (`UPDATE=1` writes it).
#[test]
fn the_help_is_as_agreed() {
    let mut found = String::new();
    for line in ["flux --help", "flux get --help", "flux get sources git --help", "flux reconcile kustomization --help"]
    {
        let error = command().term_width(100).try_get_matches_from(line.split(' ')).unwrap_err();
        let help = error.render().to_string();
        let own = help.split("Global options:").next().unwrap();
        let examples = help.rfind("\nExample").map_or("", |at| &help[at + 1..]);
        writeln!(found, "$ {line}\n{own}{examples}").unwrap();
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/help.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &found).unwrap();
    }
    let wanted = std::fs::read_to_string(&file).unwrap();
    for (line, (found, wanted)) in found.lines().zip(wanted.lines()).enumerate() {
        assert_eq!(found, wanted, "help.txt:{}", line + 1);
    }
    assert_eq!(found.len(), wanted.len());
}

/// Commands that were not typed are not built; the words of one may be something else.
#[test]
fn a_value_may_be_called_like_a_command() {
    for line in ["flux --namespace get render kustomize .", "flux render kustomize create", "flux -n render get all"] {
        typed(line).unwrap();
    }
    assert!(typed("flux render nothing").unwrap_err().contains("nothing"));
}

#[test]
fn secrets_typed_as_flags_do_not_show_themselves() {
    let line = "flux create secret git a1 --url=https://x/y --username=me --password=hunter2 --token=hunter2";
    assert!(!format!("{:?}", typed(line).unwrap()).contains("hunter2"));
}

#[test]
fn examples_can_be_copied() {
    walk(&whole_command(), "flux", &mut |path, command| {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in help.lines() {
            assert!(line.len() <= 110, "{path}: {line:?} would be broken in the help");
        }
    });
}

#[test]
fn called_by_the_name_of_a_controller_it_is_that_controller() {
    let upstream = "/bin/source-controller --events-addr= --watch-all-namespaces=true --log-level=info \
                    --log-encoding=json --enable-leader-election --storage-path=/data \
                    --storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc.cluster.local.";
    let Command::Run(args) = typed(upstream).unwrap().1 else { panic!("not run") };
    assert_eq!(args.controllers, [crate::run::Controller::Source]);
    let Command::Run(args) = typed("flux run").unwrap().1 else { panic!("not run") };
    assert_eq!(args.controllers, crate::run::Controller::ALL);
}
