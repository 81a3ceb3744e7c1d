//! Patches: what is sent to change an object without sending it all.
//!
//! Each takes the object in the version of the request and gives the patched one, which is still to be read as an object
//! of its kind. Errors have the texts and the status of kube-apiserver.

mod json;
mod merge;
mod strategic;

pub use json::json;
pub use merge::merge;
pub use strategic::strategic;

/// How an API server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 400: the patch is no patch.
    BadRequest,
    /// 413: the patch asks for too much.
    TooLarge,
    /// 422: the patch does not fit the object. For JSON patches kube-apiserver keeps the reason to itself and says `the
    /// server rejected our request due to an error in our request`.
    Unprocessable,
    /// 500: as upstream answers what it did not foresee.
    Internal,
}

/// A patch cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatchError {
    /// How to answer.
    pub status: Status,
    /// Why, in upstream's words.
    pub message: String,
}

impl PatchError {
    fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

#[cfg(test)]
mod tests;
