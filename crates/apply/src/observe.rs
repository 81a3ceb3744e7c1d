//! Looks at the cluster: what exists, and what an apply would make of it.

use futures::StreamExt;
use object::Object;

use crate::cluster::Cluster;
use crate::discovery::Resource;
use crate::failure::{Attempt, Cause, Failure};
use crate::memory::{self, Fingerprint};
use crate::request::{self, Mode, Refusal};
use crate::seen::Seen;
use crate::{Policy, Stage, cleanup};

/// How often an object is looked at again that somebody else writes just now.
const RACES: usize = 3;

/// What was found of each object of a stage, in the stage's order.
#[derive(Debug)]
pub struct Observed(pub Vec<Observation>);

/// What was found of one object.
#[derive(Debug)]
pub enum Observation {
    /// It asks to be left alone, here or on the cluster.
    Excluded,
    /// It exists, and that is all it asks for.
    Present,
    /// Neither what is wanted nor what is there has changed since they were last found equal.
    Settled,
    /// It was looked at.
    Read {
        /// The object on the cluster; none when it does not exist.
        live: Option<Box<Object>>,
        /// What an apply would make of it, or why it is refused.
        would_be: Result<Box<Object>, Refusal>,
        /// Whether its managed fields were just moved to another version.
        migrated: bool,
    },
    /// It is as it was left, and something else is wanted by now.
    Foreseen {
        /// Whether an apply would change it.
        drifts: bool,
    },
    /// It could not be looked at.
    Failed(Failure),
}

/// Looks at every object of a stage, several at a time.
///
/// An object of which nothing changed costs no request. Objects of kinds without namespaces lose theirs here, which the
/// server would not keep either.
pub async fn observe(cluster: &Cluster, stage: &mut Stage, policy: &Policy) -> Observed {
    // A list of futures, not an iterator of them: only then are they known to be `Send`.
    let looks: Vec<_> = stage.objects.iter_mut().map(|object| look(cluster, object, policy)).collect();
    Observed(futures::stream::iter(looks).buffered(cluster.settings.concurrency.max(1)).collect().await)
}

async fn look(cluster: &Cluster, desired: &mut Object, policy: &Policy) -> Observation {
    let resource = match cluster.resolve(&desired.gvk()).await {
        Ok(resource) => resource,
        // Whoever asks to be left alone may be of a kind that is not there.
        Err(_) if cluster.settings.is_excluded(desired) => return Observation::Excluded,
        Err(error) => return failed(desired, Attempt::DryRun, Cause::NoMatch(error)),
    };
    if !resource.namespaced {
        desired.set_namespace(None);
    }
    let desired = &*desired;
    if cluster.settings.is_excluded(desired) {
        return Observation::Excluded;
    }
    if resource.namespaced && desired.namespace().is_none() {
        return failed(desired, Attempt::DryRun, Cause::NoNamespace);
    }
    cluster.watches.start(&resource);
    Look { cluster, resource: &resource, desired, policy }.observe().await
}

fn failed(desired: &Object, attempt: Attempt, cause: Cause) -> Observation {
    Observation::Failed(Failure::of(desired, attempt, cause))
}

struct Look<'a> {
    cluster: &'a Cluster,
    resource: &'a Resource,
    desired: &'a Object,
    policy: &'a Policy,
}

