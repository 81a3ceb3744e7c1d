//! Helm without Helm: corpora, case files, and what the real helm printed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod corpus;
mod functions;
mod hostile;
mod layers;
mod release;
mod render;
mod strvals;
