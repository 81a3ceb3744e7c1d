//! Release records in a cluster: what helm stores is read here, what is stored from here helm reads.

use std::collections::BTreeMap;

use ::helm::release::Release;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ObjectMeta, PostParams};
use serde_json::{Value, json};
use testbed::{Namespace, User};

use super::{chart, words};

const LIMIT: u64 = 16 << 20;

struct Cluster {
    folder: tempfile::TempDir,
    kubeconfig: std::path::PathBuf,
    ns: Namespace,
    secrets: Api<Secret>,
}

impl Cluster {
    async fn new(name: &str) -> Self {
        let plane = testbed::shared().await.unwrap();
        let client = plane.client().await.unwrap();
        let ns = Namespace::new(&client, name).await.unwrap();
        let secrets = Api::namespaced(client, ns.name());
        Self { folder: tempfile::tempdir().unwrap(), kubeconfig: plane.kubeconfig(User::Admin), ns, secrets }
    }

    /// Runs the real helm in the namespace, and returns what it prints.
    fn helm(&self, command: &str) -> String {
        let place = ["--namespace".to_owned(), self.ns.name().to_owned()];
        let args = [words(command), place.to_vec()].concat();
        let printed = super::helm(&args, self.folder.path(), &[("KUBECONFIG", &self.kubeconfig)]);
        assert!(printed.ok, "helm {command}: {}", printed.err);
        printed.out
    }

    /// The record of a revision, as its bytes are before Kubernetes' own base64.
    async fn record(&self, release: &str, revision: i64) -> Vec<u8> {
        let secret = self.secrets.get(&format!("sh.helm.release.v1.{release}.v{revision}")).await.unwrap();
        assert_eq!(secret.type_.as_deref(), Some("helm.sh/release.v1"));
        secret.data.unwrap().remove("release").unwrap().0
    }

    async fn store(&self, release: &Release) {
        let labels = [
            ("owner", "helm".to_owned()),
            ("name", release.name.clone()),
            ("status", release.info.status.clone()),
            ("version", release.version.to_string()),
        ];
        let labels: BTreeMap<String, String> = labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let name = format!("sh.helm.release.v1.{}.v{}", release.name, release.version);
        let secret = Secret {
            metadata: ObjectMeta { name: Some(name), labels: Some(labels), ..ObjectMeta::default() },
            type_: Some("helm.sh/release.v1".to_owned()),
            data: Some([("release".to_owned(), ByteString(release.encode().into_bytes()))].into()),
            ..Secret::default()
        };
        self.secrets.create(&PostParams::default(), &secret).await.unwrap();
    }
}

/// Takes away what the record does not keep here: the times of files.
fn without_times(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|key, _| key != "modtime" && key != "schemamodtime");
            fields.values_mut().for_each(|field| *field = without_times(field.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_times(item.take())),
        _ => {}
    }
    value
}

#[tokio::test]
async fn what_helm_installs_is_read_here() {
    let cluster = Cluster::new("helm-reads").await;
    let chart = chart("store");
    cluster.helm(&format!("install web {} --set greeting=hi,list[1].a=2 --description a<b", chart.display()));
    cluster.helm(&format!("upgrade web {} --reuse-values --set count=5", chart.display()));

    let data = cluster.record("web", 1).await;
    let first = Release::decode(&data, LIMIT).unwrap();
    assert_eq!((first.name.as_str(), first.version, first.namespace.as_str()), ("web", 1, cluster.ns.name()));
    assert_eq!((first.info.status.as_str(), first.info.description.as_str()), ("superseded", "a<b"));
    assert_eq!(first.apply_method, "ssa");
    assert_eq!(first.info.notes, format!("Installed web in {}: <hi>\n", cluster.ns.name()));
    assert_eq!(Value::Object(first.config.clone()), json!({"greeting": "hi", "list": [null, {"a": 2.0}]}));
    assert_eq!(first.chart.as_ref().unwrap().metadata.name, "store");
    let hooks: Vec<_> = first.hooks.iter().map(|record| (record.hook.name.as_str(), record.hook.weight)).collect();
    assert_eq!((hooks.as_slice(), first.hooks[0].phase.as_str()), (&[("web-hook", -3)][..], "Succeeded"));
    assert!(first.manifest.contains("name: web-config") && first.manifest.contains("name: web-shelf"));

    let second = Release::decode(&cluster.record("web", 2).await, LIMIT).unwrap();
    assert_eq!((second.info.status.as_str(), second.config["count"].as_f64()), ("deployed", Some(5.0)));

    // Every field of what helm wrote is in what would be written here.
    for revision in [1, 2] {
        let data = cluster.record("web", revision).await;
        let text = ::helm::release::unpack(&data, LIMIT).unwrap();
        let theirs: Value = serde_json::from_slice(&text).unwrap();
        let ours: Value = serde_json::from_str(&Release::decode(&data, LIMIT).unwrap().to_json()).unwrap();
        assert_eq!(without_times(ours), without_times(theirs));
    }
    cluster.helm("uninstall web");
}

#[tokio::test]
async fn what_is_stored_from_here_helm_reads() {
    let cluster = Cluster::new("helm-writes").await;
    let chart = chart("store");
    cluster.helm(&format!("install web {} --set greeting=hi", chart.display()));
    let record = Release::decode(&cluster.record("web", 1).await, LIMIT).unwrap();

    // The same release under another name, as if another had installed it.
    let copy = Release { name: "copy".to_owned(), ..record.clone() };
    cluster.store(&copy).await;
    let listed: Value = serde_json::from_str(&cluster.helm("list -o json")).unwrap();
    let rows: Vec<_> =
        listed.as_array().unwrap().iter().map(|row| (&row["name"], &row["status"], &row["chart"])).collect();
    let (deployed, version) = (json!("deployed"), json!("store-1.0.0+build.1"));
    assert_eq!(rows, [(&json!("copy"), &deployed, &version), (&json!("web"), &deployed, &version)]);
    let without_name = |text: String| {
        let is_own = |line: &&str| line.starts_with("NAME:") || line.starts_with("LABELS:");
        text.lines().filter(|line| !is_own(line)).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(without_name(cluster.helm("get all copy")), without_name(cluster.helm("get all web")));
    for what in ["values copy --all", "hooks copy", "manifest copy", "notes copy", "metadata copy"] {
        let of_copy = cluster.helm(&format!("get {what}"));
        assert_eq!(without_name(of_copy), without_name(cluster.helm(&format!("get {}", what.replace("copy", "web")))));
    }

    // And helm goes on from it.
    cluster.helm(&format!("upgrade web {} --reuse-values --set count=4", chart.display()));
    let history: Value = serde_json::from_str(&cluster.helm("history copy -o json")).unwrap();
    assert_eq!(history[0]["revision"], 1);
    cluster.helm("uninstall copy");
    assert!(cluster.secrets.get_opt("sh.helm.release.v1.copy.v1").await.unwrap().is_none());
}
