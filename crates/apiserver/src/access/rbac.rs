//! Who may do what: the rules of the stored roles and bindings.
//!
//! # Source
//! `k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac` and `pkg/registry/rbac/validation`.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::access::user::{MASTERS, User};
use crate::store::{Derived, Store, Stored};

/// What somebody wants to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) verb: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// The path, when it is about no resource.
    pub(crate) path: Option<String>,
}

impl Attributes {
    /// `pods/status`.
    fn combined(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }
}

/// One rule of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) verbs: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) paths: Vec<String>,
}

impl Rule {
    pub(crate) fn read(value: &Value) -> Self {
        let texts = |key: &str| {
            let items = value.get(key).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            verbs: texts("verbs"),
            groups: texts("apiGroups"),
            resources: texts("resources"),
            names: texts("resourceNames"),
            paths: texts("nonResourceURLs"),
        }
    }

    pub(crate) fn allows(&self, asked: &Attributes) -> bool {
        if !has(&self.verbs, &asked.verb) {
            return false;
        }
        if let Some(path) = &asked.path {
            return self.paths.iter().any(|rule| path_matches(rule, path));
        }
        let combined = asked.combined();
        let is_below = |rule: &str| rule.strip_prefix("*/").is_some_and(|below| below == asked.subresource);
        has(&self.groups, &asked.group)
            && self
                .resources
                .iter()
                .any(|rule| rule == "*" || *rule == combined || (!asked.subresource.is_empty() && is_below(rule)))
            && (self.names.is_empty() || self.names.contains(&asked.name))
    }
}

fn has(rule: &[String], asked: &str) -> bool {
    rule.iter().any(|one| one == "*" || one == asked)
}

fn path_matches(rule: &str, path: &str) -> bool {
    rule == "*" || rule == path || rule.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
}

/// Whom a binding is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    User(String),
    Group(String),
    ServiceAccount { namespace: String, name: String },
}

impl Subject {
    pub(crate) fn read(value: &Value, binding_namespace: &str) -> Option<Self> {
        let name = value.get("name")?.as_str()?.to_owned();
        match value.get("kind")?.as_str()? {
            "User" => Some(Self::User(name)),
            "Group" => Some(Self::Group(name)),
            "ServiceAccount" => {
                let namespace = value.get("namespace").and_then(Value::as_str).unwrap_or(binding_namespace);
                Some(Self::ServiceAccount { namespace: namespace.to_owned(), name })
            }
            _ => None,
        }
    }

    /// Whether it is this user, or stands for everybody as flow schemas say it: `*`.
    pub(crate) fn covers(&self, user: &User) -> bool {
        match self {
            Self::User(name) | Self::Group(name) if name == "*" => true,
            Self::ServiceAccount { namespace, name } if name == "*" => {
                user.as_service_account().is_some_and(|(own, _)| own == namespace)
            }
            _ => self.is(user),
        }
    }

    fn is(&self, user: &User) -> bool {
        match self {
            Self::User(name) => *name == user.name,
            Self::Group(name) => user.is_in(name),
            Self::ServiceAccount { namespace, name } => {
                user.as_service_account() == Some((namespace.as_str(), name.as_str()))
            }
        }
    }
}

#[derive(Debug)]
struct Binding {
    /// Empty for the whole cluster.
    namespace: String,
    name: String,
    /// `ClusterRole "view"`.
    role: String,
    subjects: Vec<Subject>,
    rules: Arc<Vec<Rule>>,
}

impl Binding {
    fn kind(&self) -> &'static str {
        if self.namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" }
    }

    fn full_name(&self) -> String {
        if self.namespace.is_empty() { self.name.clone() } else { format!("{}/{}", self.name, self.namespace) }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(name) => write!(f, "User {name:?}"),
            Self::Group(name) => write!(f, "Group {name:?}"),
            Self::ServiceAccount { namespace, name } => write!(f, "ServiceAccount \"{name}/{namespace}\""),
        }
    }
}

