//! What can be wrong with a tree of build files, said so that nobody has to search.

use std::fmt;
use std::sync::Arc;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Path in the tree, or the address of something remote.
    pub file: Arc<str>,
    /// Counted from one; zero where no line is known.
    pub line: u32,
}

/// The object that a problem is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// `Kind.version.group/name.namespace`, as kustomize writes identities.
    pub id: String,
    /// Where the object was read.
    pub place: Option<Place>,
}

/// Everything that is wrong with a build.
///
/// *Guarantees*: at least one problem; all problems of the syntax of one build file come together.
#[derive(Debug)]
pub struct Error {
    problems: Vec<Problem>,
}

/// One thing that is wrong, and where.
#[derive(Debug)]
#[non_exhaustive]
pub struct Problem {
    /// The line of the build file that asked for what failed, or of the file that could not be read.
    pub place: Option<Place>,
    /// The field of the build file, such as `patches[2].path`.
    pub field: Option<String>,
    /// The object at fault.
    pub object: Option<Subject>,
    /// What is wrong.
    pub reason: Reason,
    /// The likely fix.
    pub hint: Option<String>,
}

/// What is wrong, without where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The text is not YAML.
    #[error("malformed YAML: {message}")]
    Yaml {
        /// What the reader said.
        message: String,
    },
    /// A field that build files do not have.
    #[error("unknown field {name:?}")]
    UnknownField {
        /// The field as written.
        name: String,
    },
    /// A value of the wrong type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What belongs there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A value that breaks a rule of its field.
    #[error("{message}")]
    Invalid {
        /// The rule.
        message: String,
    },
    /// A file or directory that is not there.
    #[error("{path:?} does not exist")]
    NotFound {
        /// The path as resolved.
        path: String,
    },
    /// A file that must not be read from here.
    #[error("security; file '{path}' is not in or below '{root}'")]
    Outside {
        /// The file as resolved, from the root of the tree.
        path: String,
        /// The directory of the build file.
        root: String,
    },
    /// A path that does not stay in the tree, or is no path.
    #[error("{source}")]
    Path {
        /// The rule that it breaks.
        source: tree::PathError,
    },
    /// The tree could not be read.
    #[error("{source}")]
    Read {
        /// What the tree said.
        source: tree::ReadError,
    },
    /// A directory that builds itself.
    #[error("cycle detected: {}", walked.join(" → "))]
    Cycle {
        /// The directories from the first to the one that closes the circle.
        walked: Vec<String>,
    },
    /// Something that only a network could give.
    #[error("{url:?} is remote: {message}")]
    Remote {
        /// The address as written.
        url: String,
        /// Why it cannot be had.
        message: String,
    },
    /// A feature that is refused on purpose.
    #[error("{what} {why}")]
    Refused {
        /// The feature.
        what: String,
        /// The ground.
        why: &'static str,
    },
    /// Two objects with one identity.
    #[error("may not add resource with an already registered id: {id}")]
    Duplicate {
        /// The identity.
        id: String,
    },
    /// A patch, a replacement or another instruction that found no object.
    #[error("{what}")]
    NoMatch {
        /// What looked for which object.
        what: String,
    },
    /// Several objects where one was expected.
    #[error("{what}: {}", candidates.join(", "))]
    Ambiguous {
        /// What looked for which object.
        what: String,
        /// The objects that it found.
        candidates: Vec<String>,
    },
    /// An instruction that does not fit the object.
    #[error("{message}")]
    Apply {
        /// What did not fit.
        message: String,
    },
    /// A limit that keeps foreign input from eating the machine.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
}

/// The way a problem travels up: filled in by everyone who knows more.
pub(crate) type Fault = Box<Problem>;

impl Reason {
    pub(crate) fn invalid(message: impl Into<String>) -> Fault {
        Self::Invalid { message: message.into() }.into()
    }

    pub(crate) fn apply(message: impl Into<String>) -> Fault {
        Self::Apply { message: message.into() }.into()
    }
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Box::new(Problem { place: None, field: None, object: None, reason, hint: None })
    }
}

impl Problem {
    /// Where it stands, unless something nearer to the cause said so already.
    pub(crate) fn at(mut self: Box<Self>, place: &Place) -> Box<Self> {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    pub(crate) fn field(mut self: Box<Self>, field: impl FnOnce() -> String) -> Box<Self> {
        self.field.get_or_insert_with(field);
        self
    }

    pub(crate) fn on(mut self: Box<Self>, subject: impl FnOnce() -> Subject) -> Box<Self> {
        self.object.get_or_insert_with(subject);
        self
    }

    pub(crate) fn hint(mut self: Box<Self>, hint: Option<String>) -> Box<Self> {
        if self.hint.is_none() {
            self.hint = hint;
        }
        self
    }
}

impl Error {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// What is wrong, in the order of the build.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self { problems: vec![*fault] }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 { write!(f, ":{}", self.line) } else { Ok(()) }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        if let Some(place) = &self.place { write!(f, " ({place})") } else { Ok(()) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        write!(f, "{}", self.reason)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// The candidate that `wanted` most likely means: at most a third of it mistyped.
pub(crate) fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 128;
    if wanted.len() > LONGEST {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (distance(&wanted.to_ascii_lowercase(), &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= wanted.len().max(candidate.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The edit distance between two short texts, swapped neighbours counting once.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
