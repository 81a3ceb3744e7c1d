//! Dictionaries. They are Go maps: `set`, `unset` and the merges change what every holder sees.

use super::text::text_of;
use crate::funcs::{Args, Call, Fault, Funcs};
use crate::value::{List, MAX_NESTING, Map, Str, Type, Value};

pub(super) fn register(funcs: &mut Funcs) {
    const KEY: &[Type] = &[Type::MAP, Type::String];
    funcs.add_variadic("dict", &[Type::Any], dict);
    funcs.add("get", KEY, |_, args| Ok(args.map(0)?.get(args.string(1)?).unwrap_or_else(|| "".into())));
    funcs.add("set", &[Type::MAP, Type::String, Type::Any], |call, args| {
        let map = args.map(0)?;
        call.set(&map, args.string(1)?.clone(), args.get(2).clone())?;
        Ok(map.into())
    });
    funcs.add("unset", KEY, |call, args| {
        let map = args.map(0)?;
        call.unset(&map, args.string(1)?);
        Ok(map.into())
    });
    funcs.add("hasKey", KEY, |_, args| Ok(args.map(0)?.contains(args.string(1)?).into()));
    funcs.add_variadic("pluck", &[Type::String, Type::MAP], |_, args| {
        let mut found = Vec::new();
        for i in 1..args.len() {
            found.extend(args.map(i)?.get(args.string(0)?));
        }
        Ok(found.into())
    });
    funcs.add_variadic("keys", &[Type::MAP], |_, args| {
        let mut keys = Vec::new();
        for i in 0..args.len() {
            keys.extend(args.map(i)?.keys());
        }
        Ok(List::strings(keys).into())
    });
    funcs.add("values", &[Type::MAP], |_, args| Ok(args.map(0)?.values().into()));
    funcs.add_variadic("pick", KEY, |_, args| {
        let (from, picked) = (args.map(0)?, Map::new());
        for i in 1..args.len() {
            if let Some(value) = from.get(args.string(i)?) {
                picked.insert(args.string(i)?.clone(), value);
            }
        }
        Ok(picked.into())
    });
    funcs.add_variadic("omit", KEY, |_, args| {
        let rest = Map::from_iter(args.map(0)?.entries());
        for i in 1..args.len() {
            rest.remove(args.string(i)?);
        }
        Ok(rest.into())
    });
    for (name, over) in [("merge", false), ("mustMerge", false), ("mergeOverwrite", true), ("mustMergeOverwrite", true)]
    {
        funcs.add_variadic(name, &[Type::MAP, Type::MAP], move |call, args| {
            let target = args.map(0)?;
            for i in 1..args.len() {
                merge(call, &target, &args.map(i)?, over, 0)?;
            }
            Ok(target.into())
        });
    }
    for name in ["deepCopy", "mustDeepCopy"] {
        funcs.add(name, &[Type::Any], |call, args| deep_copy(call, args.get(0), 0));
    }
    funcs.add_variadic("dig", &[Type::Any], dig);
}

fn dict(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let dict = Map::new();
    for pair in args.all().chunks(2) {
        if let Some(key) = pair.first() {
            dict.insert(text_of(key)?, pair.get(1).cloned().unwrap_or_else(|| "".into()));
        }
    }
    Ok(dict.into())
}

/// Merges `source` into `target`, table by table.
///
/// Without `over` only what is missing or empty is filled in. With it everything is replaced, by empty values too, but
/// a list only replaces what is empty or when `over` is set. Tables that `target` lacks are shared, not copied: a later
/// merge into `target` changes `source`.
///
/// # Source
/// `dario.cat/mergo` 1.0.1 as sprig calls it; Go tells the cases apart by reflection, this by what is observable.
fn merge(call: &mut Call<'_>, target: &Map, source: &Map, over: bool, depth: usize) -> Result<(), Fault> {
    if depth > MAX_NESTING {
        return Err(Fault::message("merged dictionaries nest too deeply"));
    }
    if target.same(source) {
        return Ok(());
    }
    let entries = source.entries();
    call.spend_steps(entries.len())?;
    for (key, new) in entries {
        let old = target.get(&key);
        if matches!(new, Value::Nil) {
            if over {
                call.set(target, key, Value::Nil)?;
            }
            continue;
        }
        if let (Some(old), Some(new)) = (old.as_ref().and_then(Value::as_map), new.as_map()) {
            merge(call, &old, &new, over, depth + 1)?;
            if !old.is_empty() {
                continue;
            }
        }
        if over || old.as_ref().is_none_or(super::defaults::is_empty) {
            call.set(target, key, new)?;
        }
    }
    Ok(())
}

fn deep_copy(call: &mut Call<'_>, value: &Value, depth: usize) -> Result<Value, Fault> {
    if depth > MAX_NESTING {
        return Err(Fault::message("copied values nest too deeply"));
    }
    match value {
        Value::Map(map) if !map.is_nil() => {
            let entries = map.entries();
            call.spend_steps(entries.len())?;
            let copy = Map::typed(map.elem());
            for (key, value) in entries {
                copy.insert(key, deep_copy(call, &value, depth + 1)?);
            }
            Ok(copy.into())
        }
        Value::List(list) if !list.is_nil() => {
            call.spend_steps(list.len())?;
            let items: Result<_, _> = list.iter().map(|item| deep_copy(call, item, depth + 1)).collect();
            Ok(List::new(list.elem(), items?).into())
        }
        Value::Object(object) if !object.type_name().starts_with('*') => match object.underlying() {
            Some(inner) => deep_copy(call, &inner, depth + 1),
            None => Ok(value.clone()),
        },
        other => Ok(other.clone()),
    }
}

/// `dig "a" "b" default dict`: a plain dictionary all the way, which `.Values` itself is not.
fn dig(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let (keys, default, mut step) = match args.all() {
        [keys @ .., default, dict] if !keys.is_empty() => (keys, default, dict.clone()),
        _ => return Err(Fault::message("dig needs at least three arguments")),
    };
    let keys: Vec<&Str> = keys
        .iter()
        .map(|key| match key {
            Value::String(key) => Ok(key),
            other => Err(conversion(other, "string")),
        })
        .collect::<Result<_, _>>()?;
    for key in keys {
        let next = match &step {
            Value::Map(map) if map.elem() == Type::Any => map.get(key),
            other => return Err(conversion(other, "map[string]interface {}")),
        };
        match next {
            Some(next) => step = next,
            None => return Ok(default.clone()),
        }
    }
    Ok(step)
}

fn conversion(found: &Value, wanted: &str) -> Fault {
    let found = if matches!(found, Value::Nil) { "nil".into() } else { found.type_name() };
    Fault::message(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
}
