//! Deleting: at once, or when the finalizers are gone, or after the dependents.
//!
//! # Source
//! `k8s.io/apiserver/pkg/registry/{rest/delete.go,generic/registry/store.go}`.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::access::user::User;
use crate::api::{Api, Target};
use crate::failure::{About, Failure};
use crate::http::query::{DeleteOptions, Propagation};
use crate::meta;
use crate::resource::{Resource, Warnings};
use crate::store::{Durable, Expect, Stored};
use crate::verbs::convert;
use crate::verbs::policies::Asked;
use crate::verbs::write::time;

/// What became of an object that was to be deleted.
#[derive(Debug)]
pub(crate) struct Deleted {
    /// Its last state, or the state in which it waits.
    pub(crate) object: Value,
    /// Whether it is gone.
    pub(crate) gone: bool,
    pub(crate) warnings: Warnings,
    pub(crate) durable: Durable,
}

/// Namespaces that the server cannot be without.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

impl Api {
    /// Deletes an object, or marks it as to be deleted.
    ///
    /// # Errors
    /// 404, 409 when a precondition does not hold, 403 for namespaces that must be, what policies say.
    pub(crate) fn delete(&self, target: &Target, user: &User, options: &DeleteOptions) -> Result<Deleted, Failure> {
        loop {
            if let Some(deleted) = self.try_delete(target, user, options)? {
                return Ok(deleted);
            }
        }
    }

    /// None when another write came between.
    fn try_delete(&self, target: &Target, user: &User, options: &DeleteOptions) -> Result<Option<Deleted>, Failure> {
        let resource = &target.resource;
        let about = About::new(resource, &target.name);
        let stored = self.get(target)?;
        let old = resource.complete(&stored);
        check_preconditions(resource, &target.name, options, &old)?;
        if is_namespace(resource) && IMMORTAL.contains(&target.name.as_str()) {
            return Err(Failure::forbidden(about, "this namespace may not be deleted"));
        }
        let mut warnings = warnings(resource, options);
        let (dry_run, said) = (options.dry_run, options.to_value());
        let asked = Asked { target, user, dry_run, options: &said, new: None, old: Some(&old) };
        match self.admit_by_policies(&asked) {
            Ok(more) => warnings.extend(more),
            Err(failure) => return Err(failure.warned(warnings)),
        }
        let mut new = old.clone();
        let finalizers = finalizers(resource, options.propagation, &old);
        meta::set_finalizers(&mut new, &finalizers);
        let grace = grace_seconds(resource, options, &old);
        let waits = !finalizers.is_empty() || grace > 0 || has_content(resource, &old);
        let is_pod = resource.group.is_empty() && resource.kind == "Pod";
        if waits || is_pod {
            mark(resource, &mut new, grace, self.now());
        }
        let deleted = |object, durable| Some(Deleted { object, gone: !waits, warnings, durable });
        if options.dry_run || (waits && new == old) {
            return Ok(deleted(new, Durable::now()));
        }
        let kept = if waits {
            let object = convert::kept(resource, &new);
            self.store.put(&target.shelf(), &target.key(), Expect::Revision(stored.revision), object).ok()
        } else {
            self.bury(target, &stored, &new)
        };
        Ok(kept.and_then(|(last, durable)| deleted(resource.complete(&last), durable)))
    }

    /// Removes an object that nothing keeps; none when another write came between.
    pub(crate) fn bury(&self, target: &Target, stored: &Stored, last: &Value) -> Option<(Stored, Durable)> {
        let removed = self
            .store
            .remove(&target.shelf(), &target.key(), stored.revision, convert::kept(&target.resource, last))
            .ok()?;
        if target.resource.group.is_empty() && target.resource.kind == "Service" {
            self.allocator().note(&convert::kept(&target.resource, last), false);
        }
        Some(removed)
    }
}

