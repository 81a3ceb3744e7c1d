//! Reading files of objects, as kustomize splits and checks them.

mod node;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;
use yaml::Schema;

use self::node::ToNode;
use crate::error::{Fault, Place, Problem, Reason, Subject};
use crate::id::{Gvk, Id};
use crate::node::{Keys, Node, Quote, Scalar, Tag};
use crate::resource::meta_text;

/// An object and the line that it starts in.
pub(crate) type Located = (Node, u32);

/// The bytes of a file as text: UTF-8, or UTF-16 if a mark at the start says so.
pub(crate) fn text<'b>(bytes: &'b [u8], file: &Arc<str>) -> Result<Cow<'b, str>, Fault> {
    if let Some(text) = utf16(bytes) {
        return Ok(Cow::Owned(text.replace("\r\n", "\n")));
    }
    let text = yaml::text(bytes).map_err(|error| malformed(&error, file, 0))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) })
}

/// What Windows' shells write, behind its mark.
fn utf16(bytes: &[u8]) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (units, []) = bytes[2..].as_chunks::<2>() else { return None };
    char::decode_utf16(units.iter().map(|&pair| unit(pair))).collect::<Result<_, _>>().ok()
}

/// The objects of a text: documents, and the items of lists. Everything that is wrong with it comes together.
pub(crate) fn objects(text: &str, file: &Arc<str>, keys: &mut Keys) -> Result<Vec<Located>, Vec<Problem>> {
    let mut problems = Vec::new();
    let chunks = match split(text, file) {
        Ok(chunks) => chunks,
        Err(fault) => return Err(vec![*fault]),
    };
    let single = chunks.len() == 1;
    let mut found = Vec::new();
    for (chunk, before) in chunks {
        match first(chunk, keys) {
            Ok(Some((node, line))) if !node.is_null() => match unwrap(node, single) {
                Ok(items) => found.extend(items.into_iter().map(|item| (item, line + before))),
                Err(node) => found.push((node, line + before)),
            },
            Ok(_) => {}
            Err(error) => problems.push(*malformed(&error, file, before)),
        }
    }
    let mut objects = Vec::with_capacity(found.len());
    let mut queue: std::collections::VecDeque<Located> = found.into();
    // Lists inside lists are opened as well, each at the end of the queue.
    while let Some((node, line)) = queue.pop_front() {
        match check(node, file, line).and_then(|node| node.map_or(Ok(Opened::Nothing), |node| open(node, keys))) {
            Ok(Opened::Nothing) => {}
            Ok(Opened::Object(node)) => objects.push((node, line)),
            Ok(Opened::Items(items)) => queue.extend(items.into_iter().map(|item| (item, line))),
            Err(fault) => problems.push(*fault.at(&Place { file: Arc::clone(file), line })),
        }
    }
    if problems.is_empty() { Ok(objects) } else { Err(problems) }
}

/// How much a text may cost: a value for every few bytes, and some more, so that short texts may be dense and aliases be
/// followed. The most that a megabyte can take stays below 64.
pub(crate) fn limits(text: &str) -> yaml::Limits {
    const MORE: usize = 200_000;
    yaml::Limits { nodes: text.len() / 4 + MORE, ..yaml::Limits::default() }
}

/// The JSON that the tools around kustomize take a YAML text for.
pub(crate) fn json(text: &str) -> Result<Value, yaml::Error> {
    yaml::Reader::new(Schema::V2).limits(limits(text)).value(text)
}

/// One value, whatever it is; null where there is none.
pub(crate) fn value(text: &str) -> Result<Node, yaml::Error> {
    let mut keys = Keys::default();
    Ok(first(text, &mut keys)?.map_or_else(Node::null, |(node, _)| node))
}

/// The value of a text's first document, and the line that it starts in.
fn first(text: &str, keys: &mut Keys) -> Result<Option<Located>, yaml::Error> {
    let mut build = ToNode::new(keys);
    yaml::compose(text, &limits(text), &mut build)?;
    Ok(build.finish())
}

pub(crate) fn malformed(error: &yaml::Error, file: &Arc<str>, before: u32) -> Fault {
    let reason = Reason::Yaml { message: error.kind.to_string() };
    Fault::from(reason).at(&Place { file: Arc::clone(file), line: error.at.line + before })
}

