//! Values to JSON.

use std::fmt::Write as _;

use crate::sprig::encoding::base64;
use crate::sprig::time::Time;
use crate::strconv::{FloatFormat, format_float};
use crate::value::{MAX_NESTING, Value};

/// How JSON is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// What each level is indented by; empty for everything on one line.
    pub indent: &'static str,
    /// Whether `<`, `>` and `&` are escaped, as Go does unless told otherwise.
    pub escape_html: bool,
}

/// Why a value is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A number is not finite.
    #[error("json: unsupported value: {0}")]
    NotFinite(&'static str),
    /// A value has no form in JSON.
    #[error("json: unsupported type: {0}")]
    Type(&'static str),
    /// A container holds itself, or others too deep.
    #[error("json: unsupported value: encountered a cycle")]
    Nesting,
    /// The text would be longer than allowed.
    #[error("the JSON text is longer than {0} bytes")]
    TooLong(usize),
}

/// Writes at most `max` bytes, keys sorted.
pub fn write(value: &Value, layout: Layout, max: usize) -> Result<String, WriteError> {
    let mut writer = Writer { out: String::new(), layout, max };
    writer.value(value, 0)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
    layout: Layout,
    max: usize,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), WriteError> {
        if depth > MAX_NESTING {
            return Err(WriteError::Nesting);
        }
        if self.out.len() > self.max {
            return Err(WriteError::TooLong(self.max));
        }
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::Uint64(n) => self.out.push_str(&n.to_string()),
            Value::Float64(n) => self.float(*n)?,
            Value::String(text) => self.string(&text.to_str()),
            Value::Bytes(bytes) if bytes.is_nil() => self.out.push_str("null"),
            Value::Bytes(bytes) => self.string(&base64(bytes.as_slice())),
            Value::List(list) if list.is_nil() => self.out.push_str("null"),
            Value::List(list) => {
                self.sequence('[', ']', list.iter(), depth, |writer, item| writer.value(item, depth + 1))?;
            }
            Value::Map(map) if map.is_nil() => self.out.push_str("null"),
            Value::Map(map) => {
                let entries = map.entries();
                self.sequence('{', '}', entries.iter(), depth, |writer, (key, value)| {
                    writer.member(&key.to_str(), value, depth)
                })?;
            }
            Value::Object(object) if object.is_nil() => self.out.push_str("null"),
            Value::Object(object) => {
                if let Some(time) = value.downcast::<Time>() {
                    self.string(&time.to_rfc3339());
                } else if let Some(inner) = object.underlying() {
                    self.value(&inner, depth + 1)?;
                } else {
                    let fields = object.fields();
                    match (fields.is_empty(), object.text()) {
                        (true, Some(text)) => self.string(&text.to_str()),
                        _ => self.sequence('{', '}', fields.iter(), depth, |writer, (key, value)| {
                            writer.member(key, value, depth)
                        })?,
                    }
                }
            }
            Value::Complex128(..) => return Err(WriteError::Type("complex128")),
            Value::Func(_) => return Err(WriteError::Type("func")),
            Value::Int(_) | Value::Int64(_) | Value::Int32(_) | Value::Uint8(_) | Value::Uint32(_) => {
                self.out.push_str(&value.as_int().unwrap_or_default().to_string());
            }
        }
        Ok(())
    }

    fn member(&mut self, key: &str, value: &Value, depth: usize) -> Result<(), WriteError> {
        self.string(key);
        self.out.push_str(if self.layout.indent.is_empty() { ":" } else { ": " });
        self.value(value, depth + 1)
    }

    fn sequence<T>(
        &mut self,
        open: char,
        close: char,
        items: impl ExactSizeIterator<Item = T>,
        depth: usize,
        mut write: impl FnMut(&mut Self, T) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.out.push(open);
        let empty = items.len() == 0;
        for (i, item) in items.enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            self.new_line(depth + 1);
            write(self, item)?;
        }
        if !empty {
            self.new_line(depth);
        }
        self.out.push(close);
        Ok(())
    }

    fn new_line(&mut self, depth: usize) {
        if !self.layout.indent.is_empty() {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(self.layout.indent, depth));
        }
    }

    fn float(&mut self, n: f64) -> Result<(), WriteError> {
        match n {
            _ if n.is_nan() => return Err(WriteError::NotFinite("NaN")),
            f64::INFINITY => return Err(WriteError::NotFinite("+Inf")),
            f64::NEG_INFINITY => return Err(WriteError::NotFinite("-Inf")),
            _ => {}
        }
        let magnitude = n.abs();
        if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
            // JavaScript writes e-9 where Go's other printers write e-09.
            let text = format_float(n, FloatFormat::Exponent, None);
            self.out.push_str(&text.replace("e-0", "e-"));
        } else {
            self.out.push_str(&format_float(n, FloatFormat::Plain, None));
        }
        Ok(())
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '<' | '>' | '&' if self.layout.escape_html => self.escape(c),
                '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => self.escape(c),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn escape(&mut self, c: char) {
        // Writing to a string cannot fail.
        let _ = write!(self.out, "\\u{:04x}", u32::from(c));
    }
}
