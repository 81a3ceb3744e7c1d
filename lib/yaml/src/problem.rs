//! Says what the parser found in words that lead to the fix.

use granit_parser::{ErrorKind as Found, ScanError};

use crate::compose::position;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;

/// Turns the parser's error into ours.
pub(crate) fn explain(error: &ScanError, text: &str, limits: &Limits) -> Error {
    let at = position(error.marker());
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
        Found::TabInIndentation
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
