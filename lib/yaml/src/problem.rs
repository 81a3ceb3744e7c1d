//! Says what the parser found in words that lead to the fix.

use granit_parser::{ErrorKind as Found, ScanError};

use crate::compose::position;
use crate::error::{Error, ErrorKind, Position};
use crate::limits::Limits;

/// Turns the parser's error into ours.
pub(crate) fn explain(error: &ScanError, text: &str, limits: &Limits) -> Error {
    let mut at = position(error.marker());
    if matches!(error.kind(), Found::TabInPlainScalar) {
        at = next_tab(text, error.marker().byte_offset()).unwrap_or(at);
    }
    let kind = match error.kind() {
        Found::RecursionLimitExceeded => ErrorKind::TooDeep { limit: limits.depth },
        Found::UnknownAnchor => ErrorKind::UnknownAnchor { name: anchor_name(text, error.marker().byte_offset()) },
        found => ErrorKind::Syntax {
            problem: match advice(found) {
                Some(problem) => problem.to_owned(),
                None => error.info(),
            },
        },
    };
    Error::new(at, kind)
}

/// The tab that indents the line after a plain scalar; the parser points at the scalar.
fn next_tab(text: &str, scalar: Option<usize>) -> Option<Position> {
    let scalar = scalar?;
    let rest = text.get(scalar..)?;
    let end = rest.find('\n')?;
    let tab = scalar + end + rest[end..].find(|c: char| !matches!(c, ' ' | '\r' | '\n'))?;
    if !text[tab..].starts_with('\t') {
        return None;
    }
    let before = &text[..tab];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next()?.chars().count() + 1;
    Some(Position { line: u32::try_from(line).ok()?, column: u32::try_from(column).ok()? })
}

fn anchor_name(text: &str, at: Option<usize>) -> String {
    let rest = at.and_then(|at| text.get(at..)).unwrap_or_default();
    rest.trim_start_matches('*')
        .chars()
        .take_while(|c| !c.is_whitespace() && !matches!(c, ',' | '[' | ']' | '{' | '}'))
        .collect()
}

/// Our own words for what people run into; the parser's for the rest.
fn advice(found: &Found) -> Option<&'static str> {
    Some(match found {
        Found::TabInPlainScalar
        | Found::TabInIndentation
        | Found::TabInBlockIndentation
        | Found::TabNotAllowed
        | Found::TabAtBlockScalarStart => "expected spaces for indentation, found a tab",
        Found::MappingValueNotAllowed => {
            "expected a value, found a second \": \" (quote a value that contains \": \", or check the indentation)"
        }
        Found::SimpleKeyExpected => {
            "expected \":\" after a key (is this line indented too little, or is its colon missing?)"
        }
        Found::ExpectedBlockMappingKey => "expected a key of the mapping (is this line indented as the keys above it?)",
        Found::ExpectedBlockSequenceEntry => "expected \"- \" as in the entries above (check the indentation)",
        Found::BlockSequenceEntryNotAllowed => {
            "expected a value, found a sequence entry \"- \" (it belongs on a line of its own)"
        }
        Found::ExpectedFlowMappingSeparator => "expected \",\" or \"}\"",
        Found::ExpectedFlowSequenceSeparator => "expected \",\" or \"]\"",
        Found::UnclosedFlowCollection { open: '[' } | Found::UnexpectedEofFlowSequence => {
            "expected \"]\" before the end"
        }
        Found::UnclosedFlowCollection { .. } | Found::UnexpectedEofFlowMapping => "expected \"}\" before the end",
        Found::UnclosedQuotedScalar => "expected the closing quote before the end",
        _ => return None,
    })
}
