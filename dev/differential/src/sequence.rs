//! Writes of three managers to one object.

use fastrand::Rng;
use kube::Client;
use serde_json::{Value, json};
use ssa::Force;

use crate::kinds::{Kind, Nature};
use crate::random;
use crate::step::{ALLOCATED, Action, Place, Step};

const MANAGERS: [&str; 3] = ["alice", "bob", "kubectl"];

/// How a sequence went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Writes that were compared.
    pub steps: usize,
    /// Of them, those that were refused.
    pub refused: usize,
}

/// Carries out the writes that follow from a seed.
///
/// # Errors
/// The first difference, for a person.
pub async fn run(client: &Client, kinds: &[Kind], namespace: &str, seed: u64) -> Result<Count, String> {
    let mut rng = Rng::with_seed(seed);
    let customs = kinds.iter().filter(|kind| matches!(kind.nature, Nature::Custom(_))).count();
    let index = if rng.u8(0..10) < 6 { rng.usize(0..customs) } else { rng.usize(customs..kinds.len()) };
    let Some(kind) = kinds.get(index) else { return Err("there are no kinds".to_owned()) };
    let name = format!("s{seed}");
    let place = Place { client, kind, namespace, name: &name };
    let mut applied: [Option<Value>; 3] = [None, None, None];
    let mut live: Option<Value> = None;
    let mut count = Count::default();
    for number in 0..rng.usize(3..9) {
        let step = next(&mut rng, kind, &name, live.as_ref(), &mut applied);
        let after = place.carry(&step, live.as_ref()).await.map_err(|why| {
            let kind = &kind.kind;
            format!("seed {seed}, {kind} {name}, step {number} of {:?}: {why}", step.manager)
        })?;
        count.steps += 1;
        // A write that is refused leaves what was there, and so does one that changes nothing; the latter are rare.
        count.refused += usize::from(after == live);
        live = after;
    }
    Ok(count)
}

fn next(rng: &mut Rng, kind: &Kind, name: &str, live: Option<&Value>, applied: &mut [Option<Value>; 3]) -> Step {
    let who = rng.usize(0..MANAGERS.len());
    let manager = MANAGERS[who];
    let is_builtin = !matches!(kind.nature, Nature::Custom(_));
    let version = rng.choice(&kind.api_versions).cloned().unwrap_or_default();
    let fresh = kind.object(rng, &version, name);
    if let (Some(live), Nature::Custom(_), true, 0) = (live, &kind.nature, kind.has_status, rng.u8(0..6)) {
        return status(rng, &fresh, manager, version, live);
    }
    let action = match (live, rng.u8(0..20)) {
        (None, 0..6) => Action::Create(fresh),
        (None, _) | (_, 0..10) => {
            let mut config = match (&applied[who], rng.u8(0..5)) {
                (Some(last), 0) => last.clone(),
                (Some(last), 1 | 2) => random::mixed(rng, last, &fresh),
                (None, 0) if live.is_some() => random::mixed(rng, &as_config(live, &fresh), &fresh),
                _ if live.is_some() && rng.bool() => part(rng, &fresh),
                _ => fresh,
            };
            config["apiVersion"] = version.clone().into();
            applied[who] = Some(config.clone());
            let force = if rng.u8(0..10) < 4 { Force::Yes } else { Force::No };
            Action::Apply(config, force)
        }
        (Some(live), 10..14) => {
            let mut body = random::mixed(rng, live, &fresh);
            for field in ["apiVersion", "kind"] {
                body[field] = fresh[field].clone();
            }
            let mut meta = live["metadata"].clone();
            if let Value::Object(meta) = &mut meta {
                for field in ["labels", "annotations"] {
                    if let Some(value) = fresh["metadata"].get(field).filter(|_| rng.bool()) {
                        meta.insert(field.to_owned(), value.clone());
                    }
                }
                if rng.bool() {
                    meta.remove("managedFields");
                }
            }
            body["metadata"] = meta;
            for field in ALLOCATED {
                if let Some(value) = live.get("spec").and_then(|spec| spec.get(field)) {
                    body["spec"][field] = value.clone();
                }
            }
            Action::Update(body)
        }
        (Some(live), 14..16) => {
            let field = rng.choice(content(&fresh)).unwrap_or_else(|| "spec".to_owned());
            Action::Json(random::json_patch(rng, &field, live, &fresh))
        }
        (Some(_), 16) if rng.u8(0..4) == 0 => Action::Merge(json!({"metadata": {"managedFields": [{}]}})),
        (Some(live), 16..18) if is_builtin => Action::Strategic(body_patch(rng, live, &fresh)),
        (Some(live), _) => Action::Merge(body_patch(rng, live, &fresh)),
    };
    Step { manager, version, subresource: "", action }
}

fn status(rng: &mut Rng, fresh: &Value, manager: &'static str, version: String, live: &Value) -> Step {
    let status = random::value(rng, &random::status_schema());
    let mut config = as_config(None, fresh);
    config["status"] = status.clone();
    let action = match rng.u8(0..3) {
        0 => {
            let mut body = live.clone();
            body["apiVersion"] = version.clone().into();
            body["status"] = status;
            Action::Update(body)
        }
        1 => Action::Merge(json!({"status": status})),
        _ => Action::Apply(config, if rng.bool() { Force::Yes } else { Force::No }),
    };
    Step { manager, version, subresource: "status", action }
}

/// What is there, as somebody would apply it who takes it over.
fn as_config(live: Option<&Value>, fresh: &Value) -> Value {
    let mut config = json!({"metadata": {"name": fresh["metadata"]["name"]}});
    for field in ["apiVersion", "kind"] {
        config[field] = fresh[field].clone();
    }
    for field in live.into_iter().flat_map(content) {
        config[&field] = live.map(|live| live[&field].clone()).unwrap_or_default();
    }
    config
}

/// A part of an object, as a second manager would apply it.
fn part(rng: &mut Rng, object: &Value) -> Value {
    let mut part = object.clone();
    for field in content(object) {
        match part.get_mut(&field) {
            Some(Value::Object(map)) => map.retain(|_, _| rng.bool()),
            Some(Value::Array(items)) => items.retain(|_| rng.bool()),
            _ => {}
        }
    }
    part
}

fn body_patch(rng: &mut Rng, live: &Value, fresh: &Value) -> Value {
    let mut patch = json!({});
    for field in content(fresh) {
        if let (Some(live), Some(fresh)) = (live.get(&field), fresh.get(&field)) {
            patch[&field] = random::merge_patch(rng, live, fresh);
            // What is allocated to a Service cannot be taken from it.
            if let Some(Value::Object(map)) = patch.get_mut(&field) {
                map.retain(|name, _| !ALLOCATED.contains(&name.as_str()));
            }
        }
    }
    if let Some(labels) = fresh["metadata"].get("labels") {
        patch["metadata"] = json!({"labels": labels});
    }
    patch
}

/// The fields of an object that are written: all but those that every object has, and its status.
fn content(object: &Value) -> Vec<String> {
    let is_content = |name: &&String| !["apiVersion", "kind", "metadata", "status"].contains(&name.as_str());
    object.as_object().into_iter().flat_map(|map| map.keys()).filter(is_content).cloned().collect()
}
