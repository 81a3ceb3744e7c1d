//! Server-side apply as a function: managed fields, merge, conflicts, patches.
//!
//! - [`fields`]: sets of fields as `managedFields` writes them;
//! - [`typed`]: what structured merge does with values of a type: compare, merge, remove, extract;
//! - [`managed`]: who owns which fields, read and written as the API server does; [`managers`] edits the entries alone;
//! - [`write`]: what becomes of an object, and of who owns it, by an apply or any other write;
//! - [`patch`]: the other ways to send a part of an object;
//! - [`scale`]: the owners of an object that is written through its scale;
//! - [`versions`]: what is needed of a kind that has several.

mod conflict;
pub mod fields;
mod last_applied;
pub mod managed;
pub mod managers;
pub mod patch;
pub mod scale;
pub mod typed;
mod updater;
mod values;
pub mod versions;
pub mod write;

pub use conflict::{Conflict, Conflicts};
pub use managed::Time;
pub use updater::{Force, Reset};
pub use write::{ApplyError, Write};
