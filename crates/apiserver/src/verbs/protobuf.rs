//! Bodies in Kubernetes' protobuf, which upstream's own clients send of built-in kinds: read into the same values as JSON.
//!
//! Answers are JSON, which such clients take as well. What a field is called and of what kind it is says `data/protobuf.txt`.
//!
//! # Source
//! `k8s.io/apimachinery/pkg/runtime/serializer/protobuf`; the encoding of protocol buffers, version 2.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::failure::Failure;

const TABLE: &str = include_str!("../../data/protobuf.txt");
/// What every body begins with.
const MAGIC: &[u8] = b"k8s\0";
/// Messages inside each other, as deep as JSON may be.
const DEEPEST: usize = 100;

static MESSAGES: LazyLock<HashMap<&'static str, HashMap<u64, Field>>> = LazyLock::new(|| {
    let mut messages: HashMap<&str, HashMap<u64, Field>> = HashMap::new();
    let mut current = "";
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let Some(field) = line.strip_prefix(' ') else {
            current = line;
            messages.entry(line).or_default();
            continue;
        };
        let mut words = field.splitn(3, ' ');
        if let (Some(Ok(number)), Some(name), Some(kind)) = (words.next().map(str::parse), words.next(), words.next()) {
            messages.entry(current).or_default().insert(number, Field::new(name, kind));
        }
    }
    messages
});

/// A field of a message.
#[derive(Clone, Copy, Debug)]
struct Field {
    name: &'static str,
    shape: Shape,
    /// A scalar, or the name of a message.
    kind: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    One,
    Repeated,
    Map,
    /// The fields of the message are fields of the one around it.
    Inline,
}

impl Field {
    fn new(name: &'static str, kind: &'static str) -> Self {
        let shape = match kind.as_bytes().first() {
            Some(b'*') => Shape::Repeated,
            Some(b'%') => Shape::Map,
            Some(b'<') => Shape::Inline,
            _ => Shape::One,
        };
        let kind = if shape == Shape::One { kind } else { &kind[1..] };
        Self { name, shape, kind }
    }
}

/// A body that is not what it says.
#[derive(Debug)]
struct Broken;

