//! What Go's parsers read although YAML 1.2 forbids it, and our parser therefore refuses: `\'` between double quotes, and
//! a comment right behind a quote or bracket. People's files have both.
//!
//! The text is rewritten where the parser stopped, and read again; places are given in the text as it was. A text that
//! needs no repair pays nothing.

use granit_parser::{ErrorKind as Found, ScanError};

use crate::compose::Place;

/// How often a text is read again before its next mistake counts.
const ATTEMPTS: usize = 64;

/// A place where the parser stopped and that can be repaired.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// `\'` somewhere in the double-quoted scalar that starts here.
    Escape(usize),
    /// A comment without a space before it.
    Comment(usize),
}

impl Fault {
    pub(crate) fn of(error: &ScanError) -> Option<Self> {
        let at = error.marker().byte_offset()?;
        match error.kind() {
            Found::UnknownQuotedScalarEscape => Some(Self::Escape(at)),
            Found::CommentNotSeparated => Some(Self::Comment(at)),
            _ => None,
        }
    }
}

/// Bytes that were put into a text.
#[derive(Clone, Copy)]
pub(crate) struct Fix {
    at: usize,
    added: usize,
}

/// A text as the parser reads it.
pub(crate) struct Repaired {
    pub(crate) text: String,
    /// By place.
    pub(crate) fixes: Vec<Fix>,
    attempts: usize,
}

impl Repaired {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), fixes: Vec::new(), attempts: 0 }
    }

    /// Repairs a fault; says whether it could.
    pub(crate) fn repair(&mut self, fault: Fault) -> bool {
        self.attempts += 1;
        if self.attempts > ATTEMPTS {
            return false;
        }
        match fault {
            Fault::Comment(at) if self.text[at..].starts_with('#') => {
                self.insert(at, 0, " ");
                true
            }
            Fault::Comment(_) => false,
            Fault::Escape(at) => self.escapes(at),
        }
    }

    /// Rewrites every `\'` of a double-quoted scalar to `\x27`, which means the same.
    fn escapes(&mut self, scalar: usize) -> bool {
        let Some(mut at) = self.text[scalar..].find('"').map(|quote| scalar + quote + 1) else {
            return false;
        };
        let mut any = false;
        loop {
            match self.text.as_bytes().get(at..) {
                Some([b'\\', b'\'', ..]) => {
                    self.insert(at + 1, 1, "x27");
                    any = true;
                    at += 4;
                }
                Some([b'\\', _, ..]) => at += 2,
                Some([b'"', ..] | []) | None => return any,
                Some(_) => at += 1,
            }
            // An escaped character may be longer than a byte.
            while !self.text.is_char_boundary(at) {
                at += 1;
            }
        }
    }

    fn insert(&mut self, at: usize, replaced: usize, text: &str) {
        let added = text.len() - replaced;
        self.text.replace_range(at..at + replaced, text);
        for fix in &mut self.fixes {
            if fix.at >= at {
                fix.at += added;
            }
        }
        self.fixes.push(Fix { at, added });
    }
}

/// Where something stands in the text as it was.
pub(crate) fn original(place: Place, fixes: &[Fix], text: &str) -> Place {
    let added = |from: usize, to: usize| -> usize {
        fixes.iter().filter(|fix| (from..to).contains(&fix.at)).map(|fix| fix.added).sum()
    };
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (start, end) = (place.start as usize, place.end as usize);
    let line_start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let mut at = place.at;
    at.column = at.column.saturating_sub(narrow(added(line_start, start)));
    Place { at, start: narrow(start - added(0, start)), end: narrow(end - added(0, end)) }
}
