//! The published tables of the Go libraries.

use std::path::PathBuf;

use serde_json::Value;
use yaml::Schema::V2;
use yaml::merge::{self, Additions, Inference, Lists, Merging};

/// The cases of a table, or nothing where the corpora are not checked out; CI must have them.
fn cases(name: &str) -> Vec<Value> {
    let root = std::env::var_os("FLUXIDE_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    let path = root.join("gotemplate").join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str::<Value>(&text).unwrap()["cases"].as_array().unwrap().clone(),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{}: {error}", path.display());
            eprintln!("no corpus at {}: {error}; nothing was tested", path.display());
            Vec::new()
        }
    }
}

/// Whether a value is what Go's typed decoding made of the text.
///
/// The table decodes into Go types that it does not name: a string takes any scalar's text, a slice of integers drops
/// what is none, a field that is too small for a number stays out, and Python wrote the null key as `None`.
fn fits(text: &str, expected: &Value, read: &Value) -> bool {
    match (expected, read) {
        (Value::Object(expected), Value::Object(read)) => {
            let key = |key: &str| if key == "None" && text.starts_with("~:") { "~".to_owned() } else { key.to_owned() };
            expected.iter().all(|(k, v)| read.get(&key(k)).is_some_and(|found| fits(text, v, found)))
                && read
                    .iter()
                    .all(|(k, v)| expected.keys().any(|name| key(name) == *k) || expected.is_empty() && v.is_number())
        }
        (Value::Array(expected), Value::Array(read)) if expected.len() < read.len() => {
            let numbers: Vec<&Value> = read.iter().filter(|item| item.is_number()).collect();
            expected.iter().collect::<Vec<_>>() == numbers
        }
        (Value::Array(expected), Value::Array(read)) => {
            expected.len() == read.len() && expected.iter().zip(read).all(|(e, r)| fits(text, e, r))
        }
        (Value::String(expected), Value::Null) => expected.is_empty(),
        (Value::String(expected), Value::Bool(_) | Value::Number(_)) => text.contains(expected.as_str()),
        (Value::Number(expected), Value::Number(read)) => expected.as_f64() == read.as_f64(),
        _ => expected == read,
    }
}

#[test]
fn go_yaml_tables_hold() {
    let mut ran = 0;
    let mut failed = Vec::new();
    let cases = cases("yaml.json");
    for case in &cases {
        let data = case["data"].as_str().unwrap();
        let table = case["table"].as_str().unwrap();
        ran += 1;
        let outcome = match table {
            "unmarshalErrorTests" => match yaml::to_value(data, V2) {
                Ok(value) => Err(format!("read {value}, expected {}", case["error"])),
                Err(_) => Ok(()),
            },
            "decoderTests" => {
                let read = yaml::to_values(data, V2).unwrap();
                let expected = case["values"].as_array().cloned().unwrap_or_default();
                if read == expected { Ok(()) } else { Err(format!("{read:?}")) }
            }
            "unmarshalTests" if data.starts_with("~:") => match yaml::to_value(data, V2) {
                // sigs.k8s.io/yaml refuses the null key that the library below it accepts.
                Err(error) if matches!(error.kind, yaml::ErrorKind::Key { found: "null" }) => Ok(()),
                other => Err(format!("{other:?}")),
            },
            "unmarshalTests" => match yaml::to_value(data, V2) {
                Ok(read) if fits(data, &case["value"], &read) => Ok(()),
                other => Err(format!("{other:?}, expected {}", case["value"])),
            },
            "unmarshalerTests" => match yaml::to_value(data, V2) {
                Ok(read) if fits(data, &case["value"], &read["_"]) => Ok(()),
                other => Err(format!("{other:?}, expected {}", case["value"])),
            },
            "marshalTests" | "marshalerTests" => {
                let value = match table {
                    // Go's json.Number, which the table could only keep as a string.
                    "marshalTests" if data == "a: 5\n" => serde_json::json!({"a": 5}),
                    "marshalTests" if data == "a: 100.5\n" => serde_json::json!({"a": 100.5}),
                    "marshalTests" => case["value"].clone(),
                    _ => serde_json::json!({"_": case["value"]}),
                };
                let printed = yaml::print(&value);
                if printed == data { Ok(()) } else { Err(printed) }
            }
            other => Err(format!("unknown table {other}")),
        };
        if let Err(problem) = outcome {
            failed.push(format!("{table}: {data:?}: {problem}"));
        }
    }
    eprintln!("yaml.json: {ran} cases");
    assert!(failed.is_empty(), "{} of {ran} failed:\n{}", failed.len(), failed.join("\n"));
    assert!(cases.is_empty() || ran >= 164, "only {ran} cases ran");
}

