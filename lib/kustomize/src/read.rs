//! Reading files of objects, as kustomize splits and checks them.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;
use yaml::{Content, Layout, Schema, Style};

use crate::error::{Fault, Place, Problem, Reason, Subject};
use crate::id::{Gvk, Id};
use crate::node::{Keys, Map, Node, Quote, Scalar, Tag};
use crate::resource::meta_text;

/// An object and the line that it starts in.
pub(crate) type Located = (Node, u32);

/// The bytes of a file as text.
pub(crate) fn text<'b>(bytes: &'b [u8], file: &Arc<str>) -> Result<Cow<'b, str>, Fault> {
    let text = yaml::text(bytes).map_err(|error| malformed(&error, file, 0))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) })
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
        match document(chunk, before, file, keys) {
            Ok(None) => {}
            Ok(Some((node, line))) => match unwrap(node, single) {
                Ok(items) => found.extend(items.into_iter().map(|item| (item, line))),
                Err(node) => found.push((node, line)),
            },
            Err(fault) => problems.push(*fault),
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

/// How much a text may cost: as many values as it could spell out, and some more behind aliases.
pub(crate) fn limits(text: &str) -> yaml::Limits {
    const BEHIND_ALIASES: usize = 200_000;
    yaml::Limits { nodes: text.len() / 2 + BEHIND_ALIASES, ..yaml::Limits::default() }
}

/// The JSON that the tools around kustomize take a YAML text for.
pub(crate) fn json(text: &str) -> Result<Value, yaml::Error> {
    yaml::Reader::new(Schema::V2).limits(limits(text)).value(text)
}

/// One value, whatever it is.
pub(crate) fn value(text: &str) -> Result<Node, yaml::Error> {
    let documents = yaml::read(text, &limits(text))?;
    let mut reader = Reader { keys: &mut Keys::default(), before: 0, flow: false };
    Ok(documents.into_iter().next().and_then(|document| reader.node(&document.root).ok()).unwrap_or_else(Node::null))
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

/// The value of a text's first document, and its line.
fn document(text: &str, before: u32, file: &Arc<str>, keys: &mut Keys) -> Result<Option<Located>, Fault> {
    let documents = yaml::read(text, &limits(text)).map_err(|error| malformed(&error, file, before))?;
    let Some(document) = documents.into_iter().next() else { return Ok(None) };
    let root = &document.root;
    let node = Reader { keys, before, flow: false }.node(root).map_err(|fault| {
        let line = fault.place.as_ref().map_or(0, |place| place.line);
        let mut fault = fault;
        fault.place = Some(Place { file: Arc::clone(file), line });
        fault
    })?;
    Ok((!node.is_null()).then_some((node, root.at().line + before)))
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
fn open(node: Node, keys: &mut Keys) -> Result<Opened, Fault> {
    let kind = node.get("kind").map_or("", Node::text);
    if !kind.ends_with("List") {
        return Ok(Opened::Object(node));
    }
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

/// Turns what was read into what is worked on: aliases and merges are followed, comments dropped.
struct Reader<'k> {
    keys: &'k mut Keys,
    /// Lines before the text that is read.
    before: u32,
    /// Inside brackets.
    flow: bool,
}

impl Reader<'_> {
    fn node(&mut self, node: &yaml::Node) -> Result<Node, Fault> {
        let outside = self.flow;
        let read = match &node.content {
            Content::Alias { target, .. } => self.node(target),
            Content::Sequence { items, layout } => {
                self.flow |= *layout == Layout::Flow;
                items.iter().map(|item| self.node(item)).collect::<Result<_, _>>().map(Node::List)
            }
            Content::Mapping { pairs, layout } => {
                self.flow |= *layout == Layout::Flow;
                self.map(node, pairs).map(Node::Map)
            }
            Content::Scalar { text, style } => self.scalar(node, text, *style).map(Node::Scalar),
        };
        self.flow = outside;
        read
    }

    fn map(&mut self, node: &yaml::Node, pairs: &[(yaml::Node, yaml::Node)]) -> Result<Map, Fault> {
        let mut fields = Vec::with_capacity(pairs.len());
        let mut merged: Option<&yaml::Node> = None;
        for (key, value) in pairs {
            if is_merge(key) {
                if merged.replace(value).is_some() {
                    return Err(self.fault(key, "duplicate merge key <<".to_owned()));
                }
                continue;
            }
            let Some(text) = key.text() else {
                return Err(self.fault(key, "a key must be a string".to_owned()));
            };
            if let Some(found) = key_type(key, text) {
                return Err(self
                    .fault(key, format!("a key must be a string, {text:?} is {found}"))
                    .hint(Some("quote the key".to_owned())));
            }
            fields.push((self.keys.intern(text), self.node(value)?));
        }
        let mut map = Map::from_fields(fields).map_err(|key| {
            self.fault(last_key(pairs, &key).unwrap_or(node), format!("the key {key:?} is already set"))
        })?;
        if let Some(merged) = merged {
            self.merge(&mut map, merged)?;
        }
        Ok(map)
    }

    /// Fields that the map does not have come from the first map that has them.
    fn merge(&mut self, map: &mut Map, from: &yaml::Node) -> Result<(), Fault> {
        let from = from.resolved();
        match &from.content {
            Content::Mapping { pairs, .. } => {
                for (key, value) in self.map(from, pairs)?.into_fields() {
                    map.entry(&key, || value);
                }
                Ok(())
            }
            Content::Sequence { items, .. } => items.iter().try_for_each(|item| match item.resolved().content {
                Content::Mapping { .. } => self.merge(map, item),
                _ => Err(self.fault(item, "a merge key << takes maps".to_owned())),
            }),
            _ => Err(self.fault(from, "a merge key << takes a map or a list of maps".to_owned())),
        }
    }

    fn scalar(&self, node: &yaml::Node, text: &str, style: Style) -> Result<Scalar, Fault> {
        let quote = match style {
            Style::Plain => Quote::Plain,
            Style::SingleQuoted => Quote::Single,
            Style::DoubleQuoted => Quote::Double,
            Style::Literal | Style::Folded => Quote::Block,
        };
        let tag = match node.tag() {
            Some("!!binary") => {
                let decoded = node.to_value(Schema::V3).map_err(|error| self.fault(node, error.kind.to_string()))?;
                return Ok(Scalar::quoted(decoded.as_str().unwrap_or_default(), Tag::Str, quote));
            }
            Some("!!null") => Tag::Null,
            Some("!!bool") => Tag::Bool,
            Some("!!int") => Tag::Int,
            Some("!!float") => Tag::Float,
            Some("!!timestamp") => Tag::Timestamp,
            None | Some("!") if quote == Quote::Plain => match Tag::of_plain(text) {
                // Printed inside brackets, a time of day is quoted for its colons.
                Tag::Timestamp if self.flow && text.contains(':') => Tag::Str,
                tag => tag,
            },
            _ => Tag::Str,
        };
        // Printed inside brackets, nothing is an empty text.
        let quote = if tag == Tag::Null && self.flow && text.is_empty() { Quote::Double } else { quote };
        // Quotes say nothing about a value whose type is spelled out.
        let spelled_out = !matches!(node.tag(), None | Some("!")) && tag != Tag::Str;
        let quote = if spelled_out { Quote::Plain } else { quote };
        let scalar = Scalar::quoted(text, tag, quote);
        if tag == Tag::Float && scalar.to_value().is_err() {
            return Err(self.fault(node, format!("{text} cannot be kept in JSON")));
        }
        Ok(scalar)
    }

    fn fault(&self, node: &yaml::Node, message: String) -> Fault {
        let place = Place { file: "".into(), line: node.at().line + self.before };
        Fault::from(Reason::Yaml { message }).at(&place)
    }
}

fn is_merge(key: &yaml::Node) -> bool {
    key.text() == Some("<<") && key.style() == Some(Style::Plain) && matches!(key.tag(), None | Some("!!merge"))
}

/// What a key is that is no string.
fn key_type(key: &yaml::Node, text: &str) -> Option<&'static str> {
    if key.resolved().style() != Some(Style::Plain) || key.tag().is_some() {
        return None;
    }
    match Tag::of_plain(text) {
        Tag::Str | Tag::Unknown => None,
        Tag::Null => Some("null"),
        Tag::Bool => Some("a boolean"),
        Tag::Int | Tag::Float => Some("a number"),
        Tag::Timestamp => Some("a timestamp"),
    }
}

fn last_key<'n>(pairs: &'n [(yaml::Node, yaml::Node)], name: &str) -> Option<&'n yaml::Node> {
    pairs.iter().rev().map(|(key, _)| key).find(|key| key.text() == Some(name))
}
