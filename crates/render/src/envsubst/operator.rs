//! What the operators do to a value.

use super::glob;

/// Values longer than this are not matched against patterns: that takes time in the square of their length.
const LONGEST_MATCHED: usize = 64 << 10;

/// The operator of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `${v}`
    Value,
    /// `${#v}`
    Length,
    /// `${v^}`
    UpperFirst,
    /// `${v^^}`
    Upper,
    /// `${v,}`
    LowerFirst,
    /// `${v,,}`
    Lower,
    /// `${v:…}`
    Part,
    /// `${v/…}`
    ReplaceFirst,
    /// `${v//…}`
    ReplaceAll,
    /// `${v/#…}`
    ReplacePrefix,
    /// `${v/%…}`
    ReplaceSuffix,
    /// `${v#…}`
    ShortestPrefix,
    /// `${v##…}`
    LongestPrefix,
    /// `${v%…}`
    ShortestSuffix,
    /// `${v%%…}`
    LongestSuffix,
    /// `${v=…}` and its kin
    Default,
}

impl Operator {
    /// Whether a variable that is not set is no mistake.
    pub(super) fn gives_a_default(self) -> bool {
        self == Self::Default
    }

    /// Applies the operator to a value.
    pub(super) fn apply(self, value: Vec<u8>, arguments: &[Vec<u8>]) -> Vec<u8> {
        let argument = |index: usize| arguments.get(index).map_or(&[][..], Vec::as_slice);
        match self {
            Self::Length => value.len().to_string().into_bytes(),
            Self::Upper => text(&value).to_uppercase().into_bytes(),
            Self::Lower => text(&value).to_lowercase().into_bytes(),
            Self::UpperFirst => first(&value, |first| first.to_uppercase().collect()),
            Self::LowerFirst => first(&value, |first| first.to_lowercase().collect()),
            Self::Part => part(&value, argument(0), arguments.get(1).map(Vec::as_slice)),
            Self::ReplaceFirst => replace(&value, argument(0), argument(1), 1),
            Self::ReplaceAll => replace(&value, argument(0), argument(1), usize::MAX),
            Self::ReplacePrefix if arguments.len() == 2 && value.starts_with(argument(0)) => {
                replace(&value, argument(0), argument(1), 1)
            }
            Self::ReplaceSuffix if arguments.len() == 2 && value.ends_with(argument(0)) => {
                [&value[..value.len() - argument(0).len()], argument(1)].concat()
            }
            Self::ShortestPrefix => without_prefix(value, argument(0), Length::Shortest),
            Self::LongestPrefix => without_prefix(value, argument(0), Length::Longest),
            Self::ShortestSuffix => without_suffix(&value, argument(0), Length::Shortest),
            Self::LongestSuffix => without_suffix(&value, argument(0), Length::Longest),
            Self::Default if value.is_empty() => arguments.concat(),
            Self::Value | Self::ReplacePrefix | Self::ReplaceSuffix | Self::Default => value,
        }
    }
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn first(value: &[u8], change: impl Fn(char) -> String) -> Vec<u8> {
    let value = text(value);
    let mut characters = value.chars();
    match characters.next() {
        Some(first) => format!("{}{}", change(first), characters.as_str()).into_bytes(),
        None => Vec::new(),
    }
}

/// A part of the value. Numbers that do not parse give the whole value, as in bash; a part beyond the end is empty.
fn part(value: &[u8], from: &[u8], length: Option<&[u8]>) -> Vec<u8> {
    let number = |digits: &[u8]| text(digits).parse::<i64>().ok();
    let size = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let Some(from) = number(from) else { return value.to_vec() };
    let from = if from < 0 { size.saturating_add(from).max(0) } else { from };
    let to = match length {
        None => size,
        Some(length) => match number(length) {
            // A negative length is a panic in Go, which the controller reports; nothing is the closest value to it.
            Some(length) => from.saturating_add(length.max(0)).min(size),
            None => return value.to_vec(),
        },
    };
    let index = |at: i64| usize::try_from(at).unwrap_or(usize::MAX);
    value.get(index(from)..index(to)).unwrap_or_default().to_vec()
}

fn replace(value: &[u8], old: &[u8], new: &[u8], at_most: usize) -> Vec<u8> {
    if old.is_empty() {
        return value.to_vec();
    }
    let (mut output, mut rest, mut replaced) = (Vec::with_capacity(value.len()), value, 0);
    while replaced < at_most
        && let Some(at) = rest.windows(old.len()).position(|window| window == old)
    {
        output.extend_from_slice(&rest[..at]);
        output.extend_from_slice(new);
        rest = &rest[at + old.len()..];
        replaced += 1;
    }
    output.extend_from_slice(rest);
    output
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Shortest,
    Longest,
}

/// Removes a prefix that the pattern matches. The empty prefix never counts, and a malformed pattern matches nothing.
fn without_prefix(value: Vec<u8>, pattern: &[u8], length: Length) -> Vec<u8> {
    if value.len() > LONGEST_MATCHED {
        return value;
    }
    let matches = |end: &usize| glob::matches(pattern, &value[..*end]) == Some(true);
    let end = match length {
        Length::Shortest => (1..=value.len()).find(matches),
        Length::Longest => (1..=value.len()).rev().find(matches),
    };
    end.map_or_else(|| value.clone(), |end| value[end..].to_vec())
}

/// Removes a suffix. Value and pattern are both reversed for it, as upstream does, so classes such as `[0-9]` do not
/// mean what they say in a pattern of a suffix.
fn without_suffix(value: &[u8], pattern: &[u8], length: Length) -> Vec<u8> {
    let reversed = |bytes: &[u8]| text(bytes).chars().rev().collect::<String>().into_bytes();
    let rest = without_prefix(reversed(value), &reversed(pattern), length);
    reversed(&rest)
}
