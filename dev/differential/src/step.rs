//! One write: what the API server makes of it, and what we say of it before.

use std::fmt::Write as _;

use http::Method;
use kube::Client;
use serde_json::{Map, Value};
use ssa::typed::Type;
use ssa::write::keep_times;
use ssa::{ApplyError, Force, Time, Write, patch};

use crate::kinds::{Kind, Nature};
use crate::server::{self, Answer};

/// How an object is written.
#[derive(Clone, Debug)]
pub enum Action {
    /// Created as it is.
    Create(Value),
    /// Put in place of what is there.
    Update(Value),
    /// Applied.
    Apply(Value, Force),
    /// Patched by a JSON merge patch.
    Merge(Value),
    /// Patched by a JSON patch.
    Json(Value),
    /// Patched by a strategic merge patch.
    Strategic(Value),
}

/// A write of one object.
#[derive(Clone, Debug)]
pub struct Step {
    /// Who writes.
    pub manager: &'static str,
    /// In which version.
    pub version: String,
    /// `status`, or nothing for the object itself.
    pub subresource: &'static str,
    /// What is written.
    pub action: Action,
}

/// Where one object is written.
pub struct Place<'a> {
    /// Who asks.
    pub client: &'a Client,
    /// The object's kind.
    pub kind: &'a Kind,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// What we say a write makes.
#[derive(Debug)]
enum Outcome {
    Object(Value),
    Refused(u16, Option<String>),
}

