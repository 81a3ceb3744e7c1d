//! Trees for every feature, each in one text: what the real kustomize 5.8.1 printed for them, or what we say is wrong.
//!
//! A case opens with a line of options: `PATH [none|legacy] [any] [drop]`. `UPDATE=1` writes what is built now.

use std::path::Path;

use kustomize::{LoadRestrictions, Options, Reorder, UnknownFields};
use tree::TreePath;

use crate::archive;

/// Cases that are there; fewer mean that something was not found.
const WRITTEN: usize = 60;

fn run(file: &Path, update: bool) -> Result<(), String> {
    let text = std::fs::read_to_string(file).unwrap();
    let sections = archive::parse(&text);
    let (_, settings) = sections.iter().find(|(name, _)| name == "build").unwrap();
    let mut settings = settings.split_whitespace();
    let path = TreePath::parse(settings.next().unwrap()).unwrap();
    let settings: Vec<&str> = settings.collect();
    let options = Options {
        load_restrictions: match settings.contains(&"any") {
            true => LoadRestrictions::None,
            false => LoadRestrictions::RootOnly,
        },
        reorder: match settings.as_slice() {
            all if all.contains(&"none") => Reorder::None,
            all if all.contains(&"legacy") => Reorder::Legacy,
            _ => Reorder::Unspecified,
        },
        unknown_fields: match settings.contains(&"drop") {
            true => UnknownFields::DropAndReport,
            false => UnknownFields::Refuse,
        },
        ..Options::default()
    };
    let (section, found) = match kustomize::build(&archive::tree(&sections), &path, &options) {
        Ok(built) => ("expected", built.to_yaml()),
        Err(error) => ("error", format!("{error}\n")),
    };
    let wanted = sections.iter().find(|(name, _)| name == "expected" || name == "error");
    if wanted.is_some_and(|(name, text)| name == section && *text == found) {
        return Ok(());
    }
    if update {
        let end = text.find("-- expected --").or_else(|| text.find("-- error --")).unwrap_or(text.len());
        std::fs::write(file, format!("{}-- {section} --\n{found}", &text[..end])).unwrap();
        return Ok(());
    }
    let (name, text) = wanted.map_or(("nothing", ""), |(name, text)| (name.as_str(), text.as_str()));
    Err(format!("wanted {name}\n{text}\nfound {section}\n{found}"))
}

#[test]
fn every_case_is_built_as_kustomize_builds_it() {
    let update = std::env::var_os("UPDATE").is_some();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let failed: Vec<String> =
        files.iter().filter_map(|file| Some(format!("{}: {}", file.display(), run(file, update).err()?))).collect();
    eprintln!("{} of {} cases are the same", files.len() - failed.len(), files.len());
    assert!(files.len() >= WRITTEN, "only {} cases", files.len());
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
