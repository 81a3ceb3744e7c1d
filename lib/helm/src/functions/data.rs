//! YAML, JSON and TOML from values and back.

use gotemplate::sprig::json;
use gotemplate::{Fault, Funcs, List, Map, Type, Value};
use serde_json::Number;

use super::toml;
use crate::values;

/// The longest text that a value may be encoded as.
const MAX_TEXT: usize = 256 << 20;

const JSON: json::Layout = json::Layout { indent: "", escape_html: true };

pub(super) fn register(funcs: &mut Funcs) {
    const ANY: &[Type] = &[Type::Any];
    const TEXT: &[Type] = &[Type::String];
    funcs.add("toYaml", ANY, |call, args| {
        let text = to_yaml(args.get(0)).unwrap_or_default();
        call.spend_bytes(text.len())?;
        Ok(text.into())
    });
    funcs.add("mustToYaml", ANY, |_, args| Ok(to_yaml(args.get(0)).map_err(Fault::message)?.into()));
    funcs.add("toYamlPretty", ANY, |_, args| {
        Ok(to_yaml(args.get(0)).map(|text| indent_sequences(&text)).unwrap_or_default().into())
    });
    funcs.add("fromYaml", TEXT, |_, args| {
        Ok(match from_yaml(&args.text(0)?) {
            Ok(serde_json::Value::Object(table)) => values::to_map(&values::with_go_numbers(table)).into(),
            Ok(serde_json::Value::Null) => Map::new().into(),
            Ok(other) => error_map(format!("error unmarshaling JSON: while decoding JSON: {}", cannot(&other, MAP))),
            Err(error) => error_map(error),
        })
    });
    funcs.add("fromYamlArray", TEXT, |_, args| {
        Ok(match from_yaml(&args.text(0)?) {
            Ok(serde_json::Value::Null) => List::from(Vec::new()).into(),
            Ok(mut value @ serde_json::Value::Array(_)) => {
                values::with_go_numbers_in(&mut value);
                values::to_go(&value)
            }
            Ok(other) => error_list(format!("error unmarshaling JSON: while decoding JSON: {}", cannot(&other, LIST))),
            Err(error) => error_list(error),
        })
    });
    funcs.add("toJson", ANY, |_, args| Ok(json::write(args.get(0), JSON, MAX_TEXT).unwrap_or_default().into()));
    funcs.add("mustToJson", ANY, |_, args| {
        Ok(json::write(args.get(0), JSON, MAX_TEXT).map_err(|error| Fault::message(error.to_string()))?.into())
    });
    funcs.add("fromJson", TEXT, |_, args| {
        Ok(match json::read(args.string(0)?.as_bytes()) {
            Ok(value @ Value::Map(_)) => value,
            Ok(Value::Nil) => Map::nil(Type::Any).into(),
            Ok(other) => error_map(cannot_go(&other, MAP)),
            Err(error) => error_map(error.to_string()),
        })
    });
    funcs.add("fromJsonArray", TEXT, |_, args| {
        Ok(match json::read(args.string(0)?.as_bytes()) {
            Ok(value @ Value::List(_)) => value,
            Ok(Value::Nil) => List::nil(Type::Any).into(),
            Ok(other) => error_list(cannot_go(&other, LIST)),
            Err(error) => error_list(error.to_string()),
        })
    });
    funcs.add("toToml", ANY, |_, args| Ok(toml::write(args.get(0)).unwrap_or_else(|error| error).into()));
    funcs.add("mustToToml", ANY, |_, args| Ok(toml::write(args.get(0)).map_err(Fault::message)?.into()));
    funcs.add("fromToml", TEXT, |_, args| {
        Ok(match toml::read(&args.text(0)?) {
            Ok(map) => map.into(),
            Err(error) => error_map(error),
        })
    });
}

const MAP: &str = "map[string]interface {}";
const LIST: &str = "[]interface {}";

fn error_map(error: String) -> Value {
    Map::from_iter([("Error", error)]).into()
}

fn error_list(error: String) -> Value {
    List::from(vec![error.into()]).into()
}

