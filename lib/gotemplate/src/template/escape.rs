//! `html`, `js`, `urlquery`.

use std::fmt::Write as _;

use crate::fmt;
use crate::funcs::{Call, Fault};
use crate::strconv::{decode_char, is_print};
use crate::value::{Str, Value};

/// The arguments as `print` prints them, nil as a template does.
pub(super) fn text(call: &mut Call<'_>, args: &[Value]) -> Result<Str, Fault> {
    if let [Value::String(text)] = args {
        return Ok(text.clone());
    }
    let args: Vec<Value> = args
        .iter()
        .map(|arg| if matches!(arg, Value::Nil) { Value::string("<no value>") } else { arg.clone() })
        .collect();
    let mut out = Vec::new();
    if let [arg] = &*args {
        call.printed(fmt::append_pointee(&mut out, arg, call.bytes_left()))?;
    } else {
        out = call.printed(fmt::sprint(&args, call.bytes_left()))?;
    }
    Ok(out.into())
}

pub(super) fn html(text: &Str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text.as_bytes() {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            byte => out.push(byte),
        }
    }
    out
}

pub(super) fn js(text: &Str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((c, size)) = decode_char(rest) {
        let (bytes, tail) = rest.split_at(size);
        rest = tail;
        match c {
            '\\' | '\'' | '"' => {
                out.push(b'\\');
                out.extend_from_slice(bytes);
            }
            '<' | '>' | '&' | '=' => out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes()),
            c if c < ' ' || !c.is_ascii() && !is_print(c) => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes());
            }
            _ => out.extend_from_slice(bytes),
        }
    }
    out
}

pub(super) fn url_query(text: &Str) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}
