//! What can be wrong with YAML text, and where.

use std::fmt;

/// A place in a text, counted from 1 as editors do; columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, the first is 1.
    pub line: u32,
    /// Column in characters, the first is 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A text that is not YAML, not the YAML that the schema allows, or larger than the limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {kind}")]
pub struct Error {
    /// Where it was found.
    pub at: Position,
    /// What was found and what was expected.
    pub kind: ErrorKind,
}

impl Error {
    pub(crate) fn new(at: Position, kind: ErrorKind) -> Self {
        Self { at, kind }
    }

    /// The line it was found in, counted from 1.
    pub fn line(&self) -> u32 {
        self.at.line
    }

    /// The column it was found at in characters, counted from 1.
    pub fn column(&self) -> u32 {
        self.at.column
    }

    /// Whether a limit refused the text, rather than the text being wrong.
    pub fn is_limit(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::TooLarge { .. }
                | ErrorKind::TooDeep { .. }
                | ErrorKind::TooManyNodes { .. }
                | ErrorKind::TooManyDocuments { .. }
        )
    }
}

/// What was found, and what was expected instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text breaks YAML's grammar.
    #[error("{problem}")]
    Syntax {
        /// What was found and expected, with the usual fix where there is one.
        problem: String,
    },
    /// The bytes are not UTF-8.
    #[error("expected UTF-8 text, found the byte 0x{byte:02x} (save the file as UTF-8)")]
    NotUtf8 {
        /// The first byte that does not belong.
        byte: u8,
    },
    /// The text is longer than [`Limits::bytes`](crate::Limits::bytes).
    #[error("the text has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Length of the text.
        bytes: usize,
        /// The limit in force.
        limit: usize,
    },
    /// Collections lie deeper in each other than [`Limits::depth`](crate::Limits::depth), after aliases are followed.
    #[error("nested deeper than the limit of {limit} levels")]
    TooDeep {
        /// The limit in force.
        limit: usize,
    },
    /// More values than [`Limits::nodes`](crate::Limits::nodes), after aliases are followed.
    #[error("more than {limit} values after following aliases")]
    TooManyNodes {
        /// The limit in force.
        limit: usize,
    },
    /// More documents than [`Limits::documents`](crate::Limits::documents).
    #[error("more than {limit} documents in one text")]
    TooManyDocuments {
        /// The limit in force.
        limit: usize,
    },
    /// A mapping names the same key twice.
    #[error("the key {key:?} is already set in line {first} of the same mapping")]
    DuplicateKey {
        /// The key as written.
        key: String,
        /// The line that set it first.
        first: u32,
    },
    /// A mapping's key is of a type that JSON objects cannot have as key.
    #[error("a key must be a string, found {found} (quote the key)")]
    Key {
        /// The kind of value that was found.
        found: &'static str,
    },
    /// The name of an anchor has other characters than Go's parsers take.
    #[error(
        "expected letters, digits, - and _ as the name of an anchor, found {name:?} (quote a text that starts with &)"
    )]
    AnchorName {
        /// The name after `&`.
        name: String,
    },
    /// An alias names an anchor that is not defined before it.
    #[error("unknown anchor {name:?}: no &{name} before it in this document")]
    UnknownAnchor {
        /// The name after `*`.
        name: String,
    },
    /// An alias lies inside the value that its anchor marks.
    #[error("the value of anchor {name:?} contains itself")]
    SelfReference {
        /// The name after `*`.
        name: String,
    },
    /// A tag says a type that the text does not have.
    #[error("expected a value of type {tag}, found {text:?}")]
    Tag {
        /// The tag, `!!int` for instance.
        tag: &'static str,
        /// The text it stands before.
        text: String,
    },
    /// A `!!binary` value is not base64.
    #[error("expected base64 after !!binary")]
    Binary,
    /// `<<` has a value that is neither a mapping nor a sequence of mappings.
    #[error("expected a mapping or a sequence of mappings as the value of the merge key <<")]
    Merge,
    /// `.nan` and `.inf` have no place in JSON.
    #[error("{text} cannot be kept in JSON (quote it to mean the text)")]
    NotFinite {
        /// The text as written.
        text: String,
    },
}
