//! Structural schemas with everything that they can demand, and objects that meet most of it, by chance.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// A schema of a CRD's `spec`.
pub fn schema(rng: &mut Rng) -> Value {
    let fields: Map<String, Value> = (0..rng.usize(2..6)).map(|n| (format!("f{n}"), node(rng, 2))).collect();
    object_of(rng, &fields)
}

fn object_of(rng: &mut Rng, fields: &Map<String, Value>) -> Value {
    let names: Vec<String> = fields.keys().cloned().collect();
    let mut schema = json!({"type": "object", "properties": fields});
    let some: Vec<&String> = names.iter().filter(|_| rng.u8(0..3) == 0).collect();
    if !some.is_empty() {
        schema["required"] = json!(some);
    }
    match rng.u8(0..14) {
        0 => schema["minProperties"] = 1.into(),
        1 => schema["maxProperties"] = rng.usize(1..3).into(),
        2 => schema["x-kubernetes-preserve-unknown-fields"] = true.into(),
        3 => schema["nullable"] = true.into(),
        4 => schema["oneOf"] = names.iter().take(2).map(|name| json!({"required": [name]})).collect(),
        5 => schema["anyOf"] = names.iter().take(2).map(|name| json!({"required": [name]})).collect(),
        6 => schema["not"] = json!({"required": [names[0]]}),
        7 => {
            let message = if rng.bool() { json!("needs its first") } else { Value::Null };
            schema["x-kubernetes-validations"] =
                json!([{"rule": format!("has(self.{})", names[0]), "message": message}]);
            if message.is_null() {
                drop(schema["x-kubernetes-validations"][0].as_object_mut().and_then(|rule| rule.remove("message")));
            }
        }
        _ => {}
    }
    schema
}

