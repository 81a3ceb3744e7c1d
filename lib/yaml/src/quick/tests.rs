//! The quick reader against the parser: on texts made of the pieces that YAML is made of, on what the printers print, and
//! on the corpora.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "tests read files and say how much ran, and the pieces of texts are many"
)]

use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use crate::compose::{Build, Composer, Kind, OpenEvent, Place, ScalarEvent};
use crate::error::{ErrorKind, Position};
use crate::limits::Limits;
use crate::node::{Layout, Style};

use super::Quick;

#[derive(Debug, PartialEq)]
enum Event {
    Document(Position),
    Scalar(String, Style, Position),
    Open(Kind, Layout, Position),
    Close,
}

#[derive(Default)]
struct Recorder(Vec<Event>);

impl Build for Recorder {
    fn scalar(&mut self, scalar: ScalarEvent<'_>) -> Result<(), ErrorKind> {
        assert!(scalar.anchor == 0 && scalar.tag.is_none());
        // Nothing stands nowhere in particular.
        let at = if scalar.text.is_empty() { Position::default() } else { scalar.place.at };
        self.0.push(Event::Scalar(scalar.text.into_owned(), scalar.style, at));
        Ok(())
    }
    fn open(&mut self, kind: Kind, start: OpenEvent<'_>) -> Result<(), ErrorKind> {
        assert!(start.anchor == 0 && start.tag.is_none());
        // The parser places a list that is not indented at its first item instead of its first dash.
        let is_inner = !self.0.is_empty() && kind == Kind::Sequence && start.layout == Layout::Block;
        let at = if is_inner { Position::default() } else { start.place.at };
        self.0.push(Event::Open(kind, start.layout, at));
        Ok(())
    }
    fn close(&mut self, _place: Place) -> Result<(), ErrorKind> {
        self.0.push(Event::Close);
        Ok(())
    }
    fn alias(&mut self, _anchor: usize, name: &str, _place: Place) -> Result<(), ErrorKind> {
        unreachable!("the quick reader leaves *{name} to the parser");
    }
    fn restart(&mut self) {}
}

/// What the quick reader makes of all documents; nothing where it steps aside.
fn quickly(text: &str) -> Option<Vec<Event>> {
    let mut quick = Quick::new(text, &Limits::default())?;
    let mut recorder = Recorder::default();
    let mut documents = Recorder::default();
    while let Some(at) = quick.document(&mut recorder).ok()? {
        documents.0.push(Event::Document(at));
        documents.0.append(&mut recorder.0);
    }
    Some(documents.0)
}

fn by_parser(text: &str) -> Vec<Event> {
    let mut composer = Composer::new(text, &Limits::default(), false).unwrap();
    let mut recorder = Recorder::default();
    let mut documents = Recorder::default();
    loop {
        match composer.document(&mut recorder) {
            Ok(Some(at)) => {
                documents.0.push(Event::Document(at));
                documents.0.append(&mut recorder.0);
            }
            Ok(None) => return documents.0,
            Err(error) => panic!("the quick reader reads what is refused: {error}\n{text:?}\n{text}"),
        }
    }
}

/// Whether the quick reader reads the text; then both must agree.
#[track_caller]
fn agree(text: &str) -> bool {
    let Some(quick) = quickly(text) else { return false };
    assert_eq!(quick, by_parser(text), "{text:?}\n{text}");
    true
}

#[track_caller]
fn reads(text: &str) {
    assert!(agree(text), "left to the parser: {text}");
}

#[test]
fn what_manifests_are_made_of_is_read_quickly() {
    for text in [
        "a: b\n",
        "a: b",
        "# comment\n\na: b # comment\n# comment\nc: 'd' # e\n",
        "---\na: b\n---\n# only a comment\n---\nc: d\n",
        "a:\n  b:\n    c: d\n  e: f\ng: h\n",
        "a:\n- b\n- c: d\n  e: f\n-   g: h\n    i: j\nk:\n  - l\n  - - m\n    - n\n",
        "a:\nb:\n  c:\nd:\n- \n-\n  e: f\n-\n- g\n",
        "- a\n- b: c\n- - d\n",
        "a: |\n  b\n   c\n\n  d\ne: |-\n    f\ng: |+\n  h\n\ni: >\n  j\n  k\n\n  l\n\n\n  m\nn: >-\n  o\n",
        "a: b\n  c\n\n  d\ne: 'f\n\n  g''h\n\n\n  i'\nj: \"k\\\n  \\ l\\n\\\"m\n  n\"\n",
        "a: [b, 'c', \"d\", {e: f, g: []}, [h]] # i\nj: {}\nk: []\n",
        "\"a\": b\n'c d': e\nf g : h\n",
        "a:\n  # comment\n  b: c\n\n  # comment\n  d: e\n # comment\nf: g\n",
        "a: http://b.c:80/d#e\nf: g:h\ni: -j\nk: a - b\nl: --m\n",
        "a:\n  \"b\"\nc:\n  d\n  e\n",
        "a: b\n  - c\n  \"d\" 'e\n  (f)\n  `g`\n  [h\n  &i *j !k %l @m | >\n  {{ n }}, o\n  ? p\n",
        "a: |\n  b",
        "a: |-\n  b\n\n  c",
        "a: >+\n  b\n  c",
        "a: |\n  b\nc: d",
        "ä: ö # ü\nß:\n- é: e\n  f: g\n",
        "",
        "# nothing\n",
        "---\n",
    ] {
        reads(text);
    }
}

