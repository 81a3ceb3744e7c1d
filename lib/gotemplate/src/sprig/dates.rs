//! Dates and durations. The clock is the session's; `Local` is UTC, as in the controllers' containers.

use super::time::{Duration, Time, Zone};
use crate::funcs::{Args, Call, Fault, Funcs};
use crate::value::{Type, Value};

const TIME: Type = Type::Named("time.Time");

pub(super) fn register(funcs: &mut Funcs) {
    const TEXT_2: &[Type] = &[Type::String, Type::String];
    const TEXT_TIME: &[Type] = &[Type::String, TIME];
    funcs.add("now", &[], |call, _| Ok(Value::object(Time::at(call.now()))));
    funcs.add("date", &[Type::String, Type::Any], |call, args| Ok(format(call, &args.text(0)?, args.get(1), "Local")));
    for name in ["dateInZone", "date_in_zone"] {
        funcs.add(name, &[Type::String, Type::Any, Type::String], |call, args| {
            Ok(format(call, &args.text(0)?, args.get(1), &args.text(2)?))
        });
    }
    funcs.add("htmlDate", &[Type::Any], |call, args| Ok(format(call, "2006-01-02", args.get(0), "Local")));
    funcs.add("htmlDateInZone", &[Type::Any, Type::String], |call, args| {
        Ok(format(call, "2006-01-02", args.get(0), &args.text(1)?))
    });
    for name in ["dateModify", "date_modify"] {
        funcs.add(name, TEXT_TIME, |_, args| match Duration::parse(&args.text(0)?) {
            Ok(duration) => Ok(Value::object(time(args, 1)?.plus(duration))),
            Err(_) => Ok(args.get(1).clone()),
        });
    }
    for name in ["mustDateModify", "must_date_modify"] {
        funcs.add(name, TEXT_TIME, |_, args| {
            let duration = Duration::parse(&args.text(0)?).map_err(|error| Fault::message(error.to_string()))?;
            Ok(Value::object(time(args, 1)?.plus(duration)))
        });
    }
    funcs.add("ago", &[Type::Any], |call, args| {
        let now = Time::at(call.now());
        let then = moment(args.get(0)).unwrap_or_else(|| now.clone());
        Ok(now.since(&then).rounded_to_seconds().to_string().into())
    });
    funcs.add("duration", &[Type::Any], |_, args| {
        let seconds = match args.get(0) {
            Value::String(text) => text.to_str().parse().unwrap_or(0),
            Value::Int64(seconds) => *seconds,
            _ => 0,
        };
        Ok(Duration::seconds(seconds).to_string().into())
    });
    funcs.add("durationRound", &[Type::Any], |call, args| {
        let duration = match args.get(0) {
            Value::String(text) => Duration::parse(&text.to_str()).unwrap_or_default(),
            Value::Int64(nanos) => Duration(*nanos),
            other => match other.downcast::<Time>() {
                Some(then) => Time::at(call.now()).since(then),
                None => Duration::default(),
            },
        };
        Ok(duration.largest_unit().into())
    });
    funcs.add("toDate", TEXT_2, |_, args| {
        Ok(Value::object(Time::parse(&args.text(0)?, &args.text(1)?).unwrap_or_else(|_| Time::zero())))
    });
    funcs.add("mustToDate", TEXT_2, |_, args| {
        let parsed = Time::parse(&args.text(0)?, &args.text(1)?);
        Ok(Value::object(parsed.map_err(|error| Fault::message(error.to_string()))?))
    });
    funcs.add("unixEpoch", &[TIME], |_, args| Ok(time(args, 0)?.unix().to_string().into()));
}

fn time(args: Args<'_>, i: usize) -> Result<&Time, Fault> {
    args.get(i).downcast::<Time>().ok_or_else(|| Fault::message("wrong type for value; expected time.Time"))
}

/// The time that a value stands for, integers being seconds since the epoch.
fn moment(value: &Value) -> Option<Time> {
    match value {
        Value::Int(seconds) | Value::Int64(seconds) => Some(Time::from_unix(*seconds)),
        other => other.downcast::<Time>().cloned(),
    }
}

/// Formats what is a time; anything else is now, as in sprig.
fn format(call: &Call<'_>, layout: &str, date: &Value, zone: &str) -> Value {
    let time = match date {
        Value::Int32(seconds) => Time::from_unix(i64::from(*seconds)),
        other => moment(other).unwrap_or_else(|| Time::at(call.now())),
    };
    time.in_zone(Zone::named(zone).unwrap_or_default()).format(layout).into()
}
