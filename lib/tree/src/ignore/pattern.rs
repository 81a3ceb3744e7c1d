//! One gitignore rule, matched as go-git matches it.

use crate::path::TreePath;

/// What a rule says about a path that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Leave it out.
    Out,
    /// Keep it (`!`), whatever earlier rules say.
    In,
}

#[derive(Debug, Clone)]
pub(super) struct Pattern {
    scope: TreePath,
    verdict: Verdict,
    dir_only: bool,
    /// Anchored rules (those with a slash inside) walk the path; others match any one of its names.
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    /// Between two slashes with nothing in between, or before a leading one.
    Empty,
    /// `**`: any number of directories.
    AnyDirs,
    /// A shell pattern for one name.
    Name(Vec<Token>),
    /// A name pattern that is not well formed, or `**` within a name: matches nothing.
    Never,
}

#[derive(Debug, Clone)]
enum Token {
    /// `*`
    AnyText,
    /// `?`
    AnyChar,
    Char(char),
    /// `[a-z]`, `[^a-z]`
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Reads one line that is neither empty nor a remark.
    pub(super) fn parse(rule: &str, scope: &TreePath) -> Self {
        let (verdict, rule) = rule.strip_prefix('!').map_or((Verdict::Out, rule), |rest| (Verdict::In, rest));
        // Only a rule that ends in an escaped space keeps its trailing spaces.
        let rule = if rule.ends_with("\\ ") { rule } else { rule.trim_end_matches(' ') };
        let (dir_only, rule) = rule.strip_suffix('/').map_or((false, rule), |rest| (true, rest));
        let anchored = rule.contains('/');
        let part = |text: &str| match text {
            "" if anchored => Part::Empty,
            "**" if anchored => Part::AnyDirs,
            _ if anchored && text.contains("**") => Part::Never,
            _ => tokens(text).map_or(Part::Never, Part::Name),
        };
        Self { scope: scope.clone(), verdict, dir_only, parts: rule.split('/').map(part).collect() }
    }

    /// What this rule says about a path from the root of the tree, if it says anything.
    pub(super) fn verdict(&self, path: &[&str], is_dir: bool) -> Option<Verdict> {
        let mut path = path;
        for part in self.scope.parts() {
            path = path.split_first().filter(|(first, _)| **first == part)?.1;
        }
        if path.is_empty() {
            return None;
        }
        let matched = match self.parts.as_slice() {
            [Part::Name(tokens)] => self.any_name(tokens, path, is_dir),
            [Part::Never] => false,
            parts => self.walk(parts, path, is_dir),
        };
        matched.then_some(self.verdict)
    }

    /// A rule without a slash: the path or any directory above it has that name.
    fn any_name(&self, tokens: &[Token], path: &[&str], is_dir: bool) -> bool {
        match path.iter().position(|name| matches(tokens, name)) {
            // Only the first name that matches counts; the last one must be a directory if the rule says so.
            Some(at) => !(self.dir_only && !is_dir && at + 1 == path.len()),
            None => false,
        }
    }

    /// A rule with slashes, from the scope down. Upstream's walk is kept with its quirks: a `**` takes the first name
    /// that fits what follows and never looks for a later one, and a `**` at the end matches nothing more.
    fn walk(&self, parts: &[Part], mut path: &[&str], is_dir: bool) -> bool {
        let mut matched = false;
        let mut skipping = false;
        for (at, part) in parts.iter().enumerate() {
            let tokens = match part {
                Part::Empty => {
                    skipping = false;
                    continue;
                }
                Part::AnyDirs if at + 1 == parts.len() => break,
                Part::AnyDirs => {
                    skipping = true;
                    continue;
                }
                Part::Never => return false,
                Part::Name(tokens) => tokens,
            };
            if path.is_empty() {
                return false;
            }
            if skipping {
                skipping = false;
                let found = path.iter().position(|name| matches(tokens, name));
                matched = found.is_some();
                path = found.and_then(|at| path.get(at + 1..)).unwrap_or_default();
            } else {
                let Some((name, rest)) = path.split_first() else { return false };
                if !matches(tokens, name) {
                    return false;
                }
                matched = true;
                path = rest;
            }
        }
        matched && !(self.dir_only && !is_dir && path.is_empty())
    }
}

/// Reads a shell pattern after Go's `filepath.Match`; none when it is malformed.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '*' => Token::AnyText,
            '?' => Token::AnyChar,
            '\\' => Token::Char(chars.next()?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
                    let low = class_char(&mut chars)?;
                    let high = if chars.next_if_eq(&'-').is_some() { class_char(&mut chars)? } else { low };
                    ranges.push((low, high));
                }
                Token::Class { negated, ranges }
            }
            c => Token::Char(c),
        });
    }
    Some(tokens)
}

fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        c => Some(c),
    }
}

/// Matches a whole name. Only the last `*` is ever tried again, so the cost is the product of the two lengths.
fn matches(tokens: &[Token], name: &str) -> bool {
    let (mut token, mut rest) = (0, name);
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let mut chars = rest.chars();
        let fits = match (tokens.get(token), chars.next()) {
            (None, None) => return true,
            (Some(Token::AnyText), _) => {
                token += 1;
                retry = Some((token, rest));
                continue;
            }
            (Some(wanted), Some(c)) => wanted.fits(c),
            (None, Some(_)) | (Some(_), None) => false,
        };
        if fits {
            token += 1;
            rest = chars.as_str();
            continue;
        }
        let Some((after_star, text)) = retry else { return false };
        let mut longer = text.chars();
        if longer.next().is_none() {
            return false;
        }
        (token, rest) = (after_star, longer.as_str());
        retry = Some((after_star, rest));
    }
}

