//! The script of `differential/` on the real API server and on ours: what differs is a bug of ours, or in `meant.txt`.

use std::collections::BTreeMap;
use std::path::Path;

use apiserver::{Options, Server};
use kube::Client;
use serde_json::Value;
use testbed::User;
use testbed::differential::{self, Meant, Scenario};

const REQUESTS: usize = 1170;
const MEANT: usize = 40;

/// Plays a scenario on both; returns the differences that are not meant, by request and place.
async fn play(
    real: &Client,
    ours: &Client,
    (name, scenario, namespace): (&str, &Scenario, &str),
    meant: &[Meant],
    used: &mut [bool],
) -> BTreeMap<(usize, String), String> {
    let theirs = differential::run(real, scenario, namespace).await.unwrap();
    let mine = differential::run(ours, scenario, namespace).await.unwrap();
    let mut found = BTreeMap::new();
    for (request, (theirs, mine)) in scenario.requests.iter().zip(theirs.iter().zip(&mine)) {
        let body = request.body.join(" ");
        let line = format!("{name} [{}] {} {} {body}", scenario.name, request.method, request.path);
        for difference in differential::differences(theirs, mine) {
            let reasons: Vec<usize> = (0..meant.len()).filter(|at| meant[*at].is(&line, &difference)).collect();
            if reasons.is_empty() {
                let show =
                    |value: &Option<Value>| value.as_ref().map_or_else(|| "absent".to_owned(), ToString::to_string);
                let (theirs, mine) = (show(&difference.real), show(&difference.ours));
                let text = format!(
                    "{line}\n  line {}, {}\n    real {theirs}\n    ours {mine}\n",
                    request.line, difference.pointer
                );
                found.insert((request.line, difference.pointer), text);
            }
            for at in reasons {
                used[at] = true;
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn both_servers_answer_alike() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/differential"));
    let meant = Meant::parse(&std::fs::read_to_string(folder.join("meant.txt")).unwrap()).unwrap();
    assert!(meant.len() <= MEANT, "{} differences are meant, {MEANT} at most", meant.len());
    let plane = testbed::shared().await.unwrap();
    let kubeconfig = std::fs::read_to_string(plane.kubeconfig(User::Admin)).unwrap();
    let real = differential::client(&kubeconfig).await.unwrap();
    let server = Server::start(Options::default()).await.unwrap();
    let ours = differential::client(&server.kubeconfig()).await.unwrap();

    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().is_some_and(|name| name != "meant.txt"));
    files.sort();
    let (mut sent, mut used) = (0, vec![false; meant.len()]);
    let mut report: Vec<String> = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let scenarios = differential::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for (at, scenario) in scenarios.iter().enumerate() {
            let namespace = format!("differential-{}-{at}", &name[..2]);
            sent += scenario.requests.len();
            let first = play(&real, &ours, (&name, scenario, &namespace), &meant, &mut used).await;
            if first.is_empty() {
                continue;
            }
            // The real server's caches and controllers are late at times: what differs has to differ twice.
            let namespace = format!("{namespace}-again");
            let again = play(&real, &ours, (&name, scenario, &namespace), &meant, &mut used).await;
            report.extend(first.into_iter().filter(|(place, _)| again.contains_key(place)).map(|(_, text)| text));
        }
    }
    println!("differential: {sent} requests to both servers, {} differences are meant", meant.len());
    assert!(sent >= REQUESTS, "{sent} requests were sent, {REQUESTS} are recorded");
    assert!(report.is_empty(), "the servers answer differently:\n{}", report.concat());
    let unused: Vec<&str> = meant.iter().zip(used).filter(|(_, used)| !used).map(|(meant, _)| &*meant.reason).collect();
    assert!(unused.is_empty(), "nothing differs any more where this was meant, remove it:\n{}", unused.join("\n"));
    server.shutdown().await;
}
