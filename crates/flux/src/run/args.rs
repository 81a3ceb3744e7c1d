//! What can be typed after `flux run`: upstream's flags of all controllers, under their names and with their defaults.

use std::path::PathBuf;

use api::Duration;

use super::log::{Encoding, Verbosity};

/// The controllers of this binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub(crate) enum Controller {
    /// Fetches sources and serves their artifacts.
    #[value(name = "source-controller")]
    Source,
    /// Builds and applies Kustomizations.
    #[value(name = "kustomize-controller")]
    Kustomize,
}

impl Controller {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Source, Self::Kustomize];

    /// The name by which upstream's Deployment, lease and events go.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Source => "source-controller",
            Self::Kustomize => "kustomize-controller",
        }
    }
}

// Runs the controllers, in a cluster or against a kubeconfig.
#[derive(Debug, Clone, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "one field for each of upstream's switches")]
pub(crate) struct Args {
    /// The controllers to run.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Controller::ALL)]
    pub(crate) controllers: Vec<Controller>,

    /// Where artifacts are stored.
    #[arg(long, env = "STORAGE_PATH", default_value = "/data")]
    pub(crate) storage_path: PathBuf,
    /// The address that artifacts are served on.
    #[arg(long, env = "STORAGE_ADDRESS", default_value = ":9090")]
    pub(crate) storage_addr: String,
    /// The address that artifacts are advertised under.
    #[arg(long, env = "STORAGE_ADV_ADDR", default_value = "")]
    pub(crate) storage_adv_addr: String,
    /// How long artifacts that are no longer current are kept.
    #[arg(long, default_value = "1m")]
    pub(crate) artifact_retention_ttl: Duration,
    /// How many artifacts of one object are kept.
    #[arg(long, default_value_t = 2)]
    pub(crate) artifact_retention_records: usize,
    /// The algorithm of artifacts' digests.
    #[arg(long, default_value = "sha256")]
    pub(crate) artifact_digest_algo: String,

    /// The address that metrics are served on; 0 turns them off.
    #[arg(long, env = "METRICS_ADDR", default_value = ":8080")]
    pub(crate) metrics_addr: String,
    /// The address that health probes are served on; 0 turns them off.
    #[arg(long, default_value = ":9440")]
    pub(crate) health_addr: String,
    /// The address that notifications are posted to.
    #[arg(long, env = "EVENTS_ADDR", default_value = "")]
    pub(crate) events_addr: String,

    /// How many objects of a kind are worked on at once; waits do not count. Without it 2 for sources and 4 for
    /// Kustomizations.
    #[arg(long)]
    pub(crate) concurrent: Option<usize>,
    /// How many objects of one Kustomization are compared with the cluster at once.
    #[arg(long, default_value_t = 4)]
    pub(crate) concurrent_ssa: usize,
    /// How long at most until a missing dependency is looked for again.
    #[arg(long, default_value = "30s")]
    pub(crate) requeue_dependency: Duration,
    /// How often the download of an artifact is retried.
    #[arg(long, default_value_t = 9)]
    pub(crate) http_retry: u32,
    /// Refuses Kustomizations that refer to sources of other namespaces.
    #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub(crate) no_cross_namespace_refs: bool,
    /// Refuses remote bases.
    #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub(crate) no_remote_bases: bool,
    /// The service account whose rights objects are applied with when a Kustomization names none.
    #[arg(long, default_value = "")]
    pub(crate) default_service_account: String,
    /// Field managers whose changes are undone, besides kubectl's.
    #[arg(long)]
    pub(crate) override_manager: Vec<String>,
    /// Kinds that are applied in a stage of their own, as Group/Kind.
    #[arg(long, value_delimiter = ',')]
    pub(crate) custom_apply_stage_kinds: Vec<String>,

    /// Watches all namespaces, or only RUNTIME_NAMESPACE.
    #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, default_value_t = true, default_missing_value = "true", require_equals = true)]
    pub(crate) watch_all_namespaces: bool,
    /// Watches only objects with these labels.
    #[arg(long, default_value = "")]
    pub(crate) watch_label_selector: String,
    /// By how many percent intervals vary, so that objects spread out.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..100))]
    pub(crate) interval_jitter_percentage: u32,
    /// The wait after a first failure.
    #[arg(long, default_value = "750ms")]
    pub(crate) min_retry_delay: Duration,
    /// The longest wait after failures.
    #[arg(long, default_value = "15m")]
    pub(crate) max_retry_delay: Duration,

    /// Lets one of several processes lead.
    #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub(crate) enable_leader_election: bool,
    /// Gives the lead back at the end.
    #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, default_value_t = true, default_missing_value = "true", require_equals = true)]
    pub(crate) leader_election_release_on_cancel: bool,
    /// How long a leader that does not renew is waited for.
    #[arg(long, default_value = "35s")]
    pub(crate) leader_election_lease_duration: Duration,
    /// How long a leader tries to renew.
    #[arg(long, default_value = "30s")]
    pub(crate) leader_election_renew_deadline: Duration,
    /// How often leaders renew and candidates ask.
    #[arg(long, default_value = "5s")]
    pub(crate) leader_election_retry_period: Duration,

