//! Why a command failed: one line for people, and at most one hint.

use std::error::Error;

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// Says what went wrong.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if !status.message.is_empty() => Self::new(status.message),
            kube::Error::Api(status) => Self::new(format!("the API server answered {} {}", status.code, status.reason)),
            error => {
                let cause = match &error {
                    // Its Display only names a layer of the client.
                    kube::Error::Service(inner) => chain(inner.as_ref()),
                    error => chain(error),
                };
                Self::new(format!("the API server cannot be asked: {cause}"))
                    .hint("which cluster is meant is decided by --kubeconfig, --context and $KUBECONFIG")
            }
        }
    }
}

/// An error with its causes, each said once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text = format!("{text}: {inner}");
        }
        cause = error.source();
    }
    text
}
