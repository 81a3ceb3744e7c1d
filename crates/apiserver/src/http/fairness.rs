//! Priority and fairness: which requests wait for which others, and which are turned away.
//!
//! A request belongs to the first FlowSchema that matches it, and takes a seat of that schema's priority level while it is
//! answered. Levels lend no seats to each other here: one that may borrow without bound may take them all.
//!
//! # Source
//! `k8s.io/apiserver/pkg/util/flowcontrol`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::rbac::{Attributes, Rule, Subject};
use crate::access::user::User;
use crate::store::{Derived, Store, Stored};

const SHELVES: [&str; 2] =
    ["flowschemas.flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"];
/// Requests that are answered at the same time: upstream's default.
const SEATS: usize = 600;
/// How long a request waits for a seat: a quarter of what it may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The flow schemas and priority levels of a store.
#[derive(Debug, Default)]
pub(crate) struct Fairness(Derived<Levels, 2>);

#[derive(Debug)]
struct Levels {
    /// In the order in which they are tried.
    schemas: Vec<FlowSchema>,
    levels: BTreeMap<String, Arc<Level>>,
}

#[derive(Debug)]
struct FlowSchema {
    precedence: i64,
    name: String,
    level: String,
    rules: Vec<Flows>,
}

/// Requests of some subjects.
#[derive(Debug)]
struct Flows {
    subjects: Vec<Subject>,
    resources: Vec<OfResources>,
    /// Verbs and paths that are no resources.
    others: Vec<Rule>,
}

#[derive(Debug)]
struct OfResources {
    rule: Rule,
    namespaces: Vec<String>,
    in_cluster: bool,
}

/// A priority level that is limited; those that are not are absent.
#[derive(Debug)]
struct Level {
    seats: Arc<Semaphore>,
    /// Places to wait in; none where whoever finds no seat is turned away.
    queue: Arc<Semaphore>,
}

/// There is no seat for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TurnedAway;

impl Fairness {
    /// Waits for a seat, and gives it: none to requests that are exempt.
    ///
    /// # Errors
    /// When there is none, and no place to wait, or waiting took too long.
    pub(crate) async fn seat(
        &self,
        store: &Store,
        user: &User,
        asked: &Attributes,
    ) -> Result<Option<OwnedSemaphorePermit>, TurnedAway> {
        let levels = self.0.get(store, SHELVES, Levels::read);
        let schema = levels.schemas.iter().find(|schema| schema.matches(user, asked));
        let Some(level) = schema.and_then(|schema| levels.levels.get(&schema.level)).cloned() else { return Ok(None) };
        drop(levels);
        if let Ok(seat) = level.seats.clone().try_acquire_owned() {
            return Ok(Some(seat));
        }
        let Ok(_place) = level.queue.clone().try_acquire_owned() else { return Err(TurnedAway) };
        match tokio::time::timeout(PATIENCE, level.seats.clone().acquire_owned()).await {
            Ok(Ok(seat)) => Ok(Some(seat)),
            _ => Err(TurnedAway),
        }
    }
}

impl Levels {
    fn read([schemas, levels]: [Vec<(Arc<str>, Stored)>; 2]) -> Self {
        let objects = |items: Vec<(Arc<str>, Stored)>| {
            items.into_iter().map(|(name, stored)| (name.to_string(), Value::Object(stored.parse())))
        };
        let mut schemas: Vec<FlowSchema> =
            objects(schemas).map(|(name, object)| FlowSchema::read(name, &object["spec"])).collect();
        schemas.sort_by(|a, b| (a.precedence, &a.name).cmp(&(b.precedence, &b.name)));
        let limited: Vec<(String, Value)> =
            objects(levels).filter(|(_, object)| object["spec"]["type"] == "Limited").collect();
        let shares = |object: &Value| count(object, "/spec/limited/nominalConcurrencyShares");
        let total = limited.iter().map(|(_, object)| shares(object)).sum::<usize>().max(1);
        let levels = limited.iter().map(|(name, object)| {
            let nominal = (SEATS * shares(object)).div_ceil(total);
            let borrowed = match object.pointer("/spec/limited/borrowingLimitPercent").and_then(Value::as_u64) {
                Some(percent) => nominal * usize::try_from(percent).unwrap_or(SEATS) / 100,
                None => SEATS,
            };
            let places = match object.pointer("/spec/limited/limitResponse/queuing") {
                Some(queuing) => count(queuing, "/queues") * count(queuing, "/queueLengthLimit"),
                None => 0,
            };
            let level = Level {
                // A request is never turned away for itself, only for others.
                seats: Arc::new(Semaphore::new((nominal + borrowed).clamp(1, SEATS))),
                queue: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            };
            (name.clone(), Arc::new(level))
        });
        Self { schemas, levels: levels.collect() }
    }
}

fn count(value: &Value, pointer: &str) -> usize {
    value.pointer(pointer).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
}

impl FlowSchema {
    fn read(name: String, spec: &Value) -> Self {
        let rules = spec["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            precedence: spec["matchingPrecedence"].as_i64().unwrap_or_default(),
            name,
            level: spec["priorityLevelConfiguration"]["name"].as_str().unwrap_or_default().to_owned(),
            rules: rules.iter().map(Flows::read).collect(),
        }
    }

    fn matches(&self, user: &User, asked: &Attributes) -> bool {
        self.rules.iter().any(|flows| flows.matches(user, asked))
    }
}

impl Flows {
    fn read(value: &Value) -> Self {
        let items = |key: &str| value[key].as_array().map(Vec::as_slice).unwrap_or_default();
        // A subject says its name below its kind.
        let subject = |subject: &Value| {
            let kind = subject["kind"].as_str()?;
            let mut flat = subject
                [["user", "group", "serviceAccount"].into_iter().find(|key| kind.eq_ignore_ascii_case(key))?]
            .clone();
            flat["kind"] = kind.into();
            Subject::read(&flat, "")
        };
        Self {
            subjects: items("subjects").iter().filter_map(subject).collect(),
            resources: items("resourceRules").iter().map(OfResources::read).collect(),
            others: items("nonResourceRules").iter().map(Rule::read).collect(),
        }
    }

    fn matches(&self, user: &User, asked: &Attributes) -> bool {
        self.subjects.iter().any(|subject| subject.covers(user))
            && match asked.path {
                Some(_) => self.others.iter().any(|rule| rule.allows(asked)),
                None => self.resources.iter().any(|resources| resources.matches(asked)),
            }
    }
}

impl OfResources {
    fn read(value: &Value) -> Self {
        let namespaces = value["namespaces"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            rule: Rule::read(value),
            namespaces: namespaces.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            in_cluster: value["clusterScope"].as_bool().unwrap_or_default(),
        }
    }

    fn matches(&self, asked: &Attributes) -> bool {
        let is_in_scope = if asked.namespace.is_empty() {
            self.in_cluster
        } else {
            self.namespaces.iter().any(|name| name == "*" || *name == asked.namespace)
        };
        is_in_scope && self.rule.allows(asked)
    }
}
