//! What is kept: ConfigMaps, Secrets, claims on volumes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use notation::field::{At, FieldErrors};
use notation::names;
use notation::quantity::Quantity;
use serde_json::{Value, json};

use super::super::get::{self, Fields};

/// The most that a ConfigMap or Secret may hold, in bytes.
const LARGEST: usize = 1 << 20;

/// What is wrong with a ConfigMap.
pub(super) fn config_map(object: &Fields, errors: &mut FieldErrors) {
    let mut size = 0;
    for name in ["data", "binaryData"] {
        let at = At::ROOT.field(name);
        for (key, value) in get::map(object, name).into_iter().flatten() {
            errors.invalid_each(&at.entry(key), key, names::config_key(key));
            if name == "data" && get::value(object, &["binaryData", key]).is_some() {
                errors.invalid(&at.entry(key), &json!(key), "duplicate of key present in binaryData");
            }
            let text = value.as_str().unwrap_or_default();
            size += if name == "data" { text.len() } else { decoded_size(text) };
        }
    }
    if size > LARGEST {
        errors.too_long(&At::ROOT.field(""), LARGEST);
    }
}

/// What is wrong with a Secret. Its contents are never told.
pub(super) fn secret(object: &Fields, errors: &mut FieldErrors) {
    let empty = Fields::new();
    let data = get::map(object, "data").unwrap_or(&empty);
    let at = At::ROOT.field("data");
    let mut size = 0;
    for (key, value) in data {
        errors.invalid_each(&at.entry(key), key, names::config_key(key));
        size += decoded_size(value.as_str().unwrap_or_default());
    }
    if size > LARGEST {
        errors.too_long(&at, LARGEST);
    }
    let mut require = |key: &str| {
        if !data.contains_key(key) {
            errors.required(&at.entry(key), "");
        }
    };
    match get::text(object, "type") {
        "kubernetes.io/dockercfg" => {
            require(".dockercfg");
            json_file(data, ".dockercfg", &at, errors);
        }
        "kubernetes.io/dockerconfigjson" => {
            require(".dockerconfigjson");
            json_file(data, ".dockerconfigjson", &at, errors);
        }
        "kubernetes.io/tls" => {
            require("tls.crt");
            require("tls.key");
        }
        "kubernetes.io/ssh-auth" if get::text(data, "ssh-privatekey").is_empty() => {
            errors.required(&at.entry("ssh-privatekey"), "");
        }
        "kubernetes.io/basic-auth" if !data.contains_key("username") && !data.contains_key("password") => {
            require("username");
            require("password");
        }
        "kubernetes.io/service-account-token" => {
            const NAME: &str = "kubernetes.io/service-account.name";
            if get::value(object, &["metadata", "annotations", NAME]).is_none_or(|name| name == "") {
                let metadata = At::ROOT.field("metadata");
                errors.required(&metadata.field("annotations").entry(NAME), "");
            }
        }
        _ => {}
    }
}

fn json_file(data: &Fields, key: &str, at: &At<'_>, errors: &mut FieldErrors) {
    let Some(text) = data.get(key).and_then(Value::as_str) else { return };
    let decoded = BASE64.decode(text).unwrap_or_default();
    let problem = match serde_json::from_slice::<Value>(&decoded) {
        Ok(Value::Object(_)) => return,
        Ok(_) => "json: cannot unmarshal into Go value of type map[string]interface {}",
        Err(_) if decoded.is_empty() => "unexpected end of JSON input",
        Err(_) => "invalid JSON",
    };
    errors.invalid(&at.entry(key), &json!("<secret contents redacted>"), problem);
}

/// How many bytes base64 holds.
fn decoded_size(text: &str) -> usize {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding)
}

/// What is wrong with the specification of a PersistentVolumeClaim.
pub(super) fn claim(spec: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    let modes = get::items(spec, "accessModes");
    let place = at.field("accessModes");
    if modes.is_empty() {
        errors.required(&place, "at least 1 access mode is required");
    }
    for mode in modes.iter().filter(|mode| !mode.as_str().is_some_and(|mode| MODES.contains(&mode))) {
        errors.unsupported(&place, mode, MODES);
    }
    if modes.contains(&json!("ReadWriteOncePod")) && modes.len() > 1 {
        errors.forbidden(&place, "may not use ReadWriteOncePod with other access modes");
    }
    let resources = at.field("resources");
    let place = resources.entry("storage");
    match get::value(spec, &["resources", "requests", "storage"]).and_then(Value::as_str) {
        None => errors.required(&place, ""),
        Some(text) if text.parse::<Quantity>().is_ok_and(|size| size.sign() <= 0) => {
            errors.invalid(&place, &json!(text), "must be greater than zero");
        }
        Some(_) => {}
    }
}

/// What the spec of a PersistentVolume says besides the volume's source.
pub(in crate::prepare) const BESIDES_SOURCE: [&str; 9] = [
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
];

/// What is wrong with a PersistentVolume.
pub(super) fn volume(object: &Fields, errors: &mut FieldErrors) {
    let empty = Fields::new();
    let spec = get::map(object, "spec").unwrap_or(&empty);
    let at = At::ROOT.field("spec");
    if get::items(spec, "accessModes").is_empty() {
        errors.required(&at.field("accessModes"), "");
    }
    let capacity = get::map(spec, "capacity");
    if capacity.is_none_or(Fields::is_empty) {
        errors.required(&at.field("capacity"), "");
    }
    if capacity.is_none_or(|capacity| capacity.len() != 1 || !capacity.contains_key("storage")) {
        errors.unsupported(&at.field("capacity"), &json!(capacity), ["storage"]);
    }
    let sources = spec.keys().filter(|name| !BESIDES_SOURCE.contains(&name.as_str()));
    let mut sources = sources.peekable();
    if sources.peek().is_none() {
        errors.required(&at, "must specify a volume type");
    }
    for more in sources.skip(1) {
        errors.forbidden(&at.field(more), "may not specify more than 1 volume type");
    }
}
