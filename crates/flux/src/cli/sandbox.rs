//! `flux sandbox`: a Kubernetes API, the controllers and a repository in this process, and a live view of what they do.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::well_known::REQUESTED_AT;
use api::{GitRepository, Kustomization};
use fetch::work_tree::WorkTree;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::conditions::is_crd_established;
use kube::{Api, Client, Config, Resource};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::cli::{
    failure::{Failure, chain},
    output::Output,
    settings::Settings,
};
use crate::run::{self, Process};

mod assumed;
mod entry;
mod example;
mod report;
mod unattended;
mod view;

use entry::{Entry, Typed};
use report::Format;
use unattended::Places;
use view::View;

pub(crate) const EXAMPLES: &str = "\
Examples:
  # The built-in example, until Ctrl-C
  flux sandbox

  # The work tree that you are in, as it is saved: edit, save, and watch it go through
  flux sandbox . --path=clusters/staging

  # In CI: 0 when all is ready, 1 and the reasons otherwise
  flux sandbox . --path=clusters/staging --exit-when-ready --timeout=2m --output=junit > sandbox.xml

  # A repository that is fetched
  flux sandbox https://github.com/org/fleet --path=clusters/staging";

/// The field manager of the objects that the sandbox makes.
const MANAGER: &str = "flux-sandbox";
/// How often the view looks at what it shows.
const LOOK: Duration = Duration::from_millis(100);
/// How often the work tree is looked at.
const SCAN: Duration = Duration::from_millis(500);

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A directory of a work tree, or the address of a repository; the built-in example without it
    #[arg(value_name = "PATH|URL")]
    target: Option<String>,
    /// The directory of the repository that says what the cluster runs
    #[arg(long)]
    path: Option<String>,
    /// The branch of a repository that is fetched
    #[arg(long, default_value = "main")]
    branch: String,
    /// What the GitRepository and the Kustomization are called where the repository has none
    #[arg(long, default_value = "flux-system")]
    name: String,
    /// End with 0 when all is ready, and with 1 and the reasons when it is not in time
    #[arg(long)]
    exit_when_ready: bool,
    /// Serve kinds that the repository uses and nobody defines, such as those that charts install
    #[arg(long, action = clap::ArgAction::Set, default_value_t = true, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    assume_kinds: bool,
    /// Report whenever a saved change is ready, or is not in time; to the end
    #[arg(long, conflicts_with = "exit_when_ready")]
    on_change: bool,
    /// How reports are written to stdout
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
    /// Keep the cluster in a directory, and find it there again
    #[arg(long, value_name = "DIR")]
    data_dir: Option<std::path::PathBuf>,
    /// The port of the API server on loopback; any free one when it is 0
    #[arg(long, default_value = "0")]
    port: u16,
    /// How long workloads take until they are ready
    #[arg(long, default_value = "1s")]
    ready_after: api::Duration,
}

pub(crate) async fn run(args: Args, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let scratch = scratch()?;
    let typed = Typed {
        target: args.target.as_deref(),
        path: args.path.as_deref(),
        branch: &args.branch,
        name: &args.name,
        namespace: &settings.namespace,
    };
    let entry = Entry::find(&typed, scratch.path())?;

    let begun = Instant::now();
    let options = apiserver::Options {
        data_dir: args.data_dir.clone(),
        port: args.port,
        ready_after: Some(args.ready_after.to_std()),
        ..apiserver::Options::default()
    };
    let server = apiserver::Server::start(options).await.map_err(|error| Failure::new(chain(&error)))?;
    out.success(&format!("Kubernetes API at {} after {} ms", server.url(), begun.elapsed().as_millis()));
    let folder = args.data_dir.as_deref().unwrap_or(scratch.path());
    write_kubeconfig(&folder.join("kubeconfig"), &server.kubeconfig(), out)?;
    let outcome = controlled(&args, settings, &entry, &server, scratch.path(), out).await;
    server.shutdown().await;
    outcome
}

