//! How sprig makes text of anything, and of everything in a list.

use crate::fmt;
use crate::funcs::Fault;
use crate::value::{Str, Value};

/// The longest text that one value may print as.
pub(super) const MAX_TEXT: usize = 256 << 20;

/// Makes text: strings and bytes as they are, all else as `%v` prints it.
pub fn text_of(value: &Value) -> Result<Str, Fault> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bytes(bytes) => Ok(bytes.as_slice().into()),
        other => print(other),
    }
}

/// Prints with `%v`.
pub(super) fn print(value: &Value) -> Result<Str, Fault> {
    let mut out = Vec::new();
    fmt::append(&mut out, value, MAX_TEXT).map_err(|error| Fault::message(error.to_string()))?;
    Ok(out.into())
}

/// Makes text of each element that is not nil; of anything else that is no list, one text.
pub(super) fn strings_of(value: &Value) -> Result<Vec<Str>, Fault> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::Bytes(bytes) => Ok(bytes.as_slice().iter().map(|byte| byte.to_string().into()).collect()),
        other => match other.as_list() {
            Some(list) => list.iter().filter(|item| !matches!(item, Value::Nil)).map(text_of).collect(),
            None => Ok(vec![text_of(other)?]),
        },
    }
}