#[test]
fn what_is_not_so_plain_is_left_to_the_parser() {
    for text in [
        "a: &b c",
        "a: *b",
        "a: !!str b",
        "? a\n: b\n",
        "a: b\r\n",
        "a:\tb\n",
        "a: {b: c,\n  d: e}\n",
        "%YAML 1.2\n---\na: b\n",
        "a: b\n...\n",
        "--- a\n",
        "a\n",
        "a: b: c\n",
        "a: |2\n   b\n",
        "a: b\n c: d\n",
        "a:\n  b: c\n d: e\n",
        "\u{feff}a: b\n",
    ] {
        assert!(!agree(text), "read quickly: {text}");
    }
}

#[test]
fn the_corpora_are_read_as_the_parser_reads_them() {
    fn walk(folder: &Path, texts: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, texts);
            } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "txt") {
                texts.extend(std::fs::read_to_string(path));
            }
        }
    }
    let mut texts = Vec::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The cases of our own crates are always there; the corpora that others wrote need not be.
    for folder in ["../kustomize/tests", "../helm/tests", "../../examples", "../../deploy", "../../../shared/corpus"] {
        walk(&here.join(folder), &mut texts);
    }
    let quick = texts.iter().filter(|text| agree(text)).count();
    let documents = texts.iter().flat_map(|text| text.split("\n---\n"));
    let (mut read, mut all) = (0, 0);
    for document in documents {
        read += usize::from(agree(document));
        all += 1;
    }
    eprintln!("{quick} of {} texts and {read} of {all} documents were read quickly", texts.len());
    assert!(quick > 0 && texts.len() >= 50, "only {} texts", texts.len());
}

/// A text of lines that are put together from what lines are made of.
fn texts() -> impl Strategy<Value = String> {
    let start = prop::sample::select(vec!["", "", "", "- ", "- - ", "-", "  - ", "-  "]);
    let key = prop::sample::select(vec![
        "",
        "a: ",
        "b:",
        "c:  ",
        "'d': ",
        "\"e f\": ",
        "g h : ",
        "i:j: ",
        "é: ",
        "-k: ",
        "l.m/n: ",
        "<<: ",
        "? ",
        ": ",
        "\"\\n\": ",
        "'o''': ",
        "#p: ",
        "~: ",
        "1: ",
        "@q: ",
        "r:s",
    ]);
    let value = prop::sample::select(vec![
        "",
        "x",
        "x y",
        "1",
        "-1",
        "x: y",
        "x:y",
        "x #y",
        "x # y",
        "#",
        " # c",
        "'x'",
        "'x",
        "x'",
        "'x''y'",
        "'' z",
        "\"x\"",
        "\"x",
        "x\"",
        "\"x\\",
        "\"x\\n\"",
        "\"\\x\"",
        "\\",
        "|",
        "|-",
        "|+",
        "|2",
        "| # c",
        "|#c",
        ">",
        ">-",
        ">+",
        ">x",
        "[]",
        "[x]",
        "[x, y]",
        "[x",
        "y]",
        "{}",
        "{x: y}",
        "{x: 'y', z: [1]}",
        "{x:y}",
        "{\"x\":y}",
        "[x: y]",
        "[a, ]",
        "[ 'b' , c ]",
        "{a: b}: c",
        "&a x",
        "*a",
        "!t x",
        "%x",
        "@x",
        "`x`",
        "---",
        "...",
        "--- x",
        "x\t",
        "\tx",
        "x\\",
        "\u{2028}",
        "\u{85}",
        "\u{a0}x",
        "é",
        "-",
        "--",
        "- x",
        "?",
        "? x",
        ":",
        ":x",
        ", x",
        "x  ",
        "x   y",
        "~",
        "null",
        "2001-01-01 10:00",
        "a-b_c.d/e",
        "$(x)",
        "x,y",
        "[http://x:80/y]",
        "[a#b]",
    ]);
    let line = prop_oneof![
        12 => (0..7_usize, start, key, value).prop_map(|(indent, start, key, value)| format!("{}{start}{key}{value}\n", " ".repeat(indent))),
        2 => (0..5_usize).prop_map(|spaces| format!("{}\n", " ".repeat(spaces))),
        1 => (0..5_usize).prop_map(|spaces| format!("{}# comment\n", " ".repeat(spaces))),
        1 => Just("---\n".to_owned()),
    ];
    (prop::collection::vec(line, 0..9), any::<bool>()).prop_map(|(lines, ends)| {
        let mut text = lines.concat();
        if !ends {
            text.pop();
        }
        text
    })
}