impl Place<'_> {
    /// Writes, and gives the object as it is then.
    ///
    /// # Errors
    /// What differs from what we say, for a person.
    pub async fn carry(&self, step: &Step, live: Option<&Value>) -> Result<Option<Value>, String> {
        let answer = self.send(step).await?;
        let mut live = live.cloned();
        if let Some(live) = &mut live {
            live["apiVersion"] = step.version.clone().into();
        }
        let live = live.as_ref();
        let ours = self.outcome(step, live, latest(&answer.body)).await?;
        let live_text = || live.map_or_else(|| "nothing".to_owned(), |live| format!("{live:#}"));
        let explain = |what: &str| Err(format!("{what}\n--- step\n{step:#?}\n--- live\n{}", live_text()));
        match ours {
            Outcome::Refused(code, message) if answer.is_ok() => {
                explain(&format!("the API server accepts what we refuse with {code}: {message:?}"))
            }
            // What must stay as it is says so only where it is changed.
            Outcome::Object(_) if self.is_forbidden(&answer) => Ok(live.cloned()),
            Outcome::Object(_) if !answer.is_ok() => {
                explain(&format!("the API server refuses with {}: {}", answer.code, answer.message()))
            }
            Outcome::Refused(code, message) => {
                let is_same = message.as_ref().is_none_or(|message| message == answer.message());
                if code == answer.code && is_same {
                    return Ok(live.cloned());
                }
                let (ours, theirs) = (message.unwrap_or_default(), answer.message().to_owned());
                explain(&format!("other errors\n--- ours {code}\n{ours}\n--- theirs {}\n{theirs}", answer.code))
            }
            Outcome::Object(ours) => {
                let (a, b) = (self.comparable(&ours), self.comparable(&answer.body));
                if a == b {
                    return Ok(Some(answer.body));
                }
                explain(&format!("other objects\n{}", difference(&a, &b, &mut String::new())))
            }
        }
    }

    /// Whether an object of a built-in kind may not be changed in this way. That is no question of who owns what.
    fn is_forbidden(&self, answer: &Answer) -> bool {
        let texts = ["field is immutable", "Forbidden: updates to", "Forbidden: spec is immutable"];
        let is_builtin = !matches!(self.kind.nature, Nature::Custom(_));
        is_builtin && answer.code == 422 && texts.iter().any(|text| answer.message().contains(text))
    }

    async fn outcome(&self, step: &Step, live: Option<&Value>, now: Time) -> Result<Outcome, String> {
        let versions = self.kind.versions();
        let reset = self.kind.reset(&step.version, step.subresource);
        let mut empty = self.kind.empty.clone();
        empty["apiVersion"] = step.version.clone().into();
        let write = Write {
            versions: &versions,
            reset: &reset,
            empty: &empty,
            subresource: step.subresource,
            manager: step.manager,
            now,
        };
        let of = Type::new(&self.kind.schemas, self.kind.root);
        let base = live.cloned().unwrap_or_default();
        let patched = match &step.action {
            Action::Apply(config, force) => {
                let merged = match write.apply(live, config, *force) {
                    Ok(merged) => merged,
                    Err(error) => return Ok(refused(&error)),
                };
                return self.stored(step, live, merged).await;
            }
            Action::Create(body) | Action::Update(body) => Ok(body.clone()),
            Action::Merge(body) => patch::merge(base, body.clone()),
            Action::Json(body) => patch::json(base, body),
            Action::Strategic(body) => patch::strategic(of, base, body.clone()),
        };
        let patched = match patched {
            Ok(patched) => patched,
            Err(error) => {
                let code = match error.status {
                    patch::Status::BadRequest => 400,
                    patch::Status::TooLarge => 413,
                    patch::Status::Unprocessable => 422,
                    patch::Status::Internal => 500,
                };
                // Why a patch does not fit is not told.
                let told = "the server rejected our request due to an error in our request";
                return Ok(Outcome::Refused(code, Some(if code == 422 { told.to_owned() } else { error.message })));
            }
        };
        match self.completed(step, &patched).await? {
            Err(answer) => Ok(Outcome::Refused(answer.code, None)),
            Ok(complete) => {
                let updated = write.try_update(live, complete).map_err(|error| error.to_string())?;
                Ok(Outcome::Object(self.kept(step, live, updated)))
            }
        }
    }

    /// What is stored of a merged object: with defaults, and without what the write cannot set.
    async fn stored(&self, step: &Step, live: Option<&Value>, merged: Value) -> Result<Outcome, String> {
        // Null that a client sends is dropped as it is read; null that merging leaves is not.
        let part = if step.subresource == "status" { "status" } else { "spec" };
        let of_part = self.kind.schemas.field(self.kind.root, part).map(|field| field.node);
        if let (Nature::Custom(_), Some(of_part), Some(value)) = (&self.kind.nature, of_part, merged.get(part))
            && self.has_refused_null(of_part, value)
        {
            return Ok(Outcome::Refused(422, None));
        }
        match self.completed(step, &merged).await? {
            Err(answer) => Ok(Outcome::Refused(answer.code, None)),
            Ok(complete) => Ok(Outcome::Object(self.kept(step, live, complete))),
        }
    }

    fn kept(&self, step: &Step, live: Option<&Value>, mut object: Value) -> Value {
        let Some(live) = live else {
            if self.kind.has_status {
                set(&mut object, "status", None);
            }
            return object;
        };
        if step.subresource == "status" {
            let mut kept = live.clone();
            set(&mut kept["metadata"], "managedFields", object["metadata"].get("managedFields"));
            set(&mut kept, "status", object.get("status"));
            keep_times(live, &mut kept);
            return kept;
        }
        if self.kind.has_status {
            set(&mut object, "status", live.get("status"));
        }
        keep_times(live, &mut object);
        object
    }

    /// The object as the API server reads it: with defaults and without unknown fields. It is asked to pretend that it
    /// creates it under another name; what it sets by itself then is taken out again.
    async fn completed(&self, step: &Step, object: &Value) -> Result<Result<Value, Answer>, String> {
        if step.subresource == "status" {
            return Ok(Ok(object.clone()));
        }
        let mut probe = object.clone();
        let Some(Value::Object(meta)) = probe.get_mut("metadata") else {
            return Err("an object without metadata".to_owned());
        };
        for field in ["uid", "resourceVersion", "managedFields", "generation", "creationTimestamp"] {
            meta.remove(field);
        }
        meta.insert("name".to_owned(), format!("{}-probe", self.name).into());
        if let (Nature::Service, Some(Value::Object(spec))) = (&self.kind.nature, probe.get_mut("spec")) {
            spec.retain(|field, _| !ALLOCATED.contains(&field.as_str()));
        }
        let path = format!("{}?dryRun=All", self.path(step));
        let answer = server::send(self.client, Method::POST, &path, "application/json", &probe).await?;
        if !answer.is_ok() {
            return Ok(Err(answer));
        }
        let mut complete = answer.body;
        let (given, meta) = (&object["metadata"], &mut complete["metadata"]);
        for field in ["uid", "resourceVersion", "managedFields", "generation", "creationTimestamp", "name"] {
            set(meta, field, given.get(field));
        }
        if !given["finalizers"].as_array().is_some_and(|finalizers| finalizers.iter().any(|one| one == GIVEN)) {
            without_given(meta);
        }
        with_empty_lists(&mut complete, object);
        if self.kind.has_status {
            set(&mut complete, "status", object.get("status"));
        }
        if matches!(self.kind.nature, Nature::Service) {
            for field in ALLOCATED {
                let given = object.get("spec").and_then(|spec| spec.get(field)).cloned();
                set(&mut complete["spec"], field, given.as_ref());
            }
        }
        Ok(Ok(complete))
    }

    fn path(&self, step: &Step) -> String {
        self.kind.path.replace("VERSION", &step.version).replace("NS", self.namespace)
    }

    /// Whether there is a null somewhere that the type does not allow, and for which there is no default.
    fn has_refused_null(&self, id: schema::Id, value: &Value) -> bool {
        let schemas = &self.kind.schemas;
        let field = |name: &str| schemas.field(id, name).map(|field| field.node).or_else(|| schemas.undeclared(id));
        match value {
            Value::Null => {
                let node = schemas.node(id);
                !node.nullable && node.kind != schema::Type::Any && schemas.default_of(id).is_none()
            }
            Value::Object(map) => {
                map.iter().any(|(name, value)| field(name).is_some_and(|id| self.has_refused_null(id, value)))
            }
            Value::Array(items) => items.iter().any(|item| self.has_refused_null(schemas.items(id), item)),
            _ => false,
        }
    }

    async fn send(&self, step: &Step) -> Result<Answer, String> {
        let path = self.path(step);
        let subresource = if step.subresource.is_empty() { String::new() } else { format!("/{}", step.subresource) };
        let manager = step.manager;
        let object = format!("{path}/{}{subresource}?fieldManager={manager}", self.name);
        let (method, path, content_type, body) = match &step.action {
            Action::Create(body) => (Method::POST, format!("{path}?fieldManager={manager}"), "application/json", body),
            Action::Update(body) => (Method::PUT, object, "application/json", body),
            Action::Apply(body, Force::No) => (Method::PATCH, object, "application/apply-patch+yaml", body),
            Action::Apply(body, Force::Yes) => {
                (Method::PATCH, format!("{object}&force=true"), "application/apply-patch+yaml", body)
            }
            Action::Merge(body) => (Method::PATCH, object, "application/merge-patch+json", body),
            Action::Json(body) => (Method::PATCH, object, "application/json-patch+json", body),
            Action::Strategic(body) => (Method::PATCH, object, "application/strategic-merge-patch+json", body),
        };
        server::send(self.client, method, &path, content_type, body).await
    }

    /// The object without what no two writes have in common: times, versions, and what is allocated to a Service.
    fn comparable(&self, object: &Value) -> Value {
        let mut object = object.clone();
        if let Some(Value::Object(meta)) = object.get_mut("metadata") {
            for field in ["uid", "resourceVersion", "generation", "creationTimestamp"] {
                meta.remove(field);
            }
            for entry in meta.get_mut("managedFields").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(time) = entry.get_mut("time") {
                    *time = "T".into();
                }
            }
            meta.retain(|_, value| !value.as_object().is_some_and(Map::is_empty));
        }
        // Of built-in kinds, a list that is always there comes back as null when it is empty.
        if let (Value::Object(object), false) = (&mut object, matches!(self.kind.nature, Nature::Custom(_))) {
            object.retain(|_, value| !value.is_null() && !value.as_array().is_some_and(Vec::is_empty));
        }
        without_given(&mut object["metadata"]);
        if !matches!(self.kind.nature, Nature::Custom(_)) {
            set(&mut object, "status", None);
        }
        if let (Nature::Service, Some(Value::Object(spec))) = (&self.kind.nature, object.get_mut("spec")) {
            spec.retain(|field, _| !ALLOCATED.contains(&field.as_str()));
        }
        object
    }
}

