//! Reconciles sources: fetches them, packs what they hold into artifacts, and keeps these in storage.

mod git_repository;
mod settings;

pub use git_repository::{GitRepositories, git_repositories};
pub use settings::Settings;
