//! Registering and calling functions.

use gotemplate::{Args, Call, Funcs, Limits, List, Map, Moment, Session, Type, Value};

fn session(limits: Limits) -> Session {
    Session::new(Moment::default(), |bytes: &mut [u8]| bytes.fill(4), limits)
}

#[test]
fn a_function_gets_its_arguments_and_the_clock() {
    let mut funcs = Funcs::new();
    funcs.add("shout", &[Type::String], |_: &mut Call<'_>, args: Args<'_>| {
        Ok(Value::string(format!("{}!", args.text(0)?)))
    });
    let mut session = session(Limits::default());
    let result =
        funcs.get("shout").unwrap().invoke(&mut Call::outside(&mut session), Args::new(&["hey".into()])).unwrap();
    assert_eq!(result.as_str(), Some("hey!"));
}

#[test]
fn extending_a_clone_leaves_the_original_alone() {
    let original = Funcs::new();
    let mut extended = original.clone();
    extended.add("x", &[], |_: &mut Call<'_>, _: Args<'_>| Ok(Value::Nil));
    assert!(original.get("x").is_none() && extended.get("x").is_some());
}

#[test]
fn a_change_to_a_map_is_seen_by_every_holder() {
    let map = Map::new();
    let holder = Value::from(map.clone());
    Call::outside(&mut session(Limits::default())).set(&map, "a", 1.into()).unwrap();
    assert_eq!(holder.as_map().unwrap().get("a").and_then(|value| value.as_int()), Some(1));
}

#[test]
fn a_map_that_contains_itself_is_freed_when_the_session_ends() {
    let map = Map::new();
    let mut session = session(Limits::default());
    Call::outside(&mut session).set(&map, "self", map.clone().into()).unwrap();
    assert!(map.contains("self"));
    drop(session);
    assert!(map.is_empty());
}

#[test]
fn r3_dropping_a_list_nested_a_million_deep_does_not_overflow() {
    let mut value = Value::Nil;
    for _ in 0..1_000_000 {
        value = List::from(vec![value]).into();
    }
    drop(value);
    let mut value = Value::Nil;
    for _ in 0..1_000_000 {
        value = [("k", value)].into_iter().collect::<Map>().into();
    }
    drop(value);
}
