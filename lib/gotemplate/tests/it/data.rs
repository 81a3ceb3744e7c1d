//! The values of Go's own tests, with the types that they have there.

use std::any::Any;

use gotemplate::{
    Args, Call, Fault, Funcs, Limits, List, Map, Moment, Object, Session, Signature, Str, Templates, Type, Value,
};

use crate::corpus;

pub(crate) fn session() -> Session {
    Session::new(Moment::default(), |bytes: &mut [u8]| bytes.fill(4), Limits::default())
}

/// The templates that Go's tests define beside the one under test, and the functions that they call.
pub(crate) fn templates(table: &str) -> Templates {
    let mut funcs = Funcs::new();
    funcs.add("die", &[], |_: &mut Call<'_>, _: Args<'_>| Err(Fault::message("die")));
    funcs.add("add", &[Type::Int, Type::Int], |_: &mut Call<'_>, args: Args<'_>| {
        Ok(Value::Int(args.int(0)? + args.int(1)?))
    });
    let mut templates = Templates::new(funcs);
    let files: &[(&str, &str)] = if table == "templateFileExecTests" {
        &[
            ("tmpl1.tmpl", "template1\n{{define \"x\"}}x{{end}}\n{{template \"y\"}}\n"),
            ("tmpl2.tmpl", "template2\n{{define \"y\"}}y{{end}}\n{{template \"x\"}}\n"),
        ]
    } else {
        &[
            ("one", r#"{{define "x"}}TEXT{{end}}{{define "dotV"}}{{.V}}{{end}}"#),
            ("two", r#"{{define "dot"}}{{.}}{{end}}{{define "nested"}}{{template "dot" .}}{{end}}"#),
        ]
    };
    for (name, text) in files {
        templates.parse(name, text).unwrap();
    }
    templates
}

/// The data of a case. JSON cannot say that something is a struct or a nil pointer.
pub(crate) fn value(case: &str, json: &serde_json::Value) -> Value {
    if json["$shared"] == "tVal" {
        return t_val();
    }
    match case {
        "dot struct" => Struct::value("struct", [("a", 7.into()), ("b", "seven".into())]),
        "method on nil value from slice" => List::from(vec![nil_t()]).into(),
        _ => corpus::value(json),
    }
}

fn ints(numbers: impl IntoIterator<Item = i64>) -> Value {
    List::new(Type::Int, numbers.into_iter().map(Value::Int).collect()).into()
}

fn int_map<const N: usize>(entries: [(&str, i64); N]) -> Value {
    let entries = entries.map(|(key, number)| (key.into(), Value::Int(number)));
    Map::with_entries(Type::Int, entries.into_iter().collect()).into()
}

fn t_val() -> Value {
    let fields = [
        ("True", true.into()),
        ("I", 17.into()),
        ("U16", Value::Uint32(16)),
        ("X", "x".into()),
        ("S", "xyz".into()),
        ("U", Struct::value("*template.U", [("V", "v".into())])),
        ("V0", Struct::printed("template.V", "<6666>")),
        ("V1", Struct::printed("*template.V", "<7777>")),
        ("V2", Struct::printed("*template.V", "nilV")),
        ("W0", Struct::printed("template.W", "[888]")),
        ("W1", Struct::printed("*template.W", "[999]")),
        ("W2", Struct::printed("*template.W", "nilW")),
        ("SI", ints([3, 4, 5])),
        ("SIEmpty", List::nil(Type::Int).into()),
        ("SB", List::new(Type::Bool, vec![true.into(), false.into()]).into()),
        ("AI", ints([3, 4, 5])),
        ("PAI", ints([3, 4, 5])),
        ("MSI", int_map([("one", 1), ("two", 2), ("three", 3)])),
        ("MSIone", int_map([("one", 1)])),
        ("MSIEmpty", Map::nil(Type::Int).into()),
        ("MXI", int_map([("one", 1)])),
        (
            "SMSI",
            List::new(
                Type::Map(&Type::Int),
                vec![int_map([("one", 1), ("two", 2)]), int_map([("eleven", 11), ("twelve", 12)])],
            )
            .into(),
        ),
        ("Empty0", Value::Nil),
        ("Empty1", 3.into()),
        ("Empty2", "empty2".into()),
        ("Empty3", ints([7, 8])),
        ("Empty4", Struct::value("*template.U", [("V", "UinEmpty".into())])),
        ("NonEmptyInterfacePtS", List::strings(["a", "b"]).into()),
        ("NonEmptyInterfaceNil", Value::Nil),
        ("NonEmptyInterfaceTypedNil", nil_t()),
        ("PI", 23.into()),
        ("PS", "a string".into()),
        ("NIL", Struct::nil("*int")),
    ];
    Struct::value("*template.T", fields)
}

fn nil_t() -> Value {
    Struct::nil("*template.T")
}

/// A struct of Go's tests, or a pointer to one.
#[derive(Debug)]
struct Struct {
    type_name: &'static str,
    fields: Vec<(&'static str, Value)>,
    text: Option<&'static str>,
    is_nil: bool,
}

impl Struct {
    fn value(type_name: &'static str, fields: impl Into<Vec<(&'static str, Value)>>) -> Value {
        Value::object(Self { type_name, fields: fields.into(), text: None, is_nil: false })
    }

    fn printed(type_name: &'static str, text: &'static str) -> Value {
        Value::object(Self { type_name, fields: Vec::new(), text: Some(text), is_nil: text.starts_with("nil") })
    }

    fn nil(type_name: &'static str) -> Value {
        Value::object(Self { type_name, fields: Vec::new(), text: None, is_nil: true })
    }
}

impl Object for Struct {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_nil(&self) -> bool {
        self.is_nil
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    fn fields(&self) -> Vec<(&str, Value)> {
        self.fields.clone()
    }

    fn text(&self) -> Option<Str> {
        self.text.map(Str::from_static)
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match (self.type_name, name) {
            ("*template.T", "Method0") => Some(Signature::exact(&[])),
            ("*template.T", "Method1") => Some(Signature::exact(&[Type::Int])),
            ("*template.T", "Method2") => Some(Signature::exact(&[Type::Uint32, Type::String])),
            ("*template.T", "Method3") => Some(Signature::exact(&[Type::Any])),
            ("*template.U", "TrueFalse") => Some(Signature::exact(&[Type::Bool])),
            _ => None,
        }
    }

    fn invoke(&self, name: &str, call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
        Ok(match name {
            "Method0" => "M0".into(),
            "Method1" => args.get(0).clone(),
            "Method2" => call.sprintf(b"Method2: %d %s", args.all())?.into(),
            "Method3" => call.sprintf(b"Method3: %v", args.all())?.into(),
            _ => if args.bool(0)? { "true" } else { "" }.into(),
        })
    }
}
