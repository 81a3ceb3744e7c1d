//! Who asks, and what they may do.

pub(crate) mod authenticate;
pub(crate) mod escalation;
pub(crate) mod rbac;
pub(crate) mod reviews;
pub(crate) mod token;
pub(crate) mod user;
