//! Random requests to the real kube-apiserver, whose answers ours must be.
//!
//! - [`server`]: asks it; - [`kinds`]: the kinds that are written; - [`random`]: schemas, objects and edits by chance;
//! - [`structural`]: schemas that demand something, and objects that do not always meet it;
//! - [`step`]: one write and what we say of it; - [`sequence`]: writes of three managers to one object.

pub mod kinds;
pub mod random;
pub mod sequence;
pub mod server;
pub mod step;
pub mod structural;
