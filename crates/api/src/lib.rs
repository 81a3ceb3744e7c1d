//! Every Flux kind as serde types, and the CRDs generated from them.
//!
//! A kind is a spec type that implements [`Spec`]; the object around it is [`FluxObject`], the same for all kinds.
//! Generic code (the controllers' skeleton, the command line) is written over `S: Spec`.

mod artifact;
mod condition;
mod crd;
mod duration;
mod git_repository;
mod kind;
mod kustomization;
mod object;
mod reference;

pub mod reason;
pub mod well_known;

pub use artifact::Artifact;
pub use condition::{Condition, ConditionType};
pub use crd::crds;
pub use duration::{Duration, DurationError};
pub use git_repository::{
    GitProvider, GitRepositoryInclude, GitRepositoryRef, GitRepositorySpec, GitRepositoryStatus,
    GitRepositoryVerification, VerificationMode,
};
pub use kind::{Column, Kind, Spec, Status};
pub use kustomization::{
    BuildMetadata, CommonMetadata, CustomHealthCheck, Decryption, DecryptionProvider, DeletionPolicy,
    DependencyReference, IgnoreRule, Image, Inventory, KubeConfig, KustomizationSpec, KustomizationStatus, Patch,
    PostBuild, ResourceRef, Selector, Snapshot, SourceKind, SourceReference, SubstituteKind, SubstituteReference,
    SubstituteStrategy,
};
pub use object::{FieldProblem, FluxObject};
pub use reference::{LocalObjectReference, NamespacedObjectKindReference, SecretKeyReference};

/// A Git repository that is watched for new commits.
pub type GitRepository = FluxObject<GitRepositorySpec>;
/// A directory of a source that is built and kept applied.
pub type Kustomization = FluxObject<KustomizationSpec>;
