//! Shell patterns: `*`, `?`, `[a-z]`, `[^a-z]` and `\` before a character that means itself. `*` also crosses `/`.

/// Whether `pattern` matches the whole of `text`; nothing when the pattern is malformed where that shows.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> Option<bool> {
    let (mut pattern_at, mut text_at) = (0, 0);
    // Where to go on after the last star: the pattern behind it, and the text that it swallows next.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(pattern_at) {
            None if text_at == text.len() => return Some(true),
            None => None,
            Some(b'*') => {
                star = Some((pattern_at + 1, text_at));
                pattern_at += 1;
                continue;
            }
            Some(_) => one(&pattern[pattern_at..], &text[text_at..])?,
        };
        if let Some((of_pattern, of_text)) = step {
            pattern_at += of_pattern;
            text_at += of_text;
        } else if let Some((behind, swallowed)) = star
            && swallowed < text.len()
        {
            star = Some((behind, swallowed + 1));
            (pattern_at, text_at) = (behind, swallowed + 1);
        } else {
            return Some(false);
        }
    }
}

/// Matches one element of the pattern: how much of pattern and text it took, if it matches.
#[expect(clippy::option_option, reason = "the outer one is whether the pattern is well formed")]
fn one(pattern: &[u8], text: &[u8]) -> Option<Option<(usize, usize)>> {
    let (&next, width) = match text {
        [] => return Some(None),
        [next, ..] => (next, character(text).1),
    };
    Some(match pattern {
        [b'?', ..] => Some((1, width)),
        [b'[', ..] => {
            let (inside, length) = class(pattern, character(text).0)?;
            inside.then_some((length, width))
        }
        [b'\\'] => return None,
        [b'\\', literal, ..] => (*literal == next).then_some((2, 1)),
        [literal, ..] => (*literal == next).then_some((1, 1)),
        [] => None,
    })
}

/// Whether the character is in the class that the pattern begins with, and how long that class is.
fn class(pattern: &[u8], wanted: char) -> Option<(bool, usize)> {
    let mut at = 1;
    let negated = pattern.get(at) == Some(&b'^');
    at += usize::from(negated);
    let (mut found, mut ranges) = (false, 0);
    loop {
        if pattern.get(at) == Some(&b']') && ranges > 0 {
            return Some((found != negated, at + 1));
        }
        let low = class_character(pattern, &mut at)?;
        let mut high = low;
        if pattern.get(at) == Some(&b'-') {
            at += 1;
            high = class_character(pattern, &mut at)?;
        }
        found |= (low..=high).contains(&wanted);
        ranges += 1;
    }
}

fn class_character(pattern: &[u8], at: &mut usize) -> Option<char> {
    match pattern.get(*at)? {
        b'-' | b']' => return None,
        b'\\' => *at += 1,
        _ => {}
    }
    let rest = pattern.get(*at..).filter(|rest| !rest.is_empty())?;
    let (character, width) = character(rest);
    *at += width;
    // A class has to be closed: something must follow.
    (*at < pattern.len()).then_some(character)
}

/// The first character of a text, which may be cut within one, and its width in bytes.
fn character(text: &[u8]) -> (char, usize) {
    let start = &text[..text.len().min(4)];
    let valid = match std::str::from_utf8(start) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default(),
    };
    valid.chars().next().map_or((char::REPLACEMENT_CHARACTER, 1), |first| (first, first.len_utf8()))
}
