//! What callers rely on besides the bytes: places, warnings, build files made and changed before they are built.

use std::sync::Arc;

use kustomize::{
    Entry, Fetched, File, Image, Options, Overrides, Patch, Remote, Selector, UnknownFields, build, find, scan,
};
use tree::{Tree, TreePath};

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (path, text) in files {
        tree.insert(&TreePath::parse(path).unwrap(), *text).unwrap();
    }
    tree
}

fn object(kind: &str, name: &str) -> String {
    format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n")
}

#[test]
fn results_may_cross_threads() {
    fn check<T: Send + Sync>() {}
    check::<kustomize::Build>();
    check::<kustomize::Error>();
    check::<File>();
}

#[test]
fn no_message_tells_a_secret() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: CANARY, n: 5}\n";
    for field in [
        "patches: [{target: {kind: Secret}, patch: '[{\"op\": \"test\", \"path\": \"/data/a\", \"value\": \"x\"}]'}]",
        "replacements: [{source: {kind: Secret, fieldPath: data.a, options: {delimiter: x, index: 9}}, targets: [{select: {kind: Secret}, fieldPaths: [data.n]}]}]",
        "replacements: [{source: {kind: Secret, fieldPath: data.a}, targets: [{select: {kind: Secret}, fieldPaths: [data.n]}]}]",
        "secretGenerator: [{name: x, literals: [CANARY]}]",
        "secretGenerator: [{name: s, literals: [a=CANARY]}]",
    ] {
        let tree = tree(&[("kustomization.yaml", &format!("resources: [s.yaml]\n{field}\n")), ("s.yaml", secret)]);
        let error = build(&tree, &TreePath::root(), &Options::default()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("CANARY"), "{error}");
    }
    let tree = tree(&[("kustomization.yaml", "resources: [s.yaml]\n"), ("s.yaml", secret)]);
    let built = build(&tree, &TreePath::root(), &Options::default()).unwrap();
    assert!(!format!("{built:?}").contains("CANARY"));
}

#[test]
fn every_object_knows_the_line_it_came_from() {
    let text = format!("{}---\n{}", object("ConfigMap", "a"), object("Secret", "b"));
    let tree = tree(&[
        ("kustomization.yaml", "resources: [base]\nconfigMapGenerator:\n- name: made\n"),
        ("base/kustomization.yaml", "resources: [x.yaml]\n"),
        ("base/x.yaml", &text),
    ]);
    let built = build(&tree, &TreePath::root(), &Options::default()).unwrap();
    let mut places: Vec<String> = built
        .resources
        .iter()
        .map(|resource| format!("{} {}", resource.to_object().unwrap().kind(), resource.place()))
        .collect();
    places.sort();
    assert_eq!(places, ["ConfigMap base/x.yaml:1", "ConfigMap kustomization.yaml:3", "Secret base/x.yaml:6"]);
}

#[test]
fn a_schema_of_one_build_does_not_reach_the_next() {
    let thing = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: x}]}\n";
    let patch =
        "patches: [{patch: '{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: b}]}}'}]\n";
    let count = |openapi: &str| {
        let file = format!("resources: [x.yaml]\n{patch}{openapi}");
        let tree = tree(&[("kustomization.yaml", &file), ("x.yaml", thing), ("s.json", "{\"definitions\": {}}")]);
        let built = build(&tree, &TreePath::root(), &Options::default()).unwrap();
        built.resources[0].to_value()["spec"]["containers"].as_array().unwrap().len()
    };
    // Without the built-in document nobody knows that containers are merged by name.
    assert_eq!([count(""), count("openapi: {path: s.json}"), count("")], [2, 1, 2]);
}

#[test]
fn unknown_fields_are_dropped_with_a_warning_when_asked_for() {
    let tree = tree(&[
        ("kustomization.yaml", "resources: [x.yaml]\nnamePrefx: a-\nimages: [{name: x, newTags: y}]\n"),
        ("x.yaml", &object("ConfigMap", "a")),
    ]);
    assert!(build(&tree, &TreePath::root(), &Options::default()).is_err());
    let options = Options { unknown_fields: UnknownFields::DropAndReport, ..Options::default() };
    let built = build(&tree, &TreePath::root(), &options).unwrap();
    let warnings: Vec<String> = built.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "kustomization.yaml:2: unknown field \"namePrefx\" is ignored; did you mean \"namePrefix\"?",
            "kustomization.yaml:3: images[0]: unknown field \"newTags\" is ignored; did you mean \"newTag\"?",
        ]
    );
}

#[test]
fn deprecated_fields_and_targets_without_objects_are_warned_about() {
    let tree = tree(&[
        (
            "kustomization.yaml",
            "bases: [base]\npatches:\n- target: {kind: ConfigMap, name: cnof}\n  patch: '[{\"op\": \"remove\", \"path\": \"/data\"}]'\n",
        ),
        ("base/kustomization.yaml", "resources: [x.yaml]\n"),
        ("base/x.yaml", &object("ConfigMap", "conf")),
    ]);
    let built = build(&tree, &TreePath::root(), &Options::default()).unwrap();
    let warnings: Vec<String> = built.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "kustomization.yaml: 'bases' is deprecated. Please use 'resources' instead.",
            "kustomization.yaml:3: patches[0]: the target selects nothing: kind=ConfigMap, name=cnof; did you mean \"conf\"?",
        ]
    );
}

