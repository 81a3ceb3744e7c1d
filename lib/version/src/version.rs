//! One semantic version: reading, printing, order and the next ones.

use std::cmp::Ordering;
use std::fmt;

use crate::MAX_VERSION_LEN;

/// A semantic version, and the text that it was read from.
///
/// Equality and order are precedence: build metadata and the original text do not count, a prerelease comes before
/// its release, and prerelease identifiers compare as numbers where both are numbers.
///
/// # Source
/// Masterminds/semver v3.5; `tests/it` compares with answers recorded from it.
#[derive(Debug, Clone)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    prerelease: String,
    metadata: String,
    original: String,
}

/// Why a text is not a version. The wording is what users of Helm know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// It does not look like a version at all.
    #[error("invalid semantic version")]
    Invalid,
    /// There is no text.
    #[error("version string empty")]
    Empty,
    /// There is more text than [`MAX_VERSION_LEN`].
    #[error("version string is too long (max {MAX_VERSION_LEN} bytes)")]
    TooLong,
    /// A character that is no digit stands in major, minor or patch (strict reading).
    #[error("invalid characters in version")]
    InvalidCharacters,
    /// A number has a leading zero.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// The prerelease has an empty identifier or a foreign character.
    #[error("invalid prerelease string")]
    Prerelease,
    /// The build metadata has an empty identifier or a foreign character.
    #[error("invalid metadata string")]
    Metadata,
    /// A number does not fit 64 bits (loose reading).
    #[error("error parsing version segment: strconv.ParseUint: parsing {0:?}: value out of range")]
    SegmentTooLarge(String),
    /// A number does not fit 64 bits (strict reading).
    #[error("strconv.ParseUint: parsing {0:?}: value out of range")]
    NumberTooLarge(String),
    /// A number is missing (strict reading: `1..2`).
    #[error("strconv.ParseUint: parsing \"\": invalid syntax")]
    MissingNumber,
}

impl Version {
    /// Makes the release `major.minor.patch`.
    pub fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self { major, minor, patch, prerelease: String::new(), metadata: String::new(), original: String::new() }
            .with_canonical_original("")
    }

    /// Reads a version as people write it: a leading `v`, leading zeros and missing minor or patch are fine.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > MAX_VERSION_LEN {
            return Err(ParseError::TooLong);
        }
        let parts = Parts::scan(text, |b| b.is_ascii_digit()).ok_or(ParseError::Invalid)?;
        if !parts.rest.is_empty() {
            return Err(ParseError::Invalid);
        }
        let version = Self {
            major: segment(parts.major)?,
            minor: segment(parts.minor.unwrap_or("0"))?,
            patch: segment(parts.patch.unwrap_or("0"))?,
            prerelease: parts.prerelease.unwrap_or_default().to_owned(),
            metadata: parts.metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        };
        if !version.prerelease.is_empty() {
            check_prerelease(&version.prerelease)?;
        }
        Ok(version)
    }

    /// Reads a version as semver.org has it: three numbers, no leading `v`, no leading zeros.
    pub fn parse_strict(text: &str) -> Result<Self, ParseError> {
        if text.is_empty() {
            return Err(ParseError::Empty);
        }
        if text.len() > MAX_VERSION_LEN {
            return Err(ParseError::TooLong);
        }
        let mut pieces = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (pieces.next(), pieces.next(), pieces.next()) else {
            return Err(ParseError::Invalid);
        };
        let (rest, metadata) = match rest.split_once('+') {
            Some((rest, metadata)) => (rest, Some(metadata)),
            None => (rest, None),
        };
        if let Some(metadata) = metadata {
            check_metadata(metadata)?;
        }
        let (patch, prerelease) = match rest.split_once('-') {
            Some((patch, prerelease)) => (patch, Some(prerelease)),
            None => (rest, None),
        };
        if let Some(prerelease) = prerelease {
            check_prerelease(prerelease)?;
        }
        for segment in [major, minor, patch] {
            if !segment.bytes().all(|b| b.is_ascii_digit()) {
                return Err(ParseError::InvalidCharacters);
            }
            if segment.len() > 1 && segment.starts_with('0') {
                return Err(ParseError::LeadingZero);
            }
        }
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
            patch: number(patch)?,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        })
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.major
    }

    /// The second number.
    pub fn minor(&self) -> u64 {
        self.minor
    }

    /// The third number.
    pub fn patch(&self) -> u64 {
        self.patch
    }

    /// What follows `-`, or nothing.
    pub fn prerelease(&self) -> &str {
        &self.prerelease
    }

    /// What follows `+`, or nothing.
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// The text as it was read.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The next patch; of a prerelease, its release. `None` when the number would overflow.
    pub fn next_patch(&self) -> Option<Self> {
        let patch = if self.prerelease.is_empty() { self.patch.checked_add(1)? } else { self.patch };
        Some(Self::new(self.major, self.minor, patch).with_canonical_original(self.prefix()))
    }

    /// The next minor version. `None` when the number would overflow.
    pub fn next_minor(&self) -> Option<Self> {
        Some(Self::new(self.major, self.minor.checked_add(1)?, 0).with_canonical_original(self.prefix()))
    }

    /// The next major version. `None` when the number would overflow.
    pub fn next_major(&self) -> Option<Self> {
        Some(Self::new(self.major.checked_add(1)?, 0, 0).with_canonical_original(self.prefix()))
    }

    /// The same version with another prerelease, or with none.
    pub fn with_prerelease(&self, prerelease: &str) -> Result<Self, ParseError> {
        if !prerelease.is_empty() {
            check_prerelease(prerelease)?;
        }
        let next = Self { prerelease: prerelease.to_owned(), ..self.clone() };
        Ok(next.with_canonical_original(self.prefix()))
    }

    /// The same version with other build metadata, or with none.
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, ParseError> {
        if !metadata.is_empty() {
            check_metadata(metadata)?;
        }
        let next = Self { metadata: metadata.to_owned(), ..self.clone() };
        Ok(next.with_canonical_original(self.prefix()))
    }

    fn prefix(&self) -> &'static str {
        if self.original.starts_with('v') { "v" } else { "" }
    }

    fn with_canonical_original(mut self, prefix: &str) -> Self {
        self.original = format!("{prefix}{self}");
        self
    }
}

