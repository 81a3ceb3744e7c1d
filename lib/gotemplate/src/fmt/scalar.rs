//! Booleans, numbers and strings. Each returns whether the verb suits the type.

use super::printer::Printer;
use crate::strconv::{self, FloatFormat, decode_char};
use crate::value::Bytes;

impl Printer<'_> {
    pub(super) fn bool(&mut self, value: bool, verb: char) -> bool {
        if !matches!(verb, 't' | 'v') {
            return false;
        }
        self.pad(if value { b"true" } else { b"false" });
        true
    }

    pub(super) fn signed(&mut self, value: i64, verb: char) -> bool {
        self.integer(value.unsigned_abs(), value < 0, verb)
    }

    pub(super) fn unsigned(&mut self, value: u64, verb: char) -> bool {
        if verb == 'v' && self.flags.go_syntax {
            self.prefixed_hex(value, true);
            return true;
        }
        self.integer(value, false, verb)
    }

    fn integer(&mut self, magnitude: u64, negative: bool, verb: char) -> bool {
        // What the character verbs see of a negative number is its two's complement.
        let bits = if negative { magnitude.wrapping_neg() } else { magnitude };
        match verb {
            'v' | 'd' => self.digits(&magnitude.to_string(), negative, ""),
            'b' => self.digits(&format!("{magnitude:b}"), negative, "0b"),
            'o' => self.digits(&format!("{magnitude:o}"), negative, "0"),
            'O' => self.digits(&format!("{magnitude:o}"), negative, "0o"),
            'x' => self.digits(&format!("{magnitude:x}"), negative, "0x"),
            'X' => self.digits(&format!("{magnitude:X}"), negative, "0X"),
            'c' => self.pad(character(bits).encode_utf8(&mut [0; 4]).as_bytes()),
            'q' => {
                let quote = if self.flags.plus { strconv::quote_char_to_ascii } else { strconv::quote_char };
                self.pad(quote(character(bits)).as_bytes());
            }
            'U' => self.code_point(bits),
            _ => return false,
        }
        true
    }

    /// Writes digits with sign, prefix, precision and width.
    fn digits(&mut self, digits: &str, negative: bool, prefix: &str) {
        let flags = self.flags;
        if flags.precision == Some(0) && digits == "0" {
            let zero = std::mem::take(&mut self.flags.zero);
            self.padding(flags.width.unwrap_or(0));
            self.flags.zero = zero;
            return;
        }
        let signed = negative || flags.plus || flags.space;
        let least = match (flags.precision, flags.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if flags.zero && !flags.minus => width.saturating_sub(usize::from(signed)),
            _ => 0,
        };
        let zeros = least.saturating_sub(digits.len());
        let mut text = String::with_capacity(zeros + digits.len() + 3);
        if negative {
            text.push('-');
        } else if flags.plus {
            text.push('+');
        } else if flags.space {
            text.push(' ');
        }
        match prefix {
            "0o" => {
                text.push_str(prefix);
                if flags.sharp && zeros == 0 && !digits.starts_with('0') {
                    text.push('0');
                }
            }
            "0" if zeros > 0 || digits.starts_with('0') => {}
            _ if flags.sharp => text.push_str(prefix),
            _ => {}
        }
        text.extend(std::iter::repeat_n('0', zeros));
        text.push_str(digits);
        self.pad_with_spaces(text.as_bytes());
    }

    /// Writes a number in hexadecimal as `%#v` writes unsigned ones and addresses.
    pub(super) fn prefixed_hex(&mut self, value: u64, prefix: bool) {
        let sharp = std::mem::replace(&mut self.flags.sharp, prefix);
        self.digits(&format!("{value:x}"), false, "0x");
        self.flags.sharp = sharp;
    }

    fn code_point(&mut self, bits: u64) {
        let least = self.flags.precision.unwrap_or(0).max(4);
        let mut text = format!("U+{bits:0least$X}", least = least.min(16));
        if least > 16 {
            text.insert_str(2, &"0".repeat(least - 16));
        }
        if self.flags.sharp
            && let Some(c) = u32::try_from(bits).ok().and_then(char::from_u32)
            && strconv::is_print(c)
        {
            text.push_str(" '");
            text.push(c);
            text.push('\'');
        }
        self.pad_with_spaces(text.as_bytes());
    }

    pub(super) fn float(&mut self, value: f64, verb: char) -> bool {
        let (format, precision) = match verb {
            'v' | 'g' | 'G' => (FloatFormat::Shorter, None),
            'b' => (FloatFormat::Binary, None),
            'x' | 'X' => (FloatFormat::Hexadecimal, None),
            'f' | 'F' => (FloatFormat::Plain, Some(6)),
            'e' | 'E' => (FloatFormat::Exponent, Some(6)),
            _ => return false,
        };
        let flags = self.flags;
        let precision = flags.precision.or(precision);
        let mut text = strconv::format_float(value, format, precision);
        if matches!(verb, 'G' | 'X' | 'E') {
            text.make_ascii_uppercase();
        }
        if value.is_infinite() {
            text = if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
        } else if value.is_nan() {
            text = "NaN".into();
        }
        let (sign, number) = match text.strip_prefix(['-', '+']) {
            Some(number) => (if text.starts_with('-') { '-' } else { '+' }, number),
            None => ('+', text.as_str()),
        };
        let sign = if sign == '+' && flags.space && !flags.plus { ' ' } else { sign };
        if !value.is_finite() {
            // An infinity always shows its sign.
            let signed = value.is_infinite() || flags.space || flags.plus;
            let text = if signed { format!("{sign}{number}") } else { number.to_owned() };
            self.pad_with_spaces(text.as_bytes());
            return true;
        }
        let number = if flags.sharp && verb != 'b' { with_point(number, verb, precision) } else { number.to_owned() };
        if !flags.plus && sign == '+' {
            self.pad(number.as_bytes());
            return true;
        }
        // Zeros go between the sign and the digits.
        match flags.width {
            Some(width) if flags.zero && !flags.minus && width > number.len() + 1 => {
                self.out.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
                self.padding(width - number.len() - 1);
                self.out.extend_from_slice(number.as_bytes());
            }
            _ => self.pad(format!("{sign}{number}").as_bytes()),
        }
        true
    }

    pub(super) fn complex(&mut self, re: f64, im: f64, verb: char) -> bool {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return false;
        }
        self.out.push(b'(');
        self.float(re, verb);
        let plus = std::mem::replace(&mut self.flags.plus, true);
        self.float(im, verb);
        self.flags.plus = plus;
        self.out.extend_from_slice(b"i)");
        true
    }

    pub(super) fn string(&mut self, text: &[u8], verb: char) -> bool {
        match verb {
            'v' if self.flags.go_syntax => self.quoted(text),
            'v' | 's' => self.text(text),
            'x' => self.hex(text, b"0123456789abcdef", "0x"),
            'X' => self.hex(text, b"0123456789ABCDEF", "0X"),
            'q' => self.quoted(text),
            _ => return false,
        }
        true
    }

    /// Writes text cut to the precision and padded to the width.
    pub(super) fn text(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        self.pad(text);
    }

    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision.filter(|&precision| precision < text.len()) else {
            return text;
        };
        let mut end = 0;
        for _ in 0..precision {
            let Some((_, size)) = text.get(end..).and_then(decode_char) else { break };
            end += size;
        }
        text.get(..end).unwrap_or(text)
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        if self.flags.sharp && strconv::can_backquote(text) {
            let text = [b"`", text, b"`"].concat();
            self.pad(&text);
        } else if self.flags.plus {
            self.pad(strconv::quote_to_ascii(text).as_bytes());
        } else {
            self.pad(strconv::quote(text).as_bytes());
        }
    }

    fn hex(&mut self, text: &[u8], digits: &[u8; 16], prefix: &str) {
        let flags = self.flags;
        let text = flags.precision.and_then(|precision| text.get(..precision)).unwrap_or(text);
        let mut out = Vec::with_capacity(text.len() * 2);
        for (i, byte) in text.iter().enumerate() {
            if flags.space && i > 0 {
                out.push(b' ');
            }
            if flags.sharp && (flags.space || i == 0) {
                out.extend_from_slice(prefix.as_bytes());
            }
            out.push(digits[usize::from(byte >> 4)]);
            out.push(digits[usize::from(byte & 15)]);
        }
        self.pad(&out);
    }

    /// `%#v` of bytes that are an operand, where Go has this name for their type.
    pub(super) fn byte_list(&mut self, bytes: &Bytes) {
        self.out.extend_from_slice(b"[]byte");
        if bytes.is_nil() {
            self.out.extend_from_slice(b"(nil)");
            return;
        }
        self.out.push(b'{');
        for (i, byte) in bytes.as_slice().iter().enumerate() {
            if i > 0 {
                self.out.extend_from_slice(b", ");
            }
            self.prefixed_hex(u64::from(*byte), true);
        }
        self.out.push(b'}');
    }
}

fn character(bits: u64) -> char {
    u32::try_from(bits).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// What `#` does to a number: it keeps its point, and `%g` its trailing zeros.
fn with_point(number: &str, verb: char, precision: Option<usize>) -> String {
    let hexadecimal = matches!(verb, 'x' | 'X');
    let mut digits = match verb {
        'v' | 'g' | 'G' | 'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let tail =
        number.find(|c| matches!(c, 'p' | 'P') || !hexadecimal && matches!(c, 'e' | 'E')).unwrap_or(number.len());
    let (head, tail) = number.split_at(tail);
    let mut significant = false;
    for c in head.chars().filter(|&c| c != '.') {
        significant |= c != '0';
        if significant {
            digits = digits.saturating_sub(1);
        }
    }
    let mut text = head.to_owned();
    if !head.contains('.') {
        if head == "0" {
            digits = digits.saturating_sub(1);
        }
        text.push('.');
    }
    text.extend(std::iter::repeat_n('0', digits));
    text.push_str(tail);
    text
}
