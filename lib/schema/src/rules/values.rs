//! Values as rules see them: what the schema says that they are.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use cel::Value as Cel;
use cel::objects::{Key, Map};
use serde_json::Value;

use crate::node::{Additional, Format, Id, Type};
use crate::schemas::Schemas;

/// Words of CEL, which a field may be called only with underscores around.
const RESERVED: [&str; 20] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
];

/// A value as its schema has it: times are times, durations are durations, and fields have names that CEL can say.
pub(super) fn of(schemas: &Schemas, id: Id, value: &Value) -> Cel {
    let node = schemas.node(id);
    match value {
        Value::Number(number) if node.kind == Type::Number => Cel::Float(number.as_f64().unwrap_or_default()),
        Value::String(text) => text_of(&node.format, text),
        Value::Array(items) => {
            let element = node.items.unwrap_or(Id::UNTYPED);
            Cel::List(Arc::new(items.iter().map(|item| of(schemas, element, item)).collect()))
        }
        Value::Object(fields) => {
            let mut map = HashMap::new();
            // A field that is null is one that is not there.
            for (name, value) in
                fields.iter().filter(|(name, value)| !value.is_null() || schemas.field(id, name).is_none())
            {
                let (name, value) = match (schemas.field(id, name), node.additional) {
                    (Some(field), _) => (escaped(name), of(schemas, field.node, value)),
                    (None, Additional::Of(element)) => (name.clone(), of(schemas, element, value)),
                    _ => (name.clone(), expression::from_json(value)),
                };
                map.insert(Key::String(Arc::new(name)), value);
            }
            Cel::Map(Map { map: Arc::new(map) })
        }
        other => expression::from_json(other),
    }
}

fn text_of(format: &Format, text: &str) -> Cel {
    let plain = || Cel::String(Arc::new(text.to_owned()));
    match format {
        Format::DateTime => expression::timestamp(text).unwrap_or_else(plain),
        Format::Byte => BASE64.decode(text).map_or_else(|_| plain(), |bytes| Cel::Bytes(Arc::new(bytes))),
        Format::Other(name) => match &**name {
            "duration" => expression::duration(text).unwrap_or_else(plain),
            "date" => expression::timestamp(&format!("{text}T00:00:00Z")).unwrap_or_else(plain),
            "datetime" => expression::timestamp(text).unwrap_or_else(plain),
            _ => plain(),
        },
        Format::None | Format::Int32 | Format::Int64 => plain(),
    }
}

/// The name by which a rule says a field.
fn escaped(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !name.contains("__") {
        return name.to_owned();
    }
    name.replace("__", "__underscores__").replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}
