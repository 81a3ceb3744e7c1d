//! What bad templates and values cannot do: panic, run for long, take much memory, overflow the stack.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gotemplate::{Args, Call, ExecError, Fault, Funcs, Limits, List, Map, Moment, Session, Templates, Type, Value};
use proptest::prelude::*;

/// `include` and `tpl` as Helm has them, and functions that change and nest values.
fn funcs() -> Funcs {
    let mut funcs = Funcs::new();
    funcs.add("include", &[Type::String, Type::Any], |call: &mut Call<'_>, args: Args<'_>| {
        let templates = call.templates().ok_or_else(|| Fault::message("no templates"))?;
        Ok(call.execute(templates, &args.text(0)?, args.get(1).clone())?.into())
    });
    funcs.add("tpl", &[Type::String, Type::Any], |call: &mut Call<'_>, args: Args<'_>| {
        let mut templates = call.templates().ok_or_else(|| Fault::message("no templates"))?.overlay();
        templates.parse("tpl", args.string(0)?)?;
        Ok(call.execute(&templates, "tpl", args.get(1).clone())?.into())
    });
    funcs.add_variadic("list", &[Type::Any], |_: &mut Call<'_>, args: Args<'_>| Ok(args.all().to_vec().into()));
    funcs.add("dict", &[], |_: &mut Call<'_>, _: Args<'_>| Ok(Map::new().into()));
    funcs.add("set", &[Type::MAP, Type::String, Type::Any], |call: &mut Call<'_>, args: Args<'_>| {
        call.set(&args.map(0)?, args.string(1)?.clone(), args.get(2).clone())?;
        Ok(args.get(0).clone())
    });
    funcs
}

const LIMITS: Limits = Limits { steps: 200_000, depth: 1000, bytes: 10 << 20 };

fn session() -> Session {
    Session::new(Moment::default(), |bytes: &mut [u8]| bytes.fill(4), LIMITS)
}

fn execute(text: &str) -> Result<String, ExecError> {
    let mut templates = Templates::new(funcs());
    templates.parse("test", text).unwrap();
    let data: Map = [("l", Value::from(List::strings(["a", "b"]))), ("m", Map::new().into())].into_iter().collect();
    templates.execute("test", data.into(), &mut session()).map(|text| text.to_string())
}

/// Runs it on a thread with as little stack as any worker has.
#[track_caller]
fn check_limit(text: &'static str, expected: &str) {
    let error = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            let error = execute(text).unwrap_err();
            (error.is_limit(), error.to_string())
        })
        .unwrap()
        .join()
        .unwrap();
    assert!(error.0 && error.1.ends_with(expected), "{}", error.1);
    assert!(error.1.len() < 1000, "a limit is reported where it was reached, not through every template: {}", error.1);
}

