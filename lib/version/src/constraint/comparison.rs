//! One comparison of a constraint: what each operator accepts, and the reasons it gives.

use std::fmt;

use super::grammar::Term;
use crate::Version;
use crate::version::{Parts, compare_prereleases};

/// What is compared; `Equal` is also the meaning of no operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    AtLeast,
    AtMost,
    Tilde,
    Caret,
}

/// How much of a version a constraint spells out: `*`, `1` or `1.x`, `1.2` or `1.2.*`, `1.2.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precision {
    Nothing,
    Major,
    Minor,
    Patch,
}

/// An operator, and a version that may leave parts open.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    operator: Operator,
    operator_text: String,
    /// The version with zeros in the open parts.
    version: Version,
    precision: Precision,
    /// The version as written.
    written: String,
}

/// Why a version does not fit one comparison.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{version:?} {reason}{}{}", .written.as_ref().map(|w| format!(" {w:?}")).unwrap_or_default(), .reason.hint())]
pub struct Unmet {
    version: String,
    reason: Reason,
    /// The constraint's version as written; a prerelease is refused without looking at it.
    written: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Prerelease,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    OtherMajor,
    OtherMajorOrMinor,
    OtherMinor,
    OtherMinorBelowOne,
    OtherPatchBelowOne,
}

impl Comparison {
    /// Fills the open parts of what was written; `None` when a number or the prerelease is not valid.
    pub(super) fn new(term: &Term<'_>) -> Option<Self> {
        let precision = Precision::of(&term.parts);
        let Parts { major, minor, .. } = term.parts;
        let suffix = term.parts.prerelease.map(|p| format!("-{p}")).unwrap_or_default();
        let version = match (precision, minor) {
            (Precision::Nothing, _) => Version::parse(&format!("0.0.0{suffix}")),
            (Precision::Major, _) => Version::parse(&format!("{major}.0.0{suffix}")),
            (Precision::Minor, Some(minor)) => Version::parse(&format!("{major}.{minor}.0{suffix}")),
            (Precision::Minor, None) | (Precision::Patch, _) => Version::parse(term.version),
        };
        Some(Self {
            operator: term.operator,
            operator_text: term.operator_text.to_owned(),
            version: version.ok()?,
            precision,
            written: term.version.to_owned(),
        })
    }

    pub(super) fn names_prerelease(&self) -> bool {
        !self.version.prerelease().is_empty()
    }

    /// Whether `version` fits; `prereleases` says whether a prerelease may at all.
    pub(super) fn check(&self, version: &Version, prereleases: bool) -> Result<(), Unmet> {
        if !version.prerelease().is_empty() && !prereleases {
            return Err(Unmet { version: version.to_string(), reason: Reason::Prerelease, written: None });
        }
        let broken = match self.operator {
            Operator::Equal if self.precision != Precision::Patch => self.tilde(version),
            Operator::Equal => (*version != self.version).then_some(Reason::NotEqual),
            Operator::NotEqual => self.excludes(version).then_some(Reason::Equal),
            Operator::Greater => (!self.is_exceeded_by(version)).then_some(Reason::LessOrEqual),
            Operator::Less => (*version >= self.version).then_some(Reason::GreaterOrEqual),
            Operator::AtLeast => (*version < self.version).then_some(Reason::Less),
            Operator::AtMost => self.is_passed_by(version).then_some(Reason::Greater),
            Operator::Tilde => self.tilde(version),
            Operator::Caret => self.caret(version),
        };
        match broken {
            None => Ok(()),
            Some(reason) => Err(Unmet { version: version.to_string(), reason, written: Some(self.written.clone()) }),
        }
    }

    /// `!=`: a version with open parts excludes everything that it covers; `!=*` excludes 0.0.0 only.
    fn excludes(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.precision {
            Precision::Major => version.major() == wanted.major(),
            Precision::Minor => {
                version.major() == wanted.major()
                    && version.minor() == wanted.minor()
                    && compare_prereleases(version.prerelease(), wanted.prerelease()).is_eq()
            }
            Precision::Nothing | Precision::Patch => version == wanted,
        }
    }

