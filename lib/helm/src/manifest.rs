//! What templates print, cut into documents: hooks apart, the rest in the order in which it is installed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use yaml::{Keep, Reader, Schema};

use crate::excerpt::Excerpt;
use crate::values;

/// A document that belongs to the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The template it came from: `chart/templates/a.yaml`.
    pub path: String,
    /// The text.
    pub content: Excerpt,
    /// Its kind; empty when it says none.
    pub kind: String,
    /// Its API version; empty when it says none.
    pub api_version: String,
}

/// A document that is created at certain moments only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Of the object.
    pub name: String,
    /// Of the object.
    pub kind: String,
    /// The template it came from.
    pub path: String,
    /// The text.
    pub manifest: String,
    /// When.
    pub events: Vec<HookEvent>,
    /// Smaller comes first.
    pub weight: i64,
    /// As the annotation has them; Helm checks them when it deletes.
    pub delete_policies: Vec<String>,
    /// As the annotation has them.
    pub output_log_policies: Vec<String>,
}

/// A moment in the life of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are Helm's own")]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

impl HookEvent {
    /// Reads an annotation's word. Helm 2's `test-success` is `test`.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "test" | "test-success" => Self::Test,
            _ => return None,
        })
    }

    /// The annotation's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::Test => "test",
        }
    }
}

/// A document that is not one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It is not YAML.
    #[error("YAML parse error on {path}, document {document}")]
    Yaml {
        /// The template.
        path: String,
        /// Which of its documents, from 1.
        document: usize,
        /// Where in the document, and why.
        source: yaml::Error,
    },
    /// A field that Helm looks at has the wrong type.
    #[error("YAML parse error on {path}, document {document}: {field} is {found}, expected {expected}")]
    Field {
        /// The template.
        path: String,
        /// Which of its documents, from 1.
        document: usize,
        /// `metadata.annotations.x`
        field: String,
        /// What it is.
        found: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

/// Cuts a text at lines that begin with `---`; blank documents are dropped, as is white space before each.
///
/// # Source
/// Helm 4.2.4. What follows `---` on its line belongs to the document.
pub fn split(text: &str) -> Vec<&str> {
    cut(text).into_iter().filter_map(|range| text.get(range)).collect()
}

/// Where the documents of a text are.
fn cut(text: &str) -> Vec<Range<usize>> {
    let mut documents = Vec::new();
    let mut add = |start: usize, end: usize| {
        let document = &text[start..end];
        let blank = document.len() - document.trim_start().len();
        if blank < document.len() {
            documents.push(start + blank..end);
        }
    };
    let mut start = text.len() - text.trim_start().len();
    let mut line_start = start;
    for line in text[start..].split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("---") {
            add(start, line_start);
            start = line_start + 3 + (rest.len() - rest.trim_start_matches([' ', '\t']).len());
        }
        line_start += line.len();
    }
    add(start, text.len());
    documents
}

/// What files printed, with their paths.
pub(crate) type Files = Vec<(String, Arc<String>)>;

/// What files printed last, and what was found in them, so that a file that prints the same again need not be read again.
#[derive(Debug, Default)]
pub struct Seen(BTreeMap<String, Printed>);

impl Seen {
    /// Whether the file printed just that.
    pub(crate) fn knows(&self, path: &str, text: &Arc<String>) -> bool {
        self.0.get(path).is_some_and(|printed| printed.text == *text)
    }

    pub(crate) fn add(&mut self, path: String, printed: Printed) {
        self.0.insert(path, printed);
    }
}

/// What one file printed.
#[derive(Debug)]
pub(crate) struct Printed {
    text: Arc<String>,
    documents: Vec<Document>,
}

/// One document of a file: where its text is, and what it is to a release.
#[derive(Debug)]
struct Document {
    text: Range<usize>,
    kind: String,
    role: Role,
}

#[derive(Debug)]
enum Role {
    Manifest {
        api_version: String,
    },
    Hook(HookHead),
    /// It has a hook of unknown kind, and is skipped altogether.
    Skipped,
}

#[derive(Debug)]
struct HookHead {
    name: String,
    events: Vec<HookEvent>,
    weight: i64,
    delete_policies: Vec<String>,
    output_log_policies: Vec<String>,
}

/// Sorts rendered files, by path, into hooks and manifests, both in the order of [`INSTALL_ORDER`].
pub(crate) fn sort(mut files: Files, seen: &mut Seen) -> Result<(Vec<Hook>, Vec<Manifest>), ManifestError> {
    files.sort_by(|(left, _), (right, _)| left.cmp(right));
    let (mut hooks, mut manifests) = (Vec::new(), Vec::new());
    for (path, text) in files {
        let is_partial = path.rsplit('/').next().is_some_and(|name| name.starts_with('_'));
        if is_partial {
            continue;
        }
        if !seen.knows(&path, &text) {
            seen.add(path.clone(), read(&path, &text)?);
        }
        if let Some(printed) = seen.0.get(&path) {
            printed.collect(&path, &mut hooks, &mut manifests);
        }
    }
    hooks.sort_by_cached_key(|hook: &Hook| rank(&hook.kind));
    manifests.sort_by_cached_key(|manifest: &Manifest| rank(&manifest.kind));
    Ok((hooks, manifests))
}

