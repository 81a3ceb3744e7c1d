//! What may be written at all, whatever the kind: nothing into namespaces that are not there or on their way out, no
//! more rights than one has, nothing that this server would only pretend to carry out, nothing beyond limits and quotas.

use serde_json::{Value, json};

use crate::api::{Api, Target};
use crate::failure::{About, Failure};
use crate::meta;
use crate::resource::{Surroundings, Warnings};
use crate::verbs::policies::Asked;
use crate::verbs::quota::Counted;
use crate::verbs::write::Author;

/// What is said of a write that is let through.
#[derive(Debug)]
pub(crate) struct Admitted<'a> {
    pub(crate) warnings: Warnings,
    /// Where quotas count it: to be held until it is kept.
    pub(crate) counted: Option<Counted<'a>>,
}

impl Api {
    /// What completes a new object.
    pub(crate) fn surroundings(&self, target: &Target) -> Surroundings {
        let resource = &target.resource;
        let (group, plural) = match (resource.group.as_str(), resource.kind.as_str()) {
            ("", "Pod") => ("scheduling.k8s.io", "priorityclasses"),
            ("", "PersistentVolumeClaim") => ("storage.k8s.io", "storageclasses"),
            ("networking.k8s.io", "Ingress") => ("networking.k8s.io", "ingressclasses"),
            _ => return Surroundings::default(),
        };
        let limit_ranges = if resource.kind == "Pod" { self.limit_ranges(&target.namespace) } else { Vec::new() };
        Surroundings { limit_ranges, classes: self.objects(group, plural, "") }
    }

    /// All objects of a built-in kind in a namespace, or everywhere when it is empty.
    pub(crate) fn objects(&self, group: &str, plural: &str, namespace: &str) -> Vec<Value> {
        let Ok(row) = self.row(group, "v1", plural) else { return Vec::new() };
        self.all(&row, namespace).iter().map(|(_, stored)| Value::Object(stored.parse())).collect()
    }

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

    /// Refuses what is not allowed or cannot be carried out; returns what the namespace's labels and the cluster's policies
    /// want to have said.
    ///
    /// # Errors
    /// 403, and what policies say.
    pub(crate) fn admit(
        &self,
        target: &Target,
        author: Author<'_>,
        old: Option<&Value>,
        new: &Value,
    ) -> Result<Admitted<'_>, Failure> {
        self.check_escalation(author.user, &target.resource, &target.namespace, old, new)?;
        check_feasible(target, new)?;
        self.admit_within_limits(target, old, new)?;
        let mut warnings = self.admit_by_standards(target, old, new)?;
        self.admit_default_priority(target, new)?;
        let asked = Asked {
            target,
            user: author.user,
            dry_run: author.options.dry_run,
            options: &author.options.to_value(old.is_none()),
            new: Some(new),
            old,
        };
        match self.admit_by_policies(&asked) {
            Ok(more) => warnings.extend(more),
            Err(failure) => return Err(failure.warned(warnings)),
        }
        match self.admit_within_quota(target, old, new) {
            Ok(counted) => Ok(Admitted { warnings, counted }),
            Err(failure) => Err(failure.warned(warnings)),
        }
    }

    /// Refuses a second priority class for everybody.
    fn admit_default_priority(&self, target: &Target, new: &Value) -> Result<(), Failure> {
        let resource = &target.resource;
        if (resource.group.as_str(), resource.kind.as_str()) != ("scheduling.k8s.io", "PriorityClass")
            || new["globalDefault"] != true
        {
            return Ok(());
        }
        let classes = self.objects(&resource.group, &resource.plural, "");
        let is_default = |class: &&Value| class["globalDefault"] == true && meta::text(class, "name") != target.name;
        let Some(other) = classes.iter().find(is_default) else { return Ok(()) };
        let other = meta::text(other, "name");
        let why = format!("PriorityClass {other} is already marked as default. Only one default can exist");
        Err(Failure::forbidden(About::new(resource, &target.name), &why))
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
