//! Row R3 of the security list: text that is written to break its reader.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use yaml::Schema::{V2, V3};
use yaml::{ErrorKind, Limits, Reader};

#[track_caller]
fn refused(text: &str) -> yaml::Error {
    let error = yaml::to_values(text, V2).unwrap_err();
    assert_eq!(yaml::to_values(text, V3).unwrap_err(), error);
    assert_eq!(yaml::read(text, &Limits::default()).unwrap_err(), error);
    error
}

fn laughs(levels: usize) -> String {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for i in 1..levels {
        let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
        writeln!(text, "a{i}: &a{i} [{aliases}]").unwrap();
    }
    text
}

#[test]
fn r3_billion_laughs_is_refused() {
    assert!(matches!(refused(&laughs(9)).kind, ErrorKind::TooManyNodes { .. }));
    // A few laughs are fine.
    assert_eq!(yaml::to_value(&laughs(3), V2).unwrap()["a2"][8][8][8], "lol");
}

#[test]
fn r3_long_text_behind_many_aliases_is_refused() {
    let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(500_000));
    assert!(matches!(refused(&text).kind, ErrorKind::TooManyNodes { .. }));
}

#[test]
fn r3_nested_anchors_are_refused() {
    // Every level is kept for aliases: quadratic, were it not counted.
    let text = format!("{}{}{}", "[&a ".repeat(450), "x, ".repeat(100_000), "]".repeat(450));
    assert!(matches!(refused(&text).kind, ErrorKind::TooManyNodes { .. }));
}

#[test]
fn r3_an_alias_within_its_own_value_is_refused() {
    assert!(matches!(refused("a: &a [*a]").kind, ErrorKind::SelfReference { .. }));
    assert!(matches!(refused("&a {x: {y: *a}}").kind, ErrorKind::SelfReference { .. }));
}

#[test]
fn r3_deep_nesting_is_refused() {
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        (0..3_000).fold(String::new(), |mut text, i| {
            writeln!(text, "{}a:", " ".repeat(i)).unwrap();
            text
        }),
    ] {
        assert!(matches!(refused(&text).kind, ErrorKind::TooDeep { .. }));
    }
}

#[test]
fn r3_depth_through_aliases_is_refused() {
    let mut text = "- &a0 []\n".to_owned();
    for i in 1..100_000 {
        writeln!(text, "- &a{i} [*a{}]", i - 1).unwrap();
    }
    assert!(matches!(refused(&text).kind, ErrorKind::TooDeep { .. }));
}

#[test]
fn r3_what_the_depth_limit_admits_fits_the_stack() {
    let depth = Limits::MAX_DEPTH;
    for text in [
        format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
        format!("{}x{}", "{a: ".repeat(depth), "}".repeat(depth)),
        format!("{}x", "- ".repeat(depth)),
    ] {
        let value = yaml::to_value(&text, V2).unwrap();
        assert_eq!(yaml::to_value(&yaml::print(&value), V2).unwrap(), value);
        let documents = yaml::read(&text, &Limits::default()).unwrap();
        let copy = documents.clone();
        assert_eq!(documents[0].root.to_value(V3).unwrap(), value);
        drop(documents);
        drop(copy);
    }
}

#[test]
fn r3_a_million_documents_are_refused() {
    let text = "---\n".repeat(1_000_000);
    assert!(matches!(refused(&text).kind, ErrorKind::TooManyDocuments { .. }));
    // As many as the limit says are fine.
    assert_eq!(yaml::to_values(&text[..4 * 100_000], V2).unwrap().len(), 100_000);
}

#[test]
fn r3_large_texts_are_read_or_refused_in_linear_time() {
    let scalar = format!("a: \"{}\"", "x".repeat(5 << 20));
    assert_eq!(yaml::to_value(&scalar, V2).unwrap()["a"].as_str().unwrap().len(), 5 << 20);
    let keys: String = (0..300_000).fold(String::new(), |mut text, i| {
        writeln!(text, "key{i}: value").unwrap();
        text
    });
    assert_eq!(yaml::to_value(&keys, V3).unwrap().as_object().unwrap().len(), 300_000);
    let comments = "# comment\n".repeat(500_000);
    assert_eq!(yaml::to_value(&comments, V3).unwrap(), Value::Null);
    yaml::read(&comments, &Limits::default()).unwrap();
    let spaces = format!("a:{}b", " ".repeat(5 << 20));
    assert_eq!(yaml::to_value(&spaces, V2).unwrap(), json!({"a": "b"}));
    let lines = format!("a: |\n{}", "  x\n".repeat(1 << 20));
    assert_eq!(yaml::to_value(&lines, V2).unwrap()["a"].as_str().unwrap().len(), 2 << 20);
    let limits = Limits { bytes: 1 << 20, ..Limits::default() };
    let error = Reader::new(V2).limits(limits).value(&scalar).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::TooLarge { .. }));
    assert!(error.is_limit());
}

