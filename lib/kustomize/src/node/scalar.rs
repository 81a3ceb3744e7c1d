//! Scalars: a text, the type it was given, and its quotes.

use std::borrow::Cow;

use serde_json::Value;
use yaml::Schema;

use super::Unprintable;

/// What a scalar was read or written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// Written without a type: the text decides when it is printed, unless it is quoted.
    Unknown,
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    Str,
}

/// How a scalar was written in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quote {
    Plain,
    Single,
    Double,
    /// A literal block.
    Block,
    /// A folded block, whose lines are not always those that are read back once it is printed.
    Folded,
}

/// A scalar value.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) text: Box<str>,
    pub(crate) tag: Tag,
    pub(crate) quote: Quote,
    /// Labels and annotations that kustomize adds to several fields of an object at once are one value there: whatever
    /// is written into one field later shows in all of them. Fields with the same number are such a value.
    pub(crate) shared: u16,
    /// How often a shared value was written; the highest count has the last word.
    pub(crate) written: u16,
}

impl PartialEq for Scalar {
    /// Equal values, wherever they are shared.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.tag == other.tag && self.quote == other.quote
    }
}

impl Eq for Scalar {}

impl Tag {
    /// What a text is when it stands plain in a file.
    pub(crate) fn of_plain(text: &str) -> Self {
        if is_surely_text(text) {
            return Self::Str;
        }
        match yaml::Node::plain(text).to_value(Schema::V3) {
            Ok(Value::Null) => Self::Null,
            Ok(Value::Bool(_)) => Self::Bool,
            Ok(Value::Number(_)) if reads_as(text, Self::Int) => Self::Int,
            Ok(Value::String(value)) if value == text => Self::Str,
            Ok(Value::String(_)) => Self::Timestamp,
            // Infinities and the like are numbers that JSON does not have.
            Ok(_) | Err(_) => Self::Float,
        }
    }

    /// The tag as YAML writes it.
    pub(crate) fn short(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Null => Some("!!null"),
            Self::Bool => Some("!!bool"),
            Self::Int => Some("!!int"),
            Self::Float => Some("!!float"),
            Self::Timestamp => Some("!!timestamp"),
            Self::Str => Some("!!str"),
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Unknown | Self::Str => "text",
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Int => "a whole number",
            Self::Float => "a number that JSON can hold",
            Self::Timestamp => "a timestamp",
        }
    }
}

fn reads_as(text: &str, tag: Tag) -> bool {
    let mut node = yaml::Node::plain(text);
    node.set_tag(tag.short());
    node.to_value(Schema::V3).is_ok()
}

/// A quick no for nearly all texts: only words, numbers, dates and nothing are anything else than text.
fn is_surely_text(text: &str) -> bool {
    match text.as_bytes() {
        [] | [b'~'] | [b'0'..=b'9' | b'.' | b'+' | b'-', ..] => false,
        [b'n' | b'N' | b't' | b'T' | b'f' | b'F', ..] => text.len() > 5,
        _ => true,
    }
}

impl Scalar {
    pub(crate) fn new(text: impl Into<Box<str>>, tag: Tag) -> Self {
        Self::quoted(text, tag, Quote::Plain)
    }

    pub(crate) fn quoted(text: impl Into<Box<str>>, tag: Tag, quote: Quote) -> Self {
        Self { text: text.into(), tag, quote, shared: 0, written: 0 }
    }

    /// Takes over another value, but stays where it is: its quotes and what it is shared with are its own.
    pub(crate) fn become_value(&mut self, text: Box<str>, tag: Tag) {
        self.text = text;
        self.tag = tag;
        self.written = self.written.saturating_add(1);
    }

    pub(crate) fn str(text: impl Into<Box<str>>) -> Self {
        Self::new(text, Tag::Str)
    }

    /// A number that went through Go's JSON and YAML: a float whose text may look like an integer again.
    pub(crate) fn from_float(number: f64) -> Self {
        let text = crate::go::format_float(number);
        let tag = if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') { Tag::Int } else { Tag::Float };
        Self::new(text, tag)
    }

    /// A string that went through Go's YAML: quoted where it would be something else, a block where it has lines.
    pub(crate) fn from_string(text: String) -> Self {
        let quote = if text.contains('\n') {
            Quote::Block
        } else if Tag::of_plain(&text) == Tag::Str {
            Quote::Plain
        } else {
            Quote::Double
        };
        Self::quoted(text, Tag::Str, quote)
    }

