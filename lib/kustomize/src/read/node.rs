//! Builds what is worked on straight from a text: aliases and merges are followed, comments dropped.

use std::collections::HashMap;

use yaml::{Build, ErrorKind, Kind, Layout, OpenEvent, Position, ScalarEvent, Schema, Style};

use crate::node::{Key, Keys, Map, Node, Quote, Scalar, Tag};

/// Builds one document's value.
pub(super) struct ToNode<'k> {
    keys: &'k mut Keys,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    /// How many open collections are within brackets.
    flow: usize,
    root: Option<Node>,
    /// Where the value starts.
    at: Option<Position>,
    /// Places of keys are noted once a text had to be read again, as those that are wrong have to be.
    noted: bool,
    blamed: Option<Position>,
}

enum Frame {
    List { items: Vec<Node>, anchor: usize },
    Map(Fields),
}

/// A map that is not yet complete.
#[derive(Default)]
struct Fields {
    pairs: Vec<(Key, Node)>,
    places: Vec<Position>,
    key: Option<FieldName>,
    /// The value of `<<`, and where that stands.
    merge: Option<(Node, Position)>,
    anchor: usize,
}

enum FieldName {
    Key(Key),
    Merge(Position),
}

impl<'k> ToNode<'k> {
    pub(super) fn new(keys: &'k mut Keys) -> Self {
        Self {
            keys,
            frames: Vec::new(),
            anchors: HashMap::new(),
            flow: 0,
            root: None,
            at: None,
            noted: false,
            blamed: None,
        }
    }

    /// The value and the line that it starts in; none where the text holds none.
    pub(super) fn finish(self) -> Option<(Node, u32)> {
        Some((self.root?, self.at.map_or(0, |at| at.line)))
    }

    fn awaits_key(&mut self) -> Option<&mut Fields> {
        match self.frames.last_mut() {
            Some(Frame::Map(fields)) if fields.key.is_none() => Some(fields),
            _ => None,
        }
    }

    fn put(&mut self, node: Node) -> Result<(), ErrorKind> {
        match self.frames.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map(fields)) => match fields.key.take() {
                Some(FieldName::Key(key)) => fields.pairs.push((key, node)),
                Some(FieldName::Merge(at)) => {
                    if fields.merge.is_some() {
                        self.blamed = Some(at);
                        return Err(ErrorKind::Merge);
                    }
                    fields.merge = Some((node, at));
                }
                None => return Err(ErrorKind::Key { found: "a collection" }),
            },
        }
        Ok(())
    }

    fn key(&mut self, text: &str, plain: bool, at: Position) -> Result<(), ErrorKind> {
        if let Some(found) = if plain { not_a_string(Tag::of_plain(text)) } else { None } {
            return Err(ErrorKind::Key { found });
        }
        let key = self.keys.intern(text);
        let noted = self.noted;
        if let Some(fields) = self.awaits_key() {
            fields.key = Some(FieldName::Key(key));
            if noted {
                fields.places.push(at);
            }
        }
        Ok(())
    }

    fn complete(&mut self, fields: Fields) -> Result<Map, ErrorKind> {
        let Fields { pairs, places, merge, .. } = fields;
        let names: Vec<Key> =
            if places.is_empty() { Vec::new() } else { pairs.iter().map(|(key, _)| key.clone()).collect() };
        let mut map = Map::from_fields(pairs).map_err(|key| {
            let mut found = names.iter().zip(&places).filter(|(name, _)| **name == key).map(|(_, at)| *at);
            let first = found.next().map_or(0, |at| at.line);
            self.blamed = found.next();
            ErrorKind::DuplicateKey { key: key.to_string(), first }
        })?;
        if let Some((from, at)) = merge {
            merge_into(&mut map, from).inspect_err(|_| self.blamed = Some(at))?;
        }
        Ok(map)
    }
}