/// Reads a body.
///
/// # Errors
/// 400 for what is broken, or of a kind that is not known in this form.
pub(crate) fn decode(body: &[u8]) -> Result<Value, Failure> {
    let broken = |Broken| Failure::bad_request("the body is no protobuf of a Kubernetes object");
    let body = body.strip_prefix(MAGIC).ok_or(Broken).map_err(broken)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for part in Parts(body) {
        match part.map_err(broken)? {
            (1, Wire::Bytes(meta)) => {
                for part in Parts(meta) {
                    match part.map_err(broken)? {
                        (1, Wire::Bytes(text)) => api_version = String::from_utf8_lossy(text).into_owned(),
                        (2, Wire::Bytes(text)) => kind = String::from_utf8_lossy(text).into_owned(),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let name = message_name(&api_version, &kind);
    if !MESSAGES.contains_key(name.as_str()) {
        return Err(Failure::bad_request(format!(
            "{kind} of {api_version} is not read as protobuf here; send it as application/json"
        )));
    }
    let mut value = message(&name, raw, 0).map_err(broken)?;
    value["apiVersion"] = api_version.into();
    value["kind"] = kind.into();
    Ok(value)
}

/// `k8s.io.api.apps.v1.Deployment`.
fn message_name(api_version: &str, kind: &str) -> String {
    let (group, version) = api_version.split_once('/').unwrap_or(("core", api_version));
    if kind == "DeleteOptions" {
        return "k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions".to_owned();
    }
    let group = group.split('.').next().unwrap_or_default();
    format!("k8s.io.api.{group}.{version}.{kind}")
}

/// What stands on the wire under one number.
#[derive(Clone, Copy, Debug)]
enum Wire<'b> {
    Number(u64),
    Fixed(u64),
    Bytes(&'b [u8]),
}

/// The fields of a message, in the order of the wire.
struct Parts<'b>(&'b [u8]);

impl<'b> Parts<'b> {
    fn varint(&mut self) -> Result<u64, Broken> {
        let mut number = 0_u64;
        for at in 0..10 {
            let (byte, rest) = self.0.split_first().ok_or(Broken)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(7 * at).unwrap_or_default();
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Broken)
    }

    fn take(&mut self, length: u64) -> Result<&'b [u8], Broken> {
        let length = usize::try_from(length).map_err(|_| Broken)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Broken)?;
        self.0 = rest;
        Ok(taken)
    }

    fn part(&mut self) -> Result<(u64, Wire<'b>), Broken> {
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Number(self.varint()?),
            1 => Wire::Fixed(self.take(8)?.try_into().map(u64::from_le_bytes).map_err(|_| Broken)?),
            2 => {
                let length = self.varint()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed(self.take(4)?.try_into().map(u32::from_le_bytes).map_err(|_| Broken)?.into()),
            _ => return Err(Broken),
        };
        Ok((tag >> 3, wire))
    }
}

impl<'b> Iterator for Parts<'b> {
    type Item = Result<(u64, Wire<'b>), Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let part = self.part();
        if part.is_err() {
            self.0 = &[];
        }
        Some(part)
    }
}

fn message(name: &str, bytes: &[u8], depth: usize) -> Result<Value, Broken> {
    if depth > DEEPEST {
        return Err(Broken);
    }
    if let Some(special) = special(name, bytes, depth) {
        return special;
    }
    let mut object = Map::new();
    let Some(fields) = MESSAGES.get(name) else { return Ok(object.into()) };
    for part in Parts(bytes) {
        let (number, wire) = part?;
        let Some(field) = fields.get(&number) else { continue };
        match field.shape {
            Shape::One => drop(object.insert(field.name.to_owned(), scalar(field.kind, wire, depth)?)),
            Shape::Inline => {
                if let Value::Object(inner) = scalar(field.kind, wire, depth)? {
                    object.extend(inner);
                }
            }
            Shape::Repeated => {
                let list = object.entry(field.name).or_insert_with(|| json!([]));
                if let Value::Array(list) = list {
                    list.push(scalar(field.kind, wire, depth)?);
                }
            }
            Shape::Map => {
                let (key, value) = entry(field.kind, wire, depth)?;
                let map = object.entry(field.name).or_insert_with(|| json!({}));
                if let Value::Object(map) = map {
                    map.insert(key, value);
                }
            }
        }
    }
    Ok(object.into())
}

fn entry(kind: &'static str, wire: Wire<'_>, depth: usize) -> Result<(String, Value), Broken> {
    let Wire::Bytes(bytes) = wire else { return Err(Broken) };
    let (mut key, mut value) = (String::new(), None);
    for part in Parts(bytes) {
        match part? {
            (1, Wire::Bytes(text)) => std::str::from_utf8(text).map_err(|_| Broken)?.clone_into(&mut key),
            (2, wire) => value = Some(scalar(kind, wire, depth)?),
            _ => {}
        }
    }
    let value = match value {
        Some(value) => value,
        None => scalar(kind, Wire::Bytes(&[]), depth)?,
    };
    Ok((key, value))
}

fn scalar(kind: &'static str, wire: Wire<'_>, depth: usize) -> Result<Value, Broken> {
    Ok(match (kind, wire) {
        ("string", Wire::Bytes(bytes)) => std::str::from_utf8(bytes).map_err(|_| Broken)?.into(),
        ("bytes", Wire::Bytes(bytes)) => BASE64.encode(bytes).into(),
        ("bool", Wire::Number(number)) => (number != 0).into(),
        // Negative numbers are written in ten bytes, as the two's complement.
        ("int32" | "int64", Wire::Number(number)) => number.cast_signed().into(),
        ("uint32" | "uint64", Wire::Number(number)) => number.into(),
        ("double", Wire::Fixed(bits)) => json!(f64::from_bits(bits)),
        (_, Wire::Bytes(bytes)) => message(kind, bytes, depth + 1)?,
        _ => return Err(Broken),
    })
}

/// Messages whose JSON is not a map of their fields.
fn special(name: &str, bytes: &[u8], depth: usize) -> Option<Result<Value, Broken>> {
    let short = name.rsplit('.').next().unwrap_or_default();
    let part = |wanted: u64| {
        let mut found = None;
        for part in Parts(bytes) {
            match part {
                Ok((number, wire)) if number == wanted => found = Some(wire),
                Ok(_) => {}
                Err(Broken) => return Err(Broken),
            }
        }
        Ok(found)
    };
    let text = |wanted| match part(wanted)? {
        Some(Wire::Bytes(bytes)) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        _ => Ok(String::new()),
    };
    let number = |wanted| match part(wanted)? {
        Some(Wire::Number(number)) => Ok(number.cast_signed()),
        _ => Ok(0),
    };
    let raw = |wanted| match part(wanted)? {
        Some(Wire::Bytes(bytes)) if !bytes.is_empty() => serde_json::from_slice(bytes).map_err(|_| Broken),
        _ => Ok(Value::Null),
    };
    Some(match short {
        "Quantity" => text(1).map(Value::from),
        "IntOrString" => {
            number(1).and_then(|kind| if kind == 0 { number(2).map(Value::from) } else { text(3).map(Value::from) })
        }
        "Time" | "MicroTime" | "Timestamp" if bytes.is_empty() => Ok(Value::Null),
        "Time" | "MicroTime" | "Timestamp" => number(1).and_then(|seconds| {
            let nanos = i32::try_from(number(2)?).map_err(|_| Broken)?;
            let at = Timestamp::new(seconds, nanos).map_err(|_| Broken)?;
            Ok(if short == "MicroTime" { format!("{at:.6}") } else { format!("{at:.0}") }.into())
        }),
        "FieldsV1" | "RawExtension" | "JSON" => raw(1),
        "ExtraValue" | "Verbs" => {
            let items: Result<Vec<Value>, Broken> = Parts(bytes)
                .map(|part| match part? {
                    (1, wire) => scalar("string", wire, depth),
                    _ => Err(Broken),
                })
                .collect();
            items.map(Value::from)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of a message in bytes.
    fn bytes(number: u8, value: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(value.len()).unwrap()], value].concat()
    }

    fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [bytes(1, api_version.as_bytes()), bytes(2, kind.as_bytes())].concat();
        [MAGIC, &bytes(1, &meta), &bytes(2, raw)].concat()
    }

    #[test]
    fn a_config_map_is_read() {
        let metadata = [bytes(1, b"a"), bytes(8, b"")].concat();
        let data = [bytes(1, b"k"), bytes(2, b"v")].concat();
        let binary = [bytes(1, b"b"), bytes(2, &[1, 2])].concat();
        let raw = [bytes(1, &metadata), bytes(2, &data), bytes(3, &binary)].concat();
        let value = decode(&body("v1", "ConfigMap", &raw)).unwrap();
        assert_eq!(
            value,
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": { "name": "a", "creationTimestamp": null },
                "data": { "k": "v" },
                "binaryData": { "b": "AQI=" },
            })
        );
    }

    #[test]
    fn what_is_broken_is_refused() {
        let good = body("v1", "ConfigMap", &bytes(1, &bytes(1, b"a")));
        for end in 0..good.len() {
            // Some beginnings are whole messages of less; none may do harm.
            drop(decode(&good[..end]));
        }
        assert_eq!(decode(b"{}").unwrap_err().code, 400);
        assert_eq!(decode(&body("v1", "Nonsense", b"")).unwrap_err().code, 400);
        assert_eq!(decode(&[MAGIC, &[0xff; 30]].concat()).unwrap_err().code, 400);
        assert_eq!(decode(&body("v1", "ConfigMap", &[1 << 3 | 2, 0x7f, 1])).unwrap_err().code, 400);
    }
}