fn node(rng: &mut Rng, depth: usize) -> Value {
    if depth == 0 {
        return scalar(rng);
    }
    match rng.u8(0..12) {
        0 | 1 => {
            let fields: Map<String, Value> =
                (0..rng.usize(1..4)).map(|n| (format!("p{n}"), node(rng, depth - 1))).collect();
            object_of(rng, &fields)
        }
        2 => {
            let mut schema = json!({"type": "object", "additionalProperties": node(rng, depth - 1)});
            // What is not bounded costs too much to be held against rules.
            schema["maxProperties"] = 2.into();
            if rng.u8(0..4) == 0 {
                schema["minProperties"] = 1.into();
            }
            schema
        }
        3 => json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
        4 | 5 => list(rng, depth),
        6 => {
            let fields = json!({
                "name": {"type": "string", "maxLength": 4},
                "p0": scalar(rng),
            });
            json!({
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "maxItems": 3,
                "items": {"type": "object", "required": ["name"], "properties": fields},
            })
        }
        7 => json!({"x-kubernetes-int-or-string": true}),
        8 => {
            json!({"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true})
        }
        _ => scalar(rng),
    }
}

fn list(rng: &mut Rng, depth: usize) -> Value {
    let items = if rng.bool() { scalar(rng) } else { node(rng, depth - 1) };
    let is_text = items["type"] == "string" && items.get("format").is_none();
    let mut schema = json!({"type": "array", "items": items, "maxItems": 3});
    match rng.u8(0..8) {
        0 => schema["minItems"] = rng.usize(1..3).into(),
        1 => schema["maxItems"] = rng.usize(0..3).into(),
        2 if is_text => schema["x-kubernetes-list-type"] = "set".into(),
        3 => schema["nullable"] = true.into(),
        4 if is_text => {
            schema["items"]["maxLength"] = 6.into();
            schema["x-kubernetes-validations"] = json!([{"rule": "self.all(x, x != 'a')", "message": "no a"}]);
        }
        _ => {}
    }
    schema
}

const FORMATS: [&str; 20] = [
    "date-time",
    "date",
    "duration",
    "byte",
    "uuid",
    "ipv4",
    "ipv6",
    "cidr",
    "hostname",
    "email",
    "uri",
    "mac",
    "password",
    "unheard-of",
    "k8s-short-name",
    "k8s-long-name",
    "ssn",
    "isbn",
    "creditcard",
    "hexcolor",
];

fn scalar(rng: &mut Rng) -> Value {
    let mut schema = match rng.u8(0..10) {
        0 => json!({"type": "boolean"}),
        1 => json!({"type": "string", "format": rng.choice(FORMATS)}),
        2 => {
            let values = [json!(["a", "b"]), json!(["a", "b", "c", "d"])];
            json!({"type": "string", "enum": rng.choice(values)})
        }
        3 => json!({"type": "string", "pattern": rng.choice(["^[a-z]+$", "^a", "b$", "^\\d{2}$", "[[:alpha:]]"])}),
        4 => json!({"type": "string", "minLength": rng.usize(0..3), "maxLength": rng.usize(2..5)}),
        5 | 6 => number(rng, "integer"),
        7 => number(rng, "number"),
        _ => json!({"type": "string"}),
    };
    match rng.u8(0..12) {
        0 => schema["nullable"] = true.into(),
        1 => {
            // The default is held against the schema too.
            let value = value(rng, &schema, 0);
            if !value.is_null() {
                schema["default"] = value;
            }
        }
        2 if schema["type"] == "string" && schema.get("format").is_none() => {
            schema["maxLength"] = 5.into();
            let rules = [
                json!({"rule": "self.size() < 3", "message": "too long for us"}),
                json!({"rule": "self.startsWith('a')", "messageExpression": "'begin with a, not with ' + self"}),
                json!({"rule": "self == oldSelf", "message": "stays"}),
                json!({"rule": "self != 'b'", "reason": "FieldValueForbidden", "message": "b"}),
            ];
            schema["x-kubernetes-validations"] = json!([rng.choice(rules)]);
        }
        3 if schema["type"] == "integer" => {
            let rules = [
                json!({"rule": "self > 1"}),
                json!({"rule": "self >= oldSelf", "message": "may only grow"}),
                json!({"rule": "self % 2 == 0", "messageExpression": "self > 3 ? 'odd and large' : 'odd'"}),
            ];
            schema["x-kubernetes-validations"] = json!([rng.choice(rules)]);
        }
        _ => {}
    }
    schema
}

fn number(rng: &mut Rng, type_: &str) -> Value {
    let mut schema = json!({"type": type_});
    if rng.bool() {
        schema["minimum"] = rng.i32(-2..3).into();
        if rng.bool() {
            schema["exclusiveMinimum"] = true.into();
        }
    }
    if rng.bool() {
        schema["maximum"] = rng.i32(3..9).into();
        if rng.bool() {
            schema["exclusiveMaximum"] = true.into();
        }
    }
    match (rng.u8(0..4), type_) {
        (0, _) => schema["multipleOf"] = 2.into(),
        (1, "integer") => schema["format"] = (*["int32", "int64"].get(rng.usize(0..2)).unwrap_or(&"int32")).into(),
        (1, _) => schema["format"] = "double".into(),
        _ => {}
    }
    schema
}

/// A value of a schema, of which one part in `wrong` is not; none is wrong when it is 0.
pub fn value(rng: &mut Rng, schema: &Value, wrong: usize) -> Value {
    if wrong > 0 && rng.usize(0..wrong) == 0 {
        let others = [
            json!(null),
            json!(true),
            json!(0),
            json!(-7),
            json!(1.5),
            json!(12_345_678_901_i64),
            json!(""),
            json!("a"),
            json!("not this"),
            json!([]),
            json!(["a", "a"]),
            json!({}),
            json!({"unknown": 1}),
        ];
        return rng.choice(others).unwrap_or_default();
    }
    if schema.get("nullable").is_some() && rng.u8(0..5) == 0 {
        return Value::Null;
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return rng.choice(values).cloned().unwrap_or_default();
    }
    if schema.get("x-kubernetes-int-or-string").is_some() {
        return if rng.bool() { 3.into() } else { "10%".into() };
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => rng.bool().into(),
        Some("integer") => rng.i32(-1..9).into(),
        Some("number") => rng.choice([json!(2), json!(2.5), json!(4), json!(-0.5)]).unwrap_or_default(),
        Some("array") => {
            let items = &schema["items"];
            (0..rng.usize(0..3)).map(|_| value(rng, items, wrong)).collect()
        }
        Some("object") => object(rng, schema, wrong),
        _ => text(rng, schema).into(),
    }
}

fn object(rng: &mut Rng, schema: &Value, wrong: usize) -> Value {
    if schema.get("x-kubernetes-embedded-resource").is_some() {
        let kinds = [
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"a": "b"}}, "data": {"a": "b"}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "A B", "unknown": 1}}),
            json!({"kind": "ConfigMap"}),
        ];
        return rng.choice(kinds).unwrap_or_default();
    }
    let mut object = Map::new();
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if rng.u8(0..4) > 0 {
            object.insert(name.clone(), value(rng, field, wrong));
        }
    }
    if let Some(more) = schema.get("additionalProperties") {
        for name in ["a", "b", "c"].iter().take(rng.usize(0..4)) {
            object.insert((*name).to_owned(), value(rng, more, wrong));
        }
    }
    let is_open = schema.get("x-kubernetes-preserve-unknown-fields").is_some();
    if is_open || wrong > 0 && rng.usize(0..wrong) == 0 {
        object.insert("unknown".to_owned(), json!({"deep": [1, null]}));
    }
    Value::Object(object)
}

fn text(rng: &mut Rng, schema: &Value) -> String {
    let candidates: &[&str] = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => &["2024-01-02T03:04:05Z", "2024-01-02T03:04:05.123+02:00", "2024-01-02"],
        Some("date") => &["2024-01-02", "2024-13-02"],
        Some("duration") => &["1h", "1m30s", "90", "1 day"],
        Some("byte") => &["aGVsbG8=", "***"],
        Some("uuid") => &["123e4567-e89b-12d3-a456-426614174000", "123"],
        Some("ipv4") => &["10.0.0.1", "010.0.0.1", "fd00::1"],
        Some("ipv6") => &["fd00::1", "10.0.0.1"],
        Some("cidr") => &["10.0.0.0/8", "10.0.0.0"],
        Some("hostname") => &["example.com", "-example"],
        Some("email") => &["a@example.com", "a"],
        Some("uri") => &["https://example.com/a", "example com"],
        Some("k8s-short-name" | "k8s-long-name") => &["a", "a.b", "A", "-"],
        Some("ssn") => &["123-45-6789", "123 45 6789", "12"],
        Some("isbn") => &["0321751043", "978-0321751041", "978-0321751042", "032175104X"],
        Some("creditcard") => &["4111 1111 1111 1111", "4111111111111112", "1"],
        Some("hexcolor") => &["#fff", "fffffg"],
        Some("mac") => &["00:1b:44:11:3a:b7", "zz"],
        _ => &["a", "b", "ab", "abc", "42", "abcdef", ""],
    };
    rng.choice(candidates).copied().unwrap_or_default().to_owned()
}
