//! Trees as `.tar.gz`: one canonical way to write, and a reader that trusts nothing.

mod header;
mod read;
mod write;

pub use read::{Limits, ReadArchiveError, Visit, read, visit};
pub use write::{WriteArchiveError, write};

/// The unit of a tar archive in bytes.
const BLOCK: usize = 512;

#[cfg(test)]
mod tests;
