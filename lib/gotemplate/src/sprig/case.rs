//! Changing case, by character and by word.

/// Go maps one character to one; Rust's full mappings only differ where they give several.
fn upper_char(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

fn lower_char(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Differs from upper case for the three letters that have a form of their own at the start of a word.
fn title_char(c: char) -> char {
    match c {
        'Ǆ' | 'ǅ' | 'ǆ' => 'ǅ',
        'Ǉ' | 'ǈ' | 'ǉ' => 'ǈ',
        'Ǌ' | 'ǋ' | 'ǌ' => 'ǋ',
        'Ǳ' | 'ǲ' | 'ǳ' => 'ǲ',
        _ => upper_char(c),
    }
}

pub(super) fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

pub(super) fn lower(text: &str) -> String {
    text.chars().map(lower_char).collect()
}

/// Raises the first letter of each word, where letters, digits and underscores make words.
pub(super) fn title(text: &str) -> String {
    let mut inside = false;
    let change = |c: char| {
        let changed = if inside { c } else { title_char(c) };
        inside = if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { !c.is_whitespace() };
        changed
    };
    text.chars().map(change).collect()
}

/// Lowers the first letter of each word, where white space separates words.
pub(super) fn untitle(text: &str) -> String {
    let mut inside = false;
    let change = |c: char| {
        if c.is_whitespace() {
            inside = false;
            return c;
        }
        if std::mem::replace(&mut inside, true) { c } else { lower_char(c) }
    };
    text.chars().map(change).collect()
}

/// Swaps upper and lower case; a lower-case letter at the start of a word becomes title case.
pub(super) fn swap(text: &str) -> String {
    let mut at_start = true;
    let change = |c: char| {
        if c.is_uppercase() {
            at_start = false;
            lower_char(c)
        } else if c.is_lowercase() {
            if std::mem::replace(&mut at_start, false) { title_char(c) } else { upper_char(c) }
        } else {
            at_start = c.is_whitespace();
            c
        }
    };
    text.chars().map(change).collect()
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// Joins words with upper-case starts; the first character of a run of connectors stays (`a__b` is `A_B`).
///
/// # Source
/// `huandu/xstrings` 1.5, `ToPascalCase`.
pub(super) fn pascal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next_if(|c| is_connector(*c)) {
        out.push(c);
    }
    let Some(first) = chars.next() else { return out };
    let mut in_upper_run = first.is_uppercase();
    let mut held = upper_char(first);
    for c in chars {
        if is_connector(held) {
            if is_connector(c) {
                out.push(held);
                held = c;
                continue;
            }
            in_upper_run = c.is_uppercase();
            held = upper_char(c);
        } else {
            out.push(held);
            let lowered = in_upper_run && c.is_uppercase();
            in_upper_run = lowered;
            held = if lowered { lower_char(c) } else { c };
        }
    }
    out.push(held);
    out
}

pub(super) fn snake(text: &str) -> String {
    separate(text, '_')
}

pub(super) fn kebab(text: &str) -> String {
    separate(text, '-')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

/// Writes words in lower case with `connector` between them. Numbers stick to the word before them unless lower-case
/// letters follow (`Bld4Floor` is `bld4_floor`, `http2xx` is `http_2xx`).
///
/// # Source
/// `huandu/xstrings` 1.5, `ToSnakeCase`.
fn separate(text: &str, connector: char) -> String {
    let words = words(text);
    let mut out = String::with_capacity(text.len() + 8);
    let kind = |i: usize| words.get(i).map(|(kind, _)| *kind);
    let starts_new_part = |i: usize| kind(i).is_some_and(|kind| !matches!(kind, Word::Connector | Word::Punctuation));
    let mut i = 0;
    while i + 1 < words.len() {
        let (current, word) = words[i];
        write_lower(&mut out, current, word, connector);
        i += 1;
        let may_separate = match current {
            Word::Connector | Word::Punctuation => false,
            Word::Number => {
                i = write_glued(&mut out, &words, i, connector);
                true
            }
            _ if kind(i) != Some(Word::Number) => true,
            _ if i + 1 == words.len() => false,
            _ if kind(i + 1) == Some(Word::Letters) => {
                out.push(connector);
                i = write_glued(&mut out, &words, i, connector);
                true
            }
            _ => {
                write_lower(&mut out, Word::Number, words[i].1, connector);
                i += 1;
                true
            }
        };
        if may_separate && starts_new_part(i) {
            out.push(connector);
        }
    }
    if let Some((kind, word)) = words.get(i) {
        write_lower(&mut out, *kind, word, connector);
    }
    out
}

/// Writes numbers and lower-case letters as long as they follow each other; returns where they end.
fn write_glued(out: &mut String, words: &[(Word, &str)], mut i: usize, connector: char) -> usize {
    while let Some((kind @ (Word::Letters | Word::Number), word)) = words.get(i) {
        write_lower(out, *kind, word, connector);
        i += 1;
    }
    i
}

fn write_lower(out: &mut String, kind: Word, word: &str, connector: char) {
    match kind {
        Word::Connector => out.extend(word.chars().map(|_| connector)),
        Word::Upper => out.extend(word.chars().map(lower_char)),
        _ => out.push_str(word),
    }
}

/// Cuts text into runs of one kind; the last capital of `HTTPStatus` begins the next word.
fn words(text: &str) -> Vec<(Word, &str)> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = |matches: fn(char) -> bool| rest.find(|c| !matches(c)).unwrap_or(rest.len());
        let (kind, end) = if is_connector(first) {
            (Word::Connector, run(is_connector))
        } else if is_punctuation(first) {
            (Word::Punctuation, run(is_punctuation))
        } else if first.is_uppercase() {
            (Word::Upper, upper_word(rest))
        } else if first.is_alphabetic() {
            (Word::Letters, run(|c| c.is_alphabetic() && !c.is_uppercase()))
        } else if first.is_numeric() {
            (Word::Number, run(char::is_numeric))
        } else {
            (Word::Other, run(|c| !is_connector(c) && !c.is_alphabetic() && !c.is_numeric() && !is_punctuation(c)))
        };
        let (word, after) = rest.split_at(end.max(first.len_utf8()));
        words.push((kind, word));
        rest = after;
    }
    words
}

fn upper_word(text: &str) -> usize {
    let capitals = text.find(|c: char| !c.is_uppercase()).unwrap_or(text.len());
    let next = text[capitals..].chars().next();
    let last_capital = text[..capitals].char_indices().next_back().map_or(0, |(at, _)| at);
    if !next.is_some_and(char::is_alphabetic) {
        capitals
    } else if last_capital == 0 {
        let lower = &text[capitals..];
        capitals + lower.find(|c: char| !c.is_alphabetic() || c.is_uppercase()).unwrap_or(lower.len())
    } else {
        last_capital
    }
}

/// Unicode's punctuation in ASCII and the general punctuation block; symbols such as `$` and `+` are none.
fn is_punctuation(c: char) -> bool {
    match c {
        '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~' => false,
        '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' => true,
        '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' => c != '\u{2044}' && c != '\u{2052}',
        _ => c.is_ascii_punctuation(),
    }
}
