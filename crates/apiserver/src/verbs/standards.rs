//! Pod Security Standards: what the labels of a namespace refuse and warn of.
//!
//! Nobody and nothing is exempt, as upstream unless it is configured otherwise. Of `audit` clients hear nothing.
//!
//! # Source
//! `k8s.io/kubernetes/plugin/pkg/admission/security/podsecurity`.

use admission::pod_security::{self, Policy, Standard};
use serde_json::Value;

use crate::api::{Api, Target};
use crate::failure::{About, Failure};
use crate::meta;
use crate::resource::Warnings;

impl Api {
    /// Refuses Pods that violate what their namespace enforces, and warns of what it wants to have warned of.
    ///
    /// # Errors
    /// 403 for a Pod, 422 for labels of a namespace that cannot be read.
    pub(crate) fn admit_by_standards(
        &self,
        target: &Target,
        old: Option<&Value>,
        new: &Value,
    ) -> Result<Warnings, Failure> {
        let resource = &*target.resource;
        let subresource = target.subresource.as_deref().unwrap_or_default();
        match (resource.group.as_str(), resource.kind.as_str()) {
            ("", "Namespace") if subresource.is_empty() => self.admit_labels(&target.name, old, new),
            ("", "Pod") if pod_security::concerns(subresource, old, new) => {
                let policy = self.standards(&target.namespace);
                let violations = policy.enforce.violations(new);
                if violations.is_empty() {
                    return Ok(warn(policy.warn, new));
                }
                let why = format!("violates PodSecurity \"{}\": {violations}", policy.enforce);
                Err(Failure::forbidden(About::new(resource, &target.name), &why))
            }
            (group, kind) if subresource.is_empty() => {
                let Some(template) = pod_security::template(group, kind, new) else { return Ok(Warnings::new()) };
                Ok(warn(self.standards(&target.namespace).warn, template))
            }
            _ => Ok(Warnings::new()),
        }
    }

    fn standards(&self, namespace: &str) -> Policy {
        let stored = self.store.get("namespaces", namespace).map(|stored| Value::Object(stored.parse()));
        Policy::read(stored.as_ref().map_or(&Value::Null, labels)).0
    }

    fn admit_labels(&self, namespace: &str, old: Option<&Value>, new: &Value) -> Result<Warnings, Failure> {
        let changed = pod_security::change(old.map(labels), labels(new));
        let enforced = changed.map_err(|errors| Failure::invalid("", "Namespace", namespace, &errors.into_vec()))?;
        let Some(standard) = enforced else { return Ok(Warnings::new()) };
        let pods = self.objects("", "pods", namespace);
        Ok(standard.existing(namespace, &pods))
    }
}

fn labels(object: &Value) -> &Value {
    meta::get(object, "labels").unwrap_or(&Value::Null)
}

fn warn(standard: Standard, pod: &Value) -> Warnings {
    let violations = standard.violations(pod);
    if violations.is_empty() {
        return Warnings::new();
    }
    vec![format!("would violate PodSecurity \"{standard}\": {violations}")]
}
