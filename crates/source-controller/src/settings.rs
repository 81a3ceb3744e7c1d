//! How source-controller runs.

use std::path::PathBuf;
use std::time::Duration;

use fetch::git::SshAlgorithms;
use fetch::work_tree::WorkTree;
use reconcile::schedule::Backoff;

/// How source-controller runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many objects of a kind are worked on at once.
    pub concurrent: usize,
    /// The wait after failures.
    pub backoff: Backoff,
    /// By how many percent intervals vary.
    pub jitter_percent: u32,
    /// How long at most until something that an object refers to is looked for again.
    pub requeue_dependency: Duration,
    /// For what is fetched, until it is packed.
    pub scratch: PathBuf,
    /// What SSH negotiates (`--ssh-kex-algos`, `--ssh-hostkey-algos`).
    pub ssh: SshAlgorithms,
    /// Directories that stand in for repositories. Nobody is asked for credentials there.
    pub work_trees: Vec<WorkTree>,
}
