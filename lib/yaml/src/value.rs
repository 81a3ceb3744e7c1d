//! From documents to JSON values, by a schema's rules for scalars, keys, duplicates and merges.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::compose::{Build, Kind, OpenEvent, Place, ScalarEvent};
use crate::error::{Error, ErrorKind, Position};
use crate::node::{Content, Layout, Node, Style};
use crate::reader::Duplicates;
use crate::schema::{self, Scalar, Schema, Tag};

/// What of a document is built. The rest is checked as if it were, and left out.
#[derive(Clone, Copy, Debug)]
pub enum Keep {
    /// All of it.
    All,
    /// Of a mapping these keys, and so much below each; of a list nothing but that it is one. What an alias or `<<` brings
    /// is kept whole.
    Keys(&'static [(&'static str, Keep)]),
}

impl Keep {
    const NOTHING: Self = Self::Keys(&[]);

    /// What is kept of the items of a list.
    fn items(self) -> Self {
        if matches!(self, Self::All) { Self::All } else { Self::NOTHING }
    }
}

/// Builds one document's value.
pub(crate) struct ToValue {
    schema: Schema,
    duplicates: Duplicates,
    keep: Keep,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    /// How many open collections are within brackets.
    flow: usize,
    done: Option<Value>,
    /// The key that was set twice.
    blamed: Option<Position>,
}

enum Frame {
    Sequence { items: Vec<Value>, anchor: usize, keep: Keep },
    Mapping(Mapping),
}

struct Mapping {
    object: Map<String, Value>,
    keep: Keep,
    key: Option<Key<'static>>,
    /// What is kept of that key's value.
    below: Keep,
    /// What `<<` brings, until the mapping is complete; version 3 only.
    merge: Option<Value>,
    /// Hash and line of every key, to say where a duplicate was set first.
    lines: Vec<(u64, u32)>,
    anchor: usize,
    /// Where the key stands whose value is awaited.
    at: Position,
    /// Version 3 turns any scalar into a key of the document's outermost mapping, but only strings elsewhere.
    lenient: bool,
}

enum Key<'t> {
    Text(Cow<'t, str>),
    Merge,
    /// It is left out; version 3 drops a null key of the outermost mapping.
    Dropped,
}

#[derive(Clone)]
enum Anchored {
    /// Kept as text: as a key it may mean another thing than as a value.
    Scalar {
        text: String,
        style: Style,
        tag: Tag,
    },
    Collection(Value),
}

impl ToValue {
    pub(crate) fn new(schema: Schema, duplicates: Duplicates, keep: Keep) -> Self {
        Self {
            schema,
            duplicates,
            keep,
            frames: Vec::new(),
            anchors: HashMap::new(),
            flow: 0,
            done: None,
            blamed: None,
        }
    }

    /// What is kept of the value that comes next.
    fn next(&self) -> Keep {
        match self.frames.last() {
            None => self.keep,
            Some(Frame::Sequence { keep, .. }) => keep.items(),
            Some(Frame::Mapping(mapping)) => mapping.below,
        }
    }

    /// The value of the document that was built, null for an empty one.
    pub(crate) fn finish(&mut self) -> Value {
        let done = self.done.take().unwrap_or_default();
        self.restart();
        done
    }

