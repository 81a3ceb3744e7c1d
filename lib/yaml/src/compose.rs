//! From the parser's events to documents: the one place that counts depth, nodes, documents and aliases.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, StructureStyle};

use crate::error::{Error, ErrorKind, Position};
use crate::limits::Limits;
use crate::node::{Layout, Style};
use crate::problem;
use crate::repair::{self, Fault, Fix};

/// What builds something out of a document: a value, the lossless model, or whatever [`compose`](crate::compose()) is
/// given.
pub trait Build {
    /// A scalar. An anchor other than 0 is asked for again by [`alias`](Self::alias).
    fn scalar(&mut self, scalar: ScalarEvent<'_>) -> Result<(), ErrorKind>;
    /// A collection starts.
    fn open(&mut self, kind: Kind, start: OpenEvent<'_>) -> Result<(), ErrorKind>;
    /// The collection that was opened last ends: in brackets behind them, else before what stands at the place.
    fn close(&mut self, place: Place) -> Result<(), ErrorKind>;
    /// An alias of an anchor whose node is complete.
    fn alias(&mut self, anchor: usize, name: &str, place: Place) -> Result<(), ErrorKind>;
    /// What came so far comes again: the text is read from its start in another way.
    fn restart(&mut self);
    /// What the error that was just returned is about, if not the node that was handed in.
    fn blame(&self) -> Option<Position> {
        None
    }
    /// The name of the anchor of the node that came last.
    fn name_anchor(&mut self, _name: &str) {}
    /// A comment, from its `#` on.
    fn comment(&mut self, _text: &str, _place: Place) {}
}

/// Where something stands in the text.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Line and column.
    pub at: Position,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A scalar as it was read.
#[derive(Debug)]
pub struct ScalarEvent<'a> {
    /// After quotes, escapes and folding.
    pub text: Cow<'a, str>,
    /// How it is written.
    pub style: Style,
    /// In short form.
    pub tag: Option<Cow<'a, str>>,
    /// The number of its anchor, 0 without one.
    pub anchor: usize,
    /// Where it starts; a block scalar where its content does.
    pub place: Place,
}

/// The start of a collection.
#[derive(Debug)]
pub struct OpenEvent<'a> {
    /// How it is written.
    pub layout: Layout,
    /// In short form.
    pub tag: Option<Cow<'a, str>>,
    /// The number of its anchor, 0 without one.
    pub anchor: usize,
    /// Where its first entry starts, or its bracket stands.
    pub place: Place,
}

/// The kinds of collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A list.
    Sequence,
    /// Pairs.
    Mapping,
}

/// Reads a text document by document.
pub(crate) struct Composer<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    limits: Limits,
    nodes: usize,
    documents: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    failed: bool,
    /// Where the parser stopped, if that can be repaired.
    pub(crate) fault: Option<Fault>,
    fixes: Vec<Fix>,
}

/// A collection that is not yet complete.
struct Open {
    anchor: usize,
    /// The count of nodes when it started.
    nodes: usize,
    /// The deepest that its children go, aliases followed.
    height: usize,
}

/// What following an alias costs.
#[derive(Clone, Copy)]
enum Anchored {
    /// The node is still being read.
    Open,
    Complete {
        nodes: usize,
        height: usize,
    },
}

impl<'t> Composer<'t> {
    pub(crate) fn new(text: &'t str, limits: &Limits, presentation: bool) -> Result<Self, Error> {
        let limits = Limits {
            bytes: limits.bytes.min(Limits::MAX_BYTES),
            depth: limits.depth.min(Limits::MAX_DEPTH),
            ..limits.clone()
        };
        if text.len() > limits.bytes {
            let kind = ErrorKind::TooLarge { bytes: text.len(), limit: limits.bytes };
            return Err(Error::new(Position { line: 1, column: 1 }, kind));
        }
        let options = granit_parser::options! {
            emit_anchor_events: true,
            emit_comments: presentation,
            max_buffered_comment_events: usize::MAX,
            flow_nesting_limit: limits.depth,
            block_nesting_limit: limits.depth,
            block_scalar_eof_without_line_feed: true,
            bom_inside_document_as_content: true,
        };
        Ok(Self {
            text,
            parser: Parser::new_from_str_with_options(text, options),
            limits,
            nodes: 0,
            documents: 0,
            open: Vec::new(),
            anchors: HashMap::new(),
            failed: false,
            fault: None,
            fixes: Vec::new(),
        })
    }

    /// Gives places in the text as it was before these repairs.
    pub(crate) fn repaired(mut self, fixes: Vec<Fix>) -> Self {
        self.fixes = fixes;
        self
    }

    /// Builds the next document; says where it starts, or nothing at the end of the text. After an error the text is
    /// done with.
    pub(crate) fn document<B: Build>(&mut self, build: &mut B) -> Result<Option<Position>, Error> {
        if self.failed {
            return Ok(None);
        }
        let result = self.next_document(build);
        self.failed = result.is_err();
        result
    }

