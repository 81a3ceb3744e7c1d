//! CustomResourceDefinitions: what is wrong with one, and what it serves.

mod structural;

use std::sync::Arc;

use notation::field::{At, FieldError, FieldErrors};
use notation::names;
use schema::{Checks, Kind, ReadError, Schemas};
use serde_json::{Map, Value, json};

use crate::resource::{Cell, Column, Resource, Scale, Subresource, preference};

type Fields = Map<String, Value>;

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// What is wrong with a definition that was read and filled.
pub(crate) fn problems(definition: &Fields, old: Option<&Fields>) -> Vec<FieldError> {
    let mut errors = FieldErrors::default();
    let empty = Fields::new();
    let spec = map(definition, "spec").unwrap_or(&empty);
    let at = At::ROOT.field("spec");
    let names_of = map(spec, "names").unwrap_or(&empty);
    let (group, plural) = (text(spec, "group"), text(names_of, "plural"));
    let metadata = At::ROOT.field("metadata");
    let name = map(definition, "metadata").map(|metadata| text(metadata, "name")).unwrap_or_default();
    if old.is_none() && name != format!("{plural}.{group}") {
        errors.invalid(&metadata.field("name"), &json!(name), "must be spec.names.plural+\".\"+spec.group");
    }
    group_problems(group, &at.field("group"), &mut errors);
    match text(spec, "scope") {
        "" => errors.required(&at.field("scope"), ""),
        "Cluster" | "Namespaced" => {}
        other => errors.unsupported(&at.field("scope"), &json!(other), ["Cluster", "Namespaced"]),
    }
    versions(spec, &at, &mut errors);
    name_problems(names_of, &at.field("names"), &mut errors);
    if spec.get("preserveUnknownFields") == Some(&json!(true)) {
        let detail =
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.invalid(&at.field("preserveUnknownFields"), &json!(true), detail);
    }
    if let Some(conversion) = map(spec, "conversion").filter(|conversion| text(conversion, "strategy") == "Webhook") {
        let place = at.field("conversion");
        let webhook = map(conversion, "webhook");
        if webhook.is_none() {
            errors.required(&place.field("webhookClientConfig"), "required when strategy is set to Webhook");
        }
        if webhook.is_none_or(|webhook| texts(webhook, "conversionReviewVersions").next().is_none()) {
            errors.required(&place.field("conversionReviewVersions"), "");
        }
    }
    let stored = map(definition, "status").and_then(|status| status.get("storedVersions")).and_then(Value::as_array);
    if stored.is_none_or(Vec::is_empty) {
        let place = At::ROOT.field("status");
        errors.invalid(&place.field("storedVersions"), &Value::Null, "must have at least one stored version");
    }
    errors.into_vec()
}

fn group_problems(group: &str, at: &At<'_>, errors: &mut FieldErrors) {
    let problems = names::dns_subdomain(group);
    if group.is_empty() {
        errors.required(at, "");
    } else if !problems.is_empty() {
        errors.invalid(at, &json!(group), &problems.join(","));
    } else if !group.contains('.') {
        errors.invalid(at, &json!(group), "should be a domain with at least one dot");
    }
}

fn name_problems(names_of: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    for name in ["plural", "singular", "kind", "listKind"] {
        let value = text(names_of, name);
        let (checked, before) = match name {
            "kind" | "listKind" => (value.to_lowercase(), "may have mixed case, but should otherwise match: "),
            _ => (value.to_owned(), ""),
        };
        let problems = names::dns_1035_label(&checked);
        if value.is_empty() {
            errors.required(&at.field(name), "");
        } else if !problems.is_empty() {
            errors.invalid(&at.field(name), &json!(value), &format!("{before}{}", problems.join(",")));
        }
    }
    if !text(names_of, "kind").is_empty() && text(names_of, "kind") == text(names_of, "listKind") {
        let detail = "kind and listKind may not be the same";
        errors.invalid(&at.field("listKind"), &json!(text(names_of, "listKind")), detail);
    }
    for list in ["shortNames", "categories"] {
        let place = at.field(list);
        for (index, name) in texts(names_of, list).enumerate() {
            let problems = names::dns_1035_label(name);
            if !problems.is_empty() {
                errors.invalid(&place.item(index), &json!(name), &problems.join(","));
            }
        }
    }
}

