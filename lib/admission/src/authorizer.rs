//! `authorizer`: what policies can ask about rights.
//!
//! # Source
//! `k8s.io/apiserver/pkg/cel/library/authz.go`. Selectors of fields and labels are taken, and allow nothing less.

use std::fmt;
use std::sync::Arc;

use cel::common::types::{CelBool, CelString};
use cel::{DeclarationError, Env};
use expression::opaque;

use crate::Request;

/// Who may do what in the cluster.
pub trait Authorizer: fmt::Debug + Send + Sync {
    /// Whether the user of the request, or a service account by its namespace and name, may do something.
    fn check(&self, service_account: Option<(&str, &str)>, access: &Access) -> Verdict;
}

/// Something that one may be allowed to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Kubernetes' own")]
pub struct Access {
    pub verb: String,
    pub group: String,
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    /// The path, when it is about no resource.
    pub path: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is allowed.
    pub allowed: bool,
    /// Why, as the authorizer says it.
    pub reason: String,
}

/// Somebody's rights, and what is asked about them so far.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    authorizer: Arc<dyn Authorizer>,
    service_account: Option<(String, String)>,
    access: Access,
}

impl PartialEq for Question {
    fn eq(&self, other: &Self) -> bool {
        self.service_account == other.service_account && self.access == other.access
    }
}

opaque!(
    /// Somebody who may have rights.
    pub(crate) Subject(Question),
    "kubernetes.authorization.Authorizer"
);
opaque!(
    /// A path that is no resource.
    pub(crate) Path(Question),
    "kubernetes.authorization.PathCheck"
);
opaque!(
    /// A group of resources.
    pub(crate) Group(Question),
    "kubernetes.authorization.GroupCheck"
);
opaque!(
    /// A resource.
    pub(crate) Resource(Question),
    "kubernetes.authorization.ResourceCheck"
);
opaque!(
    /// The answer.
    pub(crate) Answer(Verdict),
    "kubernetes.authorization.Decision"
);

impl Subject {
    pub(crate) fn new(authorizer: Arc<dyn Authorizer>) -> Self {
        Self(Question { authorizer, service_account: None, access: Access::default() })
    }

    /// `authorizer.requestResource`.
    pub(crate) fn resource_of(&self, request: &Request<'_>) -> Resource {
        let access = Access {
            group: request.row.group.to_owned(),
            resource: request.row.resource.to_owned(),
            subresource: request.subresource.to_owned(),
            namespace: request.namespace.to_owned(),
            name: request.name.to_owned(),
            ..Access::default()
        };
        Resource(Question { access, ..self.0.clone() })
    }
}

impl Question {
    /// The same with more said.
    fn with(&self, say: impl FnOnce(&mut Access)) -> Self {
        let mut question = self.clone();
        say(&mut question.access);
        question
    }

    fn answer(&self, verb: &CelString<'_>) -> Answer {
        let access = Access { verb: verb.inner().to_owned(), ..self.access.clone() };
        let account = self.service_account.as_ref().map(|(namespace, name)| (namespace.as_str(), name.as_str()));
        Answer(self.authorizer.check(account, &access))
    }
}

pub(crate) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_member_overload!(env, fn path: (Subject, CelString) -> Path)?;
    cel::add_member_overload!(env, fn group: (Subject, CelString) -> Group)?;
    cel::add_member_overload!(env, fn service_account: (Subject, CelString, CelString) -> Subject)?;
    cel::add_member_overload!(env, fn resource: (Group, CelString) -> Resource)?;
    cel::add_member_overload!(env, fn subresource: (Resource, CelString) -> Resource)?;
    cel::add_member_overload!(env, fn namespace: (Resource, CelString) -> Resource)?;
    cel::add_member_overload!(env, fn name: (Resource, CelString) -> Resource)?;
    cel::add_member_overload!(env, fn field_selector: (Resource, CelString) -> Resource)?;
    cel::add_member_overload!(env, fn label_selector: (Resource, CelString) -> Resource)?;
    cel::add_member_overload!(env, fn check_path: (Path, CelString) -> Answer, name = "check")?;
    cel::add_member_overload!(env, fn check_resource: (Resource, CelString) -> Answer, name = "check")?;
    cel::add_member_overload!(env, fn allowed: (Answer) -> CelBool)?;
    cel::add_member_overload!(env, fn errored: (Answer) -> CelBool)?;
    cel::add_member_overload!(env, fn reason: (Answer) -> CelString)?;
    cel::add_member_overload!(env, fn error: (Answer) -> CelString)
}

fn path(subject: &Subject, path: &CelString<'_>) -> Path {
    Path(subject.0.with(|access| access.path = Some(path.inner().to_owned())))
}

fn group(subject: &Subject, group: &CelString<'_>) -> Group {
    Group(subject.0.with(|access| group.inner().clone_into(&mut access.group)))
}

fn service_account(subject: &Subject, namespace: &CelString<'_>, name: &CelString<'_>) -> Subject {
    let account = (namespace.inner().to_owned(), name.inner().to_owned());
    Subject(Question { service_account: Some(account), ..subject.0.clone() })
}

fn resource(group: &Group, resource: &CelString<'_>) -> Resource {
    Resource(group.0.with(|access| resource.inner().clone_into(&mut access.resource)))
}

fn subresource(resource: &Resource, below: &CelString<'_>) -> Resource {
    Resource(resource.0.with(|access| below.inner().clone_into(&mut access.subresource)))
}

fn namespace(resource: &Resource, namespace: &CelString<'_>) -> Resource {
    Resource(resource.0.with(|access| namespace.inner().clone_into(&mut access.namespace)))
}

fn name(resource: &Resource, name: &CelString<'_>) -> Resource {
    Resource(resource.0.with(|access| name.inner().clone_into(&mut access.name)))
}

fn field_selector(resource: &Resource, _selector: &CelString<'_>) -> Resource {
    resource.clone()
}

fn label_selector(resource: &Resource, _selector: &CelString<'_>) -> Resource {
    resource.clone()
}

fn check_path(path: &Path, verb: &CelString<'_>) -> Answer {
    path.0.answer(verb)
}

fn check_resource(resource: &Resource, verb: &CelString<'_>) -> Answer {
    resource.0.answer(verb)
}

fn allowed(answer: &Answer) -> CelBool {
    CelBool::from(answer.0.allowed)
}

/// The rules of a cluster can always be read.
fn errored(_answer: &Answer) -> CelBool {
    CelBool::from(false)
}

fn reason(answer: &Answer) -> CelString<'static> {
    CelString::from(answer.0.reason.clone())
}

fn error(_answer: &Answer) -> CelString<'static> {
    CelString::from(String::new())
}
