//! What is served, as data: one [`Resource`] per group, version and plural, and the write that is prepared for one.
//!
//! The way of a write: decode, patch or merge, [`prepare`](Write), managed fields, admission, store. Everything that
//! depends on the kind is in `prepare`, which is pure: it gets the values that it cannot know from [`Write`].

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
pub use notation::field::FieldError;
use schema::{Checks, Id, Schemas};
use serde_json::Value;

/// One served resource of one version.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The API group, empty for the core.
    pub group: String,
    /// The version that is served under this row.
    pub version: String,
    /// `Deployment`.
    pub kind: String,
    /// `DeploymentList`.
    pub list_kind: String,
    /// `deployments`, as it stands in paths.
    pub plural: String,
    /// `deployment`.
    pub singular: String,
    /// What people type: `deploy`.
    pub short_names: Vec<String>,
    /// Groups of resources that people ask for: `all`.
    pub categories: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What may be done with it, in the order of discovery (sorted).
    pub verbs: Vec<String>,
    /// What is served below an object's own path, sorted by name.
    pub subresources: Vec<Subresource>,
    /// The fields that field selectors may name besides `metadata.name` and `metadata.namespace`.
    pub selectable_fields: Vec<String>,
    /// The columns of its tables, the name among them: an Event's comes last.
    pub columns: Vec<Column>,
    /// The name of its definition in the OpenAPI documents: `io.k8s.api.apps.v1.Deployment`.
    pub definition: String,
    /// The types of its fields: those of all built-in kinds in one arena, each custom kind's in one of its own.
    pub schemas: Arc<Schemas>,
    /// Its own type among them.
    pub schema: Id,
    /// What a custom kind's schema demands of values besides their types, made ready; nothing for built-in kinds.
    pub checks: Arc<Checks>,
    /// The version that objects are stored in, when several are served.
    pub storage_version: String,
    /// Whether it comes from a CustomResourceDefinition.
    pub custom: bool,
    /// What whoever still uses it is told.
    pub deprecation: Option<String>,
}

/// What is served below an object's own path.
#[derive(Clone, Debug, PartialEq)]
pub struct Subresource {
    /// `status`, `scale`, `token`, …
    pub name: String,
    /// The kind that is read and written there, when it is not the resource's own: group, version and kind.
    pub kind: Option<(String, String, String)>,
    /// What may be done with it, in the order of discovery.
    pub verbs: Vec<String>,
    /// For `scale`: where the object keeps the numbers.
    pub scale: Option<Scale>,
}

/// Where an object keeps what its Scale shows, as paths like `.spec.replicas`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The replicas that are wanted.
    pub spec_replicas: String,
    /// The replicas that there are.
    pub status_replicas: String,
    /// The selector: a text, or a label selector object; none when the kind has none.
    pub selector: Option<String>,
}

/// One column of the table that `kubectl get` prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    pub type_: String,
    /// A hint to clients: `name`, `password`, or empty.
    pub format: String,
    /// What the column means.
    pub description: String,
    /// 0 is always shown; what is higher only with `-o wide`.
    pub priority: i32,
    /// Where the value is.
    pub cell: Cell,
}

/// Where the value of a column comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A path into the object, in the JSONPath of CustomResourceDefinitions: `.status.phase`.
    Path(String),
    /// One of those that only code can tell, by a name that the tables of built-in kinds know: `ready` of Deployments.
    Computed(&'static str),
}

/// The registry behind discovery and routing. A value: a change makes a new one.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    rows: BTreeMap<Key, Arc<Resource>>,
}

/// Group, plural, version.
type Key = (String, String, String);

impl Resources {
    /// A registry of these.
    pub fn new(rows: impl IntoIterator<Item = Resource>) -> Self {
        let mut resources = Self::default();
        resources.extend(rows);
        resources
    }

    /// Adds rows, in place of those with the same group, version and plural.
    pub fn extend(&mut self, rows: impl IntoIterator<Item = Resource>) {
        self.rows.extend(rows.into_iter().map(|row| (key(&row.group, &row.plural, &row.version), Arc::new(row))));
    }

    /// Removes all versions of a resource.
    pub fn remove(&mut self, group: &str, plural: &str) {
        self.rows.retain(|(g, p, _), _| (g.as_str(), p.as_str()) != (group, plural));
    }

    /// The row that a path names.
    pub fn get(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.rows.get(&key(group, plural, version))
    }

    /// The row that serves objects of a kind.
    pub fn of_kind(&self, group: &str, version: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.rows.values().find(|row| row.group == group && row.version == version && row.kind == kind)
    }