/// Runs the controllers on the server while somebody watches.
async fn controlled(
    args: &Args,
    settings: &Settings,
    entry: &Entry,
    server: &apiserver::Server,
    scratch: &Path,
    out: &mut Output,
) -> Result<(), Failure> {
    let config = config(&server.kubeconfig()).await?;
    let client = Client::try_from(config.clone())?;
    install(&client, &settings.namespace).await?;
    if args.assume_kinds
        && let Some(work_tree) = &entry.work_tree
    {
        assume(&client, work_tree, out).await?;
    }
    let stop = CancellationToken::new();
    let storage = scratch.join("storage");
    std::fs::create_dir_all(&storage)
        .map_err(|error| Failure::new(format!("cannot make {}: {error}", storage.display())))?;
    let process = Process::start(run::Args::for_sandbox(&storage), config, stop.clone());
    let process = process.await.map_err(|error| Failure::new(chain(&error)))?;
    let process = process.with_work_trees(entry.work_tree.iter().cloned().collect());
    let view = View::new(process.objects(), entry.source.clone(), entry.kustomization.clone());
    let controllers = tokio::spawn(process.run());
    out.action(&format!("running {}", entry.called));
    for object in &entry.objects {
        apply(&client, object).await?;
    }
    let watch = Watch { view, client, entry, args, timeout: settings.timeout.to_std() };
    let outcome = watch.run(out).await;
    stop.cancel();
    // The controllers end in good order: leases and events first.
    drop(tokio::time::timeout(Duration::from_secs(25), controllers).await);
    outcome
}

/// What is watched, and how it is told.
struct Watch<'a> {
    view: View,
    client: Client,
    entry: &'a Entry,
    args: &'a Args,
    timeout: Duration,
}

impl Watch<'_> {
    /// Shows what happens until all is ready, time is up, or somebody ends it.
    async fn run(&self, out: &mut Output) -> Result<(), Failure> {
        let live = std::io::stderr().is_terminal();
        let (mut since, mut shown, mut told) = (Instant::now(), String::new(), false);
        let mut saved = Saved::new(self.entry.work_tree.as_ref());
        let mut places = Places::new(self.client.clone());
        let mut changes = 0;
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        loop {
            if saved.has_changed().await {
                (since, told, changes) = (Instant::now(), false, changes + 1);
                self.request(changes).await;
            }
            places.learn(&self.view.unattended()).await;
            let state = self.view.look(&places);
            let text = state.draw();
            if text != shown {
                out.redraw(&text, if live { shown.lines().count() } else { 0 });
                shown = text;
            }
            let (is_ready, is_late) = (state.is_ready(), since.elapsed() > self.timeout);
            if !told && (is_ready || is_late) {
                told = true;
                if self.args.exit_when_ready || self.args.on_change {
                    out.data(&report::write(&state, since.elapsed(), self.args.output));
                }
                if is_ready {
                    out.success(&format!("all is ready after {:.1} s", since.elapsed().as_secs_f64()));
                } else if self.args.exit_when_ready {
                    let seconds = self.timeout.as_secs();
                    return Err(Failure::new(format!("not ready after {seconds} s:\n{}", state.reasons())));
                }
                if self.args.exit_when_ready {
                    return Ok(());
                }
                if changes == 0 {
                    out.note(&self.hints());
                }
                shown.clear();
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = &mut interrupted => return Ok(()),
            }
        }
    }

    /// Asks for the saved files to be taken, as `flux reconcile source git` does.
    async fn request(&self, change: usize) {
        let requested = json!({ "metadata": { "annotations": { REQUESTED_AT: format!("saved-{change}") } } });
        for source in self.view.sources() {
            let Some(work_tree) = &self.entry.work_tree else { continue };
            if !work_tree.is_at(&source.spec.url) {
                continue;
            }
            let api: Api<GitRepository> = Api::namespaced(self.client.clone(), source.namespace());
            let patched = api.patch(source.name(), &PatchParams::default(), &Patch::Merge(&requested)).await;
            if let Err(error) = patched {
                tracing::warn!(%error, "what was saved is taken at the next interval");
            }
        }
    }

    fn hints(&self) -> String {
        let edit = match &self.entry.work_tree {
            Some(work_tree) => {
                format!("Change a file below {}, save, and watch it go through.", work_tree.root().display())
            }
            None => "Push to the repository, and run flux reconcile source git.".to_owned(),
        };
        format!(
            "Look inside:\n  kubectl get all -A\n  flux get all -A\n  flux tree kustomization {}\n{edit} Ctrl-C ends.",
            { &self.entry.kustomization.name }
        )
    }
}

/// Tells when a file of the work tree was saved.
struct Saved {
    work_tree: Option<WorkTree>,
    last: Option<u64>,
    next: Instant,
}

impl Saved {
    fn new(work_tree: Option<&WorkTree>) -> Self {
        Self { work_tree: work_tree.cloned(), last: None, next: Instant::now() }
    }