    /// `>`: a version with open parts is exceeded by what lies beyond all that it covers.
    fn is_exceeded_by(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.precision {
            Precision::Major => version.major() > wanted.major(),
            Precision::Minor => (version.major(), version.minor()) > (wanted.major(), wanted.minor()),
            Precision::Nothing | Precision::Patch => version > wanted,
        }
    }

    /// The opposite of `<=`: a version with open parts includes all that it covers.
    fn is_passed_by(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.precision {
            Precision::Major => version.major() > wanted.major(),
            Precision::Nothing | Precision::Minor => {
                (version.major(), version.minor()) > (wanted.major(), wanted.minor())
            }
            Precision::Patch => version > wanted,
        }
    }

    /// `~1` any 1, `~1.2` and `~1.2.3` any 1.2 from there on.
    fn tilde(&self, version: &Version) -> Option<Reason> {
        let wanted = &self.version;
        if version < wanted {
            return Some(Reason::Less);
        }
        let open = matches!(self.precision, Precision::Nothing | Precision::Patch);
        if open && (wanted.major(), wanted.minor(), wanted.patch()) == (0, 0, 0) {
            // `*`, and by upstream's reading also `~0.0.0`, accept everything.
            return None;
        }
        if version.major() != wanted.major() {
            return Some(Reason::OtherMajor);
        }
        (version.minor() != wanted.minor() && self.precision != Precision::Major).then_some(Reason::OtherMajorOrMinor)
    }

    /// `^`: from there on, as long as the leftmost number that is not zero stays.
    fn caret(&self, version: &Version) -> Option<Reason> {
        let wanted = &self.version;
        if version < wanted {
            return Some(Reason::Less);
        }
        if version.major() != wanted.major() {
            return Some(Reason::OtherMajor);
        }
        if wanted.major() > 0 || self.precision == Precision::Major {
            return None;
        }
        if wanted.minor() > 0 || self.precision == Precision::Minor {
            return (version.minor() != wanted.minor()).then_some(Reason::OtherMinorBelowOne);
        }
        if version.minor() > 0 {
            return Some(Reason::OtherMinor);
        }
        (version.patch() != wanted.patch()).then_some(Reason::OtherPatchBelowOne)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.operator_text, self.written)
    }
}

impl Precision {
    fn of(parts: &Parts<'_>) -> Self {
        let is_open = |part: Option<&str>| matches!(part, None | Some("x" | "X" | "*"));
        if is_open(Some(parts.major)) {
            Self::Nothing
        } else if is_open(parts.minor) {
            Self::Major
        } else if is_open(parts.patch) {
            Self::Minor
        } else {
            Self::Patch
        }
    }
}

impl Unmet {
    pub(super) fn is_prerelease(&self) -> bool {
        self.reason == Reason::Prerelease
    }
}

impl Reason {
    fn hint(self) -> &'static str {
        match self {
            Self::OtherMinorBelowOne => ". Expected minor versions to match when constraint major version is 0",
            Self::OtherPatchBelowOne => ". Expect version and constraint to equal when major and minor versions are 0",
            _ => "",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prerelease => "is a prerelease version and the constraint is only looking for release versions",
            Self::Equal => "is equal to",
            Self::NotEqual => "is not equal to",
            Self::Less => "is less than",
            Self::LessOrEqual => "is less than or equal to",
            Self::Greater => "is greater than",
            Self::GreaterOrEqual => "is greater than or equal to",
            Self::OtherMajor => "does not have same major version as",
            Self::OtherMajorOrMinor => "does not have same major and minor version as",
            Self::OtherMinor | Self::OtherMinorBelowOne => "does not have same minor version as",
            Self::OtherPatchBelowOne => "does not equal",
        })
    }
}
