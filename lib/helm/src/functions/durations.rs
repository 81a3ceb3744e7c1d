//! Functions for durations, which Helm has after 4.2: texts with units, or numbers of seconds.

use std::any::Any;

use gotemplate::sprig::time::Duration;
use gotemplate::{Fault, Funcs, Object, Str, Type, Value};

pub(super) fn register(funcs: &mut Funcs) {
    const ANY: &[Type] = &[Type::Any];
    const ANY_2: &[Type] = &[Type::Any, Type::Any];
    funcs.add("mustToDuration", ANY, |_, args| {
        Ok(Value::object(GoDuration(duration(args.get(0)).map_err(Fault::message)?)))
    });
    for (name, unit) in [
        ("durationSeconds", SECOND),
        ("durationMinutes", 60 * SECOND),
        ("durationHours", 3_600 * SECOND),
        ("durationDays", 86_400 * SECOND),
        ("durationWeeks", 7 * 86_400 * SECOND),
    ] {
        funcs.add(name, ANY, move |_, args| {
            let nanos = duration(args.get(0)).unwrap_or_default().0;
            Ok(in_units(nanos, unit).into())
        });
    }
    for (name, unit) in
        [("durationMilliseconds", 1_000_000), ("durationMicroseconds", 1_000), ("durationNanoseconds", 1)]
    {
        funcs.add(name, ANY, move |_, args| Ok(Value::Int64(duration(args.get(0)).unwrap_or_default().0 / unit)));
    }
    funcs.add("durationRoundTo", ANY_2, |_, args| Ok(to_multiple(args.get(0), args.get(1), round)));
    funcs.add("durationTruncateTo", ANY_2, |_, args| Ok(to_multiple(args.get(0), args.get(1), |n, unit| n - n % unit)));
}

const SECOND: i64 = 1_000_000_000;

/// Whole units and the fraction apart, as Go computes it.
#[expect(clippy::cast_precision_loss, reason = "Go's result is a float")]
fn in_units(nanos: i64, unit: i64) -> f64 {
    (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64
}

fn to_multiple(value: &Value, unit: &Value, change: fn(i64, i64) -> i64) -> Value {
    let nanos = duration(value).unwrap_or_default().0;
    let changed = match duration(unit) {
        Ok(Duration(unit)) if unit > 0 => change(nanos, unit),
        _ => nanos,
    };
    Value::object(GoDuration(Duration(changed)))
}

/// Half away from zero.
fn round(nanos: i64, unit: i64) -> i64 {
    let rest = nanos % unit;
    let away = rest.unsigned_abs() >= unit.unsigned_abs() - rest.unsigned_abs();
    let step = if away { unit * nanos.signum() } else { 0 };
    (nanos - rest).saturating_add(step)
}

fn duration(value: &Value) -> Result<Duration, String> {
    if let Some(GoDuration(duration)) = value.downcast() {
        return Ok(*duration);
    }
    match value {
        Value::String(text) => {
            let text = text.to_str();
            let trimmed = text.trim();
            if trimmed.is_empty() {
                return Err("empty duration".to_owned());
            }
            match (Duration::parse(trimmed), trimmed.parse::<f64>()) {
                (Ok(duration), _) => Ok(duration),
                (_, Ok(seconds)) => from_seconds(seconds),
                _ => Err(format!("could not parse duration {text:?}")),
            }
        }
        Value::Float64(seconds) => from_seconds(*seconds),
        Value::Nil => Err("invalid duration".to_owned()),
        other => match other.as_int() {
            Some(seconds) => {
                seconds.checked_mul(SECOND).map(Duration).ok_or_else(|| format!("duration seconds overflow: {seconds}"))
            }
            None => Err(format!("unsupported duration type {}", other.type_name())),
        },
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the range is checked")]
fn from_seconds(seconds: f64) -> Result<Duration, String> {
    let nanos = seconds * SECOND as f64;
    if nanos.is_nan() || nanos.abs() >= i64::MAX as f64 {
        return Err(format!("duration seconds overflow: {seconds}"));
    }
    Ok(Duration(nanos as i64))
}

/// A `time.Duration` as a value.
#[derive(Debug)]
struct GoDuration(Duration);

impl Object for GoDuration {
    fn type_name(&self) -> &'static str {
        "time.Duration"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self) -> Option<Str> {
        Some(self.0.to_string().into())
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Int64(self.0.0))
    }
}
