//! What charts rely on: error texts, missing keys, shared maps, overlays, objects.

use std::any::Any;

use gotemplate::{
    Args, Call, Fault, Funcs, List, Map, MissingKey, Object, ParseError, Signature, Templates, Type, Value,
};

use crate::data;

#[derive(Debug)]
struct Versions(Vec<&'static str>);

impl Object for Versions {
    fn type_name(&self) -> &'static str {
        "common.VersionSet"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn underlying(&self) -> Option<Value> {
        Some(List::strings(self.0.iter().copied()).into())
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "Has").then_some(Signature::exact(&[Type::String]))
    }

    fn invoke(&self, _name: &str, _call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
        Ok(self.0.contains(&&*args.text(0)?).into())
    }
}

fn values() -> Value {
    let ports: List = [Value::Float64(80.0), Value::Float64(443.0)].into_iter().collect();
    let values: Map = [
        ("image", Value::from([("tag", "1.2")].into_iter().collect::<Map>())),
        ("ports", ports.into()),
        ("none", Value::Nil),
        ("name", "web".into()),
    ]
    .into_iter()
    .collect();
    let data: Map = [("Values", Value::from(values)), ("Versions", Value::object(Versions(vec!["v1", "apps/v1"])))]
        .into_iter()
        .collect();
    data.into()
}

fn templates() -> Templates {
    let mut funcs = Funcs::new();
    funcs.add("upper", &[Type::String], |_: &mut Call<'_>, args: Args<'_>| {
        Ok(Value::string(args.text(0)?.to_uppercase()))
    });
    funcs.add("fail", &[Type::String], |_: &mut Call<'_>, args: Args<'_>| Err(Fault::message(args.text(0)?)));
    funcs.add("set", &[Type::MAP, Type::String, Type::Any], |call: &mut Call<'_>, args: Args<'_>| {
        call.set(&args.map(0)?, args.string(1)?.clone(), args.get(2).clone())?;
        Ok(args.get(0).clone())
    });
    funcs.add("include", &[Type::String, Type::Any], |call: &mut Call<'_>, args: Args<'_>| {
        let templates = call.templates().ok_or_else(|| Fault::message("no templates"))?;
        Ok(call.execute(templates, &args.text(0)?, args.get(1).clone())?.into())
    });
    funcs.add("tpl", &[Type::String, Type::Any], |call: &mut Call<'_>, args: Args<'_>| {
        let mut templates = call.templates().ok_or_else(|| Fault::message("no templates"))?.overlay();
        templates.parse_new("t", args.string(0)?)?;
        Ok(call.execute(&templates, "t", args.get(1).clone())?.into())
    });
    Templates::new(funcs).missing_key(MissingKey::Zero)
}

