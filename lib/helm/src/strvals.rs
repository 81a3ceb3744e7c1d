//! The grammar of `--set`: `outer.list[0].name=value,other={a,b}`.
//!
//! A line changes a table in place: later assignments win, lists grow with nulls, `\` takes the next character as it
//! is. The five forms differ in what a value means; `--set-literal` has no escapes and no second assignment.
//!
//! # Source
//! Helm 4.2.4's `strvals`; its tables are in the corpus that `tests/it` runs.

mod parser;

use serde_json::Value;

use crate::values::Table;
use parser::{Form, Parser, Stop};

/// The largest index that a list may be assigned at.
pub const MAX_INDEX: usize = 65_536;

/// How many dots a name may have.
pub const MAX_NESTED_NAMES: usize = 30;

/// How many lists may be nested in one name (`a[0][0]`), and how many elements one line may add in all.
///
/// # Deviation
/// Helm has no such limits; a line of a few kilobytes makes it allocate gigabytes.
pub const MAX_NESTED_INDEXES: usize = 64;
/// See [`MAX_NESTED_INDEXES`].
pub const MAX_ADDED_ELEMENTS: usize = 1_000_000;

/// Why a line could not be applied. The wording is Helm's where Helm has it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// A name stands without `=`, or with nothing after its dot.
    #[error("key {0:?} has no value")]
    NoValue(String),
    /// A comma follows a name.
    #[error("key {0:?} has no value (cannot end with ,)")]
    NoValueBeforeComma(String),
    /// Nothing was set below a name.
    #[error("key map {0:?} has no value")]
    NoValueBelow(String),
    /// The text between brackets is no number.
    #[error("error parsing index: {0:?} is not a number")]
    NotAnIndex(String),
    /// A bracket is not closed.
    #[error("error parsing index: missing ]")]
    OpenIndex,
    /// An index is below zero.
    #[error("negative {0} index not allowed")]
    NegativeIndex(i64),
    /// An index is above [`MAX_INDEX`].
    #[error("index of {0} is greater than maximum supported index of {MAX_INDEX}")]
    LargeIndex(i64),
    /// Something else than `.`, `[` or `=` follows an index.
    #[error("unexpected data at end of array index: {0:?}")]
    AfterIndex(String),
    /// A name has more than [`MAX_NESTED_NAMES`] dots.
    #[error("value name nested level is greater than maximum supported nested level of {MAX_NESTED_NAMES}")]
    TooDeep,
    /// A name has more than [`MAX_NESTED_INDEXES`] indexes.
    #[error("lists are nested deeper than {MAX_NESTED_INDEXES}")]
    TooManyIndexes,
    /// The line adds more than [`MAX_ADDED_ELEMENTS`] elements to lists.
    #[error("the lists would grow by more than {MAX_ADDED_ELEMENTS} elements")]
    TooManyElements,
    /// A `{` is not closed.
    #[error("list must terminate with '}}'")]
    OpenList,
    /// A name leads into a value that is no table, or an index into one that is no list.
    #[error("unable to parse key: {key:?} is {found}, not {expected}")]
    Mismatch {
        /// The name that leads there.
        key: String,
        /// What it names.
        found: &'static str,
        /// What it would have to name.
        expected: &'static str,
    },
    /// The value is not JSON.
    #[error("value of {key:?} is not JSON: {message}")]
    Json {
        /// The name that it was meant for.
        key: String,
        /// What is wrong with it.
        message: String,
    },
    /// A file could not be had.
    #[error("read {path}: {message}")]
    File {
        /// The path as written.
        path: String,
        /// What the caller said.
        message: String,
    },
}

/// Applies a `--set` line: `true`, `false`, `null` and whole numbers are taken as such, all else is text.
pub fn set(values: &mut Table, line: &str) -> Result<(), SetError> {
    Parser::new(line, Form::Escaped(&mut |text| Ok(typed(text)))).run(values)
}

/// Applies a `--set-string` line: every value is text.
pub fn set_string(values: &mut Table, line: &str) -> Result<(), SetError> {
    Parser::new(line, Form::Escaped(&mut |text| Ok(Value::String(text)))).run(values)
}

/// Applies a `--set-file` line: every value is a path, and `read` has the content.
pub fn set_file(
    values: &mut Table,
    line: &str,
    read: &mut dyn FnMut(&str) -> Result<String, String>,
) -> Result<(), SetError> {
    let mut value = |path: String| match read(&path) {
        Ok(content) => Ok(Value::String(content)),
        Err(message) => Err(SetError::File { path, message }),
    };
    Parser::new(line, Form::Escaped(&mut value)).run(values)
}

/// Applies a `--set-json` line: values are JSON, nothing means null. A line that is one object is merged as a whole.
pub fn set_json(values: &mut Table, line: &str) -> Result<(), SetError> {
    let trimmed = line.trim();
    if !trimmed.starts_with('{') {
        return Parser::new(line, Form::Json).run(values);
    }
    let object = serde_json::from_str::<Table>(trimmed)
        .map_err(|error| SetError::Json { key: String::new(), message: error.to_string() })?;
    crate::values::merge(values, crate::values::with_go_numbers(object));
    Ok(())
}

/// Applies a `--set-literal` line: all that follows `=` is text, commas and backslashes too.
pub fn set_literal(values: &mut Table, line: &str) -> Result<(), SetError> {
    Parser::new(line, Form::Literal).run(values)
}

/// What an unquoted value means. Leading zeros make text, so that file modes and phone numbers survive.
fn typed(text: String) -> Value {
    if text.eq_ignore_ascii_case("true") {
        Value::Bool(true)
    } else if text.eq_ignore_ascii_case("false") {
        Value::Bool(false)
    } else if text.eq_ignore_ascii_case("null") {
        Value::Null
    } else if text == "0" {
        Value::from(0_i64)
    } else if !text.starts_with('0')
        && let Ok(number) = text.parse::<i64>()
    {
        Value::from(number)
    } else {
        Value::String(text)
    }
}

impl From<Stop> for Result<(), SetError> {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::End => Ok(()),
            Stop::Error(error) => Err(error),
        }
    }
}
