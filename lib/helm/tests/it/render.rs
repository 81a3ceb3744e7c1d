//! Charts of this repository against what helm 4.2.4 printed, the ways of failing, and hostile charts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gotemplate::{Limits, Moment};
use helm::capabilities::KubeVersion;
use helm::chart::{self, LoadError};
use helm::listing::Selection;
use helm::render::{Program, Release, RenderError, Rendered, Request, SchemaCheck, render_parsed};
use helm::values::{self, Table};
use helm::{Capabilities, Chart, Layers, strvals};
use serde_json::Value;
use tree::{Tree, TreePath};

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

#[expect(clippy::disallowed_methods, reason = "tests read files")]
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

/// Reads a chart's folder from disk.
fn folder(name: &str) -> Tree {
    fn walk(disk: &Path, path: &TreePath, tree: &mut Tree) {
        for entry in disk.read_dir().unwrap() {
            let entry = entry.unwrap();
            let path = path.join(entry.file_name().to_str().unwrap()).unwrap();
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &path, tree);
            } else {
                tree.insert(&path, read(&entry.path())).unwrap();
            }
        }
    }
    let mut tree = Tree::new();
    walk(&tests().join("charts").join(name), &TreePath::root(), &mut tree);
    tree
}

pub(crate) fn load(tree: &Tree) -> Result<Chart, LoadError> {
    Chart::from_files(tree, &TreePath::root(), &chart::Limits::default())
}

pub(crate) fn request(capabilities: &Capabilities) -> Request<'_> {
    Request {
        release: Release { name: "rel".to_owned(), namespace: "space".to_owned(), revision: 1, is_upgrade: false },
        capabilities,
        lookup: None,
        schema: SchemaCheck::Enforce,
        now: Moment { seconds: 1_780_000_000, nanos: 0 },
        random: Box::new(|bytes: &mut [u8]| bytes.fill(7)),
        limits: Limits::default(),
        stop: None,
        post_render: None,
    }
}

pub(crate) fn render(tree: &Tree, values: &Table) -> Result<Rendered, RenderError> {
    helm::render(&load(tree).unwrap(), values, request(&Capabilities::default()))
}

/// Each case is a line of JSON, what was asked of `helm template rel shop -n space`, and what it printed.
#[test]
fn charts_render_as_the_real_helm_rendered_them() {
    let chart = load(&folder("shop")).unwrap();
    let mut ran = 0;
    for entry in tests().join("cases").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8(read(&path)).unwrap();
        let (asked, expected) = text.split_once("\n-- expected --\n").unwrap();
        let asked: Value = serde_json::from_str(asked).unwrap();
        let texts = |key: &str| asked[key].as_array().into_iter().flatten().map(|text| text.as_str().unwrap());
        let mut values = values::read(asked["values"].as_str().unwrap_or_default().as_bytes()).unwrap();
        texts("set").for_each(|line| strvals::set(&mut values, line).unwrap());
        texts("set_string").for_each(|line| strvals::set_string(&mut values, line).unwrap());
        let mut capabilities = Capabilities::default();
        if let Some(version) = asked["kube_version"].as_str() {
            capabilities.kube_version = KubeVersion::parse(version).unwrap();
        }
        capabilities.api_versions.extend(texts("api_versions").map(str::to_owned));
        let mut request = request(&capabilities);
        request.release.is_upgrade = asked["upgrade"].as_bool().unwrap_or_default();
        if asked["skip_schema"].as_bool().unwrap_or_default() {
            request.schema = SchemaCheck::Skip;
        }
        let rendered = helm::render(&chart, &values, request).unwrap();
        let crds = asked["crds"].as_bool().unwrap_or_default();
        let printed: String = rendered.template(Selection { crds, hooks: true, tests: true }).collect();
        assert_eq!(printed, expected, "{}", path.display());
        assert_eq!(rendered.notes, "Thank you for installing shop.\n");
        ran += 1;
    }
    assert_eq!(ran, 6);
}

pub(crate) fn small(template: &str, values: &str) -> Tree {
    Tree::from([
        ("Chart.yaml", "apiVersion: v2\nname: small\nversion: 1.0.0\n"),
        ("values.yaml", values),
        ("templates/a.yaml", template),
    ])
}

