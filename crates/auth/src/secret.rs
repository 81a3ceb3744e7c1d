//! Values that must not be seen.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Bytes that Debug does not show. There is no Display: whoever needs the value says so with [`Secret::expose`].
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Hides bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The value, for the one place that sends or uses it.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The value as text, for the one place that sends or uses it. What is not UTF-8 is replaced.
    pub fn expose_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// True when there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// The data of a Kubernetes Secret, decoded.
#[derive(Debug, Clone, Default)]
pub struct SecretData(BTreeMap<String, Secret>);

impl SecretData {
    /// The value of a key, also when it is empty.
    pub fn get(&self, key: &str) -> Option<&Secret> {
        self.0.get(key)
    }

    /// The value of a key, unless it is empty or not there.
    pub fn filled(&self, key: &str) -> Option<&Secret> {
        self.get(key).filter(|value| !value.is_empty())
    }

    /// True when there are no keys at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>, V: Into<Vec<u8>>> FromIterator<(K, V)> for SecretData {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(data: I) -> Self {
        Self(data.into_iter().map(|(key, value)| (key.into(), Secret::new(value))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, SecretData};

    #[test]
    fn s4_a_secret_does_not_show_itself() {
        let data: SecretData = [("password", "hunter2")].into_iter().collect();
        let shown = format!("{:?} {data:?} {:#?}", Secret::new("hunter2"), data.get("password"));
        assert!(!shown.contains("hunter2") && !shown.contains("104"), "{shown}");
        assert_eq!(data.get("password").unwrap().expose_text(), "hunter2");
        assert!(data.filled("none").is_none());
    }
}
