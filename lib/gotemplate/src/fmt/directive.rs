//! Format strings: flags, width, precision, argument indices, verbs.

use super::Error;
use super::printer::{Flags, Printer};
use crate::strconv::decode_char;
use crate::value::Value;

/// Widths, precisions and indices beyond this are none, as in Go.
const TOO_LARGE: usize = 1_000_000;

/// Prints a format string with its arguments.
pub(super) fn print(printer: &mut Printer<'_>, format: &[u8], args: &[Value]) -> Result<(), Error> {
    let mut scan = Scan { format, at: 0, args, next: 0, after_index: false, good_index: true, reordered: false };
    while let Some(percent) = scan.rest().iter().position(|&byte| byte == b'%') {
        printer.out.extend_from_slice(&scan.rest()[..percent]);
        scan.at += percent + 1;
        if !scan.directive(printer)? {
            break;
        }
        printer.check()?;
    }
    let text = scan.rest();
    printer.out.extend_from_slice(text);
    let extra = args.get(scan.next..).unwrap_or_default();
    if !scan.reordered && !extra.is_empty() {
        printer.flags = Flags::default();
        printer.out.extend_from_slice(b"%!(EXTRA ");
        for (i, arg) in extra.iter().enumerate() {
            if i > 0 {
                printer.out.extend_from_slice(b", ");
            }
            if matches!(arg, Value::Nil) {
                printer.out.extend_from_slice(b"<nil>");
            } else {
                printer.out.extend_from_slice(arg.type_name().as_bytes());
                printer.out.push(b'=');
                printer.arg(arg, 'v')?;
            }
        }
        printer.out.push(b')');
    }
    printer.check()
}

struct Scan<'a> {
    format: &'a [u8],
    at: usize,
    args: &'a [Value],
    /// The next argument to print.
    next: usize,
    /// Whether an index such as `[3]` was read last.
    after_index: bool,
    /// Whether every index of this directive named an argument.
    good_index: bool,
    /// Whether any index was read: then unused arguments are no mistake.
    reordered: bool,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a [u8] {
        self.format.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// Prints one directive, whose `%` has been read. False when the format string ended within it.
    fn directive(&mut self, printer: &mut Printer<'_>) -> Result<bool, Error> {
        self.good_index = true;
        self.after_index = false;
        let mut flags = Flags::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        self.index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.int_arg() {
                Some(width) => {
                    flags.width = Some(width.unsigned_abs());
                    if width < 0 {
                        flags.minus = true;
                        flags.zero = false;
                    }
                }
                None => printer.out.extend_from_slice(b"%!(BADWIDTH)"),
            }
            self.after_index = false;
        } else {
            flags.width = self.number();
            if self.after_index && flags.width.is_some() {
                self.good_index = false;
            }
        }
        // A point that ends the format string is the verb.
        if self.peek() == Some(b'.') && self.at + 1 < self.format.len() {
            self.precision(printer, &mut flags);
        }
        if !self.after_index {
            self.index();
        }
        let Some((verb, size)) = decode_char(self.rest()) else {
            printer.out.extend_from_slice(b"%!(NOVERB)");
            return Ok(false);
        };
        self.at += size;
        printer.flags = flags;
        if verb == '%' {
            printer.out.push(b'%');
        } else if !self.good_index {
            printer.complain(verb, "(BADINDEX)");
        } else if let Some(arg) = self.args.get(self.next) {
            if matches!(verb, 'v' | 'w') {
                printer.flags.go_syntax = std::mem::take(&mut printer.flags.sharp);
                printer.flags.field_names = std::mem::take(&mut printer.flags.plus);
            }
            printer.arg(arg, verb)?;
            self.next += 1;
        } else {
            printer.complain(verb, "(MISSING)");
        }
        Ok(true)
    }

    fn precision(&mut self, printer: &mut Printer<'_>, flags: &mut Flags) {
        self.at += 1;
        if self.after_index {
            self.good_index = false;
        }
        self.index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            let precision = self.int_arg();
            flags.precision = precision.and_then(|precision| usize::try_from(precision).ok());
            if flags.precision.is_none() {
                printer.out.extend_from_slice(b"%!(BADPREC)");
            }
            self.after_index = false;
        } else {
            flags.precision = Some(self.number().unwrap_or(0));
        }
    }

    /// Reads an explicit argument index, `[3]`, if there is one.
    fn index(&mut self) {
        self.after_index = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = self.rest();
        let Some(close) = rest.iter().position(|&byte| byte == b']').filter(|_| rest.len() >= 3) else {
            self.good_index = false;
            self.at += 1;
            return;
        };
        let number = digits(rest.get(1..close).unwrap_or_default());
        self.at += close + 1;
        let index = number.filter(|&(_, used)| used == close - 1).map(|(number, _)| number);
        match index {
            Some(index) if index >= 1 && index <= self.args.len() => {
                self.next = index - 1;
                self.after_index = true;
            }
            other => {
                self.good_index = false;
                self.after_index = other.is_some();
            }
        }
    }

    /// Reads a decimal number. One that is too large eats the rest of the format string, as in Go.
    fn number(&mut self) -> Option<usize> {
        if !self.peek()?.is_ascii_digit() {
            return None;
        }
        if let Some((number, used)) = digits(self.rest()) {
            self.at += used;
            Some(number)
        } else {
            self.at = self.format.len();
            None
        }
    }

    /// Takes an argument as a width or precision.
    fn int_arg(&mut self) -> Option<isize> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        let number = isize::try_from(arg.as_int()?).ok()?;
        (number.unsigned_abs() <= TOO_LARGE).then_some(number)
    }
}

/// The number at the start of a text and how many bytes it has. `None` for no digits, or a number too large.
fn digits(text: &[u8]) -> Option<(usize, usize)> {
    let used = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut number = 0;
    for byte in text.get(..used).filter(|digits| !digits.is_empty())? {
        if number > TOO_LARGE {
            return None;
        }
        number = number * 10 + usize::from(byte - b'0');
    }
    Some((number, used))
}