    /// All rows, by group, plural and version.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.rows.values()
    }
}

fn key(group: &str, plural: &str, version: &str) -> Key {
    (group.to_owned(), plural.to_owned(), version.to_owned())
}

impl Resource {
    /// `apps/v1`, or `v1` in the core.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`, as messages name it.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// What is served under this name below an object.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|one| one.name == name)
    }
}

/// How an object comes to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is new: by POST, or by an apply or update of what is not there.
    Create,
    /// The whole object is replaced.
    Update,
    /// The object is what a patch made of the old one.
    Patch,
    /// The object is what server-side apply made of the old one.
    Apply,
}

/// What becomes of fields that the schema does not know, or that are there twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    /// They are dropped.
    Ignore,
    /// They are dropped, and a warning names each.
    #[default]
    Warn,
    /// They are an error.
    Strict,
}

/// What preparing a write knows besides the new object.
pub struct Write<'a> {
    /// How it comes to be written.
    pub operation: Operation,
    /// `status` or `scale`; none for the object itself.
    pub subresource: Option<&'a str>,
    /// The object as it is stored, in the version of the resource; none when it is new.
    pub old: Option<&'a Value>,
    /// What becomes of unknown fields.
    pub field_validation: FieldValidation,
    /// The time of the write.
    pub now: Timestamp,
    /// What the server hands out.
    pub allocate: &'a mut dyn Allocate,
    /// What completes a new object.
    pub around: Surroundings,
    /// Set by preparing: the object with its defaults, before the server had its say. Fields are managed by who set them.
    pub defaulted: Option<Value>,
}

/// The objects that a new one is completed after; none for kinds that admission leaves as they are.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Of its namespace.
    pub limit_ranges: Vec<Value>,
    /// The PriorityClasses of Pods, StorageClasses of claims, IngressClasses of Ingresses.
    pub classes: Vec<Value>,
}

/// What a server hands out to objects, each once.
pub trait Allocate {
    /// A cluster IP that no Service has, IPv4.
    fn cluster_ip(&mut self) -> String;
    /// Takes the cluster IP that a Service asks for; false when another has it.
    fn take_cluster_ip(&mut self, ip: &str) -> bool;
    /// A node port that no Service has.
    fn node_port(&mut self) -> u16;
    /// Takes the node port that a Service asks for; false when another has it.
    fn take_node_port(&mut self, port: u16) -> bool;
    /// A random text of this many of the letters that generated names end in.
    fn suffix(&mut self, length: usize) -> String;
    /// A new UUID.
    fn uid(&mut self) -> String;
}

/// What goes back in `Warning` headers, one each.
pub type Warnings = Vec<String>;

/// A write that the rules of the kind refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Unknown or repeated fields under [`FieldValidation::Strict`], or a value of the wrong type: what the decoder said, whole
    /// texts that are joined by commas.
    Decode(Vec<String>),
    /// Why admission cannot complete the object; and what the decoder had said before.
    Forbidden(String, Warnings),
    /// What the kind's rules say of the fields: `Invalid` with one cause each; and what the decoder had said before.
    Invalid(Vec<FieldError>, Warnings),
}

/// Sorts versions as upstream does: stable, then beta, then alpha, each from new to old; what is none of these last.
pub(crate) type Preference = (u8, std::cmp::Reverse<u64>, std::cmp::Reverse<u64>, String);

pub(crate) fn preference(version: &str) -> Preference {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let major: u64 = rest[..digits].parse().ok()?;
        let (stage, minor) = match &rest[digits..] {
            "" => (0, 0),
            rest if rest.starts_with("beta") => (1, number(&rest[4..])?),
            rest if rest.starts_with("alpha") => (2, number(&rest[5..])?),
            _ => return None,
        };
        Some((stage, std::cmp::Reverse(major), std::cmp::Reverse(minor), String::new()))
    };
    parse().unwrap_or((3, std::cmp::Reverse(0), std::cmp::Reverse(0), version.to_owned()))
}

fn number(text: &str) -> Option<u64> {
    if text.is_empty() { Some(0) } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_go_from_stable_and_new_to_alpha_and_old() {
        let mut versions = ["v1", "foo", "v2beta1", "v10", "v1alpha2", "v2", "v1beta3", "bar", "v12alpha1"];
        versions.sort_by_key(|version| preference(version));
        assert_eq!(versions, ["v10", "v2", "v1", "v2beta1", "v1beta3", "v12alpha1", "v1alpha2", "bar", "foo"]);
    }
}
