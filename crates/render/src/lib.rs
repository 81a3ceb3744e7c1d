//! From a tree and a spec to objects: generate, build, substitute, stamp. One pipeline for controllers and command line.

pub mod envsubst;
mod kustomization;
mod stamp;
mod substitute;

pub use kustomization::{Inputs, RenderError, Rendered, kustomization};
pub use stamp::{Owner, is_encrypted_secret};
pub use substitute::{SubstituteError, Variables};
