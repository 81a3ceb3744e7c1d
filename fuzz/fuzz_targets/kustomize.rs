//! A tree as the cases of the tests are written, `-- build --` naming the directory: building never panics, and gives
//! the same twice; what is read from a build file and printed reads back equal.
#![no_main]

use kustomize::{File, LoadRestrictions, Options, UnknownFields, build};
use libfuzzer_sys::fuzz_target;
use tree::{Tree, TreePath};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut tree = Tree::new();
    let mut root = TreePath::root();
    let mut sections = Vec::new();
    for line in text.split_inclusive('\n') {
        match line.trim_end().strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --")) {
            Some(name) => sections.push((name, String::new())),
            None => sections.last_mut().into_iter().for_each(|(_, text)| text.push_str(line)),
        }
    }
    for (name, text) in sections {
        if name == "build" {
            let path = text.split_whitespace().next().and_then(|path| TreePath::parse(path).ok());
            root = path.unwrap_or_default();
        }
        let Some(path) = name.strip_prefix("in/").and_then(|path| TreePath::parse(path).ok()) else { continue };
        let _ = match text.strip_prefix("LINK ") {
            Some(target) => tree.insert_link(&path, target.trim_end()),
            None => tree.insert(&path, text.as_str()),
        };
        if let Ok(read) = File::parse(&text, "kustomization.yaml") {
            let printed = read.to_yaml();
            let again = File::parse(&printed, "kustomization.yaml").map(|file| file.to_yaml());
            assert_eq!(again.ok(), Some(printed));
        }
    }
    let run = |unknown_fields, load_restrictions| {
        let options = Options { unknown_fields, load_restrictions, ..Options::default() };
        build(&tree, &root, &options).map(|built| built.to_yaml()).map_err(|error| error.to_string())
    };
    let strict = || run(UnknownFields::Refuse, LoadRestrictions::RootOnly);
    assert_eq!(strict(), strict());
    let _ = run(UnknownFields::DropAndReport, LoadRestrictions::None);
});
