//! Waits until objects are healthy, or gone, without asking again and again and without holding anybody.
//!
//! A [`Wait`] is a value. Whoever waits calls [`Wait::check`], and as long as that says [`Verdict::Pending`] awaits
//! [`Wait::changed`] beside whatever else may come: a newer revision, a shutdown. Both may be dropped at any point.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use object::health::{self, Health, Status};
use object::inventory::Entry;
use object::{GroupVersionKind, Object, ObjectId};
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::discovery::{ResolveError, Resource};
use crate::request;
use crate::watch::Alarm;
use crate::{Action, Changes};

mod follow;

use follow::Follower;

/// How often objects are asked for that no watch tells of.
const POLL: Duration = Duration::from_secs(5);
/// How long a wait sleeps at most when watches tell of everything: a safety net.
const LONG_POLL: Duration = Duration::from_mins(1);

/// Decides about the health of kinds that have rules of their own; none for all others.
pub type Rules = Arc<dyn Fn(&Object) -> Option<Health> + Send + Sync>;

/// What is waited for, and how long.
#[derive(Clone)]
pub struct Awaited {
    /// The objects.
    pub entries: Vec<Entry>,
    /// What is to become of them.
    pub goal: Goal,
    /// How long.
    pub timeout: Duration,
    /// Whether the first object that failed ends the wait.
    pub fail_fast: bool,
    /// Jobs that the cluster deletes when they have finished: their absence is success.
    pub vanishing: BTreeSet<ObjectId>,
    /// Rules that come before the usual ones.
    pub rules: Option<Rules>,
}

/// What is to become of the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// All are current.
    Healthy,
    /// None exists.
    Gone,
}

impl Awaited {
    /// Waits for health by the usual rules, to the end.
    pub fn new(entries: Vec<Entry>, timeout: Duration) -> Self {
        let vanishing = BTreeSet::new();
        Self { entries, goal: Goal::Healthy, timeout, fail_fast: false, vanishing, rules: None }
    }

    /// Waits until what was deleted is gone.
    pub fn gone(changes: &Changes, timeout: Duration) -> Self {
        let deleted = changes.0.iter().filter(|change| change.action == Action::Deleted);
        Self { goal: Goal::Gone, ..Self::new(deleted.map(|change| change.entry.clone()).collect(), timeout) }
    }
}

/// The Jobs that the cluster deletes when they have finished.
pub fn vanishing(objects: &[Object]) -> BTreeSet<ObjectId> {
    let jobs = objects.iter().filter(|object| object.kind() == "Job" && object.group() == "batch");
    let vanishing =
        jobs.filter(|job| job.field(&["spec", "ttlSecondsAfterFinished"]).is_some_and(|ttl| !ttl.is_null()));
    vanishing.map(Object::id).collect()
}

/// How a wait stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Pending,
    /// All objects are what they were to become.
    Reached,
    /// They will not be, or not in time.
    Failed(Unhealthy),
}

/// Why a wait ended without its goal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Unhealthy {
    /// Whether time ran out; otherwise an object failed.
    pub timed_out: bool,
    /// What was waited for.
    pub goal: Goal,
    /// The objects in the way, in the order in which they were applied.
    pub objects: Vec<(ObjectId, Health)>,
}

/// Prints Flux's sentence, and below it what each object says of itself.
impl fmt::Display for Unhealthy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.goal == Goal::Gone {
            let gone: Vec<String> = self
                .objects
                .iter()
                .map(|(id, _)| format!("{id} termination timeout: context deadline exceeded"))
                .collect();
            return f.write_str(&gone.join("\n"));
        }
        let sentence = if self.timed_out { "timeout waiting for" } else { "failed early due to stalled resources" };
        let one = |(id, health): &(ObjectId, Health)| match health.status {
            Status::Unknown => format!("{id} status: 'Unknown': {}", health.message),
            status => format!("{id} status: '{status}'"),
        };
        write!(f, "{sentence}: [{}]", self.objects.iter().map(one).collect::<Vec<_>>().join(", "))?;
        for (id, health) in self.objects.iter().filter(|(_, health)| !says_nothing(health)) {
            write!(f, "\n  {id}: {}", health.message)?;
        }
        Ok(())
    }
}

fn says_nothing(health: &Health) -> bool {
    matches!(health.status, Status::Unknown | Status::NotFound) || health.message.is_empty()
}

