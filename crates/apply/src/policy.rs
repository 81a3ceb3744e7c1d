//! How objects are applied: what holds for the whole process, and what one Kustomization asks for.

use std::collections::BTreeSet;

use object::{GroupKind, Object};
use ssa::managers::{Managers, Operation};

use crate::ignore::IgnoreRules;

/// What holds for every object of one cluster, set once by the controller.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The field manager, e.g. `kustomize-controller`.
    pub manager: String,
    /// The prefix of the markers on objects, e.g. `kustomize.toolkit.fluxcd.io` of `kustomize.toolkit.fluxcd.io/prune`.
    pub markers: String,
    /// A label that every managed object carries; watches ask for nothing else. Without it they ask for everything.
    pub managed_label: Option<String>,
    /// Further field managers whose fields are taken over, by prefix: `--override-manager`.
    pub override_managers: Vec<String>,
    /// Kinds that are applied before the rest: `--custom-apply-stage-kinds`.
    pub custom_stage_kinds: BTreeSet<GroupKind>,
    /// How many requests one apply has under way at a time: `--concurrent-ssa`.
    pub concurrency: usize,
    /// Whether managed fields are moved to the version that is applied: feature gate `MigrateAPIVersion`.
    pub migrate_api_version: bool,
}

impl Settings {
    /// The settings of kustomize-controller without flags.
    pub fn kustomize_controller() -> Self {
        Self {
            manager: "kustomize-controller".to_owned(),
            markers: "kustomize.toolkit.fluxcd.io".to_owned(),
            managed_label: Some("kustomize.toolkit.fluxcd.io/name".to_owned()),
            override_managers: Vec::new(),
            custom_stage_kinds: BTreeSet::new(),
            concurrency: 4,
            migrate_api_version: false,
        }
    }

    /// The managers whose fields become ours before an apply.
    pub(crate) fn taken_over(&self) -> Vec<Managers> {
        let of = |prefix: &str, operation| Managers { prefix: prefix.to_owned(), operation };
        let mut managers = vec![
            of("kubectl", Operation::Apply),
            of("kubectl", Operation::Update),
            of("before-first-apply", Operation::Update),
            // Ourselves, from before server-side apply.
            of(&self.manager, Operation::Update),
        ];
        for manager in &self.override_managers {
            managers.push(of(manager, Operation::Apply));
            managers.push(of(manager, Operation::Update));
        }
        managers
    }

    fn has(&self, object: &Object, marker: &str, value: &str) -> bool {
        object.has_marker(&format!("{}/{marker}", self.markers), value)
    }

    /// Whether the object, desired or live, asks to be left alone by apply and prune.
    pub(crate) fn is_excluded(&self, object: &Object) -> bool {
        self.has(object, "reconcile", "disabled") || self.has(object, "ssa", "Ignore")
    }

    /// Whether the desired object asks to be left alone once it exists.
    pub(crate) fn is_only_created(&self, desired: &Object) -> bool {
        self.has(desired, "ssa", "IfNotPresent")
    }

    /// Whether the object, desired or live, keeps what other managers set.
    pub(crate) fn is_merged(&self, object: &Object) -> bool {
        self.has(object, "ssa", "Merge")
    }

    /// Whether the object, desired or live, may be replaced.
    pub(crate) fn is_forced(&self, object: &Object) -> bool {
        self.has(object, "force", "enabled")
    }

    /// Whether the live object may not be pruned.
    pub(crate) fn is_kept(&self, live: &Object) -> bool {
        self.has(live, "prune", "disabled") || self.is_excluded(live)
    }
}

/// What one Kustomization asks for.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whether objects with immutable fields are replaced: `spec.force`.
    pub force: bool,
    /// Which fields are left to others: `spec.ignore`.
    pub ignore: IgnoreRules,
}
