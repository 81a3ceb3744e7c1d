//! Patterns of paths: Go's `filepath.Match`, and the richer ones of `.Files.Glob`.

use regex::bytes::Regex;

/// A pattern of Go's `filepath.Match`: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` are classes, `\` takes a character
/// as it is.
#[derive(Debug)]
pub struct Pattern(Kind);

/// Most patterns need no regular expression, which takes longer to compile than to use.
#[derive(Debug)]
enum Kind {
    Literal(String),
    /// One star between two literals.
    Star {
        before: String,
        behind: String,
    },
    Regex(Regex),
}

impl Pattern {
    /// Reads a pattern; `None` when it is not well formed.
    pub fn new(pattern: &str) -> Option<Self> {
        if pattern.contains(['?', '[', '\\']) {
            return translate(pattern).map(Kind::Regex).map(Self);
        }
        Some(Self(match pattern.split_once('*') {
            None => Kind::Literal(pattern.to_owned()),
            Some((_, behind)) if behind.contains('*') => Kind::Regex(translate(pattern)?),
            Some((before, behind)) => Kind::Star { before: before.to_owned(), behind: behind.to_owned() },
        }))
    }

    /// Whether a text matches.
    pub fn matches(&self, text: &str) -> bool {
        match &self.0 {
            Kind::Literal(literal) => text == literal,
            Kind::Star { before, behind } => text
                .strip_prefix(before.as_str())
                .and_then(|rest| rest.strip_suffix(behind.as_str()))
                .is_some_and(|starred| !starred.contains('/')),
            Kind::Regex(regex) => regex.is_match(text.as_bytes()),
        }
    }
}

fn translate(pattern: &str) -> Option<Regex> {
    let mut out = String::from("(?s)\\A");
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '\\' => push_literal(&mut out, chars.next()?),
            '[' => {
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                let mut any = false;
                while !(any && chars.next_if_eq(&']').is_some()) {
                    let low = class_char(&mut chars)?;
                    push_literal(&mut out, low);
                    if chars.next_if_eq(&'-').is_some() {
                        let high = class_char(&mut chars)?;
                        if high < low {
                            return None;
                        }
                        out.push('-');
                        push_literal(&mut out, high);
                    }
                    any = true;
                }
                out.push(']');
            }
            c => push_literal(&mut out, c),
        }
    }
    out.push_str("\\z");
    Regex::new(&out).ok()
}

/// A character of a class; `-` and `]` only behind a backslash.
fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        c => Some(c),
    }
}

fn push_literal(out: &mut String, c: char) {
    out.extend(["\\x{", &format!("{:x}", u32::from(c)), "}"]);
}

/// A pattern of `.Files.Glob`: `*`, `**` across slashes, `?`, `[abc]`, `[!a-z]`, `{a,b}`.
///
/// # Source
/// `gobwas/glob` 0.2.3 with `/` as its separator.
#[derive(Debug)]
pub struct Glob(Regex);

impl Glob {
    /// Compiles a pattern; one that is not well formed matches everything, as in Helm.
    pub fn new(pattern: &str) -> Option<Self> {
        let text = rich(pattern).unwrap_or_else(|| "(?s)\\A.*\\z".to_owned());
        Regex::new(&text).ok().map(Self)
    }

    /// Whether a path matches.
    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path.as_bytes())
    }
}

fn rich(pattern: &str) -> Option<String> {
    let mut out = String::from("(?s)\\A");
    let mut chars = pattern.chars().peekable();
    let mut depth = 0_usize;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => out.push_str(".*"),
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '\\' => push_literal(&mut out, chars.next()?),
            '{' => {
                depth += 1;
                out.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                out.push(')');
            }
            ',' if depth > 0 => out.push('|'),
            '[' => {
                out.push('[');
                if chars.next_if_eq(&'!').is_some() {
                    out.push('^');
                }
                let mut content = Vec::new();
                loop {
                    match chars.next()? {
                        ']' if !content.is_empty() => break,
                        '\\' => content.push(chars.next()?),
                        c => content.push(c),
                    }
                }
                match content[..] {
                    [low, '-', high] if low <= high => {
                        push_literal(&mut out, low);
                        out.push('-');
                        push_literal(&mut out, high);
                    }
                    [_, '-', _] => return None,
                    _ => content.iter().for_each(|c| push_literal(&mut out, *c)),
                }
                out.push(']');
            }
            c => push_literal(&mut out, c),
        }
    }
    out.push_str("\\z");
    (depth == 0).then_some(out)
}