impl Printed {
    fn collect(&self, path: &str, hooks: &mut Vec<Hook>, manifests: &mut Vec<Manifest>) {
        for Document { text, kind, role } in &self.documents {
            let (path, kind) = (path.to_owned(), kind.clone());
            let content = Excerpt::new(&self.text, text.clone());
            match role {
                Role::Skipped => {}
                Role::Manifest { api_version } => {
                    manifests.push(Manifest { path, content, kind, api_version: api_version.clone() });
                }
                Role::Hook(head) => hooks.push(Hook {
                    name: head.name.clone(),
                    kind,
                    path,
                    manifest: content.to_string(),
                    events: head.events.clone(),
                    weight: head.weight,
                    delete_policies: head.delete_policies.clone(),
                    output_log_policies: head.output_log_policies.clone(),
                }),
            }
        }
    }
}

/// Finds the documents of a file.
pub(crate) fn read(path: &str, text: &Arc<String>) -> Result<Printed, ManifestError> {
    let documents = cut(text).into_iter().enumerate().map(|(i, range)| {
        let (kind, role) = Head { path, document: i + 1 }.read(text.get(range.clone()).unwrap_or_default())?;
        Ok(Document { text: range, kind, role })
    });
    Ok(Printed { documents: documents.collect::<Result<_, _>>()?, text: Arc::clone(text) })
}

/// What is looked at of a document.
const HEAD: Keep = Keep::Keys(&[
    ("apiVersion", Keep::All),
    ("kind", Keep::All),
    ("metadata", Keep::Keys(&[("annotations", Keep::All), ("name", Keep::All)])),
]);

/// Where a field is looked for.
struct Head<'a> {
    path: &'a str,
    document: usize,
}

type Fields<'v> = Option<&'v serde_json::Map<String, Value>>;

impl Head<'_> {
    /// The document's kind, and what it is to a release.
    fn read(&self, document: &str) -> Result<(String, Role), ManifestError> {
        let value = Reader::new(Schema::V2).keep(HEAD).value(document).map_err(|source| ManifestError::Yaml {
            path: self.path.to_owned(),
            document: self.document,
            source,
        })?;
        let fields = self.table(&value, "the document")?;
        let kind = self.text(fields, "kind", "")?;
        let api_version = self.text(fields, "apiVersion", "")?;
        let metadata = match fields.and_then(|fields| fields.get("metadata")) {
            None => None,
            Some(metadata) => self.table(metadata, "metadata")?,
        };
        let name = self.text(metadata, "name", "metadata.")?;
        let annotations = match metadata.and_then(|metadata| metadata.get("annotations")) {
            None => None,
            Some(annotations) => self.table(annotations, "metadata.annotations")?,
        };
        let keys = annotations.into_iter().flat_map(|annotations| annotations.keys());
        let annotations: BTreeMap<&str, String> = keys
            .map(|key| Ok((key.as_str(), self.text(annotations, key, "metadata.annotations.")?)))
            .collect::<Result<_, ManifestError>>()?;
        let annotation = |key: &str| annotations.get(key).map(String::as_str);
        let Some(events) = annotation("helm.sh/hook") else { return Ok((kind, Role::Manifest { api_version })) };
        let words = |text: &str| text.split(',').map(|word| word.trim().to_lowercase()).collect::<Vec<_>>();
        let events: Option<Vec<HookEvent>> = words(events).iter().map(|word| HookEvent::parse(word)).collect();
        let Some(events) = events else { return Ok((kind, Role::Skipped)) };
        let head = HookHead {
            name,
            events,
            weight: annotation("helm.sh/hook-weight").and_then(|weight| weight.parse().ok()).unwrap_or(0),
            delete_policies: annotation("helm.sh/hook-delete-policy").map(words).unwrap_or_default(),
            output_log_policies: annotation("helm.sh/hook-output-log-policy").map(words).unwrap_or_default(),
        };
        Ok((kind, Role::Hook(head)))
    }

    fn error(&self, field: String, found: &Value, expected: &'static str) -> ManifestError {
        let found = crate::values::kind_of(found);
        ManifestError::Field { path: self.path.to_owned(), document: self.document, field, found, expected }
    }

    fn table<'v>(&self, value: &'v Value, field: &str) -> Result<Fields<'v>, ManifestError> {
        match value {
            Value::Null => Ok(None),
            Value::Object(fields) => Ok(Some(fields)),
            other => Err(self.error(field.to_owned(), other, "a mapping")),
        }
    }

    fn text(&self, fields: Fields<'_>, key: &str, prefix: &str) -> Result<String, ManifestError> {
        match fields.and_then(|fields| fields.get(key)) {
            None => Ok(String::new()),
            Some(value) => values::to_text(value).ok_or_else(|| self.error(format!("{prefix}{key}"), value, "text")),
        }
    }
}

/// Where a kind comes: by [`INSTALL_ORDER`], kinds that are not in it last and by name.
fn rank(kind: &str) -> (usize, String) {
    match INSTALL_ORDER.iter().position(|known| *known == kind) {
        Some(rank) => (rank, String::new()),
        None => (INSTALL_ORDER.len(), kind.to_owned()),
    }
}

/// Kinds in the order in which Helm installs them.
pub const INSTALL_ORDER: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Kinds in the order in which Helm uninstalls them; others come last.
pub const UNINSTALL_ORDER: &[&str] = &[
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    "CronJob",
    "Job",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "DaemonSet",
    "RoleBindingList",
    "RoleBinding",
    "RoleList",
    "Role",
    "ClusterRoleBindingList",
    "ClusterRoleBinding",
    "ClusterRoleList",
    "ClusterRole",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "SecretList",
    "Secret",
    "ServiceAccount",
    "PodDisruptionBudget",
    "PodSecurityPolicy",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
    "Namespace",
    "PriorityClass",
];
