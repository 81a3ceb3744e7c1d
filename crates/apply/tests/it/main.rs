//! Apply, wait and prune on a real API server.

mod applying;
mod pruning;
mod trouble;
mod waiting;
mod world;
