//! From the bytes of a body to a value, with what a strict reader would object to.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::failure::Failure;
use crate::resource::FieldError;
use crate::verbs::protobuf;

/// In which form a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
    Protobuf,
}

/// A body that could be read.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) value: Value,
    /// `duplicate field "spec.replicas"`, of which the last one counted.
    pub(crate) duplicates: Vec<String>,
}

/// What is read of a YAML body: as deep as JSON may be, and no more aliases than a person would write.
const YAML: yaml::Limits = yaml::Limits { bytes: 3 << 20, depth: 120, nodes: 400_000, documents: 1 };

/// Reads a body.
///
/// # Errors
/// 400 that says where it cannot be read.
pub(crate) fn decode(body: &[u8], format: Format) -> Result<Decoded, Failure> {
    match format {
        Format::Json => {
            let mut duplicates = Vec::new();
            let mut reader = serde_json::Deserializer::from_slice(body);
            let value = Seed { path: &mut String::new(), duplicates: &mut duplicates }.deserialize(&mut reader);
            let value = value.and_then(|value| reader.end().map(|()| value));
            let value = value.map_err(|error| {
                let why = if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() };
                Failure::bad_request(format!("couldn't get version/kind; json parse error: {why}"))
            })?;
            Ok(Decoded { value, duplicates })
        }
        Format::Protobuf => Ok(Decoded { value: protobuf::decode(body)?, duplicates: Vec::new() }),
        Format::Yaml => {
            let bad = |error: yaml::Error| Failure::bad_request(format!("yaml: line {}: {}", error.line(), error.kind));
            let text = yaml::text(body).map_err(bad)?;
            let reader = yaml::Reader::new(yaml::Schema::V2).limits(YAML);
            let value = reader.value(text).map_err(bad)?;
            let repeated = match reader.strict().value(text) {
                Err(error) if matches!(error.kind, yaml::ErrorKind::DuplicateKey { .. }) => {
                    vec![format!("yaml: unmarshal errors:\n  {error}")]
                }
                _ => Vec::new(),
            };
            Ok(Decoded { value, duplicates: repeated })
        }
    }
}

/// Checks that a body is of this version and kind, and completes what it leaves out. `is_known` says which kinds of
/// which versions there are at all.
///
/// # Errors
/// 400 for another kind or version.
pub(crate) fn check(kind: &Kind<'_>, value: &mut Value, is_known: impl Fn(&str, &str) -> bool) -> Result<(), Failure> {
    let Kind { api_version, name, custom } = *kind;
    if value.is_null() && !custom {
        *value = Value::Object(Map::new());
    }
    let Value::Object(object) = value else {
        let found = match value {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Bool(_) => "bool",
            _ => "number",
        };
        return Err(Failure::bad_request(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type {TYPE_META}"
        )));
    };
    let text = |key: &str| object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (found_version, found_kind) = (text("apiVersion"), text("kind"));
    if custom {
        // Custom objects are read without knowing what they are: they say it themselves, all of it.
        let Some(found) = found_kind else {
            let message = format!("Object 'Kind' is missing in '{}'", Value::Object(object.clone()));
            return Err(Failure::bad_request(message));
        };
        let version = found_version.unwrap_or_default();
        if version != api_version {
            return Err(Failure::bad_request(format!(
                "the API version in the data ({version}) does not match the expected API version ({api_version})"
            )));
        }
        if found != name {
            let message = format!("Invalid value: {found:?}: must be {name}");
            let error = FieldError { field: "kind".to_owned(), reason: "FieldValueInvalid", message };
            let group = api_version.split_once('/').map_or("", |(group, _)| group);
            let object = object.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str);
            return Err(Failure::invalid(group, found, object.unwrap_or_default(), &[error]));
        }
        return Ok(());
    }
    let (version, found) = (found_version.unwrap_or(api_version), found_kind.unwrap_or(name));
    if (version, found) != (api_version, name) {
        let why = if is_known(version, found) {
            let package = |version: &str| {
                let group = version.rsplit_once('/').map_or("core", |(group, _)| group);
                group.split('.').next().unwrap_or_default().to_owned()
            };
            let short = version.rsplit('/').next().unwrap_or_default();
            format!("converting ({short}.{found}) to ({}.{name}): unknown conversion", package(api_version))
        } else {
            unregistered(version, found)
        };
        return Err(Failure::bad_request(format!(
            "{found} in version {:?} cannot be handled as a {name}: {why}",
            short(version)
        )));
    }
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), name.into());
    Ok(())
}

