//! Trees that are written to read what they must not, or to eat the machine. Rows of the project's list of weakness
//! classes: P1 and P3 paths and links, R1 recursion, R3 large YAML, R7 costly instructions, X3 remote content.

use std::cell::RefCell;
use std::sync::Mutex;

use kustomize::{Fetched, Limits, LoadRestrictions, Options, Remote, build};
use tree::{Entry, Files, Kind, ReadError, Tree, TreePath};

/// A tree that remembers what was read.
struct Watched {
    tree: Tree,
    read: Mutex<Vec<String>>,
}

impl Watched {
    fn new(files: &[(&str, &str)]) -> Self {
        let mut tree = Tree::new();
        for (path, text) in files {
            let path = TreePath::parse(path).unwrap();
            match text.strip_prefix("LINK ") {
                Some(target) => tree.insert_link(&path, target).unwrap(),
                None => tree.insert(&path, *text).unwrap(),
            }
        }
        Self { tree, read: Mutex::default() }
    }

    fn was_read(&self, path: &str) -> bool {
        self.read.lock().unwrap().iter().any(|read| read == path)
    }
}

impl Files for Watched {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        self.read.lock().unwrap().push(path.to_string());
        self.tree.read(path)
    }
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        self.tree.kind(path)
    }
    fn list(&self, dir: &TreePath) -> Result<Vec<Entry>, ReadError> {
        self.tree.list(dir)
    }
    fn link(&self, path: &TreePath) -> Result<String, ReadError> {
        self.tree.link(path)
    }
}

const SENTINEL: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sentinel}\n";
const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: object}\n";

/// Every field that can name a file, with a place for the path.
const FIELDS: &[&str] = &[
    "resources: [PATH]",
    "bases: [PATH]",
    "components: [PATH]",
    "crds: [PATH]",
    "openapi: {path: PATH}",
    "configurations: [PATH]",
    "generators: [PATH]",
    "transformers: [PATH]",
    "validators: [PATH]",
    "patches: [{path: PATH}]",
    "patchesStrategicMerge: [PATH]",
    "patchesJson6902: [{path: PATH, target: {name: object}}]",
    "replacements: [{path: PATH}]",
    "configMapGenerator: [{name: x, files: [PATH]}]",
    "configMapGenerator: [{name: x, files: [\"key=PATH\"]}]",
    "configMapGenerator: [{name: x, envs: [PATH]}]",
    "configMapGenerator: [{name: x, env: PATH}]",
    "secretGenerator: [{name: x, files: [PATH]}]",
    "secretGenerator: [{name: x, envs: [PATH]}]",
    "transformers: [\"{apiVersion: builtin, kind: PatchTransformer, metadata: {name: x}, path: 'PATH'}\"]",
    "transformers: [\"{apiVersion: builtin, kind: PatchJson6902Transformer, metadata: {name: x}, target: {name: object}, path: 'PATH'}\"]",
    "transformers: [\"{apiVersion: builtin, kind: PatchStrategicMergeTransformer, metadata: {name: x}, paths: ['PATH']}\"]",
    "transformers: [\"{apiVersion: builtin, kind: ReplacementTransformer, metadata: {name: x}, replacements: [{path: 'PATH'}]}\"]",
    "transformers: [\"{apiVersion: builtin, kind: ValueAddTransformer, metadata: {name: x}, targetFilePath: 'PATH'}\"]",
    "generators: [\"{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: x}, files: ['PATH']}\"]",
];

#[track_caller]
fn refuses(files: &[(&str, &str)], restrictions: LoadRestrictions, forbidden: &[&str]) {
    let tree = Watched::new(files);
    let options = Options { load_restrictions: restrictions, ..Options::default() };
    let built = build(&tree, &TreePath::parse("app").unwrap(), &options);
    let text = &files[0].1;
    assert!(built.is_err(), "built {text:?}");
    for path in forbidden {
        assert!(!tree.was_read(path), "{path} was read for {text:?}");
    }
}

/// Fills a field in; a build file has an object as well.
fn with_path(field: &str, path: &str) -> String {
    let filled = field.replace("PATH", path);
    if filled.starts_with("resources") { filled } else { format!("resources: [object.yaml]\n{filled}") }
}