    /// How log lines look.
    #[arg(long, value_enum, default_value_t = Encoding::Json)]
    pub(crate) log_encoding: Encoding,
    /// How much is logged.
    #[arg(long, value_enum, default_value_t = Verbosity::Info)]
    pub(crate) log_level: Verbosity,
    /// Feature gates, as Name=true,Name=false.
    #[arg(long, value_delimiter = ',')]
    pub(crate) feature_gates: Vec<String>,

    /// The key exchanges that SSH negotiates, best first.
    #[arg(long, value_delimiter = ',')]
    pub(crate) ssh_kex_algos: Vec<String>,
    /// The host keys that SSH negotiates, best first.
    #[arg(long, value_delimiter = ',')]
    pub(crate) ssh_hostkey_algos: Vec<String>,

    #[command(flatten)]
    pub(crate) inherited: Inherited,
}

// Flags of upstream's controllers that have nothing to set here yet. They are taken so that upstream's manifests work
// unchanged; `flux run` logs each that is given another value than its default.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Inherited {
    #[arg(long, default_value_t = 100, hide = true)]
    pub(crate) token_cache_max_size: u32,
    #[arg(long, default_value = "1h", hide = true)]
    pub(crate) token_cache_max_duration: Duration,
    #[arg(long, default_value = "reconcile.fluxcd.io/watch=Enabled", hide = true)]
    pub(crate) watch_configs_label_selector: String,
    #[arg(long, default_value = "", hide = true)]
    pub(crate) default_decryption_service_account: String,
    #[arg(long, default_value = "", hide = true)]
    pub(crate) default_kubeconfig_service_account: String,
    #[arg(long, default_value = "", hide = true)]
    pub(crate) sops_age_secret: String,
    #[arg(long, default_value = "", hide = true)]
    pub(crate) sops_vault_configmap: String,
    #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true, hide = true)]
    pub(crate) insecure_kubeconfig_exec: bool,
    #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true, hide = true)]
    pub(crate) insecure_kubeconfig_tls: bool,
    #[arg(long, default_value_t = 52_428_800, hide = true)]
    pub(crate) helm_index_max_size: u64,
    #[arg(long, default_value_t = 10_485_760, hide = true)]
    pub(crate) helm_chart_max_size: u64,
    #[arg(long, default_value_t = 5_242_880, hide = true)]
    pub(crate) helm_chart_file_max_size: u64,
    #[arg(long, default_value_t = 0, hide = true)]
    pub(crate) helm_cache_max_size: u32,
    #[arg(long, default_value = "15m", hide = true)]
    pub(crate) helm_cache_ttl: Duration,
    #[arg(long, default_value = "1m", hide = true)]
    pub(crate) helm_cache_purge_interval: Duration,
}

impl Args {
    /// The flags of a process of its own on loopback, with everything on ports that are free.
    pub(crate) fn for_sandbox(storage: &std::path::Path) -> Self {
        #[derive(clap::Parser)]
        struct Only {
            #[command(flatten)]
            args: Args,
        }
        let mut args = <Only as clap::Parser>::parse_from([
            "flux",
            "--storage-addr=127.0.0.1:0",
            "--metrics-addr=0",
            "--health-addr=0",
            "--requeue-dependency=5s",
        ])
        .args;
        storage.clone_into(&mut args.storage_path);
        args
    }
}

impl Inherited {
    /// The flags whose values ask for something that this version does not do.
    pub(crate) fn without_effect(&self) -> Vec<&'static str> {
        [
            ("--default-decryption-service-account", !self.default_decryption_service_account.is_empty()),
            ("--default-kubeconfig-service-account", !self.default_kubeconfig_service_account.is_empty()),
            ("--sops-age-secret", !self.sops_age_secret.is_empty()),
            ("--sops-vault-configmap", !self.sops_vault_configmap.is_empty()),
            ("--insecure-kubeconfig-exec", self.insecure_kubeconfig_exec),
            ("--insecure-kubeconfig-tls", self.insecure_kubeconfig_tls),
        ]
        .into_iter()
        .filter_map(|(flag, set)| set.then_some(flag))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_flags_everything_is_as_upstream_has_it() {
        let args = Args::for_sandbox(std::path::Path::new("/data"));
        assert!(args.watch_all_namespaces && args.leader_election_release_on_cancel);
        assert!(!args.enable_leader_election && !args.no_cross_namespace_refs);
        assert_eq!(args.controllers, Controller::ALL);
        assert_eq!((args.concurrent, args.concurrent_ssa, args.http_retry), (None, 4, 9));
    }
}
