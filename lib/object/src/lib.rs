//! A Kubernetes object as data: identity, selectors, order of apply and delete, inventory, health.
//!
//! | module | what it answers |
//! |---|---|
//! | [`read`] | Which objects does a file hold, and where do they stand? |
//! | [`order`] | In which order are objects applied, and deleted? |
//! | [`go_struct`] | What does Go make of an object of a built-in kind when it reads and prints it? |
//! | [`normalise()`] | What does Flux make of an object before it applies it? |
//! | [`selector`] | Is this one of the objects that are meant? |
//! | [`health`] | Has an object become what it was asked to be? |
//! | [`inventory`] | Which objects does a Kustomization own, and which of them left Git? |

pub mod go_struct;
pub mod health;
mod id;
pub mod inventory;
mod kind;
mod normalise;
mod object;
pub mod order;
pub mod read;
pub mod selector;

pub use id::ObjectId;
pub use kind::{GroupKind, GroupVersionKind};
pub use normalise::normalise;
pub use object::{InvalidObject, Object, Origin};
