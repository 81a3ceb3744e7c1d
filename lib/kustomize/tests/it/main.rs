//! kustomize against recorded builds of the real one.

#![allow(clippy::print_stderr, reason = "tests tell how much ran")]

mod corpus;