#[test]
fn p1_a_parent_path_is_refused_in_every_field() {
    for field in FIELDS {
        for path in ["../secret.yaml", "sub/../../secret.yaml", "./.././secret.yaml", "sub//..//../secret.yaml"] {
            let text = with_path(field, path);
            let files = [
                ("app/kustomization.yaml", text.as_str()),
                ("app/object.yaml", OBJECT),
                ("app/sub/x", ""),
                ("secret.yaml", SENTINEL),
            ];
            refuses(&files, LoadRestrictions::RootOnly, &["secret.yaml"]);
        }
    }
}

#[test]
fn p1_a_path_out_of_the_tree_is_refused_without_restrictions_too() {
    let paths = [
        "../../etc/passwd",
        "/etc/passwd",
        "a/../../../b",
        "..\\\\secret.yaml",
        "..%2fsecret.yaml",
        "%2e%2e/secret.yaml",
        "\u{2024}\u{2024}/secret.yaml",
        "file:///etc/passwd",
        "nul\\0byte",
    ];
    for field in FIELDS {
        for path in paths {
            let text = with_path(field, path);
            let files =
                [("app/kustomization.yaml", text.as_str()), ("app/object.yaml", OBJECT), ("secret.yaml", SENTINEL)];
            refuses(&files, LoadRestrictions::None, &["secret.yaml"]);
        }
    }
}

#[test]
fn p1_without_restrictions_a_file_elsewhere_in_the_tree_is_read() {
    let files = [("app/kustomization.yaml", "resources: [../shared.yaml]"), ("shared.yaml", OBJECT)];
    let options = Options { load_restrictions: LoadRestrictions::None, ..Options::default() };
    let built = build(&Watched::new(&files), &TreePath::parse("app").unwrap(), &options).unwrap();
    assert_eq!(built.resources.len(), 1);
}

#[test]
fn p3_a_link_out_of_the_directory_is_refused_in_every_field() {
    for field in FIELDS {
        let text = with_path(field, "link");
        for target in ["../secret.yaml", "other", "dir/secret.yaml"] {
            let link = format!("LINK {target}");
            let files = [
                ("app/kustomization.yaml", text.as_str()),
                ("app/object.yaml", OBJECT),
                ("app/link", link.as_str()),
                ("app/other", "LINK ../secret.yaml"),
                ("app/dir", "LINK .."),
                ("secret.yaml", SENTINEL),
            ];
            refuses(&files, LoadRestrictions::RootOnly, &["secret.yaml"]);
        }
    }
}

#[test]
fn p3_links_that_leave_the_tree_or_never_end_are_refused() {
    for target in ["/etc/passwd", "../../etc/passwd", "link", "loop", "missing"] {
        let link = format!("LINK {target}");
        let files =
            [("app/kustomization.yaml", "resources: [link]"), ("app/link", link.as_str()), ("app/loop", "LINK link")];
        refuses(&files, LoadRestrictions::None, &[]);
    }
}

#[test]
fn p3_a_link_inside_the_directory_is_followed() {
    let files =
        [("app/kustomization.yaml", "resources: [link]"), ("app/link", "LINK a/b.yaml"), ("app/a/b.yaml", OBJECT)];
    let built = build(&Watched::new(&files), &TreePath::parse("app").unwrap(), &Options::default()).unwrap();
    assert_eq!(built.resources.first().unwrap().place().to_string(), "app/a/b.yaml:1");
}

#[track_caller]
fn error_of(files: &[(&str, &str)]) -> String {
    build(&Watched::new(files), &TreePath::root(), &Options::default()).unwrap_err().to_string()
}

#[test]
fn r1_bases_that_build_each_other_are_an_error_with_the_way() {
    let error = error_of(&[
        ("kustomization.yaml", "resources: [a]"),
        ("a/kustomization.yaml", "resources: [../b]"),
        ("b/kustomization.yaml", "resources: [../a]"),
    ]);
    assert!(error.starts_with("b/kustomization.yaml:1: resources[0]: cycle detected: . → a → b → a"), "{error}");
}

