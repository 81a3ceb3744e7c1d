//! From text to tokens.

use memchr::memmem;

use super::ast::Span;
use crate::strconv::{self, decode_char};
use crate::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// [`Lexer::problem`] says what is wrong.
    Error,
    Bool,
    /// ASCII punctuation that has no other meaning, such as a comma.
    Punctuation,
    Char,
    Comment,
    Complex,
    Assign,
    Declare,
    End,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Dot,
    Nil,
    Keyword(Keyword),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: u32,
    /// Its text.
    pub(super) span: Span,
}

const LEFT: &[u8; 2] = b"{{";
const RIGHT: &[u8; 2] = b"}}";
/// A space and a minus, or a minus and a space.
const TRIM_MARKER: usize = 2;

pub(super) struct Lexer<'a> {
    input: &'a [u8],
    /// Finds the next `{{`.
    left: memmem::Finder<'static>,
    pos: usize,
    start: usize,
    line: u32,
    start_line: u32,
    inside: bool,
    parens: usize,
    problem: Option<String>,
    functions: [bool; 2],
}

impl<'a> Lexer<'a> {
    /// `functions` tells whether there are functions named `break` and `continue`, which are keywords otherwise.
    pub(super) fn new(input: &'a [u8], functions: [bool; 2]) -> Self {
        Self {
            input,
            left: memmem::Finder::new(LEFT),
            pos: 0,
            start: 0,
            line: 1,
            start_line: 1,
            inside: false,
            parens: 0,
            problem: None,
            functions,
        }
    }

    /// What is wrong with the text.
    pub(super) fn problem(&self) -> &str {
        self.problem.as_deref().unwrap_or_default()
    }

    pub(super) fn next(&mut self) -> Token {
        if self.problem.is_some() {
            return Token { kind: Kind::End, line: self.start_line, span: Span::default() };
        }
        if self.inside { self.action() } else { self.outside() }
    }

    fn rest(&self) -> &'a [u8] {
        self.input.get(self.pos..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        decode_char(self.rest()).map(|(c, _)| c)
    }

    fn advance(&mut self) -> Option<char> {
        let (c, size) = decode_char(self.rest())?;
        self.pos += size;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn accept(&mut self, set: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| set.contains(byte));
        self.pos += usize::from(found);
        found
    }

    fn accept_run(&mut self, set: &[u8]) {
        while self.accept(set) {}
    }

    fn token(&mut self, kind: Kind) -> Token {
        let token = Token { kind, line: self.start_line, span: Span::new(self.start, self.pos) };
        self.start = self.pos;
        self.start_line = self.line;
        token
    }

    /// Passes over what has not been counted yet.
    fn ignore(&mut self) {
        self.count_lines();
        self.start = self.pos;
        self.start_line = self.line;
    }

    fn count_lines(&mut self) {
        let text = self.input.get(self.start..self.pos).unwrap_or_default();
        self.line += u32::try_from(memchr::memchr_iter(b'\n', text).count()).unwrap_or(u32::MAX);
    }

    fn error(&mut self, message: impl Into<String>) -> Token {
        self.problem = Some(message.into());
        Token { kind: Kind::Error, line: self.start_line, span: Span::new(self.start, self.start) }
    }

    /// Text up to the next `{{`, or the delimiter itself.
    fn outside(&mut self) -> Token {
        let Some(found) = self.left.find(self.rest()) else {
            self.pos = self.input.len();
            if self.pos > self.start {
                self.count_lines();
                return self.token(Kind::Text);
            }
            return self.token(Kind::End);
        };
        if found > 0 {
            self.pos += found;
            let text = self.input.get(self.start..self.pos).unwrap_or_default();
            let trimmed = if left_trim(&self.rest()[LEFT.len()..]) { text.len() - trim_end(text).len() } else { 0 };
            self.pos -= trimmed;
            self.count_lines();
            let token = self.token(Kind::Text);
            self.pos += trimmed;
            self.ignore();
            if !token.span.is_empty() {
                return token;
            }
        }
        let marker = if left_trim(&self.rest()[LEFT.len()..]) { TRIM_MARKER } else { 0 };
        if self.rest()[LEFT.len()..][marker..].starts_with(b"/*") {
            self.pos += LEFT.len() + marker;
            self.ignore();
            return self.comment();
        }
        self.pos += LEFT.len();
        let token = self.token(Kind::LeftDelim);
        self.inside = true;
        self.pos += marker;
        self.ignore();
        self.parens = 0;
        token
    }

