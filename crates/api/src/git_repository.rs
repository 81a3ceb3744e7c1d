//! `GitRepository`: a Git repository that is watched for new commits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Artifact, Column, Condition, Duration, Kind, LocalObjectReference, Spec, Status, kind::status_fields};

/// Which repository, which reference of it, how often to look, and what to leave out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "message": "serviceAccountName can only be set when provider is 'azure' or 'aws'",
    "rule": "!has(self.serviceAccountName) || (has(self.provider) && (self.provider == 'azure' || self.provider == 'aws'))",
}]))]
pub struct GitRepositorySpec {
    /// The repository's address, `http://`, `https://` or `ssh://`. The short form `git@host:path` is not accepted.
    #[schemars(extend("pattern" = "^(http|https|ssh)://.*$"))]
    pub url: String,
    /// The Secret with the credentials: `username` and `password`, or `bearerToken`, and optionally `ca.crt`, `tls.crt`
    /// and `tls.key` for HTTPS; `identity` and `known_hosts` for SSH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Whose way of authenticating is used; without it `generic`, the credentials of the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<GitProvider>,
    /// The ServiceAccount whose identity is used towards the provider. Only for the providers `azure` and `aws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// How often the repository is looked at. The actual time varies a little, so that not all come at once.
    #[schemars(extend("pattern" = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    pub interval: Duration,
    /// How long one look at the repository may take, from connecting to the last byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$", "default" = "60s"))]
    pub timeout: Option<Duration>,
    /// What to check out; without it the branch `master`.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitRepositoryRef>,
    /// How commits or tags have to be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<GitRepositoryVerification>,
    /// The Secret with the proxy's `address`, and optionally `username` and `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// What is left out of the artifact, in the syntax of `.gitignore`; replaces the defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Whether the controller leaves this object alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// Whether submodules are fetched too, with their default settings.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recurse_submodules: bool,
    /// Other GitRepositories of the namespace whose content becomes part of this artifact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<GitRepositoryInclude>,
    /// The directories that become part of the artifact; without it all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sparse_checkout: Vec<String>,
}

/// Whose way of authenticating is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GitProvider {
    /// The credentials of the Secret.
    #[default]
    Generic,
    /// AWS `CodeCommit`.
    Aws,
    /// Azure `DevOps`.
    Azure,
    /// A GitHub App.
    Github,
}

/// What to check out. `commit` beats `name`, that beats `tag`, that beats `semver`, that beats `branch`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GitRepositoryRef {
    /// The branch to follow; `master` where nothing else is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The tag to check out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The range of versions of which the highest tag is checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// The full name of any reference, e.g. `refs/heads/main` or `refs/pull/420/head`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The commit to check out. Together with a branch only that branch is fetched, and the commit must be on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// How commits or tags have to be signed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryVerification {
    /// What has to be signed: the commit (`HEAD`, also written `head`), the tag, or both.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "HEAD"))]
    pub mode: Option<VerificationMode>,
    /// The Secret with the public keys of trusted authors: PGP keys under names that end in `.asc`, SSH keys under names
    /// that end in `.sshpub`.
    pub secret_ref: LocalObjectReference,
}

/// What has to be signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum VerificationMode {
    /// The commit, in the spelling of earlier versions.
    #[serde(rename = "head")]
    LowerHead,
    /// The commit.
    #[default]
    #[serde(rename = "HEAD")]
    Head,
    /// The tag.
    Tag,
    /// The tag and the commit that it points to.
    #[serde(rename = "TagAndHEAD")]
    TagAndHead,
}

/// Another repository whose content becomes part of this artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryInclude {
    /// The GitRepository to include, of the same namespace.
    pub repository: LocalObjectReference,
    /// The directory to copy; without it the whole artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    /// Where to put it; without it a directory with the repository's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_path: Option<String>,
}

impl GitRepositoryInclude {
    /// Where the content is put.
    pub fn target(&self) -> &str {
        self.to_path.as_deref().filter(|path| !path.is_empty()).unwrap_or(&self.repository.name)
    }
}

/// What the controller last saw of the repository, and what it made of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = { "observedGeneration": -1 }))]
pub struct GitRepositoryStatus {
    /// The last generation of the object that was dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What is to be said about the repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::condition::list_schema")]
    pub conditions: Vec<Condition>,
    /// The artifact of the last success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The artifacts that were last included, in the order of `spec.include`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_artifacts: Vec<Artifact>,
    /// The `spec.ignore` that the artifact was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// The `spec.recurseSubmodules` that the artifact was made with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub observed_recurse_submodules: bool,
    /// The `spec.include` that the artifact was made with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_include: Vec<GitRepositoryInclude>,
    /// The `spec.sparseCheckout` that the artifact was made with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_sparse_checkout: Vec<String>,
    /// What was last found to be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub source_verification_mode: Option<VerificationMode>,
    /// The last request for a reconciliation that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

impl Spec for GitRepositorySpec {
    type Status = GitRepositoryStatus;

    const KIND: Kind = Kind {
        group: "source.toolkit.fluxcd.io",
        version: "v1",
        kind: "GitRepository",
        plural: "gitrepositories",
        singular: "gitrepository",
        short_names: &["gitrepo"],
        categories: &["all", "fluxcd", "fluxcd-sources"],
        columns: &[
            Column { name: "URL", type_: "string", path: ".spec.url" },
            Column::AGE,
            Column::READY,
            Column::STATUS,
        ],
    };

    const DESCRIPTION: &'static str =
        "A Git repository that is watched for new commits, and offered to others as an artifact.";

    fn interval(&self) -> Duration {
        self.interval
    }

    fn suspended(&self) -> bool {
        self.suspend
    }
}

impl GitRepositorySpec {
    /// How long one look at the repository may take.
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(60))
    }
}

impl Status for GitRepositoryStatus {
    status_fields!();

    fn artifact(&self) -> Option<&Artifact> {
        self.artifact.as_ref()
    }
}