#[track_caller]
fn refuse(template: &str, values: &str, expected: &str) {
    let error = render(&small(template, values), &Table::new()).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_missing_value_is_named_with_its_nearest_neighbour() {
    refuse(
        "a: 1\nb: {{ .Values.image.tga.digest }}\n",
        "image: {tag: v1, name: x}\n",
        "small/templates/a.yaml:2:13\n  executing \"small/templates/a.yaml\" at <.Values.image.tga.digest>:\n    \
         nil pointer evaluating interface {}.digest\n\
         hint: .Values.image.tga is not set; did you mean .Values.image.tag?",
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_named() {
    refuse(
        "a: {{ .Values.image.tag.digest }}\n",
        "image: {tag: v1}\n",
        "small/templates/a.yaml:1:13\n  executing \"small/templates/a.yaml\" at <.Values.image.tag.digest>:\n    \
         can't evaluate field digest in type interface {}\nhint: .Values.image.tag is text, not a table",
    );
    refuse(
        "a: {{ index .Values.list 3 }}\n",
        "lists: [1]\n",
        "small/templates/a.yaml:1:6\n  executing \"small/templates/a.yaml\" at <index .Values.list 3>:\n    \
         error calling index: index of untyped nil\nhint: .Values.list is not set; did you mean .Values.lists?",
    );
}

#[test]
fn a_missing_value_that_is_piped_is_named() {
    refuse(
        "a: {{ .Values.passwrod | b64enc | quote }}\n",
        "password: x\n",
        "small/templates/a.yaml:1:25\n  executing \"small/templates/a.yaml\" at <b64enc>:\n    \
         invalid value; expected string\nhint: .Values.passwrod is not set; did you mean .Values.password?",
    );
}

#[test]
fn a_template_that_is_not_there_is_named() {
    let check = |name: &str, expected: &str| {
        let text = format!("{{{{ define \"app.name\" }}}}x{{{{ end }}}}a: {{{{ include \"{name}\" . }}}}\n");
        let error = render(&small(&text, ""), &Table::new()).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    };
    check("app.nmae", "no template \"app.nmae\" associated with template \"gotpl\"; did you mean \"app.name\"?");
    check("common.labels", "; a chart that defines it may be missing in charts/");
}

#[test]
fn what_a_chart_refuses_is_told_in_its_words() {
    refuse(
        "{{ define \"x\" }}{{ required \"set image!\" .Values.image }}{{ end }}\n{{ include \"x\" . }}",
        "",
        "execution error at (small/templates/a.yaml:2:3): set image!",
    );
    refuse("{{ fail \"no\" }}", "", "execution error at (small/templates/a.yaml:1:3): no");
}

#[test]
fn a_template_that_is_not_well_formed_names_its_line() {
    refuse("a: 1\nb: {{ if }}", "", "parse error at (small/templates/a.yaml:2:9): missing value for if");
    refuse(
        "a: {{ .Values | toYml }}",
        "",
        "parse error at (small/templates/a.yaml:1:16): function \"toYml\" not defined; did you mean toYaml?",
    );
}

#[test]
fn a_text_given_to_tpl_that_is_not_well_formed_is_told_with_its_place() {
    refuse(
        "a: {{ tpl .Values.text . }}",
        "text: |\n  b: 1\n  c: {{ . | qote }}\n",
        "small/templates/a.yaml:1:6\n  executing \"small/templates/a.yaml\" at <tpl .Values.text .>:\n    \
         error calling tpl\ngotpl:2:10\n  parsing the text given to tpl:\n    \
         function \"qote\" not defined; did you mean quote?",
    );
}

#[test]
fn every_schema_violation_is_told_with_its_path() {
    let mut values = Table::new();
    strvals::set(&mut values, "replicas=0,name=5").unwrap();
    strvals::set_string(&mut values, "ratio=much").unwrap();
    let error = render(&folder("shop"), &values).unwrap_err();
    let RenderError::Schema(schema) = &error else { panic!("{error}") };
    let text = schema.to_string();
    for path in ["- replicas: ", "- name: ", "- ratio: "] {
        assert!(text.contains(path), "{text}");
    }
}

#[test]
fn schema_violations_say_where_their_values_came_from() {
    let mut tree = small("a: 1\n", "a: 1\nsub:\n  h: 2\nlist: [{b: x}]\n");
    let number = r#"{"type": "number"}"#;
    let text = r#"{"type": "string"}"#;
    let list = format!(r#"{{"items": {{"properties": {{"b": {number}}}}}}}"#);
    let properties = format!(r#""a": {text}, "list": {list}, "c": {number}, "d": {number}"#);
    for (path, text) in [
        ("values.schema.json", format!(r#"{{"properties": {{{properties}}}, "required": ["e"]}}"#)),
        ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n".to_owned()),
        ("charts/sub/values.yaml", "g: 1\nh: 1\n".to_owned()),
        ("charts/sub/values.schema.json", format!(r#"{{"properties": {{"g": {text}, "h": {text}, "i": {text}}}}}"#)),
    ] {
        tree.insert(&TreePath::parse(path).unwrap(), text).unwrap();
    }
    let mut layers = Layers::new();
    layers.file("-f v.yaml", b"# mine\nc: x\n").unwrap();
    layers.line("--set", |values| strvals::set(values, "d=x,sub.i=3")).unwrap();
    let RenderError::Schema(mut error) = render(&tree, layers.values()).unwrap_err() else { panic!("no violation") };
    error.locate(&layers);
    let mut origins: Vec<String> = error
        .charts
        .iter()
        .flat_map(|chart| chart.violations.iter().map(|v| format!("{} {}: {}", chart.chart, v.path, v.origin)))
        .collect();
    origins.sort();
    assert_eq!(
        origins,
        [
            "small a: chart default, small/values.yaml:1",
            "small c: from -f v.yaml:2",
            "small d: from --set",
            "small e: not set",
            "small list[0].b: chart default, small/values.yaml:4",
            "sub g: chart default, small/charts/sub/values.yaml:1",
            "sub h: chart default, small/values.yaml:3",
            "sub i: from --set",
        ]
    );
}

/// R4: a schema that points at files or servers gets no answer from them.
#[test]
fn r4_schema_references_do_not_leave_the_chart() {
    for reference in ["file:///etc/passwd", "http://127.0.0.1:1/schema.json"] {
        let schema = format!("{{\"properties\": {{\"a\": {{\"$ref\": \"{reference}\"}}}}}}");
        let mut tree = small("a: 1\n", "a: 1\n");
        tree.insert(&TreePath::parse("values.schema.json").unwrap(), schema).unwrap();
        let error = render(&tree, &Table::new()).unwrap_err();
        let RenderError::Schema(schema) = &error else { panic!("{error}") };
        assert!(schema.to_string().contains("leads out of the chart"), "{schema}");
    }
}

/// R4: a schema that refers to itself ends.
#[test]
fn r4_recursive_schemas_end() {
    let mut tree = small("a: 1\n", "a: {a: {a: {}}}\n");
    let schema = r##"{"type": "object", "additionalProperties": {"$ref": "#"}}"##;
    tree.insert(&TreePath::parse("values.schema.json").unwrap(), schema).unwrap();
    render(&tree, &Table::new()).unwrap();
}

/// R3: deep and self-multiplying values files are refused, not built.
#[test]
fn r3_hostile_values_files_are_refused() {
    let deep = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(values::read(deep.as_bytes()).is_err());
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (name, below) in ('b'..='k').zip('a'..='j') {
        let aliases = vec![format!("*{below}"); 10].join(", ");
        writeln!(bomb, "{name}: &{name} [{aliases}]").unwrap();
    }
    assert!(values::read(bomb.as_bytes()).is_err());
}

pub(crate) fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, data) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, *data).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

pub(crate) const CHART_YAML: &[u8] = b"apiVersion: v2\nname: x\nversion: 1.0.0\n";

/// R2: archives that grow, and archives with names that lead elsewhere.
#[test]
fn r2_hostile_archives_are_refused() {
    let load = |archive: &[u8]| Chart::from_archive(archive, &chart::Limits::default());
    let good = archive(&[("x/Chart.yaml", CHART_YAML), ("x/templates/a.yaml", b"a: 1")]);
    assert_eq!(load(&good).unwrap().templates[0].name, "templates/a.yaml");
    let nested = archive(&[("x/Chart.yaml", CHART_YAML), ("x/charts/y.tgz", &good)]);
    assert_eq!(load(&nested).unwrap().dependencies.len(), 1);

    for name in ["x/../../etc/passwd", "x//etc/passwd", "x/c:/y", "Chart.yaml"] {
        let error = load(&archive(&[("x/Chart.yaml", CHART_YAML), (name, b"")])).unwrap_err();
        assert!(matches!(error, LoadError::IllegalName(_)), "{name}: {error}");
    }
    let small = chart::Limits { total_bytes: 50_000, file_bytes: 20_000, entries: 4, depth: 2 };
    let load_small = |archive: &[u8]| Chart::from_archive(archive, &small).unwrap_err();
    let file = vec![0; 19_000];
    let error = load_small(&archive(&[("x/Chart.yaml", CHART_YAML), ("x/large", &vec![0; 20_001])]));
    assert!(matches!(error, LoadError::FileTooLarge { .. }), "{error}");
    let error = load_small(&archive(&[("x/a", &file), ("x/b", &file), ("x/c", &file)]));
    assert!(matches!(error, LoadError::TooLarge(50_000)), "{error}");
    let error = load_small(&archive(&[("x/a", b""), ("x/b", b""), ("x/c", b""), ("x/d", b""), ("x/e", b"")]));
    assert!(matches!(error, LoadError::TooManyEntries(4)), "{error}");
    let mut matryoshka = good;
    for _ in 0..3 {
        matryoshka = archive(&[("x/Chart.yaml", CHART_YAML), ("x/charts/y.tgz", &matryoshka)]);
    }
    let deep = chart::Limits { depth: 2, ..chart::Limits::default() };
    assert!(matches!(Chart::from_archive(&matryoshka[..], &deep).unwrap_err(), LoadError::TooDeep(2)));
    assert!(load(b"no archive").is_err());
}

#[test]
fn links_are_followed_inside_of_the_tree_only() {
    let path = |text: &str| TreePath::parse(text).unwrap();
    let mut tree = small("a: 1\n", "");
    tree.insert_link(&path("templates/b.yaml"), "a.yaml").unwrap();
    assert_eq!(load(&tree).unwrap().templates.len(), 2);
    for target in ["../../outside", "/etc/passwd", "nowhere", "c.yaml"] {
        let mut tree = small("a: 1\n", "");
        tree.insert_link(&path("templates/c.yaml"), target).unwrap();
        assert!(matches!(load(&tree).unwrap_err(), LoadError::Link { .. }), "{target}");
    }
}

#[test]
fn chart_yaml_problems_name_the_field() {
    let tree = Tree::from([("Chart.yaml", "apiVersion: v2\nname: x\nversion: 1.0.0\nappVersion: [1.16]\n")]);
    let error = load(&tree).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(format!("{error}: {source}"), "cannot load Chart.yaml: appVersion is a list, expected text");
}

#[test]
fn the_same_randomness_gives_the_same_rendering() {
    let tree = small("a: {{ randAlphaNum 8 }}-{{ uuidv4 }}\nb: {{ now | unixEpoch }}\n", "");
    let first = render(&tree, &Table::new()).unwrap().manifest();
    assert_eq!(first, render(&tree, &Table::new()).unwrap().manifest());
}

#[test]
fn a_hook_of_unknown_kind_drops_its_document() {
    let hook = "metadata:\n  annotations: {helm.sh/hook: \"pre-install, nonsense\"}\n";
    let rendered = render(&small(hook, ""), &Table::new()).unwrap();
    assert!(rendered.hooks.is_empty() && rendered.manifests.is_empty());
}

#[test]
fn a_template_is_asked_again_once_something_has_changed() {
    let mut tree = small(
        "{{ define \"value\" }}{{ .Values.a }}{{ end }}\
         {{ define \"file\" }}{{ base .Template.Name }}{{ end }}\
         {{ define \"random\" }}{{ randNumeric 3 }}{{ end }}\
         a: [{{ include \"value\" . }}, {{ include \"value\" . }}, {{ include \"file\" . }}]\n\
         {{ $_ := set .Values \"a\" 2 }}b: {{ include \"value\" . }}\n\
         {{ $_ := unset .Values \"a\" }}c: \"{{ include \"value\" . }}\"\n\
         d: [{{ include \"random\" . }}, {{ include \"random\" . }}]\n",
        "a: 1\n",
    );
    tree.insert(&TreePath::parse("templates/b.yaml").unwrap(), "e: {{ include \"file\" . }}\n").unwrap();
    let capabilities = Capabilities::default();
    let mut request = request(&capabilities);
    let mut byte = 0_u8;
    request.random = Box::new(move |bytes: &mut [u8]| {
        byte += 1;
        bytes.fill(byte);
    });
    let rendered = helm::render(&load(&tree).unwrap(), &Table::new(), request).unwrap();
    let [first, second] = &rendered.manifests[..] else { panic!("{rendered:?}") };
    let (before, random) = first.content.split_once("d: ").unwrap();
    assert_eq!(before, "a: [1, 1, a.yaml]\nb: 2\nc: \"\"\n");
    let (left, right) = random.split_once(", ").unwrap();
    assert_ne!(left.trim_start_matches('['), right.trim_end_matches("]\n"));
    assert_eq!(&*second.content, "e: b.yaml\n");
}

#[test]
fn a_parsed_chart_renders_again_and_again() {
    let template = "kind: {{ .Values.kind }}\n---\nkind: Secret\nmetadata:\n  name: s\n  \
                    annotations: {helm.sh/hook: {{ .Values.hook }}}\n";
    let chart = Arc::new(load(&small(template, "kind: ConfigMap\nhook: pre-install\n")).unwrap());
    let program = Program::parse(&chart).unwrap();
    let kinds = |line: &str| {
        let mut values = Table::new();
        strvals::set(&mut values, line).unwrap();
        let capabilities = Capabilities::default();
        let rendered =
            render_parsed(Arc::clone(&chart), &program, &values, request(&capabilities), Vec::new()).unwrap();
        let kinds = rendered.manifests.iter().map(|manifest| manifest.kind.clone()).collect::<Vec<_>>().join(" ");
        (kinds, rendered.hooks.iter().map(|hook| hook.events[0].as_str()).collect::<Vec<_>>().join(" "))
    };
    let told = |kinds: &str, hooks: &str| (kinds.to_owned(), hooks.to_owned());
    assert_eq!(kinds("a=1"), told("ConfigMap", "pre-install"));
    assert_eq!(kinds("a=1"), told("ConfigMap", "pre-install"));
    assert_eq!(kinds("kind=Service"), told("Service", "pre-install"));
    assert_eq!(kinds("hook=nonsense"), told("ConfigMap", ""));
    assert_eq!(kinds("hook=nonsense"), told("ConfigMap", ""));
}

/// Large enough for more threads than one: templates of some 400 kB, which print 280.
#[test]
fn several_threads_render_what_one_does() {
    let mut tree = small("kind: ConfigMap\n", "text: some words\n");
    let line = "{{ if .Values.text }}  {{ $.Template.Name | base }}: {{ .Values.text | quote }}{{ end }}\n";
    for i in 0..40 {
        let path = TreePath::parse(&format!("templates/{i}.yaml")).unwrap();
        let data = line.replace("}}: ", "}}-N: ").repeat(40);
        let data: String =
            data.lines().enumerate().map(|(n, line)| line.replace("-N", &format!("-{n}")) + "\n").collect();
        let kind = if i % 10 == 0 { "Namespace" } else { "ConfigMap" };
        let text = format!("kind: {kind}\nmetadata: {{name: n{i}}}\nfiller: {}\ndata:\n{data}", "x".repeat(6000));
        tree.insert(&path, text).unwrap();
    }
    let render = |tree: &Tree, threads: usize| {
        let capabilities = Capabilities::default();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            helm::render(&load(tree).unwrap(), &Table::new(), request(&capabilities))
                .map(|rendered| rendered.manifest())
        })
    };
    let alone = render(&tree, 1).unwrap();
    assert!(alone.len() > 250_000, "{}", alone.len());
    assert_eq!(alone.matches("kind: Namespace").count(), 4);
    for threads in 2..5 {
        assert_eq!(render(&tree, threads).unwrap(), alone);
    }
    // The first file of several that are wrong is told, whoever came upon it.
    for (path, text) in [
        ("templates/7.yaml", "a: [\n"),
        ("templates/35.yaml", "b: [\n"),
        ("templates/5.yaml", "{{ .Values.text | nope }}\n"),
    ] {
        tree.insert(&TreePath::parse(path).unwrap(), text).unwrap();
        let told = |threads| render(&tree, threads).unwrap_err().to_string();
        assert_eq!([told(2), told(4)], [told(1), told(1)]);
    }
}

/// Enough files for more threads than one.
#[test]
fn several_threads_load_what_one_does() {
    let mut tree = small("kind: ConfigMap\n", "text: some words\n");
    for i in 0..300 {
        tree.insert(&TreePath::parse(&format!("files/{i:03}")).unwrap(), "x".repeat(i)).unwrap();
    }
    let load = |threads: usize, file_bytes: u64, total_bytes: u64| {
        let limits = chart::Limits { file_bytes, total_bytes, ..chart::Limits::default() };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Chart::from_files(&tree, &TreePath::root(), &limits))
    };
    for threads in [1, 3] {
        let chart = load(threads, 1000, 80_000).unwrap();
        assert_eq!(chart.files.len(), 300);
        assert!(chart.files.iter().enumerate().all(|(i, file)| file.name.ends_with(&format!("/{i:03}"))));
        assert!(chart.files.iter().enumerate().all(|(i, file)| file.data.len() == i));
        // The first file that is too large is told, whoever came upon it.
        let error = load(threads, 200, 80_000).unwrap_err();
        assert!(matches!(&error, LoadError::FileTooLarge { file, limit: 200 } if file == "files/201"), "{error}");
        let error = load(threads, 1000, 40_000).unwrap_err();
        assert!(matches!(error, LoadError::TooLarge(40_000)), "{error}");
    }
}
