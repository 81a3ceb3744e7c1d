//! From a tree and a spec to objects.

pub mod envsubst;
