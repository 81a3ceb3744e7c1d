//! Strings. Positions count bytes, as in Go, so a character may be cut in two.

use super::case;
use super::text::{MAX_TEXT, print, strings_of, text_of};
use crate::funcs::{Args, Call, Fault, Funcs};
use crate::strconv;
use crate::value::{List, Map, Str, Type, Value};

pub(super) fn register(funcs: &mut Funcs) {
    const TEXT: &[Type] = &[Type::String];
    const TEXT_2: &[Type] = &[Type::String, Type::String];
    const TEXT_3: &[Type] = &[Type::String, Type::String, Type::String];
    const INT_TEXT: &[Type] = &[Type::Int, Type::String];
    funcs.add("hello", &[], |_, _| Ok("Hello!".into()));
    funcs.add("trim", TEXT, |_, args| {
        Ok(map_text(args.string(0)?, |text| text.trim_matches(char::is_whitespace).into()))
    });
    for name in ["trimAll", "trimall"] {
        funcs.add(name, TEXT_2, |_, args| {
            let cutset = args.text(0)?;
            Ok(map_text(args.string(1)?, |text| text.trim_matches(|c| cutset.contains(c)).into()))
        });
    }
    funcs.add("trimPrefix", TEXT_2, |_, args| {
        let (prefix, text) = (args.string(0)?, args.string(1)?);
        Ok(text.as_bytes().strip_prefix(prefix.as_bytes()).map_or(text.clone(), Str::from).into())
    });
    funcs.add("trimSuffix", TEXT_2, |_, args| {
        let (suffix, text) = (args.string(0)?, args.string(1)?);
        Ok(text.as_bytes().strip_suffix(suffix.as_bytes()).map_or(text.clone(), Str::from).into())
    });
    for (name, change) in [
        ("upper", case::upper as fn(&str) -> String),
        ("lower", case::lower),
        ("title", case::title),
        ("untitle", case::untitle),
        ("swapcase", case::swap),
        ("snakecase", case::snake),
        ("kebabcase", case::kebab),
        ("camelcase", case::pascal),
    ] {
        funcs.add(name, TEXT, move |_, args| Ok(change(&args.text(0)?).into()));
    }
    funcs.add("contains", TEXT_2, |_, args| {
        Ok(find(args.string(1)?.as_bytes(), args.string(0)?.as_bytes()).is_some().into())
    });
    funcs.add("hasPrefix", TEXT_2, |_, args| {
        Ok(args.string(1)?.as_bytes().starts_with(args.string(0)?.as_bytes()).into())
    });
    funcs.add("hasSuffix", TEXT_2, |_, args| {
        Ok(args.string(1)?.as_bytes().ends_with(args.string(0)?.as_bytes()).into())
    });
    funcs.add("repeat", INT_TEXT, repeat);
    funcs.add("replace", TEXT_3, replace);
    funcs.add("substr", &[Type::Int, Type::Int, Type::String], substr);
    funcs.add("trunc", INT_TEXT, trunc);
    funcs.add("nospace", TEXT, |_, args| Ok(without_space(args.string(0)?).into()));
    funcs.add("initials", TEXT, |_, args| Ok(initials(args.string(0)?.as_bytes()).into()));
    funcs.add("abbrev", INT_TEXT, |_, args| Ok(abbreviate(args.string(1)?, 0, args.int(0)?)));
    funcs.add("abbrevboth", &[Type::Int, Type::Int, Type::String], |_, args| {
        let (left, right) = (args.int(0)?, args.int(1)?);
        if left > 0 && right < 7 {
            return Ok(args.get(2).clone());
        }
        Ok(abbreviate(args.string(2)?, left, right))
    });
    funcs.add("wrap", INT_TEXT, |call, args| wrap(call, args.string(1)?, args.int(0)?, b"\n", false));
    funcs.add("wrapWith", &[Type::Int, Type::String, Type::String], |call, args| {
        let separator = args.string(1)?;
        let separator = if separator.is_empty() { b"\n" } else { separator.as_bytes() };
        wrap(call, args.string(2)?, args.int(0)?, separator, true)
    });
    funcs.add("indent", INT_TEXT, |call, args| indent(call, args, ""));
    funcs.add("nindent", INT_TEXT, |call, args| indent(call, args, "\n"));
    funcs.add_variadic("quote", &[Type::Any], |_, args| {
        joined(args, |value| Ok(strconv::quote(text_of(value)?.as_bytes()).into()))
    });
    funcs.add_variadic("squote", &[Type::Any], |_, args| {
        joined(args, |value| Ok([b"'", print(value)?.as_bytes(), b"'"].concat().into()))
    });
    funcs.add_variadic("cat", &[Type::Any], |_, args| joined(args, print));
    funcs.add("toString", &[Type::Any], |_, args| Ok(text_of(args.get(0))?.into()));
    funcs.add("toStrings", &[Type::Any], |_, args| Ok(List::strings(strings_of(args.get(0))?).into()));
    funcs.add("join", &[Type::String, Type::Any], |call, args| {
        let strings = strings_of(args.get(1))?;
        let separator = args.string(0)?;
        call.spend_bytes(separator.len().saturating_mul(strings.len()))?;
        let parts: Vec<&[u8]> = strings.iter().map(Str::as_bytes).collect();
        Ok(Str::from(parts.join(separator.as_bytes())).into())
    });
    funcs.add("splitList", TEXT_2, |_, args| Ok(List::strings(split(args.string(1)?, args.string(0)?, -1)).into()));
    funcs.add("split", TEXT_2, |_, args| Ok(numbered(split(args.string(1)?, args.string(0)?, -1))));
    funcs.add("splitn", &[Type::String, Type::Int, Type::String], |_, args| {
        Ok(numbered(split(args.string(2)?, args.string(0)?, args.int(1)?)))
    });
    funcs.add("plural", &[Type::String, Type::String, Type::Int], |_, args| {
        Ok(args.get(usize::from(args.int(2)? != 1)).clone())
    });
}

