//! Containers: names, ports, variables, mounts, probes, resources.

use notation::field::{At, FieldErrors};
use notation::names;
use notation::quantity::Quantity;
use serde_json::{Value, json};

use super::super::get::{self, Fields};
use super::pods;

/// What is wrong with the containers of a Pod together.
pub(super) fn all(spec: &Fields, volumes: &[&str], at: &At<'_>, errors: &mut FieldErrors) {
    let mut known: Vec<&str> = Vec::new();
    let list = at.field("containers");
    if get::items(spec, "containers").is_empty() {
        errors.required(&list, "");
    }
    for (index, container) in get::structs(spec, "containers") {
        unique(container, &mut known, &list.item(index), errors);
        mounts(container, volumes, &list.item(index), errors);
    }
    host_ports(spec, "containers", &list, errors);
    let list = at.field("initContainers");
    for (index, container) in get::structs(spec, "initContainers") {
        let at = list.item(index);
        unique(container, &mut known, &at, errors);
        mounts(container, volumes, &at, errors);
        if get::text(container, "restartPolicy") != "Always" {
            for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if get::map(container, name).is_some() {
                    errors
                        .forbidden(&at.field(name), "may not be set for init containers without restartPolicy=Always");
                }
            }
        }
    }
}

fn unique<'o>(container: &'o Fields, known: &mut Vec<&'o str>, at: &At<'_>, errors: &mut FieldErrors) {
    let name = get::text(container, "name");
    if known.contains(&name) {
        errors.duplicate(&at.field("name"), &json!(name));
    } else {
        known.push(name);
    }
}

/// Two containers cannot have one port of the host.
fn host_ports(spec: &Fields, list: &str, at: &At<'_>, errors: &mut FieldErrors) {
    let mut taken: Vec<String> = Vec::new();
    for (index, container) in get::structs(spec, list) {
        let container_at = at.item(index);
        let ports_at = container_at.field("ports");
        for (index, port) in get::structs(container, "ports") {
            let number = get::integer(port, "hostPort").unwrap_or_default();
            if number == 0 {
                continue;
            }
            let key = format!("{}/{}/{number}", get::text(port, "protocol"), get::text(port, "hostIP"));
            if taken.contains(&key) {
                errors.duplicate(&ports_at.item(index).field("hostPort"), &json!(key));
            }
            taken.push(key);
        }
    }
}

fn mounts(container: &Fields, volumes: &[&str], at: &At<'_>, errors: &mut FieldErrors) {
    let list = at.field("volumeMounts");
    let mut paths: Vec<&str> = Vec::new();
    for (index, mount) in get::structs(container, "volumeMounts") {
        let at = list.item(index);
        let (name, path) = (get::text(mount, "name"), get::text(mount, "mountPath"));
        if !volumes.contains(&name) {
            errors.not_found(&at.field("name"), &json!(name));
        }
        if paths.contains(&path) {
            errors.invalid(&at.field("mountPath"), &json!(path), "must be unique");
        }
        paths.push(path);
        for name in ["subPath", "subPathExpr"] {
            descending(get::text(mount, name), &list.field(name), errors);
        }
    }
}

/// A path below something may not climb out of it.
fn descending(path: &str, at: &At<'_>, errors: &mut FieldErrors) {
    if path.starts_with('/') {
        errors.invalid(at, &json!(path), "must be a relative path");
    }
    if path.split('/').any(|step| step == "..") {
        errors.invalid(at, &json!(path), "must not contain '..'");
    }
}

