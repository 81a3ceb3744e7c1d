//! `flux render chart` prints what `helm template` prints, flag by flag.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Printed, chart, difference, helm, run, words};
use crate::case::FLUX;

/// What every case below may read.
const FILES: [(&str, &str); 6] = [
    (
        "one.yaml",
        "text: from one\nlist: [x, v, z]\ntable: {z: null, q: 5}\nreplicas: 7\ncache: {size: 1Mi, removed: null}\n",
    ),
    ("two.yaml", "text: from two\nnested: {a: {b: {d: new}}}\nnumbers: []\nmulti: |2\n   kept\n---\nreplicas: 8\n"),
    ("tags.yaml", "tags: {never: true, backend: false}\nglobal: {cacheEnabled: false, region: us}\n"),
    ("turns.yaml", "up: false\ndown: true\nzero: 1\nempty: full\nnothing: [something]\nlist: [z, v]\ntable: {a: x}\n"),
    ("invalid.yaml", "text: NOT LOWER\nlist: [1, x, v]\ntable: {a: null}\n"),
    ("ca.pem", "-----BEGIN-----\na,b={c}\n"),
];

/// `CHART FLAGS`, in a folder that has [`FILES`] and the packed chart.
const CASES: &str = r#"
shop
shop --no-hooks
shop --skip-tests
shop --include-crds
shop --skip-crds --include-crds
shop --is-upgrade
shop -n other-space
shop --namespace=third
shop --show-only templates/deployment.yaml
shop -s templates/*.yaml
shop -s templates/many.yaml -s charts/cache/templates/cache.yaml --include-crds
shop -s templates/tests/check.yaml
shop -s nothing.yaml
shop -s templates/hooks.yaml --no-hooks
shop --kube-version 1.27
shop --kube-version v1.31.4-gke.100
shop --kube-version 1.24.9
shop --kube-version nonsense
shop --api-versions example.com/v1,batch/v1/CronJob -a other/v2
shop -f one.yaml
shop -f one.yaml -f two.yaml
shop --values one.yaml,two.yaml
shop -f two.yaml -f one.yaml --set replicas=9
shop -f tags.yaml
shop -f tags.yaml --set global.cacheEnabled=true
shop --set cache.enabled=false
shop --set tags.never=true,tags.backend=true
shop --set nested=null
shop --set nested.drop=null,nested.deep.a=null
shop --set list={a,b},nested.deep.b[1]=z,name=x\,y
shop --set-string replicas=5 --skip-schema-validation
shop --set-string replicas=5
shop --set-json nested={"keep":[1,{"a":null}]} --set-json ratio=0.5
shop --set-json {"name":"json","nested":{"deep":{"c":1}}}
shop --set-file multi=ca.pem
shop --set-literal name=a,b={c}[0]
shop --set replicas=1 --set-string name=2 --set-json replicas=4
shop --set a..b=1
shop --set global.region=asia,cache.global.region=own,billing.ledger.accounts=12
shop --set billing=text
shop --release-name
shop --name-template rendered-{{"ABC"|lower}}
shop-1.2.3-rc.1+build.7.tgz
shop-1.2.3-rc.1+build.7.tgz --include-crds -f one.yaml
catalogue
catalogue -f turns.yaml
catalogue -f one.yaml -f two.yaml
catalogue -f invalid.yaml
catalogue -f invalid.yaml --skip-schema-validation
catalogue --set refuse=politely
catalogue --set text=
catalogue --set text=null
catalogue --set-literal template={{.Release.Namespace}}-{{.Values.version}}
catalogue --set-literal template={{.Values.absent.deeper}}
catalogue --set version=7
catalogue --set-json numbers=[1e100,-0.0,12345678,0.1,1e-9,1234567890123]
catalogue --set-string numbers[0]=12abc,numbers[1]=0x1F --set-json numbers[2]=true
catalogue --set table.z=null,table.a=x
catalogue --kube-version 1.29 --api-versions example.com/v1 --is-upgrade
catalogue --include-crds --no-hooks --skip-tests
store
store --set shelf.enabled=false
store --set count=1.5
store --set count=x
store/charts/shelf
shop/charts/tools
"#;

/// A folder with [`FILES`] and the packed chart.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let pack = ["package".to_owned(), chart("shop").display().to_string()];
    let packed = helm(&pack, folder.path(), &[]);
    assert!(packed.ok, "{}", packed.err);
    folder
}

/// The arguments of a case: for ours, and for helm.
fn arguments(case: &str) -> [Vec<String>; 2] {
    let mut words = words(case).into_iter();
    let name = words.next().unwrap();
    let is_packed = Path::new(&name).extension().is_some_and(|extension| extension == "tgz");
    let chart = if is_packed { name } else { chart(&name).display().to_string() };
    let flags: Vec<String> = words.collect();
    // A name excludes a template for it.
    let name = if case.contains("--name-template") { vec![] } else { vec!["rel".to_owned()] };
    [
        [vec!["render".to_owned(), "chart".to_owned(), chart.clone()], name.clone(), flags.clone()].concat(),
        [vec!["template".to_owned()], name, vec![chart], flags].concat(),
    ]
}

#[test]
fn every_flag_prints_what_helm_prints() {
    let folder = folder();
    let mut failures = Vec::new();
    let (mut same, mut refused) = (0, 0);
    for case in CASES.lines().filter(|line| !line.is_empty()) {
        let [ours, theirs] = arguments(case);
        let theirs = helm(&theirs, folder.path(), &[]);
        let ours = run(Path::new(FLUX), &ours, folder.path(), &[]);
        match (&ours, &theirs) {
            (Printed { ok: true, .. }, Printed { ok: true, .. }) if ours.out == theirs.out => same += 1,
            (Printed { ok: true, .. }, Printed { ok: true, .. }) => {
                failures.push(format!("{case}: {}", difference(&theirs.out, &ours.out)));
            }
            (Printed { ok: false, .. }, Printed { ok: false, .. }) if ours.out.is_empty() => refused += 1,
            _ => failures
                .push(format!("{case}:\n  helm {}: {}\n  ours {}: {}", theirs.ok, theirs.err, ours.ok, ours.err)),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!((same, refused), (48, 18));
}

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn files_are_written_where_helm_writes_them() {
    for flags in ["", " --include-crds", " --release-name --include-crds", " --no-hooks", " --skip-tests"] {
        let [ours, theirs] = arguments(&format!("shop --output-dir out{flags}"));
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let theirs = helm(&theirs, folders[0].path(), &[]);
        let ours = run(Path::new(FLUX), &ours, folders[1].path(), &[]);
        assert!(ours.ok && theirs.ok, "{}{}", ours.err, theirs.err);
        assert_eq!(ours.out, theirs.out);
        let [theirs, ours] = folders.each_ref().map(|folder| files(&folder.path().join("out")));
        assert!(ours.len() > 5, "{ours:?}");
        assert_eq!(ours, theirs);
    }
}

/// A chart must not write where it likes, whatever it calls itself.
#[test]
fn files_stay_in_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("chart");
    fs::create_dir_all(chart.join("templates")).unwrap();
    fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: ../../up\nversion: 1.0.0\n").unwrap();
    fs::write(chart.join("templates/a.yaml"), "a: 1\n").unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let args = ["render", "chart", "../chart", "rel", "--output-dir", "out"].map(str::to_owned);
    let ours = run(Path::new(FLUX), &args, &inner, &[]);
    assert!(!ours.ok, "{}", ours.out);
    assert!(!folder.path().join("up").exists());
}

/// What a person needs to find the mistake: chart, file, line, column; the value, who set it, and what was meant.
#[test]
fn errors_say_where_and_who() {
    let folder = folder();
    let check = |case: &str, parts: &[&str]| {
        let [ours, _] = arguments(case);
        let ours = run(Path::new(FLUX), &ours, folder.path(), &[]);
        assert!(!ours.ok, "{case}");
        for part in parts {
            assert!(ours.err.contains(part), "{case} says\n{}\nwithout\n{part}", ours.err);
        }
    };
    check(
        "catalogue -f invalid.yaml --set-string list[1]=UP",
        &[
            "catalogue:",
            "- text: ",
            "(from -f invalid.yaml:1; schema /definitions/name/pattern)",
            "- list[0]: ",
            "(from -f invalid.yaml:2; ",
            "- table.a: is required (from -f invalid.yaml:3; schema /properties/table/required",
        ],
    );
    check("store --set count=x", &["- count: the value is not of type \"integer\" (from --set; schema "]);
    check("store --set-json count=1.5", &["- count: ", "(from --set-json; schema "]);
    check(
        "catalogue --set refuse=politely",
        &["execution error at (catalogue/templates/language.yaml:26:3): refused: politely"],
    );
    check(
        "catalogue --set-literal template={{.Values.tabel.deeper}}",
        &[
            "catalogue/templates/language.yaml:23:",
            "gotpl:1:9",
            "hint: .Values.tabel is not set; did you mean .Values.table?",
        ],
    );
    check("shop -s nothing.yaml", &["could not find template nothing.yaml in chart"]);
    check("shop/charts/tools", &["chart tools: library charts are not installable"]);
    check("shop --set a..b=1", &["failed parsing --set data"]);
    check("shop -f absent.yaml", &["absent.yaml", "No such file"]);
}
