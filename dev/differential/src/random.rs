//! Schemas, objects and edits by chance.
//!
//! Few names and few values, so that managers meet.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// A schema of a CRD's `spec`.
pub fn spec_schema(rng: &mut Rng) -> Value {
    let fields: Map<String, Value> = (0..rng.usize(3..7)).map(|n| (format!("f{n}"), schema(rng, 3))).collect();
    json!({"type": "object", "properties": fields})
}

/// A schema of a CRD's `status`.
pub fn status_schema() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "properties": {
            "phase": text,
            "conditions": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
                "items": {"type": "object", "required": ["type"], "properties": {"type": text, "status": text}},
            },
        },
    })
}

fn schema(rng: &mut Rng, depth: usize) -> Value {
    if depth == 0 {
        return scalar(rng);
    }
    match rng.usize(0..16) {
        0..4 => scalar(rng),
        4 | 5 => {
            let fields: Map<String, Value> =
                (0..rng.usize(1..5)).map(|n| (format!("p{n}"), schema(rng, depth - 1))).collect();
            let mut schema = json!({"type": "object", "properties": fields});
            if rng.u8(0..6) == 0 {
                schema["x-kubernetes-map-type"] = "atomic".into();
            }
            if rng.u8(0..6) == 0 {
                schema["nullable"] = true.into();
            }
            schema
        }
        6 | 7 => {
            let mut schema = json!({"type": "object", "additionalProperties": schema(rng, depth - 1)});
            if rng.u8(0..5) == 0 {
                schema["x-kubernetes-map-type"] = "atomic".into();
            }
            schema
        }
        8 => json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
        9 => {
            let fields: Map<String, Value> = (0..2).map(|n| (format!("p{n}"), schema(rng, depth - 1))).collect();
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": fields})
        }
        10 => json!({"type": "array", "items": schema(rng, depth - 1)}),
        11 => json!({"type": "array", "x-kubernetes-list-type": "atomic", "items": schema(rng, 1)}),
        12 => {
            let items = if rng.bool() { json!({"type": "string"}) } else { json!({"type": "integer"}) };
            json!({"type": "array", "x-kubernetes-list-type": "set", "items": items})
        }
        13 => json!({"x-kubernetes-int-or-string": true}),
        _ => keyed(rng, depth),
    }
}

fn keyed(rng: &mut Rng, depth: usize) -> Value {
    let mut fields: Map<String, Value> =
        (0..rng.usize(1..4)).map(|n| (format!("p{n}"), schema(rng, depth - 1))).collect();
    let text = json!({"type": "string", "enum": ["a", "b", "c"]});
    let (keys, required) = match rng.u8(0..3) {
        0 => {
            fields.insert("name".to_owned(), text);
            (json!(["name"]), json!(["name"]))
        }
        1 => {
            fields.insert("port".to_owned(), json!({"type": "integer", "enum": [80, 81, 443]}));
            fields.insert("protocol".to_owned(), json!({"type": "string", "enum": ["TCP", "UDP"], "default": "TCP"}));
            (json!(["port", "protocol"]), json!(["port"]))
        }
        _ => {
            fields.insert("name".to_owned(), text);
            fields.insert("on".to_owned(), json!({"type": "boolean"}));
            (json!(["name", "on"]), json!(["name", "on"]))
        }
    };
    json!({
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys,
        "items": {"type": "object", "required": required, "properties": fields},
    })
}

fn scalar(rng: &mut Rng) -> Value {
    match rng.usize(0..8) {
        0 => json!({"type": "boolean"}),
        1 => json!({"type": "integer"}),
        2 => json!({"type": "number"}),
        3 => json!({"type": "string", "nullable": true}),
        4 => json!({"type": "string", "default": "d"}),
        5 => json!({"type": "string", "format": "date-time"}),
        _ => json!({"type": "string"}),
    }
}

/// A value of a schema. Objects have some of their fields, lists some items.
pub fn value(rng: &mut Rng, schema: &Value) -> Value {
    if schema.get("nullable").is_some() && rng.u8(0..5) == 0 {
        return Value::Null;
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return rng.choice(values).cloned().unwrap_or_default();
    }
    if schema.get("x-kubernetes-int-or-string").is_some() {
        return if rng.bool() { rng.u8(0..3).into() } else { json!(word(rng)) };
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => rng.bool().into(),
        Some("integer") => rng.u8(0..3).into(),
        Some("number") => {
            if rng.bool() {
                json!(1.5)
            } else {
                json!(rng.u8(0..3))
            }
        }
        Some("string") if schema.get("format").is_some() => {
            json!(if rng.bool() { "2026-01-01T00:00:00Z" } else { "2026-01-02T00:00:00Z" })
        }
        Some("string") => json!(word(rng)),
        Some("array") => items(rng, schema),
        _ => Value::Object(fields(rng, schema)),
    }
}

fn fields(rng: &mut Rng, schema: &Value) -> Map<String, Value> {
    let mut map = Map::new();
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
    for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if required(name) || rng.u8(0..5) < 3 {
            map.insert(name.clone(), value(rng, schema));
        }
    }
    let more = rng.usize(0..4);
    if let Some(schema) = schema.get("additionalProperties") {
        map.extend((0..more).map(|_| (word(rng).to_owned(), value(rng, schema))));
    }
    if schema.get("x-kubernetes-preserve-unknown-fields").is_some() {
        map.extend((0..more).map(|_| (word(rng).to_owned(), anything(rng, 2))));
    }
    map
}

