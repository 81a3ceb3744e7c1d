//! The order in which objects are applied; deletion goes through it backwards.

use std::cmp::Ordering;

use crate::{Object, ObjectId};

/// Kinds that others need, in the order in which they are needed. The group is deliberately not looked at.
const FIRST: [&str; 23] = [
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that need others: a webhook is registered after what answers it.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Compares two objects by when they are applied: by kind as listed here, then group, kind, namespace, name.
///
/// # Source
/// Flux's `ssa` package; the recordings' order of events.
pub fn compare(a: &ObjectId, b: &ObjectId) -> Ordering {
    key(a).cmp(&key(b))
}

/// Sorts objects into the order in which they are applied.
pub fn sort(objects: &mut [Object]) {
    objects.sort_by_cached_key(|object| {
        let id = object.id();
        (rank(&id.kind), id)
    });
}

fn key(id: &ObjectId) -> (usize, &ObjectId) {
    // The fields of an id are declared in the order in which they break ties.
    (rank(&id.kind), id)
}

fn rank(kind: &str) -> usize {
    let unlisted = FIRST.len();
    FIRST
        .iter()
        .position(|first| *first == kind)
        .or_else(|| LAST.iter().position(|last| *last == kind).map(|index| unlisted + 1 + index))
        .unwrap_or(unlisted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroupKind;

    #[test]
    fn kinds_come_before_those_that_need_them() {
        let id =
            |group: &str, kind: &str, namespace, name| ObjectId::new(&GroupKind::new(group, kind), namespace, name);
        let expected = [
            id("apiextensions.k8s.io", "CustomResourceDefinition", None, "z"),
            id("", "Namespace", None, "a"),
            id("storage.k8s.io", "StorageClass", None, "a"),
            id("", "ConfigMap", Some("a"), "z"),
            id("", "ConfigMap", Some("b"), "a"),
            id("other", "ConfigMap", Some("a"), "a"),
            id("apps", "Deployment", Some("a"), "a"),
            id("", "Pod", Some("a"), "a"),
            id("apps", "DaemonSet", Some("a"), "a"),
            id("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", None, "a"),
        ];
        let mut ids = expected.clone();
        ids.reverse();
        ids.sort_by(compare);
        assert_eq!(ids, expected);
    }
}
