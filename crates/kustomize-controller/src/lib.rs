//! Reconciles Kustomizations: opens the source's artifact, renders a directory of it, applies what comes out, prunes what
//! left, and waits until it is healthy.

mod controller;
mod dependencies;
mod edges;
mod health;
mod history;
mod pass;
mod settings;
mod source;
mod unsupported;
mod variables;

pub use controller::{Kustomizations, kustomizations};
pub use settings::{Settings, Stores, stage_kinds};