#[test]
fn r3_duplicate_keys_are_refused_where_go_refuses_them() {
    let text = "a: 1\nb: 2\na: 3\n";
    assert_eq!(yaml::to_value(text, V2).unwrap(), json!({"a": 3, "b": 2}));
    let error = yaml::to_value(text, V3).unwrap_err();
    assert_eq!(error.kind, ErrorKind::DuplicateKey { key: "a".to_owned(), first: 1 });
}

#[test]
fn r3_tabs_are_located() {
    let error = refused("a:\n  b: 1\n\tc: 2\n");
    assert_eq!(error.line(), 3, "{error}");
    assert!(error.to_string().contains("tab"), "{error}");
}

#[test]
fn byte_order_marks_and_windows_lines_are_read() {
    let text = "\u{feff}a: b\r\nc: |\r\n  d\r\n  e\r\n";
    assert_eq!(yaml::to_value(text, V2).unwrap(), json!({"a": "b", "c": "d\ne\n"}));
}

#[test]
fn bytes_that_are_not_utf_8_are_located() {
    let error = yaml::text(b"a: b\nc: \xc3\xa9\xff\n").unwrap_err();
    assert_eq!((error.line(), error.column()), (2, 5));
    assert_eq!(error.kind, ErrorKind::NotUtf8 { byte: 0xff });
    assert_eq!(yaml::text("é".as_bytes()).unwrap(), "é");
}

/// Text in which the characters that mean something to YAML are frequent.
fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        " ",
        "  ",
        "\n",
        "\n  ",
        "\n- ",
        ": ",
        ":",
        "- ",
        "? ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "#",
        " # c",
        "&a ",
        "*a",
        "!",
        "!!int ",
        "|",
        "|+\n",
        ">-\n ",
        "'",
        "\"",
        "\\",
        "%",
        "@",
        "`",
        "---\n",
        "...\n",
        "<<: ",
        "a",
        "b",
        "1",
        "0x",
        "~",
        "\t",
        "\r\n",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\u{0}",
        "é",
        "\u{1f600}",
        "yes",
        ".nan",
        "1e9",
        "2001-01-01",
    ]);
    prop_oneof![prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat()), any::<String>(),]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts().prop_map(Value::from),
        "[a-z ':#]{70,200}".prop_map(Value::from),
        "[ab \n]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((prop_oneof![texts(), "[a-z0-9 ]{0,140}"], inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Whole floats come back as integers, as from Go's JSON.
fn whole(value: Value) -> Value {
    match value {
        Value::Number(n) if n.is_f64() => {
            let float = n.as_f64().unwrap();
            let digits = format!("{float}");
            match (digits.parse::<i64>(), digits.parse::<u64>()) {
                (Ok(n), _) if float.abs() < 1e21 => n.into(),
                (_, Ok(n)) if float.abs() < 1e21 => n.into(),
                _ => Value::Number(n),
            }
        }
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, whole(v))).collect(),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_never_panics_and_both_ways_agree(text in texts()) {
        for schema in [V2, V3] {
            let direct = yaml::to_values(&text, schema);
            let through: Result<Vec<Value>, _> = yaml::read(&text, &Limits::default())
                .and_then(|documents| documents.iter().map(|document| document.root.to_value(schema)).collect());
            prop_assert_eq!(direct.is_ok(), through.is_ok(), "{:?} {:?}", direct, through);
            if let (Ok(direct), Ok(through)) = (direct, through) {
                prop_assert_eq!(direct, through);
            }
        }
    }

    #[test]
    fn spans_lie_within_the_text(text in texts()) {
        fn check(node: &yaml::Node, text: &str) {
            assert!(text.get(node.span()).is_some(), "{node:?}");
            for (key, value) in node.pairs().into_iter().flatten() {
                check(key, text);
                check(value, text);
            }
            node.items().into_iter().flatten().for_each(|item| check(item, text));
        }
        for document in yaml::read(&text, &Limits::default()).unwrap_or_default() {
            check(&document.root, &text);
        }
    }

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = yaml::text(&bytes) {
            let _ = yaml::to_values(text, V2);
        }
    }

    #[test]
    fn what_is_printed_reads_back_equal(value in values()) {
        let printed = yaml::print(&value);
        let expected = whole(value);
        match yaml::to_value(&printed, V2) {
            Ok(read) => prop_assert_eq!(read, expected, "{}", printed),
            Err(error) => prop_assert!(false, "{error} in\n{printed}"),
        }
    }
}
