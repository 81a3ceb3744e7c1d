//! Reading and printing, against Go's YAML libraries and against hostile input.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests may panic, read their case files and say what they did not find"
)]

mod corpus;
mod go;
mod hostile;
mod reading;
