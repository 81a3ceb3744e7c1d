//! The script of `differential/` on the real API server and on ours: what differs is a bug of ours, or in `meant.txt`.

use std::path::Path;

use apiserver::{Options, Server};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use testbed::differential::{self, Meant};

const REQUESTS: usize = 700;
const MEANT: usize = 40;

async fn client(server: &Server) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(&server.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_servers_answer_alike() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/differential"));
    let meant = Meant::parse(&std::fs::read_to_string(folder.join("meant.txt")).unwrap()).unwrap();
    assert!(meant.len() <= MEANT, "{} differences are meant, {MEANT} at most", meant.len());
    let real = testbed::shared().await.unwrap().client().await.unwrap();
    let server = Server::start(Options::default()).await.unwrap();
    let ours = client(&server).await;

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
            let theirs = differential::run(&real, scenario, &namespace).await.unwrap();
            let mine = differential::run(&ours, scenario, &namespace).await.unwrap();
            sent += scenario.requests.len();
            for (request, (theirs, mine)) in scenario.requests.iter().zip(theirs.iter().zip(&mine)) {
                let line = format!(
                    "{name} [{}] {} {} {}",
                    scenario.name,
                    request.method,
                    request.path,
                    request.body.join(" ")
                );
                for difference in differential::differences(theirs, mine) {
                    let reasons: Vec<usize> = (0..meant.len()).filter(|at| meant[*at].is(&line, &difference)).collect();
                    if reasons.is_empty() {
                        let show = |value: &Option<serde_json::Value>| {
                            value.as_ref().map_or_else(|| "absent".to_owned(), ToString::to_string)
                        };
                        report.push(format!(
                            "{line}\n  line {}, {}\n    real {}\n    ours {}\n",
                            request.line,
                            difference.pointer,
                            show(&difference.real),
                            show(&difference.ours)
                        ));
                    }
                    for at in reasons {
                        used[at] = true;
                    }
                }
            }
        }
    }
    println!("differential: {sent} requests to both servers, {} differences are meant", meant.len());
    assert!(sent >= REQUESTS, "{sent} requests were sent, {REQUESTS} are recorded");
    assert!(report.is_empty(), "the servers answer differently:\n{}", report.concat());
    for (meant, used) in meant.iter().zip(used) {
        assert!(used, "nothing differs any more where {:?} was meant: remove the line", meant.reason);
    }
    server.shutdown().await;
}
