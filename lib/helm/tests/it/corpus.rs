//! Test cases that others wrote, found beside the checkout.

use std::path::PathBuf;

use serde_json::Value;

/// Reads `gotemplate/<name>` of the corpus. Absent corpora are told on stderr, and fail only where `CI` is set.
#[expect(clippy::disallowed_methods, clippy::print_stderr, reason = "tests read files and talk")]
pub(crate) fn cases(name: &str) -> Vec<Value> {
    let root = std::env::var_os("FLUXIDE_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    let path = root.join("gotemplate").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        assert!(std::env::var_os("CI").is_none(), "the corpus is missing: {}", path.display());
        eprintln!("skipped: no corpus at {}", path.display());
        return Vec::new();
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    file["cases"].as_array().unwrap().clone()
}

/// Tells how many cases of a corpus ran.
#[expect(clippy::print_stderr, reason = "tests talk")]
pub(crate) fn report(name: &str, cases: usize, exceptions: usize) {
    eprintln!("{name}: {} of {cases} cases ran, {exceptions} are exceptions", cases - exceptions);
}
