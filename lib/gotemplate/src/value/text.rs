//! Go's string: immutable bytes that are usually UTF-8.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A string as Go has it: any bytes, cheap to clone, `Send`.
///
/// Charts put binary files through `b64enc`, and `slice` and `trunc` cut characters in two, so bytes must survive.
#[derive(Clone)]
pub struct Str(Repr);

/// Valid UTF-8 is never held as `Bytes`, so that `as_str` costs next to nothing.
#[derive(Clone)]
enum Repr {
    Static(&'static str),
    Short(Short),
    Utf8(Arc<str>),
    Bytes(Arc<[u8]>),
}

/// Text that takes no more room than a reference to it would: most keys and names are so short.
#[derive(Clone, Copy)]
struct Short {
    length: u8,
    bytes: [u8; Self::MOST],
}

impl Short {
    const MOST: usize = 22;

    fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::MOST];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { length: u8::try_from(text.len()).ok()?, bytes })
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl Str {
    /// `""`
    pub const EMPTY: Self = Self(Repr::Static(""));

    /// Wraps a constant without allocating.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Repr::Static(text))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Static(s) => s.as_bytes(),
            Repr::Short(s) => s.as_bytes(),
            Repr::Utf8(s) => s.as_bytes(),
            Repr::Bytes(b) => b,
        }
    }

    /// The text, unless it is not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::Static(s) => Some(s),
            Repr::Short(s) => Some(s.as_str()),
            Repr::Utf8(s) => Some(s),
            Repr::Bytes(_) => None,
        }
    }

    /// The text; what is not UTF-8 becomes U+FFFD, one for each bad byte, as when Go ranges over it.
    pub fn to_str(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Static(s) => Cow::Borrowed(s),
            Repr::Short(s) => Cow::Borrowed(s.as_str()),
            Repr::Utf8(s) => Cow::Borrowed(s),
            Repr::Bytes(b) => {
                let mut text = String::with_capacity(b.len());
                for chunk in b.utf8_chunks() {
                    text.push_str(chunk.valid());
                    text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
                }
                Cow::Owned(text)
            }
        }
    }

    /// Whether it takes memory that nobody else holds.
    pub(crate) fn is_unique(&self) -> bool {
        match &self.0 {
            Repr::Static(_) | Repr::Short(_) => false,
            Repr::Utf8(s) => Arc::strong_count(s) == 1,
            Repr::Bytes(b) => Arc::strong_count(b) == 1,
        }
    }

    /// Length in bytes, as Go's `len`.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Str {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self(Short::new(text).map_or_else(|| Repr::Utf8(text.into()), Repr::Short))
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self(Short::new(&text).map_or_else(|| Repr::Utf8(text.into()), Repr::Short))
    }
}

impl From<&String> for Str {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Cow<'_, str>> for Str {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<char> for Str {
    fn from(c: char) -> Self {
        c.encode_utf8(&mut [0; 4])[..].into()
    }
}

impl From<&[u8]> for Str {
    fn from(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => Self(Repr::Bytes(bytes.into())),
        }
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(error) => Self(Repr::Bytes(error.into_bytes().into())),
        }
    }
}

impl Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl AsRef<[u8]> for Str {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Str {}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By bytes, which is the order in which Go prints and ranges over map keys.
impl Ord for Str {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_str(), f)
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn short_and_long_texts_are_the_same_to_whoever_asks() {
        for length in [0, 1, Short::MOST - 1, Short::MOST, Short::MOST + 1, 100] {
            let text = "ä".repeat(length / 2) + &"x".repeat(length % 2);
            for held in [Str::from(&text), text.clone().into(), text.as_bytes().into()] {
                assert_eq!((held.as_str(), &*held.to_str()), (Some(&*text), &*text));
                assert_eq!((held.len(), held.as_bytes()), (text.len(), text.as_bytes()));
                assert_eq!(held, Str::from(&text));
            }
        }
        assert_eq!(Str::from(&b"\xff"[..]).as_str(), None);
    }

    #[test]
    fn values_are_no_larger_than_texts() {
        assert_eq!([size_of::<Str>(), size_of::<Value>()], [24, 24]);
    }
}