impl Token {
    fn fits(&self, c: char) -> bool {
        match self {
            Self::AnyText => false,
            Self::AnyChar => true,
            Self::Char(wanted) => *wanted == c,
            Self::Class { negated, ranges } => ranges.iter().any(|(low, high)| (low..=high).contains(&&c)) != *negated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pattern, Verdict};
    use crate::TreePath;

    /// What go-git's matcher answers, from its own table of cases (fluxcd/pkg sourceignore/gitignore).
    #[track_caller]
    fn check(rule: &str, scope: &str, path: &str, expected: Option<Verdict>) {
        let (path, is_dir) = path.strip_suffix('/').map_or((path, false), |path| (path, true));
        let parts: Vec<&str> = path.split('/').collect();
        let verdict = Pattern::parse(rule, &TreePath::parse(scope).unwrap()).verdict(&parts, is_dir);
        assert_eq!(verdict, expected, "{rule:?} in {scope:?} on {path:?}");
    }

    const OUT: Option<Verdict> = Some(Verdict::Out);
    const IN: Option<Verdict> = Some(Verdict::In);

    #[test]
    fn a_rule_without_slash_matches_a_name_anywhere() {
        check("!vul?ano", "", "value/vulkano/tail", IN);
        check("value", "head/middle/tail", "head/middle", None);
        check("value", "head/middle/tail", "head/middle/tail", None);
        check("value", "head/middle/tail", "head/middle/_tail_/value", None);
        check("middle/", "value/volcano", "value/volcano/middle/tail", OUT);
        check("volcano/", "value/volcano", "value/volcano/tail/", None);
        check("value", "", "value/tail", OUT);
        check("value", "", "head/value/tail", OUT);
        check("value/", "", "head/value/", OUT);
        check("value/", "", "head/value", None);
        check("val", "", "head/value/tail", None);
        check("v*o", "", "value/vulkano/tail", OUT);
        check("v[ou]l[kc]ano", "", "value/volcano", OUT);
        check("v[ou]l[", "", "value/vol[", None);
        check("**", "", "a", OUT);
        check("a**b", "", "axb", OUT);
    }

    #[test]
    fn a_rule_with_slashes_starts_at_its_directory() {
        check("/value/vul?ano", "", "value/vulkano/tail", OUT);
        check("middle/tail/", "value/volcano", "value/volcano/middle/tail/", OUT);
        check("volcano/tail", "value/volcano", "value/volcano/tail", None);
        check("value/vulkano", "", "value/volcano", None);
        check("value/vul?ano", "", "value", None);
        check("/value/volcano", "", "value/value/volcano", None);
        check("/a", "", "b/a", None);
        check("/a", "", "a/b", OUT);
    }

    #[test]
    fn two_stars_skip_directories() {
        check("**/*lue/vol?ano", "", "value/volcano/tail", OUT);
        check("**/*lue/vol?ano", "", "head/value/volcano/tail", OUT);
        check("**/*lue/vol?ano", "", "head/value/Volcano/tail", None);
        check("**/*lue/vol?ano/", "", "head/value/volcano/tail", OUT);
        check("**/*lue/vol?ano/", "", "head/value/volcano/", OUT);
        check("**/*lue/vol?ano/", "", "head/value/volcano", None);
        check("/*lue/vol?ano/**", "", "value/volcano/tail/moretail", OUT);
        check("/*lue/vol?ano/**", "", "value/volcano", OUT);
        check("/*lue/**/vol?ano", "", "value/volcano", OUT);
        check("/*lue/**/vol?ano", "", "value/middle1/middle2/volcano", OUT);
        check("/*lue/**/vol?ano/", "", "value/middle1/middle2/volcano", None);
        check("/*lue/**/vol?ano/", "", "value/middle1/middle2/volcano/tail", OUT);
        check("/*lue/**foo/vol?ano", "", "value/foo/volcano/tail", None);
        check("**/head/v[ou]l[kc]ano", "", "value/head/volcano", OUT);
        check("/value/**/v[ou]l[", "", "value/head/vol[", None);
        check(
            "**/android/**/GeneratedPluginRegistrant.java",
            "",
            "packages/flutter_tools/lib/src/android/gradle.dart",
            None,
        );
    }

    #[test]
    fn names_match_as_go_matches_them() {
        check("[!a]", "", "!", OUT);
        check("[^a-c]x", "", "dx", OUT);
        check("[^a-c]x", "", "bx", None);
        check("[]a]", "", "a", None);
        check("[a-]", "", "a", None);
        check("a\\*", "", "a*", OUT);
        check("a\\*", "", "ab", None);
        check("a\\", "", "a\\", None);
        check("*a*b*c*", "", "xxaxxbxxcxx", OUT);
        check("*.tar.gz", "", "a.tar.tar.gz", OUT);
        check("é?", "", "éü", OUT);
        check("a\\ ", "", "a ", OUT);
        check("a  ", "", "a", OUT);
    }

    #[test]
    fn many_stars_do_not_take_exponential_time() {
        check(&"*a".repeat(500), "", &"a".repeat(5_000), OUT);
        check(&format!("{}b", "*a".repeat(500)), "", &"a".repeat(5_000), None);
    }
}
