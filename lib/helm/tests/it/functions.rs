//! What templates can call: sprig's own tests, Helm's own tests, and what is better here.

use gotemplate::{Limits, Map, Moment, Session, Templates, Value};
use serde_json::Value as Json;

use crate::corpus;

/// Cases that cannot hold, by id, each with its reason.
const EXCEPTIONS: &str = include_str!("exceptions.txt");

pub(crate) fn session() -> Session {
    // A small generator of the xorshift family: the same keys and salts in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let random = move |bytes: &mut [u8]| {
        for byte in bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_be_bytes()[3];
        }
    };
    Session::new(Moment { seconds: 1_780_000_000, nanos: 0 }, random, Limits::default())
}

pub(crate) fn run(template: &str, data: Value) -> Result<String, String> {
    let mut templates = Templates::new(helm::functions::funcs(None));
    templates.parse("test", template).map_err(|error| error.to_string())?;
    let text = templates.execute("test", data, &mut session()).map_err(|error| error.to_string())?;
    Ok(text.to_str().into_owned())
}

/// Values as a Go test has them: whole numbers are `int`.
pub(crate) fn typed(value: &Json) -> Value {
    match value {
        Json::Null => Value::Nil,
        Json::Bool(b) => (*b).into(),
        Json::Number(n) => n.as_i64().map_or_else(|| n.as_f64().unwrap().into(), Value::Int),
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => Value::from(items.iter().map(typed).collect::<Vec<_>>()),
        Json::Object(fields) => fields.iter().map(|(key, value)| (key, typed(value))).collect::<Map>().into(),
    }
}

fn run_corpus(name: &str, least: usize) {
    let cases = corpus::cases(name);
    let mut excepted = 0;
    let mut failures = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        let id = case["id"].as_str().map_or_else(|| format!("{name}#{i}"), str::to_owned);
        if EXCEPTIONS.lines().any(|line| line.split(' ').next() == Some(&id)) {
            excepted += 1;
            continue;
        }
        let outcome = run(case["template"].as_str().unwrap(), typed(&case["data"]));
        let holds = match (&outcome, case["expect"].as_str(), case["contains"].as_str()) {
            (Ok(text), Some(expected), _) => text == expected,
            (Ok(text), None, Some(part)) => text.contains(part),
            (Err(message), None, None) => message.contains(case["error_contains"].as_str().unwrap_or_default()),
            _ => false,
        };
        if !holds {
            failures.push(format!("{id}: {case}\n  gave {outcome:?}"));
        }
    }
    corpus::report(name, cases.len(), excepted);
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
    assert!(cases.is_empty() || cases.len() - excepted >= least, "{} ran", cases.len() - excepted);
}

#[test]
fn exceptions_are_few_and_have_reasons() {
    let exceptions: Vec<_> = EXCEPTIONS.lines().map(|line| line.split_once(' ').expect("id and reason")).collect();
    assert!(exceptions.len() <= 20, "{}", exceptions.len());
    let ids: Vec<_> =
        corpus::cases("sprig.json").iter().filter_map(|case| case["id"].as_str().map(str::to_owned)).collect();
    for (id, reason) in exceptions {
        assert!(reason.len() > 10 && (ids.is_empty() || ids.iter().any(|known| known == id)), "{id} {reason}");
    }
}

#[test]
fn every_case_of_sprigs_own_tests() {
    run_corpus("sprig.json", 367);
}

#[test]
fn every_case_of_helms_function_tests() {
    run_corpus("helm-funcs.json", 53);
}

#[track_caller]
fn check(template: &str, expected: &str) {
    assert_eq!(run(template, Value::Nil).as_deref(), Ok(expected), "{template}");
}

#[track_caller]
fn refuse(template: &str, part: &str) {
    let message = run(template, Value::Nil).unwrap_err();
    assert!(message.contains(part), "{template} says {message}");
}

#[test]
fn yaml_is_printed_as_helm_prints_it() {
    check(r#"{{ dict "b" (list 1 "two" nil) "a" (dict "x" 1.5) | toYaml }}"#, "a:\n  x: 1.5\nb:\n- 1\n- two\n- null");
    check(r#"{{ dict "b" (list 1 (dict "c" (list 2))) | toYamlPretty }}"#, "b:\n  - 1\n  - c:\n      - 2");
    check(r#"{{ (fromYaml "a: [1, x]\nb: yes").a }}"#, "[1 x]");
}

#[test]
fn passwords_hash_as_everyone_else_checks_them() {
    check(r#"{{ derivePassword 1 "long" "password" "user" "example.com" }}"#, "ZedaFaxcZaso9*");
    check(r#"{{ bcrypt "secret" | trunc 7 }}"#, "$2a$10$");
    check(r#"{{ htpasswd "a:b" "c" }}"#, "invalid username: a:b");
    check(r#"{{ encryptAES "key" "plain" | decryptAES "key" }}"#, "plain");
    refuse(r#"{{ decryptAES "key" "AAAA" }}"#, "input not full blocks");
}

/// X2: no function reads the environment, the network or files.
#[test]
fn x2_functions_that_look_outside_are_absent_or_empty() {
    refuse(r#"{{ env "HOME" }}"#, "not defined");
    refuse(r#"{{ expandenv "$HOME" }}"#, "not defined");
    check(r#"{{ getHostByName "example.com" }}"#, "");
    check(r#"{{ lookup "v1" "Secret" "default" "s" }}"#, "map[]");
}

/// R7: work and memory without bound end at the limits, not in the machine.
#[test]
fn r7_hostile_templates_end_at_the_limits() {
    refuse(r#"{{ repeat 1000000000000 "x" }}"#, "more than");
    refuse("{{ until 1000000000 }}", "more than");
    refuse("{{ seq 1 1000000000 }}", "more than");
    refuse(r#"{{ indent 1000000000000 "x" }}"#, "more than");
    refuse(r#"{{ range $i, $_ := until 100000 }}{{ bcrypt "x" }}{{ end }}"#, "steps");
    refuse(r#"{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}"#, "depth");
    refuse(r#"{{ define "a" }}{{ tpl "{{ include \"a\" . }}" . }}{{ end }}{{ include "a" . }}"#, "depth");
    refuse(r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ mustToJson $d }}"#, "cycle");
    check(r#"{{ regexMatch "^(a+)+$" (repeat 5000 "a" | printf "%sb") }}"#, "false");
    refuse(r#"{{ mustRegexMatch "(x{1000}){1000}" "x" }}"#, "error parsing regexp");
}
