//! Coalescing: a chart's defaults below what its parent and the user say, globals passed down.
//!
//! This works on the maps that templates see, because Helm shares tables between charts (the tables inside of globals
//! are the same ones in parent and child), and templates that change one change the other.
//!
//! # Source
//! Helm 4.2.4, `pkg/chart/common/util/coalesce.go`, with its rules for nulls: a null of the user removes a default, a null
//! of a default says nothing.

use gotemplate::{Map, Str, Value};

use crate::chart::Chart;
use crate::values::{self, GLOBAL};

/// Whether nulls stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// They take their keys away.
    Remove,
    /// They are kept for a later round.
    Keep,
}

/// A subchart's place in the values is taken by something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("values of subchart {chart} must be a table, found {found}")]
pub struct CoalesceError {
    /// The subchart, with the charts above it: `parent.child`.
    pub chart: String,
    /// What is there.
    pub found: &'static str,
}

/// Puts the defaults of a chart and its subcharts below `values`. What cannot be merged is skipped with a warning.
pub(crate) fn coalesce(
    chart: &Chart,
    values: &Map,
    nulls: Nulls,
    warnings: &mut Vec<String>,
) -> Result<(), CoalesceError> {
    Coalescing { nulls, warnings }.chart(chart, values, "")
}

/// Merges `source` below `target`, key by key.
pub(crate) fn tables(target: &Map, source: &Map, nulls: Nulls, warnings: &mut Vec<String>) {
    Coalescing { nulls, warnings }.tables(target, source, "", nulls);
}

struct Coalescing<'w> {
    nulls: Nulls,
    warnings: &'w mut Vec<String>,
}

impl Coalescing<'_> {
    fn chart(&mut self, chart: &Chart, target: &Map, prefix: &str) -> Result<(), CoalesceError> {
        self.defaults(chart, target, prefix);
        for subchart in &chart.dependencies {
            let below = match target.get(subchart.name()) {
                None => {
                    let below = Map::new();
                    target.insert(subchart.name(), below.clone());
                    below
                }
                Some(found) => found.as_map().ok_or_else(|| CoalesceError {
                    chart: concat(&concat(prefix, chart.name()), subchart.name()),
                    found: kind_of(&found),
                })?,
            };
            let prefix = concat(prefix, chart.name());
            self.globals(&below, target, &prefix);
            self.chart(subchart, &below, &prefix)?;
        }
        Ok(())
    }

    /// Puts the chart's own defaults below `target`.
    fn defaults(&mut self, chart: &Chart, target: &Map, prefix: &str) {
        let prefix = concat(prefix, chart.name());
        for (key, default) in values::to_map(&chart.values).entries() {
            match target.get(&key) {
                None => {
                    if self.nulls == Nulls::Remove {
                        match &default {
                            Value::Nil => continue,
                            Value::Map(table) => remove_nulls(table),
                            _ => {}
                        }
                    }
                    target.insert(key, default);
                }
                Some(Value::Nil) if self.nulls == Nulls::Remove => {
                    target.remove(&key);
                }
                Some(Value::Map(above)) => match &default {
                    Value::Map(table) => {
                        // Values for a subchart keep their nulls: its own defaults come in a later step.
                        let is_subchart = chart.dependencies.iter().any(|dependency| key == *dependency.name());
                        let nulls = if is_subchart { Nulls::Keep } else { self.nulls };
                        if nulls == Nulls::Remove {
                            remove_nulls(table);
                        }
                        self.tables(&above, table, &concat(&prefix, &key.to_str()), nulls);
                    }
                    Value::Nil => {}
                    _ => self.warn(format!("skipped value for {prefix}.{key}: not a table")),
                },
                Some(_) => {}
            }
        }
    }

    /// Passes globals down. The tables directly below `global` are the chart's own, those inside of them are shared.
    fn globals(&mut self, target: &Map, source: &Map, prefix: &str) {
        let globals = match target.get(GLOBAL).map(|found| found.as_map()) {
            None => Map::new(),
            Some(Some(globals)) => globals,
            Some(None) => return self.warn(format!("skipping globals because destination {GLOBAL} is not a table")),
        };
        let from_above = match source.get(GLOBAL).map(|found| found.as_map()) {
            None => Map::new(),
            Some(Some(globals)) => globals,
            Some(None) => return self.warn(format!("skipping globals because source {GLOBAL} is not a table")),
        };
        for (key, value) in from_above.entries() {
            let own = globals.get(&key);
            match (&value, own) {
                (Value::Map(table), None) => {
                    globals.insert(key, table.shallow_copy());
                }
                (Value::Map(table), Some(Value::Map(own))) => {
                    let merged = table.shallow_copy();
                    self.tables(&merged, &own, &concat(prefix, &key.to_str()), Nulls::Keep);
                    globals.insert(key, merged);
                }
                (Value::Map(_), Some(_)) => self.warn(format!("cannot merge map onto non-map for {key:?}. Skipping")),
                (_, Some(Value::Map(_))) => self.warn(format!("key {key} is table. Skipping")),
                _ => {
                    globals.insert(key, value);
                }
            }
        }
        target.insert(GLOBAL, globals);
    }

    fn tables(&mut self, target: &Map, source: &Map, prefix: &str, nulls: Nulls) {
        let had_value: Vec<Str> = source
            .entries()
            .into_iter()
            .filter(|(_, value)| !matches!(value, Value::Nil))
            .map(|(key, _)| key)
            .collect();
        for (key, value) in target.entries() {
            if matches!(value, Value::Nil) {
                source.insert(key, Value::Nil);
            }
        }
        for (key, value) in source.entries() {
            let Some(own) = target.get(&key) else {
                target.insert(key, value);
                continue;
            };
            if nulls == Nulls::Remove && matches!(own, Value::Nil) && had_value.binary_search(&key).is_ok() {
                target.remove(&key);
                continue;
            }
            match (&value, &own) {
                (Value::Map(source), Value::Map(own)) => {
                    self.tables(own, source, &concat(prefix, &key.to_str()), nulls);
                }
                (Value::Map(_), _) => {
                    self.warn(format!("cannot overwrite table with non table for {}", concat(prefix, &key.to_str())));
                }
                (Value::Nil, _) => {}
                (_, Value::Map(_)) => {
                    let path = concat(prefix, &key.to_str());
                    self.warn(format!("destination for {path} is a table. Ignoring non-table value"));
                }
                _ => {}
            }
        }
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }
}

fn remove_nulls(table: &Map) {
    for (key, value) in table.entries() {
        match value {
            Value::Nil => drop(table.remove(&key)),
            Value::Map(inner) => remove_nulls(&inner),
            _ => {}
        }
    }
}

/// Names what a value is that is no table.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Nil => "null",
        Value::Bool(_) => "a boolean",
        Value::String(_) => "text",
        Value::List(_) => "a list",
        _ => "a number",
    }
}

fn concat(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}
