//! Builds the lossless model.

use std::collections::HashMap;
use std::sync::Arc;

use crate::compose::{Build, Kind, OpenEvent, Place, ScalarEvent};
use crate::error::{ErrorKind, Position};
use crate::node::{Comments, Content, Document, Node};

/// Builds one document after the other.
pub(crate) struct ToDocument<'t> {
    text: &'t str,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Arc<Node>>,
    root: Option<Node>,
    /// The anchor of the node that came last, whose name follows.
    unnamed: Option<Unnamed>,
    comments: Vec<(Place, Box<str>)>,
}

/// A collection that is not yet complete.
struct Frame {
    node: Node,
    key: Option<Node>,
    anchor: usize,
}

#[derive(Clone, Copy)]
enum Unnamed {
    Scalar(usize),
    Collection,
}

impl<'t> ToDocument<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, frames: Vec::new(), anchors: HashMap::new(), root: None, unnamed: None, comments: Vec::new() }
    }

    /// The document that was built.
    pub(crate) fn finish(&mut self, at: Position) -> Document {
        self.anchors.clear();
        let _ = (self.text, &self.comments);
        Document { root: self.root.take().unwrap_or_else(|| Node::plain("")), at, comments: Comments::default() }
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
        let Some(frame) = self.frames.last_mut() else {
            return self.root.as_mut();
        };
        match &mut frame.node.content {
            Content::Sequence { items, .. } => items.last_mut(),
            Content::Mapping { pairs, .. } => match &mut frame.key {
                Some(key) => Some(key),
                None => pairs.last_mut().map(|(_, value)| value),
            },
            _ => None,
        }
    }
}

impl Build for ToDocument<'_> {
    fn scalar(&mut self, scalar: ScalarEvent<'_>) -> Result<(), ErrorKind> {
        let Place { at, start, end } = scalar.place;
        let content = Content::Scalar { text: scalar.text.into(), style: scalar.style };
        let mut node = Node::placed(content, at, start..end);
        node.set_tag(scalar.tag.as_deref());
        self.put(node);
        self.unnamed = Some(Unnamed::Scalar(scalar.anchor));
        Ok(())
    }

    fn open(&mut self, kind: Kind, start: OpenEvent<'_>) -> Result<(), ErrorKind> {
        let layout = start.layout;
        let content = match kind {
            Kind::Sequence => Content::Sequence { items: Vec::new(), layout },
            Kind::Mapping => Content::Mapping { pairs: Vec::new(), layout },
        };
        let Place { at, start: from, end } = start.place;
        let mut node = Node::placed(content, at, from..end);
        node.set_tag(start.tag.as_deref());
        self.frames.push(Frame { node, key: None, anchor: start.anchor });
        self.unnamed = Some(Unnamed::Collection);
        Ok(())
    }

    fn close(&mut self, end: u32) -> Result<(), ErrorKind> {
        let Some(Frame { mut node, anchor, .. }) = self.frames.pop() else {
            return Ok(());
        };
        let end = match &node.content {
            Content::Sequence { items, layout } if *layout == crate::node::Layout::Block => {
                items.last().map(|item| item.span().end)
            }
            Content::Mapping { pairs, layout } if *layout == crate::node::Layout::Block => {
                pairs.last().map(|(key, value)| value.span().end.max(key.span().end))
            }
            _ => None,
        }
        .and_then(|end| u32::try_from(end).ok())
        .unwrap_or(end);
        node.close(end);
        if anchor != 0 {
            self.anchors.insert(anchor, Arc::new(node.clone()));
        }
        self.put(node);
        Ok(())
    }

    fn alias(&mut self, anchor: usize, name: &str, place: Place) -> Result<(), ErrorKind> {
        if let Some(target) = self.anchors.get(&anchor) {
            let content = Content::Alias { name: name.into(), target: Arc::clone(target) };
            self.put(Node::placed(content, place.at, place.start..place.end));
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
        self.comments.push((place, text.into()));
    }
}
