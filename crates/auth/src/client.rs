//! The one place where HTTP clients are made.

use std::time::Duration;

use crate::proxy::Proxy;
use crate::tls::{Tls, TlsError};

/// How long parts of a request may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until a connection is up, TLS included.
    pub connect: Duration,
    /// Between any two pieces of an answer.
    pub read: Duration,
    /// For a request and its whole answer.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), read: Duration::from_secs(30), total: None }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Certificates or keys.
    #[error("set up TLS")]
    Tls {
        /// What is wrong with them.
        source: TlsError,
    },
    /// Everything else, which is the proxy.
    #[error("set up the HTTP client")]
    Build {
        /// What the HTTP library said.
        source: reqwest::Error,
    },
}

/// Builds an HTTP client. Without a proxy of its own it uses those of the environment.
///
/// The client follows up to ten redirects, and takes no credentials along to another host or port.
///
/// # Errors
/// By variant of [`ClientError`].
#[allow(clippy::disallowed_methods, reason = "this is where clients are built")]
pub fn http_client(tls: &Tls, proxy: Option<&Proxy>, timeouts: &Timeouts) -> Result<reqwest::Client, ClientError> {
    let mut config = tls.config().map_err(|source| ClientError::Tls { source })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read)
        .referer(false);
    if let Some(total) = timeouts.total {
        client = client.timeout(total);
    }
    if let Some(proxy) = proxy {
        let mut through =
            reqwest::Proxy::all(proxy.address.as_str()).map_err(|source| ClientError::Build { source })?;
        if let Some((username, password)) = &proxy.login {
            through = through.basic_auth(username, &password.expose_text());
        }
        client = client.proxy(through);
    }
    client.build().map_err(|source| ClientError::Build { source })
}

#[cfg(test)]
mod tests {
    use super::{Timeouts, http_client};
    use crate::Tls;

    #[test]
    fn a_client_needs_nothing_set() {
        http_client(&Tls::default(), None, &Timeouts::default()).unwrap();
    }
}
