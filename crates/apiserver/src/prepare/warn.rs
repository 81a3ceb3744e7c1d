//! What is accepted and probably not meant: warnings, in upstream's words.
//!
//! # Source
//! `pkg/api/pod/warnings.go` and its like of Kubernetes v1.35; proven against the real kube-apiserver by the script of
//! `dev/testbed/differential`.

use std::collections::HashSet;

use notation::quantity::Quantity;
use serde_json::Value;

use super::admission::{INGRESS_CLASS, STORAGE_CLASS};
use super::app_armor;
use super::get::{self, Fields};
use crate::resource::{Resource, Warnings};

/// Labels of nodes that have newer names: the old one, since when, the new one.
const LABELS: [(&str, &str, &str); 5] = [
    ("beta.kubernetes.io/arch", "v1.14", "kubernetes.io/arch"),
    ("beta.kubernetes.io/instance-type", "v1.17", "node.kubernetes.io/instance-type"),
    ("beta.kubernetes.io/os", "v1.14", "kubernetes.io/os"),
    ("failure-domain.beta.kubernetes.io/region", "v1.17", "topology.kubernetes.io/region"),
    ("failure-domain.beta.kubernetes.io/zone", "v1.17", "topology.kubernetes.io/zone"),
];

/// Volumes that are going or gone: the field, what it is called, what became of it.
const VOLUMES: [(&str, &str, &str); 8] = [
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
];

const CRITICAL: &str = "scheduler.alpha.kubernetes.io/critical-pod";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const FRACTION: &str = "is invalid, must be an integer";

/// What is to be said of an object that was written; of one that was there only what its writer changed.
pub(super) fn of(resource: &Resource, object: &Fields, old: Option<&Fields>) -> Warnings {
    let mut warnings = Warnings::new();
    let generation = |object: &Fields| get::value(object, &["metadata", "generation"]).cloned();
    let is_news = old.is_none_or(|old| generation(old) != generation(object));
    let pod = |path: &'static [&str]| get::at(object, path).map(|pod| (pod, path));
    let pod = match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Pod") if old.is_none() => Some((object, [].as_slice())),
        ("", "PodTemplate") => pod(&["template"]),
        ("", "ReplicationController")
        | ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch", "Job")
            if is_news =>
        {
            pod(&["spec", "template"])
        }
        ("batch", "CronJob") if is_news => pod(&["spec", "jobTemplate", "spec", "template"]),
        ("", "PersistentVolumeClaim") => return claim(object),
        ("", "Service") => return service(object),
        ("networking.k8s.io", "Ingress") if old.is_none() => return ingress(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => return definition(object, old),
        _ => None,
    };
    if let Some((pod, path)) = pod {
        let at = [path, &[""]].concat().join(".");
        template(pod, &at, &mut warnings);
    }
    warnings
}

fn has_annotation(object: &Fields, name: &str) -> bool {
    get::value(object, &["metadata", "annotations", name]).is_some()
}

fn claim(claim: &Fields) -> Warnings {
    let mut warnings = Warnings::new();
    if has_annotation(claim, STORAGE_CLASS) {
        warnings.push(format!(
            "metadata.annotations[{STORAGE_CLASS}]: deprecated since v1.8; use \"storageClassName\" attribute instead"
        ));
    }
    for list in ["limits", "requests"] {
        if let Some(resources) = get::at(claim, &["spec", "resources", list]) {
            fractions(resources, &["storage"], &format!("spec.resources.{list}"), &mut warnings);
        }
    }
    warnings
}

fn service(service: &Fields) -> Warnings {
    let text = |name: &str| get::at(service, &["spec"]).map(|spec| get::text(spec, name)).unwrap_or_default();
    if text("clusterIP") == "None" && text("sessionAffinity") == "ClientIP" {
        vec!["spec.SessionAffinity is ignored for headless services".to_owned()]
    } else {
        Vec::new()
    }
}

fn ingress(ingress: &Fields) -> Warnings {
    if has_annotation(ingress, INGRESS_CLASS) {
        vec![format!("annotation \"{INGRESS_CLASS}\" is deprecated, please use 'spec.ingressClassName' instead")]
    } else {
        Vec::new()
    }
}

/// Of a definition: formats of texts that are not checked because nobody knows them.
fn definition(definition: &Fields, old: Option<&Fields>) -> Warnings {
    let unknown = |definition: &Fields| {
        let mut formats = Vec::new();
        let spec = get::map(definition, "spec");
        for (_, version) in spec.into_iter().flat_map(|spec| get::structs(spec, "versions")) {
            if let Some(schema) = version.get("schema").and_then(|schema| schema.get("openAPIV3Schema")) {
                unknown_formats(schema, &mut formats);
            }
        }
        formats
    };
    let known: HashSet<String> = old.map(unknown).unwrap_or_default().into_iter().collect();
    let mut seen = HashSet::new();
    let news = unknown(definition).into_iter().filter(|format| !known.contains(format) && seen.insert(format.clone()));
    news.map(|format| format!("unrecognized format {format:?}")).collect()
}

