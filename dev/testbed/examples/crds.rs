//! Writes the CRDs of `crates/api` into a folder, or checks that they lie there: `cargo xtask crds [--check]`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HEADER: &str = "# Made from crates/api by `cargo xtask crds`.\n";

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let check = args.first().is_some_and(|a| a == "--check");
    let Some(folder) = args.pop().map(PathBuf::from) else {
        eprintln!("usage: crds [--check] FOLDER");
        return ExitCode::FAILURE;
    };
    let files = files();
    let outcome = if check { compare(&folder, &files) } else { write(&folder, &files) };
    match outcome {
        Ok(()) => {
            println!("crds: {}", files.len());
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("crds: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The name of each file, after group and plural, and its content.
fn files() -> BTreeMap<String, String> {
    let name = |crd: &serde_json::Value| {
        let part = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        format!("{}_{}.yaml", part(&crd["spec"]["group"]), part(&crd["spec"]["names"]["plural"]))
    };
    api::crds().into_iter().map(|crd| (name(&crd), format!("{HEADER}{}", yaml::print(&crd)))).collect()
}

fn write(folder: &Path, files: &BTreeMap<String, String>) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|e| format!("make {}: {e}", folder.display()))?;
    for name in present(folder)?.iter().filter(|name| !files.contains_key(*name)) {
        fs::remove_file(folder.join(name)).map_err(|e| format!("remove {name}: {e}"))?;
    }
    for (name, content) in files {
        fs::write(folder.join(name), content).map_err(|e| format!("write {name}: {e}"))?;
    }
    Ok(())
}

fn compare(folder: &Path, files: &BTreeMap<String, String>) -> Result<(), String> {
    let mut problems: Vec<String> =
        present(folder)?.into_iter().filter(|n| !files.contains_key(n)).map(|n| format!("{n} has no type")).collect();
    for (name, content) in files {
        if fs::read_to_string(folder.join(name)).ok().as_ref() != Some(content) {
            problems.push(format!("{name} is not current"));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("{}: run `cargo xtask crds`", problems.join(", "))) }
}

fn present(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("list {}: {e}", folder.display()))?;
    Ok(entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
}
