//! CustomResourceDefinitions: accepted, served, and taken away after their objects.
//!
//! # Source
//! `k8s.io/apiextensions-apiserver/pkg/controller/{status,establish,finalizer}`.

use serde_json::{Value, json};

use crate::api::{Api, Target, split_key};
use crate::controllers::report;
use crate::failure::Failure;
use crate::http::query::DeleteOptions;
use crate::kinds;
use crate::meta;
use crate::resource::Resources;
use crate::verbs::write::time;

const MANAGER: &str = "kube-apiserver";
/// Where definitions are kept.
pub(super) const SHELF: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Looks at a definition: serves what it defines, or removes it.
pub(super) fn look(api: &Api, name: &str) {
    let Some((plural, group)) = name.split_once('.') else { return };
    let Some(stored) = api.store.get(SHELF, name) else {
        let is_custom = api.resources().iter().any(|row| row.custom && row.group == group && row.plural == plural);
        if is_custom {
            api.serve(|resources| resources.remove(group, plural));
        }
        return;
    };
    let definition = Value::Object(stored.parse());
    let result = if meta::is_terminating(&definition) {
        remove(api, name, &definition)
    } else {
        establish(api, name, &definition)
    };
    report("serve what the CustomResourceDefinition defines", name, result);
}

/// Serves the objects of a definition whose names are free.
fn establish(api: &Api, name: &str, definition: &Value) -> Result<(), Failure> {
    let conflict = taken(&api.resources(), definition);
    let now = time(api.now());
    let (accepted, established) = match &conflict {
        None => (
            condition(definition, &now, "NamesAccepted", "True", "NoConflicts", "no conflicts found"),
            condition(
                definition,
                &now,
                "Established",
                "True",
                "InitialNamesAccepted",
                "the initial names have been accepted",
            ),
        ),
        Some((reason, message)) => {
            let was = current(definition, "Established").is_some_and(|condition| condition["status"] == "True");
            let not = "not all names are accepted";
            let established = if was {
                current(definition, "Established").cloned().unwrap_or_default()
            } else {
                condition(definition, &now, "Established", "False", "NotAccepted", not)
            };
            (condition(definition, &now, "NamesAccepted", "False", reason, message), established)
        }
    };
    let names = match &conflict {
        None => definition.pointer("/spec/names").cloned().unwrap_or_default(),
        Some(_) => {
            definition.pointer("/status/acceptedNames").cloned().unwrap_or_else(|| json!({ "plural": "", "kind": "" }))
        }
    };
    if established["status"] == "True" {
        let rows = kinds::custom(definition);
        let (plural, group) = name.split_once('.').unwrap_or((name, ""));
        api.serve(|resources| {
            resources.remove(group, plural);
            resources.extend(rows);
        });
    }
    let mut conditions = vec![accepted, established];
    let others = definition.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    conditions.extend(others.filter(|one| one["type"] != "NamesAccepted" && one["type"] != "Established").cloned());
    let mut versions = definition.pointer("/status/storedVersions").cloned().unwrap_or_else(|| json!([]));
    let stored = definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    for version in stored.filter(|version| version["storage"] == true) {
        if let Value::Array(list) = &mut versions
            && !list.contains(&version["name"])
        {
            list.push(version["name"].clone());
        }
    }
    let status = json!({ "conditions": conditions, "acceptedNames": names, "storedVersions": versions });
    if definition.get("status") == Some(&status) {
        return Ok(());
    }
    let resource = api.row("apiextensions.k8s.io", "v1", "customresourcedefinitions")?;
    let target = Target { subresource: Some("status".to_owned()), ..Target::new(&resource, "", name) };
    api.edit(&target, MANAGER, &|object| object["status"] = status.clone()).map(drop)
}

fn current<'d>(definition: &'d Value, kind: &str) -> Option<&'d Value> {
    let conditions = definition.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    conditions.into_iter().find(|condition| condition["type"] == kind)
}

/// A condition; one that stays as it is keeps its time.
fn condition(definition: &Value, now: &str, kind: &str, status: &str, reason: &str, message: &str) -> Value {
    let before = current(definition, kind).filter(|before| before["status"] == status);
    let since = before.and_then(|before| before["lastTransitionTime"].as_str()).unwrap_or(now);
    json!({ "type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since })
}

/// The name that another resource of the group has already: reason and message.
fn taken(resources: &Resources, definition: &Value) -> Option<(&'static str, String)> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, plural) = (text("/spec/group"), text("/spec/names/plural"));
    let short = definition.pointer("/spec/names/shortNames").and_then(Value::as_array).into_iter().flatten();
    let short: Vec<&str> = short.filter_map(Value::as_str).collect();
    let others: Vec<_> = resources.iter().filter(|row| row.group == group && row.plural != plural).collect();
    let is_name = |name: &str| {
        others
            .iter()
            .any(|row| row.plural == name || row.singular == name || row.short_names.iter().any(|one| one == name))
    };
    let is_kind = |kind: &str| others.iter().any(|row| row.kind == kind || row.list_kind == kind);
    let in_use = |name: &str| format!("{name:?} is already in use");
    let singular = text("/spec/names/singular");
    let (kind, list_kind) = (text("/spec/names/kind"), text("/spec/names/listKind"));
    if is_name(plural) {
        return Some(("PluralConflict", in_use(plural)));
    }
    if !singular.is_empty() && is_name(singular) {
        return Some(("SingularConflict", in_use(singular)));
    }
    if let Some(name) = short.iter().find(|name| is_name(name)) {
        return Some(("ShortNamesConflict", in_use(name)));
    }
    if is_kind(kind) {
        return Some(("KindConflict", in_use(kind)));
    }
    (!list_kind.is_empty() && is_kind(list_kind)).then(|| ("ListKindConflict", in_use(list_kind)))
}

/// Removes the objects of a definition, then lets it go.
fn remove(api: &Api, name: &str, definition: &Value) -> Result<(), Failure> {
    if !meta::finalizers(definition).iter().any(|one| one == meta::CLEANUP) {
        return Ok(());
    }
    let mut left = 0;
    let row = api.row_of_shelf(name).filter(|row| row.custom);
    for (key, _) in row.iter().flat_map(|row| api.all(row, "")) {
        let Some(row) = &row else { continue };
        let (namespace, object) = split_key(&key);
        match api.delete_own(&Target::new(row, namespace, object), &DeleteOptions::default()) {
            Ok(deleted) if deleted.gone => {}
            Ok(_) => left += 1,
            Err(failure) if failure.code == 404 => {}
            Err(failure) => return Err(failure),
        }
    }
    let resource = api.row("apiextensions.k8s.io", "v1", "customresourcedefinitions")?;
    let target = Target::new(&resource, "", name);
    if left == 0 {
        let release = |object: &mut Value| {
            let mut finalizers = meta::finalizers(object);
            finalizers.retain(|one| one != meta::CLEANUP);
            meta::set_finalizers(object, &finalizers);
        };
        return api.edit(&target, MANAGER, &release).map(drop);
    }
    let message = format!("could not confirm zero CustomResources remaining: {left} left");
    let now = time(api.now());
    let terminating = condition(definition, &now, "Terminating", "True", "InstanceDeletionInProgress", &message);
    let target = Target { subresource: Some("status".to_owned()), ..target };
    let change = |object: &mut Value| {
        let mut conditions =
            object.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
        conditions.retain(|one| one["type"] != "Terminating");
        conditions.push(terminating.clone());
        object["status"]["conditions"] = conditions.into();
    };
    api.edit(&target, MANAGER, &change).map(drop)
}
