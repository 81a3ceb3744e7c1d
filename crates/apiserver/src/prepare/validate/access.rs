//! Who may do what: roles and bindings; and whose Pods come first.

use notation::field::{At, FieldErrors};
use notation::names;
use serde_json::{Value, json};

use super::super::get::{self, Fields};

const GROUP: &str = "rbac.authorization.k8s.io";

/// What is wrong with a Role or ClusterRole.
pub(super) fn role(object: &Fields, kind: &str, errors: &mut FieldErrors) {
    let list = At::ROOT.field("rules");
    for (index, rule) in get::structs(object, "rules") {
        let at = list.item(index);
        let is_empty = |name: &str| get::items(rule, name).is_empty();
        if is_empty("verbs") {
            errors.required(&at.field("verbs"), "verbs must contain at least one value");
        }
        if !is_empty("nonResourceURLs") {
            let urls = rule.get("nonResourceURLs").unwrap_or(&Value::Null);
            let place = at.field("nonResourceURLs");
            if kind == "Role" {
                errors.invalid(&place, urls, "namespaced rules cannot apply to non-resource URLs");
            }
            if !(is_empty("apiGroups") && is_empty("resources") && is_empty("resourceNames")) {
                errors.invalid(&place, urls, "rules cannot apply to both regular resources and non-resource URLs");
            }
            continue;
        }
        if is_empty("apiGroups") {
            errors.required(&at.field("apiGroups"), "resource rules must supply at least one api group");
        }
        if is_empty("resources") {
            errors.required(&at.field("resources"), "resource rules must supply at least one resource");
        }
    }
    if let Some(aggregation) = get::map(object, "aggregationRule")
        && get::items(aggregation, "clusterRoleSelectors").is_empty()
    {
        let place = At::ROOT.field("aggregationRule");
        let detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        errors.required(&place.field("clusterRoleSelectors"), detail);
    }
}

/// What is wrong with a RoleBinding or ClusterRoleBinding.
pub(super) fn binding(object: &Fields, kind: &str, errors: &mut FieldErrors) {
    let empty = Fields::new();
    let reference = get::map(object, "roleRef").unwrap_or(&empty);
    let roles: &[&str] = if kind == "RoleBinding" { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    let role = get::text(reference, "kind");
    if !roles.contains(&role) {
        errors.unsupported(&At::ROOT.field("roleRef").field("kind"), &json!(role), roles.iter().copied());
    }
    let list = At::ROOT.field("subjects");
    for (index, subject) in get::structs(object, "subjects") {
        let at = list.item(index);
        let (name, group) = (get::text(subject, "name"), get::text(subject, "apiGroup"));
        if name.is_empty() {
            errors.required(&at.field("name"), "");
        }
        match get::text(subject, "kind") {
            "ServiceAccount" => {
                if !name.is_empty() {
                    errors.invalid_each(&at.field("name"), name, names::dns_subdomain(name));
                }
                if !group.is_empty() {
                    errors.unsupported(&at.field("apiGroup"), &json!(group), [""]);
                }
                if kind == "ClusterRoleBinding" && get::text(subject, "namespace").is_empty() {
                    errors.required(&at.field("namespace"), "");
                }
            }
            "User" | "Group" => {
                if group != GROUP {
                    errors.unsupported(&at.field("apiGroup"), &json!(group), [GROUP]);
                }
            }
            other => errors.unsupported(&at.field("kind"), &json!(other), ["ServiceAccount", "User", "Group"]),
        }
    }
}

/// What is wrong with a PriorityClass.
pub(super) fn priority_class(object: &Fields, errors: &mut FieldErrors) {
    const HIGHEST: i64 = 1_000_000_000;
    let name = get::value(object, &["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
    if !name.starts_with("system-") && get::integer(object, "value").unwrap_or_default() > HIGHEST {
        let detail = format!("maximum allowed value of a user defined priority is {HIGHEST}");
        errors.forbidden(&At::ROOT.field("value"), &detail);
    }
}