/// A wait under way.
pub struct Wait {
    cluster: Cluster,
    awaited: Awaited,
    deadline: Instant,
    alarm: Arc<Alarm>,
    health: BTreeMap<ObjectId, Health>,
    /// Objects to look at.
    due: BTreeSet<ObjectId>,
    /// Objects that no shared watch tells of, each with a watch of its own.
    followed: BTreeMap<ObjectId, Follower>,
}

impl Wait {
    /// Begins to wait.
    pub fn new(cluster: &Cluster, awaited: Awaited) -> Self {
        let due = awaited.entries.iter().map(|entry| entry.id.clone()).collect();
        Self {
            cluster: cluster.clone(),
            deadline: Instant::now() + awaited.timeout,
            alarm: Arc::default(),
            health: BTreeMap::new(),
            due,
            followed: BTreeMap::new(),
            awaited,
        }
    }

    /// Looks at the objects that have changed since the last time, and tells how it stands.
    pub async fn check(&mut self) -> Verdict {
        self.due.extend(self.alarm.take());
        let due: Vec<Entry> =
            self.awaited.entries.iter().filter(|entry| self.due.contains(&entry.id)).cloned().collect();
        let look = &Look { cluster: &self.cluster, alarm: &self.alarm, awaited: &self.awaited };
        let health = &self.health;
        let looks = due.into_iter().map(|entry| async move {
            let is_first = !health.contains_key(&entry.id);
            (entry.id.clone(), look.at(&entry, is_first).await)
        });
        let concurrency = self.cluster.settings.concurrency.max(1);
        let seen: Vec<_> = futures::stream::iter(looks).buffered(concurrency).collect().await;
        for (id, Sight { health, watched }) in seen {
            self.due.remove(&id);
            match watched {
                Watched::Shared => drop(self.followed.remove(&id)),
                Watched::Own(resource) => {
                    let follow = || Follower::start(&self.cluster.client, &resource, &id, &self.alarm);
                    if self.followed.get(&id).is_none_or(|follower| !follower.is_watching()) {
                        self.followed.insert(id.clone(), follow());
                    }
                }
                Watched::Not => drop(self.followed.insert(id.clone(), Follower::none())),
            }
            self.health.insert(id, health);
        }
        self.verdict()
    }

    /// Waits until it is worth to check again: an object has changed, or time ran out.
    pub async fn changed(&mut self) {
        let followed = self.followed.iter().filter(|(_, follower)| !follower.is_live());
        let unwatched: Vec<ObjectId> = followed.map(|(id, _)| id.clone()).collect();
        let poll = if unwatched.is_empty() { LONG_POLL } else { POLL };
        let mut wake = self.deadline.min(Instant::now() + poll);
        let now = Timestamp::now();
        let look_again = self.health.values().filter_map(|health| health.look_again).min();
        if let Some(pause) = look_again.and_then(|time| Duration::try_from(time.duration_since(now)).ok()) {
            wake = wake.min(Instant::now() + pause);
        }
        if tokio::time::timeout_at(wake, self.alarm.wait()).await.is_err() {
            let timed = self.health.iter().filter(|(_, health)| health.look_again.is_some()).map(|(id, _)| id.clone());
            self.due.extend(timed);
            if unwatched.is_empty() {
                let pending: Vec<ObjectId> = self.pending().map(|(id, _)| id.clone()).collect();
                self.due.extend(pending);
            }
            self.due.extend(unwatched);
        }
    }

    /// The objects that are not what they are to become, as they were when last looked at, in the order of apply.
    pub fn pending(&self) -> impl Iterator<Item = (&ObjectId, &Health)> {
        let health = self.awaited.entries.iter().filter_map(|entry| self.health.get_key_value(&entry.id));
        health.filter(|(id, health)| self.effective(id, health) != Status::Current)
    }

    /// What counts as reached is current.
    fn effective(&self, id: &ObjectId, health: &Health) -> Status {
        match (self.awaited.goal, health.status) {
            (Goal::Gone, Status::NotFound) => Status::Current,
            (Goal::Gone, Status::Unknown) => Status::Unknown,
            (Goal::Gone, _) => Status::Terminating,
            (Goal::Healthy, Status::NotFound) if self.awaited.vanishing.contains(id) => Status::Current,
            (Goal::Healthy, status) => status,
        }
    }