#[test]
fn r1_a_build_file_that_builds_itself_or_what_holds_it_is_an_error() {
    for path in [".", "./", "sub/.."] {
        let text = format!("resources: [{path}]");
        let error = error_of(&[("kustomization.yaml", &text), ("sub/x", "")]);
        assert!(error.contains("cycle detected"), "{error}");
    }
    let error = error_of(&[
        ("kustomization.yaml", "resources: [a/b]"),
        ("a/b/kustomization.yaml", "resources: [..]"),
        ("a/kustomization.yaml", "resources: []"),
    ]);
    assert!(error.contains("cycle detected: . → a/b → a"), "{error}");
}

#[test]
fn r1_components_and_links_make_no_way_around() {
    let error = error_of(&[
        ("kustomization.yaml", "components: [c]"),
        ("c/kustomization.yaml", "kind: Component\ncomponents: [../d]"),
        ("d", "LINK c"),
    ]);
    assert!(error.contains("cycle detected"), "{error}");
}

#[test]
fn r1_a_thousand_bases_in_a_row_are_refused() {
    let mut files: Vec<(String, String)> =
        (0..1000).map(|i| (format!("b{i}/kustomization.yaml"), format!("resources: [../b{}]", i + 1))).collect();
    files.push(("kustomization.yaml".into(), "resources: [b0]".into()));
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert!(error_of(&files).contains("more than 64 build files in a row"));
}

#[test]
fn r1_bases_that_double_at_every_step_are_refused() {
    let mut files = vec![("kustomization.yaml".to_owned(), "resources: [l0]".to_owned())];
    for i in 0..40 {
        files.push((format!("l{i}/kustomization.yaml"), "resources: [a, b]".to_owned()));
        for side in ["a", "b"] {
            files.push((
                format!("l{i}/{side}/kustomization.yaml"),
                format!("namePrefix: {side}-\nresources: [../../l{}]", i + 1),
            ));
        }
    }
    files.push(("l40/kustomization.yaml".into(), "resources: [x.yaml]".into()));
    files.push(("l40/x.yaml".into(), OBJECT.into()));
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let limits = Limits { build_files: 2_000, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let error = build(&Watched::new(&files), &TreePath::root(), &options).unwrap_err().to_string();
    assert!(error.contains("more than"), "{}", &error[..200]);
}

/// Texts that break readers, as a build file and as a file of objects.
fn bombs() -> Vec<(&'static str, String)> {
    let mut laughs = String::from("a0: &a0 [lol, lol]\n");
    for i in 1..40 {
        laughs.push_str(&format!("a{i}: &a{i} [*a{0}, *a{0}, *a{0}]\n", i - 1));
    }
    vec![
        ("billion laughs", laughs),
        ("deep brackets", "[".repeat(100_000)),
        ("deep maps", "{a: ".repeat(100_000)),
        ("deep lists", "- ".repeat(100_000)),
        ("many documents", "---\n".repeat(200_000)),
        ("unclosed quote", format!("a: \"{}", "x".repeat(1 << 20))),
        ("tabs", "\t\t\t\n".repeat(1000)),
        ("carriage returns", "\r".repeat(100_000)),
        ("anchors", "&a ".repeat(10_000)),
        ("long key", format!("{}: x", "k".repeat(1 << 20))),
        ("keys of keys", "? ".repeat(10_000)),
        ("an alias to itself", "a: &a [*a]".to_owned()),
        ("many empty objects", "{}\n---\n".repeat(10_000)),
    ]
}

#[test]
fn r3_bombs_end_as_errors_or_nothing() {
    for (name, bomb) in bombs() {
        let as_build_file =
            build(&Watched::new(&[("kustomization.yaml", &bomb)]), &TreePath::root(), &Options::default());
        assert!(as_build_file.is_err(), "{name} as a build file");
        let object = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\n---\n{bomb}");
        // One field for each way in which a file is read.
        for field in FIELDS.iter().filter(|field| field.ends_with("PATH]") || field.contains("{path: PATH}")) {
            let text = with_path(field, "bomb");
            let files = [("kustomization.yaml", text.as_str()), ("object.yaml", OBJECT), ("bomb", bomb.as_str())];
            let _ = build(&Watched::new(&files), &TreePath::root(), &Options::default());
        }
        let files = [("kustomization.yaml", "resources: [bomb]"), ("bomb", object.as_str())];
        let _ = build(&Watched::new(&files), &TreePath::root(), &Options::default());
    }
}

#[test]
fn r3_a_million_documents_are_nothing() {
    let documents = "---\n".repeat(1_000_000);
    let files =
        [("kustomization.yaml", "resources: [x.yaml, object.yaml]"), ("object.yaml", OBJECT), ("x.yaml", &documents)];
    let built = build(&Watched::new(&files), &TreePath::root(), &Options::default()).unwrap();
    assert_eq!(built.resources.len(), 1);
}

#[test]
fn r3_objects_that_are_not_text_are_an_error_with_the_line() {
    let mut tree = Tree::new();
    tree.insert(&TreePath::parse("kustomization.yaml").unwrap(), "resources: [x.yaml]").unwrap();
    tree.insert(&TreePath::parse("x.yaml").unwrap(), b"a: b\nc: \xff\xfe\n".to_vec()).unwrap();
    let error = build(&tree, &TreePath::root(), &Options::default()).unwrap_err().to_string();
    assert!(error.starts_with("x.yaml:2: "), "{error}");
}

#[test]
fn r3_a_byte_order_mark_and_carriage_returns_are_read() {
    let files = [
        ("kustomization.yaml", "\u{feff}resources:\r\n- x.yaml\r\n"),
        ("x.yaml", "\u{feff}apiVersion: v1\r\nkind: ConfigMap\r\nmetadata:\r\n  name: x\r\n"),
    ];
    let built = build(&Watched::new(&files), &TreePath::root(), &Options::default()).unwrap();
    assert_eq!(built.to_yaml(), "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n");
}

#[test]
fn r3_twenty_thousand_objects_are_built() {
    let objects: Vec<String> =
        (0..20_000).map(|i| format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{i}}}}}\n")).collect();
    let text = objects.join("---\n");
    let files =
        [("kustomization.yaml", "resources: [x.yaml]\nnamePrefix: p-\nnamespace: ns\n"), ("x.yaml", text.as_str())];
    let built = build(&Watched::new(&files), &TreePath::root(), &Options::default()).unwrap();
    assert_eq!(built.resources.len(), 20_000);
}

