//! The OpenAPI documents of the built-in kinds, compressed as they lie in `data/openapi`.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;

/// Documents by group and version.
macro_rules! documents {
    ($($group:literal $version:literal $file:literal,)*) => {
        &[$(($group, $version, include_bytes!(concat!("../../data/openapi/", $file)))),*]
    };
}

/// Group, version, and the compressed document.
type Document = (&'static str, &'static str, &'static [u8]);

static DOCUMENTS: &[Document] = documents![
    "" "v1" "core_v1.json.gz",
    "admissionregistration.k8s.io" "v1" "admissionregistration.k8s.io_v1.json.gz",
    "apiextensions.k8s.io" "v1" "apiextensions.k8s.io_v1.json.gz",
    "apiregistration.k8s.io" "v1" "apiregistration.k8s.io_v1.json.gz",
    "apps" "v1" "apps_v1.json.gz",
    "authentication.k8s.io" "v1" "authentication.k8s.io_v1.json.gz",
    "authorization.k8s.io" "v1" "authorization.k8s.io_v1.json.gz",
    "autoscaling" "v1" "autoscaling_v1.json.gz",
    "autoscaling" "v2" "autoscaling_v2.json.gz",
    "batch" "v1" "batch_v1.json.gz",
    "certificates.k8s.io" "v1" "certificates.k8s.io_v1.json.gz",
    "coordination.k8s.io" "v1" "coordination.k8s.io_v1.json.gz",
    "discovery.k8s.io" "v1" "discovery.k8s.io_v1.json.gz",
    "events.k8s.io" "v1" "events.k8s.io_v1.json.gz",
    "flowcontrol.apiserver.k8s.io" "v1" "flowcontrol.apiserver.k8s.io_v1.json.gz",
    "networking.k8s.io" "v1" "networking.k8s.io_v1.json.gz",
    "node.k8s.io" "v1" "node.k8s.io_v1.json.gz",
    "policy" "v1" "policy_v1.json.gz",
    "rbac.authorization.k8s.io" "v1" "rbac.authorization.k8s.io_v1.json.gz",
    "scheduling.k8s.io" "v1" "scheduling.k8s.io_v1.json.gz",
    "storage.k8s.io" "v1" "storage.k8s.io_v1.json.gz",
];

/// The OpenAPI v3 document of a group and version, as gzip: what `Accept-Encoding: gzip` may be given as it is.
pub fn document(group: &str, version: &str) -> Option<&'static [u8]> {
    DOCUMENTS.iter().find(|(g, v, _)| (*g, *v) == (group, version)).map(|(_, _, bytes)| *bytes)
}

/// The definitions of all built-in kinds without what is said to readers: enough to merge objects by.
///
/// It takes some milliseconds and is not kept: who needs it makes `schema::Schemas` of it once.
pub fn schemas() -> Value {
    let mut text = String::new();
    let packed: &[u8] = include_bytes!("../../data/schemas.json.gz");
    // It is ours, so that it can be read; a test does.
    let _ = GzDecoder::new(packed).read_to_string(&mut text);
    serde_json::from_str(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_can_be_read() {
        for (group, version, packed) in DOCUMENTS {
            let mut text = String::new();
            GzDecoder::new(*packed).read_to_string(&mut text).unwrap();
            let document: Value = serde_json::from_str(&text).unwrap();
            assert!(document["components"]["schemas"].is_object(), "{group}/{version}");
        }
        let mut schemas = schema::Schemas::new();
        schemas.add_openapi(&super::schemas()).unwrap();
        for resource in crate::kinds::built_in() {
            let (group, version, kind) = (resource.group, resource.version, resource.kind);
            assert!(document(&group, &version).is_some(), "{group}/{version}");
            assert!(schemas.kind(&schema::Kind { group, version, kind: kind.clone() }).is_some(), "{kind}");
        }
    }
}
