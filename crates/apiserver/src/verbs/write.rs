//! Writing: what is there and what is asked for become what is kept.
//!
//! Every write goes one way: make the new object of the old one, settle the metadata, prepare it by the rules of its
//! kind, note who manages which fields, admit it, keep it. A write that another one overtook begins anew.

use jiff::{Timestamp, Unit};
use serde_json::Value;

use crate::access::user::User;
use crate::api::{Api, Target};
use crate::failure::{About, Failure};
use crate::http::query::WriteOptions;
use crate::meta;
use crate::prepare;
use crate::resource::{FieldError, Operation, Refusal, Resource, Surroundings, Warnings, Write};
use crate::store::{Durable, Expect, Stored};
use crate::verbs::manage::Manager;
use crate::verbs::patch;
use crate::verbs::{convert, delete};

/// Times that a write begins anew before it says that it was overtaken.
const ATTEMPTS: usize = 5;
/// Times that another name is made when the generated one is taken.
const NAMES: usize = 8;

const OTHER_NAMESPACE: &str = "the namespace of the provided object does not match the namespace sent on the request";

const NOT_THERE: &str = "StorageError: invalid object, Code: 4, Key: , ResourceVersion: 0, AdditionalErrorMsg: Precondition \
failed: the object does not exist";

/// The subresource of namespaces through which their finalizers go.
pub(crate) const FINALIZE: &str = "finalize";

/// Who writes, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Author<'a> {
    pub(crate) user: &'a User,
    /// The name under which fields are managed.
    pub(crate) manager: &'a str,
    pub(crate) options: &'a WriteOptions,
    pub(crate) operation: Operation,
}

impl Author<'_> {
    /// The author, as the entry of `managedFields` names it.
    pub(crate) fn as_manager<'a>(&'a self, target: &'a Target, now: Timestamp) -> Manager<'a> {
        let subresource = target.subresource.as_deref().unwrap_or_default();
        Manager { name: self.manager, subresource, now }
    }
}

/// What makes the new object of the old one.
pub(crate) type Make<'a> = dyn Fn(Option<&Value>) -> Result<Value, Failure> + Sync + 'a;

/// What was written.
#[derive(Debug)]
pub(crate) struct Written {
    /// The object as it is now, or would be after a dry run.
    pub(crate) object: Value,
    pub(crate) created: bool,
    pub(crate) warnings: Warnings,
    pub(crate) durable: Durable,
}

impl Written {
    fn nothing(object: Value) -> Self {
        Self { object, created: false, warnings: Vec::new(), durable: Durable::now() }
    }
}

/// Why an attempt did not succeed.
enum Attempt {
    /// Another write came between; what had been noticed until then.
    Overtaken(Warnings),
    Failed(Failure),
}

impl From<Failure> for Attempt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A time as objects say it.
pub(crate) fn time(at: Timestamp) -> String {
    let seconds = at.round(Unit::Second).unwrap_or(at);
    // Rounding may go up; what is written is never in the future.
    let seconds = if seconds > at { seconds - jiff::SignedDuration::from_secs(1) } else { seconds };
    seconds.to_string()
}

impl Api {
    /// Creates an object, under a generated name when it asks for one.
    ///
    /// # Errors
    /// As the rules of the kind, admission and the store say.
    pub(crate) fn create(&self, target: &Target, author: Author<'_>, make: &Make<'_>) -> Result<Written, Failure> {
        let mut target = target.clone();
        let mut warnings = Warnings::new();
        for attempt in 0.. {
            let mut object = make(None)?;
            name_new(&mut target, &mut object)?;
            let generated = target.name.is_empty();
            match self.finish(&target, author, None, object) {
                Ok(written) => return Ok(written),
                Err(Attempt::Failed(failure)) => return Err(failure),
                Err(Attempt::Overtaken(_)) if generated && attempt < NAMES => {}
                Err(Attempt::Overtaken(noticed)) => {
                    warnings = noticed;
                    break;
                }
            }
        }
        Err(Failure::already_exists(About::new(&target.resource, &target.name)).warned(warnings))
    }