impl fmt::Display for Version {
    /// Writes the canonical form: always three numbers, never a leading `v`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch)).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prereleases(&self.prerelease, &other.prerelease),
            }
        })
    }
}

/// Compares two prereleases identifier by identifier; the shorter of two with a common start comes first.
pub(crate) fn compare_prereleases(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (l, r) => compare_identifiers(l.unwrap_or_default(), r.unwrap_or_default()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Numbers come before words, and nothing comes before both. A number that does not fit 64 bits counts as a word.
fn compare_identifiers(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (false, false) => {}
        (left_empty, right_empty) => return right_empty.cmp(&left_empty),
    }
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Ok(l), Ok(r)) => l.cmp(&r),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

/// The pieces of a loosely written version at the start of a text.
pub(crate) struct Parts<'a> {
    pub(crate) major: &'a str,
    pub(crate) minor: Option<&'a str>,
    pub(crate) patch: Option<&'a str>,
    pub(crate) prerelease: Option<&'a str>,
    pub(crate) metadata: Option<&'a str>,
    /// What follows the longest version that the text starts with.
    pub(crate) rest: &'a str,
}

impl<'a> Parts<'a> {
    /// Takes the longest version that `text` starts with; `digit` says what major, minor and patch consist of.
    pub(crate) fn scan(text: &'a str, digit: fn(u8) -> bool) -> Option<Self> {
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (major, rest) = take(rest, digit)?;
        let (minor, rest) = take_after(rest, '.', |rest| take(rest, digit));
        let (patch, rest) = match minor {
            Some(_) => take_after(rest, '.', |rest| take(rest, digit)),
            None => (None, rest),
        };
        let (prerelease, rest) = take_after(rest, '-', take_identifiers);
        let (metadata, rest) = take_after(rest, '+', take_identifiers);
        Some(Self { major, minor, patch, prerelease, metadata, rest })
    }
}

/// Splits off the longest non-empty run of bytes that `matches` accepts.
fn take(text: &str, matches: fn(u8) -> bool) -> Option<(&str, &str)> {
    let end = text.bytes().position(|b| !matches(b)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Splits off `mark` and what `inner` takes after it; takes nothing when either is missing.
fn take_after<'a>(
    text: &'a str,
    mark: char,
    inner: impl Fn(&'a str) -> Option<(&'a str, &'a str)>,
) -> (Option<&'a str>, &'a str) {
    match text.strip_prefix(mark).and_then(inner) {
        Some((taken, rest)) => (Some(taken), rest),
        None => (None, text),
    }
}

/// Splits off identifiers joined by dots.
fn take_identifiers(text: &str) -> Option<(&str, &str)> {
    let (_, mut rest) = take(text, is_identifier)?;
    while let (Some(_), after) = take_after(rest, '.', |rest| take(rest, is_identifier)) {
        rest = after;
    }
    Some(text.split_at(text.len() - rest.len()))
}

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn number(digits: &str) -> Result<u64, ParseError> {
    if digits.is_empty() {
        return Err(ParseError::MissingNumber);
    }
    digits.parse().map_err(|_| ParseError::NumberTooLarge(digits.to_owned()))
}

fn segment(digits: &str) -> Result<u64, ParseError> {
    digits.parse().map_err(|_| ParseError::SegmentTooLarge(digits.to_owned()))
}

fn check_prerelease(prerelease: &str) -> Result<(), ParseError> {
    for identifier in prerelease.split('.') {
        if identifier.is_empty() || !identifier.bytes().all(is_identifier) {
            return Err(ParseError::Prerelease);
        }
        if identifier.len() > 1 && identifier.starts_with('0') && identifier.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ParseError::LeadingZero);
        }
    }
    Ok(())
}

fn check_metadata(metadata: &str) -> Result<(), ParseError> {
    if metadata.split('.').any(|identifier| identifier.is_empty() || !identifier.bytes().all(is_identifier)) {
        return Err(ParseError::Metadata);
    }
    Ok(())
}
