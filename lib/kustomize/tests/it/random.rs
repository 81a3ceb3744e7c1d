//! Build files that nobody wrote.

use kustomize::{File, Options, build};
use proptest::prelude::*;
use tree::{Tree, TreePath};

const OBJECTS: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec: {replicas: 1, template: {spec: {containers: [{name: a, image: nginx}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf, annotations: {a: \"1\"}}
data: {key: value, json: '{\"a\": [1]}'}
";

/// Pieces of build files, so that random texts get further than the first line.
const PIECES: &[&str] = &[
    "resources: [x.yaml]\n",
    "namePrefix: ",
    "namespace: ",
    "labels:\n",
    "- pairs: ",
    "commonLabels: ",
    "patches:\n",
    "- patch: |\n",
    "  target: ",
    "images:\n",
    "- name: ",
    "replacements:\n",
    "- source: ",
    "  targets:\n",
    "    fieldPaths: ",
    "  - select: ",
    "vars:\n",
    "  objref: ",
    "configMapGenerator:\n",
    "  literals: ",
    "replicas:\n",
    "  count: ",
    "{kind: Deployment}",
    "{kind: ConfigMap, name: conf}",
    "{a: b}",
    "[metadata.name]",
    "[data.json.a.0]",
    "[spec.template.spec.containers.*.image]",
    "    [{op: add, path: /a, value: 1}]\n",
    "    apiVersion: v1\n",
    "    kind: ConfigMap\n",
    "    metadata: {name: conf}\n",
    "    data: {$patch: replace}\n",
    "x\n",
    "\n",
    "- ",
    ": ",
    "'",
    "\"",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a ",
    "!!int ",
    "|",
    "~",
    "5",
    "\t",
    "$(A)",
    "..",
    "/",
    "é",
    "\u{0}",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat()),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

/// What a megabyte may cost at most.
const MEMORY: u64 = 64 << 20;

/// A megabyte of the same few pieces over and over, now and then with something before them.
fn megabyte(random: &mut fastrand::Rng) -> String {
    const DENSE: &[&str] = &[
        "a:\n",
        "-\n",
        "- ",
        "a,",
        "a: b\n",
        "[a],",
        "{a: b},\n",
        "'',",
        "\n",
        "# c\n",
        "---\n",
        "x ",
        "- - a\n",
        "&a b\n",
    ];
    let start = random
        .choice(["", "", "[", "{", "a: [", "resources: [", "labels:\n", "a: |\n  ", "a: \"", "patches:\n"])
        .unwrap_or_default();
    let unit: String = (0..random.usize(1..6))
        .map(|_| if random.bool() { random.choice(DENSE) } else { random.choice(PIECES) }.copied().unwrap_or_default())
        .collect();
    let mut text = start.to_owned();
    while text.len() < 1 << 20 {
        text.push_str(&unit);
    }
    text
}

#[test]
fn a_megabyte_of_anything_takes_little_memory() {
    let mut random = fastrand::Rng::with_seed(1);
    for i in 0..60 {
        let text = megabyte(&mut random);
        let start: String = text.chars().take(60).collect();
        let cost = allocation_counter::measure(|| match i % 3 {
            0 => drop(built(&text, OBJECTS)),
            1 => drop(built("resources: [x.yaml]\nnamePrefix: p-\n", &text)),
            _ => {
                let mut tree = Tree::new();
                for (path, content) in [
                    ("kustomization.yaml", "resources: [x.yaml]\npatches: [{path: p}]\n"),
                    ("x.yaml", OBJECTS),
                    ("p", &text),
                ] {
                    tree.insert(&TreePath::parse(path).unwrap(), content).unwrap();
                }
                drop(build(&tree, &TreePath::root(), &Options::default()));
            }
        });
        assert!(cost.bytes_max < MEMORY, "{} MB for {start:?}", cost.bytes_max >> 20);
    }
}

fn built(file: &str, objects: &str) -> Option<String> {
    let mut tree = Tree::new();
    tree.insert(&TreePath::parse("kustomization.yaml").unwrap(), file).unwrap();
    tree.insert(&TreePath::parse("x.yaml").unwrap(), objects).unwrap();
    build(&tree, &TreePath::root(), &Options::default()).ok().map(|built| built.to_yaml())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_build_file_panics(file in text()) {
        built(&file, OBJECTS);
    }

    #[test]
    fn no_objects_panic(objects in text()) {
        built("resources: [x.yaml]\nnamePrefix: p-\nnamespace: n1\ncommonLabels: {a: b}\nimages: [{name: nginx, newTag: \"2\"}]\n", &objects);
    }

    #[test]
    fn no_patch_panics(patch in text()) {
        let patch = serde_json::to_string(&patch).unwrap();
        built(&format!("resources: [x.yaml]\npatches:\n- patch: {patch}\n- patch: {patch}\n  target: {{kind: Deployment}}\n"), OBJECTS);
    }

    #[test]
    fn what_is_built_is_the_same_every_time(file in text()) {
        let file = format!("resources: [x.yaml]\n{file}");
        prop_assert_eq!(built(&file, OBJECTS), built(&file, OBJECTS));
    }

    #[test]
    fn a_build_file_reads_back_as_it_was_written(file in text()) {
        if let Ok(read) = File::parse(&file, "kustomization.yaml") {
            let printed = read.to_yaml();
            let again = File::parse(&printed, "kustomization.yaml");
            prop_assert_eq!(again.unwrap().to_yaml(), printed);
        }
    }
}
