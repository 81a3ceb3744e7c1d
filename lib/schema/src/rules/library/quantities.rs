//! `quantity('1Gi')` and what can be asked of it.

use cel::common::types::{CelBool, CelDouble, CelInt, CelString};
use cel::{DeclarationError, Env, ExecutionError};
use notation::quantity::Quantity as Amount;

use expression::opaque;

opaque!(
    /// An amount of something.
    pub(super) Quantity(Amount),
    "kubernetes.Quantity"
);

pub(super) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_overload!(env, fn quantity: (CelString) -> Result<Quantity>)?;
    cel::add_overload!(env, fn is_quantity: (CelString) -> CelBool)?;
    cel::add_member_overload!(env, fn sign: (Quantity) -> CelInt)?;
    cel::add_member_overload!(env, fn is_integer: (Quantity) -> CelBool)?;
    cel::add_member_overload!(env, fn as_integer: (Quantity) -> Result<CelInt>)?;
    cel::add_member_overload!(env, fn as_approximate_float: (Quantity) -> CelDouble)?;
    cel::add_member_overload!(env, fn is_greater_than: (Quantity, Quantity) -> CelBool)?;
    cel::add_member_overload!(env, fn is_less_than: (Quantity, Quantity) -> CelBool)?;
    cel::add_member_overload!(env, fn compare_to: (Quantity, Quantity) -> CelInt)?;
    cel::add_member_overload!(env, fn add: (Quantity, Quantity) -> Quantity)?;
    cel::add_member_overload!(env, fn add_integer: (Quantity, CelInt) -> Quantity, name = "add")?;
    cel::add_member_overload!(env, fn sub: (Quantity, Quantity) -> Quantity)?;
    cel::add_member_overload!(env, fn sub_integer: (Quantity, CelInt) -> Quantity, name = "sub")
}

fn quantity(text: &CelString<'_>) -> Result<Quantity, ExecutionError> {
    text.inner().parse().map(Quantity).map_err(|error: notation::quantity::QuantityError| {
        ExecutionError::function_error("quantity", error.to_string())
    })
}

fn is_quantity(text: &CelString<'_>) -> CelBool {
    text.inner().parse::<Amount>().is_ok().into()
}

fn sign(this: &Quantity) -> CelInt {
    this.0.sign().into()
}

fn is_integer(this: &Quantity) -> CelBool {
    this.0.as_whole().is_some().into()
}

fn as_integer(this: &Quantity) -> Result<CelInt, ExecutionError> {
    let whole = this.0.as_whole().map(CelInt::from);
    whole.ok_or_else(|| ExecutionError::function_error("asInteger", "cannot convert value to integer"))
}

fn as_approximate_float(this: &Quantity) -> CelDouble {
    this.0.approximately().into()
}

fn is_greater_than(this: &Quantity, other: &Quantity) -> CelBool {
    (this.0 > other.0).into()
}

fn is_less_than(this: &Quantity, other: &Quantity) -> CelBool {
    (this.0 < other.0).into()
}

fn compare_to(this: &Quantity, other: &Quantity) -> CelInt {
    CelInt::from(this.0.cmp(&other.0) as i64)
}

fn add(this: &Quantity, other: &Quantity) -> Quantity {
    Quantity(this.0.plus(other.0))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "functions of CEL take references")]
fn add_integer(this: &Quantity, other: &CelInt) -> Quantity {
    Quantity(this.0.plus(Amount::whole(*other.inner())))
}

fn sub(this: &Quantity, other: &Quantity) -> Quantity {
    Quantity(this.0.minus(other.0))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "functions of CEL take references")]
fn sub_integer(this: &Quantity, other: &CelInt) -> Quantity {
    Quantity(this.0.minus(Amount::whole(*other.inner())))
}
