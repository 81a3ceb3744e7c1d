//! Which node a comment belongs to, by where it stands: the rules of go-yaml version 3, as far as lines and columns
//! decide them.
//!
//! A comment behind content belongs to it. Lines of comments belong to what follows them, unless an empty line parts
//! them from it and none parts them from what they follow, or what follows stands further left than they do.

use crate::compose::Place;

/// The comments between two pieces of content.
#[derive(Default)]
pub(super) struct Pending {
    blocks: Vec<Block>,
    /// What will stand above the next node.
    head: String,
    content: Option<Place>,
    /// Whether that content is a plain scalar without a comment behind it.
    plain: bool,
    /// Whether a colon has been written behind it.
    colon: bool,
}

/// Lines of comments without an empty line between them.
struct Block {
    text: String,
    first: u32,
    last: u32,
    column: u32,
}

/// Comments that belong to what stands above them.
pub(super) struct Foot {
    pub(super) column: u32,
    pub(super) text: String,
    /// Whether they belong to the document rather than to its last entry.
    pub(super) of_document: bool,
}

/// What follows the comments.
#[derive(Clone, Copy)]
pub(super) struct Next {
    line: u32,
    column: u32,
}

impl Next {
    pub(super) fn of(place: Place) -> Self {
        Self { line: place.at.line, column: place.at.column }
    }
}

/// Joins comments line by line.
pub(super) fn append(to: &mut String, text: &str) {
    if !to.is_empty() && !text.is_empty() {
        to.push('\n');
    }
    to.push_str(text);
}

impl Pending {
    /// Notes the content that comments may follow.
    pub(super) fn content(&mut self, place: Place) {
        self.content = Some(place);
        self.plain = false;
        self.colon = false;
    }

    /// Notes that the content that was noted last is a scalar, plain or not, and whether it is a key.
    pub(super) fn scalar(&mut self, plain: bool, key: bool) {
        self.plain = plain;
        self.colon = key;
    }

    /// Notes that a value was left out.
    pub(super) fn colon(&mut self) {
        self.colon = true;
    }

    /// Notes a comment behind the last content.
    pub(super) fn remark(&mut self) {
        self.plain = false;
    }

    /// The line that the last content ends in, without the empty lines at the end of a block scalar; 0 without content.
    fn content_line(&self, text: &str) -> u32 {
        let Some(Place { at, start, end }) = self.content else {
            return 0;
        };
        let written = text.get(start as usize..end as usize).unwrap_or_default().trim_end();
        let breaks = written.bytes().filter(|b| *b == b'\n').count();
        at.line + u32::try_from(breaks).unwrap_or_default()
    }

    /// Whether a comment stands in the line of the last content.
    pub(super) fn is_behind_content(&self, text: &str, place: Place) -> bool {
        // In the first line of a block scalar it stands in its header.
        self.content.is_some_and(|content| content.at.line == place.at.line) || self.content_line(text) == place.at.line
    }

    pub(super) fn push(&mut self, comment: &str, place: Place) {
        let line = place.at.line;
        match self.blocks.last_mut() {
            Some(block) if block.last + 1 == line && block.column == place.at.column => {
                append(&mut block.text, comment);
                block.last = line;
            }
            _ => self.blocks.push(Block { text: comment.to_owned(), first: line, last: line, column: place.at.column }),
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn take_head(&mut self) -> String {
        std::mem::take(&mut self.head)
    }

    /// Settles the comments above a document's first node: all but those right above it are the document's.
    pub(super) fn settle_top(&mut self, document: &mut String, next: Option<Next>) {
        let blocks = std::mem::take(&mut self.blocks);
        let count = blocks.len();
        let mut last: Option<u32> = None;
        for (i, block) in blocks.into_iter().enumerate() {
            let attached = i + 1 == count && next.is_some_and(|next| next.line <= block.last + 1);
            let to = if attached { &mut self.head } else { &mut *document };
            if !to.is_empty() && last.is_some_and(|last| last + 1 < block.first) {
                to.push('\n');
            }
            append(to, &block.text);
            last = Some(block.last);
        }
    }

    /// Settles the comments since the last content; gives back the column and text of those that belong to what
    /// stands above, asking whether an open collection has its entries in a column.
    pub(super) fn settle(&mut self, text: &str, next: Option<Next>, has_column: impl Fn(u32) -> bool) -> Vec<Foot> {
        let blocks = std::mem::take(&mut self.blocks);
        let mut feet = Vec::new();
        let mut previous = self.content_line(text);
        // go-yaml knows no foot of a text's first line, unless it has read beyond it, looking for more of a plain scalar.
        let footed = !self.colon && (previous > 1 || self.plain);
        let count = blocks.len();
        let ends: Vec<u32> = blocks.iter().skip(1).map(|block| block.first).collect();
        for (i, block) in blocks.into_iter().enumerate() {
            let follows = ends.get(i).copied().or(next.map(|next| next.line));
            let parted_below = follows.is_none_or(|line| line > block.last + 1);
            let parted_above = block.first > previous + 1;
            let dedents = next.is_none_or(|next| next.column < block.column);
            previous = block.last;
            let foot = dedents && has_column(block.column)
                || i == 0 && parted_below && !parted_above && footed
                || next.is_none() && i + 1 == count;
            if foot && self.head.is_empty() {
                let of_document = next.is_none() && block.column == 1 && (parted_above || i > 0 || !footed);
                feet.push(Foot { column: block.column, text: block.text, of_document });
            } else {
                if !self.head.is_empty() && parted_above {
                    self.head.push('\n');
                }
                append(&mut self.head, &block.text);
            }
        }
        feet
    }
}
