//! A path inside a tree that cannot point outside of it.

use std::borrow::Borrow;
use std::fmt;

/// A relative path with `/` between its parts, from the root of a tree. The root itself is the empty path.
///
/// *Guarantees*: no part is empty, `.` or `..`; there is no leading or trailing slash, no NUL and no backslash. So a
/// `TreePath` may be joined to a folder of the real disk and stays inside of it, as far as links do.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

/// Why a text is not a path inside a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It starts at the root of a file system.
    #[error("path {path:?} is absolute; it must be relative to the root of the tree")]
    Absolute {
        /// The text as given.
        path: String,
    },
    /// Its `..` parts lead out of the tree.
    #[error("path {path:?} leads out of the tree")]
    Outside {
        /// The text as given, below what it was joined to.
        path: String,
    },
    /// It holds a NUL byte or a backslash, which other readers of the same name take for something else.
    #[error("path {path:?} holds the character {character:?}")]
    Character {
        /// The text as given.
        path: String,
        /// What is not allowed.
        character: char,
    },
}

impl TreePath {
    /// The root of every tree.
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// Reads a path that never goes up. Parts that say nothing (`.`, doubled and trailing slashes) are dropped.
    ///
    /// # Errors
    /// Any `..` is [`PathError::Outside`], even one that would stay inside: use [`TreePath::join`] where `..` is legal.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.split('/').any(|part| part == "..") {
            return Err(PathError::Outside { path: text.to_owned() });
        }
        Self::root().join(text)
    }

    /// Follows a relative path from here, `.` and `..` included, without looking at any file.
    ///
    /// # Errors
    /// [`PathError::Outside`] as soon as `..` leaves the root, also when later parts would come back.
    pub fn join(&self, relative: &str) -> Result<Self, PathError> {
        if let Some(character) = relative.chars().find(|c| matches!(c, '\0' | '\\')) {
            return Err(PathError::Character { path: relative.to_owned(), character });
        }
        if relative.starts_with('/') {
            return Err(PathError::Absolute { path: relative.to_owned() });
        }
        let mut joined = self.0.clone();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." if joined.is_empty() => {
                    let path = if self.0.is_empty() { relative.to_owned() } else { format!("{}/{relative}", self.0) };
                    return Err(PathError::Outside { path });
                }
                ".." => joined.truncate(joined.rfind('/').unwrap_or(0)),
                name => {
                    if !joined.is_empty() {
                        joined.push('/');
                    }
                    joined.push_str(name);
                }
            }
        }
        Ok(Self(joined))
    }

    /// The path as text: `""` for the root, else parts with single slashes between them.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for the empty path.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last part; none for the root.
    pub fn name(&self) -> Option<&str> {
        self.parts().next_back()
    }

    /// The directory that holds this path; none for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(self.0.rfind('/').map_or_else(String::new, |slash| self.0[..slash].to_owned())))
    }

    /// The parts from the root down.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// What remains of this path below `directory`; none when it does not lie there. A path lies in itself.
    pub fn strip_prefix(&self, directory: &Self) -> Option<Self> {
        if directory.is_root() {
            return Some(self.clone());
        }
        let rest = self.0.strip_prefix(&directory.0)?;
        if rest.is_empty() {
            return Some(Self::root());
        }
        rest.strip_prefix('/').map(|rest| Self(rest.to_owned()))
    }

    /// True when this path is `directory` or lies below it, by whole parts.
    pub fn starts_with(&self, directory: &Self) -> bool {
        directory.is_root()
            || self.0.strip_prefix(&directory.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The path of an entry of this directory.
    pub(crate) fn child(&self, name: &str) -> Self {
        if self.is_root() { Self(name.to_owned()) } else { Self(format!("{}/{name}", self.0)) }
    }
}

impl fmt::Display for TreePath {
    /// The root prints as `.`, so that messages have something to show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "." } else { &self.0 })
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for TreePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for TreePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TreePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{PathError, TreePath};

    #[track_caller]
    fn check_join(from: &str, relative: &str, expected: Result<&str, &str>) {
        let joined = TreePath::parse(from).unwrap().join(relative);
        let seen = joined.as_ref().map(TreePath::as_str).map_err(ToString::to_string);
        assert_eq!(seen, expected.map_err(str::to_owned), "{from:?} + {relative:?}");
    }

    #[test]
    fn join_resolves_dots_without_leaving_the_root() {
        check_join("", "a/b", Ok("a/b"));
        check_join("a/b", "../c", Ok("a/c"));
        check_join("a/b", "../../c", Ok("c"));
        check_join("a", "..", Ok(""));
        check_join("a", "./b//c/.", Ok("a/b/c"));
        check_join("a", "", Ok("a"));
        check_join("a", "../..", Err("path \"a/../..\" leads out of the tree"));
        check_join("a", "../../a/b", Err("path \"a/../../a/b\" leads out of the tree"));
        check_join(
            "a",
            "/etc/passwd",
            Err("path \"/etc/passwd\" is absolute; it must be relative to the root of the tree"),
        );
        check_join("a", "..\\b", Err("path \"..\\\\b\" holds the character '\\\\'"));
        check_join("a", "b\0c", Err("path \"b\\0c\" holds the character '\\0'"));
        check_join("a", "..b/...", Ok("a/..b/..."));
    }

    #[test]
    fn parse_refuses_every_step_up() {
        assert_eq!(TreePath::parse("./deploy/").unwrap().as_str(), "deploy");
        assert_eq!(TreePath::parse("").unwrap(), TreePath::root());
        assert!(matches!(TreePath::parse("a/../b"), Err(PathError::Outside { .. })));
        assert!(matches!(TreePath::parse(".."), Err(PathError::Outside { .. })));
    }

    #[test]
    fn prefixes_are_whole_parts() {
        let path = TreePath::parse("apps/web/deploy.yaml").unwrap();
        assert_eq!(path.strip_prefix(&TreePath::parse("apps/web").unwrap()).unwrap().as_str(), "deploy.yaml");
        assert!(path.strip_prefix(&TreePath::parse("apps/we").unwrap()).is_none());
        assert!(path.starts_with(&TreePath::root()));
        assert!(!path.starts_with(&TreePath::parse("app").unwrap()));
        assert_eq!(path.name(), Some("deploy.yaml"));
        assert_eq!(path.parent().unwrap().as_str(), "apps/web");
        assert_eq!(TreePath::root().parent(), None);
        assert_eq!(TreePath::root().to_string(), ".");
    }
}
