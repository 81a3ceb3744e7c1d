//! What errors of the crates below mean to a GitRepository: a reason, and words that upstream's users know.

use api::{GitRepository, reason};
use artifact::PutError;
use fetch::git::{Error, KeyError};
use reconcile::Failure;
use tree::ReadError;

/// The remote did not give what was asked for.
pub(super) fn of_fetch(error: &Error, object: &GitRepository) -> Failure {
    let reference = object.spec.reference.clone().unwrap_or_default();
    let asks = |field: &Option<String>| field.as_ref().is_some_and(|text| !text.is_empty());
    match error {
        // Only for a branch does upstream take an empty repository for one that will have it.
        Error::Empty
            if ![&reference.commit, &reference.name, &reference.tag, &reference.semver].into_iter().any(asks) =>
        {
            Failure::new(reason::EMPTY_GIT_REPOSITORY, error.to_string())
        }
        Error::Key { source: KeyError::Encrypted } => {
            let secret = object.spec.secret_ref.as_ref().map(|reference| reference.name.as_str()).unwrap_or_default();
            let message = format!(
                "SSH identity key is encrypted but no 'password' field was provided in the secret '{}/{secret}'",
                object.namespace()
            );
            Failure::new(reason::AUTHENTICATION_FAILED, message)
        }
        error => {
            let message = format!("failed to checkout and determine revision: {}", chain(error));
            Failure::new(reason::GIT_OPERATION_FAILED, message)
        }
    }
}

/// The rules for what to leave out could not be read.
#[allow(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
pub(super) fn of_ignore(error: ReadError) -> Failure {
    let message = format!("failed to load source ignore patterns from repository: {}", chain(&error));
    Failure::new(reason::SOURCE_IGNORE_ERROR, message)
}

/// The artifact could not be written.
pub(super) fn of_put(error: &PutError) -> Failure {
    let (reason, what) = match error {
        PutError::Directory { .. } => (reason::DIRECTORY_CREATION_FAILED, "failed to create artifact directory"),
        _ => (reason::ARCHIVE_OPERATION_FAILED, "unable to archive artifact to storage"),
    };
    Failure::new(reason, format!("{what}: {}", chain(error)))
}

/// An error with everything that caused it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use api::{GitRepository, GitRepositoryRef};
    use fetch::git::{Error, KeyError, RemoteError};

    use super::of_fetch;

    #[track_caller]
    fn check(error: &Error, reference: GitRepositoryRef, reason: &str, message: &str) {
        let mut object: GitRepository = serde_json::from_value(serde_json::json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": { "name": "repo", "namespace": "apps" },
            "spec": { "url": "https://example.com/r", "interval": "1m", "secretRef": { "name": "key" } },
        }))
        .unwrap();
        object.spec.reference = Some(reference);
        let failure = of_fetch(error, &object);
        assert_eq!((failure.reason, failure.message.as_str()), (reason, message));
    }

    #[test]
    fn reasons_are_upstreams_and_causes_are_told() {
        let (branch, tag) = (
            GitRepositoryRef { branch: Some("main".into()), ..GitRepositoryRef::default() },
            GitRepositoryRef { tag: Some("v1".into()), ..GitRepositoryRef::default() },
        );
        let empty = "git repository is empty";
        check(&Error::Empty, branch.clone(), "EmptyGitRepository", empty);
        let cloned = format!("failed to checkout and determine revision: {empty}");
        check(&Error::Empty, tag, "GitOperationFailed", &cloned);
        check(
            &Error::Key { source: KeyError::Encrypted },
            branch.clone(),
            "AuthenticationFailed",
            "SSH identity key is encrypted but no 'password' field was provided in the secret 'apps/key'",
        );
        let refused = RemoteError::Unauthenticated { reason: "who are you?".into() };
        check(
            &Error::Clone { url: "u".into(), source: refused },
            branch,
            "GitOperationFailed",
            "failed to checkout and determine revision: unable to clone 'u': authentication required: who are you?",
        );
    }
}