fn map_text(text: &Str, change: impl FnOnce(&str) -> Str) -> Value {
    change(&text.to_str()).into()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    match (std::str::from_utf8(haystack), std::str::from_utf8(needle)) {
        (Ok(haystack), Ok(needle)) => haystack.find(needle),
        _ => haystack.windows(needle.len()).position(|window| window == needle),
    }
}

/// Splits into at most `limit` parts; below zero without limit. An empty separator splits into characters.
pub(super) fn split(text: &Str, separator: &Str, limit: i64) -> Vec<Str> {
    let limit = if limit < 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
    let mut parts = Vec::new();
    let mut rest = text.as_bytes();
    if limit == 0 {
        return parts;
    }
    while parts.len() + 1 < limit {
        let (end, skip) = if separator.is_empty() {
            match strconv::decode_char(rest) {
                Some((_, size)) if size < rest.len() => (size, 0),
                _ => break,
            }
        } else {
            match find(rest, separator.as_bytes()) {
                Some(at) => (at, separator.len()),
                None => break,
            }
        };
        parts.push(Str::from(&rest[..end]));
        rest = &rest[end + skip..];
    }
    if !(separator.is_empty() && rest.is_empty()) {
        parts.push(Str::from(rest));
    }
    parts
}

fn numbered(parts: Vec<Str>) -> Value {
    let map = Map::typed(Type::String);
    for (i, part) in parts.into_iter().enumerate() {
        map.insert(format!("_{i}"), part);
    }
    map.into()
}

/// Joins with spaces what `show` makes of each argument that is not nil.
fn joined(args: Args<'_>, show: impl Fn(&Value) -> Result<Str, Fault>) -> Result<Value, Fault> {
    let shown: Vec<Str> =
        args.all().iter().filter(|value| !matches!(value, Value::Nil)).map(show).collect::<Result<_, _>>()?;
    let parts: Vec<&[u8]> = shown.iter().map(Str::as_bytes).collect();
    Ok(Str::from(parts.join(&b' ')).into())
}

fn repeat(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let text = args.string(1)?;
    let count = usize::try_from(args.int(0)?).map_err(|_| Fault::message("strings: negative Repeat count"))?;
    let length = text.len().saturating_mul(count);
    call.spend_bytes(length)?;
    if length > MAX_TEXT {
        return Err(Fault::message("strings: Repeat output length overflow"));
    }
    Ok(Str::from(text.as_bytes().repeat(count)).into())
}

fn replace(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let (old, new, text) = (args.string(0)?, args.string(1)?, args.string(2)?);
    if old.is_empty() {
        let chars = strconv::count_chars(text.as_bytes());
        call.spend_bytes(new.len().saturating_mul(chars + 1).saturating_add(text.len()))?;
        let mut out = new.as_bytes().to_vec();
        for part in split(text, &Str::EMPTY, -1) {
            out.extend_from_slice(part.as_bytes());
            out.extend_from_slice(new.as_bytes());
        }
        return Ok(Str::from(out).into());
    }
    let parts = split(text, old, -1);
    if parts.len() == 1 {
        return Ok(text.clone().into());
    }
    call.spend_bytes(new.len().saturating_mul(parts.len()).saturating_add(text.len()))?;
    let parts: Vec<&[u8]> = parts.iter().map(Str::as_bytes).collect();
    Ok(Str::from(parts.join(new.as_bytes())).into())
}

