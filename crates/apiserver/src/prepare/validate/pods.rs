//! Pods and their templates: volumes, names, what schedules them.

use notation::field::{At, FieldErrors};
use notation::names;
use serde_json::{Value, json};

use super::super::get::{self, Fields};
use super::super::metadata;
use super::containers;

/// Sources of a volume, as a volume names them, in the order in which upstream counts them.
const SOURCES: &[&str] = &[
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

/// What is wrong with a Pod's specification as a whole.
pub(super) fn spec(spec: &Fields, claimed: &[&str], at: &At<'_>, errors: &mut FieldErrors) {
    let mut volumes = unique_volumes(spec, at, errors);
    volumes.extend(claimed);
    containers::all(spec, &volumes, at, errors);
    if let Some(deadline) = spec.get("activeDeadlineSeconds").filter(|value| !value.is_null())
        && !deadline.as_i64().is_some_and(|seconds| (1..=i64::from(i32::MAX)).contains(&seconds))
    {
        let detail = format!("must be between 1 and {}, inclusive", i32::MAX);
        errors.invalid(&at.field("activeDeadlineSeconds"), deadline, &detail);
    }
    let spreads = at.field("topologySpreadConstraints");
    for (index, spread) in get::structs(spec, "topologySpreadConstraints") {
        let skew = get::integer(spread, "maxSkew").unwrap_or_default();
        if skew <= 0 {
            errors.invalid(&spreads.item(index).field("maxSkew"), &json!(skew), "must be greater than zero");
        }
        if get::text(spread, "topologyKey").is_empty() {
            errors.required(&spreads.item(index).field("topologyKey"), "can not be empty");
        }
    }
    if get::text(spec, "dnsPolicy") == "None"
        && get::at(spec, &["dnsConfig"]).is_none_or(|config| get::items(config, "nameservers").is_empty())
    {
        let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        let path = if get::map(spec, "dnsConfig").is_some() { "dnsConfig.nameservers" } else { "dnsConfig" };
        let detail = if path == "dnsConfig" { "must provide `dnsConfig` when `dnsPolicy` is None" } else { detail };
        errors.required(&at.field(path), detail);
    }
    identities(get::map(spec, "securityContext"), &at.field("securityContext"), errors);
}

/// What is wrong with the numbers of users and groups.
pub(super) fn identities(context: Option<&Fields>, at: &At<'_>, errors: &mut FieldErrors) {
    let Some(context) = context else { return };
    for name in ["runAsUser", "runAsGroup", "fsGroup"] {
        if let Some(id) = context.get(name).filter(|id| !id.is_null())
            && !id.as_i64().is_some_and(|id| (0..=i64::from(i32::MAX)).contains(&id))
        {
            errors.invalid(&at.field(name), id, &format!("must be between 0 and {}, inclusive", i32::MAX));
        }
    }
}

/// What is wrong with the metadata of a template.
pub(super) fn template(template: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let empty = Fields::new();
    let meta = get::map(template, "metadata").unwrap_or(&empty);
    metadata::labels(get::map(meta, "labels"), &at.field("labels"), errors);
    metadata::annotations(get::map(meta, "annotations"), &at.field("annotations"), errors);
    let has_ephemeral =
        get::map(template, "spec").is_some_and(|spec| !get::items(spec, "ephemeralContainers").is_empty());
    if has_ephemeral {
        let spec = at.field("spec");
        errors.forbidden(&spec.field("ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }
}

/// The names of the volumes that nothing is wrong with.
fn unique_volumes<'o>(spec: &'o Fields, at: &At<'_>, errors: &mut FieldErrors) -> Vec<&'o str> {
    let list = at.field("volumes");
    let mut known = Vec::new();
    for (index, volume) in get::structs(spec, "volumes") {
        let name = get::text(volume, "name");
        if known.contains(&name) {
            errors.duplicate(&list.item(index).field("name"), &json!(name));
        } else if names::dns_label(name).is_empty() {
            known.push(name);
        }
    }
    known
}

/// A volume has one source.
pub(super) fn volume(volume: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let given = SOURCES.iter().filter(|name| volume.get(**name).is_some_and(|source| !source.is_null()));
    for more in given.skip(1) {
        errors.forbidden(&at.field(more), "may not specify more than 1 volume type");
    }
}

/// What is wrong with a toleration.
pub(super) fn toleration(toleration: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let text = |name: &str| get::text(toleration, name);
    let (key, operator, value, effect) = (text("key"), text("operator"), text("value"), text("effect"));
    let place = at.field("operator");
    if !key.is_empty() {
        errors.invalid_each(&at.field("key"), key, names::qualified_name(key));
    } else if operator != "Exists" {
        let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.invalid(&place, &json!(operator), detail);
    }
    if get::value(toleration, &["tolerationSeconds"]).is_some() && effect != "NoExecute" {
        let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        errors.invalid(&at.field("effect"), &json!(effect), detail);
    }
    match operator {
        "" | "Equal" => {
            let problems = names::label_value(value);
            if !problems.is_empty() {
                errors.invalid(&place, &json!(value), &problems.join(";"));
            }
        }
        "Exists" if !value.is_empty() => {
            errors.invalid(&place, &json!(value), "value must be empty when `operator` is 'Exists'");
        }
        "Exists" => {}
        "Lt" | "Gt" => errors.unsupported(&place, &json!(operator), ["Equal", "Exists", "Lt", "Gt"]),
        _ => errors.unsupported(&place, &json!(operator), ["Equal", "Exists"]),
    }
    if !matches!(effect, "" | "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
        errors.unsupported(&at.field("effect"), &Value::from(effect), ["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    }
}