/// What is wrong with one container.
pub(super) fn container(container: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let ports = at.field("ports");
    let mut known: Vec<&str> = Vec::new();
    for (index, port) in get::structs(container, "ports") {
        let at = ports.item(index);
        let name = get::text(port, "name");
        if !name.is_empty() {
            let problems = names::port_name(name);
            if problems.is_empty() && known.contains(&name) {
                errors.duplicate(&at.field("name"), &json!(name));
            }
            errors.invalid_each(&at.field("name"), name, problems);
            known.push(name);
        }
        if let Some(number) = get::integer(port, "hostPort").filter(|number| *number != 0)
            && !(1..=65535).contains(&number)
        {
            errors.invalid(&at.field("hostPort"), &json!(number), "must be between 1 and 65535, inclusive");
        }
    }
    resources(container, &at.field("resources"), errors);
    pods::identities(get::map(container, "securityContext"), &at.field("securityContext"), errors);
    for name in ["livenessProbe", "startupProbe"] {
        if let Some(threshold) =
            get::value(container, &[name, "successThreshold"]).filter(|number| **number != json!(1))
        {
            errors.invalid(&at.field(name).field("successThreshold"), threshold, "must be 1");
        }
    }
}

/// What is wrong with what a container asks for and may take.
fn resources(container: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let empty = Fields::new();
    let Some(resources) = get::map(container, "resources") else { return };
    let limits = get::map(resources, "limits").unwrap_or(&empty);
    let requests = get::map(resources, "requests").unwrap_or(&empty);
    for (kind, amounts) in [("limits", limits), ("requests", requests)] {
        let list = at.field(kind);
        for (name, amount) in amounts {
            let place = list.entry(name);
            if !name.contains('/') && !is_standard(name) {
                if names::qualified_name(name).is_empty() {
                    errors.invalid(&place, &json!(name), "must be a standard resource type or fully qualified");
                    errors.invalid(&place, &json!(name), "must be a standard resource for containers");
                } else {
                    errors.invalid_each(&place, name, names::qualified_name(name));
                }
            }
            let text = amount.as_str().unwrap_or_default();
            if text.parse::<Quantity>().is_ok_and(|quantity| quantity.sign() < 0) {
                errors.invalid(&place, &json!(text), "must be greater than or equal to 0");
            }
        }
    }
    for (name, request) in requests {
        let quantity = |value: &Value| value.as_str().and_then(|text| text.parse::<Quantity>().ok());
        let Some((asked, most)) = quantity(request).zip(limits.get(name).and_then(quantity)) else { continue };
        let is_exact = name.contains('/') || name.starts_with("hugepages-");
        if is_exact && asked != most {
            let detail = format!("must be equal to {name} limit of {most}");
            errors.invalid(&at.field("requests"), request, &detail);
        } else if asked > most {
            let detail = format!("must be less than or equal to {name} limit of {most}");
            errors.invalid(&at.field("requests"), request, &detail);
        }
    }
}

fn is_standard(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-")
}

/// A probe, or a hook, does one thing.
pub(super) fn handler(probe: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let given =
        ["exec", "httpGet", "tcpSocket", "grpc", "sleep"].into_iter().filter(|name| get::map(probe, name).is_some());
    let given: Vec<&str> = given.collect();
    if given.is_empty() {
        errors.required(at, "must specify a handler type");
    }
    for more in given.iter().skip(1) {
        errors.forbidden(&at.field(more), "may not specify more than 1 handler type");
    }
    if let Some(seconds) = get::integer(probe, "terminationGracePeriodSeconds").filter(|seconds| *seconds <= 0) {
        errors.invalid(&at.field("terminationGracePeriodSeconds"), &json!(seconds), "must be greater than 0");
    }
}

/// What is wrong with a variable.
pub(super) fn variable(variable: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let name = get::text(variable, "name");
    if !name.is_empty() {
        errors.invalid_each(&at.field("name"), name, names::environment_variable(name));
    }
    let Some(from) = get::map(variable, "valueFrom") else { return };
    let place = at.field("valueFrom");
    let sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
    let given = sources.iter().filter(|name| get::map(from, name).is_some()).count();
    let problem = match given {
        0 => "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        _ if !get::text(variable, "value").is_empty() => "may not be specified when `value` is not empty",
        1 => return,
        _ => "may not have more than one field specified at a time",
    };
    errors.invalid(&place, &json!(""), problem);
}
