//! The generated CRDs against the facts.

use std::{env, fmt::Write as _, fs, path::Path};

use serde_json::Value;

use super::crds;

/// One line for each fact that a client could notice: names, types, defaults, rules, columns.
fn facts(crd: &Value) -> String {
    let mut out = String::new();
    let spec = &crd["spec"];
    let names = &spec["names"];
    let _ = writeln!(
        out,
        "{} {} {} {}",
        crd["metadata"]["name"].as_str().unwrap(),
        spec["scope"].as_str().unwrap(),
        names,
        crd["metadata"]["annotations"]
    );
    for version in spec["versions"].as_array().unwrap() {
        let _ = writeln!(
            out,
            "version {} served={} storage={} subresources={}",
            version["name"], version["served"], version["storage"], version["subresources"]
        );
        for column in version["additionalPrinterColumns"].as_array().unwrap() {
            let _ = writeln!(out, "column {} {} {}", column["name"], column["type"], column["jsonPath"]);
        }
        describe(&version["schema"]["openAPIV3Schema"], "", false, &mut out);
    }
    out
}

/// The schema at a path, one line a field; `!` marks required ones, `[]` and `{}` the items of lists and maps.
fn describe(schema: &Value, path: &str, required: bool, out: &mut String) {
    let fields = schema.as_object().unwrap();
    let mut line = format!("{path}{} {}", if required { "!" } else { "" }, fields["type"].as_str().unwrap());
    for (key, value) in fields {
        if !["type", "description", "properties", "items", "additionalProperties", "required"].contains(&key.as_str()) {
            let _ = write!(line, " {key}={value}");
        }
    }
    let _ = writeln!(out, "{}", line.trim_start());
    let needed: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let inner_path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        describe(inner, &inner_path, needed.contains(&name.as_str()), out);
    }
    for (key, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(inner) = fields.get(key) {
            describe(inner, &format!("{path}{mark}"), false, out);
        }
    }
}

/// `facts.txt` was compared with upstream's CRDs, field by field, when it was written: a difference is a change of the
/// contract.
#[test]
fn the_crds_hold_the_facts_of_the_contract() {
    let found: String = crds().iter().map(facts).collect::<Vec<_>>().join("\n");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/crd/facts.txt");
    if env::var_os("UPDATE").is_some() {
        fs::write(&file, &found).unwrap();
    }
    let wanted = fs::read_to_string(&file).unwrap();
    for (line, (found, wanted)) in found.lines().zip(wanted.lines()).enumerate() {
        assert_eq!(found, wanted, "facts.txt:{}", line + 1);
    }
    assert_eq!(found.lines().count(), wanted.lines().count());
}

#[test]
fn every_field_is_described() {
    #[track_caller]
    fn check(schema: &Value, path: &str) {
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            assert!(inner["description"].is_string() || path == ".metadata", "{path} has no description");
            check(inner, &path);
            check(&inner["items"], &path);
        }
    }
    for crd in crds() {
        check(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "");
    }
}

#[test]
fn nothing_but_what_crds_allow_is_left_in_a_schema() {
    fn check(schema: &Value, path: &str) {
        let Value::Object(fields) = schema else { return };
        for key in ["anyOf", "oneOf", "const", "$ref", "$defs", "nullable", "title"] {
            assert!(!fields.contains_key(key), "{path} has {key}");
        }
        for (name, inner) in fields.get("properties").and_then(Value::as_object).into_iter().flatten() {
            check(inner, &format!("{path}.{name}"));
        }
        for key in ["items", "additionalProperties"] {
            check(&schema[key], path);
        }
    }
    for crd in crds() {
        check(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "");
    }
}
