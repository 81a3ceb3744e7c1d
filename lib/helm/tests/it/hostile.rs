//! What bad charts, values, lines and records cannot do: panic, run for long, take much memory, print secrets.

use std::fmt::Write as _;

use gotemplate::{Limits, Value};
use helm::chart::{self, LoadError};
use helm::release::Release;
use helm::values::{self, Table};
use helm::{Chart, Layers, strvals};
use proptest::prelude::*;

use crate::functions;
use crate::render::{CHART_YAML, archive, render, small};

/// What must never be in an error.
const CANARY: &str = "hunter2-canary";

/// Templates that fail over a value, each in a function that Helm lets repeat it.
const TELLTALES: &str = r#"
{{ .Values.secret.deeper }}
{{ tpl .Values.template . }}
{{ mustToDate "2006-01-02" .Values.secret }}
{{ semverCompare .Values.secret "1.2.3" }}
{{ semverCompare ">=1" .Values.secret }}
{{ semver .Values.secret }}
{{ mustRegexMatch .Values.pattern "x" }}
{{ .Values.secret | mustFromJson }}
{{ index .Values.list .Values.secret }}
{{ index .Values.secret "a" }}
{{ urlParse .Values.url }}
{{ decryptAES "key" .Values.secret }}
{{ derivePassword 1 .Values.secret "p" "u" "s" }}
{{ include .Values.secret . }}
{{ printf "%s" (required "secret is needed" .Values.nothing) }}
{{ .Values.secret | int | div 1 }}
{{ genSignedCert .Values.secret (list .Values.secret) nil 1 (dict "Cert" .Values.secret "Key" .Values.secret) }}
{{ buildCustomCert .Values.secret .Values.secret }}
{{ genPrivateKey .Values.secret | fail }}
{{ .Values.secret | mustToDuration }}
{{ mustDateModify .Values.secret now }}
{{ dig .Values.secret "x" .Values.secret }}
{{ template "x" .Values.secret.a }}
{{ range .Values.secret }}{{ end }}
{{ range $i, $e := .Values.secret }}{{ end }}
{{ .Values.secret | call }}
{{ call .Values.secret }}
{{ slice .Values.secret 5 1 }}
{{ slice .Values.list .Values.secret }}
{{ eq .Values.secret 1 }}
{{ lt .Values.secret 1 }}
{{ len .Values.secret | index .Values.secret }}
{{ first .Values.secret }}
{{ fromJson .Values.secret | toJson | required .Values.secret }}{{ fail "x" }}
{{ mustAppend .Values.secret 1 }}
{{ mustRegexFind .Values.secret 1 }}
{{ mustUniq .Values.secret }}
{{ mustToJson (set (dict) "a" .Values.secret) | atoi | repeat .Values.secret }}
{{ htpasswd .Values.secret (repeat 80 .Values.secret) }}
{{ bcrypt (repeat 80 .Values.secret) }}
{{ b32dec .Values.secret | fail }}
{{ toDate .Values.secret 1 }}
a: {{ .Values.secret }}: {{ .Values.secret }}: [
- {{ .Values.secret }}
kind: [{{ .Values.secret }}]
metadata: {annotations: {a: [{{ .Values.secret }}]}}
"#;

/// R7: an error names the expression that failed, and never the value.
#[test]
fn r7_templates_cannot_print_secrets_in_an_error() {
    let values = format!(
        "secret: {CANARY}\nlist: [1]\ntemplate: '{{{{ {CANARY} '\npattern: '({CANARY}'\nurl: 'http://[{CANARY}'\n"
    );
    let mut failed = 0;
    for template in TELLTALES.lines().filter(|line| !line.is_empty()) {
        let Err(error) = render(&small(template, &values), &Table::new()) else { continue };
        failed += 1;
        let mut text = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            let _ = write!(text, " {cause}");
            source = cause.source();
        }
        // What a chart refuses in its own words is repeated: its author chose them.
        assert!(!text.contains(CANARY) || template.contains("fail"), "{template}\n{text}");
    }
    assert!(failed >= 18, "only {failed} templates failed");
}

/// R3: what is large is refused before it is built; what is refused takes no time.
#[test]
fn r3_values_files_of_any_size_and_shape_end_soon() {
    let mut large = String::with_capacity(50 << 20);
    while large.len() < 50 << 20 {
        let _ = writeln!(large, "key{}: \"{}\"", large.len(), "x".repeat(1000));
    }
    assert_eq!(values::read(large.as_bytes()).unwrap().len(), 51_614);
    let lists = format!("a: [{}]", "1,".repeat(5_000_000));
    assert!(values::read(lists.as_bytes()).is_err(), "more nodes than any values file has");
    assert!(values::read("a: 1\n---\n".repeat(200_000).as_bytes()).is_err());
    assert!(values::read(b"\xff\xfe").is_err());
    for file in ["Chart.yaml", "Chart.lock", "requirements.yaml"] {
        let bomb = b"a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g]\n";
        let name = format!("x/{file}");
        let packed = archive(&[("x/Chart.yaml", CHART_YAML), (&name, bomb)]);
        assert!(Chart::from_archive(&packed[..], &chart::Limits::default()).is_err(), "{file}");
    }
}

