//! Any bytes, split at lines of `%%`, as a build file, objects, a patch, and a base's build file: building never panics,
//! and gives the same twice.
#![no_main]

use kustomize::{File, Options, UnknownFields, build};
use libfuzzer_sys::fuzz_target;
use tree::{Tree, TreePath};

const OBJECTS: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}, annotations: {a: b}}
spec: {replicas: 1, template: {spec: {containers: [{name: a, image: nginx, env: [{name: E, value: $(V)}]}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf, annotations: {a: \"1\"}}
data: {key: value, json: '{\"a\": [1]}'}
";

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split("%%\n");
    let file = parts.next().unwrap_or_default();
    let mut tree = Tree::new();
    let mut put = |path: &str, text: &str| {
        if let Ok(path) = TreePath::parse(path) {
            let _ = tree.insert(&path, text);
        }
    };
    put("kustomization.yaml", file);
    put("o.yaml", OBJECTS);
    for (name, text) in ["x.yaml", "p.yaml", "b/kustomization.yaml"].into_iter().zip(parts) {
        put(name, text);
    }
    let run = |unknown_fields| {
        let options = Options { unknown_fields, ..Options::default() };
        build(&tree, &TreePath::root(), &options).map(|built| built.to_yaml()).map_err(|error| error.to_string())
    };
    assert_eq!(run(UnknownFields::Refuse), run(UnknownFields::Refuse));
    let _ = run(UnknownFields::DropAndReport);
    if let Ok(read) = File::parse(file, "kustomization.yaml") {
        let printed = read.to_yaml();
        let again = File::parse(&printed, "kustomization.yaml").map(|file| file.to_yaml());
        assert_eq!(again.ok(), Some(printed));
    }
});