/// Lines that fit below each other more often than not.
fn blocks() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "x",
        "x y z",
        "'x'",
        "\"x\"",
        "|\n  a\n\n   b\n  c",
        "|-\n  a\n\n",
        "|+\n  a\n\n",
        ">\n  a\n  b\n\n  c",
        ">-\n  a\n   b\n  c",
        "x\n  y\n\n  z",
        "'x\n  y\n\n   z  \n  '",
        "\"x\n\n  y\\\n  \\  z\"",
        "[]",
        "{}",
        "[a, 'b', {c: d}]",
        "{a: [b, c]}",
        "",
        "1.5",
        "x # c",
        "'x' # c",
        "|\n\n  a\n # b\n",
        "''",
        "\"\\t\\\"\\\\\"",
        "|\n  \ta\n",
        ">\n\n\n  a\n\n\n",
        "x\n  # c\n",
        "x\n  - y\n  \"z\n  [w] |",
        "|\n  # a\n  b: c\n  - d",
    ]);
    let node = leaf.prop_map(str::to_owned).prop_recursive(5, 40, 5, |inner| {
        let indented = |text: &str, by: usize| text.replace('\n', &format!("\n{}", " ".repeat(by)));
        prop_oneof![
            (prop::collection::vec((0..6_usize, inner.clone()), 1..5), 0..3_usize).prop_map(move |(pairs, by)| {
                let keys = ["a", "b c", "'d'", "\"e\"", "f/g.h", "é"];
                pairs.iter().fold(String::new(), |text, (key, value)| {
                    let is_block = value.starts_with('\n');
                    let space = if is_block { "" } else { " " };
                    format!("{text}\n{}:{space}{}", keys[*key], indented(value, if is_block { by } else { 0 }))
                })
            }),
            (prop::collection::vec(inner, 1..5), 0..3_usize, 1..3_usize).prop_map(move |(items, by, spaces)| {
                items.iter().fold(String::new(), |text, item| {
                    let dash = format!("-{}", " ".repeat(spaces));
                    let inner = match item.strip_prefix('\n') {
                        Some(block) if by < 2 => indented(block, 1 + spaces),
                        _ => indented(item, by),
                    };
                    format!("{text}\n{dash}{inner}")
                })
            }),
        ]
    });
    prop::collection::vec(node, 1..3).prop_map(|nodes| {
        nodes.iter().map(|node| format!("{}\n", node.trim_start_matches('\n'))).collect::<Vec<_>>().join("---\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_agree_on_lines(text in texts()) {
        agree(&text);
    }

    #[test]
    fn both_agree_on_blocks(text in blocks()) {
        agree(&text);
    }

    #[test]
    fn both_agree_on_blocks_with_a_mistake(text in blocks(), at in any::<prop::sample::Index>(), with in prop::sample::select(vec!["", " ", "\n", "-", ":", "#", "'", "\"", "  ", "\n  ", "]", "{", "|", "x"])) {
        let places: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
        let i = places[at.index(places.len())];
        let end = text[i..].chars().next().map_or(i, |c| i + c.len_utf8());
        agree(&format!("{}{with}{}", &text[..i], &text[end..]));
    }
}

#[test]
fn most_blocks_are_read_quickly() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let quick = (0..500)
        .filter(|_| {
            let text = blocks().new_tree(&mut runner).unwrap().current();
            agree(&text)
        })
        .count();
    eprintln!("{quick} of 500 random texts were read quickly");
    assert!(quick >= 200, "only {quick} of 500");
}
