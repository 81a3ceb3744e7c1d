//! What counts as empty, and the choices made by it: `default`, `coalesce`, `ternary`, `all`, `any`.

use crate::funcs::Funcs;
use crate::value::{Type, Value};

pub(super) fn register(funcs: &mut Funcs) {
    funcs.add_variadic("default", &[Type::Any, Type::Any], |_, args| {
        Ok(args.rest(1).first().filter(|given| !is_empty(given)).unwrap_or(args.get(0)).clone())
    });
    funcs.add("empty", &[Type::Any], |_, args| Ok(is_empty(args.get(0)).into()));
    funcs.add_variadic("coalesce", &[Type::Any], |_, args| {
        Ok(args.all().iter().find(|value| !is_empty(value)).cloned().into())
    });
    funcs.add_variadic("all", &[Type::Any], |_, args| Ok((!args.all().iter().any(is_empty)).into()));
    funcs.add_variadic("any", &[Type::Any], |_, args| Ok(args.all().iter().any(|value| !is_empty(value)).into()));
    funcs.add("ternary", &[Type::Any, Type::Any, Type::Bool], |_, args| {
        Ok(args.get(usize::from(!args.bool(2)?)).clone())
    });
}

/// Whether sprig takes a value for not given: nil, zero, false, nothing in it. A struct never is.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) if object.type_name().starts_with('*') => object.is_nil(),
        Value::Object(object) => object.underlying().is_some_and(|inner| is_empty(&inner)),
        other => !other.truth(),
    }
}
