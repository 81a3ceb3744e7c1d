//! Which subcharts take part, under which names, and what they give to their parents' values.
//!
//! # Source
//! Helm 4.2.4, `pkg/chart/v2/util/dependencies.go`.

use gotemplate::{Map, Value};

use crate::chart::{Chart, Dependency, ImportValues};
use crate::coalesce::{self, CoalesceError, Nulls, coalesce};
use crate::values::{self, Table};

/// Switches dependencies on and off by tags and conditions, gives them their aliases, and imports their values.
///
/// *Guarantees*: afterwards `chart.dependencies` has only what takes part, with aliases as names, and `chart.values` has
/// what was imported.
pub fn process(chart: &mut Chart, values: &Table, warnings: &mut Vec<String>) -> Result<(), CoalesceError> {
    enable(chart, &values::to_map(values), "", warnings)?;
    import(chart, warnings)
}

fn enable(chart: &mut Chart, values: &Map, path: &str, warnings: &mut Vec<String>) -> Result<(), CoalesceError> {
    let Some(mut wanted) = chart.metadata.dependencies.take() else { return Ok(()) };
    let mut kept: Vec<Chart> = chart
        .dependencies
        .iter()
        .filter(|present| !wanted.iter().any(|dependency| dependency.matches(&present.metadata)))
        .cloned()
        .collect();
    for dependency in &mut wanted {
        if let Some(present) = chart.dependencies.iter().find(|present| dependency.matches(&present.metadata)) {
            let mut present = present.clone();
            if !dependency.alias.is_empty() {
                present.metadata.name.clone_from(&dependency.alias);
            }
            kept.push(present);
        }
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
        dependency.enabled = true;
    }
    chart.dependencies = kept;
    chart.metadata.dependencies = Some(wanted);

    let coalesced = deep_copy(values);
    coalesce(chart, &coalesced, Nulls::Remove, warnings)?;

    let mut wanted = chart.metadata.dependencies.take().unwrap_or_default();
    apply_tags(&mut wanted, &coalesced, warnings);
    apply_conditions(&mut wanted, &coalesced, path, warnings);
    let is_off = |name: &str| wanted.iter().any(|dependency| !dependency.enabled && dependency.name == name);
    chart.dependencies.retain(|present| !is_off(present.name()));
    let off: Vec<String> = wanted.iter().filter(|d| !d.enabled).map(|d| d.name.clone()).collect();
    wanted.retain(|dependency| !off.contains(&dependency.name));
    for present in &mut chart.dependencies {
        let path = format!("{path}{}.", present.name());
        enable(present, &coalesced, &path, warnings)?;
    }
    // Helm tells an empty list from none no more after this.
    chart.metadata.dependencies = Some(wanted).filter(|wanted| !wanted.is_empty());
    Ok(())
}

/// A dependency with tags is off when some of its tags are false and none is true.
fn apply_tags(wanted: &mut [Dependency], values: &Map, warnings: &mut Vec<String>) {
    let Some(tags) = values::table(values, "tags") else { return };
    for dependency in wanted {
        let (mut some_true, mut some_false) = (false, false);
        for tag in &dependency.tags {
            match tags.get(tag) {
                None => {}
                Some(Value::Bool(true)) => some_true = true,
                Some(Value::Bool(false)) => some_false = true,
                Some(_) => warnings.push(format!("tag {tag} for chart {} is not a boolean", dependency.name)),
            }
        }
        dependency.enabled = some_true || !some_false;
    }
}

/// The first path that leads to a boolean decides.
fn apply_conditions(wanted: &mut [Dependency], values: &Map, path: &str, warnings: &mut Vec<String>) {
    for dependency in wanted {
        for condition in dependency.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
            match values::value(values, &format!("{path}{condition}")) {
                None => {}
                Some(Value::Bool(enabled)) => {
                    dependency.enabled = enabled;
                    break;
                }
                Some(_) => {
                    warnings.push(format!("condition path {condition} for chart {} is not a boolean", dependency.name));
                }
            }
        }
    }
}

fn import(chart: &mut Chart, warnings: &mut Vec<String>) -> Result<(), CoalesceError> {
    for dependency in &mut chart.dependencies {
        import(dependency, warnings)?;
    }
    let Some(wanted) = &chart.metadata.dependencies else { return Ok(()) };
    let merged = Map::new();
    coalesce(chart, &merged, Nulls::Keep, warnings)?;
    let imported = Map::new();
    for dependency in wanted {
        for import in &dependency.import_values {
            let (child, parent) = match import {
                ImportValues::Export(name) => (format!("exports.{name}"), "."),
                ImportValues::Paths { child, parent } => (child.clone(), parent.as_str()),
            };
            let Some(table) = values::table(&merged, &format!("{}.{child}", dependency.name)) else {
                warnings.push(format!("import-values: chart {} has no table {child}", dependency.name));
                continue;
            };
            coalesce::tables(&imported, &below(parent, table), Nulls::Keep, warnings);
        }
    }
    let values = deep_copy(&merged);
    coalesce::tables(&values, &imported, Nulls::Keep, warnings);
    chart.values = values::from_map(&values).into();
    for dependency in chart.metadata.dependencies.iter_mut().flatten() {
        for import in &mut dependency.import_values {
            if let ImportValues::Export(name) = import {
                *import = ImportValues::Paths { child: format!("exports.{name}"), parent: ".".to_owned() };
            }
        }
    }
    Ok(())
}

/// Puts a table at a dotted path; `.` is the root.
fn below(path: &str, table: Map) -> Map {
    if path == "." {
        return table;
    }
    path.rsplit('.').fold(table, |table, key| [(key, table)].into_iter().collect())
}

/// Copies tables and lists of tables; scalars are shared.
pub(crate) fn deep_copy(map: &Map) -> Map {
    map.entries().into_iter().map(|(key, value)| (key, deep_copy_value(value))).collect()
}

fn deep_copy_value(value: Value) -> Value {
    match value {
        Value::Map(map) => deep_copy(&map).into(),
        Value::List(list) => list.iter().map(|item| deep_copy_value(item.clone())).collect::<gotemplate::List>().into(),
        other => other,
    }
}
