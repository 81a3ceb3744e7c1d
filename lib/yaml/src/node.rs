//! The lossless model: every scalar as it was written, with its place, style, tag, anchor and comments.

use std::ops::Range;
use std::sync::Arc;

use crate::error::Position;

/// One document of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The value; a plain empty scalar where the document is empty.
    pub root: Node,
    /// Where the document starts.
    pub at: Position,
    /// Comments that belong to the document, not to a node: above everything else and set off by an empty line, and
    /// below everything else.
    pub comments: Comments,
}

/// Comments around a node, with their `#`, several lines joined by line feeds; empty where there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// Lines above.
    pub head: String,
    /// Behind, in the same line.
    pub line: String,
    /// Lines below, followed by an empty line.
    pub foot: String,
}

impl Comments {
    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.line.is_empty() && self.foot.is_empty()
    }
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Style {
    /// Without quotes.
    #[default]
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// How a collection is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// By indentation.
    #[default]
    Block,
    /// In brackets.
    Flow,
}

/// A scalar, a collection, or an alias.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub content: Content,
    /// What few nodes have; boxed because there are many nodes.
    extra: Option<Box<Extra>>,
    at: Position,
    start: u32,
    end: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Extra {
    tag: Option<Box<str>>,
    anchor: Option<Box<str>>,
    comments: Comments,
}

/// The kinds of nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text whose type the [`Schema`](crate::Schema) decides.
    Scalar {
        /// The text after quotes, escapes and folding.
        text: Box<str>,
        /// How it is written.
        style: Style,
    },
    /// A list.
    Sequence {
        /// In order.
        items: Vec<Node>,
        /// How it is written.
        layout: Layout,
    },
    /// Pairs, in the order of the text; keys may repeat.
    Mapping {
        /// Key and value.
        pairs: Vec<(Node, Node)>,
        /// How it is written.
        layout: Layout,
    },
    /// `*name`
    Alias {
        /// The anchor's name.
        name: Box<str>,
        /// The node that the anchor marks, shared between all its aliases.
        target: Arc<Node>,
    },
}

impl Default for Node {
    /// An empty plain scalar.
    fn default() -> Self {
        Self::plain("")
    }
}

impl Node {
    /// Makes a node of a content, without a place in any text.
    pub fn new(content: Content) -> Self {
        Self { content, extra: None, at: Position::default(), start: 0, end: 0 }
    }

    pub(crate) fn placed(content: Content, at: Position, span: Range<u32>) -> Self {
        Self { content, extra: None, at, start: span.start, end: span.end }
    }

    /// A plain scalar; it is printed with quotes where it needs them to keep its characters, not its type.
    pub fn plain(text: impl Into<Box<str>>) -> Self {
        Self::styled(text, Style::Plain)
    }

    /// A scalar in a style.
    pub fn styled(text: impl Into<Box<str>>, style: Style) -> Self {
        Self::new(Content::Scalar { text: text.into(), style })
    }

    /// A block sequence.
    pub fn sequence(items: Vec<Node>) -> Self {
        Self::new(Content::Sequence { items, layout: Layout::Block })
    }

    /// A block mapping.
    pub fn mapping(pairs: Vec<(Node, Node)>) -> Self {
        Self::new(Content::Mapping { pairs, layout: Layout::Block })
    }

    /// Where it was read; line 0 when it was made.
    pub fn at(&self) -> Position {
        self.at
    }

    /// The bytes of the text that hold it, quotes included, without tag and anchor. For a block scalar from its `|` or
    /// `>` on; for a block collection from its first to the end of its last entry.
    pub fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn close(&mut self, end: u32) {
        self.end = end;
    }

    /// The tag in short form: `!!int`, `!mine`.
    pub fn tag(&self) -> Option<&str> {
        self.extra.as_ref()?.tag.as_deref()
    }

    /// Sets or removes the tag.
    pub fn set_tag(&mut self, tag: Option<&str>) {
        if tag.is_some() || self.extra.is_some() {
            self.extra_mut().tag = tag.map(Into::into);
        }
    }

    /// The name after `&`.
    pub fn anchor(&self) -> Option<&str> {
        self.extra.as_ref()?.anchor.as_deref()
    }

    /// Sets or removes the anchor.
    pub fn set_anchor(&mut self, anchor: Option<&str>) {
        if anchor.is_some() || self.extra.is_some() {
            self.extra_mut().anchor = anchor.map(Into::into);
        }
    }

    /// The comments around it.
    pub fn comments(&self) -> &Comments {
        static NONE: Comments = Comments { head: String::new(), line: String::new(), foot: String::new() };
        self.extra.as_ref().map_or(&NONE, |extra| &extra.comments)
    }

    /// The comments around it, to change them.
    pub fn comments_mut(&mut self) -> &mut Comments {
        &mut self.extra_mut().comments
    }

    fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// The node itself, or what it is an alias of.
    pub fn resolved(&self) -> &Node {
        match &self.content {
            Content::Alias { target, .. } => target.resolved(),
            _ => self,
        }
    }

    /// The text of a scalar, or of the scalar that it is an alias of.
    pub fn text(&self) -> Option<&str> {
        match &self.resolved().content {
            Content::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The style of a scalar.
    pub fn style(&self) -> Option<Style> {
        match self.content {
            Content::Scalar { style, .. } => Some(style),
            _ => None,
        }
    }

    pub(crate) fn is_block_scalar(&self) -> bool {
        matches!(self.style(), Some(Style::Literal | Style::Folded))
    }

    /// The pairs of a mapping, or of the mapping that it is an alias of.
    pub fn pairs(&self) -> Option<&[(Node, Node)]> {
        match &self.resolved().content {
            Content::Mapping { pairs, .. } => Some(pairs),
            _ => None,
        }
    }

    /// The pairs of a mapping, to change them; none for an alias.
    pub fn pairs_mut(&mut self) -> Option<&mut Vec<(Node, Node)>> {
        match &mut self.content {
            Content::Mapping { pairs, .. } => Some(pairs),
            _ => None,
        }
    }

    /// The items of a sequence, or of the sequence that it is an alias of.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.resolved().content {
            Content::Sequence { items, .. } => Some(items),
            _ => None,
        }
    }

    /// The items of a sequence, to change them; none for an alias.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Node>> {
        match &mut self.content {
            Content::Sequence { items, .. } => Some(items),
            _ => None,
        }
    }

    /// The value behind the first key with this text.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.pairs()?.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v)
    }

    /// The value behind the first key with this text, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.pairs_mut()?.iter_mut().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v)
    }

    /// The key and value with this text as key.
    pub fn get_pair(&self, key: &str) -> Option<(&Node, &Node)> {
        self.pairs()?.iter().find(|(k, _)| k.text() == Some(key)).map(|(k, v)| (k, v))
    }

    /// Follows keys from mapping to mapping.
    pub fn at_path<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Option<&Node> {
        keys.into_iter().try_fold(self, |node, key| node.get(key))
    }

    /// Removes the first pair with this key and returns it.
    pub fn remove(&mut self, key: &str) -> Option<(Node, Node)> {
        let pairs = self.pairs_mut()?;
        let at = pairs.iter().position(|(k, _)| k.text() == Some(key))?;
        Some(pairs.remove(at))
    }

    /// Whether it is a scalar that both schemas read as null.
    pub fn is_null(&self) -> bool {
        let node = self.resolved();
        match &node.content {
            Content::Scalar { text, style } => match node.tag() {
                None => *style == Style::Plain && matches!(&**text, "" | "~" | "null" | "Null" | "NULL"),
                Some(tag) => tag == "!!null",
            },
            _ => false,
        }
    }
}
