//! How kustomize-controller runs, and what it reads from.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use api::{GitRepository, Kustomization};
use object::GroupKind;
use reconcile::Store;
use reconcile::schedule::Backoff;

/// How kustomize-controller runs.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "one field for each of upstream's switches")]
pub struct Settings {
    /// How many Kustomizations are worked on at once. Waits do not count.
    pub concurrent: usize,
    /// How many requests one apply has under way at a time.
    pub concurrent_ssa: usize,
    /// The wait after failures that are retried with back-off.
    pub backoff: Backoff,
    /// By how many percent intervals vary.
    pub jitter_percent: u32,
    /// How long at most until a missing dependency is looked for again.
    pub requeue_dependency: Duration,
    /// Whether sources of other namespaces are refused.
    pub no_cross_namespace_refs: bool,
    /// Whether remote bases are refused. They always are, so far; the flag changes the error's text.
    pub no_remote_bases: bool,
    /// The service account of Kustomizations that name none.
    pub default_service_account: Option<String>,
    /// Field managers whose changes are undone, besides kubectl's.
    pub override_managers: Vec<String>,
    /// Kinds that are applied in a stage of their own.
    pub custom_stage_kinds: BTreeSet<GroupKind>,
    /// Whether a variable that has no value is a failure (feature gate `StrictPostBuildSubstitutions`).
    pub strict_substitutions: bool,
    /// Whether a `readyExpr` comes on top of the built-in check (feature gate `AdditiveCELDependencyCheck`).
    pub additive_ready_expr: bool,
    /// Whether a wait goes on although an object has failed (feature gate `DisableFailFastBehavior`).
    pub no_fail_fast: bool,
}

/// The objects that the controller reads.
#[derive(Debug, Clone)]
pub struct Stores {
    /// Its own.
    pub kustomizations: Arc<Store<Kustomization>>,
    /// The sources.
    pub git_repositories: Arc<Store<GitRepository>>,
}

/// Reads the values of `--custom-apply-stage-kinds`.
///
/// # Errors
/// The first value that is not `Group/Kind`.
pub fn stage_kinds(values: &[String]) -> Result<BTreeSet<GroupKind>, String> {
    let read = |value: &String| match value.rsplit_once('/') {
        Some((group, kind)) if !group.is_empty() && !kind.is_empty() => {
            Ok(GroupKind { group: group.to_owned(), kind: kind.to_owned() })
        }
        _ => Err(format!("{value:?} is not of the form Group/Kind, e.g. example.com/Widget")),
    };
    values.iter().map(read).collect()
}
