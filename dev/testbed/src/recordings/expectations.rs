//! Which differences are expected, and why.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::compare::Difference;
use super::scenario::Scenario;

/// The content of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// Scenario to the feature of a later issue that it needs.
    later: BTreeMap<String, String>,
    /// Differences that are meant.
    meant: Vec<Meant>,
}

/// One difference that is meant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Meant {
    /// The scenarios in which it shows.
    scenarios: Vec<String>,
    /// How its path begins.
    path: String,
    /// Why ours is better.
    why: String,
}

impl Expectations {
    /// Reads the file's text.
    ///
    /// # Errors
    /// It is not what it should be, or a difference has no place or reason.
    pub fn read(text: &str) -> Result<Self, String> {
        let expectations: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        match expectations.meant.iter().find(|m| m.why.is_empty() || m.path.is_empty()) {
            None => Ok(expectations),
            Some(meant) => Err(format!("a difference without a place or reason: {meant:?}")),
        }
    }

    /// The names in it that no scenario has.
    pub fn unknown<'a>(&'a self, scenarios: &[Scenario]) -> Vec<&'a str> {
        let known: BTreeSet<&str> = scenarios.iter().map(|s| s.name.as_str()).collect();
        let named = self.later.keys().chain(self.meant.iter().flat_map(|m| &m.scenarios));
        named.map(String::as_str).filter(|n| !known.contains(n)).collect()
    }

    /// How many scenarios wait for a later feature.
    pub fn count_later(&self) -> usize {
        self.later.len()
    }

    pub(super) fn later(&self, scenario: &str) -> Option<&str> {
        self.later.get(scenario).map(String::as_str)
    }

    pub(super) fn means(&self, scenario: &str, difference: &Difference) -> bool {
        let here = |m: &&Meant| m.scenarios.iter().any(|s| s == scenario);
        self.meant.iter().filter(here).any(|m| difference.path.starts_with(&m.path))
    }
}
