//! Helm's own functions, and those of sprig that need more than the template engine has.
//!
//! `getHostByName` answers nothing and `env`, `expandenv` are absent: a rendering reads neither network nor
//! environment. `lookup` asks the [`Lookup`] that the caller gives, and nobody where there is none.

mod certificates;
mod data;
mod der;
mod durations;
mod secrets;
mod templates;
mod toml;
mod versions;

use std::sync::Arc;

pub(crate) use data::to_yaml;
use gotemplate::{Funcs, sprig};
use serde_json::Value;
pub(crate) use templates::text_of;

/// Answers `lookup`: objects of the cluster that a chart is rendered for.
pub trait Lookup: Send + Sync {
    /// The object of that name, or all of the kind where `name` is empty, as a list object. An empty namespace means
    /// all of them, or a cluster-scoped kind. `None` when there is no such object.
    ///
    /// # Errors
    /// What the cluster said.
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, String>;
}

/// Every function that a chart may call.
pub fn funcs(lookup: Option<Arc<dyn Lookup>>) -> Funcs {
    let mut funcs = sprig::funcs();
    data::register(&mut funcs);
    durations::register(&mut funcs);
    versions::register(&mut funcs);
    secrets::register(&mut funcs);
    certificates::register(&mut funcs);
    templates::register(&mut funcs, lookup);
    funcs
}