fn unknown_formats(schema: &Value, found: &mut Vec<String>) {
    let Value::Object(parts) = schema else { return };
    let format = get::text(parts, "format");
    if !format.is_empty() && get::text(parts, "type") == "string" && !schema::is_known_format(format) {
        found.push(format.to_owned());
    }
    for (key, part) in parts {
        match (key.as_str(), part) {
            ("properties" | "patternProperties" | "definitions", Value::Object(schemas)) => {
                for schema in schemas.values() {
                    unknown_formats(schema, found);
                }
            }
            ("allOf" | "anyOf" | "oneOf" | "items", Value::Array(schemas)) => {
                for schema in schemas {
                    unknown_formats(schema, found);
                }
            }
            ("items" | "additionalProperties" | "not", schema) => unknown_formats(schema, found),
            _ => {}
        }
    }
}

/// Of a Pod or a template of Pods, whose path ends in a dot or is empty.
fn template(pod: &Fields, at: &str, warnings: &mut Warnings) {
    let empty = Fields::new();
    let spec = get::map(pod, "spec").unwrap_or(&empty);
    let selector = get::map(spec, "nodeSelector").unwrap_or(&empty);
    for (old, since, new) in LABELS.iter().filter(|(old, ..)| selector.contains_key(*old)) {
        warnings.push(format!("{at}spec.nodeSelector[{old}]: deprecated since {since}; use \"{new}\" instead"));
    }
    if has_annotation(pod, CRITICAL) {
        warnings.push(format!(
            "{at}metadata.annotations[{CRITICAL}]: non-functional in v1.16+; use the \"priorityClassName\" field instead"
        ));
    }
    for (index, volume) in get::structs(spec, "volumes") {
        if let Some((_, name, fate)) = VOLUMES.iter().find(|(field, ..)| volume.contains_key(*field)) {
            warnings.push(format!("{at}spec.volumes[{index}].{name}: {fate}"));
        }
    }
    repeated(spec, ("hostAliases", "ip"), at, warnings);
    repeated(spec, ("imagePullSecrets", "name"), at, warnings);
    for (index, _) in get::structs(spec, "imagePullSecrets").filter(|(_, one)| get::text(one, "name").is_empty()) {
        warnings.push(format!("{at}spec.imagePullSecrets[{index}].name: invalid empty name \"\""));
    }
    seccomp(pod, spec, SECCOMP_POD, at, warnings);
    let mut ports: Vec<(String, String)> = Vec::new();
    for list in ["initContainers", "containers"] {
        for (index, one) in get::structs(spec, list) {
            seccomp(pod, one, &format!("{SECCOMP_CONTAINER}{}", get::text(one, "name")), at, warnings);
            if let Some(name) = app_armor::outdated(pod, one) {
                warnings.push(format!(
                    "{at}metadata.annotations[{name}]: deprecated since v1.30; use the \"appArmorProfile\" field instead"
                ));
            }
            container(one, &format!("{at}spec.{list}[{index}]"), warnings);
            if list == "containers" {
                same_ports(one, &format!("{at}spec.{list}[{index}]"), &mut ports, warnings);
            }
        }
    }
}

/// Of an annotation that does nothing any more, where the Pod's or the container's own field does not say it.
fn seccomp(pod: &Fields, fields: &Fields, name: &str, at: &str, warnings: &mut Warnings) {
    if has_annotation(pod, name) && get::value(fields, &["securityContext", "seccompProfile"]).is_none() {
        warnings.push(format!(
            "{at}metadata.annotations[{name}]: non-functional in v1.27+; use the \"seccompProfile\" field instead"
        ));
    }
}

/// Members of a list that have the same of something.
fn repeated(spec: &Fields, (list, key): (&str, &str), at: &str, warnings: &mut Warnings) {
    let mut seen = HashSet::new();
    for (index, one) in get::structs(spec, list) {
        let value = get::text(one, key);
        if !value.is_empty() && !seen.insert(value) {
            warnings.push(format!("{at}spec.{list}[{index}].{key}: duplicate {key} {value:?}"));
        }
    }
}

fn container(container: &Fields, at: &str, warnings: &mut Warnings) {
    for list in ["limits", "requests"] {
        if let Some(resources) = get::at(container, &["resources", list]) {
            fractions(resources, &["memory", "ephemeral-storage"], &format!("{at}.resources.{list}"), warnings);
        }
    }
    let mut seen = HashSet::new();
    for (index, variable) in get::structs(container, "env") {
        let name = get::text(variable, "name");
        if !seen.insert(name) {
            warnings.push(format!(
                "{at}.env[{index}]: hides previous definition of {name:?}, which may be dropped when using apply"
            ));
        }
    }
}

/// Amounts of bytes that are no whole number.
fn fractions(resources: &Fields, names: &[&str], at: &str, warnings: &mut Warnings) {
    for name in names {
        let text = get::text(resources, name);
        if text.parse::<Quantity>().is_ok_and(|amount| amount.as_whole().is_none()) {
            warnings.push(format!("{at}[{name}]: fractional byte value {text:?} {FRACTION}"));
        }
    }
}

/// Ports of containers that are the same port; `seen` are the ports so far and where they are.
fn same_ports(container: &Fields, at: &str, seen: &mut Vec<(String, String)>, warnings: &mut Warnings) {
    for (index, port) in get::structs(container, "ports") {
        let text = |name: &str| port.get(name).map(Value::to_string).unwrap_or_default();
        let key = [text("containerPort"), text("protocol"), text("hostIP"), text("hostPort")].join("/");
        let place = format!("{at}.ports[{index}]");
        for (_, other) in seen.iter().filter(|(other, _)| *other == key) {
            warnings.push(format!("{place}: duplicate port definition with {other}"));
        }
        seen.push((key, place));
    }
}
