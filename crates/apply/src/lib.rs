//! Observe, plan, execute, wait and prune against one cluster.
//!
//! ```text
//! objects ─stages─► Stage ─observe─► Observed ─plan─► Plan ─execute─► Changes        (for each stage; `apply` does all)
//!                                   [requests] [pure]      [requests]
//! Changes ─► Inventory ─difference─► entries ─prune─► Pruned
//! Changes ─► Awaited ─► Wait: check, changed, check, …, healthy or failed
//! ```
//!
//! What makes it cheap: a [`Cluster`] watches the metadata of managed objects, one watch per kind for all
//! Kustomizations, and remembers what it applied. An object of which neither side changed costs no request; a wait is
//! woken by the watch and asks for an object only when that object has changed.

mod apply;
mod change;
mod cleanup;
mod cluster;
mod discovery;
mod drift;
mod execute;
mod failure;
mod ignore;
mod memory;
mod observe;
mod plan;
mod policy;
mod prune;
mod request;
mod seen;
mod stage;
pub mod wait;
mod watch;

pub use apply::apply;
pub use change::{Action, Change, Changes};
pub use cluster::Cluster;
pub use discovery::{ResolveError, Resource};
pub use execute::execute;
pub use failure::{Attempt, Cause, Failed, Failure};
pub use ignore::{IgnoreRule, IgnoreRules, IgnoreRulesError};
pub use observe::{Observation, Observed, observe};
pub use plan::{Plan, Step, Why, plan};
pub use policy::{Policy, Settings};
pub use prune::{Ownership, Pruned, prune};
pub use request::Refusal;
pub use stage::{Stage, StageName, stages};