/// What a Service gets when it is stored, after it is known who owns what.
pub const ALLOCATED: [&str; 4] = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"];

/// What a claim is given when it is stored, after it is known who owns what.
const GIVEN: &str = "kubernetes.io/pvc-protection";

/// Puts empty lists back where storing made nothing of them, which is after it is known who owns what.
fn with_empty_lists(complete: &mut Value, given: &Value) {
    match (complete, given) {
        (complete @ Value::Null, Value::Array(items)) if items.is_empty() => *complete = given.clone(),
        (Value::Object(complete), Value::Object(given)) => {
            for (name, complete) in complete {
                with_empty_lists(complete, given.get(name).unwrap_or(&Value::Null));
            }
        }
        _ => {}
    }
}

fn without_given(meta: &mut Value) {
    let Some(Value::Array(finalizers)) = meta.get_mut("finalizers") else { return };
    finalizers.retain(|finalizer| finalizer != GIVEN);
    if finalizers.is_empty() {
        set(meta, "finalizers", None);
    }
}

/// The time of the last write to an object. Ours are told to be of that second, so that owners come in the same order.
fn latest(object: &Value) -> Time {
    let entries = object["metadata"]["managedFields"].as_array();
    let times = entries.into_iter().flatten().filter_map(|entry| Time::parse(entry["time"].as_str()?));
    times.max().unwrap_or(Time::from_seconds(0))
}

