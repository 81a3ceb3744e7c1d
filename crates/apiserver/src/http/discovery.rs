//! What is served, as clients ask for it: the old way in one document per group version, and all at once.
//!
//! # Source
//! `k8s.io/apiserver/pkg/endpoints/discovery`, `k8s.io/api/apidiscovery/v2`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::resource::{Preference, Resource, Resources, Subresource, preference};

/// The form of discovery that says everything at once.
const AGGREGATED: &str = "APIGroupDiscoveryList";

/// Whether a client asks for everything at once, and in which version.
pub(crate) fn aggregated(accept: Option<&str>) -> Option<&'static str> {
    let clauses = accept?.split(',');
    for clause in clauses {
        let has = |part: &str| clause.split(';').any(|one| one.trim() == part);
        if has(&format!("as={AGGREGATED}")) && has("g=apidiscovery.k8s.io") && has("v=v2") {
            return Some("v2");
        }
        if clause.trim().starts_with("application/json") && !clause.contains("as=") {
            return None;
        }
    }
    None
}

/// A version and its rows.
type Version<'r> = (&'r str, Vec<&'r Arc<Resource>>);
/// The groups in upstream's order of preference, each with its versions, best first.
type Groups<'r> = Vec<(&'r str, Vec<Version<'r>>)>;

/// Groups that come first, by what they have been given upstream; the others follow by name.
const ORDER: [&str; 24] = [
    "",
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "resource.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "storagemigration.k8s.io",
    "imagepolicy.k8s.io",
];

fn groups(resources: &Resources) -> Groups<'_> {
    let mut groups: BTreeMap<(usize, &str), BTreeMap<Preference, Version<'_>>> = BTreeMap::new();
    for row in resources.iter() {
        let place = ORDER.iter().position(|group| *group == row.group).unwrap_or(ORDER.len());
        let versions = groups.entry((place, row.group.as_str())).or_default();
        versions.entry(preference(&row.version)).or_insert_with(|| (row.version.as_str(), Vec::new())).1.push(row);
    }
    groups.into_iter().map(|((_, group), versions)| (group, versions.into_values().collect())).collect()
}

/// `/api` or `/apis`, all at once.
pub(crate) fn all(resources: &Resources, core: bool) -> Value {
    let items: Vec<Value> = groups(resources)
        .into_iter()
        .filter(|(group, _)| group.is_empty() == core)
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .into_iter()
                .map(|(version, rows)| {
                    let resources: Vec<Value> = rows.into_iter().map(|row| described(row)).collect();
                    json!({ "version": version, "resources": resources, "freshness": "Current" })
                })
                .collect();
            let metadata = if group.is_empty() { json!({}) } else { json!({ "name": group }) };
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    json!({ "kind": AGGREGATED, "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items })
}

fn described(row: &Resource) -> Value {
    let mut value = json!({
        "resource": row.plural,
        "responseKind": own_kind(row),
        "scope": if row.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": row.singular,
        "verbs": verbs(row),
    });
    if !row.short_names.is_empty() {
        value["shortNames"] = json!(row.short_names);
    }
    if !row.categories.is_empty() {
        value["categories"] = json!(row.categories);
    }
    if !row.subresources.is_empty() {
        let below: Vec<Value> = row
            .subresources
            .iter()
            .map(|one| {
                let (group, version, name) = kind_of(row, one);
                let is_near = !row.custom && (group, version) == (row.group.as_str(), row.version.as_str());
                let response = if is_near { kind("", "", name) } else { kind(group, version, name) };
                json!({
                    "subresource": one.name,
                    "responseKind": response,
                    "verbs": one.verbs,
                })
            })
            .collect();
        value["subresources"] = below.into();
    }
    value
}

/// The verbs of a row, in upstream's order: of custom kinds it is one of their own.
fn verbs(row: &Resource) -> Vec<&str> {
    const CUSTOM: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
    if row.custom { CUSTOM.to_vec() } else { row.verbs.iter().map(String::as_str).collect() }
}

/// The kind of a row: of built-in ones upstream leaves out what goes without saying.
fn own_kind(row: &Resource) -> Value {
    if row.custom { kind(&row.group, &row.version, &row.kind) } else { kind("", "", &row.kind) }
}

fn kind(group: &str, version: &str, kind: &str) -> Value {
    json!({ "group": group, "version": version, "kind": kind })
}

fn kind_of<'r>(row: &'r Resource, below: &'r Subresource) -> (&'r str, &'r str, &'r str) {
    match &below.kind {
        Some((group, version, kind)) => (group, version, kind),
        None => (&row.group, &row.version, &row.kind),
    }
}

/// `/api`.
pub(crate) fn versions(address: &str) -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": address }],
    })
}

