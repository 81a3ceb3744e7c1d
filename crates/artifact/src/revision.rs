//! Which state of a source an artifact holds.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// `<name>@<algorithm>:<hex>`, e.g. `main@sha1:3ca0…`; without `<name>@` when only a commit or digest was asked for.
///
/// Two revisions are equal when their texts are: nothing is normalised. Charts have versions for revisions and other
/// producers may write what they like, so every text is a revision; only [`Revision::hash`] looks inside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(String);

impl Revision {
    /// A state that has no name.
    pub fn of_hash(algorithm: &str, hex: &str) -> Self {
        Self(format!("{algorithm}:{hex}"))
    }

    /// A state that is known by a branch, tag or other reference.
    pub fn of_name(name: &str, algorithm: &str, hex: &str) -> Self {
        Self(format!("{name}@{algorithm}:{hex}"))
    }

    /// The revision as it is written in a status.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the last `@`.
    pub fn name(&self) -> Option<&str> {
        self.0.rsplit_once('@').map(|(name, _)| name)
    }

    /// The hexadecimal digits after the algorithm, where there is one.
    pub fn hash(&self) -> Option<&str> {
        let digest = self.0.rsplit_once('@').map_or(self.0.as_str(), |(_, digest)| digest);
        let (_, hex) = digest.split_once(':')?;
        (!hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(hex)
    }
}

impl From<String> for Revision {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Revision {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl FromStr for Revision {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Revision;

    #[track_caller]
    fn check(text: &str, name: Option<&str>, hash: Option<&str>) {
        let revision = Revision::from(text);
        assert_eq!((revision.name(), revision.hash(), revision.to_string().as_str()), (name, hash, text));
    }

    #[test]
    fn a_revision_tells_its_name_and_hash() {
        check("main@sha1:3ca0", Some("main"), Some("3ca0"));
        check("feature/x@sha1:00ff", Some("feature/x"), Some("00ff"));
        check("a@b@sha256:00", Some("a@b"), Some("00"));
        check("sha1:3ca0", None, Some("3ca0"));
        check("6.7.1+3ca0", None, None);
        check("main@sha1:<unknown>", Some("main"), None);
        assert_eq!(Revision::of_name("refs/heads/main", "sha1", "00").as_str(), "refs/heads/main@sha1:00");
        assert_eq!(Revision::of_hash("sha1", "00").as_str(), "sha1:00");
    }
}