#[test]
fn r3_a_file_counts_as_often_as_it_is_read() {
    let large = "x".repeat(1 << 20);
    for field in [
        "configMapGenerator: [{name: a, files: [f]}, {name: b, files: [f]}, {name: c, files: [f]}]",
        "resources: [f, f, f]",
        "patches: [{path: f}, {path: f}, {path: f}]",
    ] {
        let tree = Watched::new(&[("kustomization.yaml", field), ("f", &large)]);
        let limits = Limits { bytes: 2 << 20, ..Limits::default() };
        let options = Options { limits, ..Options::default() };
        let error = build(&tree, &TreePath::root(), &options).unwrap_err().to_string();
        assert!(error.contains("more than 2097152 bytes read"), "{error}");
    }
}

#[test]
fn r3_a_build_file_of_five_megabytes_is_read() {
    let mut text = String::from("resources: [x.yaml]\ncommonAnnotations:\n");
    for i in 0..100_000 {
        text.push_str(&format!("  annotation-number-{i}: the value of the annotation {i}\n"));
    }
    let files = [("kustomization.yaml", text.as_str()), ("x.yaml", OBJECT)];
    let built = build(&Watched::new(&files), &TreePath::root(), &Options::default()).unwrap();
    assert!(built.to_yaml().len() > 5_000_000);
}

#[test]
fn r7_patterns_take_linear_time() {
    let name = "a".repeat(50_000);
    let object = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
    for pattern in ["(a+)+$", "(a|a)*b", "(.*)*(.*)*(.*)*x"] {
        let text = format!(
            "resources: [x.yaml]\npatches:\n- target: {{name: \"{pattern}\"}}\n  patch: '[{{\"op\": \"add\", \"path\": \"/data\", \"value\": {{}}}}]'\n"
        );
        let files = [("kustomization.yaml", text.as_str()), ("x.yaml", object.as_str())];
        build(&Watched::new(&files), &TreePath::root(), &Options::default()).unwrap();
    }
}

#[test]
fn r7_patterns_that_need_much_memory_are_refused() {
    for text in [
        "patches: [{target: {name: '(((a{100}){100}){100}){100}'}, patch: '[{\"op\": \"remove\", \"path\": \"/x\"}]'}]",
        "images: [{name: '(((a{100}){100}){100}){100}', newTag: x}]",
    ] {
        let text = format!("resources: [x.yaml]\n{text}");
        let error = error_of(&[("kustomization.yaml", &text), ("x.yaml", OBJECT)]);
        assert!(error.contains("is not a regular expression"), "{error}");
    }
}

