//! The text of constraints: hyphen ranges, operators, versions with wildcards.

use super::comparison::Operator;
use crate::version::Parts;

/// An operator and the version after it, as written.
pub(super) struct Term<'a> {
    pub(super) operator: Operator,
    /// The operator as written: `=>` stays `=>`.
    pub(super) operator_text: &'a str,
    pub(super) parts: Parts<'a>,
    /// The version as written, wildcards and all.
    pub(super) version: &'a str,
}

/// Splits comparisons that are joined by spaces or commas; `None` when the text is anything else.
pub(super) fn terms(text: &str) -> Option<Vec<Term<'_>>> {
    let mut terms = Vec::new();
    let mut rest = trim(text);
    loop {
        let (term, after) = Term::take(rest)?;
        terms.push(term);
        rest = trim(after);
        if rest.is_empty() {
            return Some(terms);
        }
        match rest.strip_prefix(',') {
            Some(after_comma) => rest = trim(after_comma),
            None if rest.len() == after.len() => return None,
            None => {}
        }
    }
}

impl<'a> Term<'a> {
    fn take(text: &'a str) -> Option<(Self, &'a str)> {
        let (operator_text, rest) =
            text.split_at(text.bytes().position(|b| !b"=!<>~^".contains(&b)).unwrap_or(text.len()));
        let operator = match operator_text {
            "" | "=" => Operator::Equal,
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" | "=>" => Operator::AtLeast,
            "<=" | "=<" => Operator::AtMost,
            "~" | "~>" => Operator::Tilde,
            "^" => Operator::Caret,
            _ => return None,
        };
        let (version, parts) = take_version(trim(rest))?;
        let rest = parts.rest;
        Some((Self { operator, operator_text, parts, version }, rest))
    }
}

/// Rewrites each `1.2 - 1.4.5` to `>= 1.2, <= 1.4.5 `.
///
/// A range is looked for at every position, also inside other text; what does not become a sensible comparison by
/// that is refused by [`terms`].
pub(super) fn expand_hyphen_ranges(text: &str) -> String {
    let mut expanded = text.to_owned();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some((low, high, after)) = take_range(rest) {
            let range = &rest[..rest.len() - after.len()];
            expanded = expanded.replacen(range, &format!(">= {low}, <= {high} "), 1);
            rest = after;
        } else {
            let mut following = rest.chars();
            following.next();
            rest = following.as_str();
        }
    }
    expanded
}

/// Takes `low - high` with the spaces around it.
fn take_range(text: &str) -> Option<(&str, &str, &str)> {
    let (low, parts) = take_version(trim(text))?;
    let rest = trim_some(parts.rest)?;
    let rest = trim_some(rest.strip_prefix('-')?)?;
    let (high, parts) = take_version(rest)?;
    Some((low, high, trim(parts.rest)))
}

fn take_version(text: &str) -> Option<(&str, Parts<'_>)> {
    let parts = Parts::scan(text, is_digit_or_wildcard)?;
    Some((&text[..text.len() - parts.rest.len()], parts))
}

/// `|` is here because upstream's grammar has it; such a "number" is refused when it is read.
fn is_digit_or_wildcard(byte: u8) -> bool {
    byte.is_ascii_digit() || b"xX*|".contains(&byte)
}

fn trim(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r', '\x0c'])
}

fn trim_some(text: &str) -> Option<&str> {
    let trimmed = trim(text);
    (trimmed.len() < text.len()).then_some(trimmed)
}
