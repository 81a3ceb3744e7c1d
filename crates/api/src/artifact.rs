//! What a source offers, as its status says it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A source's content as one file that its controller serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// The file's path below the root of the controller's storage.
    pub path: String,
    /// The HTTP address at which the file is served.
    pub url: String,
    /// Where the content comes from, e.g. `main@sha1:` and a commit.
    pub revision: String,
    /// The file's digest as `<algorithm>:<checksum>`.
    #[schemars(extend("pattern" = "^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$"))]
    pub digest: String,
    /// When the artifact was made.
    #[schemars(schema_with = "crate::crd::time")]
    pub last_update_time: Time,
    /// The file's length in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// What the origin says about the content, such as the annotations of an OCI image.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}
