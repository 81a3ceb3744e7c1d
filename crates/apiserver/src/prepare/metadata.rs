//! The rules for what every object has: names, labels, annotations, owners, finalizers.

use notation::field::{At, FieldErrors};
use notation::names;
use serde_json::{Value, json};

use super::get::{self, Fields};
use crate::resource::Resource;

/// The most that all annotations of an object may hold, in bytes.
const ANNOTATIONS: usize = 256 << 10;

/// How a kind's objects may be named.
fn name_rule(resource: &Resource) -> fn(&str) -> Vec<String> {
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Namespace") | ("apps", "StatefulSet") => names::dns_label,
        ("", "Service") => names::dns_1035_label,
        ("rbac.authorization.k8s.io", _) | ("apiregistration.k8s.io", "APIService") => names::path_segment,
        _ => names::dns_subdomain,
    }
}

/// What is wrong with the metadata of a new object.
pub(super) fn validate(resource: &Resource, object: &Fields, errors: &mut FieldErrors) {
    let empty = Fields::new();
    let metadata = get::map(object, "metadata").unwrap_or(&empty);
    let at = At::ROOT.field("metadata");
    let rule = name_rule(resource);
    let generate = get::text(metadata, "generateName");
    if !generate.is_empty() {
        // Of a prefix only the end is not to be taken literally: something follows.
        let masked = generate.strip_suffix('-').map_or(generate.to_owned(), |start| format!("{start}a"));
        errors.invalid_each(&at.field("generateName"), generate, rule(&masked));
    }
    match get::text(metadata, "name") {
        "" => errors.required(&at.field("name"), "name or generateName is required"),
        name => errors.invalid_each(&at.field("name"), name, rule(name)),
    }
    if resource.group == "batch" && resource.kind == "CronJob" && get::text(metadata, "name").len() > 52 {
        errors.invalid(&at.field("name"), &json!(get::text(metadata, "name")), "must be no more than 52 characters");
    }
    match (resource.namespaced, get::text(metadata, "namespace")) {
        (true, "") => errors.required(&at.field("namespace"), ""),
        (true, ns) => errors.invalid_each(&at.field("namespace"), ns, names::dns_label(ns)),
        (false, "") => {}
        (false, _) => errors.forbidden(&at.field("namespace"), "not allowed on this type"),
    }
    if get::integer(metadata, "generation").unwrap_or_default() < 0 {
        errors.invalid(&at.field("generation"), &metadata["generation"], "must be greater than or equal to 0");
    }
    validate_common(metadata, &at, errors);
    let list = at.field("finalizers");
    for (index, finalizer) in get::items(metadata, "finalizers").iter().enumerate() {
        let finalizer = finalizer.as_str().unwrap_or_default();
        errors.invalid_each(&list, finalizer, names::qualified_name(finalizer));
        let is_standard = matches!(finalizer, "kubernetes" | "orphan" | "foregroundDeletion");
        if !resource.custom && !is_standard && !finalizer.contains('/') {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            errors.invalid(&list.item(index), &json!(finalizer), detail);
        }
    }
}

/// What is wrong with the metadata of a changed object.
pub(super) fn validate_update(object: &Fields, old: &Fields, errors: &mut FieldErrors) {
    let of = |object: &'_ Fields| get::map(object, "metadata").cloned().unwrap_or_default();
    let (metadata, before) = (of(object), of(old));
    let at = At::ROOT.field("metadata");
    if before.contains_key("deletionTimestamp") {
        let known = get::items(&before, "finalizers");
        let mut new: Vec<&str> = get::items(&metadata, "finalizers")
            .iter()
            .filter(|finalizer| !known.contains(finalizer))
            .filter_map(Value::as_str)
            .collect();
        new.sort_unstable();
        if !new.is_empty() {
            let list = new.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(", ");
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{list}}}"
            );
            errors.forbidden(&at.field("finalizers"), &detail);
        }
    }
    for name in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        if metadata.get(name) != before.get(name) {
            let value = metadata.get(name).unwrap_or(&Value::Null);
            errors.invalid(&at.field(name), value, "field is immutable");
        }
    }
    validate_common(&metadata, &at, errors);
}

fn validate_common(metadata: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    labels(get::map(metadata, "labels"), &at.field("labels"), errors);
    annotations(get::map(metadata, "annotations"), &at.field("annotations"), errors);
    owners(metadata, &at.field("ownerReferences"), errors);
}

/// What is wrong with labels.
pub(super) fn labels(labels: Option<&Fields>, at: &At<'_>, errors: &mut FieldErrors) {
    for (key, value) in labels.into_iter().flatten() {
        errors.invalid_each(at, key, names::qualified_name(key));
        let value = value.as_str().unwrap_or_default();
        errors.invalid_each(at, value, names::label_value(value));
    }
}

/// What is wrong with annotations.
pub(super) fn annotations(annotations: Option<&Fields>, at: &At<'_>, errors: &mut FieldErrors) {
    let mut size = 0;
    for (key, value) in annotations.into_iter().flatten() {
        errors.invalid_each(at, key, names::qualified_name(&key.to_lowercase()));
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS {
        errors.too_long(at, ANNOTATIONS);
    }
}

fn owners(metadata: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let mut controller: Option<String> = None;
    for (_, owner) in get::structs(metadata, "ownerReferences") {
        let api_version = get::text(owner, "apiVersion");
        let version = api_version.rsplit('/').next().unwrap_or_default();
        if version.is_empty() {
            errors.invalid(&at.field("apiVersion"), &json!(api_version), "version must not be empty");
        }
        for name in ["kind", "name", "uid"] {
            if get::text(owner, name).is_empty() {
                errors.invalid(&at.field(name), &json!(""), "must not be empty");
            }
        }
        if get::is_true(owner, "controller") {
            let this = format!("{}/{}", get::text(owner, "kind"), get::text(owner, "name"));
            if let Some(first) = &controller {
                let detail = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
                );
                errors.invalid_as(at, &owners_as_printed(metadata), &detail);
            } else {
                controller = Some(this);
            }
        }
    }
}

/// Owner references with their fields in the order in which Go prints them.
fn owners_as_printed(metadata: &Fields) -> String {
    let order = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
    let owner = |owner: &Fields| {
        let fields = order.iter().filter_map(|name| Some(format!("{name:?}:{}", owner.get(*name)?)));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    };
    let owners: Vec<String> = get::structs(metadata, "ownerReferences").map(|(_, one)| owner(one)).collect();
    format!("[{}]", owners.join(","))
}