/// Whether nothing keeps an object that is to be deleted.
pub(crate) fn is_free(resource: &Resource, object: &Value) -> bool {
    let grace = meta::get(object, "deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or_default();
    meta::is_terminating(object) && meta::finalizers(object).is_empty() && grace == 0 && !has_content(resource, object)
}

fn check_preconditions(resource: &Resource, name: &str, options: &DeleteOptions, old: &Value) -> Result<(), Failure> {
    // Upstream names the kind here, where all other conflicts name the resource.
    let about = About { group: &resource.group, plural: &resource.kind, name };
    let check = |asked: &Option<String>, field: &str, what: &str, fate: &str| match asked {
        Some(asked) if asked != meta::text(old, field) => {
            let found = meta::text(old, field);
            Err(Failure::conflict(
                about,
                &format!(
                    "the {what} in the precondition ({asked}) does not match the {what} in record ({found}). The object might have been {fate}"
                ),
            ))
        }
        _ => Ok(()),
    };
    check(&options.uid, "uid", "UID", "deleted and then recreated")?;
    check(&options.resource_version, "resourceVersion", "ResourceVersion", "modified")
}

/// The finalizers that an object has while it is being deleted.
fn finalizers(resource: &Resource, asked: Option<Propagation>, old: &Value) -> Vec<String> {
    let mut finalizers = meta::finalizers(old);
    let had = |name: &str| finalizers.iter().any(|one| one == name);
    let propagation = asked.unwrap_or_else(|| {
        if had(meta::ORPHAN) {
            Propagation::Orphan
        } else if had(meta::FOREGROUND) {
            Propagation::Foreground
        } else if orphans_by_default(resource) {
            Propagation::Orphan
        } else {
            Propagation::Background
        }
    });
    finalizers.retain(|one| one != meta::ORPHAN && one != meta::FOREGROUND);
    match propagation {
        Propagation::Background => {}
        Propagation::Foreground => finalizers.push(meta::FOREGROUND.to_owned()),
        Propagation::Orphan => finalizers.push(meta::ORPHAN.to_owned()),
    }
    // A definition goes after the objects that it defines.
    if is_definition(resource) && !meta::is_terminating(old) && !finalizers.iter().any(|one| one == meta::CLEANUP) {
        finalizers.push(meta::CLEANUP.to_owned());
    }
    finalizers
}

/// Kinds whose clients, in the days before propagation policies, deleted the dependents themselves.
fn orphans_by_default(resource: &Resource) -> bool {
    matches!((resource.group.as_str(), resource.kind.as_str()), ("batch", "Job") | ("", "ReplicationController"))
}

/// What somebody who says nothing of dependents should know.
fn warnings(resource: &Resource, options: &DeleteOptions) -> Warnings {
    const JOBS: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to \
remove them or set propagationPolicy=Orphan to suppress this warning";
    let is_job = resource.group == "batch" && resource.kind == "Job";
    if is_job && options.propagation.is_none() { vec![JOBS.to_owned()] } else { Vec::new() }
}

/// Seconds until an object is gone: only Pods that run somewhere take time.
fn grace_seconds(resource: &Resource, options: &DeleteOptions, old: &Value) -> i64 {
    if !resource.group.is_empty() || resource.kind != "Pod" {
        return 0;
    }
    let scheduled = old.pointer("/spec/nodeName").and_then(Value::as_str).is_some_and(|node| !node.is_empty());
    let ended = matches!(old.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed"));
    if !scheduled || ended {
        return 0;
    }
    let own = old.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64);
    options.grace_seconds.or(own).unwrap_or(30).max(0)
}

fn is_definition(resource: &Resource) -> bool {
    resource.group == "apiextensions.k8s.io" && resource.kind == "CustomResourceDefinition"
}

fn is_namespace(resource: &Resource) -> bool {
    resource.group.is_empty() && resource.kind == "Namespace"
}

/// Whether it is a namespace whose content has not been removed.
fn has_content(resource: &Resource, object: &Value) -> bool {
    is_namespace(resource)
        && object.pointer("/spec/finalizers").and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

/// Says since when an object is to be deleted.
fn mark(resource: &Resource, object: &mut Value, grace: i64, now: Timestamp) {
    let already = meta::is_terminating(object);
    let before = meta::get(object, "deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or_default();
    if already && before <= grace {
        return;
    }
    let until = now.checked_add(SignedDuration::from_secs(grace)).unwrap_or(now);
    meta::set(object, "deletionTimestamp", time(until));
    // These two are marked by hand upstream, and by nothing but the time.
    if is_namespace(resource) || is_definition(resource) {
        if is_namespace(resource) {
            object["status"]["phase"] = json!("Terminating");
        } else if let Some(Value::Array(conditions)) = object.pointer_mut("/status/conditions") {
            conditions.push(json!({
                "type": "Terminating",
                "status": "True",
                "lastTransitionTime": time(now),
                "reason": "InstanceDeletionPending",
                "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
            }));
        }
        return;
    }
    meta::set(object, "deletionGracePeriodSeconds", grace);
    if let Some(generation) = meta::get(object, "generation").and_then(Value::as_i64).filter(|g| *g > 0 && !already) {
        meta::set(object, "generation", generation + 1);
    }
}