/// Splits a file where a line starts with `---`; what may follow it there is a comment. Returns the texts and how many
/// lines stand before each.
fn split<'t>(text: &'t str, file: &Arc<str>) -> Result<Vec<(&'t str, u32)>, Fault> {
    let lines = |text: &str| u32::try_from(text.bytes().filter(|b| *b == b'\n').count()).unwrap_or(u32::MAX);
    let mut chunks = Vec::new();
    let (mut start, mut before) = (0, 0);
    while let Some(at) = text[start..].find("\n---").map(|found| start + found) {
        let behind = at + "\n---".len();
        let Some(end) = text[behind..].find('\n').map(|length| behind + length) else { break };
        let rest = text[behind..end].trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            let message = format!("invalid document separator: {}", text[at..end].trim());
            let line = before + lines(&text[start..=at]) + 1;
            return Err(Fault::from(Reason::Yaml { message }).at(&Place { file: Arc::clone(file), line }));
        }
        chunks.push((&text[start..=at], before));
        before += lines(&text[start..=end]);
        start = end + 1;
    }
    chunks.push((&text[start..], before));
    Ok(chunks)
}

/// Takes the items of a `List` that is alone in its file.
fn unwrap(node: Node, single: bool) -> Result<Vec<Node>, Node> {
    let kind = node.get("kind").map_or("", Node::value);
    let wraps = single && matches!(kind, "List" | "ResourceList");
    if !wraps || (node.get("items").is_none() && node.get("functionConfig").is_none()) {
        return Err(node);
    }
    match node {
        Node::Map(mut map) => match map.remove("items") {
            Some(Node::List(items)) => Ok(items),
            _ => Ok(Vec::new()),
        },
        other => Err(other),
    }
}

/// Drops what is empty and refuses what is no object.
fn check(node: Node, file: &Arc<str>, line: u32) -> Result<Option<Node>, Fault> {
    if node.is_empty() {
        return Ok(None);
    }
    let missing = |what: &str, hint: &str| {
        let gvk = Gvk::of(&node);
        let id = Id { gvk, name: meta_text(&node, "name"), namespace: meta_text(&node, "namespace"), cluster: false };
        Reason::invalid(what)
            .on(|| Subject { id: id.to_string(), place: Some(Place { file: Arc::clone(file), line }) })
            .hint(Some(hint.to_owned()))
    };
    let kind = node.get("kind").map_or("", Node::value);
    if kind.is_empty() {
        return Err(missing(
            "missing kind",
            "is this a Kubernetes object? Files that are none belong in generators or patches",
        ));
    }
    if !kind.ends_with("List") && meta_text(&node, "name").is_empty() {
        let hint = match node.get("metadata").and_then(|meta| meta.get("generateName")) {
            Some(_) => "kustomize tells objects apart by name and cannot build ones with generateName",
            None => "give the object a name",
        };
        return Err(missing("missing metadata.name", hint));
    }
    Ok(Some(node))
}

enum Opened {
    Nothing,
    Object(Node),
    Items(Vec<Node>),
}

/// Opens what is a list of objects by its kind.
fn open(mut node: Node, keys: &mut Keys) -> Result<Opened, Fault> {
    let kind = node.get("kind").map_or("", Node::text);
    if !kind.ends_with("List") {
        return Ok(Opened::Object(node));
    }
    node.each_scalar(&mut Scalar::unfold);
    match node.get("items") {
        None => Ok(Opened::Object(node)),
        Some(Node::List(items)) => {
            let items = items
                .iter()
                .map(|item| Ok(from_value(item.to_value().map_err(|e| Reason::apply(e.to_string()))?, keys)))
                .collect::<Result<_, Fault>>()?;
            Ok(Opened::Items(items))
        }
        Some(items) if items.is_null() => Ok(Opened::Nothing),
        Some(_) => Err(Reason::WrongType { expected: "a list in items", found: "something else".to_owned() }.into()),
    }
}

/// A JSON value as YAML reads it.
fn from_value(value: Value, keys: &mut Keys) -> Node {
    match value {
        Value::Null => Node::null(),
        Value::Bool(b) => Node::Scalar(Scalar::new(if b { "true" } else { "false" }, Tag::Bool)),
        Value::Number(number) => {
            let tag = if number.is_f64() { Tag::Float } else { Tag::Int };
            Node::Scalar(Scalar::new(crate::go::json(&Value::Number(number)), tag))
        }
        Value::String(text) => Node::Scalar(Scalar::quoted(text, Tag::Str, Quote::Double)),
        Value::Array(items) => Node::List(items.into_iter().map(|item| from_value(item, keys)).collect()),
        Value::Object(fields) => {
            Node::Map(fields.into_iter().map(|(key, value)| (keys.intern(&key), from_value(value, keys))).collect())
        }
    }
}