impl Build for ToNode<'_> {
    fn restart(&mut self) {
        self.frames.clear();
        self.anchors.clear();
        self.flow = 0;
        self.root = None;
        self.at = None;
        self.noted = true;
        self.blamed = None;
    }

    fn blame(&self) -> Option<Position> {
        self.blamed
    }

    fn scalar(&mut self, scalar: ScalarEvent<'_>) -> Result<(), ErrorKind> {
        let at = scalar.place.at;
        self.at.get_or_insert(at);
        let tag = scalar.tag.as_deref();
        if let Some(fields) = self.awaits_key()
            && scalar.text == "<<"
            && scalar.style == Style::Plain
            && matches!(tag, None | Some("!!merge"))
        {
            fields.key = Some(FieldName::Merge(at));
            return Ok(());
        }
        let is_key = self.awaits_key().is_some();
        if is_key {
            self.key(&scalar.text, scalar.style == Style::Plain && tag.is_none(), at)?;
        }
        if is_key && scalar.anchor == 0 {
            return Ok(());
        }
        let mut read = read(&scalar.text, scalar.style, tag)?;
        if scalar.anchor != 0 {
            self.anchors.insert(scalar.anchor, Node::Scalar(read.clone()));
        }
        if is_key {
            return Ok(());
        }
        if self.flow > 0 {
            within_brackets(&mut read);
        }
        self.put(Node::Scalar(read))
    }

    fn open(&mut self, kind: Kind, start: OpenEvent<'_>) -> Result<(), ErrorKind> {
        self.at.get_or_insert(start.place.at);
        if self.awaits_key().is_some() {
            let found = if kind == Kind::Mapping { "a map" } else { "a list" };
            return Err(ErrorKind::Key { found });
        }
        // Whatever lies within brackets is within brackets itself.
        self.flow += usize::from(self.flow > 0 || start.layout == Layout::Flow);
        let anchor = start.anchor;
        self.frames.push(match kind {
            Kind::Sequence => Frame::List { items: Vec::new(), anchor },
            Kind::Mapping => Frame::Map(Fields { anchor, ..Fields::default() }),
        });
        Ok(())
    }

    fn close(&mut self, _place: yaml::Place) -> Result<(), ErrorKind> {
        self.flow = self.flow.saturating_sub(1);
        let (node, anchor) = match self.frames.pop() {
            Some(Frame::List { mut items, anchor }) => {
                items.shrink_to_fit();
                (Node::List(items), anchor)
            }
            Some(Frame::Map(fields)) => {
                let anchor = fields.anchor;
                (Node::Map(self.complete(fields)?), anchor)
            }
            None => return Ok(()),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.put(node)
    }

    fn alias(&mut self, anchor: usize, _name: &str, place: yaml::Place) -> Result<(), ErrorKind> {
        self.at.get_or_insert(place.at);
        let Some(mut node) = self.anchors.get(&anchor).cloned() else { return Ok(()) };
        if self.awaits_key().is_some() {
            return match &node {
                Node::Scalar(scalar) => self.key(&scalar.text, scalar.quote == Quote::Plain, place.at),
                Node::List(_) => Err(ErrorKind::Key { found: "a list" }),
                Node::Map(_) => Err(ErrorKind::Key { found: "a map" }),
            };
        }
        if self.flow > 0 {
            node.each_scalar(&mut within_brackets);
        }
        self.put(node)
    }
}

fn read(text: &str, style: Style, tag: Option<&str>) -> Result<Scalar, ErrorKind> {
    let quote = match style {
        Style::Plain => Quote::Plain,
        Style::SingleQuoted => Quote::Single,
        Style::DoubleQuoted => Quote::Double,
        Style::Literal => Quote::Block,
        Style::Folded => Quote::Folded,
    };
    let own = match tag {
        Some("!!binary") => {
            let mut node = yaml::Node::styled(text, style);
            node.set_tag(tag);
            let decoded = node.to_value(Schema::V3).map_err(|error| error.kind)?;
            return Ok(Scalar::quoted(decoded.as_str().unwrap_or_default(), Tag::Str, quote));
        }
        Some("!!null") => Tag::Null,
        Some("!!bool") => Tag::Bool,
        Some("!!int") => Tag::Int,
        Some("!!float") => Tag::Float,
        Some("!!timestamp") => Tag::Timestamp,
        None | Some("!") if quote == Quote::Plain => Tag::of_plain(text),
        _ => Tag::Str,
    };
    // Quotes say nothing about a value whose type is spelled out.
    let spelled_out = !matches!(tag, None | Some("!")) && own != Tag::Str;
    let scalar = Scalar::quoted(text, own, if spelled_out { Quote::Plain } else { quote });
    if own == Tag::Float && scalar.to_value().is_err() {
        return Err(ErrorKind::NotFinite { text: text.to_owned() });
    }
    Ok(scalar)
}

/// kustomize prints what it has read before it reads it again. Inside brackets it puts quotes around a time of day, for
/// its colons, and around nothing.
fn within_brackets(scalar: &mut Scalar) {
    if scalar.quote == Quote::Plain && scalar.tag == Tag::Timestamp && scalar.text.contains(':') {
        scalar.tag = Tag::Str;
    }
    if scalar.tag == Tag::Null && scalar.text.is_empty() {
        scalar.quote = Quote::Double;
    }
}

/// What a key is that is no string.
fn not_a_string(tag: Tag) -> Option<&'static str> {
    match tag {
        Tag::Str | Tag::Unknown => None,
        Tag::Null => Some("null"),
        Tag::Bool => Some("a boolean"),
        Tag::Int | Tag::Float => Some("a number"),
        Tag::Timestamp => Some("a timestamp"),
    }
}

/// Fields that the map does not have come from the first map that has them.
fn merge_into(map: &mut Map, from: Node) -> Result<(), ErrorKind> {
    match from {
        Node::Map(from) => {
            for (key, value) in from.into_fields() {
                map.entry(&key, || value);
            }
            Ok(())
        }
        Node::List(items) => items.into_iter().try_for_each(|item| match item {
            Node::Map(_) => merge_into(map, item),
            _ => Err(ErrorKind::Merge),
        }),
        Node::Scalar(_) => Err(ErrorKind::Merge),
    }
}
