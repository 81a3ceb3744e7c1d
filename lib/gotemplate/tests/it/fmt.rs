//! Verbs and flags.

use gotemplate::{Bytes, List, Map, Value, fmt};

use crate::corpus;

#[track_caller]
fn check(format: &str, args: &[Value], expected: &str) {
    let text = fmt::sprintf(format.as_bytes(), args, 1 << 20).unwrap();
    assert_eq!(String::from_utf8_lossy(&text), expected);
}

#[test]
fn every_case_of_gos_own_table_holds() {
    let Some(file) = corpus::read("go-fmt.json") else { return };
    let mut failures = Vec::new();
    for case in corpus::cases(&file) {
        let args: Vec<_> = case["args"].as_array().unwrap().iter().map(corpus::value).collect();
        let format = case["format"].as_str().unwrap();
        let text = fmt::sprintf(format.as_bytes(), &args, 1 << 20).unwrap();
        let expected = case["expect"].as_str().unwrap();
        if text != expected.as_bytes() {
            failures.push(format!("{case}: got {:?}", String::from_utf8_lossy(&text)));
        }
    }
    corpus::settle("go-fmt", corpus::cases(&file).len(), 337, &failures);
}

#[test]
fn containers_print_as_in_go() {
    let map: Map = [("b", Value::Nil), ("a", List::strings(["x", "y"]).into())].into_iter().collect();
    check("%v", &[map.clone().into()], "map[a:[x y] b:<nil>]");
    check("%#v", &[map.clone().into()], r#"map[string]interface {}{"a":[]string{"x", "y"}, "b":interface {}(nil)}"#);
    check("%d", &[map.into()], "map[%!d(string=a):[%!d(string=x) %!d(string=y)] %!d(string=b):<nil>]");
    check("%v %s %#v", &vec![Value::from(Bytes::from(*b"hi")); 3], "[104 105] hi []byte{0x68, 0x69}");
}

#[test]
fn r7_a_width_cannot_ask_for_more_than_is_left() {
    let text = "%999999d".repeat(10_000);
    let args = vec![Value::Int(1); 10_000];
    assert_eq!(fmt::sprintf(text.as_bytes(), &args, 1 << 20), Err(fmt::Error::TooLong(1 << 20)));
}

#[test]
fn r3_a_map_that_holds_itself_is_an_error() {
    let map = Map::new();
    map.insert("self", map.clone());
    assert_eq!(fmt::sprint(&[map.clone().into()], 1 << 20), Err(fmt::Error::Nesting));
    map.remove("self");
}

#[test]
fn r3_a_value_that_holds_others_exponentially_often_is_an_error() {
    let mut value = Value::string("lol");
    for _ in 0..100 {
        value = List::from(vec![value.clone(), value]).into();
    }
    assert_eq!(fmt::sprint(&[value], 1 << 16), Err(fmt::Error::TooLong(1 << 16)));
}
