//! Which files of a source are left out of its artifact.

mod pattern;

use crate::files::{Files, Kind, ReadError};
use crate::path::TreePath;
use pattern::{Pattern, Verdict};

/// The name of the files that hold rules for the directory they lie in and all below.
const FILE: &str = ".sourceignore";

/// What version control needs and a cluster does not.
const VCS: [&str; 4] = [".git/", ".gitignore", ".gitmodules", ".gitattributes"];

/// What is left out as long as nobody wrote a rule of their own.
const DEFAULTS: [&str; 20] = [
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// Gitignore rules, each scoped to the directory whose file held it; the last one that matches a path decides.
///
/// Unlike in Git every path is tested on its own: `dir/` followed by `!dir/keep.yaml` keeps that file.
///
/// # Source
/// fluxcd/pkg `sourceignore`, whose matcher is go-git's; spec source §10.5.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

impl Ignore {
    /// Rules that leave nothing out.
    pub const fn nothing() -> Self {
        Self { patterns: Vec::new() }
    }

    /// The rules of one text for a whole tree, and no others.
    pub fn rules(text: &str) -> Self {
        Self { patterns: parse(text, &TreePath::root()).collect() }
    }

    /// The rules for a Git or OCI source: version control's files always; then each `.sourceignore` of the tree in
    /// its own directory; then the object's own `spec.ignore`, which wins. Where neither holds any rule, media, archives
    /// and the files of CI services are left out.
    ///
    /// # Deviation
    /// A `.sourceignore` that is a symbolic link is not followed.
    ///
    /// # Errors
    /// The tree cannot be read.
    pub fn for_source(files: &dyn Files, spec: Option<&str>) -> Result<Self, ReadError> {
        let mut own = Vec::new();
        collect(files, &mut own)?;
        own.extend(parse(spec.unwrap_or_default(), &TreePath::root()));

        let root = TreePath::root();
        let defaults: &[&str] = if own.is_empty() { &DEFAULTS } else { &[] };
        let mut patterns: Vec<_> = VCS.iter().chain(defaults).map(|rule| Pattern::parse(rule, &root)).collect();
        patterns.append(&mut own);
        Ok(Self { patterns })
    }

    /// True when the path is to be left out. The root never is.
    pub fn is_ignored(&self, path: &TreePath, is_dir: bool) -> bool {
        let parts: Vec<&str> = path.parts().collect();
        let verdict = self.patterns.iter().rev().find_map(|pattern| pattern.verdict(&parts, is_dir));
        verdict == Some(Verdict::Out)
    }
}

/// Gathers every `.sourceignore`, parents before children, so that the innermost rules come last and win.
fn collect(files: &dyn Files, into: &mut Vec<Pattern>) -> Result<(), ReadError> {
    let mut directories = vec![TreePath::root()];
    while let Some(dir) = directories.pop() {
        let entries = files.list(&dir)?;
        if entries.iter().any(|entry| entry.name == FILE && matches!(entry.kind, Kind::File { .. })) {
            let bytes = files.read(&dir.child(FILE))?;
            into.extend(parse(&String::from_utf8_lossy(&bytes), &dir));
        }
        let below = entries.iter().filter(|entry| entry.kind == Kind::Dir && entry.name != ".git");
        directories.extend(below.map(|entry| dir.child(&entry.name)).rev());
    }
    Ok(())
}

fn parse(text: &str, scope: &TreePath) -> impl Iterator<Item = Pattern> {
    let rules = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    rules.map(move |line| Pattern::parse(line, scope))
}

#[cfg(test)]
mod tests {
    use super::Ignore;
    use crate::{Files, Kind, Tree, TreePath};

    /// Every path of the tree that stays, directories included, in order.
    fn kept(tree: &Tree, ignore: &Ignore) -> Vec<String> {
        let mut found = Vec::new();
        let mut stack = vec![TreePath::root()];
        while let Some(dir) = stack.pop() {
            for entry in tree.list(&dir).unwrap() {
                let path = dir.join(&entry.name).unwrap();
                if !ignore.is_ignored(&path, entry.kind == Kind::Dir) {
                    found.push(path.to_string());
                }
                if entry.kind == Kind::Dir {
                    stack.push(path);
                }
            }
        }
        found.sort();
        found
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], spec: Option<&str>, expected: &[&str]) {
        let mut tree = Tree::new();
        for (path, content) in files {
            tree.insert(&TreePath::parse(path).unwrap(), *content).unwrap();
        }
        let ignore = Ignore::for_source(&tree, spec).unwrap();
        assert_eq!(kept(&tree, &ignore), expected);
    }

    #[test]
    fn defaults_apply_until_somebody_writes_a_rule() {
        let files =
            [("a.yaml", ""), ("logo.png", ""), (".github/w.yaml", ""), (".gitignore", ""), ("x/.sops.yaml", "")];
        check(&files, None, &["a.yaml", "x"]);
        check(&files, Some(""), &["a.yaml", "x"]);
        check(&files, Some("# only a remark\n\n"), &["a.yaml", "x"]);
        check(&files, Some("a.yaml"), &[".github", ".github/w.yaml", "logo.png", "x", "x/.sops.yaml"]);
    }

    #[test]
    fn one_rule_in_any_directory_turns_the_defaults_off_but_not_version_control() {
        check(
            &[("logo.png", ""), (".gitmodules", ""), ("deep/down/.sourceignore", "*.txt"), ("deep/down/a.txt", "")],
            None,
            &["deep", "deep/down", "deep/down/.sourceignore", "logo.png"],
        );
    }

    #[test]
    fn rules_are_scoped_to_their_directory_and_the_innermost_win() {
        check(
            &[
                (".sourceignore", "*.txt\n"),
                ("a.txt", ""),
                ("b/.sourceignore", "!*.txt\n/c.yaml\n"),
                ("b/a.txt", ""),
                ("b/c.yaml", ""),
                ("b/d/c.yaml", ""),
                ("c.yaml", ""),
            ],
            None,
            &[".sourceignore", "b", "b/.sourceignore", "b/a.txt", "b/d", "b/d/c.yaml", "c.yaml"],
        );
    }

    #[test]
    fn the_spec_has_the_last_word() {
        check(
            &[(".sourceignore", "a.yaml"), ("a.yaml", ""), ("b.yaml", "")],
            Some("!a.yaml\nb.yaml"),
            &[".sourceignore", "a.yaml"],
        );
    }

    #[test]
    fn a_file_comes_back_from_an_excluded_directory() {
        check(&[("dir/keep.yaml", ""), ("dir/drop.yaml", "")], Some("dir/\n!dir/keep.yaml"), &["dir/keep.yaml"]);
        check(&[("a/b.yaml", ""), ("c.yaml", "")], Some("/*\n!/a"), &["a", "a/b.yaml"]);
    }

    #[test]
    fn windows_line_ends_and_remarks_are_not_rules() {
        check(&[("a", ""), ("b", ""), ("#c", "")], Some("a\r\n#c\r\n"), &["#c", "b"]);
    }

    #[test]
    fn the_root_is_never_ignored() {
        assert!(!Ignore::rules("*\n**\n/").is_ignored(&TreePath::root(), true));
    }
}
