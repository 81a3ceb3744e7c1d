//! The crate's behaviour through its public interface.

mod corpus;
mod fmt;
mod functions;
