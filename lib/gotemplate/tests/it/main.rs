//! The crate's behaviour through its public interface.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests may panic, read their case files and say what they ran"
)]

mod corpus;
mod data;
mod fmt;
mod functions;
mod limits;
mod semantics;
mod sprig;
mod template;