/// R3: a manifest that multiplies itself is refused with its template.
#[test]
fn r3_manifests_with_alias_bombs_are_refused() {
    let template = "a: &a {{ list 1 2 3 4 5 6 7 8 9 | toJson }}\n{{- range $i, $n := list \"b\" \"c\" \"d\" \"e\" \"f\" \"g\" \"h\" }}\n\
                    {{- $below := index (list \"a\" \"b\" \"c\" \"d\" \"e\" \"f\" \"g\") $i }}\n\
                    {{ $n }}: &{{ $n }} [{{ range 9 }}*{{ $below }},{{ end }}]\n{{- end }}\n";
    let error = render(&small(template, ""), &Table::new()).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("YAML parse error on small/templates/a.yaml"), "{source}");
}

/// R7: recursion, loops and repetition without end come to a limit that the error names.
#[test]
fn r7_rendering_without_end_comes_to_a_limit() {
    for (template, limit) in [
        (r#"{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}"#, "depth"),
        (r#"{{ define "a" }}{{ tpl "{{ include \"a\" . }}" . }}{{ end }}{{ include "a" . }}"#, "depth"),
        ("{{ range 1000000000 }}{{ range 1000000000 }}{{ end }}{{ end }}", "steps"),
        (r#"{{ repeat 1000000000 "xxxxxxxxxx" }}"#, "bytes"),
        ("{{ range until 1000000000 }}{{ end }}", "steps"),
        ("{{ range $i := until 100000 }}{{ $_ := set $.Values (print $i) (repeat 100000 \"x\") }}{{ end }}", "bytes"),
        (r#"{{ $x := "x" }}{{ range 64 }}{{ $x = printf "%s%s" $x $x }}{{ end }}"#, "bytes"),
    ] {
        let error = render(&small(template, ""), &Table::new()).unwrap_err().to_string();
        assert!(error.contains("came to a limit") && error.contains(limit), "{template}: {error}");
        assert!(error.contains("small/templates/a.yaml"), "{error}");
    }
}

/// R7: whoever has a clock can end a rendering.
#[test]
fn r7_a_rendering_ends_when_its_caller_says_so() {
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let chart = crate::render::load(&small("{{ range 1000000 }}{{ end }}", "")).unwrap();
    let capabilities = helm::Capabilities::default();
    let request = helm::render::Request { stop: Some(stop), ..crate::render::request(&capabilities) };
    let error = helm::render(&chart, &Table::new(), request).unwrap_err().to_string();
    assert!(error.contains("small/templates/a.yaml came to a limit: rendering was stopped"), "{error}");
}

/// R7: patterns in schemas and templates take linear time.
#[test]
fn r7_patterns_take_linear_time() {
    let mut tree = small("a: 1\n", &format!("a: {}b\n", "a".repeat(50_000)));
    let schema = r#"{"properties": {"a": {"pattern": "^(a+)+$"}}}"#;
    tree.insert(&tree::TreePath::parse("values.schema.json").unwrap(), schema).unwrap();
    assert!(render(&tree, &Table::new()).is_err());
    // Backtracking is what makes others slow; what needs it is refused, as by RE2.
    tree.insert(
        &tree::TreePath::parse("values.schema.json").unwrap(),
        r#"{"properties": {"a": {"pattern": "(?=a)a"}}}"#,
    )
    .unwrap();
    assert!(render(&tree, &Table::new()).is_err());
    let template = r#"{{ regexMatch "^(a|aa)+$" (repeat 50000 "a" | printf "%sb") }}"#;
    assert_eq!(functions::run(template, Value::Nil).as_deref(), Ok("false"));
}

/// R2: a gzip of much more than it seems stops at the limit.
#[test]
fn r2_what_compresses_a_hundredfold_is_not_unpacked() {
    let zeros = vec![0_u8; 16 << 20];
    let limits = chart::Limits { file_bytes: 1 << 40, total_bytes: 32 << 20, ..chart::Limits::default() };
    let files: Vec<(String, &[u8])> = (0..8).map(|i| (format!("x/{i}"), &zeros[..])).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, data)| (name.as_str(), *data)).collect();
    let packed = archive(&files);
    assert!(packed.len() < 2 << 20, "{} bytes", packed.len());
    assert!(matches!(Chart::from_archive(&packed[..], &limits), Err(LoadError::TooLarge(_))));
    let inner = archive(&[("x/Chart.yaml", CHART_YAML), ("x/zeros", &zeros)]);
    let outer = archive(&[("x/Chart.yaml", CHART_YAML), ("x/charts/a.tgz", &inner), ("x/charts/b.tgz", &inner)]);
    let limits = chart::Limits { file_bytes: 20 << 20, total_bytes: 20 << 20, ..chart::Limits::default() };
    assert!(
        matches!(Chart::from_archive(&outer[..], &limits), Err(LoadError::TooLarge(_))),
        "what is nested counts too"
    );
}

/// Pieces that templates, lines and values are made of, wrong ones among them.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    "if ",
    "else ",
    "end",
    "range ",
    "with ",
    "define \"a\"",
    "template \"a\" ",
    "include \"a\" ",
    "tpl ",
    ".",
    "$",
    "$x := ",
    ".Values",
    ".a",
    "\"",
    "`",
    "(",
    ")",
    "|",
    "1",
    "1e9",
    "'c'",
    "nil",
    "list ",
    "dict ",
    "set ",
    "until ",
    "repeat ",
    "toYaml ",
    "fromYaml ",
    "index ",
    "slice ",
    "merge ",
    "printf \"%*d%[9]v\" ",
    "date ",
    "split ",
    "/*",
    "*/",
    "\n",
    " ",
    "é",
    "\u{0}",
    "break",
    "continue",
    "block \"b\" ",
    "substr ",
    "trunc ",
    "-5 ",
    "regexFindAll ",
    "seq ",
];

fn pieces(most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..most).prop_map(|pieces| pieces.concat())
}

