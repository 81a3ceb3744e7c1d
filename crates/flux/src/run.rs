//! `flux run`: the controllers as one process.
//!
//! All controllers share one watch per kind, one store of artifacts and one client. Each leads by a lease of its own,
//! under upstream's name, so that an upstream controller and ours never work on the same objects.

mod args;
mod log;

use std::sync::Arc;
use std::time::Duration;

use api::{GitRepository, Kustomization};
use artifact::{OpenSettings, Opener, Retention};
use fetch::work_tree::WorkTree;
use kube::{Client, Config};
use reconcile::events::{Destination, Recorder};
use reconcile::lease::{Candidate, Timing};
use reconcile::schedule::Backoff;
use reconcile::{Metrics, Scope, Shared, Store, clients, probes};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use args::{Args, Controller};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # Run all controllers against the cluster of the current kubeconfig
  flux run --storage-path=./data --storage-addr=127.0.0.1:9090 --storage-adv-addr=127.0.0.1:9090";

/// Why the controllers could not run, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RunError {
    /// An address cannot be listened on.
    #[error("serve {what}")]
    Listen {
        /// What would have been served.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The API server's address or credentials cannot be used.
    #[error("make a client of the cluster")]
    Client(#[source] Box<kube::Error>),
    /// The storage of artifacts cannot be used.
    #[error("open the storage of artifacts")]
    Storage(#[source] artifact::StoreError),
    /// A flag's value cannot be used.
    #[error("--{flag}: {problem}")]
    Flag {
        /// The flag without its dashes.
        flag: &'static str,
        /// What is wrong, and what is right.
        problem: String,
    },
    /// Metrics could not be set up.
    #[error("set up metrics")]
    Metrics(#[source] reconcile::MetricsError),
    /// An HTTP client could not be made.
    #[error("make an HTTP client")]
    Http(#[source] auth::ClientError),
    /// Another process has taken the lead.
    #[error("the lease {lease} was lost")]
    LeaseLost {
        /// Its name.
        lease: String,
    },
}

/// Runs controllers against the cluster of `config` until the process is told to end.
///
/// # Errors
/// By variant of [`RunError`]. What fails later than at the start is retried for ever, but for a lost lease.
pub(crate) async fn run(args: Args, config: Config) -> Result<(), RunError> {
    log::start(args.log_encoding, args.log_level);
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    let process = Process::start(args, config, stop.clone()).await?;
    process.run().await
}

/// Fires `stop` at the first SIGTERM or SIGINT; the second one ends the process at once, as the system has it.
async fn stop_on_signal(stop: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("shutting down");
    stop.cancel();
}

/// What all controllers of the process share.
pub(crate) struct Process {
    args: Args,
    client: Client,
    metrics: Metrics,
    http: reqwest::Client,
    namespace: String,
    instance: String,
    storage: Option<(Arc<artifact::Store>, TcpListener)>,
    git_repositories: Arc<Store<GitRepository>>,
    kustomizations: Arc<Store<Kustomization>>,
    work_trees: Vec<WorkTree>,
    tasks: TaskTracker,
    /// The controllers are to end.
    stop: CancellationToken,
    /// The controllers have ended: nothing more will be told.
    ended: CancellationToken,
}

impl Process {
    /// Sets up all that the controllers need; nothing is reconciled yet.
    pub(crate) async fn start(args: Args, config: Config, stop: CancellationToken) -> Result<Self, RunError> {
        for flag in args.inherited.without_effect() {
            tracing::error!(flag, "this flag has no effect in this version");
        }
        let metrics = Metrics::new().map_err(RunError::Metrics)?;
        let client = clients::client(config, metrics.clone()).map_err(|error| RunError::Client(Box::new(error)))?;
        let http =
            auth::http_client(&auth::Tls::default(), None, &auth::Timeouts::default()).map_err(RunError::Http)?;
        let storage =
            if args.controllers.contains(&Controller::Source) { Some(open_storage(&args).await?) } else { None };
        let process = Self {
            namespace: environment("RUNTIME_NAMESPACE").unwrap_or_else(|| "flux-system".to_owned()),
            instance: hostname(),
            git_repositories: Arc::default(),
            kustomizations: Arc::default(),
            work_trees: Vec::new(),
            tasks: TaskTracker::new(),
            args,
            client,
            metrics,
            http,
            storage,
            stop,
            ended: CancellationToken::new(),
        };
        process.serve_probes().await?;
        Ok(process)
    }

    /// Lets directories stand in for repositories.
    pub(crate) fn with_work_trees(self, work_trees: Vec<WorkTree>) -> Self {
        Self { work_trees, ..self }
    }

    /// The objects that the controllers see.
    pub(crate) fn objects(&self) -> (Arc<Store<GitRepository>>, Arc<Store<Kustomization>>) {
        (self.git_repositories.clone(), self.kustomizations.clone())
    }

    async fn serve_probes(&self) -> Result<(), RunError> {
        let listen = |what, address: String| async move {
            probes::listen(&address).await.map_err(|source| RunError::Listen { what, source })
        };
        if let Some(listener) = listen("metrics", self.args.metrics_addr.clone()).await? {
            self.tasks.spawn(probes::serve_metrics(listener, self.metrics.clone(), self.stop.clone()));
        }
        if let Some(listener) = listen("health probes", self.args.health_addr.clone()).await? {
            self.tasks.spawn(probes::serve_health(listener, self.stop.clone()));
        }
        Ok(())
    }

    /// Runs the controllers until `stop` fires or a lease is lost.
    pub(crate) async fn run(mut self) -> Result<(), RunError> {
        let storage = self.storage.take();
        let store = storage.as_ref().map(|(store, _)| store.clone());
        self.follow();
        let mut controllers = tokio::task::JoinSet::new();
        if let Some((store, listener)) = storage {
            let driver = self.source_controller(&store)?;
            let lease = self.candidate(Controller::Source);
            let (stop, tasks) = (self.stop.clone(), self.tasks.clone());
            controllers.spawn(led(lease, self.stop.clone(), |stopped| async move {
                // Only the leader serves: readiness on the storage's port says who leads.
                tasks.spawn(artifact::server::serve(listener, store, stop));
                driver.run(stopped).await;
            }));
        }
        if self.args.controllers.contains(&Controller::Kustomize) {
            let driver = self.kustomize_controller(store)?;
            let lease = self.candidate(Controller::Kustomize);
            controllers.spawn(led(lease, self.stop.clone(), |stopped| driver.run(stopped)));
        }
        let mut outcome = Ok(());
        while let Some(ended) = controllers.join_next().await {
            // One controller that has lost its lease ends the process, as upstream's does: it is restarted.
            self.stop.cancel();
            outcome = outcome.and(ended.unwrap_or(Ok(())));
        }
        self.stop.cancel();
        self.ended.cancel();
        self.tasks.close();
        // Events that were told are delivered, if anybody listens.
        drop(tokio::time::timeout(Duration::from_secs(5), self.tasks.wait()).await);
        outcome
    }

    /// Watches the kinds that the controllers read.
    fn follow(&self) {
        let namespace = (!self.args.watch_all_namespaces).then(|| self.namespace.clone());
        let labels = Some(self.args.watch_label_selector.clone()).filter(|labels| !labels.is_empty());
        let own = Scope { namespace: namespace.clone(), labels };
        let others = Scope { namespace, labels: None };
        let runs = |controller| self.args.controllers.contains(&controller);
        // A shard reconciles its own objects, but reads sources of all shards.
        let of_sources = if runs(Controller::Source) { own.clone() } else { others };
        self.tasks.spawn(self.git_repositories.clone().follow(self.client.clone(), of_sources, self.stop.clone()));
        if runs(Controller::Kustomize) {
            self.tasks.spawn(self.kustomizations.clone().follow(self.client.clone(), own, self.stop.clone()));
        }
    }

    fn source_controller(
        &self,
        store: &Arc<artifact::Store>,
    ) -> Result<reconcile::Driver<source_controller::GitRepositories>, RunError> {
        let settings = source_controller::Settings {
            concurrent: self.args.concurrent.unwrap_or(2),
            backoff: self.backoff(),
            jitter_percent: self.args.interval_jitter_percentage,
            requeue_dependency: self.args.requeue_dependency.to_std(),
            scratch: std::env::temp_dir(),
            ssh: fetch::git::SshAlgorithms {
                kex: self.args.ssh_kex_algos.clone(),
                host_key: self.args.ssh_hostkey_algos.clone(),
            },
            work_trees: self.work_trees.clone(),
        };
        let shared = self.shared(Controller::Source)?;
        Ok(source_controller::git_repositories(settings, shared, self.git_repositories.clone(), store.clone()))
    }

    fn kustomize_controller(
        &self,
        local: Option<Arc<artifact::Store>>,
    ) -> Result<reconcile::Driver<kustomize_controller::Kustomizations>, RunError> {
        let settings = kustomize_controller::Settings {
            concurrent: self.args.concurrent.unwrap_or(4),
            concurrent_ssa: self.args.concurrent_ssa,
            backoff: self.backoff(),
            jitter_percent: self.args.interval_jitter_percentage,
            requeue_dependency: self.args.requeue_dependency.to_std(),
            no_cross_namespace_refs: self.args.no_cross_namespace_refs,
            no_remote_bases: self.args.no_remote_bases,
            default_service_account: Some(self.args.default_service_account.clone()).filter(|name| !name.is_empty()),
            override_managers: self.args.override_manager.clone(),
            custom_stage_kinds: kustomize_controller::stage_kinds(&self.args.custom_apply_stage_kinds)
                .map_err(|problem| RunError::Flag { flag: "custom-apply-stage-kinds", problem })?,
            strict_substitutions: self.gate("StrictPostBuildSubstitutions", true)?,
            additive_ready_expr: self.gate("AdditiveCELDependencyCheck", false)?,
            no_fail_fast: self.gate("DisableFailFastBehavior", false)?,
        };
        let opener = Opener::new(OpenSettings {
            client: self.http.clone(),
            scratch: std::env::temp_dir(),
            limits: OpenSettings::LIMITS,
            largest_download: u64::MAX,
            retry: artifact::Retry {
                attempts: self.args.http_retry,
                first: Duration::from_secs(5),
                longest: Duration::from_secs(30),
            },
            host: environment("SOURCE_CONTROLLER_LOCALHOST"),
            local,
            keep: 4,
        });
        let stores = kustomize_controller::Stores {
            kustomizations: self.kustomizations.clone(),
            git_repositories: self.git_repositories.clone(),
        };
        Ok(kustomize_controller::kustomizations(
            settings,
            self.shared(Controller::Kustomize)?,
            stores,
            Arc::new(opener),
        ))
    }

    /// The value of a feature gate.
    fn gate(&self, name: &str, default: bool) -> Result<bool, RunError> {
        let flag = |problem| RunError::Flag { flag: "feature-gates", problem };
        for gate in &self.args.feature_gates {
            let (key, value) =
                gate.split_once('=').ok_or_else(|| flag(format!("{gate:?} is not of the form Name=true")))?;
            if key == name {
                return value.parse().map_err(|_| flag(format!("{gate:?}: the value is neither true nor false")));
            }
        }
        Ok(default)
    }

    fn backoff(&self) -> Backoff {
        Backoff { first: self.args.min_retry_delay.to_std(), longest: self.args.max_retry_delay.to_std() }
    }

    fn shared(&self, controller: Controller) -> Result<Shared, RunError> {
        let notifications = match self.args.events_addr.as_str() {
            "" => None,
            address => {
                let url = url::Url::parse(address)
                    .map_err(|error| RunError::Flag { flag: "events-addr", problem: error.to_string() })?;
                Some((url, self.http.clone()))
            }
        };
        let destination = Destination {
            client: self.client.clone(),
            notifications,
            controller: controller.name().to_owned(),
            instance: self.instance.clone(),
        };
        let recorder = Recorder::start(destination, &self.tasks, &self.ended);
        Ok(Shared { client: self.client.clone(), recorder, metrics: self.metrics.clone() })
    }

    /// The candidate for a controller's lease, where there is an election.
    fn candidate(&self, controller: Controller) -> Option<(String, Candidate)> {
        let args = &self.args;
        if !args.enable_leader_election {
            return None;
        }
        let mut name = format!("{}-leader-election", controller.name());
        if !args.watch_label_selector.is_empty() {
            let digest = artifact::Algorithm::Sha256.hash(args.watch_label_selector.as_bytes());
            // Hashing bytes in memory does not fail.
            name = format!("{name}-{}", digest.map(|digest| digest.hex()[..8].to_owned()).unwrap_or_default());
        }
        let timing = Timing {
            duration: args.leader_election_lease_duration.to_std(),
            deadline: args.leader_election_renew_deadline.to_std(),
            retry: args.leader_election_retry_period.to_std(),
            release: args.leader_election_release_on_cancel,
        };
        let identity = format!("{}_{}", self.instance, std::process::id());
        Some((name.clone(), Candidate::new(self.client.clone(), &self.namespace, &name, identity, timing)))
    }
}

/// Runs a controller while it leads; without an election it leads from the start.
async fn led<F: Future<Output = ()>>(
    lease: Option<(String, Candidate)>,
    stop: CancellationToken,
    controller: impl FnOnce(CancellationToken) -> F,
) -> Result<(), RunError> {
    let Some((name, candidate)) = lease else {
        controller(stop).await;
        return Ok(());
    };
    if !candidate.acquire(&stop).await {
        return Ok(());
    }
    tracing::info!(lease = name, "leading");
    // The lease is given back only when the controller has ended.
    let (ended, lost) = (CancellationToken::new(), stop.child_token());
    let holding = async {
        let given_back = candidate.hold(&ended).await;
        lost.cancel();
        given_back
    };
    let running = async {
        controller(lost.clone()).await;
        ended.cancel();
    };
    let (given_back, ()) = tokio::join!(holding, running);
    if given_back { Ok(()) } else { Err(RunError::LeaseLost { lease: name }) }
}

async fn open_storage(args: &Args) -> Result<(Arc<artifact::Store>, TcpListener), RunError> {
    let listener = probes::listen(&args.storage_addr)
        .await
        .map_err(|source| RunError::Listen { what: "artifacts", source })?
        .ok_or_else(|| RunError::Flag {
            flag: "storage-addr",
            problem: "an address is needed, e.g. :9090".to_owned(),
        })?;
    let algorithm = args.artifact_digest_algo.parse().map_err(|_| RunError::Flag {
        flag: "artifact-digest-algo",
        problem: format!("{:?} is not one of sha256, sha384, sha512", args.artifact_digest_algo),
    })?;
    let settings = artifact::Settings {
        root: args.storage_path.clone(),
        host: advertised(&args.storage_adv_addr, &args.storage_addr, listener.local_addr().map_or(0, |at| at.port())),
        retention: Retention { ttl: args.artifact_retention_ttl.to_std(), records: args.artifact_retention_records },
        algorithm,
    };
    let store = artifact::Store::open(settings).map_err(RunError::Storage)?;
    Ok((Arc::new(store), listener))
}

/// The host that artifacts' addresses name, unless one is given: that of the listener, where it has one.
fn advertised(given: &str, listened: &str, port: u16) -> String {
    if !given.is_empty() {
        return given.trim_start_matches("http://").trim_end_matches('/').to_owned();
    }
    let (host, _) = listened.rsplit_once(':').unwrap_or((listened, ""));
    let host = match host {
        "" => "localhost".to_owned(),
        "0.0.0.0" => hostname(),
        host => host.to_owned(),
    };
    format!("{host}:{port}")
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn hostname() -> String {
    environment("HOSTNAME")
        .or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned()))
        .unwrap_or_else(|| "localhost".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_are_advertised_where_they_are_served() {
        let cases = [
            (("", ":9090"), "localhost:9090"),
            (("", "127.0.0.1:0"), "127.0.0.1:9090"),
            (
                ("source-controller.flux-system.svc.cluster.local.", ":9090"),
                "source-controller.flux-system.svc.cluster.local.",
            ),
            (("http://a:1/", ":9090"), "a:1"),
        ];
        for ((given, listened), expected) in cases {
            assert_eq!(advertised(given, listened, 9090), expected);
        }
    }
}
