//! The crate's behaviour through its public interface.

mod corpus;
mod data;
mod fmt;
mod functions;
mod template;