#[test]
fn a_directory_without_build_file_is_scanned() {
    let tree = tree(&[
        ("app/b.yaml", &object("ConfigMap", "b")),
        ("app/a/z.yml", &object("ConfigMap", "z")),
        ("app/own/kustomization.yaml", "namePrefix: own-\nresources: [x.yaml]\n"),
        ("app/own/x.yaml", &object("ConfigMap", "x")),
        ("app/notes.txt", "not yaml: at: all"),
    ]);
    let app = TreePath::parse("app").unwrap();
    assert_eq!(find(&tree, &app, UnknownFields::Refuse).unwrap(), None);
    let file = scan(&tree, &app).unwrap();
    assert_eq!(file.resources, ["a/z.yml", "b.yaml", "own"].map(Entry::from));
    let built = build(&tree, &app, &Options { root: Some(file), ..Options::default() }).unwrap();
    assert_eq!(built.resources.len(), 3);
}

#[test]
fn a_scan_refuses_yaml_that_is_no_object() {
    let tree = tree(&[("a.yaml", &object("ConfigMap", "a")), ("values.yaml", "replicas: 3\n")]);
    let error = scan(&tree, &TreePath::root()).unwrap_err().to_string();
    assert!(error.starts_with("failed to decode Kubernetes YAML from values.yaml: values.yaml:1:"), "{error}");
}

#[test]
fn an_empty_directory_builds_nothing() {
    let tree = tree(&[("app/readme.md", "hello")]);
    let app = TreePath::parse("app").unwrap();
    let file = scan(&tree, &app).unwrap();
    let built = build(&tree, &app, &Options { root: Some(file), ..Options::default() }).unwrap();
    assert_eq!(built.to_yaml(), "");
}

#[test]
fn overrides_change_the_build_file_before_it_is_built() {
    let tree = tree(&[
        ("kustomization.yaml", "resources: [x.yaml]\nnamespace: old\nimages: [{name: nginx, newTag: \"1\"}]\n"),
        ("x.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: nginx}]}\n"),
    ]);
    let (mut file, warnings) = find(&tree, &TreePath::root(), UnknownFields::Refuse).unwrap().unwrap();
    assert_eq!(warnings, []);
    let patch = Patch {
        patch: "[{\"op\": \"add\", \"path\": \"/spec/hostNetwork\", \"value\": true}]".into(),
        target: Some(Selector { kind: "Pod".into(), ..Selector::default() }),
        ..Patch::default()
    };
    let overrides = Overrides {
        namespace: "new".into(),
        name_prefix: "p-".into(),
        patches: vec![patch],
        images: vec![Image { name: "nginx".into(), digest: "sha256:1".into(), ..Image::default() }],
        ..Overrides::default()
    };
    overrides.apply(&mut file);
    let built = build(&tree, &TreePath::root(), &Options { root: Some(file), ..Options::default() }).unwrap();
    let expected = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p-p\n  namespace: new\nspec:\n  containers:\n  - image: nginx@sha256:1\n    name: a\n  hostNetwork: true\n";
    assert_eq!(built.to_yaml(), expected);
}

#[test]
fn a_build_file_prints_what_it_says() {
    let text = "namePrefix: a-\npatches:\n- patch: x\n  target:\n    kind: Pod\nreplicas:\n- count: 0\n  name: b\nresources:\n- x.yaml\n";
    assert_eq!(File::parse(text, "kustomization.yaml").unwrap().to_yaml(), text);
}

/// A network with one repository and one file.
struct Network;

impl Remote for Network {
    fn fetch(&self, url: &str) -> Result<Fetched, String> {
        if url.ends_with(".yaml") {
            return Ok(Fetched::File(object("ConfigMap", "remote-file").into_bytes()));
        }
        let files = tree(&[
            ("base/kustomization.yaml", "resources: [../shared, x.yaml]\n"),
            ("base/x.yaml", &object("ConfigMap", "x")),
            ("shared/kustomization.yaml", "resources: [y.yaml]\n"),
            ("shared/y.yaml", &object("ConfigMap", "y")),
        ]);
        Ok(Fetched::Repository {
            files: Arc::new(files),
            path: TreePath::parse("base").unwrap(),
            repo: "https://example.com/org/repo".into(),
            reference: "v1".into(),
        })
    }
}

#[test]
fn a_remote_gives_files_and_repositories() {
    let tree = tree(&[(
        "kustomization.yaml",
        "resources: [\"https://example.com/org/repo//base?ref=v1\", \"https://example.com/f.yaml\"]\nbuildMetadata: [originAnnotations]\n",
    )]);
    let options = Options { remote: Some(&Network), reorder: kustomize::Reorder::None, ..Options::default() };
    let built = build(&tree, &TreePath::root(), &options).unwrap();
    let text = built.to_yaml();
    assert_eq!(built.resources.len(), 3);
    assert!(
        text.contains("      path: shared/y.yaml\n      repo: https://example.com/org/repo\n      ref: v1\n"),
        "{text}"
    );
    let places: Vec<String> = built.resources.iter().map(|resource| resource.place().to_string()).collect();
    assert_eq!(places[0], "https://example.com/org/repo//base?ref=v1//shared/y.yaml:1");
}