    /// Changes an object; creates it when it is not there and that is how the kind, or server-side apply, works.
    ///
    /// # Errors
    /// As the rules of the kind, admission and the store say.
    pub(crate) fn update(&self, target: &Target, author: Author<'_>, make: &Make<'_>) -> Result<Written, Failure> {
        for _ in 0..ATTEMPTS {
            let stored = self.store.get(&target.shelf(), &target.key());
            let creates = author.operation == Operation::Apply || creates_on_update(&target.resource);
            if stored.is_none() && (!creates || target.subresource.is_some()) {
                return Err(Failure::not_found(About::new(&target.resource, &target.name)));
            }
            let old = stored.as_ref().map(|stored| target.resource.complete(stored));
            let mut new = make(old.as_ref())?;
            check_name(target, &mut new)?;
            let result = if let (Some(stored), Some(old)) = (&stored, &old) {
                self.finish(target, author, Some((stored, old)), new)
            } else {
                if !meta::text(&new, "resourceVersion").is_empty() {
                    return Err(Failure::conflict(About::new(&target.resource, &target.name), NOT_THERE));
                }
                self.finish(target, author, None, new)
            };
            match result {
                Ok(written) => return Ok(written),
                Err(Attempt::Failed(failure)) => return Err(failure),
                Err(Attempt::Overtaken(_)) => {}
            }
        }
        Err(Failure::modified(About::new(&target.resource, &target.name)))
    }

    /// From the object that was asked for to the one that is kept.
    fn finish(
        &self,
        target: &Target,
        author: Author<'_>,
        old: Option<(&Stored, &Value)>,
        mut new: Value,
    ) -> Result<Written, Attempt> {
        let resource = &target.resource;
        let now = self.now();
        resource.name_kind(new.as_object_mut().ok_or_else(|| Failure::bad_request("not an object"))?);
        match old {
            _ if !meta::is_sound(&new) => {}
            Some((_, old)) => settle_old(target, author.operation, old, &mut new)?,
            None => {
                for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"] {
                    meta::of(&mut new).remove(field);
                }
            }
        }
        if old.is_none() && meta::is_sound(&new) {
            self.admit_new(target, &new)?;
        }
        // Services take what the allocator has: it stays locked until they are kept.
        let mut allocator = is_service(resource).then(|| self.allocator());
        let mut scratch = allocator.as_deref().cloned().unwrap_or_default();
        let operation =
            if old.is_none() && author.operation != Operation::Apply { Operation::Create } else { author.operation };
        let asked = new.clone();
        let mut write = Write {
            operation,
            subresource: target.subresource.as_deref(),
            old: old.map(|(_, old)| old),
            field_validation: author.options.field_validation,
            now,
            allocate: &mut scratch,
            around: if old.is_none() { self.surroundings(target) } else { Surroundings::default() },
            defaulted: None,
        };
        let mut warnings = prepare::prepare(resource, &mut write, &mut new)
            .map_err(|refusal| refused(resource, author.operation, &asked, &new, refusal))?;
        let defaulted = write.defaulted.take();
        if target.subresource.as_deref() == Some(FINALIZE) {
            // Only here may they go.
            new["spec"]["finalizers"] = asked.pointer("/spec/finalizers").cloned().unwrap_or_default();
        }
        if author.operation != Operation::Apply {
            // An apply has noted it already.
            self.note(resource, &author.as_manager(target, now), old.map(|(_, old)| old), defaulted, &mut new);
        }
        if let Some((_, old)) = old {
            ssa::write::keep_times(old, &mut new);
        }
        let target = &Target { name: meta::text(&new, "name").to_owned(), ..target.clone() };
        let counted = match self.admit(target, author, old.map(|(_, old)| old), &new) {
            Ok(admitted) => {
                warnings.extend(admitted.warnings);
                admitted.counted
            }
            Err(failure) => return Err(failure.warned(warnings).into()),
        };

