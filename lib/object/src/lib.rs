//! A Kubernetes object as data: identity, selectors, order of apply and delete, inventory, health.
//!
//! | module | what it answers |
//! |---|---|
//! | [`order`] | In which order are objects applied, and deleted? |
//! | [`inventory`] | Which objects does a Kustomization own, and which of them left Git? |

mod id;
pub mod inventory;
mod kind;
mod object;
pub mod order;

mod normalise;
pub use normalise::normalise;

pub use id::ObjectId;
pub use kind::{GroupKind, GroupVersionKind};
pub use object::{InvalidObject, Object, Origin};
