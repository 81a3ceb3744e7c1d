//! Sources: request in, tree and revision out.
//!
//! Nothing here knows an API object, an artifact's URL or who asks. Foreign servers are given deadlines and limits,
//! and what they send is judged before it is kept.

pub mod git;
pub mod work_tree;