        let Some((stored, before)) = old else {
            if author.options.dry_run {
                if self.store.get(&target.shelf(), &target.key()).is_some() {
                    return Err(Attempt::Overtaken(warnings));
                }
                return Ok(Written { object: new, created: true, warnings, durable: Durable::now() });
            }
            let kept = self.store.put(&target.shelf(), &target.key(), Expect::Absent, convert::kept(resource, &new));
            let Ok((stored, durable)) = kept else { return Err(Attempt::Overtaken(warnings)) };
            if let Some(allocator) = &mut allocator {
                allocator.take(&scratch, None, &convert::kept(resource, &new));
            }
            if let Some(counted) = &counted {
                self.charge(counted);
            }
            return Ok(Written { object: resource.complete(&stored), created: true, warnings, durable });
        };
        if new == *before {
            return Ok(Written { warnings, ..Written::nothing(new) });
        }
        if author.options.dry_run {
            return Ok(Written { warnings, ..Written::nothing(new) });
        }
        if delete::is_free(resource, &new) {
            drop(allocator);
            let (last, durable) = self.bury(target, stored, &new).ok_or(Attempt::Overtaken(Warnings::new()))?;
            return Ok(Written { object: resource.complete(&last), created: false, warnings, durable });
        }
        let kept = self.store.put(
            &target.shelf(),
            &target.key(),
            Expect::Revision(stored.revision),
            convert::kept(resource, &new),
        );
        let (stored, durable) = kept.map_err(|_| Attempt::Overtaken(Warnings::new()))?;
        if let Some(allocator) = &mut allocator {
            allocator.take(&scratch, Some(&convert::kept(resource, before)), &convert::kept(resource, &new));
        }
        if let Some(counted) = &counted {
            self.charge(counted);
        }
        Ok(Written { object: resource.complete(&stored), created: false, warnings, durable })
    }
}

/// Checks name and namespace of an object that is to be created.
fn name_new(target: &mut Target, object: &mut Value) -> Result<(), Failure> {
    let resource = &target.resource;
    if !meta::is_sound(object) {
        // Preparing it says what is wrong.
        return Ok(());
    }
    let namespace = meta::text(object, "namespace");
    if resource.namespaced {
        if !namespace.is_empty() && namespace != target.namespace {
            return Err(Failure::bad_request(OTHER_NAMESPACE));
        }
        meta::set(object, "namespace", target.namespace.clone());
    } else {
        meta::of(object).remove("namespace");
    }
    let version = meta::text(object, "resourceVersion");
    if !version.is_empty() && version != "0" {
        return Err(Failure::unknown("resourceVersion should not be set on objects to be created"));
    }
    let (name, generate) = (meta::text(object, "name"), meta::text(object, "generateName"));
    if name.is_empty() && generate.is_empty() {
        let error = FieldError {
            field: "metadata.name".to_owned(),
            reason: "FieldValueRequired",
            message: "Required value: name or generateName is required".to_owned(),
        };
        return Err(Failure::invalid(&resource.group, &resource.kind, "", &[error]));
    }
    name.clone_into(&mut target.name);
    Ok(())
}

/// Checks that an object is the one that the path names, and completes what it leaves out.
fn check_name(target: &Target, object: &mut Value) -> Result<(), Failure> {
    if !meta::is_sound(object) {
        return Ok(());
    }
    let name = meta::text(object, "name");
    if name.is_empty() {
        let message =
            format!("the name of the object ({} based on URL) was undeterminable: name must be provided", target.name);
        return Err(Failure::bad_request(message));
    } else if name != target.name {
        let message = format!("the name of the object ({name}) does not match the name on the URL ({})", target.name);
        return Err(Failure::bad_request(message));
    }
    if !target.resource.namespaced {
        meta::of(object).remove("namespace");
    } else if meta::text(object, "namespace").is_empty() {
        meta::set(object, "namespace", target.namespace.clone());
    } else if meta::text(object, "namespace") != target.namespace {
        return Err(Failure::bad_request(OTHER_NAMESPACE));
    }
    Ok(())
}

