//! ClusterRoles that are made of others: admin, edit and view grow with every role that is labelled for them.
//!
//! # Source
//! `k8s.io/kubernetes/pkg/controller/clusterroleaggregation`.

use object::selector::LabelSelector;
use serde_json::{Value, json};

use crate::api::{Api, Target};
use crate::controllers::report;
use crate::meta;

const MANAGER: &str = "clusterrole-aggregation-controller";

/// Looks at all roles that are made of others, until none changes: one may be made of another.
pub(super) fn look(api: &Api) {
    let Ok(resource) = api.row("rbac.authorization.k8s.io", "v1", "clusterroles") else { return };
    let roles: Vec<Value> = api.all(&resource, "").iter().map(|(_, stored)| resource.complete(stored)).collect();
    for role in roles.iter().filter(|role| role.get("aggregationRule").is_some_and(Value::is_object)) {
        let name = meta::text(role, "name");
        let mut rules: Vec<Value> = Vec::new();
        let selectors = role.pointer("/aggregationRule/clusterRoleSelectors").and_then(Value::as_array);
        for selector in selectors.into_iter().flatten().map(LabelSelector::of) {
            for other in roles.iter().filter(|other| meta::text(other, "name") != name && selector.selects(other)) {
                for rule in other.get("rules").and_then(Value::as_array).into_iter().flatten() {
                    if !rules.contains(rule) {
                        rules.push(rule.clone());
                    }
                }
            }
        }
        let rules = json!(rules);
        let same = role.get("rules").is_some_and(|old| *old == rules)
            || (role.get("rules").is_none_or(Value::is_null) && rules == json!([]));
        if !same {
            let target = Target::new(&resource, "", name);
            let config = json!({
                "apiVersion": resource.api_version(),
                "kind": resource.kind,
                "metadata": { "name": name },
                "rules": rules,
            });
            report("aggregate the ClusterRole", name, api.apply_own(&target, MANAGER, &config).map(drop));
        }
    }
}