    fn next_document<B: Build>(&mut self, build: &mut B) -> Result<Option<Position>, Error> {
        let mut start = None;
        self.anchors.clear();
        while let Some(event) = self.parser.next_event() {
            let (event, span) = event.map_err(|error| {
                self.fault = Fault::of(&error);
                problem::explain(&error, self.text, &self.limits)
            })?;
            match event {
                Event::StreamStart => {}
                Event::StreamEnd => break,
                Event::DocumentStart(..) => {
                    let at = position(&span.start);
                    self.documents += 1;
                    if self.documents > self.limits.documents {
                        let limit = self.limits.documents;
                        return Err(Error::new(at, ErrorKind::TooManyDocuments { limit }));
                    }
                    start = Some(at);
                }
                Event::DocumentEnd => return Ok(start),
                event => {
                    let at = position(&span.start);
                    self.node(build, event, &span).map_err(|kind| Error::new(build.blame().unwrap_or(at), kind))?;
                }
            }
        }
        Ok(None)
    }

    fn node<B: Build>(&mut self, build: &mut B, event: Event<'t>, span: &Span) -> Result<(), ErrorKind> {
        match event {
            Event::Scalar(mut text, style, anchor, tag) => {
                // The parser writes a tilde where nothing stands.
                if text == "~" && span.is_empty() {
                    text = Cow::Borrowed("");
                }
                self.count(1)?;
                if anchor != 0 {
                    let nodes = 1 + text.len() / Limits::TEXT_PER_NODE;
                    self.anchors.insert(anchor, Anchored::Complete { nodes, height: 0 });
                }
                build.scalar(ScalarEvent {
                    text,
                    style: scalar_style(style),
                    tag: tag.map(|tag| short_tag(&tag)),
                    anchor,
                    place: self.place(span),
                })
            }
            Event::SequenceStart(layout, anchor, tag) => {
                self.open(anchor)?;
                build.open(Kind::Sequence, open_event(layout, anchor, tag, self.place(span)))
            }
            Event::MappingStart(layout, anchor, tag) => {
                self.open(anchor)?;
                build.open(Kind::Mapping, open_event(layout, anchor, tag, self.place(span)))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(done) = self.open.pop() {
                    let height = done.height + 1;
                    if done.anchor != 0 {
                        let nodes = self.nodes - done.nodes;
                        self.anchors.insert(done.anchor, Anchored::Complete { nodes, height });
                        // The builder keeps a copy of what is anchored.
                        self.count(nodes)?;
                    }
                    self.raise(height)?;
                }
                build.close(self.place(span))
            }
            Event::Alias(anchor) => {
                let name = || span.slice(self.text).unwrap_or_default().trim_start_matches('*');
                match self.anchors.get(&anchor) {
                    Some(&Anchored::Complete { nodes, height }) => {
                        let name = name();
                        self.count(nodes)?;
                        self.raise(height)?;
                        build.alias(anchor, name, self.place(span))
                    }
                    Some(Anchored::Open) => Err(ErrorKind::SelfReference { name: name().to_owned() }),
                    None => Err(ErrorKind::UnknownAnchor { name: name().to_owned() }),
                }
            }
            Event::Anchor(_, name) => {
                // Go knows no others, and a stray & would otherwise swallow what follows it.
                if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
                    let name = name.into_owned();
                    return Err(ErrorKind::AnchorName { name });
                }
                build.name_anchor(&name);
                Ok(())
            }
            Event::Comment(..) => {
                build.comment(span.slice(self.text).unwrap_or_default(), self.place(span));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn place(&self, span: &Span) -> Place {
        let place = Place {
            at: position(&span.start),
            start: narrow(span.start.byte_offset().unwrap_or_default()),
            end: narrow(span.end.byte_offset().unwrap_or_default()),
        };
        if self.fixes.is_empty() { place } else { repair::original(place, &self.fixes, self.text) }
    }

    fn open(&mut self, anchor: usize) -> Result<(), ErrorKind> {
        let nodes = self.nodes;
        self.count(1)?;
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored::Open);
        }
        self.open.push(Open { anchor, nodes, height: 0 });
        self.raise(0)
    }

    fn count(&mut self, nodes: usize) -> Result<(), ErrorKind> {
        self.nodes = self.nodes.saturating_add(nodes);
        let limit = self.limits.nodes;
        if self.nodes > limit {
            return Err(ErrorKind::TooManyNodes { limit });
        }
        Ok(())
    }

    /// Notes that the innermost open collection has a child of this height.
    fn raise(&mut self, height: usize) -> Result<(), ErrorKind> {
        let limit = self.limits.depth;
        if self.open.len() + height > limit {
            return Err(ErrorKind::TooDeep { limit });
        }
        if let Some(parent) = self.open.last_mut() {
            parent.height = parent.height.max(height);
        }
        Ok(())
    }
}

pub(crate) fn position(mark: &Marker) -> Position {
    Position { line: narrow(mark.line()), column: narrow(mark.col() + 1) }
}

/// Lossless for every text within [`Limits::MAX_BYTES`].
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn scalar_style(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

fn open_event<'a>(
    layout: StructureStyle,
    anchor: usize,
    tag: Option<Cow<'_, granit_parser::Tag>>,
    place: Place,
) -> OpenEvent<'a> {
    OpenEvent {
        layout: match layout {
            StructureStyle::Block => Layout::Block,
            StructureStyle::Flow => Layout::Flow,
        },
        tag: tag.map(|tag| short_tag(&tag)),
        anchor,
        place,
    }
}

/// `!!name` for YAML's own types, the tag as it stands for all others.
fn short_tag(tag: &granit_parser::Tag) -> Cow<'static, str> {
    const YAML: &str = "tag:yaml.org,2002:";
    match tag.suffix_in_namespace(YAML) {
        Some(name) => Cow::Owned(format!("!!{name}")),
        None => Cow::Owned(format!("{}{}", tag.handle(), tag.suffix())),
    }
}
