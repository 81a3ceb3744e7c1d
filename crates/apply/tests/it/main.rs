//! Apply, wait and prune on a real API server.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests, and what they share")]

mod applying;
mod pruning;
mod trouble;
mod waiting;
mod world;