    fn verdict(&self) -> Verdict {
        let pending: Vec<(&ObjectId, &Health)> = self.pending().collect();
        if pending.is_empty() {
            return Verdict::Reached;
        }
        let is_failed = |(id, health): &(&ObjectId, &Health)| self.effective(id, health) == Status::Failed;
        let failed = pending.iter().filter(|one| is_failed(one)).count();
        let timed_out = Instant::now() >= self.deadline;
        let is_over = failed == pending.len() || (self.awaited.fail_fast && failed > 0);
        if !is_over && !timed_out {
            return Verdict::Pending;
        }
        let in_the_way = pending.into_iter().filter(|one| (timed_out && !is_over) || is_failed(one));
        let objects = in_the_way.map(|(id, health)| (id.clone(), health.clone())).collect();
        Verdict::Failed(Unhealthy { timed_out: !is_over, goal: self.awaited.goal, objects })
    }
}

/// What a look at an object gave.
struct Sight {
    health: Health,
    watched: Watched,
}

/// Who tells when an object changes.
enum Watched {
    /// The watch that all share.
    Shared,
    /// Nobody yet: it needs a watch of its own.
    Own(Arc<Resource>),
    /// Nobody can: it cannot be read.
    Not,
}

struct Look<'a> {
    cluster: &'a Cluster,
    alarm: &'a Arc<Alarm>,
    awaited: &'a Awaited,
}

impl Look<'_> {
    async fn at(&self, entry: &Entry, is_first: bool) -> Sight {
        let Self { cluster, alarm, awaited } = self;
        let unknown = |error: String| Sight { health: Health::new(Status::Unknown, error), watched: Watched::Not };
        let resource = match cluster.discovery.resolve_any(&cluster.client, &entry.gvk()).await {
            Ok(resource) => resource,
            Err(ResolveError::NoMatch { .. }) if awaited.goal == Goal::Gone => {
                return Sight { health: Health::not_found(), watched: Watched::Not };
            }
            Err(error) => return unknown(error.to_string()),
        };
        let mut id = entry.id.clone();
        if !resource.namespaced {
            id.namespace = None;
        }
        if is_first {
            cluster.watches.start(&resource);
            cluster.watches.subscribe(&id, alarm);
        }
        let known = cluster.known_health(&id);
        if let (Goal::Healthy, None, Some(health)) = (awaited.goal, &awaited.rules, known) {
            return Sight { health, watched: Watched::Shared };
        }
        let live = match request::get(&cluster.client, &resource, &id).await {
            Ok(Some(live)) => live,
            Ok(None) => return Sight { health: Health::not_found(), watched: Watched::Own(resource) },
            Err(refusal) => return unknown(refusal.message),
        };
        let mut usual = health::health(&live, Timestamp::now());
        if usual.status == Status::Current && !self.is_served(&live).await {
            // Nothing will change about the object when it is: it has to be asked for again.
            let look_again = Timestamp::now().checked_add(SignedDuration::from_millis(100)).ok();
            usual = Health { look_again, ..Health::new(Status::InProgress, "its kind is not served yet") };
        } else {
            cluster.learn(&live, usual.clone());
        }
        let own = awaited.rules.as_ref().and_then(|rules| rules(&live));
        let is_shared = cluster.watches.is_complete(&id.group_kind()) && cluster.watches.get(&id).is_some();
        let watched = if is_shared { Watched::Shared } else { Watched::Own(resource) };
        Sight { health: own.unwrap_or(usual), watched }
    }

    /// Whether the API server serves the kind that a definition defines; true for all other objects. A definition is
    /// established a moment before discovery knows its kind, and whoever comes in between is told that there is none.
    async fn is_served(&self, live: &Object) -> bool {
        if live.kind() != "CustomResourceDefinition" || live.group() != "apiextensions.k8s.io" {
            return true;
        }
        let text = |path: &[&str]| live.field(path).and_then(|value| value.as_str()).unwrap_or_default();
        let (group, kind) = (text(&["spec", "group"]), text(&["spec", "names", "kind"]));
        let versions = live.field(&["spec", "versions"]).and_then(|versions| versions.as_array());
        for version in versions.into_iter().flatten().filter(|version| version["served"] == true) {
            let api_version = format!("{group}/{}", version["name"].as_str().unwrap_or_default());
            let gvk = GroupVersionKind::new(&api_version, kind);
            let resolved = self.cluster.discovery.resolve(&self.cluster.client, &gvk).await;
            if matches!(resolved, Err(ResolveError::NoMatch { .. })) {
                return false;
            }
        }
        true
    }
}
