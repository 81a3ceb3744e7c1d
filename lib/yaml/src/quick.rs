//! Reads at a tenth of the parser's cost the YAML that nearly all manifests are made of: blocks by indentation, scalars of
//! every style, brackets that close in their line.
//!
//! It knows no errors. Wherever a text has something else, be it legal or wrong, it steps [`Aside`] and the parser reads
//! the text instead, so that there is one place that says what is wrong. What it does read it must read as the parser
//! does: the tests in `tests/it/quick.rs` hold both against each other.

mod flow;
mod scalar;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::Cell;

use memchr::{memchr, memchr2_iter};

use crate::compose::{Build, Kind, OpenEvent, Place, ScalarEvent};
use crate::error::Position;
use crate::limits::Limits;
use crate::node::{Layout, Style};

/// Something that is left to the parser.
#[derive(Debug)]
pub(crate) struct Aside;

/// Deeper texts are left to the parser, which has a limit of its own.
const MAX_DEPTH: usize = 100;
/// Longer keys are left to the parser, which refuses some.
const LONGEST_KEY: usize = 500;

/// Reads a text document by document.
pub(crate) struct Quick<'t> {
    text: &'t str,
    bytes: &'t [u8],
    /// Where the next line begins.
    next: usize,
    /// The number of that line.
    number: u32,
    /// Whether there is a tab somewhere; then every line is searched for it.
    tabs: bool,
    levels: Vec<Level>,
    /// The last key or dash has nothing behind it in its line.
    pending: bool,
    /// How many scalars and collections may still come.
    nodes: usize,
    documents: usize,
    max_depth: usize,
    counted: Cell<Counted>,
}

/// How far into a line its characters have been counted, so that those of a long one are counted once.
#[derive(Clone, Copy, Default)]
struct Counted {
    line: usize,
    at: usize,
    characters: usize,
}

/// A block collection that is not yet complete.
#[derive(Clone, Copy)]
struct Level {
    kind: Kind,
    /// How many characters stand before its keys or dashes.
    indent: usize,
}

/// A line that is neither empty nor a comment.
#[derive(Clone, Copy)]
struct Line {
    start: usize,
    /// Where its line feed stands, or the text ends.
    end: usize,
    number: u32,
    /// How many spaces it starts with.
    indent: usize,
}

impl Line {
    /// Where the first character stands that is no space.
    fn content(self) -> usize {
        self.start + self.indent
    }
}

impl<'t> Quick<'t> {
    /// Nothing for a text with characters that some readers take for line breaks, or refuse.
    pub(crate) fn new(text: &'t str, limits: &Limits) -> Option<Self> {
        (text.len() <= limits.bytes.min(Limits::MAX_BYTES) && is_ordinary(text)).then(|| Self {
            text,
            bytes: text.as_bytes(),
            next: 0,
            number: 1,
            tabs: text.contains('\t'),
            levels: Vec::new(),
            pending: false,
            nodes: limits.nodes,
            documents: limits.documents,
            max_depth: limits.depth.min(MAX_DEPTH),
            counted: Cell::default(),
        })
    }

    /// Builds the next document; says where it starts, or nothing at the end of the text.
    pub(crate) fn document<B: Build>(&mut self, build: &mut B) -> Result<Option<Position>, Aside> {
        let Some(mut line) = self.peek()? else { return Ok(None) };
        let at = self.position(line, line.content());
        self.documents = self.documents.checked_sub(1).ok_or(Aside)?;
        if self.is_marker(line) {
            self.require_nothing(line.start + 3, line.end)?;
            self.consume(line);
            line = match self.peek()? {
                Some(first) if !self.is_marker(first) => first,
                _ => {
                    self.scalar(build, Cow::Borrowed(""), Style::Plain, self.place(line, line.end, line.end))?;
                    return Ok(Some(at));
                }
            };
        }
        if !self.is_dash(line.content(), line.end) && self.key(line, line.content())?.is_none() {
            return Err(Aside);
        }
        self.node(build, line, line.content(), 0)?;
        while let Some(line) = self.peek()?.filter(|line| !self.is_marker(*line)) {
            self.entry(build, line)?;
        }
        if std::mem::take(&mut self.pending) {
            self.nothing(build)?;
        }
        while self.levels.pop().is_some() {
            self.close(build)?;
        }
        Ok(Some(at))
    }

