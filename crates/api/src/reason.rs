//! The reasons in conditions and events. Other tools match on them, so they are upstream's to the letter.

/// All is as the spec wants it (sources).
pub const SUCCEEDED: &str = "Succeeded";
/// It failed, and nothing more precise is known.
pub const FAILED: &str = "Failed";
/// Work is under way.
pub const PROGRESSING: &str = "Progressing";
/// The last attempt failed, another one follows.
pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
/// The object is suspended.
pub const SUSPENDED: &str = "Suspended";
/// Something that the object refers to is not there yet.
pub const DEPENDENCY_NOT_READY: &str = "DependencyNotReady";
/// An expression of the spec is not valid CEL.
pub const INVALID_CEL_EXPRESSION: &str = "InvalidCELExpression";
/// A field needs a feature gate that is off.
pub const FEATURE_GATE_DISABLED: &str = "FeatureGateDisabled";
/// The controller's settings forbid the reference.
pub const ACCESS_DENIED: &str = "AccessDenied";

/// Sources: a new artifact was stored.
pub const NEW_ARTIFACT: &str = "NewArtifact";
/// Sources: nothing changed since the stored artifact.
pub const ARTIFACT_UP_TO_DATE: &str = "ArtifactUpToDate";
/// Sources: the origin has a newer revision.
pub const NEW_REVISION: &str = "NewRevision";
/// Sources: an included source changed.
pub const INCLUDE_CHANGE: &str = "IncludeChange";
/// Sources: the address is not usable.
pub const URL_INVALID: &str = "URLInvalid";
/// Sources: the credentials are missing, unusable or refused.
pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
/// Git: the remote could not be read.
pub const GIT_OPERATION_FAILED: &str = "GitOperationFailed";
/// Git: the remote was read.
pub const GIT_OPERATION_SUCCEEDED: &str = "GitOperationSucceeded";
/// Git: the remote has no commit.
pub const EMPTY_GIT_REPOSITORY: &str = "EmptyGitRepository";
/// Git: provider and credentials do not fit together.
pub const INVALID_PROVIDER_CONFIGURATION: &str = "InvalidProviderConfiguration";
/// Sources: an included source is not there.
pub const NOT_FOUND: &str = "NotFound";
/// Sources: an included source has no artifact.
pub const NO_ARTIFACT: &str = "NoArtifact";
/// Sources: a directory of the storage could not be made.
pub const DIRECTORY_CREATION_FAILED: &str = "DirectoryCreationFailed";
/// Sources: the content could not be looked at.
pub const STAT_OPERATION_FAILED: &str = "StatOperationFailed";
/// Sources: what should be a directory is none.
pub const INVALID_PATH: &str = "InvalidPath";
/// Sources: a path leads out of its root.
pub const ILLEGAL_PATH: &str = "IllegalPath";
/// Sources: the artifact could not be packed.
pub const ARCHIVE_OPERATION_FAILED: &str = "ArchiveOperationFailed";
/// Sources: included content could not be copied.
pub const COPY_FAILURE: &str = "CopyFailure";
/// Sources: the ignore rules could not be read.
pub const SOURCE_IGNORE_ERROR: &str = "SourceIgnoreError";
/// Sources: the status could not be written.
pub const PATCH_OPERATION_FAILED: &str = "PatchOperationFailed";
/// Sources: the stored artifact is not the one that was stored.
pub const ARTIFACT_VERIFICATION_FAILED: &str = "ArtifactVerificationFailed";
/// Sources: old artifacts were removed.
pub const GARBAGE_COLLECTION_SUCCEEDED: &str = "GarbageCollectionSucceeded";
/// Sources: old artifacts could not be removed.
pub const GARBAGE_COLLECTION_FAILED: &str = "GarbageCollectionFailed";
/// Sources: the signature could not be checked.
pub const VERIFICATION_ERROR: &str = "VerificationError";
/// Sources: the mode of verification needs a tag.
pub const INVALID_VERIFICATION_MODE: &str = "InvalidVerificationMode";
/// Sources: what should be signed carries no signature.
pub const INVALID_GIT_OBJECT: &str = "InvalidGitObject";
/// Sources: the tag's signature is not by a trusted key.
pub const INVALID_TAG_SIGNATURE: &str = "InvalidTagSignature";
/// Sources: the commit's signature is not by a trusted key.
pub const INVALID_COMMIT_SIGNATURE: &str = "InvalidCommitSignature";

/// Kustomizations: applied, and healthy where that was asked.
pub const RECONCILIATION_SUCCEEDED: &str = "ReconciliationSucceeded";
/// Kustomizations: the objects could not be applied.
pub const RECONCILIATION_FAILED: &str = "ReconciliationFailed";
/// Kustomizations: the source has nothing that could be used.
pub const ARTIFACT_FAILED: &str = "ArtifactFailed";
/// Kustomizations: the objects could not be built.
pub const BUILD_FAILED: &str = "BuildFailed";
/// Kustomizations: what left the source could not be deleted.
pub const PRUNE_FAILED: &str = "PruneFailed";
/// Kustomizations: something is not healthy, or not in time.
pub const HEALTH_CHECK_FAILED: &str = "HealthCheckFailed";
/// Kustomizations: newer content came while health was awaited.
pub const HEALTH_CHECK_CANCELED: &str = "HealthCheckCanceled";
