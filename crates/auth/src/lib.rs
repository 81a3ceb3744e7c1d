//! Credentials, TLS and proxies: the only builder of HTTP clients.
//!
//! Whatever is secret lives in a [`Secret`], which no log, error or debug print shows.

mod client;
pub mod git;
mod proxy;
mod secret;
mod tls;

pub use client::{ClientError, Timeouts, http_client};
pub use proxy::{Proxy, ProxyError};
pub use secret::{Secret, SecretData};
pub use tls::{Identity, Tls, TlsError};
