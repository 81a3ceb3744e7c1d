//! Nobody gives away more than they have: roles and bindings are written within one's own rights.
//!
//! # Source
//! `k8s.io/kubernetes/pkg/registry/rbac/{role,rolebinding}/policybased`.

use serde_json::Value;

use crate::access::rbac::{Attributes, Rule};
use crate::access::user::{MASTERS, User};
use crate::api::Api;
use crate::failure::{About, Failure};
use crate::resource::Resource;

const GROUP: &str = "rbac.authorization.k8s.io";

impl Api {
    /// Refuses a role or binding that would give away what its author does not have.
    ///
    /// # Errors
    /// 403 with the rules that are missing.
    pub(crate) fn check_escalation(
        &self,
        user: &User,
        resource: &Resource,
        namespace: &str,
        old: Option<&Value>,
        new: &Value,
    ) -> Result<(), Failure> {
        if resource.group != GROUP || user.is_in(MASTERS) {
            return Ok(());
        }
        let name = new.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let unchanged = |field: &str| old.is_some_and(|old| old.get(field) == new.get(field));
        let policy = self.rbac.policy(&self.store);
        let may = |verb: &str, plural: &str, namespace: &str, name: &str| {
            let asked = Attributes {
                verb: verb.to_owned(),
                group: GROUP.to_owned(),
                version: "v1".to_owned(),
                resource: plural.to_owned(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                ..Attributes::default()
            };
            policy.allows(user, &asked)
        };
        let wanted = match resource.kind.as_str() {
            "Role" | "ClusterRole" => {
                let same = unchanged("rules") && unchanged("aggregationRule");
                if same || may("escalate", &resource.plural, namespace, name) {
                    return Ok(());
                }
                if new.get("aggregationRule").is_some_and(|rule| !rule.is_null()) {
                    // Whatever may be collected later.
                    let all = serde_json::json!([
                        { "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] },
                        { "verbs": ["*"], "nonResourceURLs": ["*"] },
                    ]);
                    rules(Some(&all))
                } else {
                    rules(new.get("rules"))
                }
            }
            "RoleBinding" | "ClusterRoleBinding" => {
                let reference = |field: &str| new.pointer(&format!("/roleRef/{field}")).and_then(Value::as_str);
                let (Some(kind), Some(role)) = (reference("kind"), reference("name")) else { return Ok(()) };
                let (plural, key) = if kind == "ClusterRole" {
                    ("clusterroles", role.to_owned())
                } else {
                    ("roles", format!("{namespace}/{role}"))
                };
                if (unchanged("roleRef") && unchanged("subjects")) || may("bind", plural, namespace, role) {
                    return Ok(());
                }
                let stored = self.store.get(&format!("{plural}.{GROUP}"), &key);
                let about = About { group: GROUP, plural, name: role };
                rules(stored.ok_or_else(|| Failure::not_found(about))?.parse().get("rules"))
            }
            _ => return Ok(()),
        };
        let missing = policy.missing(user, namespace, &wanted);
        if missing.is_empty() {
            return Ok(());
        }
        let groups = user.groups.iter().map(|group| format!("{group:?}")).collect::<Vec<_>>().join(" ");
        let texts = describe(&missing);
        let why = format!(
            "user {:?} (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n{}",
            user.name,
            texts.join("\n")
        );
        Err(Failure::forbidden(About::new(resource, name), &why))
    }
}

fn rules(value: Option<&Value>) -> Vec<Rule> {
    value.and_then(Value::as_array).into_iter().flatten().map(Rule::read).collect()
}

/// Rules of one verb each as upstream prints them: the verbs of one resource together.
fn describe(rules: &[Rule]) -> Vec<String> {
    let mut merged: Vec<Rule> = Vec::new();
    for rule in rules {
        let same = |other: &&mut Rule| {
            (&other.groups, &other.resources, &other.names, &other.paths)
                == (&rule.groups, &rule.resources, &rule.names, &rule.paths)
        };
        match merged.iter_mut().find(same) {
            Some(other) => other.verbs.extend(rule.verbs.iter().cloned()),
            None => merged.push(rule.clone()),
        }
    }
    let mut texts: Vec<String> = merged.iter().map(describe_one).collect();
    texts.sort();
    texts
}

fn describe_one(rule: &Rule) -> String {
    let parts = [
        ("APIGroups", &rule.groups),
        ("Resources", &rule.resources),
        ("ResourceNames", &rule.names),
        ("NonResourceURLs", &rule.paths),
        ("Verbs", &rule.verbs),
    ];
    let quoted = |items: &[String]| items.iter().map(|item| format!("{item:?}")).collect::<Vec<_>>().join(" ");
    let parts = parts.iter().filter(|(_, items)| !items.is_empty());
    let parts: Vec<String> = parts.map(|(name, items)| format!("{name}:[{}]", quoted(items))).collect();
    format!("{{{}}}", parts.join(", "))
}
