//! Go's regular expressions, which Kubernetes, kustomize and Helm hand on to people: RE2's syntax, matched by the
//! `regex` crate.
//!
//! Both engines match alike and in linear time; they read some patterns differently. [`compile`] and [`compile_bytes`]
//! take what Go takes, refuse what Go refuses, and say so in Go's words.

mod translate;

/// What patterns are compiled to: of text, and of bytes that need not be UTF-8.
pub use regex::{Regex, bytes::Regex as BytesRegex};

/// How large one compiled pattern may become.
const LARGEST: usize = 10 << 20;

/// Why a pattern does not compile, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {problem}: `{part}`")]
pub struct PatternError {
    problem: &'static str,
    part: String,
}

/// Compiles a pattern that text is matched against.
///
/// # Errors
/// What Go refuses, and what would be larger than 10 MiB.
pub fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let translated = translate::translate(pattern)?;
    let built = regex::RegexBuilder::new(&translated).size_limit(LARGEST).build();
    built.map_err(|error| translate::explain(pattern, &error))
}

/// Compiles a pattern that bytes are matched against.
///
/// # Errors
/// As [`compile`].
pub fn compile_bytes(pattern: &str) -> Result<BytesRegex, PatternError> {
    let translated = translate::translate(pattern)?;
    let built = regex::bytes::RegexBuilder::new(&translated).size_limit(LARGEST).build();
    built.map_err(|error| translate::explain(pattern, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_a_class_are_text() {
        // Of a definition that is in wide use: names of cookies.
        let regex = compile(r#"^[^()<>@,;:\\"\/[\]?={} \t\x7f\x00-\x1f]+$"#).unwrap();
        assert!(regex.is_match("session_id") && !regex.is_match("a[b") && !regex.is_match("a b"));
        assert!(compile("^[a&&b]+$").unwrap().is_match("a&b"));
        assert!(compile("^[a~~b--c]+$").is_err(), "a range that runs backwards");
    }

    #[test]
    fn what_go_refuses_is_refused_in_its_words() {
        let refused = |pattern: &str| compile(pattern).err().unwrap().to_string();
        assert_eq!(refused("a**"), "error parsing regexp: invalid nested repetition operator: `**`");
        assert_eq!(refused("(?=a)"), "error parsing regexp: invalid or unsupported Perl syntax: `(?=`");
        assert_eq!(refused("a{1001}"), "error parsing regexp: invalid repeat count: `{1001}`");
        assert_eq!(refused("(a"), "error parsing regexp: missing closing ): `(a`");
        assert!(refused(&format!("({})", "(a{1000}){1000}".repeat(3))).contains("too large"), "memory is bounded");
    }

    #[test]
    fn classes_are_of_ascii() {
        assert!(!compile(r"^\d$").unwrap().is_match("٣"));
        assert!(!compile(r"^\w$").unwrap().is_match("é"));
        assert!(compile(r"^\pL$").unwrap().is_match("é"));
        assert!(compile_bytes(r"^.\C$").unwrap().is_match(b"a\xff"));
    }
}
