//! ValidatingAdmissionPolicies say that they were looked at. Their expressions were parsed when they were written, and
//! types are checked only as they run.

use serde_json::{Value, json};

use crate::api::{Api, Target};
use crate::controllers::report;

/// Looks at a policy.
pub(super) fn look(api: &Api, name: &str) {
    let Ok(resource) = api.row("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies") else { return };
    let Some(stored) = api.store.get(&resource.shelf(), name) else { return };
    let policy = Value::Object(stored.parse());
    let generation = policy.pointer("/metadata/generation").cloned().unwrap_or_default();
    if policy.pointer("/status/observedGeneration") == Some(&generation) {
        return;
    }
    let target = Target { subresource: Some("status".to_owned()), ..Target::new(&resource, "", name) };
    let config = json!({
        "apiVersion": resource.api_version(),
        "kind": resource.kind,
        "metadata": { "name": name },
        "status": { "observedGeneration": generation, "typeChecking": {} },
    });
    let result = api.apply_own(&target, "validatingadmissionpolicy-status", &config);
    report("say that the ValidatingAdmissionPolicy was looked at", name, result.map(drop));
}
