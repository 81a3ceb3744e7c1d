//! Versions and constraints against what Masterminds/semver v3.5 answers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod constraint;
mod version;
