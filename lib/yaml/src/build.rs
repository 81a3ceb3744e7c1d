//! Builds the lossless model.

mod comments;

use std::collections::HashMap;
use std::sync::Arc;

use crate::compose::{Build, Kind, OpenEvent, Place, ScalarEvent};
use crate::error::{ErrorKind, Position};
use crate::node::{Comments, Content, Document, Layout, Node, Style};
use comments::{Foot, Next, Pending};

/// Builds one document after the other.
pub(crate) struct ToDocument<'t> {
    text: &'t str,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Arc<Node>>,
    root: Option<Node>,
    /// The anchor of the node that came last, whose name follows.
    unnamed: Option<Unnamed>,
    pending: Pending,
    comments: Comments,
}

/// A collection that is not yet complete.
struct Frame {
    node: Node,
    key: Option<Node>,
    anchor: usize,
    /// Where its keys or dashes stand; 0 within brackets, which have no column of their own.
    column: u32,
}

#[derive(Clone, Copy)]
enum Unnamed {
    Scalar(usize),
    Collection,
}

impl<'t> ToDocument<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            frames: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            unnamed: None,
            pending: Pending::default(),
            comments: Comments::default(),
        }
    }

    /// The document that was built, and that starts there.
    pub(crate) fn finish(&mut self, at: Position) -> Document {
        self.anchors.clear();
        self.settle(None);
        let mut comments = std::mem::take(&mut self.comments);
        let left = self.pending.take_head();
        comments::append(&mut comments.foot, &left);
        self.pending = Pending::default();
        Document { root: self.root.take().unwrap_or_else(|| Node::plain("")), at, comments }
    }

    fn put(&mut self, node: Node) {
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut frame.node.content {
            Content::Sequence { items, .. } => items.push(node),
            Content::Mapping { pairs, .. } => match frame.key.take() {
                None => frame.key = Some(node),
                Some(key) => pairs.push((key, node)),
            },
            _ => {}
        }
    }

    /// The node that was put last.
    fn last(&mut self) -> Option<&mut Node> {
        match self.frames.last_mut() {
            Some(frame) => frame.last(),
            None => self.root.as_mut(),
        }
    }

    /// Puts a leaf whose comments are known now.
    fn leaf(&mut self, mut node: Node, place: Place) {
        self.settle(Some(Next::of(place)));
        self.head(&mut node);
        self.pending.content(place);
        self.put(node);
    }

    /// Gives a node the comments that stand above it.
    fn head(&mut self, node: &mut Node) {
        let head = self.pending.take_head();
        if !head.is_empty() {
            node.comments_mut().head = head;
        }
    }

    /// Decides which of the comments since the last content belong to what stands above them; the others wait for the
    /// next node.
    fn settle(&mut self, next: Option<Next>) {
        if self.pending.is_settled() {
            return;
        }
        let top = if self.root.is_none() && self.frames.is_empty() { Some(&mut self.comments.head) } else { None };
        if let Some(head) = top {
            self.pending.settle_top(head, next);
            return;
        }
        for Foot { column, text, of_document } in
            self.pending.settle(self.text, next, |column| self.frames.iter().any(|frame| frame.column == column))
        {
            let at = self.frames.iter().rposition(|frame| frame.column == column);
            let at = at.unwrap_or(self.frames.len().saturating_sub(1));
            if self.frames.is_empty() || of_document {
                comments::append(&mut self.comments.foot, &text);
            } else if let Some(entry) = self.entry(at) {
                comments::append(&mut entry.comments_mut().foot, &text);
            }
        }
    }

    /// The last entry of an open collection: a pair's key or an item, which may still be open itself.
    fn entry(&mut self, at: usize) -> Option<&mut Node> {
        let (frames, inner) = self.frames.split_at_mut_checked(at + 1)?;
        let frame = frames.last_mut()?;
        match (&mut frame.node.content, inner.first_mut()) {
            (Content::Sequence { .. }, Some(open)) => Some(&mut open.node),
            (Content::Sequence { items, .. }, None) => items.last_mut(),
            (Content::Mapping { pairs, .. }, _) => match &mut frame.key {
                Some(key) => Some(key),
                None => pairs.last_mut().map(|(key, _)| key),
            },
            _ => None,
        }
    }
}

impl Frame {
    fn last(&mut self) -> Option<&mut Node> {
        match &mut self.node.content {
            Content::Sequence { items, .. } => items.last_mut(),
            Content::Mapping { pairs, .. } => match &mut self.key {
                Some(key) => Some(key),
                None => pairs.last_mut().map(|(_, value)| value),
            },
            _ => None,
        }
    }

    /// Whether a node put now would be an item or a pair's key, rather than a pair's value.
    fn expects_entry(&self) -> bool {
        matches!(self.node.content, Content::Sequence { .. }) || self.key.is_none()
    }
}

