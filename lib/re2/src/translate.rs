//! RE2's syntax in terms of the `regex` crate's.
//!
//! Both match alike; they read some patterns differently. RE2's `\d`, `\w`, `\s`, `\b` are ASCII, `\Q…\E`, `\pN`,
//! octal escapes and `\C` exist, brackets inside of classes are plain characters, a repetition goes up to 1000, and
//! some braces are text. This rewrites the pattern so that the crate reads what RE2 means.

use crate::PatternError;

/// The largest count in `{n,m}`.
const MAX_REPEAT: u32 = 1000;

/// The pattern as the crate reads it.
pub(crate) fn translate(pattern: &str) -> Result<String, PatternError> {
    let mut translator = Translator { rest: pattern, out: String::with_capacity(pattern.len() + 8) };
    translator.pattern()?;
    Ok(translator.out)
}

/// Finds Go's words for what the crate refuses.
pub(crate) fn explain(pattern: &str, error: &regex::Error) -> PatternError {
    let text = error.to_string();
    let says = |part: &str| text.contains(part);
    let (problem, part) = if matches!(error, regex::Error::CompiledTooBig(_)) {
        ("expression too large", pattern.to_owned())
    } else if says("unclosed group") {
        ("missing closing )", pattern.to_owned())
    } else if says("unopened group") {
        ("unexpected )", pattern.to_owned())
    } else if says("unclosed character class") {
        ("missing closing ]", pattern.find('[').map_or(pattern, |at| &pattern[at..]).to_owned())
    } else if says("repetition operator missing expression") {
        let operator = pattern.find(['*', '+', '?']).and_then(|at| pattern.get(at..=at));
        ("missing argument to repetition operator", operator.unwrap_or(pattern).to_owned())
    } else if says("invalid character class range") {
        ("invalid character class range", pattern.to_owned())
    } else if says("look-around") {
        (
            "invalid or unsupported Perl syntax",
            pattern.find("(?").and_then(|at| pattern.get(at..at + 3)).unwrap_or(pattern).to_owned(),
        )
    } else if says("duplicate capture group name") {
        ("duplicate capture group name", pattern.to_owned())
    } else {
        ("invalid pattern", pattern.to_owned())
    };
    PatternError { problem, part }
}

struct Translator<'p> {
    rest: &'p str,
    out: String,
}