/// What upstream says of kinds that nobody knows.
pub(crate) fn unregistered(api_version: &str, kind: &str) -> String {
    format!("no kind {kind:?} is registered for version {api_version:?} in scheme \"pkg/runtime/scheme.go:111\"")
}

/// The kind that a body must be of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) name: &'a str,
    pub(crate) custom: bool,
}

fn short(api_version: &str) -> &str {
    api_version.rsplit('/').next().unwrap_or_default()
}

/// A body of which not even the kind can be read.
pub(crate) fn unrecognized(kind: &str, why: &str, body: &[u8]) -> Failure {
    let head = &body[..body.len().min(SHOWN)];
    let mut shown = match body.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(head).into_owned(),
        Some(_) => hex(head),
    };
    if body.len() > SHOWN {
        shown.push_str(" ...");
    }
    Failure::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({shown})"))
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// Bytes of a body that an error shows.
const SHOWN: usize = 30;
/// What Go's decoder calls the part of an object that says its kind.
const TYPE_META: &str =
    r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;

/// Reads a value and notes which keys are there twice.
struct Seed<'a> {
    path: &'a mut String,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        let length = self.path.len();
        loop {
            self.path.extend(["[", list.len().to_string().as_str(), "]"]);
            let item = items.next_element_seed(Seed { path: self.path, duplicates: self.duplicates })?;
            self.path.truncate(length);
            match item {
                Some(item) => list.push(item),
                None => return Ok(list.into()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        let length = self.path.len();
        while let Some(key) = entries.next_key::<String>()? {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            if map.contains_key(&key) {
                self.duplicates.push(format!("duplicate field {:?}", self.path));
            }
            let value = entries.next_value_seed(Seed { path: self.path, duplicates: self.duplicates })?;
            self.path.truncate(length);
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn repeated_fields_are_noted_and_the_last_one_counts() {
        let body = br#"{"spec":{"replicas":1,"replicas":2,"ports":[{"a":1},{"a":1,"a":2}]}}"#;
        let decoded = decode(body, Format::Json).unwrap();
        assert_eq!(decoded.value, json!({ "spec": { "replicas": 2, "ports": [{ "a": 1 }, { "a": 2 }] } }));
        assert_eq!(decoded.duplicates, [r#"duplicate field "spec.replicas""#, r#"duplicate field "spec.ports[1].a""#]);
    }

    #[test]
    fn yaml_is_read_as_go_reads_it() {
        let decoded = decode(b"a: yes\nb: 0x10\n", Format::Yaml).unwrap();
        assert_eq!(decoded.value, json!({ "a": true, "b": 16 }));
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for i in 0..8 {
            let (name, of) = (char::from(b'b' + i), char::from(b'a' + i));
            bomb.push_str(&[name.to_string(), ": &".to_owned(), name.to_string(), " [".to_owned()].concat());
            bomb.push_str(&vec![format!("*{of}"); 10].join(","));
            bomb.push_str("]\n");
        }
        assert_eq!(decode(bomb.as_bytes(), Format::Yaml).unwrap_err().code, 400);
        let deep = "[".repeat(100_000);
        assert_eq!(decode(deep.as_bytes(), Format::Yaml).unwrap_err().code, 400);
        assert_eq!(decode(deep.as_bytes(), Format::Json).unwrap_err().code, 400);
    }
}
