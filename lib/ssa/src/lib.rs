//! Server-side apply as a function: managed fields, merge, conflicts.
//!
//! So far: sets of fields as `managedFields` writes them ([`fields`]), and who owns which ([`managers`]).

pub mod fields;
pub mod managers;