fn cannot(found: &serde_json::Value, wanted: &str) -> String {
    let found = match found {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "bool",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::String(_) => "string",
        serde_json::Value::Array(_) => "array",
        serde_json::Value::Object(_) => "object",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}

fn cannot_go(found: &Value, wanted: &str) -> String {
    let found = match found {
        Value::Bool(_) => "bool",
        Value::Float64(_) => "number",
        Value::String(_) => "string",
        Value::List(_) => "array",
        _ => "object",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}

/// Reads a text as YAML.
///
/// # Deviation
/// What is wrong with a text is said in our words behind Go's; charts look at the key `Error`, not at what it says.
fn from_yaml(text: &str) -> Result<serde_json::Value, String> {
    yaml::to_value(text, yaml::Schema::V2)
        .map_err(|error| format!("error converting YAML to JSON: yaml: line {}: {}", error.at.line, error.kind))
}

/// Encodes by way of JSON, as Helm does, without the line feed at the end.
pub(crate) fn to_yaml(value: &Value) -> Result<String, String> {
    let mut text = yaml::print(&to_json_value(value, 0)?);
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// The JSON value that Go's encoder would write.
fn to_json_value(value: &Value, depth: usize) -> Result<serde_json::Value, String> {
    use serde_json::Value as Json;
    if depth > gotemplate::value::MAX_NESTING {
        return Err("json: unsupported value: encountered a cycle".to_owned());
    }
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Uint64(n) => Json::from(*n),
        Value::Float64(n) => whole(*n).map_or_else(
            || Number::from_f64(*n).map(Json::Number).ok_or("json: unsupported value: not a finite number"),
            |n| Ok(Json::from(n)),
        )?,
        Value::String(text) => Json::String(text.to_str().into_owned()),
        Value::List(list) if list.is_nil() => Json::Null,
        Value::List(list) => {
            Json::Array(list.iter().map(|item| to_json_value(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Value::Map(map) if map.is_nil() => Json::Null,
        Value::Map(map) => {
            let mut object = serde_json::Map::new();
            for (key, value) in map.entries() {
                object.insert(key.to_str().into_owned(), to_json_value(&value, depth + 1)?);
            }
            Json::Object(object)
        }
        Value::Object(object) if !object.is_nil() && object.underlying().is_some() => {
            to_json_value(&object.underlying().unwrap_or_default(), depth + 1)?
        }
        Value::Int(n) | Value::Int64(n) => Json::from(*n),
        // Rare ones take the way that Go takes for all.
        other => {
            let text = json::write(other, JSON, MAX_TEXT).map_err(|error| error.to_string())?;
            serde_json::from_str(&text).map_err(|error| error.to_string())?
        }
    })
}

/// The integer that a float is, if it is one and fits.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(n: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (n.fract() == 0.0 && (-LIMIT..LIMIT).contains(&n)).then_some(n as i64)
}

/// Indents sequences below the keys that they belong to, as the other of Go's YAML libraries prints them.
fn indent_sequences(text: &str) -> String {
    // Each open sequence that stands at its key's column moves everything in it by two.
    let mut open: Vec<usize> = Vec::new();
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut key_column = None;
    let mut literal: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let column = line.len() - line.trim_start_matches(' ').len();
        let content = line.trim();
        if literal.is_some_and(|least| content.is_empty() || column > least) {
            push_indented(&mut out, line, if content.is_empty() { 0 } else { 2 * open.len() });
            continue;
        }
        literal = None;
        let is_item = content == "-" || content.starts_with("- ");
        while open.last().is_some_and(|start| column < *start || (column == *start && !is_item)) {
            open.pop();
        }
        if is_item && key_column == Some(column) && open.last() != Some(&column) {
            open.push(column);
        }
        push_indented(&mut out, line, 2 * open.len());
        let dashes = content.len() - content.trim_start_matches("- ").len();
        key_column = content.ends_with(':').then_some(column + dashes);
        if content.ends_with(['|', '>'])
            || content.ends_with("|-")
            || content.ends_with("|+")
            || content.ends_with(">-")
            || content.ends_with(">+")
        {
            literal = Some(column + dashes);
        }
    }
    out
}

fn push_indented(out: &mut String, line: &str, by: usize) {
    out.extend(std::iter::repeat_n(' ', by));
    out.push_str(line);
}
