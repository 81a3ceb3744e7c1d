//! One way to talk to a server, whatever carries it.

use auth::git::Credentials;
use bytes::Bytes;
use gix_hash::ObjectId;

use super::error::{Error, RemoteError};
use super::wire::{Advertisement, Answer, Lines};
use super::{GitRequest, http, ssh};

pub(super) enum Connection {
    Http(Box<http::Remote>),
    Ssh(Box<ssh::Remote>),
}

/// An answer as it comes in.
pub(super) enum Body<'a> {
    Http(Box<http::Answer>),
    Ssh(&'a mut ssh::Remote),
    #[cfg(test)]
    Chunks(std::collections::VecDeque<Bytes>),
}

impl Connection {
    /// Prepares to talk; nothing is sent over HTTP yet, while SSH shakes hands.
    pub(super) async fn open(request: &GitRequest, credentials: &Credentials) -> Result<Self, Error> {
        let mismatch = || Error::Scheme { scheme: request.url.scheme().to_owned() };
        match (credentials, request.url.scheme()) {
            (Credentials::Http { login, tls }, "http" | "https") => {
                let remote = http::Remote::new(request, login.clone(), tls);
                remote.map(|remote| Self::Http(Box::new(remote))).map_err(|source| Error::Client { source })
            }
            (Credentials::Ssh(credentials), "ssh") => {
                let remote = ssh::Remote::connect(request, credentials).await?;
                Ok(Self::Ssh(Box::new(remote)))
            }
            _ => Err(mismatch()),
        }
    }

    pub(super) async fn list(&mut self, limit: u64, keep: impl Fn(&str) -> bool) -> Result<Advertisement, RemoteError> {
        const WHAT: &str = "the list of references";
        match self {
            Self::Http(remote) => {
                let body = Body::Http(Box::new(remote.list().await?));
                Advertisement::read(&mut Lines::new(body, limit, WHAT), keep).await
            }
            Self::Ssh(remote) => {
                let read = Advertisement::read(&mut Lines::new(Body::Ssh(remote), limit, WHAT), keep).await;
                match read {
                    // What the server's program has to say goes beside the protocol, and says more.
                    Err(RemoteError::Protocol { what }) => {
                        Err(remote.complaint().await.unwrap_or(RemoteError::Protocol { what }))
                    }
                    read => read,
                }
            }
        }
    }

    pub(super) async fn fetch<'a>(
        &'a mut self,
        wants: &[ObjectId],
        shallow: bool,
        advertised: &Advertisement,
    ) -> Result<Answer<'a>, RemoteError> {
        let (request, side_band) = (advertised.request(wants, shallow), advertised.has_side_band());
        let body = match self {
            Self::Http(remote) => Body::Http(Box::new(remote.fetch(request).await?)),
            Self::Ssh(remote) => {
                remote.send(request).await?;
                Body::Ssh(remote)
            }
        };
        Ok(Answer { body, side_band })
    }

    /// Leaves politely when nothing is wanted.
    pub(super) async fn close(self) {
        if let Self::Ssh(remote) = self {
            remote.close().await;
        }
    }
}

impl Body<'_> {
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, RemoteError> {
        match self {
            Self::Http(answer) => answer.chunk().await,
            Self::Ssh(remote) => remote.chunk().await,
            #[cfg(test)]
            Self::Chunks(chunks) => Ok(chunks.pop_front()),
        }
    }
}