impl Look<'_> {
    async fn observe(&self) -> Observation {
        let Self { cluster, desired, policy, .. } = self;
        let id = desired.id();
        let record = cluster.watches.get(&id);
        if let Some(record) = &record {
            if record.seen.excluded {
                return Observation::Excluded;
            }
            if cluster.settings.is_only_created(desired) {
                return Observation::Present;
            }
        }
        let wanted = memory::desired(desired, policy.ignore.text());
        let known = cluster.memory.get(&id);
        let kept = known.as_ref().zip(record.as_ref()).filter(|(known, record)| known.is_content_kept(&record.seen));
        if let Some((known, record)) = kept
            && known.desired == wanted
            && self.is_settled(&record.seen, &known.seen)
        {
            return Observation::Settled;
        }
        // Nothing is wanted that was not wanted before: then only the live object can make a difference.
        let before = known.clone().filter(|known| known.desired == wanted);
        // An object that the watch does not know is most likely new: a dry run tells, and one that is not new is read
        // afterwards.
        let is_known = record.is_some() || before.is_some() || cluster.settings.is_only_created(desired);
        let is_simple = policy.ignore.text().is_empty() && !cluster.settings.migrate_api_version;
        let untouched = kept
            .filter(|(known, record)| is_simple && known.desired != wanted && record.seen.is_untouched(&known.seen));
        let looked = match untouched {
            Some((known, record)) => self.foresee(known, &record.seen, wanted).await,
            _ if is_known => self.read().await,
            _ => self.beside(self.try_out().await).await,
        };
        match looked {
            Ok(Looked::Done(observation)) => *observation,
            Ok(Looked::Live(live)) => self.compare(live, wanted, before).await,
            Err(refusal) => failed(desired, Attempt::Query, Cause::Refused(refusal)),
        }
    }

    /// Whether nobody wrote anything to the metadata that matters.
    fn is_settled(&self, now: &Seen, before: &Seen) -> bool {
        now.is_metadata_kept(before, self.desired)
    }

    /// Dry run of something new on an object that nobody else touched: what it is need not be asked for.
    async fn foresee(&self, known: &memory::Applied, now: &Seen, wanted: Fingerprint) -> Result<Looked, Refusal> {
        let Self { cluster, desired, .. } = self;
        let would_be = match self.try_out().await {
            Ok(would_be) => would_be,
            refused => return self.beside(refused).await,
        };
        let after = Seen::of(&would_be, &cluster.settings, &cluster.taken_over);
        // The answer carries the version of what is stored: the watch may be behind it.
        if !after.is_same_object(now) || !after.is_same_version(now) {
            return self.beside(Ok(would_be)).await;
        }
        let drifts = !after.is_described_as(now) || memory::content(&would_be) != known.content;
        if !drifts {
            cluster.memory.put(desired.id(), memory::Applied { desired: wanted, ..known.clone() });
        }
        Ok(Looked::done(Observation::Foreseen { drifts }))
    }

    async fn read(&self) -> Result<Looked, Refusal> {
        let live = request::get(&self.cluster.client, self.resource, &self.desired.id()).await?;
        Ok(Looked::Live(live.map(Box::new)))
    }

    /// A look at the live object, if there is one, after a dry run.
    async fn beside(&self, would_be: Result<Object, Refusal>) -> Result<Looked, Refusal> {
        let live = match &would_be {
            Ok(would_be) if would_be.resource_version().is_none() => None,
            // Without the object, nothing explains the refusal away.
            Err(refusal) if refusal.is_transient() => return Ok(self.refused(refusal.clone())),
            _ => match (request::get(&self.cluster.client, self.resource, &self.desired.id()).await, &would_be) {
                (Ok(live), _) => live,
                // Who may not read may still apply; then the dry run's refusal is the better explanation.
                (Err(_), Err(refusal)) => return Ok(self.refused(refusal.clone())),
                (Err(refusal), Ok(_)) => return Err(refusal),
            },
        };
        match live {
            Some(live) if self.is_left_alone(&live) => Ok(Looked::done(Observation::Excluded)),
            Some(live) if self.cluster.settings.migrate_api_version => Ok(Looked::Live(Some(Box::new(live)))),
            live => {
                let (live, would_be) = self.of_one_version(live.map(Box::new), would_be.map(Box::new)).await;
                Ok(Looked::done(Observation::Read { live, would_be, migrated: false }))
            }
        }
    }

    async fn compare(
        &self,
        mut live: Option<Box<Object>>,
        wanted: Fingerprint,
        before: Option<memory::Applied>,
    ) -> Observation {
        let Self { cluster, resource, desired, .. } = self;
        let mut migrated = false;
        if let Some(found) = &mut live {
            if self.is_left_alone(found) {
                return Observation::Excluded;
            }
            if cluster.settings.is_only_created(desired) {
                return Observation::Present;
            }
            let seen = Seen::of(found, &cluster.settings, &cluster.taken_over);
            if let Some(before) = before
                && self.is_settled(&seen, &before.seen)
                && memory::content(found) == before.content
            {
                cluster.remember(wanted, found);
                return Observation::Settled;
            }
            let migration = cleanup::migration(desired, found).filter(|_| cluster.settings.migrate_api_version);
            if let Some(patch) = migration {
                let manager = &cluster.settings.manager;
                match request::json_patch(&cluster.client, resource, &desired.id(), manager, &patch).await {
                    Ok(moved) => **found = moved,
                    Err(refusal) => return failed(desired, Attempt::Migrate, Cause::Refused(refusal)),
                }
                migrated = true;
            }
        }
        let would_be = self.try_out().await.map(Box::new);
        let (live, would_be) = self.of_one_version(live, would_be).await;
        Observation::Read { live, would_be, migrated }
    }

    /// Looks again while somebody writes between the two looks, so that a change of theirs is not taken for drift.
    async fn of_one_version(
        &self,
        mut live: Option<Box<Object>>,
        mut would_be: Result<Box<Object>, Refusal>,
    ) -> (Option<Box<Object>>, Result<Box<Object>, Refusal>) {
        let differ = |live: &Option<Box<Object>>, would_be: &Result<Box<Object>, Refusal>| {
            let versions =
                live.as_ref().zip(would_be.as_ref().ok()).map(|(a, b)| (a.resource_version(), b.resource_version()));
            versions.is_some_and(|(live, would_be)| live != would_be)
        };
        for _ in 0..RACES {
            if !differ(&live, &would_be) {
                break;
            }
            let Ok(Looked::Live(again)) = self.read().await else { break };
            live = again;
            if differ(&live, &would_be) {
                would_be = self.try_out().await.map(Box::new);
            }
        }
        (live, would_be)
    }

    fn refused(&self, refusal: Refusal) -> Looked {
        Looked::done(failed(self.desired, Attempt::DryRun, Cause::Refused(refusal)))
    }

    fn is_left_alone(&self, live: &Object) -> bool {
        self.cluster.settings.is_excluded(live)
    }

    async fn try_out(&self) -> Result<Object, Refusal> {
        let Self { cluster, resource, desired, .. } = self;
        let answer = request::apply(&cluster.client, resource, desired, &cluster.settings.manager, Mode::DryRun).await;
        if answer.as_ref().is_err_and(|refusal| refusal.is_not_found() && !refusal.message.contains("namespaces")) {
            // The kind may have gone.
            cluster.discovery.forget(&resource.gvk);
        }
        answer
    }
}

/// How far a look has come.
enum Looked {
    /// All that is needed.
    Done(Box<Observation>),
    /// The live object, if there is one.
    Live(Option<Box<Object>>),
}

impl Looked {
    fn done(observation: Observation) -> Self {
        Self::Done(Box::new(observation))
    }
}
