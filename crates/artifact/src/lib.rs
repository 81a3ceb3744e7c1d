//! Artifacts: a source's content as one file, addressed by its bytes.
//!
//! One side packs a tree into a [`Store`] and serves it ([`server`]); the other [opens](Opener) it by URL and digest
//! and reads it as [`tree::Files`]. An artifact crosses between them only through an object's status.

mod digest;
mod open;
mod revision;
pub mod server;
mod store;

pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use open::{OpenError, OpenSettings, Opened, Opener, Retry};
pub use revision::Revision;
pub use store::{
    Artifact, Collected, Place, PlaceError, PutError, Retention, Settings, Store, StoreError, VerifyError,
};
