//! Quotas: how many objects of which kinds a namespace may hold.
//!
//! What is counted is objects. A quota of CPU or memory is kept and shown, and not held against anybody: nothing runs here.
//!
//! # Source
//! `k8s.io/kubernetes/pkg/quota/v1`, `k8s.io/apiserver/pkg/admission/plugin/resourcequota`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::{Api, Target};
use crate::failure::{About, Failure};
use crate::meta;
use crate::resource::Resource;

/// Kinds that quotas know by a name of their own, from the time before `count/`.
const NAMED: [&str; 7] =
    ["configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services"];

impl Api {
    /// Refuses an object that would be one too many.
    ///
    /// # Errors
    /// 403 with what is asked for, used and allowed.
    pub(crate) fn admit_within_quota(&self, target: &Target) -> Result<(), Failure> {
        let resource = &target.resource;
        if !resource.namespaced {
            return Ok(());
        }
        let Ok(quotas) = self.row("", "v1", "resourcequotas") else { return Ok(()) };
        for (_, stored) in self.all(&quotas, &target.namespace) {
            let quota = Value::Object(stored.parse());
            let limits: Vec<(String, i64)> = hard(&quota)
                .filter(|(name, _)| counts(resource, name))
                .map(|(name, limit)| (name.to_owned(), limit))
                .collect();
            if limits.is_empty() {
                continue;
            }
            let used = i64::try_from(self.all(resource, &target.namespace).len()).unwrap_or(i64::MAX);
            let over: Vec<&(String, i64)> = limits.iter().filter(|(_, limit)| used >= *limit).collect();
            if over.is_empty() {
                continue;
            }
            let list = |value: &dyn Fn(i64) -> i64| {
                over.iter().map(|(name, limit)| format!("{name}={}", value(*limit))).collect::<Vec<_>>().join(",")
            };
            let why = format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                meta::text(&quota, "name"),
                list(&|_| 1),
                list(&|_| used),
                list(&|limit| limit)
            );
            return Err(Failure::forbidden(About::new(resource, &target.name), &why));
        }
        Ok(())
    }

    /// What a quota's status says: the limits, and how much of each is used.
    pub(crate) fn quota_status(&self, namespace: &str, quota: &Value) -> Value {
        let resources = self.resources();
        let mut used: BTreeMap<&str, String> = BTreeMap::new();
        for (name, _) in hard(quota) {
            if let Some(row) = resources.iter().find(|row| row.namespaced && counts(row, name)) {
                used.insert(name, self.all(row, namespace).len().to_string());
            }
        }
        json!({ "hard": quota.pointer("/spec/hard").cloned().unwrap_or_else(|| json!({})), "used": used })
    }
}

/// The limits of a quota that are whole numbers.
fn hard(quota: &Value) -> impl Iterator<Item = (&str, i64)> {
    let limits = quota.pointer("/spec/hard").and_then(Value::as_object).into_iter().flatten();
    limits.filter_map(|(name, limit)| {
        let limit = limit.as_i64().or_else(|| limit.as_str()?.parse().ok())?;
        Some((name.as_str(), limit))
    })
}

/// Whether a limit counts the objects of a resource.
fn counts(resource: &Resource, limit: &str) -> bool {
    match limit.strip_prefix("count/") {
        Some(name) => name == resource.qualified(),
        None => resource.group.is_empty() && resource.plural == limit && NAMED.contains(&limit),
    }
}