fn items(rng: &mut Rng, schema: &Value) -> Value {
    let list: Vec<Value> = (0..rng.usize(0..4)).map(|_| value(rng, &schema["items"])).collect();
    let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
    // The API server refuses items that are named twice.
    let name = |item: &Value| match (keys, schema["x-kubernetes-list-type"].as_str()) {
        (Some(keys), _) => {
            let key = |key: &Value| {
                let key = key.as_str().unwrap_or_default();
                item.get(key).cloned().unwrap_or_else(|| schema["items"]["properties"][key]["default"].clone())
            };
            keys.iter().map(key).collect()
        }
        (None, Some("set")) => item.clone(),
        _ => Value::Null,
    };
    let mut seen = Vec::new();
    let is_new = |item: &Value| {
        let name = name(item);
        let is_new = name.is_null() || !seen.contains(&name);
        seen.push(name);
        is_new
    };
    Value::Array(list.into_iter().filter(is_new).collect())
}

fn anything(rng: &mut Rng, depth: usize) -> Value {
    match rng.usize(0..if depth == 0 { 4 } else { 7 }) {
        0 => rng.bool().into(),
        1 => rng.u8(0..3).into(),
        2 | 3 => json!(word(rng)),
        4 => Value::Array((0..rng.usize(0..3)).map(|_| anything(rng, depth - 1)).collect()),
        _ => Value::Object((0..rng.usize(0..3)).map(|_| (word(rng).to_owned(), anything(rng, depth - 1))).collect()),
    }
}

/// One of few words.
pub fn word(rng: &mut Rng) -> &'static str {
    rng.choice(["a", "b", "c", "d<e"]).unwrap_or("a")
}

/// A value that differs from another in some places: taken from a third one, or missing.
pub fn mixed(rng: &mut Rng, old: &Value, other: &Value) -> Value {
    match (old, other) {
        (Value::Object(old), Value::Object(other)) => {
            let mut map = Map::new();
            for (name, old) in old {
                match (rng.u8(0..8), other.get(name)) {
                    (0, None) => {}
                    (0..3, Some(other)) => drop(map.insert(name.clone(), other.clone())),
                    (3 | 4, Some(other)) => drop(map.insert(name.clone(), mixed(rng, old, other))),
                    _ => drop(map.insert(name.clone(), old.clone())),
                }
            }
            for (name, other) in other.iter().filter(|(name, _)| !old.contains_key(*name)) {
                if rng.u8(0..3) == 0 {
                    map.insert(name.clone(), other.clone());
                }
            }
            Value::Object(map)
        }
        _ => {
            if rng.bool() {
                old.clone()
            } else {
                other.clone()
            }
        }
    }
}

/// A merge patch: some of a value, and null for some of what is there.
pub fn merge_patch(rng: &mut Rng, live: &Value, other: &Value) -> Value {
    let (Value::Object(live), Value::Object(other)) = (live, other) else { return other.clone() };
    let mut map = Map::new();
    for name in live.keys().filter(|_| rng.u8(0..4) == 0) {
        map.insert(name.clone(), Value::Null);
    }
    for (name, value) in other {
        if rng.bool() {
            let value = live.get(name).map_or_else(|| value.clone(), |live| merge_patch(rng, live, value));
            map.insert(name.clone(), value);
        }
    }
    Value::Object(map)
}

/// A JSON patch that changes one place below a field of an object.
pub fn json_patch(rng: &mut Rng, field: &str, live: &Value, other: &Value) -> Value {
    let root = format!("/{field}");
    let mut path = root.clone();
    let (live, other) = (&live[field], &other[field]);
    let mut found = live;
    let mut replacement = other;
    while let (Some(map), Some(others)) = (found.as_object(), replacement.as_object()) {
        let names: Vec<&String> = map.keys().filter(|name| others.contains_key(*name)).collect();
        let Some(name) = rng.choice(names) else { break };
        path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        (found, replacement) = (&map[name], &others[name]);
        if rng.u8(0..3) == 0 {
            break;
        }
    }
    let mut tested = json!({"op": "test", "path": path, "value": found});
    // Upstream compares the bytes of scalars, and finds a difference where only one of them escapes what HTML reads; where
    // it compares null with null within a list or a map, it dies of it.
    let text = found.to_string();
    if text.contains('<') || text.contains("null") {
        tested["path"] = format!("{root}/nothing").into();
        tested["value"] = Value::Null;
    }
    match rng.u8(0..4) {
        0 if path != root => json!([{"op": "remove", "path": path}]),
        1 => json!([tested, {"op": "replace", "path": path, "value": replacement}]),
        2 if path != root => json!([{"op": "copy", "from": path, "path": path}, tested]),
        _ => json!([{"op": "replace", "path": path, "value": replacement}]),
    }
}

/// Labels, annotations and finalizers; not always.
pub fn metadata(rng: &mut Rng, name: &str) -> Value {
    let mut meta = json!({"name": name});
    if rng.u8(0..3) == 0 {
        let labels: Map<String, Value> = (0..rng.usize(0..3))
            .map(|_| (rng.choice(["a", "b", "c"]).unwrap_or("a").to_owned(), json!(rng.choice(["1", "2"]))))
            .collect();
        meta["labels"] = Value::Object(labels);
    }
    if rng.u8(0..4) == 0 {
        let annotations: Map<String, Value> = (0..rng.usize(1..3))
            .map(|_| (rng.choice(["x.org/a", "x.org/b"]).unwrap_or("a").to_owned(), json!(word(rng))))
            .collect();
        meta["annotations"] = Value::Object(annotations);
    }
    if rng.u8(0..8) == 0 {
        let mut finalizers: Vec<&str> = vec!["x.org/f", "x.org/g", "x.org/h"];
        rng.shuffle(&mut finalizers);
        finalizers.truncate(rng.usize(0..3));
        meta["finalizers"] = json!(finalizers);
    }
    meta
}
