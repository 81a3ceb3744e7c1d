//! What the real kube-apiserver made of writes, and whether we make the same of them.
//!
//! `cases/` holds what was written, `recorded/` what came of it: `cargo xtask kinds`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::prepare;
use crate::kinds;
use crate::resource::{Allocate, FieldValidation, Operation, Refusal, Resource, Resources, Surroundings, Write};

/// How many writes must be the same; raised when more are, never lowered.
const SAME: usize = 343;

static BUILT_IN: LazyLock<Resources> = LazyLock::new(|| Resources::new(kinds::built_in()));

/// Hands out what the recordings hold in place of what was handed out.
#[derive(Default)]
struct Fixed {
    ports: u16,
}

impl Allocate for Fixed {
    fn cluster_ip(&mut self) -> String {
        "10.0.0.10".to_owned()
    }

    fn take_cluster_ip(&mut self, _: &str) -> bool {
        true
    }

    fn node_port(&mut self) -> u16 {
        self.ports += 1;
        30000 + self.ports
    }

    fn take_node_port(&mut self, _: u16) -> bool {
        true
    }

    fn suffix(&mut self, length: usize) -> String {
        "x".repeat(length)
    }

    fn uid(&mut self) -> String {
        "UID".to_owned()
    }
}

/// What came of a write, in the form of the recordings.
#[derive(Debug, PartialEq)]
enum Outcome {
    Stored(Value, BTreeSet<String>),
    Invalid(BTreeSet<String>),
    Refused(String),
}

/// The priority classes that every cluster has.
fn system_classes() -> Vec<Value> {
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)]
        .map(|(name, value)| json!({ "metadata": { "name": name }, "value": value }))
        .to_vec()
}

fn ours(
    resource: &Resource,
    operation: Operation,
    body: &Value,
    old: Option<&Value>,
    subresource: Option<&str>,
) -> (Outcome, Value) {
    let mut allocate = Fixed::default();
    let mut write = Write {
        operation,
        subresource,
        old,
        field_validation: FieldValidation::Warn,
        now: Timestamp::UNIX_EPOCH,
        allocate: &mut allocate,
        around: Surroundings { classes: system_classes(), ..Surroundings::default() },
        defaulted: None,
    };
    let mut object = body.clone();
    let result = prepare(resource, &mut write, &mut object);
    let stored = object.clone();
    let outcome = match result {
        Ok(warnings) => {
            let mut object = object;
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove("creationTimestamp");
            }
            if let Some(time) = object.pointer_mut("/status/lastPhaseTransitionTime") {
                *time = "TIME".into();
            }
            Outcome::Stored(object, warnings.into_iter().collect())
        }
        Err(Refusal::Invalid(errors, _)) => {
            Outcome::Invalid(errors.iter().map(|error| format!("{} ({})", error, error.reason)).collect())
        }
        Err(Refusal::Decode(texts)) => Outcome::Refused(texts.join(", ")),
        Err(Refusal::Forbidden(why, _)) => Outcome::Refused(why),
    };
    (outcome, stored)
}

fn theirs(recorded: &Value) -> Option<Outcome> {
    let answer = &recorded["answer"];
    match recorded["code"].as_u64()? {
        200 | 201 => {
            let warnings = recorded["warnings"].as_array().into_iter().flatten();
            Some(Outcome::Stored(answer.clone(), warnings.filter_map(Value::as_str).map(str::to_owned).collect()))
        }
        422 => {
            let causes = answer["details"]["causes"].as_array().into_iter().flatten();
            let text = |cause: &Value, name: &str| cause[name].as_str().unwrap_or_default().to_owned();
            let cause = |cause: &Value| {
                let message = text(cause, "message");
                // Upstream shows what differs between its structs behind the first line, which we do not.
                let line = message.lines().next().unwrap_or_default();
                format!("{}: {line} ({})", text(cause, "field"), text(cause, "reason"))
            };
            Some(Outcome::Invalid(causes.map(cause).collect()))
        }
        400 => {
            let message = answer["message"].as_str()?;
            let text = message.split_once(" cannot be handled as a ").and_then(|(_, rest)| rest.split_once(": "));
            Some(Outcome::Refused(text.map_or(message, |(_, text)| text).to_owned()))
        }
        // Conflicts and what is forbidden are not for the rules of kinds to tell.
        _ => None,
    }
}

/// A merge patch, as the server applies it before the rules see the object.
fn merged(target: &Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut fields = target.as_object().cloned().unwrap_or_default();
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), merged(fields.get(name).unwrap_or(&Value::Null), value));
        }
    }
    Value::Object(fields)
}

fn resource_of(case: &Value) -> Option<Arc<Resource>> {
    let create = &case["create"];
    let api_version = create["apiVersion"].as_str()?;
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let kind = create["kind"].as_str()?;
    if case["definition"].is_object() {
        let resources = Resources::new(kinds::custom(&case["definition"]));
        return resources.of_kind(group, version, kind).cloned();
    }
    BUILT_IN.of_kind(group, version, kind).cloned()
}