    /// Reads a line of a block that is open: its next entry, or what stands below its last one.
    fn entry<B: Build>(&mut self, build: &mut B, line: Line) -> Result<(), Aside> {
        let at = line.content();
        let dash = self.is_dash(at, line.end);
        if std::mem::take(&mut self.pending) {
            let top = self.levels.last().ok_or(Aside)?;
            // A list may start below the first character of its key.
            let is_below = line.indent == top.indent && dash && top.kind == Kind::Mapping;
            if line.indent > top.indent || is_below {
                return self.node(build, line, at, top.indent);
            }
            self.nothing(build)?;
        }
        while let Some(top) = self.levels.last() {
            let is_past = top.indent == line.indent && top.kind == Kind::Sequence && !dash;
            if top.indent <= line.indent && !is_past {
                break;
            }
            self.levels.pop();
            self.close(build)?;
        }
        match self.levels.last() {
            Some(top) if top.indent == line.indent => match (top.kind, dash) {
                (Kind::Sequence, true) => self.item(build, line, at),
                (Kind::Mapping, false) => {
                    let (key, behind) = self.key(line, at)?.ok_or(Aside)?;
                    self.pair(build, line, key, behind)
                }
                _ => Err(Aside),
            },
            _ => Err(Aside),
        }
    }

    /// Reads what begins somewhere in a line: a list, a mapping or a scalar.
    fn node<B: Build>(&mut self, build: &mut B, line: Line, at: usize, parent: usize) -> Result<(), Aside> {
        let indent = at - line.start;
        if self.is_dash(at, line.end) {
            self.open_level(build, line, Level { kind: Kind::Sequence, indent })?;
            return self.item(build, line, at);
        }
        match self.key(line, at)? {
            Some((key, behind)) => {
                self.open_level(build, line, Level { kind: Kind::Mapping, indent })?;
                self.pair(build, line, key, behind)
            }
            None => self.value(build, line, at, parent),
        }
    }

    /// Reads an item from its dash on.
    fn item<B: Build>(&mut self, build: &mut B, line: Line, dash: usize) -> Result<(), Aside> {
        if let Some(at) = self.content_in(dash + 1, line.end) {
            return self.node(build, line, at, dash - line.start);
        }
        self.pending = true;
        self.consume(line);
        Ok(())
    }

    /// Hands a key on and reads what stands behind its colon.
    fn pair<B: Build>(&mut self, build: &mut B, line: Line, key: Key<'t>, behind: usize) -> Result<(), Aside> {
        let indent = self.levels.last().map_or(0, |level| level.indent);
        self.scalar(build, key.text, key.style, key.place)?;
        match self.content_in(behind, line.end) {
            // Neither a list nor a mapping can start here.
            Some(at) if self.is_dash(at, line.end) => Err(Aside),
            Some(at) => self.value(build, line, at, indent),
            None => {
                self.pending = true;
                self.consume(line);
                Ok(())
            }
        }
    }

    /// Reads a scalar, or brackets with what is in them; `parent` is the indentation of the block that it stands in.
    fn value<B: Build>(&mut self, build: &mut B, line: Line, at: usize, parent: usize) -> Result<(), Aside> {
        match self.byte(at) {
            b'"' | b'\'' => self.quoted_value(build, line, at, parent),
            b'|' | b'>' => self.block_scalar(build, line, at, parent),
            b'[' | b'{' => {
                let end = self.flow(build, line, at, 1)?;
                self.require_nothing(end, line.end)?;
                self.consume(line);
                Ok(())
            }
            _ => self.plain(build, line, at, parent),
        }
    }

