//! What is wrong with an object of a kind: the table of `rules.txt`, and what takes more than a row.

mod access;
mod admission;
mod containers;
mod network;
mod pods;
pub(super) mod stored;
mod workloads;

use std::collections::HashMap;
use std::sync::LazyLock;

use notation::field::{At, FieldErrors};
use notation::names;
use object::go_struct::Struct;
use serde_json::{Value, json};

use super::get::{self, Fields};
use super::metadata;
use crate::resource::{Resource, Write};

const TABLE: &str = include_str!("validate/rules.txt");

static RULES: LazyLock<HashMap<&str, Vec<Rule>>> = LazyLock::new(|| {
    let mut rules: HashMap<&str, Vec<Rule>> = HashMap::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let mut words = line.split(' ');
        let of_struct = rules.entry(words.next().unwrap_or_default()).or_default();
        of_struct.extend(words.filter_map(Rule::parse));
    }
    rules
});

/// What is wrong with an object of a built-in kind.
pub(super) fn built_in(
    resource: &Resource,
    struct_: Option<&'static Struct>,
    object: &Fields,
    old: Option<&Fields>,
    errors: &mut FieldErrors,
) {
    let Some(root) = struct_ else { return };
    // A StatefulSet's claims are volumes of its Pods.
    let claimed: Vec<&str> = match get::map(object, "spec") {
        Some(spec) if resource.kind == "StatefulSet" => get::structs(spec, "volumeClaimTemplates")
            .map(|(_, claim)| {
                get::map(claim, "metadata").map(|metadata| get::text(metadata, "name")).unwrap_or_default()
            })
            .collect(),
        _ => Vec::new(),
    };
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "ConfigMap") => stored::config_map(object, errors),
        ("", "Secret") => stored::secret(object, errors),
        ("", "PersistentVolume") => stored::volume(object, errors),
        ("", "Service") => network::service(object, errors),
        ("", "ReplicationController") => workloads::replication_controller(object, errors),
        ("apps", "Deployment" | "ReplicaSet") => workloads::deployment(object, &resource.kind, errors),
        ("apps", "StatefulSet") => workloads::stateful_set(object, errors),
        ("apps", "DaemonSet") => workloads::daemon_set(object, errors),
        ("batch", "Job") => workloads::job(object, errors),
        ("batch", "CronJob") => workloads::cron_job(object, errors),
        ("networking.k8s.io", "Ingress") => network::ingress(object, errors),
        ("networking.k8s.io", "NetworkPolicy") => network::policy(object, errors),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => access::role(object, &resource.kind, errors),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            access::binding(object, &resource.kind, errors);
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => admission::policy(object, errors),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding") => {
            admission::policy_binding(object, errors);
        }
        ("autoscaling", "HorizontalPodAutoscaler") => workloads::autoscaler(object, old, errors),
        ("policy", "PodDisruptionBudget") => workloads::disruption_budget(object, errors),
        ("scheduling.k8s.io", "PriorityClass") => access::priority_class(object, errors),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            errors.extend(crate::kinds::definitions::problems(object, old));
        }
        _ => {}
    }
    root.visit(object, &At::ROOT, &mut |struct_, fields, at| {
        for rule in RULES.get(struct_.name).into_iter().flatten() {
            rule.check(fields, at, errors);
        }
        match struct_.name {
            "PodSpec" => pods::spec(fields, &claimed, at, errors),
            "PodTemplateSpec" => pods::template(fields, at, errors),
            "Container" => containers::container(fields, at, errors),
            "Probe" | "LifecycleHandler" => containers::handler(fields, at, errors),
            "EnvVar" => containers::variable(fields, at, errors),
            "Toleration" => pods::toleration(fields, at, errors),
            "Volume" => pods::volume(fields, at, errors),
            "PersistentVolumeClaimSpec" => stored::claim(fields, at, errors),
            "HTTPIngressRuleValue" => network::paths(fields, at, errors),
            "HTTPIngressPath" => network::path(fields, at, errors),
            "ValidatingWebhook" | "MutatingWebhook" => admission::webhook(fields, at, errors),
            _ => {}
        }
    });
}

/// What is wrong with the status of an object of a built-in kind.
pub(super) fn status(resource: &Resource, object: &Fields, errors: &mut FieldErrors) {
    if resource.group == "apps" && matches!(resource.kind.as_str(), "Deployment" | "ReplicaSet" | "StatefulSet") {
        workloads::counts(object, errors);
    }
}

/// What is wrong with an object of a custom kind.
pub(super) fn custom(resource: &Resource, write: &Write<'_>, object: &Fields, errors: &mut FieldErrors) {
    let new = Value::Object(object.clone());
    errors.extend(resource.checks.validate(&resource.schemas, resource.schema, &new, write.old));
}

/// What a field must satisfy.
struct Rule {
    field: &'static str,
    checks: Vec<Check>,
}

enum Check {
    Required,
    AtLeast(i64),
    Port,
    Name { rule: fn(&str) -> Vec<String>, optional: bool },
    Percentage { most: Option<i64> },
    PortOrName,
    Labels,
    Selector,
    OneOf { values: Vec<&'static str>, optional: bool },
}

impl Rule {
    fn parse(text: &'static str) -> Option<Self> {
        let (field, checks) = text.split_once(':')?;
        Some(Self { field, checks: checks.split(',').map(Check::parse).collect() })
    }

