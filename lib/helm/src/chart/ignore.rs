//! `.helmignore`: fewer rules than `.gitignore`, and some other ones.

use crate::glob::Pattern;

/// The rules of one chart.
#[derive(Debug)]
pub(super) struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    negated: bool,
    only_dirs: bool,
    /// Compared with the last part of a path only.
    name_only: bool,
}

/// A line that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IgnoreError {
    /// `**` has no meaning here.
    #[error(".helmignore:{line}: double-star (**) syntax is not supported")]
    DoubleStar {
        /// From 1.
        line: usize,
    },
    /// A bracket is not closed, or a range is empty.
    #[error(".helmignore:{line}: syntax error in pattern")]
    Pattern {
        /// From 1.
        line: usize,
    },
}

impl Ignore {
    /// Reads rules; hidden files directly in `templates/` are ignored at any rate.
    pub(super) fn parse(text: &str) -> Result<Self, IgnoreError> {
        let mut rules = Vec::new();
        for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let rule = line.trim();
            if rule.is_empty() || rule.starts_with('#') {
                continue;
            }
            if rule.contains("**") {
                return Err(IgnoreError::DoubleStar { line: i + 1 });
            }
            rules.push(Rule::new(rule).ok_or(IgnoreError::Pattern { line: i + 1 })?);
        }
        rules.extend(Rule::new("templates/.?*"));
        Ok(Self { rules })
    }

    /// Whether a path is left out. The first rule that decides wins; a negated rule leaves out all that it does not
    /// match, unlike in `.gitignore`.
    pub(super) fn ignores(&self, path: &str, is_dir: bool) -> bool {
        for rule in &self.rules {
            if rule.negated {
                if (rule.only_dirs && !is_dir) || !rule.matches(path) {
                    return true;
                }
            } else if (is_dir || !rule.only_dirs) && rule.matches(path) {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn new(rule: &str) -> Option<Self> {
        let (rule, negated) = rule.strip_prefix('!').map_or((rule, false), |rule| (rule, true));
        let (rule, only_dirs) = rule.strip_suffix('/').map_or((rule, false), |rule| (rule, true));
        let (rule, rooted) = rule.strip_prefix('/').map_or((rule, false), |rule| (rule, true));
        Some(Self { pattern: Pattern::new(rule)?, negated, only_dirs, name_only: !rooted && !rule.contains('/') })
    }

    fn matches(&self, path: &str) -> bool {
        let text = if self.name_only { path.rsplit('/').next().unwrap_or(path) } else { path };
        self.pattern.matches(text)
    }
}