fn versions(spec: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let list = at.field("versions");
    let versions: Vec<&Fields> = structs(spec, "versions").collect();
    let schema_of = |version: &Fields| map(version, "schema").and_then(|schema| schema.get("openAPIV3Schema")).cloned();
    // Upstream takes what all versions have in common out of them before it looks.
    let all = versions.first().map(|first| schema_of(first));
    let is_common = all.as_ref().is_some_and(|first| versions.iter().all(|version| &schema_of(version) == first));
    let columns_of = |version: &Fields| version.get("additionalPrinterColumns").cloned();
    let is_alike =
        versions.iter().all(|version| columns_of(version) == versions.first().and_then(|first| columns_of(first)));
    for (index, version) in versions.iter().enumerate() {
        let at = list.item(index);
        let problems = names::dns_1035_label(text(version, "name"));
        if !problems.is_empty() {
            errors.invalid(&at.field("name"), &json!(text(version, "name")), &problems.join(","));
        }
        match schema_of(version) {
            None => {
                let schema = at.field("schema");
                errors.required(&schema.field("openAPIV3Schema"), "");
            }
            Some(schema) if !is_common => {
                let place = at.field("schema");
                errors.extend(structural::problems(&schema, &place.field("openAPIV3Schema")));
            }
            Some(_) => {}
        }
        if !is_alike {
            column_problems(version, &at, errors);
        }
    }
    if let (true, Some(first)) = (is_alike, versions.first()) {
        column_problems(first, at, errors);
    }
    if let (true, Some(Some(schema))) = (is_common, all) {
        let validation = at.field("validation");
        errors.extend(structural::problems(&schema, &validation.field("openAPIV3Schema")));
    }
    let printed = spec.get("versions").unwrap_or(&Value::Null);
    let mut names: Vec<&str> = versions.iter().map(|version| text(version, "name")).collect();
    names.sort_unstable();
    if names.iter().zip(names.iter().skip(1)).any(|(one, next)| one == next) {
        errors.invalid(&list, printed, "must contain unique version names");
    }
    if versions.iter().filter(|version| version.get("storage") == Some(&json!(true))).count() != 1 {
        errors.invalid(&list, printed, "must have exactly one version marked as storage version");
    }
}

fn column_problems(version: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let list = at.field("additionalPrinterColumns");
    for (index, column) in structs(version, "additionalPrinterColumns").enumerate() {
        let at = list.item(index);
        if text(column, "name").is_empty() {
            errors.required(&at.field("name"), "");
        }
        let detail = format!("must be one of {}", COLUMN_TYPES.join(","));
        match text(column, "type") {
            "" => errors.required(&at.field("type"), &detail),
            type_ if !COLUMN_TYPES.contains(&type_) => errors.invalid(&at.field("type"), &json!(type_), &detail),
            _ => {}
        }
        if text(column, "jsonPath").is_empty() {
            errors.required(&at.field("JSONPath"), "");
        }
    }
}

/// The resources that a definition serves, one for each version that it serves.
///
/// # Errors
/// [`ReadError`] when a schema cannot be read, which a definition without [`problems`] does not have.
pub(crate) fn resources(definition: &Value) -> Result<Vec<Resource>, ReadError> {
    let empty = Fields::new();
    let spec = definition.get("spec").and_then(Value::as_object).unwrap_or(&empty);
    let stored = structs(spec, "versions").find(|version| version.get("storage") == Some(&json!(true)));
    let storage_version = stored.map(|version| text(version, "name")).unwrap_or_default();
    let served = structs(spec, "versions").filter(|version| version.get("served") == Some(&json!(true)));
    let mut rows: Vec<Resource> =
        served.map(|version| resource(spec, version, storage_version)).collect::<Result<_, _>>()?;
    point_to_newer(&mut rows);
    Ok(rows)
}

fn resource(spec: &Fields, version: &Fields, storage_version: &str) -> Result<Resource, ReadError> {
    let empty = Fields::new();
    let names_of = map(spec, "names").unwrap_or(&empty);
    let (group, number, kind) = (text(spec, "group"), text(version, "name"), text(names_of, "kind"));
    let mut schemas = Schemas::new();
    let this = Kind { group: group.to_owned(), version: number.to_owned(), kind: kind.to_owned() };
    let schema = match map(version, "schema").and_then(|schema| schema.get("openAPIV3Schema")) {
        Some(schema) => schemas.add_crd(this, schema)?,
        None => schemas.add_untyped(this),
    };
    let checks = Arc::new(Checks::new(&schemas, schema));
    let reversed: Vec<&str> = group.split('.').rev().collect();
    Ok(Resource {
        group: group.to_owned(),
        version: number.to_owned(),
        kind: kind.to_owned(),
        list_kind: text(names_of, "listKind").to_owned(),
        plural: text(names_of, "plural").to_owned(),
        singular: text(names_of, "singular").to_owned(),
        short_names: texts(names_of, "shortNames").map(str::to_owned).collect(),
        categories: texts(names_of, "categories").map(str::to_owned).collect(),
        namespaced: text(spec, "scope") == "Namespaced",
        verbs: VERBS.map(str::to_owned).to_vec(),
        subresources: subresources(version),
        selectable_fields: structs(version, "selectableFields")
            .map(|field| text(field, "jsonPath").trim_start_matches('.').to_owned())
            .collect(),
        columns: columns(version),
        definition: format!("{}.{number}.{kind}", reversed.join(".")),
        schemas: Arc::new(schemas),
        schema,
        checks,
        storage_version: storage_version.to_owned(),
        custom: true,
        deprecation: deprecation(version),
    })
}

