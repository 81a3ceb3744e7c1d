//! `flux sandbox`: a repository on a cluster in the same process. It brings its own API server, whichever the suite runs on.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::case::{FLUX, config_map};

const PATIENCE: Duration = Duration::from_mins(1);

fn sandbox(args: &[&str]) -> Command {
    let mut command = Command::new(FLUX);
    command.arg("sandbox").args(args).arg("--ready-after=100ms");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn run(args: &[&str]) -> Output {
    timeout(PATIENCE, sandbox(args).output()).await.expect("an end").unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn the_example_becomes_ready_without_anything_else() {
    let out = run(&["--exit-when-ready", "--output=json"]).await;
    assert!(out.status.success(), "{}", text(&out.stderr));
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&report["ready"], report["objects"].as_array().map(Vec::len)), (&true.into(), Some(5)), "{report}");
}

#[tokio::test]
async fn what_is_not_ready_is_named_with_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), "kind: ConfigMap\nmetadata: {name: a}\n").unwrap();
    let path = folder.path().display().to_string();
    let out = run(&[&path, "--exit-when-ready", "--output=junit", "--name=app", "--timeout=4s"]).await;
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    let report = text(&out.stdout);
    assert!(report.contains("<testcase name=\"Kustomization/flux-system/app\"><failure"), "{report}");
    assert!(text(&out.stderr).contains("a.yaml"), "{}", text(&out.stderr));
}

/// Objects of others, as they stand in most repositories: a secret of an operator, and a repository of charts.
const OTHERS: &str = "\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: token, namespace: default}
spec: {refreshInterval: 1h}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: default}
spec: {interval: 1h, url: 'https://charts.example.com'}
";

#[tokio::test]
async fn what_others_define_is_kept_and_named_with_its_address() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("others.yaml"), OTHERS).unwrap();
    let path = folder.path().display().to_string();
    let args = [path.as_str(), "--exit-when-ready", "--name=app", "--timeout=5s"];
    let out = run(&args).await;
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("externalsecrets.external-secrets.io"), "{}", text(&out.stderr));
    let report = text(&out.stdout);
    assert!(report.contains("ready      Kustomization/flux-system/app  Applied revision"), "{report}");
    assert!(
        report.contains("HelmRepository/default/charts") && report.contains("https://charts.example.com"),
        "{report}"
    );

    let out = run(&[&args[..], &["--assume-kinds=false"]].concat()).await;
    assert!(text(&out.stdout).contains("no matches for kind \"ExternalSecret\""), "{}", text(&out.stdout));
}

/// The lines that a child reports on stdout.
struct Reports(tokio::io::Lines<BufReader<tokio::process::ChildStdout>>);

impl Reports {
    async fn until(&mut self, what: &str) -> Duration {
        let started = Instant::now();
        let found = async {
            while let Some(line) = self.0.next_line().await.unwrap() {
                if line.contains(what) {
                    return;
                }
            }
            panic!("it ended without {what}");
        };
        timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no {what}"));
        started.elapsed()
    }
}

fn reports(child: &mut Child) -> Reports {
    Reports(BufReader::new(child.stdout.take().unwrap()).lines())
}

fn write(folder: &Path, value: &str) {
    let text = config_map("settings", value).replace("${NS}", "default");
    std::fs::write(folder.join("app/a.yaml"), text + "---\n" + &config_map("other", "same")).unwrap();
}

#[tokio::test]
async fn a_saved_file_goes_through_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("app")).unwrap();
    let kustomization = "resources: [a.yaml]\nnamespace: default\n";
    std::fs::write(folder.path().join("app/kustomization.yaml"), kustomization).unwrap();
    write(folder.path(), "1");
    let path = folder.path().display().to_string();
    let mut child = sandbox(&[&path, "--path=app", "--on-change", "--output=json"]).spawn().unwrap();
    let mut reports = reports(&mut child);
    reports.until("\"ready\":true").await;
    write(folder.path(), "2");
    reports.until("\"ready\":true").await;
    // A broken file is reported too, and mended.
    std::fs::write(folder.path().join("app/kustomization.yaml"), "resources: [b.yaml]\n").unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    std::fs::write(folder.path().join("app/kustomization.yaml"), kustomization).unwrap();
    reports.until("\"ready\":true").await;
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
}
