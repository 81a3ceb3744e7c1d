//! `flux sandbox`: the controllers in this process, on a cluster that may be thrown away, and a live view of what they do.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{GitRepository, Kustomization};
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::{Api, Client, Resource};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::cli::{cluster, failure::Failure, output::Output, settings::Settings};
use crate::run::{self, Process};

mod view;

use view::View;

pub(crate) const EXAMPLES: &str = "\
Examples:
  # Run a repository on the cluster of the current kubeconfig, until Ctrl-C
  flux sandbox --url=https://github.com/org/fleet --path=clusters/sandbox

  # In CI: 0 when all is ready, 1 and the reasons otherwise
  flux sandbox --url=https://github.com/org/fleet --path=clusters/sandbox --exit-when-ready";

/// The field manager of the objects that the sandbox makes.
const MANAGER: &str = "flux-sandbox";
/// How often the view looks at what it shows.
const LOOK: Duration = Duration::from_millis(100);

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The Git repository to run
    #[arg(long)]
    url: String,
    /// Its branch
    #[arg(long, default_value = "main")]
    branch: String,
    /// The directory of it that says what the cluster runs
    #[arg(long, default_value = "./")]
    path: String,
    /// What the GitRepository and the Kustomization of the entry are called
    #[arg(long, default_value = "fleet")]
    name: String,
    /// How often the repository is asked for new commits
    #[arg(long, default_value = "2s")]
    interval: api::Duration,
    /// End with 0 when all is ready, and with 1 and the reasons when it is not in time
    #[arg(long)]
    exit_when_ready: bool,
}

pub(crate) async fn run(args: Args, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let config = cluster::config(&settings.connection).await?;
    let client = Client::try_from(config.clone())?;
    out.action("installing the custom resource definitions");
    install(&client, &settings.namespace).await?;
    let stop = CancellationToken::new();
    let storage =
        tempfile::tempdir().map_err(|error| Failure::new(format!("cannot make a directory for artifacts: {error}")))?;
    let process = Process::start(run::Args::for_sandbox(storage.path()), config, stop.clone());
    let process = process.await.map_err(|error| Failure::new(super::failure::chain(&error)))?;
    let view = View::new(process.objects(), &settings.namespace, &args.name);
    let controllers = tokio::spawn(process.run());
    out.action(&format!("running {} of {}", args.path, args.url));
    apply_entry(&client, &settings.namespace, &args).await?;

    let outcome = watch(&view, &args, settings.timeout.to_std(), out).await;
    stop.cancel();
    // The controllers end in good order: leases and events first.
    drop(tokio::time::timeout(Duration::from_secs(25), controllers).await);
    outcome
}

/// Shows what happens until all is ready, time is up, or somebody ends it.
async fn watch(view: &View, args: &Args, timeout: Duration, out: &mut Output) -> Result<(), Failure> {
    let started = Instant::now();
    let live = std::io::stderr().is_terminal();
    let mut shown = String::new();
    let mut told = false;
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let state = view.look();
        let text = state.draw();
        if text != shown {
            out.redraw(&text, if live { shown.lines().count() } else { 0 });
            shown = text;
        }
        if state.is_ready() && !told {
            out.success(&format!("all is ready after {:.1} s", started.elapsed().as_secs_f64()));
            if args.exit_when_ready {
                return Ok(());
            }
            out.note(&hints(&args.path));
            told = true;
            shown.clear();
        }
        if args.exit_when_ready && started.elapsed() > timeout {
            return Err(Failure::new(format!("not ready after {} s:\n{}", timeout.as_secs(), state.reasons())));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = &mut interrupted => return Ok(()),
        }
    }
}

fn hints(path: &str) -> String {
    format!(
        "Look inside:\n  kubectl get all -A\n  flux get all -A\n  flux tree kustomization fleet\n\
         Change something below {path} (or what it refers to), save, and watch it go through. Ctrl-C ends."
    )
}

/// Applies the definitions of our kinds and the namespace, and waits until they are served.
async fn install(client: &Client, namespace: &str) -> Result<(), Failure> {
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
    apply(client, &namespace).await?;
    for definition in api::crds() {
        apply(client, &definition).await?;
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let served = Api::<GitRepository>::all(client.clone())
            .list(&kube::api::ListParams::default().limit(1))
            .await
            .is_ok()
            && Api::<Kustomization>::all(client.clone()).list(&kube::api::ListParams::default().limit(1)).await.is_ok();
        if served {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Failure::new("the API server does not serve Flux's kinds 30 s after they were installed"));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Applies the two objects that everything else follows from.
async fn apply_entry(client: &Client, namespace: &str, args: &Args) -> Result<(), Failure> {
    let metadata = json!({ "name": args.name, "namespace": namespace });
    let source = json!({
        "apiVersion": GitRepository::kind().api_version(), "kind": "GitRepository", "metadata": metadata,
        "spec": { "interval": args.interval.to_string(), "url": args.url, "ref": { "branch": args.branch } },
    });
    let entry = json!({
        "apiVersion": Kustomization::kind().api_version(), "kind": "Kustomization", "metadata": metadata,
        "spec": {
            "interval": "10m", "path": args.path, "prune": true,
            "sourceRef": { "kind": "GitRepository", "name": args.name },
        },
    });
    apply(client, &source).await?;
    apply(client, &entry).await
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