#[test]
fn r7_a_json_patch_that_doubles_an_object_is_refused() {
    let double =
        "- {op: copy, from: /data/a, path: /data/b/-}\n- {op: copy, from: /data/b, path: /data/a/-}\n".repeat(60);
    let patch: String = double.lines().map(|line| format!("    {line}\n")).collect();
    let text = format!("resources: [x.yaml]\npatches:\n- target: {{name: object}}\n  patch: |\n{patch}");
    let object = format!("{OBJECT}data: {{a: [1], b: [1]}}\n");
    let error = error_of(&[("kustomization.yaml", &text), ("x.yaml", &object)]);
    assert!(error.contains("more than 200000 values copied by a JSON patch"), "{error}");
}

#[test]
fn r7_a_json_patch_cannot_nest_an_object_without_end() {
    let mut patch = String::new();
    for _ in 0..3_000 {
        patch.push_str("    - {op: move, from: /data, path: /d}\n    - {op: add, path: /data, value: {}}\n    - {op: move, from: /d, path: /data/d}\n");
    }
    let text = format!("resources: [x.yaml]\npatches:\n- target: {{name: object}}\n  patch: |\n{patch}");
    let object = format!("{OBJECT}data: {{a: b}}\n");
    let error = error_of(&[("kustomization.yaml", &text), ("x.yaml", &object)]);
    assert!(error.contains("more than 1000 values inside each other"), "{error}");
}

/// A network that says no and remembers who asked.
#[derive(Default)]
struct Asked(RefCell<Vec<String>>);

impl Remote for Asked {
    fn fetch(&self, url: &str) -> Result<Fetched, String> {
        self.0.borrow_mut().push(url.to_owned());
        Err("there is no network".into())
    }
}

#[test]
fn x3_nothing_remote_is_built_without_a_remote() {
    for field in FIELDS {
        for url in [
            "https://example.com/x.yaml",
            "http://169.254.169.254/latest",
            "git@example.com:org/repo.git",
            "ssh://example.com/a/b",
        ] {
            let text = with_path(field, url);
            refuses(&[("app/kustomization.yaml", &text), ("app/object.yaml", OBJECT)], LoadRestrictions::None, &[]);
        }
    }
}

#[test]
fn x3_only_resources_and_components_ask_for_addresses() {
    for field in FIELDS {
        let asked = Asked::default();
        let text = with_path(field, "https://example.com/org/repo");
        let tree = Watched::new(&[("kustomization.yaml", &text), ("object.yaml", OBJECT)]);
        let options = Options { remote: Some(&asked), ..Options::default() };
        assert!(build(&tree, &TreePath::root(), &options).is_err(), "{field}");
        let may_ask = [
            "resources: [",
            "bases: [",
            "components: [",
            "generators: [PATH",
            "transformers: [PATH",
            "validators: [PATH",
        ];
        let asks = !asked.0.borrow().is_empty();
        assert_eq!(asks, may_ask.iter().any(|start| field.starts_with(start)), "{field}");
    }
}

#[test]
fn x3_what_would_run_or_download_is_refused() {
    for (text, reason) in [
        ("helmCharts: [{name: x, repo: 'https://example.com'}]", "helm charts are refused"),
        ("helmChartInflationGenerator: [{chartName: x}]", "helm charts are refused"),
        (
            "generators: [\"{apiVersion: x/v1, kind: Exec, metadata: {name: x}}\"]",
            "external plugins (Exec) are refused",
        ),
        (
            "transformers: [\"{apiVersion: x/v1, kind: F, metadata: {name: x, annotations: {config.kubernetes.io/function: 'container: {image: x}'}}}\"]",
            "KRM functions (F) are refused",
        ),
        (
            "validators: [\"{apiVersion: x/v1, kind: F, metadata: {name: x, annotations: {config.kubernetes.io/function: 'exec: {path: /bin/sh}'}}}\"]",
            "KRM functions (F) are refused",
        ),
    ] {
        let error = error_of(&[("kustomization.yaml", text)]);
        assert!(error.contains(reason), "{error}");
    }
}