    fn put_scalar(&mut self, text: Cow<'_, str>, style: Style, tag: Tag, at: Position) -> Result<(), ErrorKind> {
        let is_key = matches!(self.frames.last(), Some(Frame::Mapping(mapping)) if mapping.key.is_none());
        let style = match style {
            Style::Plain if self.schema == Schema::V3 && is_quoted_by_kyaml(&text, self.flow > 0, is_key) => {
                Style::SingleQuoted
            }
            style => style,
        };
        if let Some(Frame::Mapping(mapping)) = self.frames.last_mut()
            && mapping.key.is_none()
        {
            mapping.at = at;
            mapping.begin(key(self.schema, mapping.lenient, text, style, tag)?);
            return Ok(());
        }
        let resolved = schema::resolve(self.schema, &text, style, tag)?;
        let is_kept = !matches!(self.next(), Keep::Keys([]));
        let value = match resolved {
            Scalar::Null => Value::Null,
            Scalar::Bool(bool) => Value::Bool(bool),
            Scalar::Int(n) => Value::Number(n.into()),
            Scalar::Uint(n) => Value::Number(n.into()),
            Scalar::Float(float) => {
                Value::Number(number(float).ok_or_else(|| ErrorKind::NotFinite { text: text.clone().into_owned() })?)
            }
            _ if !is_kept => Value::Null,
            Scalar::Text(text) => Value::String(text.into_owned()),
            Scalar::Time(text) => Value::String(text),
            Scalar::Str => Value::String(text.into_owned()),
        };
        self.put(value, false)
    }

    fn put(&mut self, value: Value, alias: bool) -> Result<(), ErrorKind> {
        match self.frames.last_mut() {
            None => self.done = Some(value),
            Some(Frame::Sequence { items, keep: Keep::All, .. }) => items.push(value),
            Some(Frame::Sequence { .. }) => {}
            Some(Frame::Mapping(mapping)) => match mapping.key.take() {
                None => {
                    let found = if value.is_object() { "a mapping" } else { "a sequence" };
                    return Err(ErrorKind::Key { found });
                }
                Some(Key::Text(key)) => {
                    let at = mapping.at;
                    mapping.insert(key.into_owned(), value, self.duplicates).inspect_err(|_| self.blamed = Some(at))?;
                }
                Some(Key::Dropped) => {}
                Some(Key::Merge) => mapping.merge(self.schema, self.duplicates, value, alias)?,
            },
        }
        Ok(())
    }
}

impl Build for ToValue {
    fn restart(&mut self) {
        *self = Self::new(self.schema, self.duplicates, self.keep);
    }

    fn blame(&self) -> Option<Position> {
        self.blamed
    }

    fn scalar(&mut self, scalar: ScalarEvent<'_>) -> Result<(), ErrorKind> {
        let tag = Tag::parse(scalar.tag.as_deref());
        if scalar.anchor != 0 {
            let kept = Anchored::Scalar { text: scalar.text.clone().into_owned(), style: scalar.style, tag };
            self.anchors.insert(scalar.anchor, kept);
        }
        self.put_scalar(scalar.text, scalar.style, tag, scalar.place.at)
    }

    fn open(&mut self, kind: Kind, start: OpenEvent<'_>) -> Result<(), ErrorKind> {
        let anchor = start.anchor;
        // What an alias brings may be kept elsewhere.
        let keep = if anchor == 0 { self.next() } else { Keep::All };
        // Whatever lies within brackets is within brackets itself.
        self.flow += usize::from(self.flow > 0 || start.layout == Layout::Flow);
        self.frames.push(match kind {
            Kind::Sequence => Frame::Sequence { items: Vec::new(), anchor, keep },
            Kind::Mapping => Frame::Mapping(Mapping {
                object: Map::new(),
                keep,
                key: None,
                below: Keep::All,
                merge: None,
                lines: Vec::new(),
                anchor,
                at: start.place.at,
                lenient: self.frames.is_empty(),
            }),
        });
        Ok(())
    }

    fn close(&mut self, _place: Place) -> Result<(), ErrorKind> {
        self.flow = self.flow.saturating_sub(1);
        let (value, anchor) = match self.frames.pop() {
            Some(Frame::Sequence { items, anchor, .. }) => (Value::Array(items), anchor),
            Some(Frame::Mapping(mapping)) => {
                let anchor = mapping.anchor;
                (Value::Object(mapping.finish()), anchor)
            }
            None => return Ok(()),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored::Collection(value.clone()));
        }
        self.put(value, false)
    }

    fn alias(&mut self, anchor: usize, _name: &str, place: Place) -> Result<(), ErrorKind> {
        match self.anchors.get(&anchor).cloned() {
            Some(Anchored::Scalar { text, style, tag }) => self.put_scalar(Cow::Owned(text), style, tag, place.at),
            Some(Anchored::Collection(value)) => self.put(value, true),
            None => Ok(()),
        }
    }
}

