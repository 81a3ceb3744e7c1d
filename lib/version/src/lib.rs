//! Semantic versions and constraints by the rules of Masterminds/semver v3, which Helm, sprig and Flux use.
//!
//! - [`Version`]: `1.2.3-rc.1+build`, read loosely (`v1.2`) or strictly.
//! - [`Constraint`]: `>=1.2 <2 || ~3.1`, checked against versions, with the reasons when one does not fit.
//!
//! Those rules are not Cargo's: a bare `1.2` means any patch of 1.2, `||`, hyphen ranges and wildcards exist, and a
//! prerelease only fits where the constraint names one.

mod constraint;
mod version;

pub use constraint::{Constraint, ConstraintError, Unmet};
pub use version::{ParseError, Version};

/// The longest version text that is read, in bytes.
pub const MAX_VERSION_LEN: usize = 256;

/// The longest constraint text that is read, in bytes.
pub const MAX_CONSTRAINT_LEN: usize = 512;

/// The largest number of `||` alternatives in one constraint.
pub const MAX_ALTERNATIVES: usize = 32;
