//! kustomize against recorded builds of the real one, and against files written to break it.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests read files, say how much ran, and may fail"
)]

mod archive;
mod cases;
mod corpus;
mod hostile;
mod random;
