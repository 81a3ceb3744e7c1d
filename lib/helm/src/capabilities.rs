//! What a cluster can do, as templates ask `.Capabilities`.

use version::Version;

/// The cluster that a chart is rendered for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Its Kubernetes version.
    pub kube_version: KubeVersion,
    /// What it serves: `apps/v1` and, from a real cluster, `apps/v1/Deployment`.
    pub api_versions: Vec<String>,
    /// The Helm that templates are told of.
    pub helm_version: HelmVersion,
}

/// A Kubernetes version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeVersion {
    /// As the cluster says it, with a leading `v`: `v1.33.4-gke.1245000`.
    pub version: String,
    /// Only its numbers: `v1.33.4`. Charts' constraints are checked with this.
    pub normalized: String,
    /// `1`
    pub major: String,
    /// `33`
    pub minor: String,
}

/// What `.Capabilities.HelmVersion` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmVersion {
    /// `v4.2`
    pub version: String,
    /// The commit it was built from.
    pub git_commit: String,
    /// Whether that had changes on top.
    pub git_tree_state: String,
    /// The compiler.
    pub go_version: String,
    /// `v1.36`
    pub kube_client_version: String,
}

/// A text that is no Kubernetes version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not parse {0:?} as version")]
pub struct KubeVersionError(pub String);

impl KubeVersion {
    /// Reads at least two numbers, whatever follows them.
    pub fn parse(text: &str) -> Result<Self, KubeVersionError> {
        let error = || KubeVersionError(text.to_owned());
        let digits = text.trim().trim_start_matches('v');
        let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
        let numbers: Vec<&str> = digits[..end].split('.').collect();
        let is_number = |n: &&str| !n.is_empty() && (*n == "0" || !n.starts_with('0')) && n.parse::<u32>().is_ok();
        if numbers.len() < 2 || !numbers.iter().all(is_number) {
            return Err(error());
        }
        Ok(Self {
            version: if text.starts_with('v') { text.to_owned() } else { format!("v{text}") },
            normalized: format!("v{}", numbers.join(".")),
            major: numbers[0].to_owned(),
            minor: numbers[1].to_owned(),
        })
    }

    /// The version for comparing with constraints.
    pub(crate) fn semantic(&self) -> Option<Version> {
        Version::parse(&self.normalized).ok()
    }
}

impl Default for Capabilities {
    /// What Helm 4.2.4 assumes when no cluster is asked.
    fn default() -> Self {
        Self {
            kube_version: KubeVersion {
                version: "v1.36.0".to_owned(),
                normalized: "v1.36.0".to_owned(),
                major: "1".to_owned(),
                minor: "36".to_owned(),
            },
            api_versions: DEFAULT_API_VERSIONS.iter().map(|version| (*version).to_owned()).collect(),
            helm_version: HelmVersion {
                version: "v4.2".to_owned(),
                git_commit: String::new(),
                git_tree_state: String::new(),
                go_version: "go1.26".to_owned(),
                kube_client_version: "v1.36".to_owned(),
            },
        }
    }
}

/// What client-go 0.36 knows, in the order in which Helm lists it.
const DEFAULT_API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha2",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];
