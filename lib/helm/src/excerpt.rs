//! A part of a text, shared by all who hold parts of it.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A part of a text. Cheap to clone; the text lives as long as one of its parts.
///
/// Dereferences to `str`.
#[derive(Clone)]
pub struct Excerpt {
    text: Arc<String>,
    range: Range<usize>,
}

impl Excerpt {
    /// What stands there in the text.
    pub(crate) fn new(text: &Arc<String>, range: Range<usize>) -> Self {
        Self { text: text.clone(), range }
    }
}

impl Deref for Excerpt {
    type Target = str;

    fn deref(&self) -> &str {
        self.text.get(self.range.clone()).unwrap_or_default()
    }
}

impl PartialEq for Excerpt {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Excerpt {}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