fn substr(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let (start, end, text) = (args.int(0)?, args.int(1)?, args.string(2)?.as_bytes());
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let out_of_range = |range: String| Fault::message(format!("runtime error: slice bounds out of range {range}"));
    let range = if start < 0 {
        match end {
            i64::MIN..0 => return Err(out_of_range(format!("[:{end}]"))),
            _ if end > length => return Err(out_of_range(format!("[:{end}] with length {length}"))),
            _ => 0..end,
        }
    } else {
        let end = if end < 0 || end > length { length } else { end };
        if start > end {
            return Err(out_of_range(format!("[{start}:{end}]")));
        }
        start..end
    };
    let index = |n: i64| usize::try_from(n).unwrap_or_default();
    Ok(Str::from(&text[index(range.start)..index(range.end)]).into())
}

/// The first `count` bytes, or with a negative count the last ones.
fn trunc(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let (count, text) = (args.int(0)?, args.string(1)?);
    let bytes = text.as_bytes();
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if size >= bytes.len() {
        return Ok(text.clone().into());
    }
    Ok(Str::from(if count < 0 { &bytes[bytes.len() - size..] } else { &bytes[..size] }).into())
}

/// Takes white space out. Upstream looks at bytes as if they were characters, so text beyond ASCII is garbled when
/// there is something to take out.
fn without_space(text: &Str) -> Str {
    let kept: String = text.as_bytes().iter().map(|b| char::from(*b)).filter(|c| !c.is_whitespace()).collect();
    if kept.chars().count() == text.len() { text.clone() } else { kept.into() }
}

/// The first byte of each word, taken for a character as upstream does.
fn initials(text: &[u8]) -> String {
    let mut after_gap = true;
    let mut initials = String::new();
    for c in text.iter().map(|b| char::from(*b)) {
        let gap = c.is_whitespace();
        if after_gap && !gap {
            initials.push(c);
        }
        after_gap = gap;
    }
    initials
}

/// Shortens to `width` bytes with `...` on the right, and on the left when the `offset` lies far enough inside.
fn abbreviate(text: &Str, offset: i64, width: i64) -> Value {
    let Some(width) = usize::try_from(width).ok().filter(|width| *width >= 4) else { return text.clone().into() };
    let bytes = text.as_bytes();
    if bytes.len() <= width {
        return text.clone().into();
    }
    let offset = usize::try_from(offset).unwrap_or(0).min(bytes.len() - (width - 3));
    if offset <= 4 {
        return Str::from([&bytes[..width - 3], b"..."].concat()).into();
    }
    if width < 7 {
        return "".into();
    }
    if offset + width - 3 < bytes.len() {
        return Str::from([b"...", &bytes[offset..offset + width - 6], b"..."].concat()).into();
    }
    Str::from([b"...", &bytes[bytes.len() - (width - 3)..]].concat()).into()
}

/// Breaks lines at spaces; words that are too long are cut if `cut`, else left whole.
fn wrap(call: &mut Call<'_>, text: &Str, width: i64, separator: &[u8], cut: bool) -> Result<Value, Fault> {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let mut rest = text.as_bytes();
    call.spend_bytes(rest.len().saturating_mul(separator.len()) / width)?;
    let mut out = Vec::with_capacity(rest.len());
    let is_space = |b: &u8| *b == b' ';
    while rest.len() > width {
        if rest[0] == b' ' {
            rest = &rest[1..];
            continue;
        }
        let (line, skip) = match rest[..=width].iter().rposition(is_space) {
            Some(space) => (space, 1),
            None if cut => (width, 0),
            None => match rest[width..].iter().position(is_space) {
                Some(space) => (width + space, 1),
                None => break,
            },
        };
        out.extend_from_slice(&rest[..line]);
        out.extend_from_slice(separator);
        rest = &rest[line + skip..];
    }
    out.extend_from_slice(rest);
    Ok(Str::from(out).into())
}

fn indent(call: &mut Call<'_>, args: Args<'_>, before: &str) -> Result<Value, Fault> {
    let width = usize::try_from(args.int(0)?).map_err(|_| Fault::message("strings: negative Repeat count"))?;
    let text = args.string(1)?.as_bytes();
    let newlines = memchr::memchr_iter(b'\n', text);
    let lines = newlines.clone().count().saturating_add(1);
    let length = lines.saturating_mul(width).saturating_add(text.len());
    call.spend_bytes(length)?;
    if length > MAX_TEXT {
        return Err(Fault::message("strings: Repeat output length overflow"));
    }
    let mut out = Vec::with_capacity(length + before.len());
    out.extend_from_slice(before.as_bytes());
    let mut start = 0;
    for end in newlines.map(|newline| newline + 1).chain([text.len()]) {
        out.resize(out.len() + width, b' ');
        out.extend_from_slice(&text[start..end]);
        start = end;
    }
    Ok(Str::from(out).into())
}
