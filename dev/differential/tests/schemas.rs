//! Custom kinds with random structural schemas, and random objects of them, most of which are not quite right: the real
//! API server and ours answer each request alike.

#![expect(clippy::panic, clippy::print_stdout, reason = "a test that says what it ran")]

use std::fmt::Write as _;

use apiserver::{Options, Server};
use differential::structural;
use fastrand::Rng;
use serde_json::{Value, json};
use testbed::ControlPlane;
use testbed::differential::{Answer, Meant, client, differences, parse, run};

/// So many kinds are made where nobody asks for more.
const FEW: u64 = 12;
/// Objects of each.
const OBJECTS: usize = 12;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// A scenario: a definition, objects that are only tried, and one that is kept and changed.
fn scenario(seed: u64) -> String {
    let mut rng = Rng::with_seed(seed);
    let spec = structural::schema(&mut rng);
    let group = format!("g{seed}.$NS.example.org");
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": format!("things.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
            }],
        },
    });
    let path = format!("/apis/{group}/v1/namespaces/$NS/things");
    let mut script =
        format!("== seed {seed}\nPOST /apis/apiextensions.k8s.io/v1/customresourcedefinitions\n{definition}\n");
    let _ = writeln!(script, "GET {path} until=200");
    let object = |name: &str, spec: Value| json!({"apiVersion": format!("{group}/v1"), "kind": "Thing", "metadata": {"name": name}, "spec": spec});
    for at in 0..OBJECTS {
        let mode = ["Strict", "Warn", "Ignore"][at % 3];
        let wrong = if at == 0 { 0 } else { 8 };
        let tried = object("tried", structural::value(&mut rng, &spec, wrong));
        let _ = writeln!(script, "POST {path}?dryRun=All&fieldValidation={mode}\n{tried}");
    }
    for at in 0..3 {
        let _ = writeln!(script, "POST {path}\n{}", object("kept", structural::value(&mut rng, &spec, 0)));
        let change = json!({"spec": structural::value(&mut rng, &spec, if at == 0 { 0 } else { 8 })});
        let _ = writeln!(script, "PATCH {path}/kept type=merge\n{change}");
        let applied = object("kept", structural::value(&mut rng, &spec, 0));
        let _ = writeln!(script, "PATCH {path}/kept?fieldManager=m&force=true type=apply\n{applied}");
    }
    let _ = writeln!(script, "DELETE /apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.{group}");
    script
}

/// An answer whose causes are sorted: upstream finds them in the order of Go's maps, which is another each time.
fn sorted(mut answer: Answer) -> Answer {
    if let Some((head, list)) = answer.body["message"].as_str().and_then(|text| text.split_once("errors:\n")) {
        let mut lines: Vec<&str> = list.lines().collect();
        lines.sort_unstable();
        answer.body["message"] = format!("{head}errors:\n{}", lines.join("\n")).into();
    }
    let Some(Value::Array(causes)) = answer.body.pointer_mut("/details/causes") else { return answer };
    causes.sort_by_key(Value::to_string);
    // The message says them one after the other.
    if causes.len() > 1 && answer.body["reason"] == "Invalid" {
        answer.body["message"] = Value::Null;
    }
    answer
}

#[test]
fn objects_of_random_schemas_are_answered_as_by_the_real_api_server() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let plane = ControlPlane::start().await.unwrap();
        let kubeconfig = std::fs::read_to_string(plane.kubeconfig(testbed::User::Admin)).unwrap();
        let real = client(&kubeconfig).await.unwrap();
        let server = Server::start(Options::default()).await.unwrap();
        let ours = client(&server.kubeconfig()).await.unwrap();
        let meant = Meant::parse(include_str!("meant.txt")).unwrap();
        let first = number("SEED").unwrap_or(1);
        let count = number("SCHEMAS").unwrap_or(FEW);
        let (mut sent, mut accepted, mut found) = (0, 0, Vec::new());
        for seed in first..first + count {
            let text = scenario(seed);
            if count == 1 {
                println!("{text}");
            }
            for scenario in parse(&text).unwrap() {
                let namespace = format!("schemas-{seed}");
                let (theirs, mine) =
                    tokio::try_join!(run(&real, &scenario, &namespace), run(&ours, &scenario, &namespace)).unwrap();
                for (request, (theirs, mine)) in scenario.requests.iter().zip(theirs.iter().zip(&mine)) {
                    sent += 1;
                    accepted += usize::from(theirs.code < 300);
                    let line = format!("{} {} {}", request.method, request.path, request.body.join(" "));
                    for difference in differences(&sorted(theirs.clone()), &sorted(mine.clone())) {
                        if meant.iter().any(|meant| meant.is(&line, &difference)) {
                            continue;
                        }
                        let show = |value: &Option<Value>| value.as_ref().map_or("absent".to_owned(), Value::to_string);
                        found.push(format!(
                            "seed {seed} {line}\n  {}\n    real {}\n    ours {}\n",
                            difference.pointer,
                            show(&difference.real),
                            show(&difference.ours)
                        ));
                    }
                }
            }
        }
        println!(
            "differential schemas: {sent} cases from seed {first}, {accepted} accepted; {} places differ",
            found.len()
        );
        for text in found.iter().take(usize::try_from(number("SHOW").unwrap_or(20)).unwrap()) {
            println!("{text}");
        }
        assert!(found.is_empty(), "{} places differ", found.len());
        assert!(
            sent >= 20 * usize::try_from(count).unwrap() && accepted * 10 > sent,
            "{accepted} of {sent} were accepted"
        );
        server.shutdown().await;
    });
}
