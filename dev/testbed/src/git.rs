//! Git servers that ask who one is: HTTPS with passwords, tokens and certificates, SSH with keys.
//!
//! [`SmartHttp`](crate::SmartHttp) is for everybody else.

mod https;
mod ssh;

pub use https::{Access, Authority, GitHttp, Settings};
pub use ssh::{GitSsh, HostKey};
