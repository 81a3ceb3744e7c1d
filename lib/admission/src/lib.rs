//! Admission as functions: ValidatingAdmissionPolicies, bindings and a request in, a decision out; and Pod Security
//! Standards.
//!
//! # Source
//! `k8s.io/apiserver/pkg/admission/plugin/policy/{generic,matching,validating}`. The texts are upstream's, but for what
//! the CEL library itself says.

mod authorizer;
mod matching;
pub mod pod_security;
mod policy;

use std::sync::Arc;

pub use authorizer::{Access, Authorizer, Verdict};
pub use policy::{Binding, Policy, parse};
use serde_json::{Value, json};

use crate::policy::Input;

/// What is about to happen to an object.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// What is done.
    pub operation: Operation,
    /// As what the object was addressed.
    pub row: Row<'a>,
    /// The other rows under which the same objects are served.
    pub equivalents: Vec<Row<'a>>,
    /// Empty for the object itself.
    pub subresource: &'a str,
    /// Empty for objects of the whole cluster, but for namespaces, which are in themselves.
    pub namespace: &'a str,
    /// Empty while it is to be generated.
    pub name: &'a str,
    /// `userInfo`, as reviews have it.
    pub user: Value,
    /// Whether nothing is kept.
    pub dry_run: bool,
    /// The options of the request.
    pub options: Value,
    /// The object as it is to be; none when it is deleted.
    pub object: Option<&'a Value>,
    /// The object as it is; none when it is new.
    pub old: Option<&'a Value>,
}

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Kubernetes' own")]
pub enum Operation {
    Create,
    Update,
    Delete,
}

impl Operation {
    /// As rules and requests say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// A served resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Empty for the core.
    pub group: &'a str,
    /// `v1`.
    pub version: &'a str,
    /// `deployments`.
    pub resource: &'a str,
    /// `Deployment`.
    pub kind: &'a str,
}

impl Row<'_> {
    fn api_version(self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// What policies ask of the cluster.
pub trait World {
    /// A namespace.
    fn namespace(&self, name: &str) -> Option<Value>;
    /// Whether the objects of a kind are in namespaces; none when there is no such kind.
    fn is_namespaced(&self, api_version: &str, kind: &str) -> Option<bool>;
    /// The objects of a kind in a namespace, or of the whole cluster when it is empty.
    fn objects(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<Value>;
}

/// What the policies say of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The first reason against it.
    pub denied: Option<Denial>,
    /// What whoever asks should know.
    pub warnings: Vec<String>,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// With the names of the policy and the binding.
    pub message: String,
    /// The reason of the status: `Invalid` unless the policy says another.
    pub reason: String,
}

/// Decides on a request. Bindings of other policies are passed over.
pub fn decide(
    policies: &[Arc<Policy>],
    bindings: &[Binding],
    request: &Request<'_>,
    authorizer: &Arc<dyn Authorizer>,
    world: &dyn World,
) -> Decision {
    let mut decision = Decision::default();
    for policy in policies {
        let Some(row) = policy.matching.find(request, world) else { continue };
        let refused =
            |message: String| format!("ValidatingAdmissionPolicy '{}' denied request: {message}", policy.name);
        if let Some(problem) = policy.problem(world) {
            if policy.fails {
                decision.deny(refused(format!("failed to configure policy: {problem}")), None);
            }
            continue;
        }
        for binding in bindings.iter().filter(|binding| binding.policy == policy.name) {
            if binding.matching.find(request, world).is_none() {
                continue;
            }
            let name = &binding.name;
            let said =
                |message: &str| format!("ValidatingAdmissionPolicy '{}' with binding '{name}'{message}", policy.name);
            let params = match policy.params(binding, request.namespace, world) {
                Ok(params) => params,
                Err(problem) => {
                    if policy.fails {
                        decision.deny(said(&format!(" denied request: failed to configure binding: {problem}")), None);
                    }
                    continue;
                }
            };
            let input = Input::new(request, row, authorizer, world);
            for failure in params.into_iter().flat_map(|params| policy.failures(&input, &params)) {
                if binding.warns {
                    decision
                        .warnings
                        .push(format!("Validation failed for {}", said(&format!(": {}", failure.message))));
                }
                if binding.denies || failure.always {
                    decision.deny(said(&format!(" denied request: {}", failure.message)), failure.reason);
                }
            }
        }
    }
    decision
}

impl Decision {
    fn deny(&mut self, message: String, reason: Option<String>) {
        self.denied.get_or_insert(Denial { message, reason: reason.unwrap_or_else(|| "Invalid".to_owned()) });
    }
}

impl Request<'_> {
    /// The request as expressions see it.
    fn to_value(&self, row: Row<'_>) -> Value {
        let kind = |row: Row<'_>| json!({ "group": row.group, "version": row.version, "kind": row.kind });
        let resource = |row: Row<'_>| json!({ "group": row.group, "version": row.version, "resource": row.resource });
        let mut value = json!({
            "uid": "",
            "kind": kind(row),
            "resource": resource(row),
            "requestKind": kind(self.row),
            "requestResource": resource(self.row),
            "operation": self.operation.name(),
            "userInfo": self.user,
            "dryRun": self.dry_run,
            "options": self.options,
        });
        let texts = [
            ("name", self.name),
            ("namespace", self.namespace),
            ("subResource", self.subresource),
            ("requestSubResource", self.subresource),
        ];
        for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            value[key] = text.into();
        }
        value
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;
