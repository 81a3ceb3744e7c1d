//! What neither rustfmt nor clippy looks at: the length, header and name of files, and machine paths.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::workspace::Workspace;

const LINES: usize = 1000;
/// Longer files, with their length: `PATH LINES`. The list only shrinks: a file that got shorter must be entered anew.
const ALLOWED: &str = "dev/xtask/tidy.allow";
const FORBIDDEN_MODULES: [&str; 8] = ["utils", "util", "common", "helpers", "helper", "types", "prelude", "mod"];

/// Fails with everything that is wrong.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let files = files(workspace)?;
    let allowed = allowed(&workspace.read(ALLOWED)?)?;
    let places = machine_places(&workspace.root, std::env::var_os("HOME").as_deref().map(Path::new));
    let mut problems = Vec::new();
    for gone in allowed.keys().filter(|path| !files.contains(path)) {
        problems.push(format!("{ALLOWED} names {gone}, which is gone: remove the line"));
    }
    for path in &files {
        // What is not text has no lines, headers or paths to look at.
        let Ok(text) = std::fs::read_to_string(workspace.path(path)) else { continue };
        problems.extend(machine_paths(path, &text, &places));
        if Path::new(path).extension().is_some_and(|e| e == "rs") {
            problems.extend(source(path, &text, allowed.get(path).copied()));
        }
    }
    if problems.is_empty() {
        println!("tidy: {} files", files.len());
        return Ok(());
    }
    Err(format!("tidy:\n  {}", problems.join("\n  ")))
}

fn files(workspace: &Workspace) -> Result<Vec<String>, String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&workspace.root)
        .output()
        .map_err(|e| format!("run git: {e}"))?;
    if !listed.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&listed.stderr)));
    }
    let mut files: Vec<String> =
        String::from_utf8_lossy(&listed.stdout).split('\0').filter(|f| !f.is_empty()).map(str::to_owned).collect();
    files.retain(|f| workspace.path(f).is_file());
    files.sort();
    Ok(files)
}

fn allowed(text: &str) -> Result<BTreeMap<String, usize>, String> {
    let lines = text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#'));
    let entry = |line: &str| {
        let (path, lines) = line.split_once(' ')?;
        Some((path.to_owned(), lines.split_whitespace().next()?.parse().ok()?))
    };
    lines.map(|l| entry(l).ok_or_else(|| format!("{ALLOWED}: not `PATH LINES`: {l}"))).collect()
}

fn source(path: &str, text: &str, allowed: Option<usize>) -> Vec<String> {
    let mut problems = Vec::new();
    if !text.starts_with("//!") {
        problems.push(format!("{path}: begin with //! and what the file is for"));
    }
    let lines = text.lines().count();
    match allowed {
        None if lines > LINES => problems.push(format!("{path}: {lines} lines, {LINES} at most: split it by topic")),
        Some(_) if lines <= LINES => problems.push(format!("{path}: {lines} lines now: remove it from {ALLOWED}")),
        Some(allowed) if lines > allowed => {
            problems.push(format!("{path}: {lines} lines, {allowed} allowed by {ALLOWED}, which only shrinks"));
        }
        Some(allowed) if lines < allowed => problems.push(format!("{path}: write {lines} into {ALLOWED}")),
        _ => {}
    }
    let file = Path::new(path);
    let names = file.file_stem().into_iter().chain(file.parent().into_iter().flat_map(Path::iter));
    for name in names.filter_map(|n| n.to_str()).filter(|n| FORBIDDEN_MODULES.contains(n)) {
        problems.push(format!("{path}: no file or folder is called {name}: name it after what it holds"));
    }
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with(concat!("#[", "ignore")) || line.starts_with(concat!("#[", "should_panic")) {
            problems.push(format!("{path}:{}: no test is ignored or panics on purpose", number + 1));
        }
    }
    problems
}

/// Where this machine keeps the checkout, the corpora beside it, and what belongs to its user. Of the checkout's place
/// only the end counts, for another machine may have it deeper.
fn machine_places(root: &Path, home: Option<&Path>) -> Vec<String> {
    let mut places = Vec::new();
    if let (Some(name), Some(folder)) = (root.file_name(), root.parent().and_then(Path::file_name)) {
        let folder = folder.to_string_lossy();
        places.extend([format!("/{folder}/{}", name.to_string_lossy()), format!("/{folder}/shared")]);
    }
    if let Some(home) = home.filter(|home| home.parent().is_some()) {
        let home = home.display();
        places.extend([format!("{home}/."), format!("{home}/go")]);
    }
    places
}

/// Mentions of paths that exist on one machine only.
fn machine_paths(path: &str, text: &str, places: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for place in places.iter().filter(|place| line.contains(place.as_str())) {
            problems.push(format!("{path}:{}: {place} exists on one machine only", number + 1));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{LINES, machine_paths, machine_places, source};

    #[track_caller]
    fn check(path: &str, text: &str, allowed: Option<usize>, expected: &str) {
        assert_eq!(source(path, text, allowed).join("; "), expected);
    }

    #[test]
    fn a_file_has_a_header_a_name_and_a_length() {
        let long = "//!\n".repeat(LINES + 1);
        check("a/src/b.rs", "//! Good.\n", None, "");
        check("a/src/b.rs", "fn f() {}\n", None, "a/src/b.rs: begin with //! and what the file is for");
        check(
            "a/src/utils.rs",
            "//! x\n",
            None,
            "a/src/utils.rs: no file or folder is called utils: name it after what it holds",
        );
        check(
            "a/common/b.rs",
            "//! x\n",
            None,
            "a/common/b.rs: no file or folder is called common: name it after what it holds",
        );
        check("b.rs", &long, None, "b.rs: 1001 lines, 1000 at most: split it by topic");
        check("b.rs", &long, Some(1001), "");
        check("b.rs", &long, Some(1002), "b.rs: write 1001 into dev/xtask/tidy.allow");
        check("b.rs", "//! x\n", Some(1002), "b.rs: 1 lines now: remove it from dev/xtask/tidy.allow");
        let ignored = concat!("//! x\n    #[", "ignore]\n");
        check("b.rs", ignored, None, "b.rs:2: no test is ignored or panics on purpose");
    }

    #[test]
    fn machine_paths_are_found() {
        let places = machine_places(Path::new("/deep/place/checkout"), Some(Path::new("/people/me")));
        assert_eq!(machine_paths("a", "x\ny /place/checkout/z\n", &places).len(), 1);
        for text in ["/place/shared/x", "/people/me/.cargo", "/people/me/go/pkg"] {
            assert_eq!(machine_paths("a", text, &places).len(), 1, "{text}");
        }
        assert!(machine_paths("a", "x /placements ../shared/corpus /people/you\n", &places).is_empty());
        assert!(machine_places(Path::new("/"), Some(Path::new("/"))).is_empty(), "every path begins like that");
    }
}