    fn comment(&mut self) -> Token {
        self.pos += 2;
        let Some(end) = memmem::find(self.rest(), b"*/") else {
            return self.error("unclosed comment");
        };
        self.pos += end + 2;
        let Some(trims) = self.right_delim() else {
            return self.error("comment ends before closing delimiter");
        };
        self.count_lines();
        let token = self.token(Kind::Comment);
        self.pos += RIGHT.len() + if trims { TRIM_MARKER } else { 0 };
        if trims {
            self.pos += self.rest().len() - trim_start(self.rest()).len();
        }
        self.ignore();
        token
    }

    /// Whether the right delimiter comes next, and whether it trims the text behind it.
    fn right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if right_trim(rest) && rest[TRIM_MARKER..].starts_with(RIGHT) {
            Some(true)
        } else {
            rest.starts_with(RIGHT).then_some(false)
        }
    }

    fn close(&mut self, trims: bool) -> Token {
        if trims {
            self.pos += TRIM_MARKER;
            self.ignore();
        }
        self.pos += RIGHT.len();
        let token = self.token(Kind::RightDelim);
        if trims {
            self.pos += self.rest().len() - trim_start(self.rest()).len();
            self.ignore();
        }
        self.inside = false;
        token
    }

    fn action(&mut self) -> Token {
        if let Some(trims) = self.right_delim() {
            return if self.parens == 0 { self.close(trims) } else { self.error("unclosed left paren") };
        }
        let before = self.pos;
        let Some(c) = self.advance() else {
            return self.error("unclosed action");
        };
        match c {
            ' ' | '\t' | '\r' | '\n' => self.space(),
            '=' => self.token(Kind::Assign),
            ':' if self.advance() == Some('=') => self.token(Kind::Declare),
            ':' => self.error("expected :="),
            '|' => self.token(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::Char, "unterminated character constant"),
            '`' => {
                let Some(end) = memchr::memchr(b'`', self.rest()) else {
                    return self.error("unterminated raw quoted string");
                };
                self.pos += end + 1;
                self.count_lines();
                self.token(Kind::RawString)
            }
            '$' => self.field_or_variable(Kind::Variable),
            '.' if self.rest().first().is_some_and(|byte| !byte.is_ascii_digit()) => {
                self.field_or_variable(Kind::Field)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.pos = before;
                self.number()
            }
            '(' => {
                self.parens += 1;
                self.token(Kind::LeftParen)
            }
            ')' => {
                let Some(parens) = self.parens.checked_sub(1) else {
                    return self.error("unexpected right paren");
                };
                self.parens = parens;
                self.token(Kind::RightParen)
            }
            c if is_alphanumeric(c) => self.identifier(),
            c if c.is_ascii_graphic() => self.token(Kind::Punctuation),
            c => self.error(format!("unrecognized character in action: {}", code_point(c))),
        }
    }

    /// A run of spaces. Its last one may belong to a trimming delimiter.
    fn space(&mut self) -> Token {
        let mut spaces = 1;
        while let Some(' ' | '\t' | '\r' | '\n') = self.peek() {
            self.advance();
            spaces += 1;
        }
        let last = self.pos - 1;
        let tail = self.input.get(last..).unwrap_or_default();
        if right_trim(tail) && tail[TRIM_MARKER..].starts_with(RIGHT) {
            if tail.starts_with(b"\n") {
                self.line -= 1;
            }
            self.pos = last;
            if spaces == 1 {
                return self.close(true);
            }
        }
        self.token(Kind::Space)
    }

    fn identifier(&mut self) -> Token {
        self.word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let kind = match self.input.get(self.start..self.pos).unwrap_or_default() {
            b"true" | b"false" => Kind::Bool,
            b"nil" => Kind::Nil,
            b"block" => Kind::Keyword(Keyword::Block),
            b"break" if !self.functions[0] => Kind::Keyword(Keyword::Break),
            b"continue" if !self.functions[1] => Kind::Keyword(Keyword::Continue),
            b"define" => Kind::Keyword(Keyword::Define),
            b"else" => Kind::Keyword(Keyword::Else),
            b"end" => Kind::Keyword(Keyword::End),
            b"if" => Kind::Keyword(Keyword::If),
            b"range" => Kind::Keyword(Keyword::Range),
            b"template" => Kind::Keyword(Keyword::Template),
            b"with" => Kind::Keyword(Keyword::With),
            _ => Kind::Identifier,
        };
        self.token(kind)
    }

    /// Passes over letters and digits.
    fn word(&mut self) {
        while let Some(c) = self.peek().filter(|&c| is_alphanumeric(c)) {
            self.pos += c.len_utf8();
        }
    }

    /// What follows `.` or `$`.
    fn field_or_variable(&mut self, kind: Kind) -> Token {
        if self.at_terminator() {
            return self.token(if kind == Kind::Variable { kind } else { Kind::Dot });
        }
        self.word();
        if self.at_terminator() { self.token(kind) } else { self.bad_character() }
    }

    fn bad_character(&mut self) -> Token {
        let c = self.peek().unwrap_or(char::REPLACEMENT_CHARACTER);
        self.error(format!("bad character {}", code_point(c)))
    }

    /// Whether an identifier may end here: `.X.Y` is two, `$x+2` is none.
    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => self.rest().starts_with(RIGHT),
        }
    }

    fn quoted(&mut self, mark: char, kind: Kind, unterminated: &str) -> Token {
        loop {
            match self.advance() {
                Some('\\') => {
                    if matches!(self.advance(), None | Some('\n')) {
                        return self.error(unterminated);
                    }
                }
                None | Some('\n') => return self.error(unterminated),
                Some(c) if c == mark => return self.token(kind),
                Some(_) => {}
            }
        }
    }

    /// Accepts more than numbers; whoever reads the token notices.
    fn number(&mut self) -> Token {
        let kind = if !self.scan_number() {
            None
        } else if matches!(self.rest().first(), Some(b'+' | b'-')) {
            (self.scan_number() && self.input.get(self.pos - 1) == Some(&b'i')).then_some(Kind::Complex)
        } else {
            Some(Kind::Number)
        };
        if let Some(kind) = kind {
            return self.token(kind);
        }
        let text = self.input.get(self.start..self.pos).unwrap_or_default();
        self.error(format!("bad number syntax: {}", strconv::quote(text)))
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &[u8] = b"0123456789_";
        const HEXADECIMAL: &[u8] = b"0123456789abcdefABCDEF_";
        self.accept(b"+-");
        let mut digits = DECIMAL;
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = HEXADECIMAL;
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        if digits == DECIMAL && self.accept(b"eE") || digits == HEXADECIMAL && self.accept(b"pP") {
            self.accept(b"+-");
            self.accept_run(DECIMAL);
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.advance();
            return false;
        }
        true
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn left_trim(text: &[u8]) -> bool {
    matches!(text, [b'-', space, ..] if is_space(*space))
}

fn right_trim(text: &[u8]) -> bool {
    matches!(text, [space, b'-', ..] if is_space(*space))
}

fn trim_start(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|&&byte| is_space(byte)).count();
    &text[spaces..]
}

fn trim_end(text: &[u8]) -> &[u8] {
    let spaces = text.iter().rev().take_while(|&&byte| is_space(byte)).count();
    &text[..text.len() - spaces]
}

/// # Deviation
///
/// Go counts letters and decimal digits; this also lets through numerals such as `Ⅷ`, which no chart has in a name.
fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii() && c.is_alphanumeric()
}

/// `U+0023 '#'`
fn code_point(c: char) -> String {
    let text = crate::fmt::sprintf(b"%#U", &[Value::Int32(u32::from(c).cast_signed())], 100);
    String::from_utf8_lossy(&text.unwrap_or_default()).into_owned()
}
