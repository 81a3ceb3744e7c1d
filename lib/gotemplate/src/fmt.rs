//! Go's `fmt`: verbs, flags, and how values print.
//!
//! Works on bytes, since Go's strings need not be UTF-8. Every function takes the number of bytes that it may produce:
//! a width may ask for a million of them, and a small value that holds others many times over prints at any length.

mod directive;
mod printer;
mod scalar;

use std::io::Write as _;

use crate::value::{MAX_NESTING, Value};
use printer::Printer;

/// Why something could not be printed. Wrong verbs are no errors: they print as `%!d(string=x)`, as in Go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A container holds itself, or others too deep. Go overflows its stack.
    #[error("cannot print values that nest deeper than {MAX_NESTING} levels")]
    Nesting,
    /// The text would be longer than allowed.
    #[error("printed text is longer than {0} bytes")]
    TooLong(usize),
}

/// Formats as `fmt.Sprintf`.
pub fn sprintf(format: &[u8], args: &[Value], max: usize) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(format.len() + 8 * args.len());
    directive::print(&mut Printer::new(&mut out, max), format, args)?;
    Ok(out)
}

/// Formats as `fmt.Sprint`: a space between operands when neither is a string.
pub fn sprint(args: &[Value], max: usize) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let mut printer = Printer::new(&mut out, max);
    let mut after_string = true;
    for arg in args {
        let is_string = matches!(arg, Value::String(_));
        if !is_string && !after_string {
            printer.out.push(b' ');
        }
        after_string = is_string;
        printer.arg(arg, 'v')?;
    }
    Ok(out)
}

/// Formats as `fmt.Sprintln`: a space between all operands and a newline at the end.
pub fn sprintln(args: &[Value], max: usize) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let mut printer = Printer::new(&mut out, max);
    for (i, arg) in args.iter().enumerate() {
        if i > 0 {
            printer.out.push(b' ');
        }
        printer.arg(arg, 'v')?;
    }
    out.push(b'\n');
    Ok(out)
}

/// Appends a value as `%v` prints it. `out` must not grow beyond `max` bytes.
pub fn append(out: &mut Vec<u8>, value: &Value, max: usize) -> Result<(), Error> {
    Printer::new(out, max).arg(value, 'v')
}

/// Appends a value as a template prints it: what a pointer points to, without the `&`.
pub(crate) fn append_pointee(out: &mut Vec<u8>, value: &Value, max: usize) -> Result<(), Error> {
    if let Some(number) = small_integer(value) {
        // Ports, replicas, percentages: most numbers that charts print need no more than this.
        let _ = write!(out, "{number}");
        return Ok(());
    }
    Printer::new(out, max).pointee(value)
}

/// The number that the value prints as, if it prints as one without point or exponent. Floats do below a million.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn small_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) | Value::Int64(n) => Some(*n),
        Value::Float64(n) if n.fract() == 0.0 && n.abs() < 1e6 && (*n != 0.0 || n.is_sign_positive()) => {
            Some(*n as i64)
        }
        _ => None,
    }
}
