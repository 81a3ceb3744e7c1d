//! An embedded Kubernetes API server: it serves any kind, and knows no Flux.
//!
//! | module | what it answers |
//! |---|---|
//! | [`server`] | How is one started, reached and stopped? |
//! | [`resource`] | What is served: the resources of all groups and versions, as data |
//! | [`kinds`] | Which kinds are built in, and how are they shown? |
//! | [`prepare()`](prepare::prepare) | What is stored of what a client wrote? |
//! | `store` | Which objects are there, which were there, and what has changed since? |
//! | `verbs` | What does each verb make of objects and options? |
//! | `access` | Who asks, and may they? |
//! | `http` | How do requests and answers look on the wire? |
//! | `controllers` | What does a cluster do by itself? |
//! | [`simulate`] | How does what runs become ready where nothing runs? |

#![allow(clippy::similar_names, reason = "a shelf is not self: the words are what they are")]

mod access;
mod allocate;
mod amounts;
mod api;
mod bootstrap;
mod controllers;
mod failure;
mod http;
pub mod kinds;
mod meta;
pub mod prepare;
pub mod resource;
pub mod server;
pub mod simulate;
mod store;
mod verbs;

pub use access::user::User;
pub use server::{Options, Server, StartError};
