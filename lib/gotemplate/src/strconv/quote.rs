//! Go's quoted strings and characters.

use std::fmt::Write as _;

use super::is_print;

/// Quotes a string as `strconv.Quote` does.
pub fn quote(text: &[u8]) -> String {
    quote_with(text, '"', false)
}

/// Quotes a string as `strconv.QuoteToASCII` does.
pub fn quote_to_ascii(text: &[u8]) -> String {
    quote_with(text, '"', true)
}

/// Quotes a character as `strconv.QuoteRune` does.
pub fn quote_char(c: char) -> String {
    quote_with(c.encode_utf8(&mut [0; 4]).as_bytes(), '\'', false)
}

/// Quotes a character as `strconv.QuoteRuneToASCII` does.
pub fn quote_char_to_ascii(c: char) -> String {
    quote_with(c.encode_utf8(&mut [0; 4]).as_bytes(), '\'', true)
}

/// Whether the text can stand between backquotes unchanged.
pub fn can_backquote(text: &[u8]) -> bool {
    std::str::from_utf8(text)
        .is_ok_and(|text| text.chars().all(|c| c == '\t' || !(c < ' ' || c == '`' || c == '\u{7f}' || c == '\u{feff}')))
}

fn quote_with(text: &[u8], mark: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            escape(&mut out, c, mark, ascii);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push(mark);
    out
}

fn escape(out: &mut String, c: char, mark: char, ascii: bool) {
    if c == mark || c == '\\' {
        out.push('\\');
        out.push(c);
        return;
    }
    if (c.is_ascii() || !ascii) && is_print(c) {
        out.push(c);
        return;
    }
    match c {
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        _ if c < ' ' || c == '\u{7f}' => drop(write!(out, "\\x{:02x}", u32::from(c))),
        _ if u32::from(c) < 0x10000 => drop(write!(out, "\\u{:04x}", u32::from(c))),
        _ => drop(write!(out, "\\U{:08x}", u32::from(c))),
    }
}

/// Reads a Go string literal, `"…"` or `` `…` ``. `None` if it is not one.
pub fn unquote(literal: &str) -> Option<Vec<u8>> {
    let mut chars = literal.chars();
    let (first, last) = (chars.next()?, chars.next_back()?);
    if first != last {
        return None;
    }
    let mut body = chars.as_str();
    match first {
        // Carriage returns in a raw string are not part of it, so that line ends do not depend on who saved the file.
        '`' if !body.contains('`') => Some(body.bytes().filter(|&byte| byte != b'\r').collect()),
        '"' if !body.contains('\n') => {
            let mut out = Vec::with_capacity(body.len());
            while !body.is_empty() {
                let (unit, rest) = unit(body, '"')?;
                match unit {
                    Unit::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    Unit::Byte(byte) => out.push(byte),
                }
                body = rest;
            }
            Some(out)
        }
        _ => None,
    }
}

/// Reads a Go character literal, `'x'`. `None` if it is not one.
pub fn unquote_char(literal: &str) -> Option<u32> {
    let body = literal.strip_prefix('\'')?;
    let (unit, rest) = unit(body, '\'')?;
    (rest == "'").then_some(match unit {
        Unit::Char(c) => u32::from(c),
        Unit::Byte(byte) => u32::from(byte),
    })
}

/// What one character or escape sequence stands for: `\x` and octal escapes make bytes, which need not be UTF-8.
enum Unit {
    Char(char),
    Byte(u8),
}

fn unit(text: &str, mark: char) -> Option<(Unit, &str)> {
    let mut chars = text.chars();
    let c = chars.next()?;
    if c == mark {
        return None;
    }
    if c != '\\' {
        return Some((Unit::Char(c), chars.as_str()));
    }
    let kind = chars.next()?;
    let rest = chars.as_str();
    let simple = match kind {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        '\'' | '"' if kind == mark => kind,
        'x' => return number(rest, 2, 16).and_then(|(n, rest)| Some((Unit::Byte(u8::try_from(n).ok()?), rest))),
        'u' => return number(rest, 4, 16).and_then(|(n, rest)| Some((Unit::Char(char::from_u32(n)?), rest))),
        'U' => return number(rest, 8, 16).and_then(|(n, rest)| Some((Unit::Char(char::from_u32(n)?), rest))),
        '0'..='7' => {
            let digits = text.get(1..)?;
            return number(digits, 3, 8).and_then(|(n, rest)| Some((Unit::Byte(u8::try_from(n).ok()?), rest)));
        }
        _ => return None,
    };
    Some((Unit::Char(simple), rest))
}

fn number(text: &str, digits: usize, radix: u32) -> Option<(u32, &str)> {
    let (head, rest) = text.split_at_checked(digits)?;
    if !head.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    Some((u32::from_str_radix(head, radix).ok()?, rest))
}
