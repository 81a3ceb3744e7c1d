//! What an untyped scalar means: the rules of Go's YAML libraries, version 2 and version 3.

mod number;
mod timestamp;

use std::borrow::Cow;

use base64::Engine as _;

use crate::error::ErrorKind;
use crate::node::Style;

pub(crate) use number::{format_g, format_g32, whole};
pub(crate) use timestamp::is_timestamp;

/// Whose rules decide what plain scalars, keys and merges mean.
///
/// # Source
/// `V2`: sigs.k8s.io/yaml 1.6 over go.yaml.in/yaml 2.4. `V3`: kyaml 0.21 over go.yaml.in/yaml 3.0. The test
/// `go_reads_the_same` compares both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Schema {
    /// As Kubernetes and Helm read objects and values: `yes`, `on` and `y` are booleans, as keys too; dates are strings;
    /// of a key that is set twice the last wins; `<<` overrides what stands before it.
    V2,
    /// As kustomize reads files: `yes` and `on` are strings; dates become timestamps; a key that is set twice is an
    /// error; `<<` overrides nothing.
    V3,
}

/// The tags that mean something to the reader; all others are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// No tag.
    None,
    /// `!`
    NonSpecific,
    Str,
    Bool,
    Int,
    Float,
    Null,
    Timestamp,
    Binary,
    Merge,
    /// Any other.
    Other,
}

impl Tag {
    /// The meaning of a tag in short form (`!!int`, `!`, `!foo`).
    pub(crate) fn parse(tag: Option<&str>) -> Self {
        match tag {
            None => Self::None,
            Some("!") => Self::NonSpecific,
            Some("!!str") => Self::Str,
            Some("!!bool") => Self::Bool,
            Some("!!int") => Self::Int,
            Some("!!float") => Self::Float,
            Some("!!null") => Self::Null,
            Some("!!timestamp") => Self::Timestamp,
            Some("!!binary") => Self::Binary,
            Some("!!merge") => Self::Merge,
            Some(_) => Self::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Str => "!!str",
            Self::Bool => "!!bool",
            Self::Int => "!!int",
            Self::Float => "!!float",
            Self::Null => "!!null",
            Self::Timestamp => "!!timestamp",
            Self::Binary => "!!binary",
            Self::Merge => "!!merge",
            Self::None | Self::NonSpecific | Self::Other => "!",
        }
    }
}

/// What a scalar means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    Uint(u64),
    Float(f64),
    /// The text itself.
    Str,
    /// The bytes behind `!!binary`, as far as they are text.
    Text(Cow<'a, str>),
    /// A moment, normalised to RFC 3339.
    Time(String),
}

/// Resolves a scalar of a document.
pub(crate) fn resolve(schema: Schema, text: &str, style: Style, tag: Tag) -> Result<Scalar<'_>, ErrorKind> {
    let quoted = style != Style::Plain;
    let tag = match (schema, tag) {
        // Version 3 takes `!` for no tag at all, version 2 for a tag it does not know.
        (_, Tag::None) | (Schema::V3, Tag::NonSpecific) if quoted => return Ok(Scalar::Str),
        (Schema::V3, Tag::NonSpecific) => Tag::None,
        (_, tag) => tag,
    };
    match tag {
        Tag::Str | Tag::NonSpecific | Tag::Other | Tag::Merge => return Ok(Scalar::Str),
        Tag::Binary => return binary(text),
        Tag::None | Tag::Bool | Tag::Int | Tag::Float | Tag::Null | Tag::Timestamp => {}
    }
    let found = untagged(schema, text, matches!(tag, Tag::None | Tag::Timestamp));
    let fits = match (&found, tag) {
        (_, Tag::None)
        | (Scalar::Null, Tag::Null)
        | (Scalar::Bool(_), Tag::Bool)
        | (Scalar::Int(_) | Scalar::Uint(_), Tag::Int)
        | (Scalar::Float(_), Tag::Float)
        | (Scalar::Time(_), Tag::Timestamp) => true,
        #[expect(clippy::cast_precision_loss, reason = "as Go does")]
        (Scalar::Int(n), Tag::Float) => return Ok(Scalar::Float(*n as f64)),
        _ => false,
    };
    if !fits {
        return Err(ErrorKind::Tag { tag: tag.name(), text: text.to_owned() });
    }
    Ok(match (schema, found) {
        // Version 2 knows dates but hands out their text.
        (Schema::V2, Scalar::Time(_)) => Scalar::Str,
        (_, found) => found,
    })
}

/// Whether version 2 would read the text, standing plain, as anything but a string.
pub(crate) fn is_ambiguous(text: &str) -> bool {
    !matches!(untagged(Schema::V2, text, true), Scalar::Str)
}

/// Whether version 3 reads the text, standing plain, as a string.
pub(crate) fn is_string_v3(text: &str) -> bool {
    matches!(untagged(Schema::V3, text, true), Scalar::Str)
}

fn binary(text: &str) -> Result<Scalar<'_>, ErrorKind> {
    // Go's decoder skips line breaks, and only those.
    let packed: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed).map_err(|_| ErrorKind::Binary)?;
    Ok(Scalar::Text(Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => replace_each_byte(error.as_bytes()),
    })))
}

/// What Go's JSON makes of bytes that are not UTF-8: U+FFFD for every single byte.
fn replace_each_byte(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    text
}

/// The meaning of a plain scalar without tag. Its first character decides what it can be at all.
fn untagged(schema: Schema, text: &str, dates: bool) -> Scalar<'_> {
    let Some(&first) = text.as_bytes().first() else {
        return Scalar::Null;
    };
    match first {
        b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'o' | b'O' => word(schema, text),
        b'.' => number::dotted(text),
        b'0'..=b'9' | b'+' | b'-' => {
            if dates && is_timestamp(text) {
                return match schema {
                    Schema::V2 => Scalar::Time(String::new()),
                    Schema::V3 => timestamp::normalise(text).map_or(Scalar::Str, Scalar::Time),
                };
            }
            number::number(schema, text)
        }
        _ => Scalar::Str,
    }
}

fn word(schema: Schema, text: &str) -> Scalar<'_> {
    match text {
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if schema == Schema::V2 => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if schema == Schema::V2 => Scalar::Bool(false),
        _ => Scalar::Str,
    }
}
