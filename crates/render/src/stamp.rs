//! What every object gets before it is applied: its owner, common metadata, and the form that Flux applies.

use std::collections::BTreeMap;

use api::CommonMetadata;
use api::well_known::{KUSTOMIZE_NAME, KUSTOMIZE_NAMESPACE};
use object::Object;

/// The Kustomization that objects belong to.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// Labels an object with its owner, normalises it, and adds the common metadata, which wins over both.
pub(crate) fn stamp(object: &mut Object, owner: Owner<'_>, common: Option<&CommonMetadata>) {
    object.set_label(KUSTOMIZE_NAME, owner.name);
    object.set_label(KUSTOMIZE_NAMESPACE, owner.namespace);
    object::normalise(object);
    let none = BTreeMap::new();
    let (labels, annotations) = common.map_or((&none, &none), |common| (&common.labels, &common.annotations));
    for (key, value) in labels {
        object.set_label(key, value);
    }
    for (key, value) in annotations {
        object.set_annotation(key, value);
    }
}

/// Whether the object is a Secret whose values are still encrypted by SOPS.
pub fn is_encrypted_secret(object: &Object) -> bool {
    object.kind() == "Secret" && object.api_version() == "v1" && object.field(&["sops", "mac"]).is_some()
}