fn render(text: &str) -> String {
    let mut templates = templates();
    match templates.parse("t", text) {
        Err(error) => error.to_string(),
        Ok(()) => match templates.execute("t", values(), &mut data::session()) {
            Ok(text) => text.to_string(),
            Err(error) => error.to_string(),
        },
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(render(text), expected);
}

#[test]
fn errors_use_the_words_that_charts_and_their_users_know() {
    check(
        "a\n  {{ .Values.nope.deeper }}",
        r#"template: t:2:12: executing "t" at <.Values.nope.deeper>: nil pointer evaluating interface {}.deeper"#,
    );
    check(
        "{{ .Values.name.x }}",
        r#"template: t:1:10: executing "t" at <.Values.name.x>: can't evaluate field x in type interface {}"#,
    );
    check(
        "{{ .Values.nope | upper }}",
        r#"template: t:1:18: executing "t" at <upper>: invalid value; expected string"#,
    );
    check(
        "{{ upper .Values.nope }}",
        r#"template: t:1:16: executing "t" at <.Values.nope>: wrong type for value; expected string; got interface {}"#,
    );
    check(
        "{{ upper .Values.ports }}",
        r#"template: t:1:16: executing "t" at <.Values.ports>: wrong type for value; expected string; got []interface {}"#,
    );
    check(
        "{{ if eq (index .Values.ports 0) 80 }}{{end}}",
        r#"template: t:1:6: executing "t" at <eq (index .Values.ports 0) 80>: error calling eq: incompatible types for comparison: float64 and int"#,
    );
    check(r#"{{ fail "no" }}"#, r#"template: t:1:3: executing "t" at <fail "no">: error calling fail: no"#);
    check("{{ upper }}", r#"template: t:1:3: executing "t" at <upper>: wrong number of args for upper: want 1 got 0"#);
    check(
        r#"{{ template "x" }}"#,
        r#"template: t:1:12: executing "t" at <{{template "x"}}>: template "x" not defined"#,
    );
    check("{{ nosuch 1 }}", r#"template: t:1: function "nosuch" not defined"#);
    check("{{ .Values.name", "template: t:1: unclosed action");
}

#[test]
fn an_error_within_an_included_template_names_both() {
    check(
        r#"{{define "in"}}{{ fail "no" }}{{end}}{{ include "in" . }}"#,
        r#"template: t:1:40: executing "t" at <include "in" .>: error calling include: template: t:1:18: executing "in" at <fail "no">: error calling fail: no"#,
    );
}

#[test]
fn the_chain_of_an_error_can_be_walked() {
    let mut templates = templates();
    templates.parse("a", r#"{{define "in"}}{{ fail "no" }}{{end}}{{ include "in" . }}"#).unwrap();
    let error = templates.execute("a", Value::Nil, &mut data::session()).unwrap_err();
    let failure = error.failure().unwrap();
    assert_eq!((failure.file.as_str(), failure.line, failure.column, failure.template.as_str()), ("a", 1, 40, "a"));
    let Some(Fault::Template(inner)) = error.cause() else { unreachable!("{error}") };
    assert_eq!(inner.failure().unwrap().context, r#"fail "no""#);
    let Some(Fault::Message(message)) = inner.cause() else { unreachable!("{inner}") };
    assert_eq!(message, "no");
}

#[test]
fn a_missing_key_gives_what_was_asked_for() {
    let text = "{{ .nope }}|{{ .nope.x }}";
    let execute = |missing_key| {
        let mut templates = templates().missing_key(missing_key);
        templates.parse("t", text).unwrap();
        templates
            .execute("t", values(), &mut data::session())
            .map(|text| text.to_string())
            .map_err(|error| error.to_string())
    };
    assert_eq!(execute(MissingKey::Invalid).unwrap(), "<no value>|<no value>");
    assert!(execute(MissingKey::Zero).unwrap_err().ends_with("nil pointer evaluating interface {}.x"));
    assert!(execute(MissingKey::Error).unwrap_err().ends_with(r#"map has no entry for key "nope""#));
}

#[test]
fn a_typed_map_gives_its_zero_value_for_a_missing_key() {
    let mut templates = templates();
    templates.parse("t", "[{{ .a }}][{{ .b }}][{{ .b | upper }}]").unwrap();
    let map = Map::with_entries(Type::String, [("a".into(), "x".into())].into_iter().collect());
    assert_eq!(templates.execute("t", map.into(), &mut data::session()).unwrap(), "[x][][]");
}

#[test]
fn what_one_template_sets_the_next_one_sees() {
    check(
        r#"{{ $_ := set .Values "a" 1 }}{{ $v := .Values }}{{ $_ := set $v "b" 2 }}{{ .Values.a }}{{ .Values.b }}"#,
        "12",
    );
}

#[test]
fn tpl_sees_the_templates_around_it_and_leaves_them_alone() {
    check(
        r#"{{define "in"}}<{{.}}>{{end}}{{ tpl "{{define `in2`}}2{{end}}{{include `in` .}}{{include `in2` .}}" 7 }}{{ include "in" 8 }}"#,
        "<7>2<8>",
    );
    check(
        r#"{{ tpl "{{define `in2`}}2{{end}}" . }}{{ include "in2" . }}"#,
        r#"template: t:1:41: executing "t" at <include "in2" .>: error calling include: template: no template "in2" is defined"#,
    );
}

#[test]
fn a_named_type_has_its_methods_and_is_what_it_names() {
    check(r#"{{ .Versions.Has "v1" }} {{ .Versions.Has "v9" }}"#, "true false");
    check(
        "{{ range .Versions }}{{.}},{{end}}{{ len .Versions }}{{ index .Versions 1 }}{{ .Versions }}",
        "v1,apps/v1,2apps/v1[v1 apps/v1]",
    );
    check(r#"{{ printf "%T" .Versions }}"#, "common.VersionSet");
    check(
        "{{ .Versions.Nope }}",
        r#"template: t:1:12: executing "t" at <.Versions.Nope>: can't evaluate field Nope in type interface {}"#,
    );
}

#[test]
fn numbers_from_yaml_print_as_floats() {
    check("{{ range .Values.ports }}{{ . }} {{ end }}", "80 443 ");
    let million: Map = [("n", Value::Float64(1_000_000.0))].into_iter().collect();
    let mut templates = templates();
    templates.parse("t", "{{ .n }} {{ printf `%.0f` .n }}").unwrap();
    assert_eq!(templates.execute("t", million.into(), &mut data::session()).unwrap(), "1e+06 1000000");
}

#[test]
fn parsed_templates_are_shared_between_threads() {
    let mut templates = templates();
    templates.parse("t", "{{ range $i, $x := .Values.ports }}{{ $i }}={{ $x }};{{ end }}").unwrap();
    let run =
        |templates: Templates| move || templates.execute("t", values(), &mut data::session()).unwrap().to_string();
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(run(templates.clone()))).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), "0=80;1=443;");
    }
}

#[test]
fn what_is_never_closed_is_named() {
    for (text, said) in [
        ("a\n{{ if .x }}\n{{ range .y }}{{ end }}\n", "template: t:4: unexpected EOF: {{if}} in line 2 has no {{end}}"),
        ("{{ if .x }}\n{{ else }}\n{{ with .y }}", "template: t:3: unexpected EOF: {{with}} in line 3 has no {{end}}"),
        ("{{ with .x }}\n{{ else }}", "template: t:2: unexpected EOF: {{with}} in line 1 has no {{end}}"),
        (
            "\n{{ define `b` }}\n{{ if .x }}{{ end }}",
            "template: t:3: unexpected EOF: {{define}} in line 2 has no {{end}}",
        ),
        (
            "{{ block `b` . }}{{ range . }}{{ end }}",
            "template: t:1: unexpected EOF: {{block}} in line 1 has no {{end}}",
        ),
    ] {
        let error = Templates::new(Funcs::new()).parse("t", text).unwrap_err();
        assert_eq!(error.to_string(), said, "{text:?}");
    }
}

#[test]
fn a_blank_template_does_not_replace_another() {
    let mut templates = templates();
    templates.parse("a", "x").unwrap();
    templates.parse("a", " {{/* nothing */}} {{define `b`}}b{{end}}").unwrap();
    assert_eq!(templates.execute("a", Value::Nil, &mut data::session()).unwrap(), "x");
    templates.parse("a", "y").unwrap();
    assert_eq!(templates.execute("a", Value::Nil, &mut data::session()).unwrap(), "y");
    let error = templates.parse("c", "{{define `d`}}1{{end}}\n{{define `d`}}2{{end}}").unwrap_err();
    let message = r#"template: multiple definition of template "d""#.to_owned();
    assert_eq!(error, ParseError { file: "c".to_owned(), line: 2, column: 20, message });
}
