//! Go's `[]byte`.

use std::sync::Arc;

/// A byte slice, cheap to clone. Nothing a template can do changes its bytes.
#[derive(Clone, Debug, Default)]
pub struct Bytes(Option<Arc<[u8]>>);

impl Bytes {
    /// `[]byte(nil)`
    pub const fn nil() -> Self {
        Self(None)
    }

    /// Whether this is `[]byte(nil)`, which `toJson` prints as `null`.
    pub fn is_nil(&self) -> bool {
        self.0.is_none()
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Into<Arc<[u8]>>> From<T> for Bytes {
    fn from(bytes: T) -> Self {
        Self(Some(bytes.into()))
    }
}
