//! Regular expressions, by the rules of Go's RE2.

use std::sync::Arc;

use super::text::MAX_TEXT;
use crate::funcs::{Args, Call, Fault, Funcs};
use crate::value::{List, Str, Type, Value};
use re2::BytesRegex as Regex;
use regex::bytes::Captures;

pub(super) fn register(funcs: &mut Funcs) {
    const TEXT_2: &[Type] = &[Type::String, Type::String];
    const TEXT_3: &[Type] = &[Type::String, Type::String, Type::String];
    const TEXT_2_INT: &[Type] = &[Type::String, Type::String, Type::Int];
    funcs.add("regexMatch", TEXT_2, |call, args| {
        Ok(compile(call, args).is_ok_and(|(regex, text)| regex.is_match(text.as_bytes())).into())
    });
    funcs.add("mustRegexMatch", TEXT_2, |call, args| {
        let (regex, text) = compile(call, args)?;
        Ok(regex.is_match(text.as_bytes()).into())
    });
    for name in ["regexFind", "mustRegexFind"] {
        funcs.add(name, TEXT_2, |call, args| {
            let (regex, text) = compile(call, args)?;
            Ok(regex.find(text.as_bytes()).map_or(Str::EMPTY, |found| found.as_bytes().into()).into())
        });
    }
    for name in ["regexFindAll", "mustRegexFindAll"] {
        funcs.add(name, TEXT_2_INT, find_all);
    }
    for name in ["regexReplaceAll", "mustRegexReplaceAll"] {
        funcs.add(name, TEXT_3, |call, args| {
            let template = args.string(2)?.as_bytes();
            replace_all(call, args, |regex, captures, out| expand(regex, template, captures, out))
        });
    }
    for name in ["regexReplaceAllLiteral", "mustRegexReplaceAllLiteral"] {
        funcs.add(name, TEXT_3, |call, args| {
            let replacement = args.string(2)?.as_bytes();
            replace_all(call, args, |_, _, out| out.extend_from_slice(replacement))
        });
    }
    for name in ["regexSplit", "mustRegexSplit"] {
        funcs.add(name, TEXT_2_INT, split);
    }
    funcs.add("regexQuoteMeta", &[Type::String], |_, args| {
        let mut quoted = Vec::new();
        for byte in args.string(0)?.as_bytes() {
            if b"\\.+*?()|[]{}^$".contains(byte) {
                quoted.push(b'\\');
            }
            quoted.push(*byte);
        }
        Ok(Str::from(quoted).into())
    });
}

/// Compiles the first argument, and accounts for running it over the second.
fn compile<'a>(call: &mut Call<'_>, args: Args<'a>) -> Result<(Arc<Regex>, &'a Str), Fault> {
    /// A step is some 50 ns, in which a simple expression compiles a few characters and matches some 50 bytes.
    const COMPILE_STEPS: usize = 200;
    const BYTES_PER_STEP: usize = 16;
    let pattern = args.string(0)?;
    call.spend_steps(COMPILE_STEPS + pattern.len() * 20 + args.string(1)?.len() / BYTES_PER_STEP)?;
    Ok((call.pattern(pattern)?, args.string(1)?))
}

/// Every match as Go counts them: an empty match right behind another match is none.
fn matches(regex: &Regex, text: &[u8], limit: i64) -> Vec<(usize, usize)> {
    let limit = if limit < 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
    regex.find_iter(text).map(|found| (found.start(), found.end())).take(limit).collect()
}

fn find_all(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let (regex, text) = compile(call, args)?;
    let text = text.as_bytes();
    let found = matches(&regex, text, args.int(2)?);
    call.spend_bytes(found.len().saturating_mul(std::mem::size_of::<Value>()))?;
    if found.is_empty() {
        return Ok(List::nil(Type::String).into());
    }
    Ok(List::strings(found.into_iter().map(|(start, end)| Str::from(&text[start..end]))).into())
}

fn split(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let (regex, text) = compile(call, args)?;
    let limit = args.int(2)?;
    if limit == 0 {
        return Ok(List::nil(Type::String).into());
    }
    let text = text.as_bytes();
    if text.is_empty() && !args.string(0)?.is_empty() {
        return Ok(List::strings([""]).into());
    }
    let found = matches(&regex, text, limit);
    call.spend_bytes(found.len().saturating_mul(std::mem::size_of::<Value>()))?;
    let mut parts: Vec<Str> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for (start, stop) in found {
        if limit > 0 && i64::try_from(parts.len()).is_ok_and(|count| count == limit - 1) {
            break;
        }
        end = start;
        if stop != 0 {
            parts.push(Str::from(&text[begin..end]));
        }
        begin = stop;
    }
    if end != text.len() {
        parts.push(Str::from(&text[begin..]));
    }
    Ok(List::strings(parts).into())
}

fn replace_all(
    call: &mut Call<'_>,
    args: Args<'_>,
    replacement: impl Fn(&Regex, &Captures<'_>, &mut Vec<u8>),
) -> Result<Value, Fault> {
    let (regex, text) = compile(call, args)?;
    let text = text.as_bytes();
    let mut out = Vec::with_capacity(text.len());
    let mut end = 0;
    let mut spent = 0;
    for captures in regex.captures_iter(text) {
        let Some(found) = captures.get(0) else { continue };
        out.extend_from_slice(&text[end..found.start()]);
        replacement(&regex, &captures, &mut out);
        end = found.end();
        call.spend_bytes(out.len().saturating_sub(spent))?;
        spent = out.len();
        if out.len() > MAX_TEXT {
            return Err(Fault::message("the replaced text is too long"));
        }
    }
    out.extend_from_slice(&text[end..]);
    Ok(Str::from(out).into())
}

/// Expands `$1`, `${1}`, `$name` and `$$`. A name is the longest run of word characters; an unknown one is nothing.
fn expand(regex: &Regex, template: &[u8], captures: &Captures<'_>, out: &mut Vec<u8>) {
    let mut rest = template;
    while let Some(dollar) = rest.iter().position(|b| *b == b'$') {
        out.extend_from_slice(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix(b"$") {
            out.push(b'$');
            rest = after;
            continue;
        }
        let Some((name, after)) = reference(rest) else {
            out.push(b'$');
            continue;
        };
        rest = after;
        let group = if let Ok(number) = name.parse::<usize>() {
            captures.get(number)
        } else {
            let last = regex.capture_names().enumerate().filter(|(_, group)| *group == Some(name)).last();
            last.and_then(|(number, _)| captures.get(number))
        };
        out.extend_from_slice(group.map_or(&[], |found| found.as_bytes()));
    }
    out.extend_from_slice(rest);
}

/// The name behind a `$`, and what follows it.
fn reference(text: &[u8]) -> Option<(&str, &[u8])> {
    let (text, braced) = match text.strip_prefix(b"{") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let end = text.iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_')).unwrap_or(text.len());
    let (name, after) = text.split_at(end);
    let after = if braced { after.strip_prefix(b"}")? } else { after };
    (!name.is_empty()).then_some((std::str::from_utf8(name).ok()?, after))
}
