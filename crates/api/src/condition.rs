//! Conditions: the type is Kubernetes' own, the types of conditions are Flux's.

use schemars::{JsonSchema, Schema, SchemaGenerator};

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// The types of conditions that Flux's objects carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// The sum of all others: the object is as its spec wants it.
    Ready,
    /// The object is being worked on.
    Reconciling,
    /// Nothing but an edit of the object, or of what it refers to, can help.
    Stalled,
    /// The applied objects are healthy; present only while health is checked.
    Healthy,
    /// The source could not be read.
    FetchFailed,
    /// The artifact could not be stored.
    StorageOperationFailed,
    /// An included source is missing.
    IncludeUnavailable,
    /// A newer artifact is being made.
    ArtifactOutdated,
    /// The artifact is stored and served.
    ArtifactInStorage,
    /// The source's signature was checked.
    SourceVerified,
}

impl ConditionType {
    /// The name in `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::Healthy => "Healthy",
            Self::FetchFailed => "FetchFailed",
            Self::StorageOperationFailed => "StorageOperationFailed",
            Self::IncludeUnavailable => "IncludeUnavailable",
            Self::ArtifactOutdated => "ArtifactOutdated",
            Self::ArtifactInStorage => "ArtifactInStorage",
            Self::SourceVerified => "SourceVerified",
        }
    }
}

impl std::fmt::Display for ConditionType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The schema of a list of conditions. Kubernetes' own type carries no validation, its Go original does.
pub(crate) fn list_schema(generator: &mut SchemaGenerator) -> Schema {
    Vec::<ConditionSchema>::json_schema(generator)
}

/// One aspect of the object's state.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields exist for their schema only")]
struct ConditionSchema {
    /// When the condition last changed its status.
    #[schemars(extend("format" = "date-time"))]
    last_transition_time: String,
    /// What happened, for people. May be empty.
    #[schemars(length(max = 32768))]
    message: String,
    /// The generation of the object that the condition speaks of.
    #[schemars(extend("minimum" = 0))]
    observed_generation: Option<i64>,
    /// Why the condition has its status, for programs: one word in camel case.
    #[schemars(length(min = 1, max = 1024), extend("pattern" = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"))]
    reason: String,
    /// True, False or Unknown.
    #[schemars(extend("enum" = ["True", "False", "Unknown"]))]
    status: String,
    /// What the condition is about, in camel case or as `foo.example.com/CamelCase`.
    #[schemars(
        length(max = 316),
        extend("pattern" = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$")
    )]
    r#type: String,
}
