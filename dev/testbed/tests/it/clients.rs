//! Upstream's own clients on the embedded API server and on the real one: each session runs on both.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use apiserver::{Options, Server};
use tempfile::TempDir;
use testbed::User;
use testbed::control_plane::oracle;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// A server, as clients see it: a kubeconfig.
struct Clients {
    kubeconfig: PathBuf,
    folder: TempDir,
    namespace: String,
    /// What keeps the server alive.
    _server: Option<Server>,
}

impl Clients {
    async fn both(namespace: &str) -> [Self; 2] {
        let plane = testbed::shared().await.unwrap();
        let real = Self {
            kubeconfig: plane.kubeconfig(User::Admin),
            folder: TempDir::new().unwrap(),
            namespace: namespace.to_owned(),
            _server: None,
        };
        let options = Options { ready_after: Some(std::time::Duration::from_millis(100)), ..Options::default() };
        let server = Server::start(options).await.unwrap();
        let folder = TempDir::new().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, server.kubeconfig()).unwrap();
        let ours = Self { kubeconfig, folder, namespace: namespace.to_owned(), _server: Some(server) };
        for clients in [&real, &ours] {
            clients.kubectl(&format!("create namespace {namespace}")).await;
        }
        [real, ours]
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(oracle(program).unwrap());
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null()).kill_on_drop(true);
        command.env("KUBECONFIG", &self.kubeconfig).env("KUBECACHEDIR", self.folder.path().join("cache"));
        command.env("HOME", self.folder.path()).env("KUBE_EDITOR", self.folder.path().join("editor"));
        command
    }

    async fn run(&self, program: &str, args: &[&str]) -> Output {
        let limit = std::time::Duration::from_mins(1);
        tokio::time::timeout(limit, self.command(program, args).output()).await.expect("a client hangs").unwrap()
    }

    /// What `kubectl` prints in the namespace; it must succeed.
    #[track_caller]
    fn kubectl(&self, args: &str) -> impl Future<Output = String> {
        self.tool("kubectl", args, true)
    }

    /// What `kubectl` says when it fails.
    #[track_caller]
    fn refused(&self, args: &str) -> impl Future<Output = String> {
        self.tool("kubectl", args, false)
    }

    #[track_caller]
    fn helm(&self, args: &str) -> impl Future<Output = String> {
        self.tool("helm", args, true)
    }

    async fn tool(&self, program: &str, args: &str, succeeds: bool) -> String {
        let mut words: Vec<&str> = args.split(' ').collect();
        words.extend(["--namespace", &self.namespace]);
        let output = self.run(program, &words).await;
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.success(), succeeds, "{program} {args}:\n{text}");
        text
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().to_owned()
}

/// Asserts that both servers made a client say the same at every step.
#[track_caller]
fn same(said: &[Vec<String>]) {
    let [real, ours] = said else { panic!("two servers are compared") };
    assert_eq!(real.len(), ours.len());
    for (step, (real, ours)) in real.iter().zip(ours).enumerate() {
        assert_eq!(real, ours, "step {step}: the real server's answer is on the left, ours on the right");
    }
}

