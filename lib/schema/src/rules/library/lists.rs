//! What can be asked of a list: whether it is sorted, its sum, its least and greatest, where something is.

use std::cmp::Ordering;

use cel::common::types::{CelBool, CelInt, DYN_TYPE, LIST_TYPE};
use cel::common::value::{CowVal, Val};
use cel::objects::Value;
use cel::{DeclarationError, Env, ExecutionError};

pub(super) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_member_overload("isSorted", "list_is_sorted", LIST_TYPE, Vec::new(), |arguments| {
        let items = items(&arguments)?;
        let is =
            items.iter().zip(items.iter().skip(1)).all(|(one, next)| compare(one, next) != Some(Ordering::Greater));
        Ok(CowVal::Owned(Box::new(CelBool::from(is))))
    })?;
    env.add_member_overload("sum", "list_sum", LIST_TYPE, Vec::new(), |arguments| {
        let mut sum = Value::Int(0);
        for (index, item) in items(&arguments)?.iter().enumerate() {
            sum = if index == 0 { item.clone() } else { add(&sum, item)? };
        }
        owned(sum)
    })?;
    env.add_member_overload("min", "list_min", LIST_TYPE, Vec::new(), |arguments| extreme(&arguments, Ordering::Less))?;
    env.add_member_overload("max", "list_max", LIST_TYPE, Vec::new(), |arguments| {
        extreme(&arguments, Ordering::Greater)
    })?;
    env.add_member_overload("indexOf", "list_index_of", LIST_TYPE, vec![DYN_TYPE], |arguments| {
        position(&arguments, |items, wanted| items.iter().position(|item| item == wanted))
    })?;
    env.add_member_overload("lastIndexOf", "list_last_index_of", LIST_TYPE, vec![DYN_TYPE], |arguments| {
        position(&arguments, |items, wanted| items.iter().rposition(|item| item == wanted))
    })
}

fn items(arguments: &[CowVal<'_, '_>]) -> Result<Vec<Value>, ExecutionError> {
    let list = arguments.first().ok_or_else(ExecutionError::missing_argument_or_target)?;
    match Value::try_from(list.as_ref())? {
        Value::List(items) => Ok(items.to_vec()),
        other => Err(ExecutionError::unsupported_target_type(other)),
    }
}

fn owned<'b, 'v>(value: Value) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value: Box<dyn Val> = value.try_into()?;
    Ok(CowVal::Owned(value))
}

fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    one.partial_cmp(other)
}

fn add(one: &Value, other: &Value) -> Result<Value, ExecutionError> {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => one.checked_add(*other).map(Value::Int),
        (Value::UInt(one), Value::UInt(other)) => one.checked_add(*other).map(Value::UInt),
        (Value::Float(one), Value::Float(other)) => Some(Value::Float(one + other)),
        (Value::Duration(one), Value::Duration(other)) => one.checked_add(other).map(Value::Duration),
        _ => None,
    }
    .ok_or_else(|| ExecutionError::function_error("sum", "no such overload, or it overflows"))
}

fn extreme<'b, 'v>(arguments: &[CowVal<'b, 'v>], wanted: Ordering) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let items = items(arguments)?;
    let mut found: Option<Value> = None;
    for item in items {
        if found.as_ref().is_none_or(|best| compare(&item, best) == Some(wanted)) {
            found = Some(item);
        }
    }
    let found = found.ok_or_else(|| ExecutionError::function_error("min", "called on empty list"))?;
    owned(found)
}

fn position<'b, 'v>(
    arguments: &[CowVal<'b, 'v>],
    find: impl Fn(&[Value], &Value) -> Option<usize>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let items = items(arguments)?;
    let wanted = arguments.get(1).ok_or_else(ExecutionError::missing_argument_or_target)?;
    let wanted = Value::try_from(wanted.as_ref())?;
    let index = find(&items, &wanted).and_then(|index| i64::try_from(index).ok()).unwrap_or(-1);
    Ok(CowVal::Owned(Box::new(CelInt::from(index))))
}