/// The place of a block collection from its first dash on, where that stands alone before it; for a sequence that is not
/// indented under its key the parser's begins with the first item.
fn with_dash(text: &str, content: Place) -> Place {
    let line_start = text[..content.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let before = &text[line_start..content.start as usize];
    if before.trim() != "-" {
        return content;
    }
    let indent = u32::try_from(before.len() - before.trim_start().len()).unwrap_or_default();
    let start = content.start - u32::try_from(before.len()).unwrap_or_default() + indent;
    Place { at: Position { line: content.at.line, column: indent + 1 }, start, end: content.end }
}

/// The place of a block scalar from its `|` or `>` on; the parser's begins with the content.
fn with_header(text: &str, content: Place) -> Place {
    let mut at = content.at;
    let mut line_end = (content.start as usize).min(text.len());
    loop {
        let line_start = text[..line_end].rfind('\n').map_or(0, |at| at + 1);
        let line = &text[line_start..line_end];
        if line.trim().is_empty() && line_start > 0 {
            line_end = line_start - 1;
            at.line -= 1;
            continue;
        }
        let is_header = |(i, _): &(usize, char)| {
            let rest = line[i + 1..].trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
            (*i == 0 || line[..*i].ends_with([' ', '\t', ':', '-', '?']))
                && (rest.trim().is_empty() || rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#'))
        };
        let Some((column, _)) = line.char_indices().filter(|(_, c)| matches!(c, '|' | '>')).find(is_header) else {
            return content;
        };
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        at.column = narrow(line[..column].chars().count() + 1);
        return Place { at, start: narrow(line_start + column), end: content.end };
    }
}

impl Build for ToDocument<'_> {
    fn restart(&mut self) {
        *self = Self::new(self.text);
    }

    fn scalar(&mut self, scalar: ScalarEvent<'_>) -> Result<(), ErrorKind> {
        let place = match scalar.style {
            Style::Literal | Style::Folded => with_header(self.text, scalar.place),
            _ => scalar.place,
        };
        let Place { at, start, end } = place;
        let content = Content::Scalar { text: scalar.text.into(), style: scalar.style };
        let mut node = Node::placed(content, at, start..end);
        node.set_tag(scalar.tag.as_deref());
        if start == end && scalar.style == Style::Plain {
            // Nothing is written here: what is pending is about the next node.
            self.put(node);
            self.pending.colon();
        } else {
            self.leaf(node, place);
            self.pending
                .scalar(scalar.style == Style::Plain, self.frames.last().is_some_and(|frame| frame.key.is_some()));
        }
        self.unnamed = Some(Unnamed::Scalar(scalar.anchor));
        Ok(())
    }

    fn open(&mut self, kind: Kind, start: OpenEvent<'_>) -> Result<(), ErrorKind> {
        let layout = start.layout;
        let content = match kind {
            Kind::Sequence => Content::Sequence { items: Vec::new(), layout },
            Kind::Mapping => Content::Mapping { pairs: Vec::new(), layout },
        };
        // A block that begins behind a dash and is not an item itself is the sequence that the dash opens.
        let is_value = self.frames.last().is_some_and(|frame| frame.key.is_some());
        let place = match (kind, layout) {
            (Kind::Sequence, Layout::Block) if is_value => with_dash(self.text, start.place),
            _ => start.place,
        };
        let Place { at, start: from, end } = place;
        let mut node = Node::placed(content, at, from..end);
        node.set_tag(start.tag.as_deref());
        self.settle(Some(Next::of(start.place)));
        // What stands above a block that is a value belongs to the block's first entry.
        if layout == Layout::Flow || self.frames.last().is_some_and(Frame::expects_entry) {
            self.head(&mut node);
        }
        if layout == Layout::Flow {
            self.pending.content(start.place);
        }
        let column = if layout == Layout::Block { at.column } else { 0 };
        self.frames.push(Frame { node, key: None, anchor: start.anchor, column });
        self.unnamed = Some(Unnamed::Collection);
        Ok(())
    }

    fn close(&mut self, place: Place) -> Result<(), ErrorKind> {
        let at_end = place.start as usize >= self.text.len();
        self.settle((!at_end).then(|| Next::of(place)));
        let Some(Frame { mut node, anchor, .. }) = self.frames.pop() else {
            return Ok(());
        };
        // Most collections are small, and what vectors leave room for would be more than what they hold.
        match &mut node.content {
            Content::Sequence { items, .. } => items.shrink_to_fit(),
            Content::Mapping { pairs, .. } => pairs.shrink_to_fit(),
            _ => {}
        }
        let end = match &node.content {
            Content::Sequence { items, layout: Layout::Block } => items.last().map(|item| item.span().end),
            Content::Mapping { pairs, layout: Layout::Block } => {
                pairs.last().map(|(key, value)| value.span().end.max(key.span().end))
            }
            _ => {
                self.pending.content(place);
                None
            }
        };
        node.close(end.and_then(|end| u32::try_from(end).ok()).unwrap_or(place.end));
        if anchor != 0 {
            self.anchors.insert(anchor, Arc::new(node.clone()));
        }
        self.put(node);
        Ok(())
    }

    fn alias(&mut self, anchor: usize, name: &str, place: Place) -> Result<(), ErrorKind> {
        if let Some(target) = self.anchors.get(&anchor) {
            let content = Content::Alias { name: name.into(), target: Arc::clone(target) };
            self.leaf(Node::placed(content, place.at, place.start..place.end), place);
        }
        Ok(())
    }

    fn name_anchor(&mut self, name: &str) {
        match self.unnamed.take() {
            Some(Unnamed::Scalar(anchor)) => {
                if let Some(node) = self.last() {
                    node.set_anchor(Some(name));
                    let shared = Arc::new(node.clone());
                    self.anchors.insert(anchor, shared);
                }
            }
            Some(Unnamed::Collection) => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.node.set_anchor(Some(name));
                }
            }
            None => {}
        }
    }

    fn comment(&mut self, text: &str, place: Place) {
        let before = self.text[..place.start as usize].rsplit('\n').next().unwrap_or_default();
        if !before.trim_end().is_empty() && self.pending.is_behind_content(self.text, place) {
            self.pending.remark();
            if let Some(node) = self.last() {
                comments::append(&mut node.comments_mut().line, text);
            }
        } else {
            self.pending.push(text, place);
        }
    }
}