#[test]
fn r7_templates_that_invoke_themselves_end() {
    check_limit(
        r#"{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}"#,
        "exceeded maximum template depth (1000)",
    );
    check_limit(r#"{{define "a"}}{{include "a" .}}{{end}}{{include "a" .}}"#, "exceeded maximum template depth (1000)");
    check_limit(
        r#"{{define "a"}}{{if true}}{{with 1}}{{range 1}}{{print (print (include "a" .))}}{{end}}{{end}}{{end}}{{end}}{{include "a" .}}"#,
        "exceeded maximum template depth (1000)",
    );
    check_limit(r#"{{$t := "{{tpl .t .}}"}}{{tpl $t (set (dict) "t" $t)}}"#, "exceeded maximum template depth (1000)");
}

#[test]
fn r7_a_range_over_a_billion_ends_soon() {
    check_limit("{{range 1000000000}}{{end}}", "rendering took more than 200000 steps");
    check_limit("{{range 9999}}{{range 9999}}{{range 9999}}{{end}}{{end}}{{end}}", "more than 200000 steps");
}

#[test]
fn r7_a_rendering_is_stopped_by_its_callers_clock() {
    let flag = Arc::new(AtomicBool::new(false));
    flag.store(true, Ordering::Relaxed);
    let mut templates = Templates::new(funcs());
    templates.parse("test", "{{range 1000000}}{{end}}").unwrap();
    let error = templates.execute("test", Value::Nil, &mut session().stop_when(flag)).unwrap_err();
    assert!(error.to_string().ends_with("rendering was stopped"), "{error}");
}

#[test]
fn r7_output_that_doubles_and_doubles_ends() {
    check_limit(
        r#"{{$x := "0123456789"}}{{range 60}}{{$x = print $x $x}}{{end}}"#,
        "rendering produced more than 10485760 bytes",
    );
}

#[test]
fn r7_lists_that_double_and_double_end() {
    let error = execute("{{$x := list 1}}{{range 60}}{{$x = list $x $x}}{{end}}{{$x}}").unwrap_err();
    assert!(error.to_string().ends_with("rendering produced more than 10485760 bytes"), "{error}");
}

#[test]
fn r3_a_list_nested_by_a_loop_neither_prints_nor_overflows() {
    let error = execute("{{$x := list 1}}{{range 20000}}{{$x = list $x}}{{end}}{{$x}}").unwrap_err();
    assert!(error.to_string().ends_with("cannot print values that nest deeper than 500 levels"), "{error}");
    assert_eq!(execute("{{$x := list 1}}{{range 20000}}{{$x = list $x}}{{end}}{{len $x}}").unwrap(), "1");
}

#[test]
fn r3_a_map_that_holds_itself_neither_prints_nor_compares() {
    let error = execute(r#"{{$m := dict}}{{$_ := set $m "m" $m}}{{$m}}"#).unwrap_err();
    assert!(error.to_string().ends_with("nest deeper than 500 levels"), "{error}");
    assert_eq!(execute(r#"{{$m := dict}}{{$_ := set $m "m" $m}}{{len $m.m.m.m}}"#).unwrap(), "1");
}

#[test]
fn r3_templates_that_nest_deep_do_not_parse() {
    let parse = |text: String| Templates::new(funcs()).parse("test", text).unwrap_err().to_string();
    let parens = format!("{{{{{}1{}}}}}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(parse(parens), "template: test:1: max expression depth exceeded");
    assert_eq!(parse("{{if 1}}".repeat(100_000)), "template: test:1: max block depth exceeded");
    assert_eq!(parse("{{block `a` .}}".repeat(100_000)), "template: test:1: max block depth exceeded");
}

#[test]
fn templates_that_nest_as_deep_as_allowed_parse_print_and_execute() {
    let deep = "{{if (or (not 1) 1)}}".repeat(490) + "x" + &"{{end}}".repeat(490);
    assert_eq!(execute(&deep).unwrap(), "x");
    let parens = format!("{{{{{}1{}}}}}", "(".repeat(490), ")".repeat(490));
    assert_eq!(execute(&parens).unwrap(), "1");
}

#[test]
fn chains_of_else_if_nest_nothing() {
    let chain = format!("{{{{if false}}}}{}{{{{else}}}}x{{{{end}}}}", "{{else if false}}".repeat(20_000));
    assert_eq!(execute(&chain).unwrap(), "x");
}

/// Pieces of templates, so that random ones are often nearly right.
fn pieces() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "{{",
        "}}",
        "{{-",
        "-}}",
        " ",
        "\n",
        "if",
        "else",
        "end",
        "range",
        "with",
        "template",
        "define",
        "block",
        "break",
        "continue",
        "$x",
        "$",
        ":=",
        "=",
        ",",
        "|",
        "(",
        ")",
        ".",
        ".a",
        ".l",
        ".m",
        "$x.a",
        "\"a\"",
        "`b`",
        "'c'",
        "1",
        "-1",
        "1.5",
        "0x",
        "1i",
        "1+2i",
        "1e9",
        "nil",
        "true",
        "print",
        "printf",
        "\"%d%s%v\"",
        "len",
        "index",
        "slice",
        "and",
        "or",
        "not",
        "eq",
        "lt",
        "call",
        "list",
        "dict",
        "set",
        "include",
        "tpl",
        "html",
        "js",
        "urlquery",
        "/*",
        "*/",
        "text",
        "é",
        "\u{0}",
        "9223372036854775807",
        "{{if .}}",
        "{{range .l}}",
        "{{end}}",
        "{{else}}",
        "{{.l}}",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r3_any_text_parses_or_fails_and_executes_within_limits(text in pieces()) {
        let mut templates = Templates::new(funcs());
        if templates.parse("test", &text).is_ok() {
            let data: Map = [("l", Value::from(List::strings(["a", "b"]))), ("a", Map::new().into())].into_iter().collect();
            let small = Limits { steps: 2000, depth: 20, bytes: 1 << 16 };
            let mut session = Session::new(Moment::default(), |bytes: &mut [u8]| bytes.fill(4), small);
            if let Ok(text) = templates.execute("test", data.into(), &mut session) {
                prop_assert!(text.len() <= 1 << 16);
            }
        }
    }

    #[test]
    fn r3_any_bytes_parse_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut text = b"{{".to_vec();
        text.extend(bytes);
        let mut templates = Templates::new(funcs());
        let _ = templates.parse("test", &text);
    }

    #[test]
    fn what_parses_prints_as_text_that_parses_to_the_same(text in pieces()) {
        let mut templates = Templates::new(funcs());
        if templates.parse("test", &text).is_ok() {
            let printed = templates.tree_text("test", false).unwrap();
            // Text prints quoted, so only templates without any come back as themselves.
            if !printed.contains('"') && !printed.contains("{{template") {
                let mut again = Templates::new(funcs());
                again.parse("test", &printed).unwrap();
                prop_assert_eq!(again.tree_text("test", false).unwrap(), printed);
            }
        }
    }

    #[test]
    fn r3_any_format_prints_within_its_limit(format in "[%a-zA-Z0-9 #+.*\\[\\]-]{0,30}", number in any::<i64>(), float in any::<f64>()) {
        let args = [Value::Int(number), Value::Float64(float), "é\u{0}".into(), Value::Nil, List::strings(["a"]).into()];
        let _ = gotemplate::fmt::sprintf(format.as_bytes(), &args, 1 << 16);
    }
}
