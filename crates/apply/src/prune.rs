//! Deletes what left Git.

use std::collections::BTreeMap;

use futures::StreamExt;
use object::inventory::Entry;
use object::{ObjectId, order};

use crate::cluster::Cluster;
use crate::discovery::ResolveError;
use crate::failure::{Attempt, Cause, Failure};
use crate::request;
use crate::{Action, Change, Changes};

/// The labels by which a live object says whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership(pub BTreeMap<String, String>);

/// What came of pruning.
#[derive(Clone, Debug, Default)]
pub struct Pruned {
    /// What was done, in order; with what was left alone.
    pub changes: Changes,
    /// What was refused.
    pub failures: Vec<Failure>,
    /// What was refused still belongs into the inventory, to be tried again.
    pub survivors: Vec<Entry>,
}

impl Pruned {
    /// The text of Flux's condition, when something was refused.
    pub fn error(&self) -> Option<String> {
        let mut text = String::from("delete failed, errors: ");
        for failure in &self.failures {
            text.push_str(&failure.sentence());
            text.push(';');
        }
        (!self.failures.is_empty()).then_some(text)
    }
}

/// Deletes objects in the reverse order of apply, those of one kind several at a time, and goes on after a refusal.
///
/// An object is left alone, for good, when it does not carry the owner's labels any more or asks to be left alone.
///
/// # Deviation
/// An object whose kind is not served any more counts as deleted. Upstream fails on it for ever.
pub async fn prune(cluster: &Cluster, mut stale: Vec<Entry>, owner: &Ownership) -> Pruned {
    stale.sort_by(|a, b| order::compare(&b.id, &a.id));
    let mut pruned = Pruned::default();
    let mut rest = stale.into_iter().peekable();
    while let Some(first) = rest.next() {
        let kind = first.id.group_kind();
        let mut group = vec![first];
        while let Some(entry) = rest.next_if(|entry| entry.id.group_kind() == kind) {
            group.push(entry);
        }
        let doing = group.into_iter().map(|entry| async move {
            let result = remove(cluster, &entry, owner).await;
            (entry, result)
        });
        let done: Vec<_> = futures::stream::iter(doing).buffered(cluster.settings.concurrency.max(1)).collect().await;
        for (entry, result) in done {
            let action = result.unwrap_or_else(|failure| {
                pruned.failures.push(failure);
                pruned.survivors.push(entry.clone());
                Action::Unknown
            });
            pruned.changes.0.push(Change { entry, action });
        }
    }
    pruned
}

async fn remove(cluster: &Cluster, entry: &Entry, owner: &Ownership) -> Result<Action, Failure> {
    let fail = |attempt, cause| failure(&entry.id, attempt, cause);
    let resource = match cluster.discovery.resolve_any(&cluster.client, &entry.gvk()).await {
        Ok(resource) => resource,
        Err(ResolveError::NoMatch { .. }) => return Ok(Action::Deleted),
        Err(error) => return Err(fail(Attempt::Query, Cause::NoMatch(error))),
    };
    let found = request::get(&cluster.client, &resource, &entry.id).await;
    let Some(live) = found.map_err(|refusal| fail(Attempt::Query, Cause::Refused(refusal)))? else {
        return Ok(Action::Deleted);
    };
    let is_owned = owner.0.iter().all(|(key, value)| live.label(key) == Some(value));
    if !is_owned || cluster.settings.is_kept(&live) {
        return Ok(Action::Skipped);
    }
    let deleted = request::delete(&cluster.client, &resource, &live).await;
    deleted.map_err(|refusal| fail(Attempt::Delete, Cause::Refused(refusal)))?;
    cluster.memory.forget(&entry.id);
    Ok(Action::Deleted)
}

fn failure(id: &ObjectId, attempt: Attempt, cause: Cause) -> Failure {
    Failure { id: id.clone(), origin: None, attempt, cause: Box::new(cause) }
}