    async fn has_changed(&mut self) -> bool {
        let Some(work_tree) = self.work_tree.clone().filter(|_| Instant::now() >= self.next) else { return false };
        let Ok(now) = tokio::task::spawn_blocking(move || work_tree.fingerprint()).await else { return false };
        self.next = Instant::now() + SCAN;
        self.last.replace(now).is_some_and(|last| last != now)
    }
}

/// A directory for what is gone with the sandbox.
fn scratch() -> Result<tempfile::TempDir, Failure> {
    let made = tempfile::Builder::new().prefix("flux-sandbox-").tempdir();
    made.map_err(|error| Failure::new(format!("cannot make a temporary directory: {error}")))
}

/// Writes the administrator's kubeconfig, which nobody else may read.
fn write_kubeconfig(path: &Path, text: &str, out: &mut Output) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
    out.note(&format!("\n    export KUBECONFIG={}\n", path.display()));
    Ok(())
}

async fn config(kubeconfig: &str) -> Result<Config, Failure> {
    let read = Kubeconfig::from_yaml(kubeconfig).map_err(|error| Failure::new(chain(&error)))?;
    let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
    config.map_err(|error| Failure::new(chain(&error)))
}

/// Applies what an installation has besides its controllers, and waits until our kinds are served.
async fn install(client: &Client, namespace: &str) -> Result<(), Failure> {
    let mut objects = vec![json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } })];
    objects.extend(api::crds());
    objects.extend(unattended::definitions());
    objects.extend(accounts(namespace));
    for object in &objects {
        apply(client, object).await?;
    }
    until_served(client, &objects).await
}

/// Serves kinds that nobody defines.
async fn assume(client: &Client, work_tree: &WorkTree, out: &mut Output) -> Result<(), Failure> {
    let served = client.list_api_groups().await?.groups.into_iter().map(|group| group.name).collect();
    let files = work_tree.read().map_err(|error| Failure::new(chain(&error)))?.files;
    let definitions = assumed::definitions(&files, &served);
    let mut names = Vec::new();
    for definition in &definitions {
        // What cannot be assumed is missed by the object that needs it, which says so.
        if apply(client, definition).await.is_ok() {
            names.push(definition["metadata"]["name"].as_str().unwrap_or_default());
        }
    }
    if !names.is_empty() {
        out.note(&format!("assumed, as the repository does not define them: {}", names.join(", ")));
    }
    Ok(())
}

/// The accounts of Flux's controllers, for Kustomizations that name them, as lock-down patches do.
fn accounts(namespace: &str) -> [Value; 3] {
    let account = |name: &str| json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name, "namespace": namespace } });
    let subject = |name: &str| json!({ "kind": "ServiceAccount", "name": name, "namespace": namespace });
    let (kustomize, helm) = ("kustomize-controller", "helm-controller");
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": { "name": format!("cluster-reconciler-{namespace}") },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
        "subjects": [subject(kustomize), subject(helm)],
    });
    [account(kustomize), account(helm), binding]
}

/// Waits until the kinds of these definitions are served.
async fn until_served(client: &Client, objects: &[Value]) -> Result<(), Failure> {
    let is_definition = |object: &&Value| object["kind"] == "CustomResourceDefinition";
    let names = objects.iter().filter(is_definition).filter_map(|object| object["metadata"]["name"].as_str());
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for name in names {
        let established = kube::runtime::wait::await_condition(definitions.clone(), name, is_crd_established());
        let ended = tokio::time::timeout(Duration::from_secs(30), established).await;
        let late = || Failure::new(format!("the API server does not serve {name} 30 s after it was defined"));
        ended.map_err(|_| late())?.map_err(|error| Failure::new(chain(&error)))?;
    }
    Ok(())
}

async fn apply(client: &Client, object: &Value) -> Result<(), Failure> {
    let object: DynamicObject =
        serde_json::from_value(object.clone()).map_err(|error| Failure::new(error.to_string()))?;
    let types = object.types.clone().unwrap_or_default();
    let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
    let resource = ApiResource::from_gvk(&kube::api::GroupVersionKind::gvk(group, version, &types.kind));
    let api: Api<DynamicObject> = match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let name = object.meta().name.clone().unwrap_or_default();
    api.patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(&object)).await?;
    Ok(())
}

/// The objects that the view looks at.
pub(crate) type Objects = (Arc<::reconcile::Store<GitRepository>>, Arc<::reconcile::Store<Kustomization>>);
