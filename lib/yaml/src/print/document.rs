//! Prints documents of the lossless model as kyaml does: order, styles and comments stay, indentation is made regular.

use super::scalar::{Shape, escape, needs_escape};
use crate::node::{Content, Document, Layout, Node, Style};

/// How far the dashes of a sequence stand from the key above them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sequences {
    /// Below the key's first character.
    #[default]
    Compact,
    /// Two columns further right.
    Wide,
}

/// Prints documents, parted by `---`.
pub fn print_documents(documents: &[Document], sequences: Sequences) -> String {
    let mut printer = Printer::new(sequences);
    for (i, document) in documents.iter().enumerate() {
        if i > 0 {
            printer.line(0);
            printer.out.push_str("---");
            printer.column = 3;
            printer.line(0);
        }
        printer.document(document);
    }
    printer.out
}

impl Document {
    /// Prints the document as kyaml does.
    pub fn print(&self, sequences: Sequences) -> String {
        let mut printer = Printer::new(sequences);
        printer.document(self);
        printer.out
    }
}

impl Node {
    /// Prints the node as a document of its own.
    pub fn print(&self, sequences: Sequences) -> String {
        let mut printer = Printer::new(sequences);
        printer.root(self);
        printer.end();
        printer.out
    }
}

/// Where a node is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Document,
    Sequence,
    /// Behind a colon.
    Value,
    /// In front of a colon, on one line.
    Key,
    /// Behind a question mark.
    LongKey,
}

struct Printer {
    sequences: Sequences,
    out: String,
    /// Where the text ends now, in bytes since the last line break.
    column: usize,
    /// Whether a space or nothing stands before the end.
    space: bool,
    /// Whether only indentation and indicators stand in the line so far.
    indentation: bool,
    /// The indentation of a foot comment that was just written; an empty line follows it there.
    foot: Option<usize>,
    flow: usize,
    /// Whether the block scalar that was just written has its comment in its first line.
    header_done: bool,
}

impl Printer {
    fn new(sequences: Sequences) -> Self {
        Self {
            sequences,
            out: String::new(),
            column: 0,
            space: true,
            indentation: true,
            foot: None,
            flow: 0,
            header_done: false,
        }
    }

    fn document(&mut self, document: &Document) {
        if !document.comments.head.is_empty() {
            self.comment_above(&document.comments.head, 0);
            self.break_line();
        }
        self.root(&document.root);
        if !document.comments.foot.is_empty() {
            self.foot = Some(0);
            self.comment_below(&document.comments.foot, 0);
        }
        self.end();
    }

    fn root(&mut self, node: &Node) {
        let comments = node.comments();
        self.comment_above(&comments.head, 0);
        self.node(node, Within::Document, None);
        if !is_block_collection(node) {
            self.comment_behind(node);
        }
        self.comment_below(&comments.foot, 0);
    }

    fn end(&mut self) {
        self.foot = None;
        self.line(0);
    }

    /// Prints a node; the indentation is that of the collection around it.
    fn node(&mut self, node: &Node, within: Within, indent: Option<usize>) {
        if let Content::Alias { name, .. } = &node.content {
            self.word("*");
            self.push(name);
            self.done();
            return;
        }
        if let Some(anchor) = node.anchor() {
            self.word("&");
            self.push(anchor);
            self.done();
        }
        if let Some(tag) = node.tag() {
            if tag.starts_with('!') {
                self.word(tag);
            } else {
                self.word("!<");
                self.push(tag);
                self.push(">");
            }
            self.done();
        }
        match &node.content {
            Content::Scalar { text, style } => {
                let indent = indent.map_or(2, |indent| indent + 2);
                self.scalar(node, text, *style, within, indent);
            }
            Content::Sequence { items, layout } if self.flow > 0 || *layout == Layout::Flow || items.is_empty() => {
                self.flow_sequence(items, indent);
            }
            Content::Mapping { pairs, layout } if self.flow > 0 || *layout == Layout::Flow || pairs.is_empty() => {
                self.flow_mapping(pairs, indent);
            }
            Content::Sequence { items, .. } => self.block_sequence(items, within, indent),
            Content::Mapping { pairs, .. } => self.block_mapping(pairs, indent),
            Content::Alias { .. } => {}
        }
    }

