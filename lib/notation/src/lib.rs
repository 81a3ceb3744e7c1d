//! How Kubernetes writes small things.
//!
//! | module | what it answers |
//! |---|---|
//! | [`field`] | How is it said what is wrong with a field? |
//! | [`names`] | What is wrong with a name, a label, a key? |
//! | [`network`] | Is this an address range? |
//! | [`quantity`] | How much is `1.5Gi`, and how is it written? |

pub mod field;
pub mod names;
pub mod network;
pub mod quantity;