    /// The key that stands here, and where its colon ends; none for anything else.
    fn key(&self, line: Line, at: usize) -> Result<Option<(Key<'t>, usize)>, Aside> {
        let (text, style, end) = match self.byte(at) {
            quote @ (b'"' | b'\'') => match self.quoted_in_line(at, line.end, quote)? {
                Some((text, end)) => {
                    let style = if quote == b'"' { Style::DoubleQuoted } else { Style::SingleQuoted };
                    (text, style, end)
                }
                None => return Ok(None),
            },
            _ if self.starts_plain(at, line.end) => match self.plain_end(at, line.end) {
                End::Colon(colon) => {
                    let text = self.trimmed(at, colon)?;
                    (Cow::Borrowed(text), Style::Plain, at + text.len())
                }
                End::Comment(_) | End::Line => return Ok(None),
            },
            _ => return Ok(None),
        };
        let colon = self.skip_spaces(end, line.end);
        if self.byte(colon) != b':' || colon >= line.end || !self.is_space_or_end(colon + 1, line.end) {
            return Ok(None);
        }
        if end - at > LONGEST_KEY {
            return Err(Aside);
        }
        Ok(Some((Key { text, style, place: self.place(line, at, end) }, colon + 1)))
    }

    /// The next line that is neither empty nor a comment; the lines before it are done with.
    fn peek(&mut self) -> Result<Option<Line>, Aside> {
        while self.next < self.bytes.len() {
            let line = self.line_at(self.next, self.number);
            match self.byte(line.content()) {
                _ if line.content() == line.end => {}
                b'#' => {}
                b'\t' => return Err(Aside),
                b'%' if line.indent == 0 => return Err(Aside),
                b'.' if line.indent == 0 && self.bytes[line.start..line.end].starts_with(b"...") => return Err(Aside),
                _ => {
                    self.refuse_tabs(line)?;
                    return Ok(Some(line));
                }
            }
            self.consume(line);
        }
        Ok(None)
    }

    fn line_at(&self, start: usize, number: u32) -> Line {
        let rest = &self.bytes[start..];
        let end = start + memchr(b'\n', rest).unwrap_or(rest.len());
        let indent = rest.iter().take_while(|b| **b == b' ').count();
        Line { start, end, number, indent }
    }

    /// Goes behind a line.
    fn consume(&mut self, line: Line) {
        self.next = (line.end + 1).min(self.bytes.len());
        self.number = line.number + 1;
    }

    fn refuse_tabs(&self, line: Line) -> Result<(), Aside> {
        if self.tabs && self.bytes[line.start..line.end].contains(&b'\t') { Err(Aside) } else { Ok(()) }
    }

