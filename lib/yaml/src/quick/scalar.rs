//! Scalars of every style, over several lines too.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use crate::compose::Build;
use crate::node::Style;

use super::{Aside, End, Line, Quick};

impl<'t> Quick<'t> {
    /// Reads a plain scalar and what goes on with it in the lines below.
    pub(super) fn plain<B: Build>(&mut self, build: &mut B, line: Line, at: usize, parent: usize) -> Result<(), Aside> {
        if !self.starts_plain(at, line.end) {
            return Err(Aside);
        }
        let (end, goes_on) = match self.plain_end(at, line.end) {
            End::Line => (line.end, true),
            End::Comment(comment) => (comment, false),
            End::Colon(_) => return Err(Aside),
        };
        let first = self.trimmed(at, end)?;
        let place = self.place(line, at, at + first.len());
        self.consume(line);
        let mut text = Cow::Borrowed(first);
        while goes_on && let Some((next, blank)) = self.continuation(parent)? {
            // Whatever a line below begins with goes on with the text.
            let at = next.content();
            if !matches!(self.plain_end(at, next.end), End::Line) {
                return Err(Aside);
            }
            fold(text.to_mut(), blank);
            text.to_mut().push_str(self.trimmed(at, next.end)?);
            self.consume(next);
        }
        self.scalar(build, text, Style::Plain, place)
    }

    /// The line that goes on with a plain scalar, and how many empty ones stand before it.
    fn continuation(&self, parent: usize) -> Result<Option<(Line, usize)>, Aside> {
        let Some((line, blank)) = self.next_written(self.next, self.number) else { return Ok(None) };
        if line.indent <= parent || self.byte(line.content()) == b'#' {
            return Ok(None);
        }
        self.refuse_tabs(line)?;
        Ok(Some((line, blank)))
    }

    /// The first line with more than spaces from there on, and how many stand before it.
    fn next_written(&self, mut start: usize, mut number: u32) -> Option<(Line, usize)> {
        let mut blank = 0;
        while start < self.bytes.len() {
            let line = self.line_at(start, number);
            if line.content() < line.end {
                return Some((line, blank));
            }
            blank += 1;
            start = line.end + 1;
            number += 1;
        }
        None
    }

    /// Reads a quoted scalar that is a value.
    pub(super) fn quoted_value<B: Build>(
        &mut self,
        build: &mut B,
        line: Line,
        at: usize,
        parent: usize,
    ) -> Result<(), Aside> {
        let quote = self.byte(at);
        let style = if quote == b'"' { Style::DoubleQuoted } else { Style::SingleQuoted };
        if let Some((text, end)) = self.quoted_in_line(at, line.end, quote)? {
            self.require_nothing(end, line.end)?;
            self.consume(line);
            return self.scalar(build, text, style, self.place(line, at, end));
        }
        let mut text = String::new();
        let mut current = line;
        let mut from = at + 1;
        loop {
            let piece = self.piece(&mut text, from, current.end, quote)?;
            if let Piece::Closed(end) = piece {
                self.require_nothing(end, current.end)?;
                self.consume(current);
                return self.scalar(build, Cow::Owned(text), style, self.place(line, at, end));
            }
            let (next, blank) = self.next_written(current.end + 1, current.number + 1).ok_or(Aside)?;
            if next.indent <= parent {
                return Err(Aside);
            }
            self.refuse_tabs(next)?;
            match piece {
                Piece::Escaped if blank > 0 => return Err(Aside),
                Piece::Escaped => {}
                _ => fold(&mut text, blank),
            }
            current = next;
            from = next.content();
        }
    }

    /// The text of a quoted scalar that ends in its line, and where; none for one that goes on.
    pub(super) fn quoted_in_line(
        &self,
        at: usize,
        end: usize,
        quote: u8,
    ) -> Result<Option<(Cow<'t, str>, usize)>, Aside> {
        let start = at + 1;
        let rest = &self.bytes[start..end];
        let first = if quote == b'"' { memchr2(b'"', b'\\', rest) } else { memchr(b'\'', rest) };
        let Some(first) = first.map(|found| start + found) else { return Ok(None) };
        if self.byte(first) == quote && (quote == b'"' || self.byte(first + 1) != b'\'') {
            return Ok(Some((Cow::Borrowed(self.text.get(start..first).ok_or(Aside)?), first + 1)));
        }
        let mut text = String::new();
        Ok(match self.piece(&mut text, start, end, quote)? {
            Piece::Closed(end) => Some((Cow::Owned(text), end)),
            Piece::Open | Piece::Escaped => None,
        })
    }