/// How two outcomes differ, for people.
fn difference(ours: &Outcome, theirs: &Outcome) -> String {
    match (ours, theirs) {
        (Outcome::Stored(ours, _), Outcome::Stored(theirs, _)) => {
            let mut lines = Vec::new();
            compare("", ours, theirs, &mut lines);
            lines.join("\n    ")
        }
        (Outcome::Invalid(ours), Outcome::Invalid(theirs)) => {
            let surplus = ours.difference(theirs).map(|line| format!("ours alone   {line}"));
            let missing = theirs.difference(ours).map(|line| format!("theirs alone {line}"));
            surplus.chain(missing).collect::<Vec<_>>().join("\n    ")
        }
        _ => format!("ours   {ours:?}\n    theirs {theirs:?}"),
    }
}

fn compare(path: &str, ours: &Value, theirs: &Value, lines: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            for name in names {
                let absent = Value::from("(absent)");
                let below = format!("{path}.{name}");
                compare(&below, ours.get(name).unwrap_or(&absent), theirs.get(name).unwrap_or(&absent), lines);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                compare(&format!("{path}[{index}]"), ours, theirs, lines);
            }
        }
        _ if ours == theirs => {}
        _ => lines.push(format!("{path}: ours {ours}, theirs {theirs}")),
    }
}

/// Differences that are meant, with their reasons: `case: reason`, a line each.
fn meant() -> Map<String, Value> {
    let lines = include_str!("recorded/meant.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.filter_map(|line| line.split_once(": ")).map(|(case, reason)| (case.to_owned(), reason.into())).collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "a test of recordings says how many ran")]
fn writes_come_out_as_on_the_real_server() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/prepare/recorded");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let meant = meant();
    let (mut same, mut skipped) = (0, 0);
    let mut different = Vec::new();
    let mut explained = BTreeSet::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        for case in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            let name = case["name"].as_str().unwrap().to_owned();
            let Some(resource) = resource_of(&case) else {
                skipped += 1;
                continue;
            };
            let mut check = |name: String, ours: &Outcome, recorded: &Value| {
                let Some(theirs) = theirs(recorded) else {
                    skipped += 1;
                    return;
                };
                if *ours == theirs {
                    same += 1;
                } else if meant.contains_key(&name) {
                    explained.insert(name);
                } else {
                    different.push(format!("{name}\n    {}", difference(ours, &theirs)));
                }
            };
            let (outcome, stored) = ours(&resource, Operation::Create, &case["create"], None, None);
            check(name.clone(), &outcome, &case["answer"]);
            for (index, step) in case["patches"].as_array().into_iter().flatten().enumerate() {
                let patch = &step["patch"];
                let subresource = (patch.get("status").is_some() && patch.get("spec").is_none()).then_some("status");
                let body = merged(&stored, patch);
                let (outcome, _) = ours(&resource, Operation::Patch, &body, Some(&stored), subresource);
                check(format!("{name}, patch {index}"), &outcome, &step["answer"]);
            }
        }
    }
    println!(
        "{same} writes are the same, {} differ as meant, {skipped} are not for the rules of kinds",
        explained.len()
    );
    let unexplained: Vec<&String> = meant.keys().filter(|case| !explained.contains(*case)).collect();
    assert!(unexplained.is_empty(), "no longer different: {unexplained:?}");
    assert!(different.is_empty(), "{} writes differ:\n{}", different.len(), different.join("\n"));
    assert!(same >= SAME, "only {same} writes are the same, {SAME} were");
}

/// JSON of any shape, with names that kinds know among its keys.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "spec",
        "metadata",
        "status",
        "name",
        "labels",
        "annotations",
        "template",
        "containers",
        "ports",
        "selector",
        "matchLabels",
        "replicas",
        "resources",
        "limits",
        "cpu",
        "rules",
        "data",
        "versions",
        "schema",
        "strategy",
        "type",
        "clusterIP",
        "clusterIPs",
        "nodePort",
        "port",
        "jobTemplate",
        "schedule",
        "subjects",
        "roleRef",
        "conditions",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["1Gi", "25%", "None", "Always", "-1", "", "ä", "*/5 * * * *"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<Map<_, _>>()
                .into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_object_is_too_odd(spec in any_json(), metadata in any_json(), old in any_json(), index in 0_usize..59) {
        let resource = BUILT_IN.iter().nth(index).unwrap().clone();
        let object = json!({ "apiVersion": resource.api_version(), "kind": resource.kind, "metadata": metadata, "spec": spec });
        let _ = ours(&resource, Operation::Create, &object, None, None);
        let _ = ours(&resource, Operation::Update, &spec, Some(&old), None);
        let _ = ours(&resource, Operation::Patch, &object, Some(&old), Some("status"));
    }

    #[test]
    fn no_schema_is_too_odd(schema in any_json(), object in any_json()) {
        let definition = json!({ "spec": { "group": "a.b", "names": { "kind": "A", "plural": "as" }, "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }] } });
        for resource in kinds::custom(&definition) {
            let _ = ours(&Arc::new(resource), Operation::Create, &object, None, None);
        }
        let definitions = BUILT_IN.of_kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition").unwrap();
        let _ = ours(definitions, Operation::Create, &definition, None, None);
    }
}
