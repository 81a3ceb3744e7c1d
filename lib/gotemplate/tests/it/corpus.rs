//! Where the shared cases lie, and values made of their data.

use std::path::PathBuf;

use gotemplate::{List, Map, Value};

/// Reads a case file. `None`, said on stderr, when the corpus is not beside the repository; CI must have it.
pub(crate) fn read(name: &str) -> Option<serde_json::Value> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let root = std::env::var_os("FLUXIDE_CORPUS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let path = root.join("gotemplate").join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{}: {error}", path.display());
            eprintln!("{name} was not run: {}: {error}", path.display());
            None
        }
    }
}

/// The cases of a file.
pub(crate) fn cases(file: &serde_json::Value) -> &[serde_json::Value] {
    file["cases"].as_array().unwrap()
}

/// Makes a value of JSON as the corpus means it: whole numbers are Go's `int`.
pub(crate) fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => match n.as_i64() {
            Some(n) => Value::Int(n),
            None => Value::Float64(n.as_f64().unwrap()),
        },
        serde_json::Value::String(s) => s.as_str().into(),
        serde_json::Value::Array(items) => items.iter().map(value).collect::<List>().into(),
        serde_json::Value::Object(entries) => {
            entries.iter().map(|(key, item)| (key.as_str(), value(item))).collect::<Map>().into()
        }
    }
}

/// Fails with all that went wrong, and says how many cases ran.
#[track_caller]
pub(crate) fn settle(name: &str, ran: usize, least: usize, failures: &[String]) {
    println!("{name}: {ran} cases ran, {} failed", failures.len());
    assert!(failures.is_empty(), "{} of {ran} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(ran >= least, "{ran} cases ran, {least} were there once");
}
