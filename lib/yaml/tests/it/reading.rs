//! What the two schemas make of scalars, keys, merges and duplicates.

use serde_json::json;
use yaml::Schema::{V2, V3};

#[test]
fn version_2_reads_booleans_of_yaml_1_1_as_keys_too() {
    assert_eq!(yaml::to_value("y: [yes, on, n, 'no']", V2).unwrap(), json!({"true": [true, true, false, "no"]}));
    assert_eq!(yaml::to_value("y: [yes, on, n, 'no']", V3).unwrap(), json!({"y": ["yes", "on", "n", "no"]}));
}

#[test]
fn merges_override_in_version_2_only() {
    let text = "base: &base {a: 1, b: 1}\nuse:\n  a: 2\n  <<: *base\n  b: 2\n";
    assert_eq!(yaml::to_value(text, V2).unwrap()["use"], json!({"a": 1, "b": 2}));
    assert_eq!(yaml::to_value(text, V3).unwrap()["use"], json!({"a": 2, "b": 2}));
}

#[test]
fn a_duplicate_key_is_located() {
    let text = "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n";
    assert_eq!(yaml::to_value(text, V2).unwrap(), json!({"a": 1, "b": {"c": 3, "d": 2}}));
    let error = yaml::to_value(text, V3).unwrap_err();
    assert_eq!(error.to_string(), "line 5, column 3: the key \"c\" is already set in line 3 of the same mapping");
    assert_eq!(yaml::Reader::new(V2).strict().value(text).unwrap_err().line(), 5);
}

#[test]
fn documents_are_read_one_by_one() {
    let text = "---\na: 1\n---\n---\nb: 2\n...\n";
    assert_eq!(yaml::to_values(text, V2).unwrap(), [json!({"a": 1}), json!(null), json!({"b": 2})]);
    let lines: Vec<u32> = yaml::Reader::new(V2).values(text).map(|read| read.unwrap().at.line).collect();
    assert_eq!(lines, [1, 3, 4]);
    assert_eq!(yaml::to_value("a: 1\n---\n}no yaml", V2).unwrap(), json!({"a": 1}));
    assert_eq!(yaml::to_value("", V2).unwrap(), json!(null));
}

#[test]
fn a_scalar_knows_its_bytes() {
    let text = "a: 'x' # c\nb: [ä, \"q\"]\n";
    let documents = yaml::read(text, &yaml::Limits::default()).unwrap();
    let root = &documents[0].root;
    assert_eq!(&text[root.get("a").unwrap().span()], "'x'");
    assert_eq!(&text[root.get("b").unwrap().items().unwrap()[1].span()], "\"q\"");
    assert_eq!(root.to_value(V2).unwrap(), json!({"a": "x", "b": ["ä", "q"]}));
}

#[test]
fn what_go_reads_beyond_yaml_1_2_is_read_and_located() {
    let text = "a: 1\n---\nb: [\"don\\'t\\'\", x]#c\nd: \"y\"#e\n";
    let expected = [json!({"a": 1}), json!({"b": ["don't'", "x"], "d": "y"})];
    assert_eq!(yaml::to_values(text, V2).unwrap(), expected);
    let documents = yaml::read(text, &yaml::Limits::default()).unwrap();
    let item = &documents[1].root.get("b").unwrap().items().unwrap()[1];
    assert_eq!(&text[item.span()], "x");
    assert_eq!(item.at().column, 17);
    assert_eq!(&text[documents[1].root.get("d").unwrap().span()], "\"y\"");
    assert_eq!(documents[1].root.get("d").unwrap().comments().line, "#e");
    // As many as that are a mistake of another kind, and reading again has an end.
    assert!(yaml::to_value(&"- \"\"#c\n".repeat(1_000), V2).is_err());
}
