//! The grammar of `--set`.

use helm::strvals::{self, SetError};
use helm::values::{self, Table};
use serde_json::{Value, json};

use crate::corpus;

/// How one case of the corpus is applied: the table says which of Helm's functions it belongs to.
fn apply(case: &Value, values: &mut Table, line: &str) -> Result<(), SetError> {
    match (case["test"].as_str().unwrap(), case["table"].as_str().unwrap()) {
        ("TestParseLiteral" | "TestParseLiteralInto" | "TestParseLiteralNestedLevels", _) => {
            strvals::set_literal(values, line)
        }
        ("TestParseSet", "testsString") => strvals::set_string(values, line),
        ("TestParseJSON", _) => strvals::set_json(values, line),
        _ => strvals::set(values, line),
    }
}

#[test]
fn every_case_of_helms_own_tables() {
    let cases = corpus::cases("helm-strvals.json");
    for case in &cases {
        let mut values = case["got"].as_object().cloned().unwrap_or_default();
        let lines = ["str", "input", "input2"].iter().filter_map(|key| case[*key].as_str());
        let outcome = lines.into_iter().try_for_each(|line| apply(case, &mut values, line));
        assert_eq!(outcome.is_err(), case["err"].as_bool().unwrap(), "{case} gave {outcome:?}");
        if outcome.is_ok() {
            assert!(values::same(&Value::Object(values.clone()), &case["expect"]), "{case} gave {values:?}");
        }
    }
    corpus::report("helm-strvals.json", cases.len(), 0);
    assert!(cases.is_empty() || cases.len() >= 114, "{} cases", cases.len());
}

#[track_caller]
fn check(lines: &[&str], expected: &Value) {
    let mut values = Table::new();
    for line in lines {
        strvals::set(&mut values, line).unwrap();
    }
    assert_eq!(&Value::Object(values), expected);
}

#[track_caller]
fn refuse(line: &str, message: &str) {
    assert_eq!(strvals::set(&mut Table::new(), line).unwrap_err().to_string(), message);
}

#[test]
fn values_take_the_type_that_they_look_like() {
    check(
        &["a=true,b=FALSE,c=null,d=0,e=-5,f=007,g=1.5,h=9223372036854775808,i="],
        &json!({
            "a": true, "b": false, "c": null, "d": 0, "e": -5, "f": "007", "g": "1.5", "h": "9223372036854775808", "i": "",
        }),
    );
}

#[test]
fn later_lines_change_what_earlier_ones_set() {
    check(
        &["a.b=1,a.c={x,y}", "a.c[1]=z,a.c[3].d=4", "a.b=null"],
        &json!({
            "a": {"b": null, "c": ["x", "z", null, {"d": 4}]},
        }),
    );
}

#[test]
fn a_line_that_ends_behind_an_index_leaves_the_list_as_it_was() {
    check(&["a[0].b="], &json!({"a": []}));
    check(&["a[0].b=1", "a[0].c="], &json!({"a": [{"b": 1, "c": ""}]}));
}

#[test]
fn files_become_text() {
    let mut values = Table::new();
    let mut read = |path: &str| match path {
        "ca.pem" => Ok("a,b\n".to_owned()),
        _ => Err("no such file".to_owned()),
    };
    strvals::set_file(&mut values, "tls.ca=ca.pem", &mut read).unwrap();
    assert_eq!(Value::Object(values.clone()), json!({"tls": {"ca": "a,b\n"}}));
    let error = strvals::set_file(&mut values, "x=other", &mut read).unwrap_err();
    assert_eq!(error.to_string(), "read other: no such file");
}

#[test]
fn a_json_line_may_be_one_object() {
    let mut values = Table::new();
    strvals::set_json(&mut values, r#"a={"b": [1, {}], "c": "d"} ,e.f= ,g[1]="x""#).unwrap();
    strvals::set_json(&mut values, r#" {"a": {"c": null}, "h": 1.5}"#).unwrap();
    assert!(values::same(
        &Value::Object(values),
        &json!({
            "a": {"b": [1, {}], "c": null}, "e": {"f": null}, "g": [null, "x"], "h": 1.5,
        })
    ));
}

#[test]
fn errors_say_what_is_in_the_way() {
    refuse("a=1,a.b=2", r#"unable to parse key: "a" is a number, not a table"#);
    refuse("a=x,a[0]=2", r#"unable to parse key: "a" is text, not a list"#);
    refuse("a[0]=1,a[0][0]=1", r#"unable to parse key: "a" is a number, not a list"#);
    refuse("a[x]=1", r#"error parsing index: "x" is not a number"#);
    refuse("a[-1]=1", "negative -1 index not allowed");
    refuse("a={b", "list must terminate with '}'");
}

/// R4: lines that make Helm's parser allocate without bound or overflow the stack.
#[test]
fn r4_hostile_lines_end_at_the_limits() {
    refuse("a[65537]=1", "index of 65537 is greater than maximum supported index of 65536");
    refuse(&format!("a{}=1", "[65536]".repeat(60)), "the lists would grow by more than 1000000 elements");
    refuse(&format!("a{}=1", "[0]".repeat(100_000)), "lists are nested deeper than 64");
    refuse(
        &format!("{}a=1", "a.".repeat(100_000)),
        "value name nested level is greater than maximum supported nested level of 30",
    );
    let deep = format!("a={}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(strvals::set_json(&mut Table::new(), &deep).is_err());
}

proptest::proptest! {
    #[test]
    fn r4_no_line_panics(line in r#"[a.\[\]{}=,\\0-9"é -]{0,60}"#) {
        let mut values = Table::new();
        let _ = strvals::set(&mut values, &line);
        let _ = strvals::set_string(&mut values, &line);
        let _ = strvals::set_json(&mut values, &line);
        let _ = strvals::set_literal(&mut values, &line);
    }
}
