//! Garbage collection: objects go with their owners, or before them, or stay without.
//!
//! # Source
//! `k8s.io/kubernetes/pkg/controller/garbagecollector`.

use serde_json::Value;

use crate::api::{Api, Target, split_key};
use crate::controllers::report;
use crate::failure::Failure;
use crate::http::query::{DeleteOptions, Propagation};
use crate::meta::{self, Owner};
use crate::store::Located;

const MANAGER: &str = "kube-controller-manager";

/// Looks at all that belonged to an object that is gone.
pub(super) fn collect_dependents(api: &Api, uid: &str) {
    for dependent in api.store.dependents(uid) {
        look(api, &dependent);
    }
}

/// Looks at an object: whether its owners are gone, and whether it waits for its dependents.
pub(super) fn look(api: &Api, located: &Located) {
    let Some((target, object)) = find(api, located) else { return };
    let result = if meta::is_terminating(&object) {
        let finalizers = meta::finalizers(&object);
        let has = |name: &str| finalizers.iter().any(|one| one == name);
        if has(meta::ORPHAN) {
            orphan(api, &target, &object)
        } else if has(meta::FOREGROUND) {
            foreground(api, &target, &object)
        } else {
            Ok(())
        }
    } else {
        owned(api, &target, &object)
    };
    report("collect garbage", &located.key, result);
}

fn find(api: &Api, located: &Located) -> Option<(Target, Value)> {
    let stored = api.store.get(&located.shelf, &located.key)?;
    let resource = api.row_of_shelf(&located.shelf)?;
    let (namespace, name) = split_key(&located.key);
    let object = resource.complete(&stored);
    Some((Target::new(&resource, namespace, name), object))
}

/// How an owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Solid,
    Absent,
    /// It waits for this dependent.
    Waiting,
}

fn state(api: &Api, target: &Target, owner: &Owner) -> State {
    let (group, version) = owner.api_version.split_once('/').unwrap_or(("", &owner.api_version));
    // An owner of a kind that is not served may be anywhere.
    if api.resources().of_kind(group, version, &owner.kind).is_none() {
        return State::Solid;
    }
    let Some(located) = api.store.locate(&owner.uid) else { return State::Absent };
    let (namespace, name) = split_key(&located.key);
    if (!namespace.is_empty() && namespace != target.namespace) || name != owner.name {
        return State::Absent;
    }
    let Some(stored) = api.store.get(&located.shelf, &located.key) else { return State::Absent };
    let object = Value::Object(stored.parse());
    let waits = meta::is_terminating(&object) && meta::finalizers(&object).iter().any(|one| one == meta::FOREGROUND);
    if waits && owner.blocks { State::Waiting } else { State::Solid }
}

/// Deletes an object whose owners are gone, or forgets those that are.
fn owned(api: &Api, target: &Target, object: &Value) -> Result<(), Failure> {
    let owners = meta::owners(object);
    if owners.is_empty() {
        return Ok(());
    }
    let states: Vec<(&Owner, State)> = owners.iter().map(|owner| (owner, state(api, target, owner))).collect();
    if states.iter().any(|(_, state)| *state == State::Solid) {
        let forgotten: Vec<&str> =
            states.iter().filter(|(_, state)| *state != State::Solid).map(|(owner, _)| owner.uid.as_str()).collect();
        if forgotten.is_empty() {
            return Ok(());
        }
        return api.edit(target, MANAGER, &|object| meta::disown(object, &forgotten)).map(drop);
    }
    let waited_for = states.iter().any(|(_, state)| *state == State::Waiting);
    let uid = meta::text(object, "uid");
    let finalizers = meta::finalizers(object);
    let has = |name: &str| finalizers.iter().any(|one| one == name);
    let propagation = if waited_for && !api.store.dependents(uid).is_empty() {
        Propagation::Foreground
    } else if has(meta::ORPHAN) {
        Propagation::Orphan
    } else if has(meta::FOREGROUND) {
        Propagation::Foreground
    } else {
        Propagation::Background
    };
    let options =
        DeleteOptions { propagation: Some(propagation), uid: Some(uid.to_owned()), ..DeleteOptions::default() };
    api.delete_own(target, &options).map(drop)
}

/// Lets the dependents of an object be, then the object go.
fn orphan(api: &Api, target: &Target, object: &Value) -> Result<(), Failure> {
    let uid = meta::text(object, "uid");
    for located in api.store.dependents(uid) {
        let Some((dependent, _)) = find(api, &located) else { continue };
        match api.edit(&dependent, MANAGER, &|object| meta::disown(object, &[uid])) {
            Err(failure) if failure.code != 404 => return Err(failure),
            _ => {}
        }
    }
    release(api, target, meta::ORPHAN)
}

/// Deletes the dependents of an object, and lets it go when none is left that it waits for.
fn foreground(api: &Api, target: &Target, object: &Value) -> Result<(), Failure> {
    let uid = meta::text(object, "uid");
    let mut waits = false;
    for located in api.store.dependents(uid) {
        look(api, &located);
        let still = find(api, &located).is_some_and(|(_, dependent)| {
            meta::owners(&dependent).iter().any(|owner| owner.uid == uid && owner.blocks)
        });
        waits |= still;
    }
    if waits { Ok(()) } else { release(api, target, meta::FOREGROUND) }
}

fn release(api: &Api, target: &Target, finalizer: &str) -> Result<(), Failure> {
    let change = |object: &mut Value| {
        let mut finalizers = meta::finalizers(object);
        finalizers.retain(|one| one != finalizer);
        meta::set_finalizers(object, &finalizers);
    };
    api.edit(target, MANAGER, &change).map(drop)
}
