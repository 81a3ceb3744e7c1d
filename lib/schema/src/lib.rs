//! What a Kubernetes value may be.
//!
//! [`Schemas`] holds the types of many kinds as one arena of [`Node`]s. Two readers fill it: one for the OpenAPI v3
//! documents that kube-apiserver serves, a group version at a time, and one for the structural schema of a CRD's version.
//! Descriptions are not kept: who explains kinds to people has the document they came from.

mod checks;
mod crd;
pub mod default;
mod node;
mod openapi;
pub mod prune;
mod read;
pub mod rules;
mod schemas;
mod validate;
mod zero;

pub use checks::Checks;
pub use node::{Additional, Field, Format, Id, Limits, ListType, MapType, Node, PatchStrategy, Rule, Type};
pub use read::ReadError;
pub use schemas::{Kind, Schemas};
pub use validate::is_known_format;

#[cfg(test)]
mod tests;
