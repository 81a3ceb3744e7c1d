//! Who asks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Whoever a request comes from, or acts for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// `system:serviceaccount:flux-system:flux`.
    pub name: String,
    /// The uid, empty for those that are no objects.
    pub uid: String,
    /// The groups, with `system:authenticated`.
    pub groups: Vec<String>,
    /// What else is known.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Whom nothing limits.
pub(crate) const MASTERS: &str = "system:masters";
/// Everybody who is known.
pub(crate) const AUTHENTICATED: &str = "system:authenticated";

impl User {
    pub(crate) fn new(name: impl Into<String>, groups: impl IntoIterator<Item = String>) -> Self {
        let mut groups: Vec<String> = groups.into_iter().collect();
        if !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.to_owned());
        }
        Self { name: name.into(), uid: String::new(), groups, extra: BTreeMap::new() }
    }

    /// The account of a workload.
    pub(crate) fn service_account(namespace: &str, name: &str, uid: &str) -> Self {
        let groups = ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
        let user = Self::new(format!("system:serviceaccount:{namespace}:{name}"), groups);
        Self { uid: uid.to_owned(), ..user }
    }

    /// Namespace and name, when it is a service account.
    pub(crate) fn as_service_account(&self) -> Option<(&str, &str)> {
        self.name.strip_prefix("system:serviceaccount:")?.split_once(':')
    }

    pub(crate) fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|one| one == group)
    }

    /// `userInfo` of reviews.
    pub(crate) fn to_value(&self) -> Value {
        let mut info = json!({ "username": self.name });
        if !self.uid.is_empty() {
            info["uid"] = self.uid.as_str().into();
        }
        if !self.groups.is_empty() {
            info["groups"] = self.groups.clone().into();
        }
        if !self.extra.is_empty() {
            info["extra"] = json!(self.extra);
        }
        info
    }
}
