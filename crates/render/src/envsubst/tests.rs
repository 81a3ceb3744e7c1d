//! Expressions, their values and their errors.

use super::*;

/// The variables of all cases here.
fn variables(name: &str) -> Option<String> {
    let value = match name {
        "v" => "value",
        "empty" => "",
        "path" => "a/b/c.tar.gz",
        "upper" => "ABC",
        "umlaut" => "äöü",
        "word" => "hello world hello",
        "d" => "dee",
        _ => return None,
    };
    Some(value.to_owned())
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(expand(text, &variables).as_deref(), Ok(*expected), "{text}");
    }
}

#[track_caller]
fn refused(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(expand(text, &variables).unwrap_err().to_string(), *expected, "{text}");
    }
}

#[test]
fn values_and_escapes() {
    check(&[
        ("a ${v} b", "a value b"),
        ("$v stays", "$v stays"),
        ("$$ and $${v}", "$ and ${v}"),
        ("$$$${v}", "$${v}"),
        ("$${v=${d}}", "${v=dee}"),
        ("${#v} ${#empty} ${#umlaut}", "5 0 6"),
        ("no expression $", "no expression $"),
        ("${v}${d}", "valuedee"),
    ]);
}

#[test]
fn cases_of_letters() {
    check(&[("${v^} ${v^^} ${upper,} ${upper,,}", "Value VALUE aBC abc"), ("${umlaut^^}", "ÄÖÜ"), ("${empty^}", "")]);
}

#[test]
fn parts_count_bytes() {
    check(&[
        ("${v:1}", "alue"),
        ("${v:1:2}", "al"),
        ("${v:-2}", "value"),  // a default, not a part
        ("${v: -2}", "value"), // " -2" is no number to Go
        ("${v:9}", ""),
        ("${v:3:99}", "ue"),
        ("${v:x}", "value"),
        ("${v:1:x}", "value"),
        ("${word:0:5}", "hello"),
    ]);
    refused(&[(
        "${umlaut:1:1}",
        "the text is not UTF-8 after substitution: a part of a value was cut within a character",
    )]);
}

#[test]
fn replacements_are_literal() {
    check(&[
        ("${word/hello/bye}", "bye world hello"),
        ("${word//hello/bye}", "bye world bye"),
        ("${word/#hello/bye}", "bye world hello"),
        ("${word/%hello/bye}", "hello world bye"),
        ("${word/ world/}", "hello hello"),
        ("${word/#hello/}", "hello world hello"),
        ("${word/%hello/}", "hello world hello"),
        ("${path//\\//-}", "a-b-c.tar.gz"),
        ("${word/*/x}", "hello world hello"),
        ("${word/hello/${d}}", "dee world hello"),
    ]);
}

#[test]
fn prefixes_and_suffixes_are_patterns() {
    check(&[
        ("${path#*/}", "b/c.tar.gz"),
        ("${path##*/}", "c.tar.gz"),
        ("${path%.*}", "a/b/c.tar"),
        ("${path%%.*}", "a/b/c"),
        ("${path#[a-c]}", "/b/c.tar.gz"),
        ("${path#[^a]}", "a/b/c.tar.gz"),
        ("${v##value}", ""),
        ("${v#x}", "value"),
        ("${v#?}", "alue"),
        ("${v#[}", "value"),
    ]);
}

#[test]
fn defaults_stand_in_for_what_is_empty_or_not_set() {
    check(&[
        ("${none:=x} ${none=x} ${none:-x} ${none:?x} ${none:+x}", "x x x x x"),
        ("${empty:=x} ${v:=x}", "x value"),
        ("${none:=}", ""),
        ("${none:=a ${v} b ${d}}", "a value b dee"),
        ("${none:=${other:=deep}}", "deep"),
        ("${none:=$$}", "$$"),
    ]);
}

#[test]
fn what_is_not_set_is_named_with_its_line_all_of_it() {
    refused(&[
        ("${none}", r#"variable not set (strict mode): "none" in line 1"#),
        ("a\n${none^^}\n${v} ${more}", r#"variable not set (strict mode): "none" in line 2, "more" in line 3"#),
        ("${v:-${none}}", r#"variable not set (strict mode): "none" in line 1"#),
    ]);
}

#[test]
fn what_does_not_parse_is_located() {
    refused(&[
        ("${}", "line 1: unable to parse variable name"),
        ("\n${v", "line 2: missing closing brace"),
        ("${v-x}", "line 1: missing closing brace"),
        ("${v?x}", "line 1: missing closing brace"),
        ("${v.x}", "line 1: missing closing brace"),
        ("${#}", "line 1: bad substitution"),
        ("${v#}", "line 1: unable to parse substitution within function"),
        ("${v:}", "line 1: unable to parse substitution within function"),
        ("${v:=x", "line 1: unable to parse substitution within function"),
        ("${v/x}", "line 1: bad substitution"),
        ("${v#*${d}}", "line 1: bad substitution"),
    ]);
}

#[test]
fn r3_deep_nesting_is_refused_without_exhausting_the_stack() {
    let deep = "${v:=".repeat(100_000);
    refused(&[(&deep, "line 1: expressions nest deeper than 32 levels")]);
}

#[test]
fn r7_a_pattern_of_many_stars_takes_no_exponential_time() {
    let value = "a".repeat(2000);
    let pattern = "*a".repeat(30) + "b";
    let text = format!("${{x##{pattern}}}");
    assert_eq!(expand(&text, &|_| Some(value.clone())), Ok(value.clone()));
}