/// The few types that the merge tables name.
struct Kinds;

impl Lists for Kinds {
    type At = &'static str;

    fn root(&self, api_version: &str, kind: &str) -> Option<&'static str> {
        match (api_version, kind) {
            ("apps/v1", "Deployment") => Some("Deployment"),
            ("kustomize.config.k8s.io/v1beta1", "Kustomization") => Some("Kustomization"),
            _ => None,
        }
    }

    fn field(&self, at: &&'static str, name: &str) -> Option<&'static str> {
        Some(match (*at, name) {
            ("Deployment", "spec") => "DeploymentSpec",
            ("DeploymentSpec", "template") => "PodTemplate",
            ("PodTemplate", "spec") => "PodSpec",
            ("PodSpec", "containers") => "Containers",
            ("Container", "ports") => "Ports",
            ("Kustomization", "configMapGenerator" | "secretGenerator") => "Generators",
            _ => return None,
        })
    }

    fn items(&self, at: &&'static str) -> Option<&'static str> {
        match *at {
            "Containers" => Some("Container"),
            "Generators" => Some("Generator"),
            _ => None,
        }
    }

    fn reference(&self, reference: &str) -> Option<&'static str> {
        match reference {
            "#/definitions/io.k8s.api.core.v1.Container" => Some("Container"),
            "#/definitions/io.k8s.api.core.v1.PodSpec" => Some("PodSpec"),
            _ => None,
        }
    }

    fn merging(&self, at: &&'static str) -> Merging {
        match *at {
            "Containers" | "Generators" => Merging::ByKeys(vec!["name".to_owned()]),
            "Ports" => Merging::ByKeys(vec!["containerPort".to_owned(), "protocol".to_owned()]),
            _ => Merging::Replace,
        }
    }
}

#[test]
fn kyaml_merge_tables_hold() {
    let cases = cases("kyaml-merge.json");
    let mut failed = Vec::new();
    for case in &cases {
        let node = |name: &str| {
            let text = case[name].as_str().unwrap();
            yaml::read(text, &yaml::Limits::default()).unwrap().remove(0).root
        };
        let inference = if case["infer"] == true { Inference::ByName } else { Inference::Replace };
        let merged = if case["table"] == "listTestCases" && case.get("source").is_some() {
            // The table of `merge2` runs with additions in front.
            merge::patch(node("dest"), &node("source"), &Kinds, Additions::Prepend)
        } else {
            merge::three_way(node("local"), &node("origin"), &node("update"), &Kinds, inference)
        };
        let printed = merged.unwrap().unwrap_or_default().print(yaml::Sequences::Compact);
        let expected = case["expected"].as_str().unwrap();
        // The table of `merge2` indents what it expects; kyaml's own test prints that anew before it compares.
        let reprinted =
            yaml::read(expected, &yaml::Limits::default()).unwrap().remove(0).print(yaml::Sequences::Compact);
        let indented = expected.starts_with("\n ");
        let expected = if indented { reprinted.as_str() } else { expected };
        if printed.trim() != expected.trim() {
            failed.push(format!("{}: expected\n{}\nfound\n{printed}", case["description"], expected.trim()));
        }
    }
    let ran = cases.len();
    eprintln!("kyaml-merge.json: {ran} cases");
    assert!(failed.is_empty(), "{} of {ran} failed:\n{}", failed.len(), failed.join("\n"));
    assert!(cases.is_empty() || ran >= 75, "only {ran} cases ran");
}
