//! Lists: `list`, `append`, `first`, `uniq`, `slice`, … and ranges of numbers.

use super::cast::to_int;
use super::defaults::is_empty;
use super::text::{strings_of, text_of};
use crate::funcs::{Args, Call, Fault, Funcs};
use crate::value::{List, Str, Type, Value, deep_equal};

pub(super) fn register(funcs: &mut Funcs) {
    const ANY: &[Type] = &[Type::Any];
    const ANY_2: &[Type] = &[Type::Any, Type::Any];
    for name in ["list", "tuple"] {
        funcs.add_variadic(name, ANY, |_, args| Ok(List::from(args.all().to_vec()).into()));
    }
    for name in ["append", "push", "mustAppend", "mustPush"] {
        funcs.add(name, ANY_2, append);
    }
    for name in ["prepend", "mustPrepend"] {
        funcs.add(name, ANY_2, prepend);
    }
    for name in ["first", "mustFirst"] {
        funcs.add(name, ANY, |_, args| Ok(items(args.get(0), "Cannot find first on type")?.first().cloned().into()));
    }
    for name in ["last", "mustLast"] {
        funcs.add(name, ANY, |_, args| Ok(items(args.get(0), "Cannot find last on type")?.last().cloned().into()));
    }
    for name in ["rest", "mustRest"] {
        funcs.add(name, ANY, |_, args| {
            let items = items(args.get(0), "Cannot find rest on type")?;
            Ok(items.get(1..).map_or_else(nil_list, |rest| List::from(rest.to_vec()).into()))
        });
    }
    for name in ["initial", "mustInitial"] {
        funcs.add(name, ANY, |_, args| {
            let items = items(args.get(0), "Cannot find initial on type")?;
            Ok(items.split_last().map_or_else(nil_list, |(_, initial)| List::from(initial.to_vec()).into()))
        });
    }
    for name in ["reverse", "mustReverse"] {
        funcs.add(name, ANY, |_, args| {
            let mut items = items(args.get(0), "Cannot find reverse on type")?;
            items.reverse();
            Ok(items.into())
        });
    }
    for name in ["compact", "mustCompact"] {
        funcs.add(name, ANY, |_, args| {
            let mut items = items(args.get(0), "Cannot compact on type")?;
            items.retain(|item| !is_empty(item));
            Ok(items.into())
        });
    }
    for name in ["uniq", "mustUniq"] {
        funcs.add(name, ANY, uniq);
    }
    for name in ["without", "mustWithout"] {
        funcs.add_variadic(name, ANY_2, without);
    }
    for name in ["has", "mustHas"] {
        funcs.add(name, ANY_2, has);
    }
    for name in ["slice", "mustSlice"] {
        funcs.add_variadic(name, ANY_2, slice);
    }
    for name in ["chunk", "mustChunk"] {
        funcs.add(name, &[Type::Int, Type::Any], chunk);
    }
    funcs.add_variadic("concat", ANY, concat);
    funcs.add("sortAlpha", ANY, sort_alpha);
    funcs.add("until", &[Type::Int], |call, args| {
        let stop = args.int(0)?;
        Ok(numbers(call, 0, stop, if stop < 0 { -1 } else { 1 })?.into())
    });
    funcs.add("untilStep", &[Type::Int, Type::Int, Type::Int], |call, args| {
        Ok(numbers(call, args.int(0)?, args.int(1)?, args.int(2)?)?.into())
    });
    funcs.add_variadic("seq", &[Type::Int], seq);
}

/// Takes the elements of any slice; `complaint` and the kind are Go's error for everything else.
fn items(value: &Value, complaint: &str) -> Result<Vec<Value>, Fault> {
    match value {
        Value::List(list) => Ok(list.to_vec()),
        Value::Bytes(bytes) => Ok(bytes.as_slice().iter().map(|byte| Value::Uint8(*byte)).collect()),
        Value::Nil => Err(nil_dereference()),
        Value::Object(object) if !object.type_name().starts_with('*') => match object.underlying() {
            Some(inner) => items(&inner, complaint),
            None => Err(Fault::message(format!("{complaint} {}", value.kind().name()))),
        },
        other => Err(Fault::message(format!("{complaint} {}", other.kind().name()))),
    }
}

/// What Go says when sprig asks nil for its type.
pub(super) fn nil_dereference() -> Fault {
    Fault::message("runtime error: invalid memory address or nil pointer dereference")
}

fn nil_list() -> Value {
    List::nil(Type::Any).into()
}

fn append(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let mut items = items(args.get(0), "Cannot push on type")?;
    items.push(args.get(1).clone());
    Ok(items.into())
}

