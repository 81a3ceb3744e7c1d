//! Chooses quotes for a string and writes it, folded where Go folds.

use std::fmt::Write as _;

use super::line;
use crate::schema;

/// Go breaks a line at the first space after this column.
const WIDTH: usize = 80;

/// How a string is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    Plain,
    Single,
    Double,
    Literal,
}

/// Writes a string as a simple key, on one line.
pub(super) fn key(out: &mut String, text: &str) {
    if is_simple(text) {
        out.push_str(text);
        return;
    }
    match quotes(text) {
        // Go prints this plain, and a reader would take it for a merge.
        _ if text == "<<" => out.push_str("\"<<\""),
        Quotes::Plain => out.push_str(text),
        Quotes::Single => single(out, text, None),
        Quotes::Double | Quotes::Literal => double(out, text, None),
    }
}

/// Writes a string as a value whose further lines are indented that far.
pub(super) fn value(out: &mut String, text: &str, indent: usize) {
    if is_simple(text) {
        out.push_str(text);
        return;
    }
    match quotes(text) {
        Quotes::Plain => plain(out, text, indent),
        Quotes::Single => single(out, text, Some(indent)),
        Quotes::Double => double(out, text, Some(indent)),
        Quotes::Literal => literal(out, text, indent),
    }
}

/// Whether a string is plain at first sight, as nearly all keys and names are.
fn is_simple(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes.first(), Some(b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'_'))
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'))
        && !(bytes.len() <= 5 && schema::is_ambiguous(text))
}

fn quotes(text: &str) -> Quotes {
    let shape = Shape::of(text);
    if text.contains('\n') {
        return if shape.special || shape.space_before_break || text.ends_with(' ') {
            Quotes::Double
        } else {
            Quotes::Literal
        };
    }
    if shape.special || schema::is_ambiguous(text) || is_base_60(text) {
        Quotes::Double
    } else if shape.indicators || text.starts_with(' ') || text.ends_with(' ') {
        Quotes::Single
    } else {
        Quotes::Plain
    }
}

/// What decides about a string's quotes.
pub(super) struct Shape {
    /// Characters that need an escape.
    pub(super) special: bool,
    /// Characters that mean something in YAML where they stand.
    pub(super) indicators: bool,
    /// A space at the end of a line.
    pub(super) space_before_break: bool,
}

impl Shape {
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let blank_or_end = |i: usize| matches!(bytes.get(i), None | Some(b' ' | b'\t'));
        let mut shape = Self {
            special: false,
            indicators: text.starts_with("---") || text.starts_with("..."),
            space_before_break: false,
        };
        match bytes.first() {
            Some(
                b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@'
                | b'`',
            ) => shape.indicators = true,
            Some(b'?' | b'-') if blank_or_end(1) => shape.indicators = true,
            _ => {}
        }
        for (i, &byte) in bytes.iter().enumerate() {
            match byte {
                b':' => shape.indicators |= blank_or_end(i + 1),
                b'#' => shape.indicators |= i > 0 && matches!(bytes[i - 1], b' ' | b'\t' | b'\n'),
                b'\n' => shape.space_before_break |= i > 0 && bytes[i - 1] == b' ',
                0..=0x1f | 0x7f => shape.special = true,
                _ => {}
            }
        }
        shape.special = shape.special || !text.is_ascii() && text.chars().any(|c| !c.is_ascii() && needs_escape(c));
        shape
    }
}

/// Whether a character is only printed escaped. The line breaks of YAML 1.1 are: readers differ about them.
pub(super) fn needs_escape(c: char) -> bool {
    match c {
        '\u{2028}' | '\u{2029}' | '\u{feff}' => true,
        _ => !matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}'),
    }
}

/// Whether YAML 1.1 would read a number in base 60, `12:30:45` for instance. Go does not, but quotes it.
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or_default();
    if !first.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return false;
    }
    let mut parts = parts.peekable();
    let mut any = false;
    while let Some(part) = parts.next() {
        any = true;
        // A fraction may follow the last part.
        let digits = match part.split_once('.') {
            Some((digits, fraction))
                if parts.peek().is_none() && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_') =>
            {
                digits
            }
            Some(_) => return false,
            None => part,
        };
        if !matches!(digits.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']) {
            return false;
        }
    }
    any
}

/// The column where the text ends now, in characters.
fn column(out: &str) -> usize {
    let last = out.rfind('\n').map_or(out, |at| &out[at + 1..]);
    last.chars().count()
}

fn plain(out: &mut String, text: &str, indent: usize) {
    let mut at = column(out);
    if at + text.len() <= WIDTH {
        out.push_str(text);
        return;
    }
    let mut after_space = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == ' ' && !after_space && at > WIDTH && chars.peek() != Some(&' ') {
            line(out, indent);
            at = indent;
        } else {
            out.push(c);
            at += 1;
        }
        after_space = c == ' ';
    }
}

/// Writes a string in single quotes, folded if an indentation for further lines is given.
fn single(out: &mut String, text: &str, indent: Option<usize>) {
    out.push('\'');
    let mut at = column(out);
    let mut after_space = false;
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        match (c, indent) {
            (' ', Some(indent))
                if !after_space && at > WIDTH && i > 0 && chars.peek().is_some_and(|(_, next)| *next != ' ') =>
            {
                line(out, indent);
                at = indent;
            }
            ('\'', _) => {
                out.push_str("''");
                at += 2;
            }
            _ => {
                out.push(c);
                at += 1;
            }
        }
        after_space = c == ' ';
    }
    out.push('\'');
}

/// Writes a string in double quotes, folded if an indentation for further lines is given.
fn double(out: &mut String, text: &str, indent: Option<usize>) {
    out.push('"');
    let mut at = column(out);
    let mut after_space = false;
    // Go looks for the mark where the text starts, whichever character is next.
    let marked = text.starts_with('\u{feff}');
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        match (c, indent) {
            _ if marked => escape(out, c),
            (' ', Some(indent)) if !after_space && at > WIDTH && i > 0 && chars.peek().is_some() => {
                line(out, indent);
                at = indent;
                if chars.peek().is_some_and(|(_, next)| *next == ' ') {
                    out.push('\\');
                    at += 1;
                }
            }
            _ if c == '"' || c == '\\' || c == '\n' || needs_escape(c) => {
                let before = out.len();
                escape(out, c);
                at += out.len() - before;
            }
            _ => {
                out.push(c);
                at += 1;
            }
        }
        after_space = c == ' ';
    }
    out.push('"');
}

pub(super) fn escape(out: &mut String, c: char) {
    let short = match c {
        '\0' => '0',
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0b' => 'v',
        '\x0c' => 'f',
        '\r' => 'r',
        '\x1b' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(c);
            // Writing to a string cannot fail.
            let _ = match code {
                0..=0xff => write!(out, "\\x{code:02X}"),
                0x100..=0xffff => write!(out, "\\u{code:04X}"),
                _ => write!(out, "\\U{code:08X}"),
            };
            return;
        }
    };
    out.push('\\');
    out.push(short);
}

fn literal(out: &mut String, text: &str, indent: usize) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        // Always two: that is how far Go indents from the parent, whatever the indentation is.
        out.push('2');
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    }
    out.push('\n');
    for piece in text.split_inclusive('\n') {
        if piece == "\n" {
            out.push('\n');
        } else {
            line(out, indent);
            out.push_str(piece);
        }
    }
}