    /// The byte there; a line feed at the end of the text.
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b'\n')
    }

    fn skip_spaces(&self, at: usize, end: usize) -> usize {
        at + self.bytes[at..end].iter().take_while(|b| **b == b' ').count()
    }

    fn is_space_or_end(&self, at: usize, end: usize) -> bool {
        at >= end || self.bytes[at] == b' '
    }

    /// Where content begins behind spaces; none where the line ends or a comment begins.
    fn content_in(&self, at: usize, end: usize) -> Option<usize> {
        let content = self.skip_spaces(at, end);
        let is_comment = self.byte(content) == b'#' && content > at;
        (content < end && !is_comment).then_some(content)
    }

    fn require_nothing(&self, at: usize, end: usize) -> Result<(), Aside> {
        if self.content_in(at, end).is_none() { Ok(()) } else { Err(Aside) }
    }

    fn is_dash(&self, at: usize, end: usize) -> bool {
        at < end && self.bytes[at] == b'-' && self.is_space_or_end(at + 1, end)
    }

    fn is_marker(&self, line: Line) -> bool {
        line.indent == 0
            && self.bytes[line.start..line.end].starts_with(b"---")
            && self.is_space_or_end(line.start + 3, line.end)
    }

    /// Whether a plain scalar can start here, going by what starts most of them.
    fn starts_plain(&self, at: usize, end: usize) -> bool {
        match self.byte(at) {
            b'-' => !self.is_space_or_end(at + 1, end),
            b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"'
            | b'%' | b'@' | b'`' | b' ' | b'\n' => false,
            _ => true,
        }
    }

    /// What ends a plain scalar in its line.
    fn plain_end(&self, at: usize, end: usize) -> End {
        for found in memchr2_iter(b':', b'#', &self.bytes[at..end]) {
            let found = at + found;
            match self.bytes[found] {
                b':' if self.is_space_or_end(found + 1, end) => return End::Colon(found),
                b'#' if found > at && self.bytes[found - 1] == b' ' => return End::Comment(found),
                _ => {}
            }
        }
        End::Line
    }

    /// The text up to there, without spaces at its end.
    fn trimmed(&self, at: usize, end: usize) -> Result<&'t str, Aside> {
        Ok(self.text.get(at..end).ok_or(Aside)?.trim_end_matches(' '))
    }

    fn position(&self, line: Line, at: usize) -> Position {
        let known = self.counted.get();
        let is_further = known.line == line.start && (line.start..=at).contains(&known.at);
        let (from, before) = if is_further { (known.at, known.characters) } else { (line.start, 0) };
        let characters = before + self.bytes[from..at].iter().filter(|b| **b & 0xc0 != 0x80).count();
        self.counted.set(Counted { line: line.start, at, characters });
        Position { line: line.number, column: u32::try_from(characters + 1).unwrap_or(u32::MAX) }
    }

    fn place(&self, line: Line, start: usize, end: usize) -> Place {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { at: self.position(line, start), start: narrow(start), end: narrow(end) }
    }

    fn open_level<B: Build>(&mut self, build: &mut B, line: Line, level: Level) -> Result<(), Aside> {
        self.levels.push(level);
        let start = line.start + level.indent;
        self.open(build, level.kind, Layout::Block, self.place(line, start, start), 0)
    }

    /// Opens a collection, so many brackets deep.
    fn open<B: Build>(
        &mut self,
        build: &mut B,
        kind: Kind,
        layout: Layout,
        place: Place,
        brackets: usize,
    ) -> Result<(), Aside> {
        self.nodes = self.nodes.checked_sub(1).ok_or(Aside)?;
        if self.levels.len() + brackets > self.max_depth {
            return Err(Aside);
        }
        build.open(kind, OpenEvent { layout, tag: None, anchor: 0, place }).map_err(|_| Aside)
    }

    fn close<B: Build>(&self, build: &mut B) -> Result<(), Aside> {
        let end = u32::try_from(self.next).unwrap_or(u32::MAX);
        let place = Place { at: Position { line: self.number, column: 1 }, start: end, end };
        build.close(place).map_err(|_| Aside)
    }

    /// A scalar of which nothing is written.
    fn nothing<B: Build>(&mut self, build: &mut B) -> Result<(), Aside> {
        let end = u32::try_from(self.next).unwrap_or(u32::MAX);
        let place = Place { at: Position { line: self.number, column: 1 }, start: end, end };
        self.scalar(build, Cow::Borrowed(""), Style::Plain, place)
    }

    fn scalar<B: Build>(&mut self, build: &mut B, text: Cow<'_, str>, style: Style, place: Place) -> Result<(), Aside> {
        self.nodes = self.nodes.checked_sub(1).ok_or(Aside)?;
        build.scalar(ScalarEvent { text, style, tag: None, anchor: 0, place }).map_err(|_| Aside)
    }
}

/// A key of a mapping.
struct Key<'t> {
    text: Cow<'t, str>,
    style: Style,
    place: Place,
}

/// What ends a plain scalar.
enum End {
    /// The colon of a key, there.
    Colon(usize),
    /// A comment, there.
    Comment(usize),
    Line,
}

/// Whether a text has only characters about which all readers agree: no control characters but line feeds and tabs, no
/// other line breaks, no byte order marks.
fn is_ordinary(text: &str) -> bool {
    let bytes = text.as_bytes();
    let control = |b: u8| (b < 0x20 && b != b'\n' && b != b'\t') || b == 0x7f;
    if bytes.iter().fold(false, |found, b| found | control(*b)) {
        return false;
    }
    text.is_ascii()
        || !text
            .chars()
            .any(|c| matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'))
}