/// What the rules of the kind refuse, as upstream says it.
fn refused(resource: &Resource, operation: Operation, asked: &Value, new: &Value, refusal: Refusal) -> Failure {
    let kind = &resource.kind;
    let name = [asked, new].map(|object| meta::text(object, "name")).into_iter().find(|name| !name.is_empty());
    match refusal {
        Refusal::Decode(problems) if operation == Operation::Patch => patch::unreadable(asked, &problems.join(", ")),
        Refusal::Decode(problems) => Failure::bad_request(format!(
            "{kind} in version {:?} cannot be handled as a {kind}: {}",
            resource.version,
            problems.join(", ")
        )),
        Refusal::Forbidden(why, warnings) => {
            Failure::forbidden(About::new(resource, name.unwrap_or_default()), &why).warned(warnings)
        }
        Refusal::Invalid(errors, warnings) => {
            Failure::invalid(&resource.group, kind, name.unwrap_or_default(), &errors).warned(warnings)
        }
    }
}

fn is_service(resource: &Resource) -> bool {
    resource.group.is_empty() && resource.kind == "Service"
}

/// Kinds that a PUT creates when they are not there.
fn creates_on_update(resource: &Resource) -> bool {
    matches!(
        (resource.group.as_str(), resource.kind.as_str()),
        ("" | "events.k8s.io", "Event")
            | ("", "Endpoints" | "LimitRange")
            | ("coordination.k8s.io", "Lease")
            | ("rbac.authorization.k8s.io", _)
            | ("node.k8s.io" | "scheduling.k8s.io", "RuntimeClass")
    ) || (resource.group.is_empty() && resource.kind == "Service")
}

/// Kinds that may be replaced without saying which version of them is meant.
fn needs_version(resource: &Resource) -> bool {
    resource.custom
        || matches!(
            (resource.group.as_str(), resource.kind.as_str()),
            (
                "apiextensions.k8s.io"
                    | "apiregistration.k8s.io"
                    | "admissionregistration.k8s.io"
                    | "coordination.k8s.io",
                _
            ) | ("policy", "PodDisruptionBudget")
                | ("node.k8s.io", "RuntimeClass")
        )
}

/// What the server says of an object that was there before.
fn settle_old(target: &Target, operation: Operation, old: &Value, new: &mut Value) -> Result<(), Failure> {
    let resource = &target.resource;
    let about = About::new(resource, &target.name);
    let version = meta::text(new, "resourceVersion");
    if version.is_empty() || version == "0" {
        if needs_version(resource) {
            let error = FieldError {
                field: "metadata.resourceVersion".to_owned(),
                reason: "FieldValueInvalid",
                message: "Invalid value: 0: must be specified for an update".to_owned(),
            };
            return Err(Failure::invalid(&resource.group, &resource.plural, &target.name, &[error]));
        }
    } else if version != meta::text(old, "resourceVersion") {
        return Err(Failure::modified(about));
    }
    let (old_uid, uid) = (meta::text(old, "uid"), meta::text(new, "uid"));
    if !uid.is_empty() && uid != old_uid && operation == Operation::Update {
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{}/{}, ResourceVersion: 0, AdditionalErrorMsg: \
             Precondition failed: UID in precondition: {uid}, UID in object meta: {old_uid}",
            resource.plural,
            target.key()
        );
        return Err(Failure::conflict(about, &why));
    }
    // What the server alone says; what somebody says otherwise, the rules of metadata refuse.
    for field in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        if meta::get(new, field).is_none() {
            meta::carry(new, field, old);
        }
    }
    for field in ["selfLink", "generation", "resourceVersion"] {
        meta::carry(new, field, old);
    }
    if meta::is_terminating(old) {
        let before = meta::finalizers(old);
        let added: Vec<String> = meta::finalizers(new)
            .into_iter()
            .filter(|one| !before.contains(one))
            .map(|one| format!("{one:?}"))
            .collect();
        if !added.is_empty() {
            let list = added.join(", ");
            let message = format!(
                "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{list}}}"
            );
            let field = "metadata.finalizers".to_owned();
            let error = FieldError { field, reason: "FieldValueForbidden", message };
            return Err(Failure::invalid(&resource.group, &resource.kind, &target.name, &[error]));
        }
    }
    Ok(())
}