    fn check(&self, fields: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
        let value = fields.get(self.field).unwrap_or(&Value::Null);
        let at = at.field(self.field);
        let is_zero =
            matches!(value, Value::Null) || value == "" || value == 0 || value.as_array().is_some_and(Vec::is_empty);
        for check in &self.checks {
            // What is missing is said once.
            if matches!(check, Check::Required) && is_zero {
                errors.required(&at, "");
                return;
            }
            check.check(value, &at, errors);
        }
    }
}

impl Check {
    fn parse(text: &'static str) -> Self {
        match text {
            "required" => Self::Required,
            "nonnegative" => Self::AtLeast(0),
            "positive" => Self::AtLeast(1),
            "port" => Self::Port,
            "dns_label" => Self::Name { rule: names::dns_label, optional: true },
            "dns_subdomain" => Self::Name { rule: names::dns_subdomain, optional: true },
            "dns_subdomain!" => Self::Name { rule: names::dns_subdomain, optional: false },
            "path_segment" => Self::Name { rule: names::path_segment, optional: true },
            "header" => Self::Name { rule: names::http_header, optional: true },
            "percentage" => Self::Percentage { most: None },
            "part" => Self::Percentage { most: Some(100) },
            "port_or_name" => Self::PortOrName,
            "labels" => Self::Labels,
            "selector" => Self::Selector,
            list => {
                let (values, optional) = list.strip_suffix('?').map_or((list, false), |values| (values, true));
                Self::OneOf { values: values.split('|').collect(), optional }
            }
        }
    }

    fn check(&self, value: &Value, at: &At<'_>, errors: &mut FieldErrors) {
        match (self, value) {
            (Self::AtLeast(0), Value::Number(number)) if number.as_i64().is_some_and(|number| number < 0) => {
                errors.invalid(at, value, "must be greater than or equal to 0");
            }
            (Self::AtLeast(1), Value::Number(number)) if number.as_i64().is_some_and(|number| number < 1) => {
                errors.invalid(at, value, "must be greater than 0");
            }
            (Self::Port | Self::PortOrName, Value::Number(number))
                if !number.as_i64().is_some_and(|number| (1..=65535).contains(&number)) =>
            {
                errors.invalid(at, value, "must be between 1 and 65535, inclusive");
            }
            (Self::PortOrName, Value::String(name)) => errors.invalid_each(at, name, names::port_name(name)),
            (Self::Name { rule, optional }, value) => {
                let name = value.as_str().unwrap_or_default();
                if !(name.is_empty() && *optional) {
                    errors.invalid_each(at, name, rule(name));
                }
            }
            (Self::Percentage { most }, value) => percentage(value, *most, at, errors),
            (Self::Labels, Value::Object(labels)) => metadata::labels(Some(labels), at, errors),
            (Self::Selector, Value::Object(selector)) => label_selector(selector, at, errors),
            (Self::OneOf { values, optional }, Value::String(text)) => {
                if text.is_empty() && !optional && !values.contains(&"") {
                    errors.required(at, "");
                } else if !(values.contains(&text.as_str()) || *optional && text.is_empty()) {
                    errors.unsupported(at, value, values.iter().copied());
                }
            }
            (Self::OneOf { optional: false, .. }, Value::Null) => errors.required(at, ""),
            _ => {}
        }
    }
}

/// The number of a percentage, or the number itself.
fn amount(value: &Value) -> i64 {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or_default(),
        Value::String(text) => text.strip_suffix('%').and_then(|digits| digits.parse().ok()).unwrap_or_default(),
        _ => 0,
    }
}

fn percentage(value: &Value, most: Option<i64>, at: &At<'_>, errors: &mut FieldErrors) {
    match value {
        Value::String(text) => errors.invalid_each(at, text, names::percent(text)),
        Value::Number(number) if number.as_i64().is_some_and(|number| number < 0) => {
            errors.invalid(at, value, "must be greater than or equal to 0");
        }
        _ => {}
    }
    if let (Some(most), Value::String(text)) = (most, value)
        && names::percent(text).is_empty()
        && amount(value) > most
    {
        errors.invalid(at, value, "must not be greater than 100%");
    }
}

/// What is wrong with a label selector.
fn label_selector(selector: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    metadata::labels(get::map(selector, "matchLabels"), &at.field("matchLabels"), errors);
    let list = at.field("matchExpressions");
    for (index, expression) in get::structs(selector, "matchExpressions") {
        let at = list.item(index);
        let values = get::items(expression, "values");
        match get::text(expression, "operator") {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(&at.field("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(
                    &at.field("values"),
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                );
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            operator => errors.invalid(&at.field("operator"), &json!(operator), "not a valid selector operator"),
        }
        let key = get::text(expression, "key");
        errors.invalid_each(&at.field("key"), key, names::qualified_name(key));
        for (index, value) in values.iter().enumerate().filter_map(|(index, value)| Some((index, value.as_str()?))) {
            errors.invalid_each(&at.field("values").item(index), value, names::label_value(value));
        }
    }
}

/// Whether a label selector selects labels; an empty one selects all.
fn selects(selector: &Fields, labels: Option<&Fields>) -> bool {
    let label = |key: &str| labels.and_then(|labels| labels.get(key));
    let equal = get::map(selector, "matchLabels").into_iter().flatten().all(|(key, value)| label(key) == Some(value));
    equal
        && get::structs(selector, "matchExpressions").all(|(_, expression)| {
            let found = label(get::text(expression, "key"));
            let is_listed = found.is_some_and(|value| get::items(expression, "values").contains(value));
            match get::text(expression, "operator") {
                "In" => is_listed,
                "NotIn" => !is_listed,
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => true,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_of_a_field_that_there_is() {
        for line in TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let name = line.split(' ').next().unwrap();
            let struct_ = object::go_struct::named(name).unwrap_or_else(|| panic!("no struct {name}"));
            for rule in line.split(' ').skip(1).filter_map(Rule::parse) {
                assert!(struct_.field(rule.field).is_some(), "{name} has no field {}", rule.field);
            }
        }
    }
}
