//! A proxy between us and the servers of one object.

use url::Url;

use crate::secret::{Secret, SecretData};

/// Longer addresses are a mistake.
const LONGEST: usize = 2048;

/// A proxy for every request of a client.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Scheme, host and port, without credentials.
    pub address: Url,
    /// For proxies that ask who one is.
    pub login: Option<(String, Secret)>,
}

/// Why a Secret is no proxy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// There is no address.
    #[error("the proxy Secret has no key 'address'")]
    Missing,
    /// The address is not one.
    #[error("the proxy 'address' is not a URL of at most 2048 characters")]
    Address,
    /// The address says to speak something that we do not.
    #[error("the proxy 'address' has the scheme {scheme:?}; use http, https or socks5")]
    Scheme {
        /// What stands before `://`.
        scheme: String,
    },
}

impl Proxy {
    /// Reads `address`, `username` and `password`. Credentials within the address count where the keys are missing.
    ///
    /// # Errors
    /// By variant of [`ProxyError`].
    pub fn from_secret(data: &SecretData) -> Result<Self, ProxyError> {
        let address = data.filled("address").ok_or(ProxyError::Missing)?.expose_text();
        let mut address: Url =
            address.trim().parse().ok().filter(|_| address.len() <= LONGEST).ok_or(ProxyError::Address)?;
        if !matches!(address.scheme(), "http" | "https" | "socks5") {
            return Err(ProxyError::Scheme { scheme: address.scheme().to_owned() });
        }
        let login = match data.filled("username") {
            Some(username) => {
                let password = data.get("password").cloned().unwrap_or_default();
                Some((username.expose_text().into_owned(), password))
            }
            None => crate::git::userinfo(&address),
        };
        crate::git::strip_userinfo(&mut address);
        Ok(Self { address, login })
    }
}

#[cfg(test)]
mod tests {
    use super::Proxy;

    /// `address username:password`, or the refusal.
    #[track_caller]
    fn check(pairs: &[(&str, &str)], expected: &str) {
        let proxy = Proxy::from_secret(&pairs.iter().map(|(key, value)| (*key, *value)).collect());
        let seen = match proxy {
            Err(error) => error.to_string(),
            Ok(Proxy { address, login: None }) => address.to_string(),
            Ok(Proxy { address, login: Some((username, password)) }) => {
                format!("{address} {username}:{}", password.expose_text())
            }
        };
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_proxy_has_an_address_and_maybe_a_login() {
        check(&[("address", "http://proxy:3128")], "http://proxy:3128/");
        let login = [("address", "socks5://proxy:1080"), ("username", "u"), ("password", "p")];
        check(&login, "socks5://proxy:1080 u:p");
        check(&[("address", "http://u:p%40@proxy:3128")], "http://proxy:3128/ u:p@");
        check(&[], "the proxy Secret has no key 'address'");
        check(&[("address", "proxy")], "the proxy 'address' is not a URL of at most 2048 characters");
        check(&[("address", "ftp://proxy")], "the proxy 'address' has the scheme \"ftp\"; use http, https or socks5");
    }
}
