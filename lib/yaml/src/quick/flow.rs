//! Brackets that close in their line.

use std::borrow::Cow;

use crate::compose::{Build, Kind};
use crate::node::{Layout, Style};

use super::{Aside, Line, Quick};

impl Quick<'_> {
    /// Reads brackets from the opening one on, `depth` deep; returns where they end.
    pub(super) fn flow<B: Build>(
        &mut self,
        build: &mut B,
        line: Line,
        at: usize,
        depth: usize,
    ) -> Result<usize, Aside> {
        let (kind, closing) = if self.byte(at) == b'[' { (Kind::Sequence, b']') } else { (Kind::Mapping, b'}') };
        self.open(build, kind, Layout::Flow, self.place(line, at, at + 1), depth)?;
        let mut at = self.skip_spaces(at + 1, line.end);
        if self.byte(at) != closing {
            loop {
                if kind == Kind::Mapping {
                    at = self.flow_scalar(build, line, at)?;
                    // A key needs its colon right behind it, and that a space.
                    if self.byte(at) != b':' || self.byte(at + 1) != b' ' {
                        return Err(Aside);
                    }
                    at = self.skip_spaces(at + 1, line.end);
                }
                at = match self.byte(at) {
                    b'[' | b'{' => self.flow(build, line, at, depth + 1)?,
                    _ => self.flow_scalar(build, line, at)?,
                };
                at = self.skip_spaces(at, line.end);
                match self.byte(at) {
                    b',' => at = self.skip_spaces(at + 1, line.end),
                    byte if byte == closing => break,
                    _ => return Err(Aside),
                }
            }
        }
        self.close(build)?;
        Ok(at + 1)
    }

    /// Reads a scalar within brackets; returns where it ends.
    fn flow_scalar<B: Build>(&mut self, build: &mut B, line: Line, at: usize) -> Result<usize, Aside> {
        let (text, style, end) = match self.byte(at) {
            quote @ (b'"' | b'\'') => {
                let (text, end) = self.quoted_in_line(at, line.end, quote)?.ok_or(Aside)?;
                let style = if quote == b'"' { Style::DoubleQuoted } else { Style::SingleQuoted };
                (text, style, end)
            }
            b'-' if matches!(self.byte(at + 1), b',' | b'[' | b']' | b'{' | b'}') => return Err(Aside),
            _ if at < line.end && self.starts_plain(at, line.end) => {
                let end = self.flow_plain_end(at, line.end)?;
                let text = self.trimmed(at, end)?;
                (Cow::Borrowed(text), Style::Plain, at + text.len())
            }
            _ => return Err(Aside),
        };
        self.scalar(build, text, style, self.place(line, at, end))?;
        Ok(end)
    }

    fn flow_plain_end(&self, at: usize, end: usize) -> Result<usize, Aside> {
        for i in at..end {
            match self.bytes[i] {
                b',' | b']' | b'}' => return Ok(i),
                b':' if self.byte(i + 1) == b' ' => return Ok(i),
                b':' if self.byte(i + 1).is_ascii_alphanumeric() || matches!(self.byte(i + 1), b'/' | b'.') => {}
                b':' | b'[' | b'{' | b'#' | b'"' | b'\'' | b'?' => return Err(Aside),
                _ => {}
            }
        }
        Err(Aside)
    }
}