/// The rules as they are at one moment.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    bindings: Vec<Binding>,
}

const SHELVES: [&str; 4] = [
    "clusterroles.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
];

impl Policy {
    fn read([cluster_roles, roles, cluster_bindings, bindings]: [Vec<(Arc<str>, Stored)>; 4]) -> Self {
        let rules = |object: &Map<String, Value>| {
            let rules = object.get("rules").and_then(Value::as_array).into_iter().flatten();
            Arc::new(rules.map(Rule::read).collect::<Vec<_>>())
        };
        let roles_by_key: std::collections::BTreeMap<Arc<str>, Arc<Vec<Rule>>> = cluster_roles
            .into_iter()
            .chain(roles)
            // Keys of namespaced roles hold a slash, which no name of a ClusterRole does.
            .map(|(key, stored)| (key, rules(&stored.parse())))
            .collect();
        let mut policy = Self { bindings: Vec::new() };
        for (key, stored) in cluster_bindings.into_iter().chain(bindings) {
            let object = stored.parse();
            let namespace = key.split_once('/').map_or("", |(namespace, _)| namespace);
            let text = |field: &str| object.get("roleRef").and_then(|r| r.get(field)).and_then(Value::as_str);
            let Some(name) = text("name") else { continue };
            let role = match text("kind") {
                Some("ClusterRole") => name.to_owned(),
                _ => format!("{namespace}/{name}"),
            };
            let Some(rules) = roles_by_key.get(role.as_str()) else { continue };
            let subjects = object.get("subjects").and_then(Value::as_array).into_iter().flatten();
            policy.bindings.push(Binding {
                namespace: namespace.to_owned(),
                name: key.rsplit('/').next().unwrap_or_default().to_owned(),
                role: format!("{} {name:?}", text("kind").unwrap_or_default()),
                subjects: subjects.filter_map(|subject| Subject::read(subject, namespace)).collect(),
                rules: rules.clone(),
            });
        }
        policy
    }

    /// All rules that hold for a user in a namespace; in the whole cluster when it is empty.
    pub(crate) fn rules<'a>(&'a self, user: &'a User, namespace: &'a str) -> impl Iterator<Item = &'a Rule> {
        self.bindings
            .iter()
            .filter(move |binding| binding.namespace.is_empty() || binding.namespace == namespace)
            .filter(|binding| binding.subjects.iter().any(|subject| subject.is(user)))
            .flat_map(|binding| binding.rules.iter())
    }

    pub(crate) fn allows(&self, user: &User, asked: &Attributes) -> bool {
        user.is_in(MASTERS) || self.rules(user, &asked.namespace).any(|rule| rule.allows(asked))
    }

    /// The binding and role by which something is allowed, as upstream says it.
    pub(crate) fn why(&self, user: &User, asked: &Attributes) -> Option<String> {
        let bindings = self.bindings.iter().filter(|b| b.namespace.is_empty() || b.namespace == asked.namespace);
        for binding in bindings.filter(|binding| binding.rules.iter().any(|rule| rule.allows(asked))) {
            let Some(subject) = binding.subjects.iter().find(|subject| subject.is(user)) else { continue };
            let (kind, name, role) = (binding.kind(), binding.full_name(), &binding.role);
            return Some(format!("RBAC: allowed by {kind} {name:?} of {role} to {subject}"));
        }
        None
    }

    /// Those of the rules that the user does not have: giving them away would be an escalation.
    pub(crate) fn missing(&self, user: &User, namespace: &str, wanted: &[Rule]) -> Vec<Rule> {
        if user.is_in(MASTERS) {
            return Vec::new();
        }
        let owned: Vec<&Rule> = self.rules(user, namespace).collect();
        wanted.iter().flat_map(split).filter(|wanted| !owned.iter().any(|rule| covers(rule, wanted))).collect()
    }
}

