//! What every kind has: its names in the API, a spec and a status.

use std::fmt::Debug;

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Artifact, Condition, Duration};

/// The names of a kind in the API, and how lists of it are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The API group, e.g. `source.toolkit.fluxcd.io`.
    pub group: &'static str,
    /// The served and stored version.
    pub version: &'static str,
    /// The kind, e.g. `GitRepository`.
    pub kind: &'static str,
    /// Its plural in addresses, e.g. `gitrepositories`.
    pub plural: &'static str,
    /// Its lower-case singular.
    pub singular: &'static str,
    /// What people may type instead.
    pub short_names: &'static [&'static str],
    /// The groups of kinds it is listed with.
    pub categories: &'static [&'static str],
    /// What `kubectl get` shows beside the name.
    pub columns: &'static [Column],
}

impl Kind {
    /// The `apiVersion` of its objects.
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// The name of its CRD.
    pub fn crd_name(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }
}

/// A column of `kubectl get`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The header.
    pub name: &'static str,
    /// `string` or `date`.
    pub type_: &'static str,
    /// Where the value lies.
    pub path: &'static str,
}

impl Column {
    /// The object's age.
    pub const AGE: Self = Self { name: "Age", type_: "date", path: ".metadata.creationTimestamp" };
    /// The status of the condition `Ready`.
    pub const READY: Self =
        Self { name: "Ready", type_: "string", path: r#".status.conditions[?(@.type=="Ready")].status"# };
    /// The message of the condition `Ready`.
    pub const STATUS: Self =
        Self { name: "Status", type_: "string", path: r#".status.conditions[?(@.type=="Ready")].message"# };
}

/// What people write into an object of a kind.
pub trait Spec:
    Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// What the controller answers.
    type Status: Status;

    /// The kind's names.
    const KIND: Kind;

    /// What the kind is for, the description of its CRD.
    const DESCRIPTION: &'static str;

    /// How long after a success the object is looked at again.
    fn interval(&self) -> Duration;

    /// Whether people have asked the controller to leave the object alone.
    fn suspended(&self) -> bool;
}

/// What a controller says about an object of a kind.
pub trait Status:
    Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// The conditions, in the order in which they are stored.
    fn conditions(&self) -> &[Condition];

    /// The conditions, to be changed.
    fn conditions_mut(&mut self) -> &mut Vec<Condition>;

    /// The last generation that was dealt with; -1 before the first.
    fn observed_generation(&self) -> Option<i64>;

    /// Says which generation was dealt with.
    fn set_observed_generation(&mut self, generation: i64);

    /// The last value of the annotation `reconcile.fluxcd.io/requestedAt` that was acted on.
    fn last_handled_reconcile_at(&self) -> Option<&str>;

    /// Says which value of the annotation `reconcile.fluxcd.io/requestedAt` was acted on.
    fn set_last_handled_reconcile_at(&mut self, request: String);

    /// What a source offers; nothing for kinds that are no sources.
    fn artifact(&self) -> Option<&Artifact> {
        None
    }
}

/// The methods of [`Status`] over the fields that all kinds name alike.
macro_rules! status_fields {
    () => {
        fn conditions(&self) -> &[$crate::Condition] {
            &self.conditions
        }

        fn conditions_mut(&mut self) -> &mut Vec<$crate::Condition> {
            &mut self.conditions
        }

        fn observed_generation(&self) -> Option<i64> {
            self.observed_generation
        }

        fn set_observed_generation(&mut self, generation: i64) {
            self.observed_generation = Some(generation);
        }

        fn last_handled_reconcile_at(&self) -> Option<&str> {
            self.last_handled_reconcile_at.as_deref()
        }

        fn set_last_handled_reconcile_at(&mut self, request: String) {
            self.last_handled_reconcile_at = Some(request);
        }
    };
}
pub(crate) use status_fields;
