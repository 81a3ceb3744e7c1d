//! The extension for sets: `sets.contains`, `sets.equivalent` and `sets.intersects`, over lists.

use cel::common::types::{CelBool, LIST_TYPE};
use cel::common::value::CowVal;
use cel::objects::Value;
use cel::{Env, ExecutionError};

/// Adds the functions to an environment.
pub(crate) fn extension(env: &mut Env) -> Result<(), cel::DeclarationError> {
    let lists = || vec![LIST_TYPE, LIST_TYPE];
    env.add_overload("sets.contains", "list_sets_contains_list", lists(), |lists| compare(&lists, contains))?;
    env.add_overload("sets.equivalent", "list_sets_equivalent_list", lists(), |lists| {
        compare(&lists, |one, other| contains(one, other) && contains(other, one))
    })?;
    env.add_overload("sets.intersects", "list_sets_intersects_list", lists(), |lists| {
        compare(&lists, |one, other| one.iter().any(|item| other.contains(item)))
    })
}

fn contains(all: &[Value], some: &[Value]) -> bool {
    some.iter().all(|item| all.contains(item))
}

fn compare<'b, 'v>(
    lists: &[CowVal<'b, 'v>],
    how: impl Fn(&[Value], &[Value]) -> bool,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [one, other] = lists else { return Err(ExecutionError::invalid_argument_count(2, lists.len())) };
    match (Value::try_from(one.as_ref())?, Value::try_from(other.as_ref())?) {
        (Value::List(one), Value::List(other)) => Ok(CowVal::Owned(Box::new(CelBool::from(how(&one, &other))))),
        (one, _) => Err(ExecutionError::unsupported_target_type(one)),
    }
}
