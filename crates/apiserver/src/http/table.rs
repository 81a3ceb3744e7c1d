//! Tables: what `kubectl get` prints.
//!
//! # Source
//! `k8s.io/apiserver/pkg/registry/rest/table.go`, `k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor`.

mod path;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::http::query::Query;
use crate::http::respond;
use crate::kinds::cells;
use crate::resource::{Cell, Column, Resource};

/// A table of these objects, under the metadata of their list.
pub(crate) fn table(resource: &Resource, query: &Query, meta: &Value, objects: &[Value], now: Timestamp) -> Value {
    let definitions: Vec<Value> = resource
        .columns
        .iter()
        .map(|column| {
            json!({
                "name": column.name,
                "type": column.type_,
                "format": column.format,
                "description": description(resource, column),
                "priority": column.priority,
            })
        })
        .collect();
    let mut rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells: Vec<Value> = resource.columns.iter().map(|column| cell(column, object, now)).collect();
            let mut row = json!({ "cells": cells });
            match query.get("includeObject") {
                Some("None") => row["object"] = Value::Null,
                Some("Object") => row["object"] = object.clone(),
                _ => row["object"] = respond::metadata(object),
            }
            row
        })
        .collect();
    if resource.kind == "FlowSchema" {
        // They are shown in the order in which they are tried.
        rows.sort_by_key(|row| row["cells"][2].as_i64());
    }
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": definitions,
        "rows": rows,
    })
}

fn description(resource: &Resource, column: &Column) -> String {
    match &column.cell {
        Cell::Path(path) if resource.custom && column.description.is_empty() => {
            format!("Custom resource definition column (in JSONPath format): {path}")
        }
        _ => column.description.clone(),
    }
}

/// What stands in one cell: of custom kinds what fits the column's type, or nothing.
fn cell(column: &Column, object: &Value, now: Timestamp) -> Value {
    let path = match &column.cell {
        Cell::Computed(function) => {
            return cells::evaluate(function, object, now);
        }
        Cell::Path(path) => path,
    };
    let found = path::find(object, path);
    let Some(first) = found.first().copied() else { return Value::Null };
    match (column.type_.as_str(), first) {
        ("integer", Value::Number(number)) => {
            number.as_i64().map_or_else(|| number.as_f64().map_or(Value::Null, |n| json!(n.trunc())), Value::from)
        }
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => first.clone(),
        ("date", Value::String(text)) => match text.parse::<Timestamp>() {
            Ok(_) => cells::evaluate("age .at", &json!({ "at": text }), now),
            Err(_) => "<invalid>".into(),
        },
        ("string", _) => path::print(&found).into(),
        _ => Value::Null,
    }
}