impl Translator<'_> {
    fn pattern(&mut self) -> Result<(), PatternError> {
        while let Some(c) = self.take() {
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '{' => self.braces()?,
                '(' => self.group()?,
                '*' | '+' | '?' => self.repetition(c)?,
                c => self.out.push(c),
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        c
    }

    /// Copies `(?P<name>`, `(?<name>` and flags; RE2 has no `x`, `u`, `R` flags.
    fn group(&mut self) -> Result<(), PatternError> {
        self.out.push('(');
        let Some(flags) = self.rest.strip_prefix('?') else { return Ok(()) };
        if flags.starts_with("P<") || flags.starts_with('<') || flags.starts_with(['=', '!']) {
            return Ok(());
        }
        let end = flags.find([':', ')']).unwrap_or(flags.len());
        if let Some((at, bad)) = flags[..end].char_indices().find(|(_, c)| !"imsU-".contains(*c)) {
            return Err(PatternError {
                problem: "invalid or unsupported Perl syntax",
                part: format!("(?{}", &flags[..at + bad.len_utf8()]),
            });
        }
        Ok(())
    }

    /// `a**` is refused by RE2 and accepted by the crate.
    fn repetition(&mut self, operator: char) -> Result<(), PatternError> {
        let lazy = self.rest.starts_with('?');
        self.out.push(operator);
        if lazy {
            self.take();
            self.out.push('?');
        }
        self.refuse_double(&format!("{operator}{}", if lazy { "?" } else { "" }))
    }

    fn refuse_double(&self, operator: &str) -> Result<(), PatternError> {
        let doubled = self.rest.starts_with(['*', '+', '?']) || repeat_counts(self.rest).is_some();
        if !doubled {
            return Ok(());
        }
        let next = repeat_counts(self.rest).map_or(1, |counts| counts.length);
        Err(PatternError {
            problem: "invalid nested repetition operator",
            part: format!("{operator}{}", &self.rest[..next]),
        })
    }

    /// Braces that count repetitions stay, all others are text.
    fn braces(&mut self) -> Result<(), PatternError> {
        let from_brace = format!("{{{}", self.rest);
        let Some(counts) = repeat_counts(&from_brace) else {
            self.out.push_str("\\{");
            return Ok(());
        };
        let text = &from_brace[..counts.length];
        if counts.low > MAX_REPEAT || counts.high.is_some_and(|high| high > MAX_REPEAT || high < counts.low) {
            return Err(PatternError { problem: "invalid repeat count", part: text.to_owned() });
        }
        self.out.push_str(text);
        self.rest = &self.rest[counts.length - 1..];
        let lazy = self.rest.starts_with('?');
        if lazy {
            self.take();
            self.out.push('?');
        }
        self.refuse_double(text)
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        let Some(c) = self.take() else {
            return Err(PatternError { problem: "trailing backslash at end of expression", part: String::new() });
        };
        match c {
            'b' => self.out.push_str("(?-u:\\b)"),
            'B' => self.out.push_str("(?-u:\\B)"),
            'A' | 'z' => self.out.extend(['\\', c]),
            'C' => self.out.push_str("(?s-u:.)"),
            'Q' => {
                let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.out.push_str(&regex::escape(quoted));
                self.rest = rest;
            }
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                self.out.push('[');
                self.out.push_str(perl_class(c));
                self.out.push(']');
            }
            'p' | 'P' => self.property(c)?,
            c => {
                let c = self.escaped_char(c)?;
                self.literal(c);
            }
        }
        Ok(())
    }

    /// Escapes that stand for one character.
    fn escaped_char(&mut self, c: char) -> Result<char, PatternError> {
        match c {
            'a' => Ok('\x07'),
            'f' => Ok('\x0c'),
            't' => Ok('\t'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            'v' => Ok('\x0b'),
            'x' => self.hexadecimal(),
            '0'..='7' => self.octal(c),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(c),
            c => Err(PatternError { problem: "invalid escape sequence", part: format!("\\{c}") }),
        }
    }

    fn literal(&mut self, c: char) {
        self.out.extend(["\\x{", &format!("{:x}", u32::from(c)), "}"]);
    }

    /// `\pL`, `\p{Greek}`, `\P{^Lu}`.
    fn property(&mut self, c: char) -> Result<(), PatternError> {
        let invalid =
            |part: &str| PatternError { problem: "invalid character class range", part: format!("\\{c}{part}") };
        let (name, length) = if let Some(inner) = self.rest.strip_prefix('{') {
            let end = inner.find('}').ok_or_else(|| invalid(self.rest))?;
            (&inner[..end], end + 2)
        } else {
            let first = self.rest.chars().next().ok_or_else(|| invalid(""))?;
            (&self.rest[..first.len_utf8()], first.len_utf8())
        };
        let (name, negated) = name.strip_prefix('^').map_or((name, c == 'P'), |name| (name, c != 'P'));
        if name == "Any" {
            self.out.push_str(if negated { "[^\\x{0}-\\x{10ffff}]" } else { "[\\x{0}-\\x{10ffff}]" });
        } else {
            self.out.extend([if negated { "\\P{" } else { "\\p{" }, name, "}"]);
        }
        self.rest = &self.rest[length..];
        Ok(())
    }

    /// `\x41` and `\x{1f600}`.
    fn hexadecimal(&mut self) -> Result<char, PatternError> {
        let invalid = |part: &str| PatternError { problem: "invalid escape sequence", part: format!("\\x{part}") };
        let (digits, length) = match self.rest.strip_prefix('{') {
            Some(inner) => {
                let end = inner.find('}').ok_or_else(|| invalid(self.rest))?;
                (&inner[..end], end + 2)
            }
            None => (self.rest.get(..2).ok_or_else(|| invalid(self.rest))?, 2),
        };
        let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        let c = code.ok_or_else(|| invalid(&self.rest[..length]))?;
        self.rest = &self.rest[length..];
        Ok(c)
    }

    /// `\012`, up to three digits; a single digit other than zero would be a back reference.
    fn octal(&mut self, first: char) -> Result<char, PatternError> {
        let more = self.rest.bytes().take(2).take_while(|b| (b'0'..=b'7').contains(b)).count();
        if first != '0' && more == 0 {
            return Err(PatternError { problem: "invalid escape sequence", part: format!("\\{first}") });
        }
        let digits = format!("{first}{}", &self.rest[..more]);
        self.rest = &self.rest[more..];
        Ok(u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32).unwrap_or('\0'))
    }

    /// A class: everything in it is text but escapes, ranges and `[:names:]`.
    fn class(&mut self) -> Result<(), PatternError> {
        let opened = self.rest;
        self.out.push('[');
        if let Some(rest) = self.rest.strip_prefix('^') {
            self.out.push('^');
            self.rest = rest;
        }
        let mut first = true;
        loop {
            if !first && let Some(rest) = self.rest.strip_prefix(']') {
                self.out.push(']');
                self.rest = rest;
                return Ok(());
            }
            first = false;
            if self.rest.starts_with("[:") && self.rest.contains(":]") {
                self.named_class()?;
                continue;
            }
            let mut ahead = self.rest.chars();
            if let (Some('\\'), Some(c @ ('d' | 'D' | 's' | 'S' | 'w' | 'W' | 'p' | 'P'))) =
                (ahead.next(), ahead.next())
            {
                self.rest = ahead.as_str();
                match c {
                    'p' | 'P' => self.property(c)?,
                    c => self.out.extend(["[", perl_class(c), "]"]),
                }
                continue;
            }
            self.range(opened)?;
        }
    }

    /// One character, or two with a `-` between them.
    fn range(&mut self, opened: &str) -> Result<(), PatternError> {
        let before = self.rest;
        let low = self.class_char(opened)?;
        self.literal(low);
        let Some(after) = self.rest.strip_prefix('-').filter(|after| !after.is_empty() && !after.starts_with(']'))
        else {
            return Ok(());
        };
        self.rest = after;
        let high = self.class_char(opened)?;
        if high < low {
            let part = before[..before.len() - self.rest.len()].to_owned();
            return Err(PatternError { problem: "invalid character class range", part });
        }
        self.out.push('-');
        self.literal(high);
        Ok(())
    }

    fn class_char(&mut self, opened: &str) -> Result<char, PatternError> {
        match self.take() {
            None => Err(PatternError { problem: "missing closing ]", part: format!("[{opened}") }),
            Some('\\') => match self.take() {
                None => Err(PatternError { problem: "trailing backslash at end of expression", part: String::new() }),
                Some(c) => self.escaped_char(c),
            },
            Some(c) => Ok(c),
        }
    }

    fn named_class(&mut self) -> Result<(), PatternError> {
        const NAMES: &[&str] = &[
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
            "word", "xdigit",
        ];
        let end = self.rest.find(":]").unwrap_or(self.rest.len());
        let name = self.rest.get(2..end).unwrap_or_default();
        if !NAMES.contains(&name.trim_start_matches('^')) {
            return Err(PatternError { problem: "invalid character class range", part: format!("[:{name}:]") });
        }
        self.out.extend(["[:", name, ":]"]);
        self.rest = self.rest.get(end + 2..).unwrap_or_default();
        Ok(())
    }
}

fn perl_class(c: char) -> &'static str {
    match c {
        'd' => "0-9",
        'D' => "^0-9",
        's' => "\\t\\n\\x0c\\r ",
        'S' => "^\\t\\n\\x0c\\r ",
        'w' => "0-9A-Za-z_",
        _ => "^0-9A-Za-z_",
    }
}

struct Counts {
    low: u32,
    high: Option<u32>,
    /// Of the text from `{` to `}`.
    length: usize,
}

/// Reads `{2}`, `{2,}` or `{2,5}`; numbers too large to read are larger than any that is allowed.
fn repeat_counts(text: &str) -> Option<Counts> {
    let inner = text.strip_prefix('{')?;
    let end = inner.find('}')?;
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let canonical = digits == "0" || !digits.starts_with('0');
        (is_number && canonical).then(|| digits.parse().unwrap_or(u32::MAX))
    };
    let (low, high) = match inner[..end].split_once(',') {
        None => (number(&inner[..end])?, None),
        Some((low, "")) => (number(low)?, None),
        Some((low, high)) => (number(low)?, Some(number(high)?)),
    };
    Some(Counts { low, high, length: end + 2 })
}
