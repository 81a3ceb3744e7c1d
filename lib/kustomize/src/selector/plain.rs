//! Regular expressions that need no engine: most of those that people write are names.

/// A pattern of characters that stand for themselves, and dots.
#[derive(Debug)]
pub(crate) struct Plain(String);

impl Plain {
    /// None for a pattern that says more.
    pub(crate) fn new(pattern: &str) -> Option<Self> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b':' | b'.');
        pattern.bytes().all(is_plain).then(|| Self(pattern.to_owned()))
    }

    /// What is left of a text that begins as the pattern says; a dot stands for any character but the end of a line.
    pub(crate) fn strip<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut rest = text.chars();
        let fits = |pattern: char, found: char| pattern == found || (pattern == '.' && found != '\n');
        self.0.chars().all(|pattern| rest.next().is_some_and(|found| fits(pattern, found))).then_some(rest.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Plain;

    #[test]
    fn plain_patterns_fit_what_regular_expressions_fit() {
        let texts = ["", "a", "a.b", "axb", "aéb", "a\nb", "a.bc", "b", "A.b"];
        for pattern in ["", "a", "a.b", ".", "..", "a:b/c-d_e"] {
            let plain = Plain::new(pattern).unwrap();
            let regex = re2::compile(&format!("^(?:{pattern})")).unwrap();
            for text in texts {
                let expected = regex.find(text).map(|found| &text[found.end()..]);
                assert_eq!(plain.strip(text), expected, "{pattern:?} {text:?}");
            }
        }
        assert!(["a*", "a\\.b", "é", "(a)", "a b", "a|b"].iter().all(|pattern| Plain::new(pattern).is_none()));
    }
}
