//! ValidatingAdmissionPolicies: what the cluster's own rules say of a request.

use std::sync::Arc;

use admission::{Access, Authorizer, Binding, Denial, Operation, Policy, Request, Row, Verdict, World};
use serde_json::{Value, json};

use crate::access::rbac;
use crate::access::user::User;
use crate::api::{Api, Target};
use crate::failure::{About, Failure};
use crate::resource::{Resource, Warnings};
use crate::store::{Derived, Stored};
use crate::verbs::scale;

const GROUP: &str = "admissionregistration.k8s.io";
const SHELVES: [&str; 2] = [
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
];

/// Resources that no policy is asked about, for it could lock out who wants to correct it.
const EXEMPT: [&str; 4] = [
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
];

/// The policies and bindings of a store.
#[derive(Debug, Default)]
pub(crate) struct Policies(Derived<Read, 2>);

#[derive(Debug)]
struct Read {
    policies: Vec<Arc<Policy>>,
    bindings: Vec<Binding>,
}

impl Read {
    fn of([policies, bindings]: [Vec<(Arc<str>, Stored)>; 2]) -> Self {
        let objects =
            |items: Vec<(Arc<str>, Stored)>| items.into_iter().map(|(_, stored)| Value::Object(stored.parse()));
        Self {
            policies: objects(policies).map(|policy| Arc::new(Policy::read(&policy))).collect(),
            bindings: objects(bindings).map(|binding| Binding::read(&binding)).collect(),
        }
    }
}

/// A write or a deletion, as policies look at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) target: &'a Target,
    pub(crate) user: &'a User,
    pub(crate) dry_run: bool,
    /// `CreateOptions` and the like.
    pub(crate) options: &'a Value,
    /// None for a deletion.
    pub(crate) new: Option<&'a Value>,
    pub(crate) old: Option<&'a Value>,
}

impl Api {
    /// Asks the policies, and returns what they want to have said.
    ///
    /// # Errors
    /// With the code and reason that the policy gives: 422 unless it says another.
    pub(crate) fn admit_by_policies(&self, asked: &Asked<'_>) -> Result<Warnings, Failure> {
        let target = asked.target;
        let resource = &*target.resource;
        let read = self.policies.0.get(&self.store, SHELVES, Read::of);
        if read.bindings.is_empty() || (resource.group == GROUP && EXEMPT.contains(&resource.plural.as_str())) {
            return Ok(Warnings::new());
        }
        let subresource = target.subresource.as_deref().unwrap_or_default();
        // Whoever scales says a Scale.
        let scale = resource.subresource(subresource).and_then(|row| row.scale.as_ref());
        let said = |object: Option<&Value>| object.zip(scale).map(|(object, paths)| scale::of(paths, object));
        let (new, old) = (said(asked.new), said(asked.old));
        let rows = self.resources();
        let equivalents = rows.iter().filter(|row| {
            row.group == resource.group && row.plural == resource.plural && row.version != resource.version
        });
        let is_namespace = resource.group.is_empty() && resource.plural == "namespaces";
        let operation = match (asked.new, asked.old) {
            (None, _) => Operation::Delete,
            (_, None) => Operation::Create,
            _ => Operation::Update,
        };
        let request = Request {
            operation,
            row: Row { kind: if scale.is_some() { "Scale" } else { &resource.kind }, ..row(resource) },
            equivalents: equivalents.map(|other| row(other)).collect(),
            subresource,
            namespace: if is_namespace && asked.old.is_some() { &target.name } else { &target.namespace },
            name: &target.name,
            user: asked.user.to_value(),
            dry_run: asked.dry_run,
            options: asked.options.clone(),
            object: new.as_ref().or(asked.new),
            old: old.as_ref().or(asked.old),
        };
        let rights: Arc<dyn Authorizer> =
            Arc::new(Rights { policy: self.rbac.policy(&self.store), user: asked.user.clone() });
        let decision = admission::decide(&read.policies, &read.bindings, &request, &rights, &Cluster(self));
        match decision.denied {
            Some(denial) => Err(refusal(resource, &target.name, &denial).warned(decision.warnings)),
            None => Ok(decision.warnings),
        }
    }
}

fn row(resource: &Resource) -> Row<'_> {
    let Resource { group, version, plural, kind, .. } = resource;
    Row { group, version, resource: plural, kind }
}

fn refusal(resource: &Resource, name: &str, denial: &Denial) -> Failure {
    let mut failure = Failure::forbidden(About::new(resource, name), &denial.message);
    (failure.reason, failure.code) = match denial.reason.as_str() {
        "Forbidden" => ("Forbidden", 403),
        "RequestEntityTooLarge" => ("RequestEntityTooLarge", 413),
        _ => ("Invalid", 422),
    };
    if let Some(Value::Object(details)) = &mut failure.details {
        details.insert("causes".to_owned(), json!([{ "message": denial.message }]));
    }
    failure
}

/// What policies see of the cluster.
struct Cluster<'a>(&'a Api);

impl Cluster<'_> {
    fn row(&self, api_version: &str, kind: &str) -> Option<Arc<Resource>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.0.resources().of_kind(group, version, kind).cloned()
    }
}

impl World for Cluster<'_> {
    fn namespace(&self, name: &str) -> Option<Value> {
        let stored = self.0.store.get("namespaces", name)?;
        Some(self.row("v1", "Namespace")?.complete(&stored))
    }

    fn is_namespaced(&self, api_version: &str, kind: &str) -> Option<bool> {
        self.row(api_version, kind).map(|row| row.namespaced)
    }

    fn objects(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<Value> {
        let Some(row) = self.row(api_version, kind) else { return Vec::new() };
        self.0.all(&row, namespace).iter().map(|(_, stored)| row.complete(stored)).collect()
    }
}

/// The rights of whoever asks.
#[derive(Debug)]
struct Rights {
    policy: Arc<rbac::Policy>,
    user: User,
}

impl Authorizer for Rights {
    fn check(&self, service_account: Option<(&str, &str)>, access: &Access) -> Verdict {
        let account = service_account.map(|(namespace, name)| User::service_account(namespace, name, ""));
        let user = account.as_ref().unwrap_or(&self.user);
        let Access { verb, group, resource, subresource, namespace, name, path } = access.clone();
        let asked =
            rbac::Attributes { verb, group, resource, subresource, namespace, name, path, ..Default::default() };
        let allowed = self.policy.allows(user, &asked);
        let reason = if allowed { self.policy.why(user, &asked).unwrap_or_default() } else { String::new() };
        Verdict { allowed, reason }
    }
}
