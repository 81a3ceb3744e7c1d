//! Fields that are others'.

use std::collections::BTreeMap;
use std::fmt;

use crate::fields::{PathElement, path_text};
use crate::managed::Manager;

/// A field that an apply would change, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Who owns it.
    pub manager: Manager,
    /// The field.
    pub path: Vec<PathElement>,
}

impl Conflict {
    /// The field as messages write it, for example `.spec.replicas`.
    pub fn field(&self) -> String {
        path_text(&self.path)
    }
}

/// As the causes of an API error write it.
impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "conflict with {}", self.manager)
    }
}

/// All fields that an apply would take from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicts(pub Vec<Conflict>);

/// The message of the API error.
impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.0.as_slice() {
            return write!(f, "Apply failed with 1 conflict: {only}: {}", only.field());
        }
        let mut managers: BTreeMap<&Manager, Vec<&Conflict>> = BTreeMap::new();
        for conflict in &self.0 {
            managers.entry(&conflict.manager).or_default().push(conflict);
        }
        write!(f, "Apply failed with {} conflicts: ", self.0.len())?;
        for (index, (manager, conflicts)) in managers.into_iter().enumerate() {
            write!(f, "{}conflicts with {manager}:", if index > 0 { "\n" } else { "" })?;
            conflicts.into_iter().try_for_each(|conflict| write!(f, "\n- {}", conflict.field()))?;
        }
        Ok(())
    }
}

impl std::error::Error for Conflicts {}
