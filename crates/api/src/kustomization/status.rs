//! What the controller says about a Kustomization.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, Duration, Status, kind::status_fields};

/// What was applied, and how the last attempts went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = { "observedGeneration": -1 }))]
pub struct KustomizationStatus {
    /// The last generation of the object that was dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What is to be said about the Kustomization.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::condition::list_schema")]
    pub conditions: Vec<Condition>,
    /// The last request for a reconciliation that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// The source's revision of the last success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<String>,
    /// The revision of the last success at its origin, where the artifact names it: for OCI artifacts the annotation
    /// `org.opencontainers.image.revision`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_origin_revision: Option<String>,
    /// The source's revision of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// The objects in the cluster that this Kustomization applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventory>,
    /// The last attempts, newest first. Equal ones are counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Snapshot>,
}

/// The objects in the cluster that a Kustomization applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inventory {
    /// One entry for each object.
    pub entries: Vec<ResourceRef>,
}

/// An object in an inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ResourceRef {
    /// The object as `<namespace>_<name>_<group>_<kind>`.
    pub id: String,
    /// The version in the API group that it was applied with.
    #[serde(rename = "v")]
    pub version: String,
}

/// An attempt, or several that applied the same with the same result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The digest of the built manifests as `<algorithm>:<hex>`.
    pub digest: String,
    /// When they were first attempted.
    #[schemars(schema_with = "crate::crd::time")]
    pub first_reconciled: Time,
    /// When they were last attempted.
    #[schemars(schema_with = "crate::crd::time")]
    pub last_reconciled: Time,
    /// How long the last attempt took.
    pub last_reconciled_duration: Duration,
    /// The reason of `Ready` after the last attempt.
    pub last_reconciled_status: String,
    /// How many attempts there were.
    pub total_reconciliations: i64,
    /// The revisions that the manifests came from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Status for KustomizationStatus {
    status_fields!();
}
