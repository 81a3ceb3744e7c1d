//! The built-in kinds, as data read off the real kube-apiserver: what is served, how tables show it, how it is explained.
//!
//! `data/` is written by `cargo xtask kinds`. Documents stay compressed until somebody asks for them.

pub mod cells;
pub(crate) mod definitions;
mod documents;

use std::collections::HashMap;
use std::sync::Arc;

use schema::{Checks, Id, Kind, Schemas};
use serde::Deserialize;

pub use self::documents::{document, schemas};
use crate::resource::{Cell, Column, Resource, Scale, Subresource};

const RESOURCES: &str = include_str!("../data/resources.jsonl");
/// What no server tells: selectable fields, where scales are, what is in the cells; the file's head explains its lines.
const COLUMNS: &str = include_str!("kinds/columns.txt");

/// What the column of names means, to kinds that do not say.
const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
/// What the column of ages means, to kinds that do not say.
const AGE: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// Kinds that are on their way out, and what is said of them.
const DEPRECATED: [(&str, &str); 2] = [
    ("ComponentStatus", "v1 ComponentStatus is deprecated in v1.19+"),
    ("Endpoints", "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
];

/// The resources of all built-in kinds, whose types are in one arena.
pub fn built_in() -> Vec<Resource> {
    let sections = sections();
    let mut types = Schemas::new();
    // It is ours, so that it can be read; a test does.
    drop(types.add_openapi(&schemas()));
    let types = Arc::new(types);
    let lines = RESOURCES.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| Some(resource(serde_json::from_str(line).ok()?, &sections, &types))).collect()
}

/// The resources that a CustomResourceDefinition serves, one for each version that it serves; none when its schema cannot
/// be read, which one that was accepted can.
pub fn custom(definition: &serde_json::Value) -> Vec<Resource> {
    definitions::resources(definition).unwrap_or_default()
}

/// A line of `resources.jsonl`; what is empty is not in it.
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct Row {
    group: String,
    version: String,
    kind: String,
    plural: String,
    singular: String,
    short_names: Vec<String>,
    categories: Vec<String>,
    namespaced: bool,
    verbs: Vec<String>,
    subresources: Vec<SubresourceRow>,
    columns: Vec<ColumnRow>,
    definition: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SubresourceRow {
    name: String,
    kind: Option<(String, String, String)>,
    verbs: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ColumnRow {
    name: String,
    #[serde(rename = "type")]
    type_: String,
    format: String,
    description: String,
    priority: i32,
}

/// What `columns.txt` says of one resource.
#[derive(Default)]
struct Section {
    fields: Vec<String>,
    scale: Option<Scale>,
    cells: HashMap<&'static str, &'static str>,
}

fn sections() -> HashMap<&'static str, Section> {
    let mut sections: HashMap<&str, Section> = HashMap::new();
    let mut current = "";
    for line in COLUMNS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let Some(fact) = line.strip_prefix("  ") else {
            current = line;
            sections.entry(line).or_default();
            continue;
        };
        let section = sections.entry(current).or_default();
        if let Some(fields) = fact.strip_prefix("fields ") {
            section.fields = fields.split(' ').map(str::to_owned).collect();
        } else if let Some(paths) = fact.strip_prefix("scale ") {
            let mut paths = paths.split(' ').map(str::to_owned);
            section.scale = paths.next().zip(paths.next()).map(|(spec_replicas, status_replicas)| Scale {
                spec_replicas,
                status_replicas,
                selector: paths.next(),
            });
        } else if let Some((column, cell)) = fact.split_once(": ") {
            section.cells.insert(column, cell);
        }
    }
    sections
}

fn resource(row: Row, sections: &HashMap<&str, Section>, types: &Arc<Schemas>) -> Resource {
    let kind = Kind { group: row.group.clone(), version: row.version.clone(), kind: row.kind.clone() };
    let section = if row.group.is_empty() {
        sections.get(row.plural.as_str())
    } else {
        sections.get(format!("{}.{}", row.plural, row.group).as_str())
    };
    let scale = section.and_then(|section| section.scale.clone());
    let subresources = row.subresources.into_iter().map(|one| Subresource {
        scale: if one.name == "scale" { scale.clone() } else { None },
        name: one.name,
        kind: one.kind,
        verbs: one.verbs,
    });
    let columns = row.columns.into_iter().map(|column| Column {
        cell: cell(&column.name, section),
        name: column.name,
        type_: column.type_,
        format: column.format,
        description: column.description,
        priority: column.priority,
    });
    Resource {
        selectable_fields: section.map(|section| section.fields.clone()).unwrap_or_default(),
        subresources: subresources.collect(),
        columns: columns.collect(),
        list_kind: format!("{}List", row.kind),
        storage_version: if row.plural == "horizontalpodautoscalers" { "v2".to_owned() } else { row.version.clone() },
        group: row.group,
        version: row.version,
        kind: row.kind,
        plural: row.plural,
        singular: row.singular,
        short_names: row.short_names,
        categories: row.categories,
        namespaced: row.namespaced,
        verbs: row.verbs,
        definition: row.definition,
        schema: types.kind(&kind).unwrap_or(Id::DEDUCED),
        schemas: types.clone(),
        checks: Arc::new(Checks::default()),
        custom: false,
        deprecation: DEPRECATED.iter().find(|(name, _)| *name == kind.kind).map(|(_, text)| (*text).to_owned()),
    }
}

fn cell(column: &str, section: Option<&Section>) -> Cell {
    match (section.and_then(|section| section.cells.get(column).copied()), column) {
        (Some(function), _) => Cell::Computed(function),
        (None, "Age") => Cell::Computed("age .metadata.creationTimestamp"),
        (None, "Created At") => Cell::Computed("text .metadata.creationTimestamp"),
        (None, _) => Cell::Computed("text .metadata.name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_cell_that_can_be_shown() {
        let resources = built_in();
        assert_eq!(resources.len(), 62);
        let sections = sections();
        for resource in &resources {
            let mut named = 0;
            for column in &resource.columns {
                if let Cell::Computed(function) = column.cell {
                    assert!(cells::is_known(function), "{}: {}: {function}", resource.plural, column.name);
                }
                let told = sections
                    .get(resource.qualified().as_str())
                    .is_some_and(|s| s.cells.contains_key(column.name.as_str()));
                named += usize::from(told);
                assert!(
                    told || matches!(
                        column.name.as_str(),
                        "Name" | "Age" | "Created At" | "Status" | "Message" | "Error"
                    ),
                    "{}",
                    column.name
                );
            }
            if let Some(section) = sections.get(resource.qualified().as_str()) {
                assert_eq!(named, section.cells.len(), "{}: a cell without a column", resource.plural);
            }
        }
        let deployments = resources.iter().find(|one| one.plural == "deployments").unwrap();
        assert_eq!(deployments.short_names, ["deploy"]);
        assert_eq!(deployments.subresource("scale").unwrap().scale.as_ref().unwrap().spec_replicas, ".spec.replicas");
    }
}
