//! What may be written at all, whatever the kind: nothing into namespaces that are not there or on their way out, no
//! more rights than one has, nothing that this server would only pretend to carry out.

use serde_json::{Value, json};

use crate::api::{Api, Target};
use crate::failure::{About, Failure};
use crate::meta;
use crate::resource::Warnings;
use crate::verbs::policies::Asked;
use crate::verbs::write::Author;

impl Api {
    /// Refuses new objects in namespaces that take none.
    ///
    /// # Errors
    /// 404 for a namespace that is not there, 403 for one that is being deleted.
    pub(crate) fn admit_new(&self, target: &Target, new: &Value) -> Result<(), Failure> {
        if !target.resource.namespaced {
            return Ok(());
        }
        let namespace = target.namespace.as_str();
        let about = About { group: "", plural: "namespaces", name: namespace };
        let stored = self.store.get("namespaces", namespace).ok_or_else(|| Failure::not_found(about))?;
        if !meta::is_terminating(&Value::Object(stored.parse())) {
            return Ok(());
        }
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut failure = Failure::forbidden(About::new(&target.resource, meta::text(new, "name")), &why);
        if let Some(Value::Object(details)) = &mut failure.details {
            let message = format!("namespace {namespace} is being terminated");
            let cause =
                json!([{ "reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace" }]);
            details.insert("causes".to_owned(), cause);
        }
        Err(failure)
    }

    /// Refuses what is not allowed or cannot be carried out; returns what the cluster's policies want to have said.
    ///
    /// # Errors
    /// 403, and what policies say.
    pub(crate) fn admit(
        &self,
        target: &Target,
        author: Author<'_>,
        old: Option<&Value>,
        new: &Value,
    ) -> Result<Warnings, Failure> {
        self.check_escalation(author.user, &target.resource, &target.namespace, old, new)?;
        check_feasible(target, new)?;
        let warnings = self.admit_by_policies(&Asked {
            target,
            user: author.user,
            dry_run: author.options.dry_run,
            options: &author.options.to_value(old.is_none()),
            new: Some(new),
            old,
        })?;
        let within = if old.is_none() { self.admit_within_quota(target) } else { Ok(()) };
        match within {
            Ok(()) => Ok(warnings),
            Err(failure) => Err(failure.warned(warnings)),
        }
    }
}

/// Refuses what this server would only pretend to carry out.
fn check_feasible(target: &Target, new: &Value) -> Result<(), Failure> {
    let resource = &target.resource;
    let refuse = |why: &str| Err(Failure::forbidden(About::new(resource, &target.name), why));
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration")
            if has_items(new, "/webhooks") =>
        {
            refuse("this server calls no webhooks; try what depends on them on a cluster")
        }
        ("apiregistration.k8s.io", "APIService") if new.pointer("/spec/service").is_some_and(Value::is_object) => {
            refuse("this server passes no requests on to other API servers; try what depends on them on a cluster")
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition")
            if new.pointer("/spec/conversion/strategy").and_then(Value::as_str) == Some("Webhook")
                && new.pointer("/spec/versions").and_then(Value::as_array).is_some_and(|list| list.len() > 1) =>
        {
            refuse("this server calls no webhooks: versions are converted by strategy None alone")
        }
        _ => Ok(()),
    }
}

fn has_items(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}
