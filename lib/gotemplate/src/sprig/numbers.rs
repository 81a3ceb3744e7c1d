//! Arithmetic. Integers are `int64` and wrap around; `addf` and its like compute in decimal.

use super::cast::{to_float, to_int};
use super::decimal::Decimal;
use super::text::print;
use crate::funcs::{Args, Call, Fault, Funcs};
use crate::strconv;
use crate::value::{Type, Value};

pub(super) fn register(funcs: &mut Funcs) {
    const ANY: &[Type] = &[Type::Any];
    const ANY_2: &[Type] = &[Type::Any, Type::Any];
    funcs.add("int", ANY, |_, args| Ok(Value::Int(to_int(args.get(0)))));
    funcs.add("int64", ANY, |_, args| Ok(Value::Int64(to_int(args.get(0)))));
    funcs.add("float64", ANY, |_, args| Ok(to_float(args.get(0)).into()));
    funcs.add("atoi", &[Type::String], |_, args| Ok(Value::Int(atoi(&args.text(0)?))));
    funcs.add("toDecimal", ANY, |_, args| {
        let text = print(args.get(0))?;
        Ok(Value::Int64(text.as_str().and_then(|text| strconv::parse_int(text, 8).ok()).unwrap_or(0)))
    });
    funcs.add("add1", ANY, |_, args| Ok(Value::Int64(to_int(args.get(0)).wrapping_add(1))));
    funcs.add_variadic("add", ANY, |_, args| {
        Ok(Value::Int64(args.all().iter().fold(0, |sum, value| sum.wrapping_add(to_int(value)))))
    });
    funcs.add("sub", ANY_2, |_, args| Ok(Value::Int64(to_int(args.get(0)).wrapping_sub(to_int(args.get(1))))));
    funcs.add_variadic("mul", ANY_2, |_, args| {
        Ok(Value::Int64(
            args.rest(1).iter().fold(to_int(args.get(0)), |product, value| product.wrapping_mul(to_int(value))),
        ))
    });
    funcs.add("div", ANY_2, |_, args| {
        let divisor = divisor(args)?;
        Ok(Value::Int64(to_int(args.get(0)).wrapping_div(divisor)))
    });
    funcs.add("mod", ANY_2, |_, args| {
        let divisor = divisor(args)?;
        Ok(Value::Int64(to_int(args.get(0)).wrapping_rem(divisor)))
    });
    for name in ["max", "biggest"] {
        funcs.add_variadic(name, ANY_2, |_, args| Ok(Value::Int64(args.all().iter().map(to_int).max().unwrap_or(0))));
    }
    funcs.add_variadic("min", ANY_2, |_, args| Ok(Value::Int64(args.all().iter().map(to_int).min().unwrap_or(0))));
    funcs.add_variadic("maxf", ANY_2, |_, args| Ok(extreme(args, f64::max).into()));
    funcs.add_variadic("minf", ANY_2, |_, args| Ok(extreme(args, f64::min).into()));
    funcs.add("floor", ANY, |_, args| Ok(to_float(args.get(0)).floor().into()));
    funcs.add("ceil", ANY, |_, args| Ok(to_float(args.get(0)).ceil().into()));
    funcs.add_variadic("round", &[Type::Any, Type::Int, Type::Float64], round);
    funcs.add("add1f", ANY, |_, args| decimal(to_float(args.get(0)), &[Value::Int(1)], Decimal::add));
    funcs.add_variadic("addf", ANY, |_, args| decimal(0.0, args.all(), Decimal::add));
    funcs.add_variadic("subf", ANY_2, |_, args| decimal(to_float(args.get(0)), args.rest(1), Decimal::sub));
    funcs.add_variadic("mulf", ANY_2, |_, args| decimal(to_float(args.get(0)), args.rest(1), Decimal::mul));
    funcs.add_variadic("divf", ANY_2, |_, args| {
        let mut quotient = Decimal::new(to_float(args.get(0)))?;
        for value in args.rest(1) {
            let divisor = Decimal::new(to_float(value))?;
            quotient = quotient.div(divisor).ok_or_else(|| Fault::message("decimal division by 0"))?;
        }
        Ok(quotient.to_float().into())
    });
}

/// `strconv.Atoi` with its error ignored: what is no number is 0, what is too large the largest.
fn atoi(text: &str) -> i64 {
    match text.parse::<i64>() {
        Ok(n) => n,
        Err(error) => match error.kind() {
            std::num::IntErrorKind::PosOverflow => i64::MAX,
            std::num::IntErrorKind::NegOverflow => i64::MIN,
            _ => 0,
        },
    }
}

fn divisor(args: Args<'_>) -> Result<i64, Fault> {
    match to_int(args.get(1)) {
        0 => Err(Fault::message("runtime error: integer divide by zero")),
        divisor => Ok(divisor),
    }
}

/// Folds floats; unlike Rust's `min` and `max`, one NaN makes the result NaN.
fn extreme(args: Args<'_>, choose: fn(f64, f64) -> f64) -> f64 {
    let first = to_float(args.get(0));
    args.rest(1).iter().map(to_float).fold(first, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { choose(a, b) })
}

fn round(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let places = i32::try_from(args.int(1)?.clamp(-400, 400)).unwrap_or(0);
    let round_on = if args.len() > 2 { args.float(2)? } else { 0.5 };
    let power = 10_f64.powi(places);
    let scaled = power * to_float(args.get(0));
    let rounded = if scaled.fract() >= round_on { scaled.ceil() } else { scaled.floor() };
    Ok((rounded / power).into())
}

fn decimal(first: f64, rest: &[Value], step: fn(Decimal, Decimal) -> Decimal) -> Result<Value, Fault> {
    let mut result = Decimal::new(first)?;
    for value in rest {
        result = step(result, Decimal::new(to_float(value))?);
    }
    Ok(result.to_float().into())
}