/// A rule as rules of one verb on one thing each.
fn split(rule: &Rule) -> Vec<Rule> {
    let mut parts = Vec::new();
    for verb in &rule.verbs {
        for path in &rule.paths {
            parts.push(Rule { verbs: vec![verb.clone()], paths: vec![path.clone()], ..Rule::default() });
        }
        for group in &rule.groups {
            for resource in &rule.resources {
                let one = Rule {
                    verbs: vec![verb.clone()],
                    groups: vec![group.clone()],
                    resources: vec![resource.clone()],
                    ..Rule::default()
                };
                if rule.names.is_empty() {
                    parts.push(one);
                } else {
                    parts.extend(rule.names.iter().map(|name| Rule { names: vec![name.clone()], ..one.clone() }));
                }
            }
        }
    }
    parts
}

/// Whether a rule allows all that a rule of one verb on one thing does.
fn covers(owner: &Rule, part: &Rule) -> bool {
    let verbs = part.verbs.iter().all(|verb| has(&owner.verbs, verb));
    let groups = part.groups.iter().all(|group| has(&owner.groups, group));
    let resources = part.resources.iter().all(|resource| {
        let below = resource.split_once('/').map(|(_, below)| below);
        owner
            .resources
            .iter()
            .any(|owned| owned == "*" || owned == resource || (below.is_some() && owned.strip_prefix("*/") == below))
    });
    let names =
        owner.names.is_empty() || (!part.names.is_empty() && part.names.iter().all(|n| owner.names.contains(n)));
    let paths = part.paths.iter().all(|path| owner.paths.iter().any(|owned| path_matches(owned, path)));
    verbs && groups && resources && names && paths
}

/// The policy of a store.
#[derive(Debug, Default)]
pub(crate) struct Rbac(Derived<Policy, 4>);

impl Rbac {
    pub(crate) fn policy(&self, store: &Store) -> Arc<Policy> {
        self.0.get(store, SHELVES, Policy::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(rule: &Value, asked: &str, allowed: bool) {
        // `verb group resource/subresource name`, or `verb /path`
        let words: Vec<&str> = asked.split(' ').collect();
        let asked = match words.as_slice() {
            [verb, path] => Attributes { verb: (*verb).into(), path: Some((*path).into()), ..Attributes::default() },
            [verb, group, resource, name] => {
                let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                Attributes {
                    verb: (*verb).into(),
                    group: group.trim_matches('-').into(),
                    resource: resource.into(),
                    subresource: subresource.into(),
                    name: name.trim_matches('-').into(),
                    ..Attributes::default()
                }
            }
            _ => unreachable!(),
        };
        assert_eq!(Rule::read(rule).allows(&asked), allowed, "{rule} {asked:?}");
    }

    #[test]
    fn rules_name_verbs_groups_resources_and_names() {
        let pods = json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["pods", "*/scale"] });
        check(&pods, "get - pods x", true);
        check(&pods, "list - pods -", false);
        check(&pods, "get apps pods x", false);
        check(&pods, "get - pods/status x", false);
        check(&pods, "get - deployments/scale x", true);
        let named = json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["x"] });
        check(&named, "get - pods x", true);
        check(&named, "get - pods y", false);
        check(&named, "list - pods -", false);
        let paths = json!({ "verbs": ["get"], "nonResourceURLs": ["/healthz/*", "/version"] });
        check(&paths, "get /healthz/etcd", true);
        check(&paths, "get /version", true);
        check(&paths, "get /versions", false);
    }

    #[test]
    fn a_rule_is_covered_by_one_that_allows_as_much() {
        let all = Rule::read(&json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }));
        let some = Rule::read(&json!({ "verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"] }));
        let one =
            Rule::read(&json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"] }));
        let covered = |owner: &Rule, wanted: &Rule| split(wanted).iter().all(|part| covers(owner, part));
        assert!(covered(&all, &some));
        assert!(covered(&some, &one));
        assert!(!covered(&one, &some));
        assert!(!covered(&some, &all));
    }
}
