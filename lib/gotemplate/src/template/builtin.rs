//! The functions that every template has.

use super::eval::{Arguments, Params};
use super::exec::Dot;
use super::{compare, escape};
use crate::fmt;
use crate::funcs::{Args, Call, Fault};
use crate::value::{Bytes, Kind, List, Signature, Str, Type, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    And,
    Or,
    Not,
    Call,
    Index,
    Slice,
    Len,
    Print,
    Printf,
    Println,
    Html,
    Js,
    UrlQuery,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Builtin {
    /// The function of that name, and its name.
    pub(super) fn named(name: &str) -> Option<(&'static str, Self)> {
        Self::NAMES.iter().find(|(known, _)| *known == name).copied()
    }

    const NAMES: [(&'static str, Self); 19] = [
        ("and", Self::And),
        ("or", Self::Or),
        ("not", Self::Not),
        ("call", Self::Call),
        ("index", Self::Index),
        ("slice", Self::Slice),
        ("len", Self::Len),
        ("print", Self::Print),
        ("printf", Self::Printf),
        ("println", Self::Println),
        ("html", Self::Html),
        ("js", Self::Js),
        ("urlquery", Self::UrlQuery),
        ("eq", Self::Eq),
        ("ne", Self::Ne),
        ("lt", Self::Lt),
        ("le", Self::Le),
        ("gt", Self::Gt),
        ("ge", Self::Ge),
    ];

    pub(super) fn params(self) -> Params {
        match self {
            Self::And | Self::Or | Self::Call | Self::Index | Self::Slice | Self::Eq => {
                Params::Raw { fixed: 1, variadic: true }
            }
            Self::Not | Self::Len => Params::Raw { fixed: 1, variadic: false },
            Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge => Params::Raw { fixed: 2, variadic: false },
            Self::Printf => Params::Typed(Signature::variadic(&[Type::String, Type::Any])),
            Self::Print | Self::Println | Self::Html | Self::Js | Self::UrlQuery => {
                Params::Typed(Signature::variadic(&[Type::Any]))
            }
        }
    }
}

/// Calls a built-in function other than `and` and `or`, which do not evaluate all of their arguments, and [`length`] and
/// [`slice`], which tell nil from no value.
pub(super) fn invoke(builtin: Builtin, call: &mut Call<'_>, args: &[Value], callee: &str) -> Result<Value, Fault> {
    let Some((first, rest)) = args.split_first() else {
        return match builtin {
            Builtin::Println => Ok(Value::string("\n")),
            _ => Ok(Value::string("")),
        };
    };
    let pair = |compare: fn(&Value, &Value) -> Result<bool, Fault>| -> Result<Value, Fault> {
        compare(first, rest.first().unwrap_or(&Value::Nil)).map(Value::Bool)
    };
    match builtin {
        Builtin::And | Builtin::Or | Builtin::Len | Builtin::Slice => Ok(first.clone()),
        Builtin::Not => Ok(Value::Bool(!first.truth())),
        Builtin::Call => call_value(call, callee, first, rest),
        Builtin::Index => index(first, rest),
        Builtin::Print => Ok(Value::string(call.printed(fmt::sprint(args, call.bytes_left()))?)),
        Builtin::Println => Ok(Value::string(call.printed(fmt::sprintln(args, call.bytes_left()))?)),
        Builtin::Printf => match first {
            Value::String(format) => call.sprintf(format.as_bytes(), rest).map(Value::String),
            _ => Err(Fault::message("printf needs a format")),
        },
        Builtin::Html => Ok(Value::string(escape::html(&escape::text(call, args)?))),
        Builtin::Js => Ok(Value::string(escape::js(&escape::text(call, args)?))),
        Builtin::UrlQuery => Ok(Value::string(escape::url_query(&escape::text(call, args)?))),
        Builtin::Eq => compare::eq(first, rest).map(Value::Bool),
        Builtin::Ne => pair(compare::ne),
        Builtin::Lt => pair(compare::lt),
        Builtin::Le => pair(compare::le),
        Builtin::Gt => pair(compare::gt),
        Builtin::Ge => pair(compare::ge),
    }
}

pub(super) fn length(value: Option<&Value>) -> Result<Value, Fault> {
    let count = match value {
        None => return Err(Fault::message("reflect: call of reflect.Value.Type on zero Value")),
        Some(Value::Nil) => return Err(Fault::message("len of nil pointer")),
        Some(Value::String(text)) => text.len(),
        Some(Value::Bytes(bytes)) => bytes.len(),
        Some(Value::List(list)) => list.len(),
        Some(Value::Map(map)) => map.len(),
        Some(Value::Object(object)) if object.is_nil() => return Err(Fault::message("len of nil pointer")),
        Some(Value::Object(object)) if object.underlying().is_some() => return length(object.underlying().as_ref()),
        Some(other) => return Err(Fault::message(format!("len of type {}", pointee_type(other)))),
    };
    Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

/// The type of what a pointer points to, or of the value itself.
fn pointee_type(value: &Value) -> String {
    value.type_name().trim_start_matches('*').to_owned()
}

/// A position in something of that length; it may be one past the end.
fn position(index: &Value, length: usize) -> Result<usize, Fault> {
    let number = match index {
        Value::Nil => return Err(Fault::message("cannot index slice/array with nil")),
        Value::Uint64(n) => n.cast_signed(),
        other => match other.as_int() {
            Some(n) => n,
            None => return Err(Fault::message(format!("cannot index slice/array with type {}", other.type_name()))),
        },
    };
    usize::try_from(number)
        .ok()
        .filter(|&number| number <= length)
        .ok_or_else(|| Fault::message(format!("index out of range: {number}")))
}

fn index(item: &Value, indexes: &[Value]) -> Result<Value, Fault> {
    if matches!(item, Value::Nil) {
        return Err(Fault::message("index of untyped nil"));
    }
    let mut item = item.clone();
    for index in indexes {
        item = element(&item, index)?;
    }
    Ok(item)
}

fn element(item: &Value, index: &Value) -> Result<Value, Fault> {
    let beyond = |what| Fault::message(format!("reflect: {what} index out of range"));
    match item {
        Value::Nil => Err(Fault::message("index of nil pointer")),
        Value::String(text) => {
            let i = position(index, text.len())?;
            text.as_bytes().get(i).map(|&byte| Value::Uint8(byte)).ok_or_else(|| beyond("string"))
        }
        Value::Bytes(bytes) => {
            let i = position(index, bytes.len())?;
            bytes.as_slice().get(i).map(|&byte| Value::Uint8(byte)).ok_or_else(|| beyond("slice"))
        }
        Value::List(list) => {
            let i = position(index, list.len())?;
            list.get(i).cloned().ok_or_else(|| beyond("slice"))
        }
        Value::Map(map) => match index {
            Value::String(key) => Ok(map.get(key).unwrap_or_else(|| map.elem().zero())),
            Value::Nil => Err(Fault::message("value is nil; should be of type string")),
            other => Err(Fault::message(format!("value has type {}; should be string", other.type_name()))),
        },
        Value::Object(object) if object.is_nil() => Err(Fault::message("index of nil pointer")),
        Value::Object(object) => match object.underlying() {
            Some(item) => element(&item, index),
            None => Err(Fault::message(format!("can't index item of type {}", pointee_type(item)))),
        },
        other => Err(Fault::message(format!("can't index item of type {}", other.type_name()))),
    }
}

pub(super) fn slice(call: &mut Call<'_>, args: Arguments<Dot>) -> Result<Value, Fault> {
    let mut args = args.into_iter();
    let mut item = args.next().unwrap_or_default().into_value();
    let indexes: Arguments<Dot> = args.collect();
    if let Value::Object(object) = &item
        && !object.is_nil()
        && object.kind() != Kind::Map
        && let Some(underlying) = object.underlying()
    {
        item = underlying;
    }
    let length = match &item {
        Value::Nil => return Err(Fault::message("slice of untyped nil")),
        Value::Object(object) if object.is_nil() => return Err(Fault::message("slice of nil pointer")),
        _ if indexes.len() > 3 => return Err(Fault::message(format!("too many slice indexes: {}", indexes.len()))),
        Value::String(_) if indexes.len() == 3 => return Err(Fault::message("cannot 3-index slice a string")),
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        other => return Err(Fault::message(format!("can't slice item of type {}", pointee_type(other)))),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        // Unlike `index`, Go's `slice` does not look into an interface.
        if index.boxed {
            return Err(Fault::message("cannot index slice/array with type interface {}"));
        }
        *bound = position(&index.into_value(), length)?;
    }
    let [start, end, capacity] = bounds;
    for (low, high) in [(start, end), (end, capacity)] {
        if low > high {
            return Err(Fault::message(format!("invalid slice index: {low} > {high}")));
        }
    }
    call.spend_steps(end - start)?;
    Ok(match item {
        Value::String(text) => Value::String(Str::from(text.as_bytes().get(start..end).unwrap_or_default())),
        Value::Bytes(bytes) => Value::Bytes(Bytes::from(bytes.as_slice().get(start..end).unwrap_or_default())),
        Value::List(list) => Value::List(List::new(list.elem(), list.get(start..end).unwrap_or_default().to_vec())),
        other => other,
    })
}

fn call_value(call: &mut Call<'_>, name: &str, callee: &Value, args: &[Value]) -> Result<Value, Fault> {
    let func = match callee {
        Value::Nil => return Err(Fault::message("call of nil")),
        Value::Func(func) => func,
        other => return Err(Fault::message(format!("non-function {name} of type {}", other.type_name()))),
    };
    let signature = func.signature();
    let (got, params) = (args.len(), signature.params.len());
    if signature.variadic && got + 1 < params {
        let want = params - 1;
        return Err(Fault::message(format!("wrong number of args for {name}: got {got} want at least {want}")));
    }
    if !signature.variadic && got != params {
        return Err(Fault::message(format!("wrong number of args for {name}: got {got} want {params}")));
    }
    let prepared = args
        .iter()
        .enumerate()
        .map(|(i, arg)| prepare(arg, signature.param(i)).map_err(|why| Fault::message(format!("arg {i}: {why}"))))
        .collect::<Result<Vec<_>, _>>()?;
    func.invoke(call, Args::new(&prepared))
}

/// Makes an argument of `call` fit a parameter: integers convert, nil becomes the type's nil.
fn prepare(value: &Value, ty: Type) -> Result<Value, String> {
    if value.is(ty) {
        return Ok(value.clone());
    }
    if matches!(value, Value::Nil) {
        return if ty.is_nilable() { Ok(ty.zero()) } else { Err(format!("value is nil; should be of type {ty}")) };
    }
    let bits = match value {
        Value::Uint64(n) => Some(n.cast_signed()),
        other => other.as_int(),
    };
    convert(bits, ty).ok_or_else(|| format!("value has type {}; should be {ty}", value.type_name()))
}

/// Converts as Go converts integers: what does not fit is cut off.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "this is Go's conversion")]
fn convert(bits: Option<i64>, ty: Type) -> Option<Value> {
    let bits = bits?;
    Some(match ty {
        Type::Int => Value::Int(bits),
        Type::Int64 => Value::Int64(bits),
        Type::Int32 => Value::Int32(bits as i32),
        Type::Uint8 => Value::Uint8(bits as u8),
        Type::Uint32 => Value::Uint32(bits as u32),
        Type::Uint64 => Value::Uint64(bits as u64),
        _ => return None,
    })
}