const SMALL: Limits = Limits { steps: 20_000, depth: 50, bytes: 1 << 20 };

proptest! {
    #[test]
    fn r7_no_template_panics(text in pieces(40), values in "[a-z: \\[\\]{}&*\n\"0-9-]{0,60}") {
        let mut templates = gotemplate::Templates::new(helm::functions::funcs(None));
        if templates.parse("test", &text).is_ok() {
            let values = values::read(values.as_bytes()).unwrap_or_default();
            let data = functions::typed(&serde_json::json!({"Values": values, "a": [1, "b", null, {"c": 2.5}]}));
            let random = |bytes: &mut [u8]| bytes.fill(3);
            let mut session = gotemplate::Session::new(gotemplate::Moment::default(), random, SMALL);
            let _ = templates.execute("test", data, &mut session);
        }
    }

    #[test]
    fn r2_no_archive_panics(cut in 0_usize..2000, flips in prop::collection::vec((0_usize..2000, any::<u8>()), 0..6)) {
        let inner = archive(&[("y/Chart.yaml", CHART_YAML), ("y/values.yaml", b"a: 1\n")]);
        let mut packed = archive(&[("x/Chart.yaml", CHART_YAML), ("x/charts/y.tgz", &inner), ("x/templates/a", b"{{ 1 }}")]);
        let length = packed.len();
        for (at, byte) in &flips {
            packed[at % length] = *byte;
        }
        packed.truncate(length - cut % length);
        let _ = Chart::from_archive(&packed[..], &chart::Limits { total_bytes: 1 << 20, ..chart::Limits::default() });
    }

    #[test]
    fn r2_no_tar_panics(flips in prop::collection::vec((0_usize..4096, any::<u8>()), 1..8)) {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, data) in [("x/Chart.yaml", CHART_YAML), ("x/a", b"b"), ("x/.helmignore", b"*.x\n!b\n")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(data.len() as u64);
            tar.append_data(&mut header, name, data).unwrap();
        }
        let mut tar = tar.into_inner().unwrap();
        let length = tar.len();
        for (at, byte) in &flips {
            tar[at % length] = *byte;
        }
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &tar).unwrap();
        let _ = Chart::from_archive(&gzip.finish().unwrap()[..], &chart::Limits::default());
    }

    #[test]
    fn r4_no_record_panics(flips in prop::collection::vec((0_usize..4096, any::<u8>()), 1..6), bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut text = include_bytes!("record.json").to_vec();
        let length = text.len();
        for (at, byte) in &flips {
            text[at % length] = *byte;
        }
        if let Ok(release) = Release::from_json(&text) {
            let again = Release::decode(release.encode().as_bytes(), 1 << 20).unwrap();
            prop_assert_eq!(again.to_json(), release.to_json());
        }
        let _ = Release::decode(&bytes, 1 << 20);
        let _ = Release::from_json(&bytes);
    }

    #[test]
    fn r4_no_set_line_panics_and_layers_remember(line in r#"[a-c.\[\]{}=,\\0-3"é -]{0,40}"#, path in "[a-c]") {
        let mut layers = Layers::new();
        let _ = layers.line("--set", |values| strvals::set(values, &line));
        let _ = layers.line("--set-json", |values| strvals::set_json(values, &line));
        let _ = layers.file("-f x", line.as_bytes());
        let origin = layers.origin(&values::Path(vec![values::Step::Key(path.clone())]));
        prop_assert!(origin.is_none() || layers.values().contains_key(&path));
    }
}