fn prepend(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let mut items = items(args.get(0), "Cannot prepend on type")?;
    items.insert(0, args.get(1).clone());
    Ok(items.into())
}

fn uniq(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let mut kept: Vec<Value> = Vec::new();
    for item in items(args.get(0), "Cannot find uniq on type")? {
        if !contains(call, &kept, &item)? {
            kept.push(item);
        }
    }
    Ok(kept.into())
}

fn without(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let mut kept = Vec::new();
    for item in items(args.get(0), "Cannot find without on type")? {
        if !contains(call, args.rest(1), &item)? {
            kept.push(item);
        }
    }
    Ok(kept.into())
}

fn has(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    if matches!(args.get(1), Value::Nil) {
        return Ok(false.into());
    }
    let items = items(args.get(1), "Cannot find has on type")?;
    Ok(contains(call, &items, args.get(0))?.into())
}

fn contains(call: &mut Call<'_>, items: &[Value], needle: &Value) -> Result<bool, Fault> {
    call.spend_steps(items.len())?;
    for item in items {
        if deep_equal(needle, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn slice(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let elem = match args.get(0) {
        Value::List(list) => list.elem(),
        Value::Bytes(_) => Type::Uint8,
        _ => Type::Any,
    };
    let items = items(args.get(0), "list should be type of slice or array but")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.rest(1).first().map_or(0, to_int);
    let end = args.rest(2).first().map_or(i64::try_from(items.len()).unwrap_or(i64::MAX), to_int);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let part = range
        .and_then(|(start, end)| items.get(start..end))
        .ok_or_else(|| Fault::message("reflect.Value.Slice: slice index out of bounds"))?;
    if elem == Type::Uint8 {
        let bytes: Vec<u8> = part.iter().filter_map(|item| item.as_int().and_then(|n| u8::try_from(n).ok())).collect();
        return Ok(Value::Bytes(bytes.into()));
    }
    Ok(List::new(elem, part.to_vec()).into())
}

fn chunk(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let items = items(args.get(1), "Cannot chunk type")?;
    let size = usize::try_from(args.int(0)?).unwrap_or(0);
    if size == 0 {
        return Err(Fault::message("runtime error: makeslice: len out of range"));
    }
    let chunks = items.chunks(size).map(|chunk| List::from(chunk.to_vec()).into()).collect();
    Ok(List::new(Type::LIST, chunks).into())
}

fn concat(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let mut all = Vec::new();
    for list in args.all() {
        let part = match list {
            Value::Nil => return Err(nil_dereference()),
            other => items(other, "")
                .map_err(|_| Fault::message(format!("Cannot concat type {} as list", other.kind().name())))?,
        };
        all.extend(part);
    }
    Ok(if all.is_empty() { nil_list() } else { all.into() })
}

fn sort_alpha(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let value = args.get(0);
    if items(value, "").is_err() {
        return Ok(List::strings([text_of(value)?]).into());
    }
    let mut strings: Vec<Str> = strings_of(value)?;
    call.spend_steps(strings.len().saturating_mul(8))?;
    strings.sort();
    Ok(List::strings(strings).into())
}

/// The numbers from `start` up or down to `end`, which is left out.
fn numbers(call: &mut Call<'_>, start: i64, end: i64, step: i64) -> Result<List, Fault> {
    const NUMBER_BYTES: usize = std::mem::size_of::<Value>();
    let forward = start <= end;
    let mut numbers = Vec::new();
    if (forward && step > 0 && start < end) || (!forward && step < 0) {
        let count = usize::try_from(start.abs_diff(end).div_ceil(step.unsigned_abs())).unwrap_or(usize::MAX);
        call.spend_steps(count)?;
        call.spend_bytes(count.saturating_mul(NUMBER_BYTES))?;
        let mut next = Some(start);
        while let Some(n) = next.filter(|n| if forward { *n < end } else { *n > end }) {
            numbers.push(Value::Int(n));
            next = n.checked_add(step);
        }
    }
    Ok(List::new(Type::Int, numbers))
}

/// As the shell's `seq`: last; first and last; first, step and last.
fn seq(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let (start, step, end) = match args.len() {
        1 => (1, None, args.int(0)?),
        2 => (args.int(0)?, None, args.int(1)?),
        3 => (args.int(0)?, Some(args.int(1)?), args.int(2)?),
        _ => return Ok("".into()),
    };
    let direction = if end < start { -1 } else { 1 };
    if direction < 0 && step.is_some_and(|step| step > 0) {
        return Ok("".into());
    }
    let numbers = numbers(call, start, end.saturating_add(direction), step.unwrap_or(direction))?;
    let texts: Vec<String> = numbers.iter().filter_map(Value::as_int).map(|n| n.to_string()).collect();
    Ok(texts.join(" ").into())
}
