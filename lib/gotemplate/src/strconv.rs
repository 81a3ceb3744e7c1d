//! Go's `strconv`: numbers and quoted strings, in Go's syntax.

mod float;
mod number;
mod printable;
mod quote;

pub use float::{FloatFormat, format_float};
pub use number::{NumberError, parse_float, parse_int, parse_uint};
pub use printable::is_print;
pub use quote::{can_backquote, quote, quote_char, quote_char_to_ascii, quote_to_ascii, unquote, unquote_char};

/// Takes the first character off bytes that should be UTF-8: the character and its length.
///
/// A byte that is not UTF-8 counts as one U+FFFD of length one, as in Go.
#[inline]
pub fn decode_char(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    Some(if first < 0x80 { (char::from(first), 1) } else { decode_long_char(bytes) })
}

fn decode_long_char(bytes: &[u8]) -> (char, usize) {
    let window = bytes.get(..4).unwrap_or(bytes);
    let valid = match std::str::from_utf8(window) {
        Ok(text) => text,
        Err(error) => {
            window.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or_default()
        }
    };
    valid.chars().next().map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8()))
}

/// Counts characters; each byte that is not UTF-8 counts as one.
pub fn count_chars(bytes: &[u8]) -> usize {
    bytes.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}
