//! Why a template failed.

use std::fmt;

use crate::funcs::Fault;
use crate::strconv;

/// A template's execution failed.
///
/// # Deviation
///
/// Display says everything on one line, what called functions said included, as Go does: charts and their users know
/// these sentences. So there is no `source()`; [`ExecError::cause`] is for those who lay the chain out themselves.
#[derive(Debug)]
pub struct ExecError(Box<Kind>);

#[derive(Debug)]
enum Kind {
    NoTemplate(String),
    Failed(Failure),
}

/// Where and why execution stopped.
#[derive(Debug)]
pub struct Failure {
    /// The name under which the text was parsed.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The byte in the line, from 0, as Go counts.
    pub column: usize,
    /// The template that was executing: the file, or one that it defines.
    pub template: String,
    /// What was being evaluated, as source: `.Values.a.b`
    pub context: String,
    /// The pipeline that it belongs to, as source: `.Values.a.b | quote`
    pub pipeline: String,
    /// What went wrong.
    pub reason: Reason,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reason {
    /// In Go's words.
    Message(String),
    /// A function failed.
    Call {
        /// Its name.
        function: String,
        /// What it said.
        fault: Fault,
    },
    /// The rendering came to a limit.
    Limit(Fault),
}

impl ExecError {
    pub(super) fn no_template(name: &str) -> Self {
        Self(Box::new(Kind::NoTemplate(name.to_owned())))
    }

    pub(super) fn failed(failure: Failure) -> Self {
        Self(Box::new(Kind::Failed(failure)))
    }

    /// Where and why execution stopped; `None` when there was no such template to execute.
    pub fn failure(&self) -> Option<&Failure> {
        match &*self.0 {
            Kind::NoTemplate(_) => None,
            Kind::Failed(failure) => Some(failure),
        }
    }

    /// What a called function said, which may be the error of a template that it executed.
    pub fn cause(&self) -> Option<&Fault> {
        match &self.failure()?.reason {
            Reason::Call { fault, .. } | Reason::Limit(fault) => Some(fault),
            Reason::Message(_) => None,
        }
    }

    /// Whether the rendering came to a limit.
    pub fn is_limit(&self) -> bool {
        self.failure().is_some_and(|failure| match &failure.reason {
            Reason::Limit(_) => true,
            Reason::Call { fault, .. } => fault.is_limit(),
            Reason::Message(_) => false,
        })
    }
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::NoTemplate(name) => write!(f, "template: no template {} is defined", strconv::quote(name.as_bytes())),
            Kind::Failed(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for ExecError {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, template, context, reason, .. } = self;
        let template = strconv::quote(template.as_bytes());
        write!(f, "template: {file}:{line}:{column}: executing {template} at <{context}>: {reason}")
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => f.write_str(message),
            Self::Call { function, fault } => write!(f, "error calling {function}: {fault}"),
            Self::Limit(fault) => fault.fmt(f),
        }
    }
}