/// `/apis`.
pub(crate) fn group_list(resources: &Resources) -> Value {
    let groups: Vec<Value> = groups(resources)
        .iter()
        .filter(|(group, _)| !group.is_empty())
        .map(|(group, versions)| group_entry(group, versions.iter().map(|(v, _)| *v)))
        .collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

/// `/apis/GROUP`.
pub(crate) fn group(resources: &Resources, name: &str) -> Option<Value> {
    let groups = groups(resources);
    let (group, versions) = groups.iter().find(|(group, _)| *group == name)?;
    let mut entry = group_entry(group, versions.iter().map(|(version, _)| *version));
    entry["kind"] = "APIGroup".into();
    entry["apiVersion"] = "v1".into();
    Some(entry)
}

fn group_entry<'v>(group: &str, versions: impl Iterator<Item = &'v str>) -> Value {
    let versions: Vec<Value> =
        versions.map(|version| json!({ "groupVersion": format!("{group}/{version}"), "version": version })).collect();
    json!({ "name": group, "versions": versions, "preferredVersion": versions.first() })
}

/// `/api/v1` or `/apis/GROUP/VERSION`.
pub(crate) fn resource_list(resources: &Resources, group: &str, version: &str) -> Option<Value> {
    let rows: Vec<_> = resources.iter().filter(|row| row.group == group && row.version == version).collect();
    let first = rows.first()?;
    let mut list = Vec::new();
    for row in &rows {
        let mut entry = json!({
            "name": row.plural,
            "singularName": row.singular,
            "namespaced": row.namespaced,
            "kind": row.kind,
            "verbs": verbs(row),
        });
        if !row.short_names.is_empty() {
            entry["shortNames"] = json!(row.short_names);
        }
        if !row.categories.is_empty() {
            entry["categories"] = json!(row.categories);
        }
        if row.verbs.iter().any(|verb| verb == "watch") {
            entry["storageVersionHash"] = storage_hash(row).into();
        }
        list.push(entry);
        let mut below: Vec<&Subresource> = row.subresources.iter().collect();
        if row.custom {
            below.sort_by_key(|below| below.name != "status");
        }
        for below in below {
            let (group, version, kind) = kind_of(row, below);
            let mut entry = json!({
                "name": format!("{}/{}", row.plural, below.name),
                "singularName": "",
                "namespaced": row.namespaced,
                "kind": kind,
                "verbs": below.verbs,
            });
            if (group, version) != (row.group.as_str(), row.version.as_str()) {
                entry["group"] = group.into();
                entry["version"] = version.into();
            }
            list.push(entry);
        }
    }
    if !first.custom {
        list.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
    }
    let mut answer = json!({ "kind": "APIResourceList", "groupVersion": first.api_version(), "resources": list });
    if !group.is_empty() {
        answer["apiVersion"] = "v1".into();
    }
    Some(answer)
}

/// Tells clients when objects are stored in another version than before.
fn storage_hash(row: &Resource) -> String {
    use base64::Engine as _;
    let text = format!("{}/{}/{}", row.group, row.storage_version, row.kind);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(&digest.as_ref()[..8])
}