/// The lines of a difference that say what differs.
fn changes(text: &str) -> String {
    let is_change = |line: &&str| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---");
    text.lines().filter(is_change).collect::<Vec<_>>().join("\n")
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  labels: {app: web}\ndata:\n  key: one\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 0\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers: [{name: web, image: nginx}]\n";

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_applies_compares_and_explains() {
    let mut said: Vec<Vec<String>> = Vec::new();
    for clients in Clients::both("kubectl-apply").await {
        let mut lines = Vec::new();
        clients.write("map.yaml", MAP);
        lines.push(clients.kubectl("apply -f map.yaml").await);
        lines.push(clients.kubectl("apply -f map.yaml").await);
        clients.write("map.yaml", &MAP.replace("one", "two"));
        lines.push(changes(&clients.refused("diff -f map.yaml").await));
        lines.push(clients.kubectl("apply -f map.yaml").await);
        lines.push(clients.kubectl("apply --server-side -f map.yaml").await);
        lines.push(clients.kubectl("get configmap web -o jsonpath={.data.key}").await);
        clients.write("deployment.yaml", DEPLOYMENT);
        lines.push(clients.kubectl("apply -f deployment.yaml").await);
        clients
            .write("deployment.yaml", &DEPLOYMENT.replace("image: nginx", "image: nginx:2, imagePullPolicy: Always"));
        lines.push(clients.kubectl("apply -f deployment.yaml").await);
        clients.write(
            "wrong.yaml",
            &DEPLOYMENT.replace("replicas: 0", "replcas: 0").replace("{name: web}", "{name: wrong}"),
        );
        lines.push(clients.refused("apply -f wrong.yaml").await);
        lines.push(clients.kubectl("explain deployment.spec.strategy").await);
        lines.push(clients.kubectl("explain configmap.data").await);
        lines.push(clients.kubectl("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}").await);
        lines.push(clients.kubectl("scale deployment web --replicas=0").await);
        lines.push(clients.kubectl("label configmap web x=y").await);
        lines.push(clients.kubectl("annotate configmap web x=y").await);
        lines.push(clients.kubectl("set image deployment/web web=nginx:3").await);
        lines.push(clients.kubectl("create secret generic s --from-literal=a=b").await);
        lines.push(clients.kubectl("get secret s -o jsonpath={.data.a}").await);
        lines.push(clients.kubectl("api-resources --api-group=apps -o name").await);
        lines.push(clients.kubectl("delete -f map.yaml").await.replace(&clients.namespace, "NS"));
        said.push(lines);
    }
    same(&said);
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_edits_waits_deletes_and_asks() {
    let mut said: Vec<Vec<String>> = Vec::new();
    for clients in Clients::both("kubectl-edit").await {
        let mut lines = Vec::new();
        clients.write("map.yaml", MAP);
        lines.push(clients.kubectl("create -f map.yaml").await);
        clients.write("editor", "#!/bin/sh\nsed -i s/one/edited/ \"$1\"\n");
        std::fs::set_permissions(clients.path().join("editor"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        lines.push(clients.kubectl("edit configmap web").await);
        lines.push(clients.kubectl("get configmap web -o jsonpath={.data.key}").await);
        lines.push(clients.kubectl("wait configmap/web --for=jsonpath={.data.key}=edited --timeout=5s").await);
        clients.write("deployment.yaml", DEPLOYMENT);
        lines.push(clients.kubectl("create -f deployment.yaml").await);
        lines.push(last_line(&clients.kubectl("rollout status deployment/web --timeout=20s").await));
        lines.push(clients.kubectl("auth can-i create deployments").await);
        lines.push(clients.refused("auth can-i create deployments --as=nobody").await);
        lines.push(clients.refused("get configmaps --as=nobody").await);
        let token = clients.kubectl("create token default").await;
        lines.push(token.trim().split('.').count().to_string());
        lines.push(clients.kubectl("create serviceaccount robot").await);
        lines.push(
            clients.kubectl("create rolebinding robot --clusterrole=view --serviceaccount=kubectl-edit:robot").await,
        );
        lines.push(clients.kubectl("auth can-i list configmaps --as=system:serviceaccount:kubectl-edit:robot").await);
        lines.push(clients.kubectl("delete deployment web --cascade=foreground").await);
        lines.push(clients.kubectl("delete configmap web --cascade=orphan").await);
        lines.push(clients.refused("get configmap web").await);
        lines.push(clients.kubectl("get configmaps,serviceaccounts -o name").await);
        lines.push(clients.kubectl("delete namespace kubectl-edit --timeout=30s").await);
        said.push(lines);
    }
    same(&said);
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_watches() {
    let mut said: Vec<Vec<String>> = Vec::new();
    for clients in Clients::both("kubectl-watch").await {
        clients.write("map.yaml", MAP);
        clients.kubectl("create -f map.yaml").await;
        let args = "get configmaps web --watch --output-watch-events --no-headers -o name --namespace kubectl-watch";
        let mut watch = clients.command("kubectl", &args.split(' ').collect::<Vec<_>>());
        let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
        let mut seen = BufReader::new(watch.stdout.take().unwrap()).lines();
        let limit = std::time::Duration::from_secs(20);
        let mut lines = Vec::new();
        for change in ["label configmap web x=y", "annotate configmap web x=y", "delete configmap web", ""] {
            let line = tokio::time::timeout(limit, seen.next_line()).await.expect("a watch tells nothing").unwrap();
            lines.push(line.expect("a watch goes on"));
            if !change.is_empty() {
                clients.kubectl(change).await;
            }
        }
        watch.kill().await.unwrap();
        said.push(lines);
    }
    assert_eq!(said[0].len(), 4, "{said:?}");
    same(&said);
}

/// The first thing that a watch prints.
async fn first_line(clients: &Clients, args: &str) -> String {
    let args = format!("{args} --watch --no-headers --namespace {}", clients.namespace);
    let mut watch = clients.command("kubectl", &args.split(' ').collect::<Vec<_>>());
    let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let limit = std::time::Duration::from_secs(30);
    let line = tokio::time::timeout(limit, lines.next_line()).await.expect("a watch tells nothing").unwrap();
    watch.kill().await.unwrap();
    line.expect("a watch goes on").trim_end().to_owned()
}

/// A message without the generated name in it.
fn without_name(message: &str) -> String {
    let parts: Vec<&str> = message.splitn(3, '"').collect();
    format!("{}...{}", parts[0], parts[2])
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_pods_are_told_of_by_who_wants_them() {
    const STATEFUL_SET: &str = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: set}\nspec:\n  serviceName: set\n  selector: {matchLabels: {app: set}}\n  template:\n    metadata: {labels: {app: set}}\n    spec:\n      hostNetwork: true\n      containers: [{name: set, image: nginx}]\n";
    let mut said: Vec<Vec<String>> = Vec::new();
    for clients in Clients::both("kubectl-refused").await {
        let mut lines = Vec::new();
        let event = |kind: &str| {
            format!(
                "get events --field-selector=reason=FailedCreate,involvedObject.kind={kind} -o custom-columns=:.message"
            )
        };
        lines
            .push(clients.kubectl("label namespace kubectl-refused pod-security.kubernetes.io/enforce=baseline").await);
        clients.write("set.yaml", STATEFUL_SET);
        lines.push(clients.kubectl("create -f set.yaml").await);
        lines.push(first_line(&clients, &event("StatefulSet")).await);
        let deployment =
            DEPLOYMENT.replace("replicas: 0", "replicas: 2").replace("    spec:", "    spec:\n      hostPID: true");
        clients.write("deployment.yaml", &deployment);
        lines.push(clients.kubectl("create -f deployment.yaml").await);
        lines.push(clients.kubectl("wait deployment/web --for=condition=ReplicaFailure --timeout=30s").await);
        let condition = "-o jsonpath={.status.conditions[?(@.type==\"ReplicaFailure\")].message}";
        lines.push(without_name(&clients.kubectl(&format!("get deployment web {condition}")).await));
        lines.push(without_name(&first_line(&clients, &event("ReplicaSet")).await));
        lines.push(clients.kubectl("label namespace kubectl-refused pod-security.kubernetes.io/enforce-").await);
        let wait = "wait replicaset -l app=web --for=jsonpath={.status.replicas}=2 --timeout=60s";
        lines.push(clients.kubectl(wait).await.ends_with("condition met\n").to_string());
        lines.push(clients.kubectl("get replicaset -l app=web -o jsonpath={.items[0].status.conditions}").await);
        said.push(lines);
    }
    same(&said);
}

#[tokio::test(flavor = "multi_thread")]
async fn helm_installs_upgrades_rolls_back_and_uninstalls() {
    let mut said: Vec<Vec<String>> = Vec::new();
    for clients in Clients::both("helm").await {
        let chart = clients.path().join("chart");
        std::fs::create_dir_all(chart.join("templates")).unwrap();
        clients.write("chart/Chart.yaml", "apiVersion: v2\nname: demo\nversion: 0.1.0\n");
        clients.write("chart/values.yaml", "key: one\n");
        clients.write(
            "chart/templates/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  key: {{ .Values.key }}\n",
        );
        clients.write("chart/templates/deployment.yaml", DEPLOYMENT);
        let mut lines = Vec::new();
        clients.helm("install demo chart --wait --timeout=20s").await;
        lines.push(clients.kubectl("get configmap demo -o jsonpath={.data.key}").await);
        clients.helm("upgrade demo chart --set key=two --wait --timeout=20s").await;
        lines.push(clients.kubectl("get configmap demo -o jsonpath={.data.key}").await);
        clients.helm("rollback demo 1").await;
        lines.push(clients.kubectl("get configmap demo -o jsonpath={.data.key}").await);
        lines.push(clients.helm("list --short").await);
        lines.push(clients.kubectl("get secrets -o name").await);
        lines.push(clients.helm("test demo").await.lines().filter(|line| line.starts_with("STATUS")).collect());
        lines.push(clients.helm("uninstall demo").await);
        lines.push(clients.kubectl("get secrets,deployments -o name").await);
        said.push(lines);
    }
    same(&said);
}
