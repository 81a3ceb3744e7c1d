//! A read-only file tree as a value: safe paths, ignore rules, archive limits.
//!
//! Everything that is built from files takes a [`Files`], so that a Git object database, an unpacked artifact, a
//! directory on a developer's disk and a test's few strings are one and the same to it.

pub mod archive;
mod files;
mod ignore;
mod index;
mod memory;
mod path;

pub use files::{Entry, Files, Kind, ReadError};
pub use ignore::Ignore;
pub use index::{Index, InsertError};
pub use memory::Tree;
pub use path::{PathError, TreePath};