    fn block_sequence(&mut self, items: &[Node], within: Within, indent: Option<usize>) {
        let under_key = matches!(within, Within::Value | Within::LongKey) && (self.column == 0 || !self.indentation);
        let indent = match indent {
            None => 0,
            Some(indent) if under_key && self.sequences == Sequences::Compact => indent,
            Some(indent) => indent + 2,
        };
        for item in items {
            self.comment_above(&item.comments().head, indent);
            self.line(indent);
            self.indicator("-");
            self.node(item, Within::Sequence, Some(indent));
            if !is_block_collection(item) {
                self.comment_behind(item);
            }
            self.comment_below(&item.comments().foot, indent);
        }
    }

    fn block_mapping(&mut self, pairs: &[(Node, Node)], indent: Option<usize>) {
        let indent = indent.map_or(0, |indent| indent + 2);
        let mut foot = "";
        for (key, value) in pairs {
            // A foot comment comes after all that belongs to its pair.
            self.tail(foot, indent);
            foot = &key.comments().foot;
            self.comment_above(&key.comments().head, indent);
            self.line(indent);
            if is_simple_key(key) {
                self.node(key, Within::Key, Some(indent));
                self.push(":");
                self.done();
            } else {
                self.indicator("?");
                self.node(key, Within::LongKey, Some(indent));
                self.line(indent);
                self.indicator(":");
            }
            let mut behind = key.comments().line.as_str();
            if !behind.is_empty() && is_block_collection(value) {
                self.comment(behind);
                behind = "";
            }
            // Above a block, the comment has its own line already; above a scalar it would be the scalar's.
            self.comment_above(&value.comments().head, indent);
            self.node(value, Within::Value, Some(indent));
            if !is_block_collection(value) {
                if value.comments().line.is_empty() && !value.is_block_scalar() {
                    self.comment(behind);
                }
                self.comment_behind(value);
            }
            self.comment_below(&value.comments().foot, indent);
        }
        self.tail(foot, indent);
    }

    fn flow_sequence(&mut self, items: &[Node], indent: Option<usize>) {
        let inner = indent.map_or(2, |indent| indent + 2);
        self.word("[");
        self.space = true;
        self.flow += 1;
        let mut comma = false;
        for item in items {
            if comma {
                self.push(",");
                self.done();
            }
            self.comment_above(&item.comments().head, inner);
            if self.column == 0 {
                self.line(inner);
            }
            self.node(item, Within::Sequence, Some(inner));
            comma = !self.flow_comments(item, inner);
        }
        self.flow -= 1;
        if self.column == 0 {
            self.line(indent.unwrap_or_default());
        }
        self.push("]");
        self.done();
    }

    fn flow_mapping(&mut self, pairs: &[(Node, Node)], indent: Option<usize>) {
        let inner = indent.map_or(2, |indent| indent + 2);
        self.word("{");
        self.space = true;
        self.flow += 1;
        let mut comma = false;
        for (key, value) in pairs {
            if comma {
                self.push(",");
                self.done();
            }
            self.comment_above(&key.comments().head, inner);
            if self.column == 0 {
                self.line(inner);
            }
            if is_simple_key(key) {
                self.node(key, Within::Key, Some(inner));
                self.push(":");
            } else {
                self.word("?");
                self.done();
                self.node(key, Within::LongKey, Some(inner));
                self.word(":");
            }
            self.done();
            self.node(value, Within::Value, Some(inner));
            comma = !self.flow_comments(value, inner);
            if !key.comments().foot.is_empty() {
                if comma {
                    self.push(",");
                    comma = false;
                }
                self.comment_below(&key.comments().foot, inner);
            }
        }
        self.flow -= 1;
        if self.column == 0 {
            self.line(indent.unwrap_or_default());
        }
        self.push("}");
        self.done();
    }

    /// Prints what stands behind and below an item within brackets, after its comma; says whether there was any.
    fn flow_comments(&mut self, node: &Node, indent: usize) -> bool {
        let comments = node.comments();
        if comments.line.is_empty() && comments.foot.is_empty() {
            return false;
        }
        self.push(",");
        self.done();
        self.comment_behind(node);
        self.comment_below(&comments.foot, indent);
        true
    }

