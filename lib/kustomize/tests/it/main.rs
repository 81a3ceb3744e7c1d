//! kustomize against recorded builds of the real one, and against files written to break it.
#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::match_bool,
    clippy::similar_names,
    reason = "tests put texts together, and name what they compare alike"
)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests read files, say how much ran, and may fail"
)]

mod api;
mod archive;
mod cases;
mod corpus;
mod differential;
mod hostile;
mod random;
mod random_trees;