fn set(object: &mut Value, field: &str, value: Option<&Value>) {
    if let Value::Object(map) = object {
        match value {
            Some(value) => drop(map.insert(field.to_owned(), value.clone())),
            None => drop(map.remove(field)),
        }
    }
}

fn refused(error: &ApplyError) -> Outcome {
    let code = match error {
        ApplyError::Conflicts(_) => 409,
        ApplyError::Kind { .. } | ApplyError::ManagedFields => 400,
        _ => 500,
    };
    Outcome::Refused(code, Some(error.to_string()))
}

/// Where two values differ, a line for each place.
fn difference(ours: &Value, theirs: &Value, path: &mut String) -> String {
    if ours == theirs {
        return String::new();
    }
    let (Value::Object(a), Value::Object(b)) = (ours, theirs) else {
        if let (Value::Array(a), Value::Array(b)) = (ours, theirs)
            && a.len() == b.len()
        {
            let lines = a.iter().zip(b).enumerate();
            return lines.map(|(index, (a, b))| difference(a, b, &mut format!("{path}[{index}]"))).collect();
        }
        return format!("{path}: ours {ours}, theirs {theirs}\n");
    };
    let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
    names.sort();
    names.dedup();
    let mut lines = String::new();
    for name in names {
        match (a.get(name), b.get(name)) {
            (Some(a), Some(b)) => lines.push_str(&difference(a, b, &mut format!("{path}.{name}"))),
            (ours, theirs) => {
                let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
                let _ = writeln!(lines, "{path}.{name}: ours {}, theirs {}", text(ours), text(theirs));
            }
        }
    }
    lines
}