    fn scalar(&mut self, node: &Node, text: &str, style: Style, within: Within, indent: usize) {
        self.header_done = false;
        let shape = Shape::of(text);
        let breaks = text.contains('\n');
        // A tab needs quotes, but no escape in a block.
        let special = text.chars().any(|c| c != '\t' && needs_escape(c));
        let style = match style {
            Style::Plain if breaks => Style::Literal,
            style => style,
        };
        let style = if within == Within::Key && breaks { Style::DoubleQuoted } else { style };
        let is_plain = !(shape.special
            || shape.indicators
            || text.starts_with([' ', '\n'])
            || text.ends_with([' ', '\n'])
            || breaks
            || self.flow > 0 && has_flow_indicators(text)
            || text.is_empty() && (self.flow > 0 || within == Within::Key) && node.tag().is_none());
        let is_single = !(shape.special || shape.space_before_break || text.contains("\n "));
        let is_block = !(special
            || shape.space_before_break
            || text.ends_with(' ')
            || text.is_empty()
            || self.flow > 0
            || within == Within::Key);
        let style = match style {
            Style::Plain if is_plain => Style::Plain,
            Style::Plain | Style::SingleQuoted if is_single => Style::SingleQuoted,
            Style::Literal | Style::Folded if is_block => style,
            _ => Style::DoubleQuoted,
        };
        match style {
            Style::Plain => {
                if !text.is_empty() {
                    self.word(text);
                }
            }
            Style::SingleQuoted => self.single(text, indent),
            Style::DoubleQuoted => self.double(text),
            Style::Literal => self.literal(node, text, indent),
            Style::Folded => self.folded(node, text, indent),
        }
        if !matches!(style, Style::Literal | Style::Folded) {
            self.done();
        }
    }

    fn single(&mut self, text: &str, indent: usize) {
        self.word("'");
        let mut breaks = false;
        for (i, piece) in text.split('\n').enumerate() {
            if i > 0 {
                if !breaks {
                    self.break_line();
                }
                self.break_line();
                breaks = true;
            }
            if !piece.is_empty() {
                if breaks {
                    self.line(indent);
                    breaks = false;
                }
                self.push(&piece.replace('\'', "''"));
                self.indentation = false;
            }
        }
        if breaks {
            self.line(indent);
        }
        self.push("'");
    }

    fn double(&mut self, text: &str) {
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push('"');
        for c in text.chars() {
            if matches!(c, '"' | '\\' | '\n') || needs_escape(c) {
                escape(&mut quoted, c);
            } else {
                quoted.push(c);
            }
        }
        quoted.push('"');
        self.word(&quoted);
    }

    /// Writes the first line of a block scalar with its comment.
    fn header(&mut self, node: &Node, indicator: &str, text: &str) {
        self.word(indicator);
        if text.starts_with([' ', '\n']) {
            self.push("2");
        }
        if !text.ends_with('\n') {
            self.push("-");
        } else if text == "\n" || text.ends_with("\n\n") {
            self.push("+");
        }
        self.done();
        if node.comments().line.is_empty() {
            self.break_line();
        } else {
            self.comment(&node.comments().line);
        }
        self.header_done = true;
        self.space = true;
    }

    fn literal(&mut self, node: &Node, text: &str, indent: usize) {
        self.header(node, "|", text);
        for piece in text.split_inclusive('\n') {
            let (line, end) = match piece.strip_suffix('\n') {
                Some(line) => (line, true),
                None => (piece, false),
            };
            if !line.is_empty() {
                self.line(indent);
                self.push(line);
                self.indentation = false;
            }
            if end {
                self.break_line();
            }
        }
    }