/// What is said of a version that is on its way out; empty where its author says nothing.
fn deprecation(version: &Fields) -> Option<String> {
    let is_deprecated = version.get("deprecated") == Some(&json!(true));
    is_deprecated.then(|| text(version, "deprecationWarning").to_owned())
}

/// Says of the versions that are on their way out, and of which nobody says more, which one to use instead.
fn point_to_newer(rows: &mut [Resource]) {
    let lasting = rows.iter().filter(|row| row.deprecation.is_none()).map(|row| row.version.clone());
    let newest = lasting.min_by_key(|version| preference(version));
    for row in rows {
        let Some(told) = row.deprecation.as_mut().filter(|told| told.is_empty()) else { continue };
        *told = format!("{}/{} {} is deprecated", row.group, row.version, row.kind);
        if let Some(newest) = newest.as_ref().filter(|newest| preference(newest) < preference(&row.version)) {
            *told = format!("{told}; use {}/{newest} {}", row.group, row.kind);
        }
    }
}

fn subresources(version: &Fields) -> Vec<Subresource> {
    let empty = Fields::new();
    let wanted = map(version, "subresources").unwrap_or(&empty);
    let verbs = || ["get", "patch", "update"].map(str::to_owned).to_vec();
    let mut subresources = Vec::new();
    if let Some(scale) = map(wanted, "scale") {
        let path = |name: &str| text(scale, name).to_owned();
        subresources.push(Subresource {
            name: "scale".to_owned(),
            kind: Some(("autoscaling".to_owned(), "v1".to_owned(), "Scale".to_owned())),
            verbs: verbs(),
            scale: Some(Scale {
                spec_replicas: path("specReplicasPath"),
                status_replicas: path("statusReplicasPath"),
                selector: Some(path("labelSelectorPath")).filter(|path| !path.is_empty()),
            }),
        });
    }
    if wanted.get("status").is_some_and(|status| !status.is_null()) {
        subresources.push(Subresource { name: "status".to_owned(), kind: None, verbs: verbs(), scale: None });
    }
    subresources
}

fn columns(version: &Fields) -> Vec<Column> {
    let mut columns = vec![column("Name", "string", ".metadata.name", super::NAME)];
    if let Some(name) = columns.first_mut() {
        "name".clone_into(&mut name.format);
    }
    columns.extend(structs(version, "additionalPrinterColumns").map(|wanted| Column {
        priority:
            wanted.get("priority").and_then(Value::as_i64).and_then(|priority| priority.try_into().ok()).unwrap_or(0),
        format: text(wanted, "format").to_owned(),
        ..column(text(wanted, "name"), text(wanted, "type"), text(wanted, "jsonPath"), text(wanted, "description"))
    }));
    if columns.len() == 1 {
        columns.push(column("Age", "date", ".metadata.creationTimestamp", super::AGE));
    }
    columns
}

fn column(name: &str, type_: &str, path: &str, description: &str) -> Column {
    Column {
        name: name.to_owned(),
        type_: type_.to_owned(),
        format: String::new(),
        description: description.to_owned(),
        priority: 0,
        cell: Cell::Path(path.to_owned()),
    }
}

fn text<'o>(fields: &'o Fields, name: &str) -> &'o str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn map<'o>(fields: &'o Fields, name: &str) -> Option<&'o Fields> {
    fields.get(name).and_then(Value::as_object)
}

fn structs<'o>(fields: &'o Fields, name: &str) -> impl Iterator<Item = &'o Fields> {
    fields.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn texts<'o>(fields: &'o Fields, name: &str) -> impl Iterator<Item = &'o str> {
    fields.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
