//! Against Go itself: what its libraries made of inputs that were generated for this comparison.
//!
//! Every line of a case file is a JSON array of an input and Go's output, null for an error. Left out are inputs on which
//! we differ on purpose or by the parser's grammar; [`known_differences`] keeps examples of them.

use std::fmt::Write as _;

use serde_json::{Value, json};
use yaml::Keep;
use yaml::Schema::{V2, V3};

/// Runs the cases of a file, which must be at least so many.
#[track_caller]
fn check(name: &str, text: &str, at_least: usize, run: impl Fn(&Value) -> Option<String>) {
    let mut failed = Vec::new();
    let mut ran = 0;
    for line in text.lines() {
        let case: [Value; 2] = serde_json::from_str(line).unwrap();
        let [input, expected] = case;
        ran += 1;
        let found = run(&input);
        if found.as_deref() != expected.as_str() {
            failed.push(format!("{input}\n  expected {expected}\n  found    {found:?}"));
        }
    }
    eprintln!("{name}: {ran} cases");
    assert!(failed.is_empty(), "{} of {ran} failed:\n{}", failed.len(), failed.join("\n"));
    assert!(ran >= at_least, "only {ran} cases ran");
}

#[track_caller]
fn check_reading(name: &str, text: &str, at_least: usize, schema: yaml::Schema) {
    // Both sides as values: Go's JSON is read as YAML, which it is, and which keeps integers apart from floats.
    let mut lines = String::with_capacity(text.len());
    for line in text.lines() {
        let [input, expected]: [Value; 2] = serde_json::from_str(line).unwrap();
        let expected = expected.as_str().map(|json| yaml::to_value(json, V2).unwrap().to_string());
        writeln!(lines, "{}", json!([input, expected])).unwrap();
    }
    check(name, &lines, at_least, |input| Some(yaml::to_value(input.as_str().unwrap(), schema).ok()?.to_string()));
}

#[test]
fn go_prints_the_same() {
    check("print.jsonl", include_str!("cases/print.jsonl"), 2_000, |input| Some(yaml::print(input)));
}

#[test]
fn go_reads_the_same() {
    check_reading("v2.jsonl", include_str!("cases/v2.jsonl"), 11_000, V2);
    check_reading("v3.jsonl", include_str!("cases/v3.jsonl"), 11_000, V3);
}

#[test]
fn a_part_is_refused_as_the_whole_is_and_is_the_same() {
    const PART: Keep = Keep::Keys(&[("a", Keep::All), ("b", Keep::Keys(&[("a", Keep::All), ("c", Keep::All)]))]);
    let part = |mut value: Value, keys: &[&str]| {
        if let Some(mapping) = value.as_object_mut() {
            mapping.retain(|key, _| keys.contains(&key.as_str()));
        }
        if let Some(list) = value.as_array_mut() {
            list.clear();
        }
        value
    };
    let mut ran = 0;
    for line in include_str!("cases/v2.jsonl").lines() {
        let [input, _]: [Value; 2] = serde_json::from_str(line).unwrap();
        let input = input.as_str().unwrap();
        let below = input.replace('\n', "\n    ");
        for text in
            [input, &format!("a: &x\n    {below}\nb: *x"), &format!("b:\n    {below}\na:\n  - &x {below}\nc: *x\n")]
        {
            let whole = yaml::to_value(text, V2).map(|value| {
                let mut value = part(value, &["a", "b"]);
                if let Some(below) = value.get_mut("b") {
                    *below = part(below.take(), &["a", "c"]);
                }
                value
            });
            let read = yaml::Reader::new(V2).keep(PART).value(text);
            // An alias brings all of what it names.
            let is_same = read == whole
                || text.contains("*x") && read.as_ref().map(|v| &v["a"]) == whole.as_ref().map(|v| &v["a"]);
            assert!(is_same, "{text:?}\n  whole {whole:?}\n  part  {read:?}");
            ran += usize::from(whole.is_ok());
        }
    }
    assert!(ran > 10_000, "only {ran} texts were read");
}

#[test]
fn kyaml_prints_documents_the_same() {
    check("documents.jsonl", include_str!("cases/documents.jsonl"), 1_100, |input| {
        let documents = yaml::read(input.as_str().unwrap(), &yaml::Limits::default()).ok()?;
        Some(documents[0].print(yaml::Sequences::Compact))
    });
}

#[test]
fn known_differences() {
    // The parser follows YAML 1.2, Go's the older libyaml. Go reads these:
    for text in ["[-]", "{a: b:}", "- !-]a", "[]]"] {
        assert!(yaml::to_value(text, V2).is_err(), "{text}");
    }
    // Go gives {"a": null}, ["a:"] and breaks the line at U+0085.
    assert_eq!(yaml::to_value("[?a]", V2).unwrap(), json!(["?a"]));
    assert_eq!(yaml::to_value("[a:]", V2).unwrap(), json!([{"a": null}]));
    assert_eq!(yaml::to_value("'a\u{85}b'", V2).unwrap(), json!("a\u{85}b"));
    // Go prints `<<` plain and the others so that only YAML 1.1 reads them, or refuses them.
    assert_eq!(yaml::print(&json!({"<<": "\u{2028}\u{85}\u{7f}"})), "\"<<\": \"\\L\\N\\x7F\"\n");
}
