//! Writes `crates/apiserver/data/protobuf.txt`: how upstream's clients write the built-in kinds as protobuf.
//!
//! `cargo xtask kinds` runs it, after the documents in `data/openapi` are written: they tell which fields of a message are
//! laid out in place of it in JSON.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it is a chore, and asks go where its modules are")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde_json::Value;

const MODULES: [&str; 2] = ["k8s.io/api", "k8s.io/apimachinery"];
const SCALARS: [&str; 9] = ["string", "bytes", "bool", "int32", "int64", "uint32", "uint64", "double", "float"];
/// What clients send besides the kinds that are stored.
const MORE: [&str; 4] = [
    "k8s.io.api.autoscaling.v1.Scale",
    "k8s.io.api.authentication.v1.TokenRequest",
    "k8s.io.api.policy.v1.Eviction",
    "k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions",
];
/// Messages whose JSON is no map of their fields.
const SPECIAL: [&str; 3] = ["JSONSchemaPropsOrBool", "JSONSchemaPropsOrArray", "JSONSchemaPropsOrStringArray"];
const HEAD: &str = "\
# The protobuf form of what clients send, from generated.proto of Kubernetes v1.35.4 (Copyright The Kubernetes
# Authors, Apache-2.0): `MESSAGE`, then `NUMBER NAME KIND` each; * repeated, % a map from strings, < laid out in place.
";

struct Field {
    number: u64,
    name: String,
    /// `*`, `%` or nothing.
    shape: &'static str,
    kind: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = PathBuf::from(std::env::args().nth(1).ok_or("usage: protobuf DATA_FOLDER")?);
    let oracle = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../oracles/kubernetes"));
    let mut messages = BTreeMap::new();
    for module in MODULES {
        let listed = Command::new("go").args(["list", "-m", "-f", "{{.Dir}}", module]).current_dir(oracle).output()?;
        read_folder(Path::new(String::from_utf8(listed.stdout)?.trim()), &mut messages)?;
    }
    let properties = properties(&data.join("openapi"))?;
    let mut wanted: Vec<String> = MORE.map(String::from).to_vec();
    for line in std::fs::read_to_string(data.join("resources.jsonl"))?.lines().filter(|line| !line.starts_with('#')) {
        let row: Value = serde_json::from_str(line)?;
        wanted.push(row["definition"].as_str().unwrap_or_default().trim_start_matches("io.").to_owned());
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if let Some(fields) = messages.get(&name).filter(|_| seen.insert(name.clone())) {
            wanted.extend(fields.iter().map(|field| field.kind.clone()).filter(|kind| kind.contains('.')));
        }
    }
    let mut text = HEAD.to_owned();
    for name in &seen {
        text.extend([name.as_str(), "\n"]);
        let known = properties.get(&format!("io.{name}"));
        let mut fields: Vec<&Field> = messages[name].iter().collect();
        fields.sort_by_key(|field| field.number);
        for field in fields {
            let (json_name, inline) = in_json(name, field, known);
            let number = field.number.to_string();
            text.extend([
                " ",
                number.as_str(),
                " ",
                json_name.as_str(),
                " ",
                inline,
                field.shape,
                field.kind.as_str(),
                "\n",
            ]);
        }
    }
    std::fs::write(data.join("protobuf.txt"), text)?;
    println!("protobuf.txt: {} messages", seen.len());
    Ok(())
}

/// What a field is called in JSON, and whether it is laid out in place.
fn in_json(message: &str, field: &Field, known: Option<&BTreeSet<String>>) -> (String, &'static str) {
    let Some(known) = known.filter(|known| !known.is_empty() && !known.contains(&field.name)) else {
        return (field.name.clone(), "");
    };
    if let Some(other) = known.iter().find(|name| name.eq_ignore_ascii_case(&field.name)) {
        return (other.clone(), "");
    }
    if known.contains(&format!("${}", field.name)) {
        return (format!("${}", field.name), "");
    }
    let is_special = SPECIAL.iter().any(|special| message.ends_with(special));
    let inline = if field.shape.is_empty() && field.kind.contains('.') && !is_special { "<" } else { "" };
    (field.name.clone(), inline)
}

/// The properties of each definition of the documents.
fn properties(folder: &Path) -> Result<BTreeMap<String, BTreeSet<String>>, Box<dyn std::error::Error>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(entry?.path())?).read_to_string(&mut text)?;
        let document: Value = serde_json::from_str(&text)?;
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            let names = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
            all.insert(name.clone(), names.collect());
        }
    }
    Ok(all)
}

fn read_folder(folder: &Path, messages: &mut BTreeMap<String, Vec<Field>>) -> Result<(), Box<dyn std::error::Error>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_folder(&path, messages)?;
        } else if path.file_name().is_some_and(|name| name == "generated.proto") {
            read(&std::fs::read_to_string(&path)?, messages)?;
        }
    }
    Ok(())
}

fn read(text: &str, messages: &mut BTreeMap<String, Vec<Field>>) -> Result<(), Box<dyn std::error::Error>> {
    let comment = Regex::new("//.*")?;
    let text = comment.replace_all(text, "");
    let package = Regex::new(r"(?m)^package (\S+);")?.captures(&text).ok_or("no package")?[1].to_owned();
    let single = Regex::new(r"^(optional|repeated) \.?([\w.]+) (\w+) = (\d+)$")?;
    let map = Regex::new(r"^map<string, \.?([\w.]+)> (\w+) = (\d+)$")?;
    for message in Regex::new(r"(?ms)^message (\w+) \{(.*?)^\}")?.captures_iter(&text) {
        let mut fields = Vec::new();
        for line in message[2].split(';').map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")) {
            let (shape, kind, name, number) = if let Some(found) = single.captures(&line) {
                let shape = if &found[1] == "repeated" { "*" } else { "" };
                (shape, found[2].to_owned(), found[3].to_owned(), found[4].parse()?)
            } else if let Some(found) = map.captures(&line) {
                ("%", found[1].to_owned(), found[2].to_owned(), found[3].parse()?)
            } else {
                continue;
            };
            let is_near = !SCALARS.contains(&kind.as_str()) && !kind.contains('.');
            let kind = if is_near { format!("{package}.{kind}") } else { kind };
            fields.push(Field { number, name, shape, kind });
        }
        messages.insert(format!("{package}.{}", &message[1]), fields);
    }
    Ok(())
}
