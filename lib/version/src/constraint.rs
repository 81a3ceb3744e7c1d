//! Constraints: alternatives (`||`) of comparisons that must all hold.

mod comparison;
mod grammar;

use std::fmt;

use crate::{MAX_ALTERNATIVES, MAX_CONSTRAINT_LEN, Version};
use comparison::Comparison;
pub use comparison::Unmet;

/// A rule that versions fit or do not fit, such as `>=1.2.0 <2 || ~3.1 || 4.x`.
///
/// # Source
/// Masterminds/semver v3.5; `tests/it` compares with answers recorded from it.
#[derive(Debug, Clone)]
pub struct Constraint {
    alternatives: Vec<Alternative>,
    include_prereleases: bool,
}

/// Comparisons of which all must hold.
#[derive(Debug, Clone)]
struct Alternative {
    comparisons: Vec<Comparison>,
    /// One of them names a prerelease, so prereleases may fit.
    names_prerelease: bool,
}

/// Why a text is not a constraint. The wording is what users of Helm know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstraintError {
    /// There is more text than [`MAX_CONSTRAINT_LEN`].
    #[error("constraint string is too long (max {MAX_CONSTRAINT_LEN} bytes)")]
    TooLong,
    /// There are more alternatives than [`MAX_ALTERNATIVES`].
    #[error("too many constraint groups (max {MAX_ALTERNATIVES})")]
    TooManyAlternatives,
    /// An alternative does not follow the grammar.
    #[error("improper constraint: {0:?}")]
    Improper(String),
    /// The grammar is followed, but a version in it is none (a number too large, a prerelease with a leading zero).
    #[error("constraint parser error")]
    Version,
}

impl Constraint {
    /// Reads a constraint.
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        if text.len() > MAX_CONSTRAINT_LEN {
            return Err(ConstraintError::TooLong);
        }
        let text = grammar::expand_hyphen_ranges(text);
        let groups: Vec<&str> = text.split("||").collect();
        if groups.len() > MAX_ALTERNATIVES {
            return Err(ConstraintError::TooManyAlternatives);
        }
        let alternatives = groups.into_iter().map(Alternative::parse).collect::<Result<_, _>>()?;
        Ok(Self { alternatives, include_prereleases: false })
    }

    /// The same constraint, in which prereleases fit even where it names none.
    #[must_use]
    pub fn including_prereleases(mut self) -> Self {
        self.include_prereleases = true;
        self
    }

    /// Whether `version` fits.
    pub fn check(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|alternative| {
            let prereleases = self.include_prereleases || alternative.names_prerelease;
            alternative.comparisons.iter().all(|comparison| comparison.check(version, prereleases).is_ok())
        })
    }

    /// Whether `version` fits, and if not, why each comparison that failed did.
    ///
    /// # Errors
    /// All the reasons, in the order of the comparisons; that `version` is an unwanted prerelease is said once.
    pub fn validate(&self, version: &Version) -> Result<(), Vec<Unmet>> {
        let mut reasons = Vec::new();
        let mut said_prerelease = false;
        for alternative in &self.alternatives {
            let prereleases = self.include_prereleases || alternative.names_prerelease;
            let mut fits = true;
            for comparison in &alternative.comparisons {
                let Err(reason) = comparison.check(version, prereleases) else { continue };
                fits = false;
                if reason.is_prerelease() && std::mem::replace(&mut said_prerelease, true) {
                    continue;
                }
                reasons.push(reason);
            }
            if fits {
                return Ok(());
            }
        }
        Err(reasons)
    }
}

impl fmt::Display for Constraint {
    /// Writes the alternatives joined by ` || ` and their comparisons joined by spaces, hyphen ranges expanded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, alternative) in self.alternatives.iter().enumerate() {
            if i > 0 {
                f.write_str(" || ")?;
            }
            for (j, comparison) in alternative.comparisons.iter().enumerate() {
                if j > 0 {
                    f.write_str(" ")?;
                }
                write!(f, "{comparison}")?;
            }
        }
        Ok(())
    }
}

impl Alternative {
    fn parse(text: &str) -> Result<Self, ConstraintError> {
        let terms = grammar::terms(text).ok_or_else(|| ConstraintError::Improper(text.to_owned()))?;
        let comparisons = terms
            .iter()
            .map(|term| Comparison::new(term).ok_or(ConstraintError::Version))
            .collect::<Result<Vec<_>, _>>()?;
        let names_prerelease = comparisons.iter().any(Comparison::names_prerelease);
        Ok(Self { comparisons, names_prerelease })
    }
}
