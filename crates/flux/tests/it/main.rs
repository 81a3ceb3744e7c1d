//! The binary, end to end: `flux run` and the commands against a real API server, with real Git over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "the whole crate is tests")]

mod case;
mod commands;
mod content;
mod crash;
mod git_faults;
mod helm;
mod kubectl;
mod lifecycle;
mod outages;
mod real_cli;
mod sandbox;