impl Mapping {
    /// Takes the key whose value comes next. What `<<` brings is kept: it may hold any key.
    fn begin(&mut self, key: Key<'_>) {
        let (key, below) = match (key, self.keep) {
            (Key::Text(text), Keep::All) => (Key::Text(Cow::Owned(text.into_owned())), Keep::All),
            (Key::Text(text), Keep::Keys(kept)) => match kept.iter().find(|(name, _)| *name == text) {
                Some((name, below)) => (Key::Text(Cow::Borrowed(name)), *below),
                None => (Key::Dropped, Keep::NOTHING),
            },
            (Key::Merge, _) => (Key::Merge, Keep::All),
            (Key::Dropped, _) => (Key::Dropped, Keep::NOTHING),
        };
        (self.key, self.below) = (Some(key), below);
    }

    fn insert(&mut self, key: String, value: Value, duplicates: Duplicates) -> Result<(), ErrorKind> {
        if duplicates == Duplicates::LastWins {
            self.object.insert(key, value);
            return Ok(());
        }
        let hash = hash(&key);
        match self.object.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(value);
                self.lines.push((hash, self.at.line));
                Ok(())
            }
            Entry::Occupied(entry) => Err(ErrorKind::DuplicateKey {
                key: entry.key().clone(),
                first: self.lines.iter().find(|(h, _)| *h == hash).map_or(self.at.line, |(_, line)| *line),
            }),
        }
    }

    /// Takes in the value of `<<`: version 2 there and then, over what is set already; version 3 at the end, under it.
    fn merge(&mut self, schema: Schema, duplicates: Duplicates, value: Value, alias: bool) -> Result<(), ErrorKind> {
        match &value {
            Value::Object(_) => {}
            Value::Array(items) if !alias && items.iter().all(Value::is_object) => {}
            _ => return Err(ErrorKind::Merge),
        }
        if schema == Schema::V3 {
            if self.merge.is_some() {
                return Err(ErrorKind::DuplicateKey { key: "<<".to_owned(), first: self.at.line });
            }
            self.merge = Some(value);
            return Ok(());
        }
        match value {
            Value::Object(object) => {
                object.into_iter().try_for_each(|(key, value)| self.insert(key, value, duplicates))
            }
            Value::Array(items) => {
                items.into_iter().rev().try_for_each(|item| self.merge(schema, duplicates, item, alias))
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> Map<String, Value> {
        let sources = match self.merge.take() {
            Some(Value::Array(items)) => items,
            Some(value) => vec![value],
            None => return self.object,
        };
        for source in sources {
            if let Value::Object(source) = source {
                for (key, value) in source {
                    self.object.entry(key).or_insert(value);
                }
            }
        }
        self.object
    }
}

/// Whether kyaml, which prints a document before it reads its values, would put quotes around a plain scalar.
fn is_quoted_by_kyaml(text: &str, flow: bool, is_key: bool) -> bool {
    if text.is_empty() { flow || is_key } else { flow && text.contains(':') }
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

fn key(schema: Schema, lenient: bool, text: Cow<'_, str>, style: Style, tag: Tag) -> Result<Key<'_>, ErrorKind> {
    if text == "<<" && is_merge(schema, style, tag) {
        return Ok(Key::Merge);
    }
    let resolved = schema::resolve(schema, &text, style, tag)?;
    if schema == Schema::V3 {
        return key_v3(resolved, lenient, &text, tag);
    }
    Ok(Key::Text(match resolved {
        Scalar::Null => return Err(ErrorKind::Key { found: "null" }),
        Scalar::Uint(_) => {
            return Err(ErrorKind::Key { found: "an integer above 9223372036854775807" });
        }
        Scalar::Bool(bool) => bool.to_string().into(),
        Scalar::Int(n) => n.to_string().into(),
        Scalar::Float(float) => schema::format_g32(float).into(),
        Scalar::Text(text) => text.into_owned().into(),
        Scalar::Str | Scalar::Time(_) => text,
    }))
}

fn key_v3<'t>(resolved: Scalar<'_>, lenient: bool, text: &str, tag: Tag) -> Result<Key<'t>, ErrorKind> {
    let found = match resolved {
        Scalar::Null if lenient => return Ok(Key::Dropped),
        Scalar::Text(text) if lenient => return Ok(Key::Text(text.into_owned().into())),
        _ if lenient => return Ok(Key::Text(text.to_owned().into())),
        Scalar::Str if matches!(tag, Tag::None | Tag::NonSpecific | Tag::Str | Tag::Merge) => {
            return Ok(Key::Text(text.to_owned().into()));
        }
        Scalar::Null => "null",
        Scalar::Bool(_) => "a boolean",
        Scalar::Int(_) | Scalar::Uint(_) => "an integer",
        Scalar::Float(_) => "a float",
        Scalar::Time(_) => "a timestamp",
        Scalar::Str | Scalar::Text(_) => "a value with a tag",
    };
    Err(ErrorKind::Key { found })
}

fn is_merge(schema: Schema, style: Style, tag: Tag) -> bool {
    match tag {
        Tag::Merge => true,
        Tag::None => style == Style::Plain,
        Tag::NonSpecific => schema == Schema::V2 || style == Style::Plain,
        _ => false,
    }
}

/// The number that stays when Go prints the float as JSON and reads it again: whole ones become integers.
fn number(float: f64) -> Option<Number> {
    match schema::whole(float) {
        Some(Scalar::Int(n)) => Some(n.into()),
        Some(Scalar::Uint(n)) => Some(n.into()),
        _ => Number::from_f64(float),
    }
}

impl Node {
    /// The value by a schema's rules, which also decide about duplicate keys.
    pub fn to_value(&self, schema: Schema) -> Result<Value, Error> {
        let mut build = ToValue::new(schema, Duplicates::of(schema), Keep::All);
        feed(self, &mut build)?;
        Ok(build.finish())
    }
}

/// Plays a node's events to a builder. Depth is bounded by the limits that the node was read with.
fn feed(node: &Node, build: &mut ToValue) -> Result<(), Error> {
    let place = Place { at: node.at(), start: 0, end: 0 };
    let located = |build: &ToValue, kind| Error::new(build.blame().unwrap_or(node.at()), kind);
    let start = |layout: &Layout| OpenEvent { layout: *layout, tag: None, anchor: 0, place };
    match &node.content {
        Content::Scalar { text, style } => {
            let tag = Tag::parse(node.tag());
            build.put_scalar(Cow::Borrowed(text), *style, tag, node.at()).map_err(|kind| located(build, kind))
        }
        Content::Sequence { items, layout } => {
            build.open(Kind::Sequence, start(layout)).map_err(|kind| located(build, kind))?;
            items.iter().try_for_each(|item| feed(item, build))?;
            build.close(place).map_err(|kind| located(build, kind))
        }
        Content::Mapping { pairs, layout } => {
            build.open(Kind::Mapping, start(layout)).map_err(|kind| located(build, kind))?;
            for (key, value) in pairs {
                feed(key, build)?;
                feed(value, build)?;
            }
            build.close(place).map_err(|kind| located(build, kind))
        }
        Content::Alias { target, .. } if target.text().is_some() => feed(target, build),
        Content::Alias { target, .. } => {
            // Its own builder, so that a merge sees that this came through an alias.
            let mut aliased = ToValue::new(build.schema, build.duplicates, Keep::All);
            aliased.frames.push(Frame::Sequence { items: Vec::new(), anchor: 0, keep: Keep::All });
            feed(target, &mut aliased)?;
            let value = match aliased.frames.pop() {
                Some(Frame::Sequence { mut items, .. }) => items.pop().unwrap_or_default(),
                _ => Value::Null,
            };
            build.put(value, true).map_err(|kind| located(build, kind))
        }
    }
}