    /// Appends what a line holds of a quoted scalar.
    fn piece(&self, text: &mut String, from: usize, end: usize, quote: u8) -> Result<Piece, Aside> {
        // What was escaped does not count as a space at the end.
        let mut kept = text.len();
        let mut at = from;
        loop {
            let rest = self.bytes.get(at..end).ok_or(Aside)?;
            let found = if quote == b'"' { memchr2(b'"', b'\\', rest) } else { memchr(b'\'', rest) };
            let Some(found) = found.map(|found| at + found) else {
                text.push_str(self.text.get(at..end).ok_or(Aside)?);
                let trimmed = text[kept..].trim_end_matches(' ').len();
                text.truncate(kept + trimmed);
                return Ok(Piece::Open);
            };
            text.push_str(self.text.get(at..found).ok_or(Aside)?);
            match (self.byte(found), self.byte(found + 1)) {
                (b'\'', b'\'') => text.push('\''),
                (b'\'' | b'"', _) => return Ok(Piece::Closed(found + 1)),
                (_, _) if found + 1 == end => return Ok(Piece::Escaped),
                (_, b'n') => text.push('\n'),
                (_, b't') => text.push('\t'),
                (_, escaped @ (b'"' | b'\\' | b'/' | b' ')) => text.push(escaped.into()),
                _ => return Err(Aside),
            }
            kept = text.len();
            at = found + 2;
        }
    }

    /// Reads a block scalar from its `|` or `>` on.
    pub(super) fn block_scalar<B: Build>(
        &mut self,
        build: &mut B,
        line: Line,
        at: usize,
        parent: usize,
    ) -> Result<(), Aside> {
        let style = if self.byte(at) == b'|' { Style::Literal } else { Style::Folded };
        let (chomp, behind) = match self.byte(at + 1) {
            b'-' => (Chomp::Strip, at + 2),
            b'+' => (Chomp::Keep, at + 2),
            _ => (Chomp::Clip, at + 1),
        };
        if !self.is_space_or_end(behind, line.end) {
            return Err(Aside);
        }
        self.require_nothing(behind, line.end)?;
        self.consume(line);

        let (first, blank) = self.next_written(self.next, self.number).ok_or(Aside)?;
        let indent = first.indent;
        if indent <= parent || !self.are_short(blank, indent) {
            return Err(Aside);
        }
        let place = self.place(first, first.content(), first.content());
        let mut text = "\n".repeat(blank);
        // How long the text is without empty lines at its end, but with the line feed of its last line, if that has one.
        let mut written = 0;
        self.next = first.start;
        self.number = first.number;
        while self.next < self.bytes.len() {
            let line = self.line_at(self.next, self.number);
            let is_blank = line.content() == line.end;
            if is_blank && (line.indent > indent || line.end == self.bytes.len()) {
                return Err(Aside);
            } else if is_blank {
                text.push('\n');
            } else if line.indent < indent {
                if line.indent > parent {
                    return Err(Aside);
                }
                break;
            } else {
                let content = self.text.get(line.start + indent..line.end).ok_or(Aside)?;
                if content.starts_with('\t') || style == Style::Folded && content.starts_with(' ') {
                    return Err(Aside);
                }
                if style == Style::Folded && written > 0 {
                    // The line feed behind the line before becomes a space, unless empty lines follow it.
                    if text.len() == written {
                        text.pop();
                        text.push(' ');
                    } else {
                        text.remove(written - 1);
                    }
                }
                text.push_str(content);
                if line.end < self.bytes.len() {
                    text.push('\n');
                }
                written = text.len();
            }
            self.consume(line);
        }
        match chomp {
            Chomp::Strip => text.truncate(text[..written].trim_end_matches('\n').len()),
            Chomp::Clip => text.truncate(written),
            Chomp::Keep => {}
        }
        self.scalar(build, Cow::Owned(text), style, place)
    }

    /// Whether so many empty lines that come now have no more spaces than that.
    fn are_short(&self, blank: usize, indent: usize) -> bool {
        let mut start = self.next;
        (0..blank).all(|_| {
            let line = self.line_at(start, 0);
            start = line.end + 1;
            line.indent <= indent
        })
    }
}

/// How a line of a quoted scalar ends.
enum Piece {
    /// With the quote, behind which this is.
    Closed(usize),
    /// The scalar goes on in the next line.
    Open,
    /// With a backslash: the next line follows without a space.
    Escaped,
}

enum Chomp {
    Strip,
    Clip,
    Keep,
}

/// Joins two lines: by a space, or by as many line feeds as there are empty lines between them.
fn fold(text: &mut String, blank: usize) {
    if blank == 0 {
        text.push(' ');
    } else {
        text.extend(std::iter::repeat_n('\n', blank));
    }
}
