//! A case as one text: files behind lines `-- NAME --`.

use tree::{Tree, TreePath};

/// A section's name and text.
pub(crate) type Section = (String, String);

/// Takes a text apart.
pub(crate) fn parse(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.split_inclusive('\n') {
        match line.trim_end().strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --")) {
            Some(name) => sections.push((name.to_owned(), String::new())),
            None => sections.last_mut().unwrap().1.push_str(line),
        }
    }
    sections
}

/// The files below `in/`. A text `HEX …` holds bytes, a text `LINK …` is a symbolic link.
pub(crate) fn tree(sections: &[Section]) -> Tree {
    let mut tree = Tree::new();
    for (name, text) in sections {
        let Some(path) = name.strip_prefix("in/") else { continue };
        let path = TreePath::parse(path).unwrap();
        if let Some(target) = text.strip_prefix("LINK ") {
            tree.insert_link(&path, target.trim_end()).unwrap();
        } else if let Some(hex) = text.strip_prefix("HEX ") {
            let hex = hex.trim_end();
            let bytes: Vec<u8> =
                (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
            tree.insert(&path, bytes).unwrap();
        } else {
            tree.insert(&path, text.as_bytes()).unwrap();
        }
    }
    tree
}
