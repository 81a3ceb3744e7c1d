//! What went wrong, with which object, where it was written down, and what to do next.

use std::fmt;

use object::{Object, ObjectId, Origin};

use crate::Changes;
use crate::discovery::ResolveError;
use crate::request::Refusal;

/// An apply that did not come to its end: every failure of the stage that stopped it, and what was done before.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Each object that was refused; empty when only the wait after a stage failed.
    pub failures: Vec<Failure>,
    /// The wait after a stage that failed.
    pub wait: Option<String>,
    /// What was done before: it belongs into the inventory, or it could never be pruned.
    pub changes: Changes,
}

/// Prints the failures, one after the other, and then what was changed: the text of Flux's condition.
impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        if let Some(wait) = &self.wait {
            writeln!(f, "{wait}")?;
        }
        f.write_str(&self.changes.log())
    }
}

impl std::error::Error for Failed {}

impl Failed {
    /// Whether nothing but the server's trouble was in the way.
    pub fn is_transient(&self) -> bool {
        self.wait.is_none() && self.failures.iter().all(Failure::is_transient)
    }
}

/// What was tried with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// A look at the live object.
    Query,
    /// An apply that stores nothing.
    DryRun,
    /// Moving managed fields to another version.
    Migrate,
    /// Removing what others left.
    CleanUp,
    /// Deleting an object to replace it.
    Replace,
    /// Waiting until an object that is replaced is gone.
    Disappear,
    /// An apply.
    Apply,
    /// A deletion.
    Delete,
}

/// One object that was refused.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The object.
    pub id: ObjectId,
    /// Where it was written down.
    pub origin: Option<Origin>,
    /// What was tried.
    pub attempt: Attempt,
    /// What stood against it.
    pub cause: Box<Cause>,
}

/// What stood against it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The server refused.
    Refused(Refusal),
    /// The kind is not served.
    NoMatch(ResolveError),
    /// The kind lives in namespaces, and the object names none.
    NoNamespace,
    /// The managed fields could not be read.
    Fields(ssa::fields::ParseFieldsError),
}

impl Failure {
    pub(crate) fn of(object: &Object, attempt: Attempt, cause: Cause) -> Self {
        Self { id: object.id(), origin: object.origin().cloned(), attempt, cause: Box::new(cause) }
    }

    /// Whether it is worth trying again without a change of anything.
    pub fn is_transient(&self) -> bool {
        match &*self.cause {
            Cause::Refused(refusal) | Cause::NoMatch(ResolveError::Request { source: refusal, .. }) => {
                refusal.is_transient()
            }
            _ => false,
        }
    }

    /// What to do about it, in one sentence; none where the server's own sentence says it all.
    pub fn hint(&self) -> Option<&'static str> {
        let refusal = match &*self.cause {
            Cause::NoNamespace => return Some("set metadata.namespace, or the Kustomization's spec.targetNamespace"),
            Cause::NoMatch(ResolveError::NoMatch { .. }) => {
                return Some("install the definition of this kind first, or apply it in the same Kustomization");
            }
            Cause::Fields(_) => return None,
            Cause::Refused(refusal) | Cause::NoMatch(ResolveError::Request { source: refusal, .. }) => refusal,
        };
        let says = |text: &str| refusal.message.contains(text);
        if refusal.is_transient() {
            Some("the API server is in trouble; this is tried again")
        } else if says("failed calling webhook") {
            Some("see whether the webhook's service runs; its registration says whether it may be passed over")
        } else if refusal.is_not_found() && says("namespaces") {
            Some("create the namespace, or apply it in the same Kustomization")
        } else if says("exceeded quota") {
            Some("raise the namespace's ResourceQuota, or ask for less")
        } else if refusal.code == 403 && says("cannot") {
            Some("grant this to the account by RBAC, or let spec.serviceAccountName name one that may")
        } else if says("immutable") {
            Some("to have the object replaced, set spec.force, or kustomize.toolkit.fluxcd.io/force: enabled on it")
        } else {
            None
        }
    }

    /// Flux's sentence: what was tried with which object, the reason, the server's own words.
    pub fn sentence(&self) -> String {
        let Self { id, attempt, .. } = self;
        let message = self.message();
        match attempt {
            Attempt::DryRun => match (&*self.cause, self.reason()) {
                (Cause::NoNamespace, _) => format!("{id} namespace not specified: {message}"),
                (Cause::Refused(refusal), _) if refusal.is_not_found() && id.namespace.is_none() => {
                    format!("{id} namespace not specified: {message}")
                }
                (Cause::Refused(refusal), _) if refusal.is_not_found() => format!("{id} not found: {message}"),
                (_, "") => format!("{id} dry-run failed: {message}"),
                (_, reason) => format!("{id} dry-run failed ({reason}): {message}"),
            },
            Attempt::Query => format!("{id} query failed: {message}"),
            Attempt::Migrate => format!("{id} failed to migrate API version: {message}"),
            Attempt::CleanUp => format!("{id} metadata.managedFields cleanup failed: {message}"),
            Attempt::Replace => format!("{id} immutable field detected, failed to delete object: {message}"),
            Attempt::Disappear => {
                format!("{id} immutable field detected, failed to wait for object to be deleted: {message}")
            }
            Attempt::Apply => format!("{id} apply failed: {message}"),
            Attempt::Delete => format!("{id} delete failed: {message}"),
        }
    }

    fn message(&self) -> String {
        match &*self.cause {
            Cause::Refused(refusal) => refusal.message.clone(),
            Cause::NoMatch(ResolveError::Request { source, .. }) => source.message.clone(),
            Cause::NoMatch(error @ ResolveError::NoMatch { .. }) => error.to_string(),
            Cause::NoNamespace => "the server could not find the requested resource".to_owned(),
            Cause::Fields(error) => format!("unable to merge managed fields: '{error}'"),
        }
    }

    fn reason(&self) -> &str {
        match &*self.cause {
            Cause::Refused(refusal) if refusal.is_manager_conflict => "FieldManagerConflict",
            Cause::Refused(refusal) => &refusal.reason,
            _ => "",
        }
    }
}

/// Prints Flux's sentence, then where the object was written down, then the hint.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())?;
        if let Some(origin) = &self.origin {
            write!(f, "\n  at {origin}")?;
        }
        if let Some(hint) = self.hint() {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}
