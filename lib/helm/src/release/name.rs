//! Names of releases.

use std::fmt;

/// A name that a release may have: a DNS subdomain that leaves room for what charts append to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseName(String);

/// How long a name may be.
pub const MAX_NAME: usize = 53;

/// Why a text is no name of a release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// It is empty.
    #[error("no release name provided")]
    Empty,
    /// It has other characters, or too many.
    #[error(
        "invalid release name {0:?}: it must be lower-case letters, digits, '-' and '.', begin and end with a letter or \
         digit, also around dots, and be no longer than {MAX_NAME}"
    )]
    Invalid(String),
}

impl ReleaseName {
    /// Checks a text.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_label = |label: &str| {
            label.starts_with(is_alphanumeric)
                && label.ends_with(is_alphanumeric)
                && label.chars().all(|c| is_alphanumeric(c) || c == '-')
        };
        if text.len() > MAX_NAME || !text.split('.').all(is_label) {
            return Err(NameError::Invalid(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReleaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_subdomains_of_53_characters() {
        for good in ["a", "0", "a-b.c", &"x".repeat(53)] {
            assert_eq!(ReleaseName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["A", "a_b", "-a", "a-", "a..b", ".a", "a.-b", "ä", &"x".repeat(54)] {
            assert_eq!(ReleaseName::parse(bad), Err(NameError::Invalid(bad.to_owned())));
        }
        assert_eq!(ReleaseName::parse(""), Err(NameError::Empty));
    }
}