    fn folded(&mut self, node: &Node, text: &str, indent: usize) {
        self.header(node, ">", text);
        let bytes = text.as_bytes();
        let mut at = 0;
        let mut breaks = true;
        let mut leading_spaces = true;
        while at < bytes.len() {
            let rest = &text[at..];
            if rest.starts_with('\n') {
                if !breaks && !leading_spaces {
                    // As upstream, it is the text's first character behind its own leading breaks that decides.
                    let first = text.trim_start_matches('\n').chars().next();
                    if !matches!(first, None | Some(' ' | '\t')) {
                        self.break_line();
                    }
                }
                self.break_line();
                breaks = true;
                at += 1;
            } else {
                if breaks {
                    self.line(indent);
                    leading_spaces = rest.starts_with([' ', '\t']);
                }
                let line = rest.split('\n').next().unwrap_or_default();
                self.push(line);
                self.indentation = false;
                breaks = false;
                at += line.len();
            }
        }
    }

    fn comment_above(&mut self, comment: &str, indent: usize) {
        if !comment.is_empty() {
            self.line(indent);
            self.lines_of_comment(comment, indent);
        }
    }

    fn comment_below(&mut self, comment: &str, indent: usize) {
        if !comment.is_empty() {
            self.line(indent);
            self.lines_of_comment(comment, indent);
            self.foot = Some(indent);
        }
    }

    fn tail(&mut self, comment: &str, indent: usize) {
        self.comment_below(comment, indent);
    }

    /// Prints the comment behind a node, unless a block scalar has it in its first line already.
    fn comment_behind(&mut self, node: &Node) {
        if !std::mem::take(&mut self.header_done) {
            self.comment(&node.comments().line);
        }
    }

    fn comment(&mut self, comment: &str) {
        if comment.is_empty() {
            return;
        }
        if !self.space {
            self.push(" ");
        }
        self.lines_of_comment(comment, self.column);
    }

    fn lines_of_comment(&mut self, comment: &str, indent: usize) {
        for (i, piece) in comment.split('\n').enumerate() {
            if i > 0 {
                self.break_line();
            }
            if piece.is_empty() {
                continue;
            }
            if i > 0 {
                self.line(indent);
            }
            if !piece.starts_with('#') {
                self.push("# ");
            }
            self.push(piece);
            self.indentation = false;
        }
        if self.column > 0 {
            self.break_line();
        }
        self.space = true;
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.len();
    }

    /// Writes text behind a space, unless there is one.
    fn word(&mut self, text: &str) {
        if !self.space {
            self.push(" ");
        }
        self.push(text);
        self.space = false;
        self.indentation = false;
    }

    /// Writes a dash, question mark or colon that starts a block's line.
    fn indicator(&mut self, text: &str) {
        if !self.space {
            self.push(" ");
        }
        self.push(text);
        self.space = false;
    }

    /// What was written ends here: what follows needs a space.
    fn done(&mut self) {
        self.space = false;
        self.indentation = false;
    }

    fn break_line(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.indentation = true;
    }

    /// Goes to an indentation, in a new line unless this one holds only indentation up to there.
    fn line(&mut self, indent: usize) {
        if !self.indentation || self.column > indent || self.column == indent && !self.space {
            self.break_line();
        }
        if self.foot.take() == Some(indent) {
            self.break_line();
        }
        while self.column < indent {
            self.push(" ");
        }
        self.space = true;
    }
}

fn is_block_collection(node: &Node) -> bool {
    match &node.content {
        Content::Sequence { items, layout: Layout::Block } => !items.is_empty(),
        Content::Mapping { pairs, layout: Layout::Block } => !pairs.is_empty(),
        _ => false,
    }
}

fn is_simple_key(key: &Node) -> bool {
    let decoration = key.anchor().map_or(0, str::len) + key.tag().map_or(0, str::len);
    let length = match &key.content {
        Content::Scalar { text, .. } if text.contains('\n') => return false,
        Content::Scalar { text, .. } => text.len(),
        Content::Alias { name, .. } => name.len(),
        Content::Sequence { items, .. } if items.is_empty() => 0,
        Content::Mapping { pairs, .. } if pairs.is_empty() => 0,
        _ => return false,
    };
    decoration + length <= 128
}

/// Whether a text cannot stand plain within brackets.
fn has_flow_indicators(text: &str) -> bool {
    text.contains([',', '?', '[', ']', '{', '}', ':'])
}