    /// True for strings and for what has no type yet.
    pub(crate) fn is_string(&self) -> bool {
        matches!(self.tag, Tag::Str | Tag::Unknown)
    }

    /// The text as it would stand in a YAML file.
    pub(crate) fn rendered(&self) -> String {
        match self.quote {
            Quote::Single => format!("'{}'", self.text.replace('\'', "''")),
            Quote::Double => format!("{:?}", self.text),
            Quote::Block | Quote::Folded => format!("|\n{}", self.text),
            Quote::Plain if self.tag == Tag::Str && Tag::of_plain(&self.text) != Tag::Str => format!("{:?}", self.text),
            Quote::Plain => self.text.to_string(),
        }
    }

    /// Whether [`Scalar::to_value`] gives a value, without making one for texts.
    pub(crate) fn check(&self) -> Result<(), Unprintable> {
        check_characters(&self.text)?;
        if self.tag == Tag::Str { Ok(()) } else { self.to_value().map(drop) }
    }

    /// The scalar as JSON: printed as YAML with its type and quotes, and read back.
    pub(crate) fn to_value(&self) -> Result<Value, Unprintable> {
        if self.is_text() {
            return Ok(Value::String(self.final_text().into_owned()));
        }
        let mut node = yaml::Node::plain(&*self.text);
        node.set_tag(self.tag.short());
        let value = node.to_value(Schema::V3).map_err(|_| Unprintable {
            path: String::new(),
            text: Some(self.text.to_string()),
            expected: self.tag.in_words(),
        })?;
        Ok(whole(value))
    }

    /// Puts what has no type yet in quotes if it would not be read as a text, as kustomize does where a patch passes.
    pub(crate) fn quote_what_is_no_text(&mut self) {
        let open = self.tag == Tag::Unknown && self.quote == Quote::Plain && !self.text.is_empty();
        if open && !matches!(yaml::Node::plain(&*self.text).to_value(Schema::V2), Ok(Value::String(_))) {
            self.quote = Quote::Double;
        }
    }

    /// Whether it certainly is a text in the end.
    pub(super) fn is_text(&self) -> bool {
        match self.tag {
            Tag::Str => true,
            Tag::Unknown if self.quote != Quote::Plain || is_surely_text(&self.text) => true,
            // Quotes win over a type that the text has anyway.
            tag => self.quote != Quote::Plain && Tag::of_plain(&self.text) == tag,
        }
    }

    /// The text as it is read back.
    pub(super) fn final_text(&self) -> Cow<'_, str> {
        self.refolded().map_or(Cow::Borrowed(&self.text), Cow::Owned)
    }
}

/// Refuses the characters that kustomize cannot print: it goes through JSON, which has them as they are, and reads that
/// as YAML, which does not.
pub(super) fn check_characters(text: &str) -> Result<(), Unprintable> {
    let refused = |c: char| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    // Other control characters are escaped in JSON.
    if text.bytes().all(|byte| byte < 0x7f) || !text.contains(refused) {
        return Ok(());
    }
    let expected = "free of control characters; a file with such can be in binaryData";
    Err(Unprintable { path: String::new(), text: None, expected })
}

impl Scalar {
    /// Forgets that it was folded, as where only the text is taken.
    pub(crate) fn unfold(&mut self) {
        if self.quote == Quote::Folded {
            self.quote = Quote::Block;
        }
    }

    /// What is read back of a folded text: it gets an empty line more before its lines that are indented further than
    /// the rest, and where empty lines are kept at its end.
    fn refolded(&self) -> Option<String> {
        if self.quote != Quote::Folded || !self.text.contains('\n') {
            return None;
        }
        let text = yaml::Node::styled(&*self.text, yaml::Style::Folded);
        let printed = yaml::Node::mapping(vec![(yaml::Node::plain("k"), text)]).print(yaml::Sequences::Compact);
        yaml::node(&printed, &crate::read::limits(&printed)).ok()??.get("k")?.text().map(str::to_owned)
    }
}

/// JSON prints whole floats without a fraction, so they come back as integers.
fn whole(value: Value) -> Value {
    let float = value.as_f64().filter(|_| value.is_f64());
    match float {
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
        Some(float) if float.fract() == 0.0 && float.abs() < 9.0e18 => Value::from(float as i64),
        _ => value,
    }
}
