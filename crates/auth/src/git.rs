//! As whom we talk to a Git server.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::secret::{Secret, SecretData};
use crate::tls::{Tls, TlsError};

/// The user that hosting services expect where a URL names none.
const SSH_USER: &str = "git";

/// Credentials for one repository.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// For `http` and `https`.
    Http {
        /// Who we are.
        login: Login,
        /// Whom we trust, and as whom we show ourselves.
        tls: Tls,
    },
    /// For `ssh`.
    Ssh(Ssh),
}

/// What is sent with each request over HTTP.
#[derive(Debug, Clone, Default)]
pub enum Login {
    /// Nothing.
    #[default]
    Anonymous,
    /// A name and a password, or what stands for one.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A token.
    Bearer(Secret),
}

/// A key, and the keys of those whom we talk to.
#[derive(Debug, Clone)]
pub struct Ssh {
    /// The user on the server.
    pub user: String,
    /// The private key, in any of the usual formats.
    pub identity: Secret,
    /// What the private key is encrypted with.
    pub passphrase: Option<Secret>,
    /// Lines as in OpenSSH's file of that name.
    pub known_hosts: Vec<u8>,
}

/// Why a Secret does not make credentials for a URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// SSH without a key or without known hosts, or a password without a name.
    #[error("invalid '{transport}' auth option: {problem}")]
    Invalid {
        /// The scheme of the URL.
        transport: String,
        /// What is missing.
        problem: &'static str,
    },
    /// A URL of a scheme that Git servers are not reached by.
    #[error("unknown transport '{transport}'")]
    Transport {
        /// The scheme of the URL.
        transport: String,
    },
    /// A token in the Secret, and a name or password in the URL.
    #[error("basic auth and bearer token cannot be set at the same time")]
    Both,
    /// Half a client certificate.
    #[error("TLS")]
    Tls {
        /// Which half.
        source: TlsError,
    },
}

impl Credentials {
    /// Reads what a Secret holds for a URL; without a Secret the data is empty.
    ///
    /// `bearerToken` hides `username` and `password`, and both win over what the URL itself contains.
    ///
    /// # Errors
    /// By variant of [`CredentialsError`].
    ///
    /// # Source
    /// fluxcd/pkg `git` options; spec source §2.7.
    pub fn read(url: &Url, data: &SecretData) -> Result<Self, CredentialsError> {
        match url.scheme() {
            "http" | "https" => Self::http(url, data),
            "ssh" => Self::ssh(url, data),
            other => Err(CredentialsError::Transport { transport: other.to_owned() }),
        }
    }

    fn http(url: &Url, data: &SecretData) -> Result<Self, CredentialsError> {
        let tls = Tls::from_secret(data).map_err(|source| CredentialsError::Tls { source })?;
        let token = data.get("bearerToken");
        let text = |key| data.filled(key).filter(|_| token.is_none());
        let (url_username, url_password) = userinfo(url).unwrap_or_default();
        let username = text("username").map_or(url_username, |username| username.expose_text().into_owned());
        let password = text("password").cloned().unwrap_or(url_password);
        if username.is_empty() && !password.is_empty() {
            let problem = "'password' requires 'username' to be set";
            return Err(CredentialsError::Invalid { transport: url.scheme().to_owned(), problem });
        }
        let login = match token.filter(|token| !token.is_empty()) {
            Some(_) if !username.is_empty() => return Err(CredentialsError::Both),
            Some(token) => Login::Bearer(token.clone()),
            None if username.is_empty() => Login::Anonymous,
            None => Login::Basic { username, password },
        };
        Ok(Self::Http { login, tls })
    }

    fn ssh(url: &Url, data: &SecretData) -> Result<Self, CredentialsError> {
        let missing = |problem| CredentialsError::Invalid { transport: url.scheme().to_owned(), problem };
        let identity = data.filled("identity").ok_or_else(|| missing("'identity' is required"))?;
        let known_hosts = data.filled("known_hosts").ok_or_else(|| missing("'known_hosts' is required"))?;
        let user = userinfo(url).map(|(user, _)| user).filter(|user| !user.is_empty());
        Ok(Self::Ssh(Ssh {
            user: user.unwrap_or_else(|| SSH_USER.to_owned()),
            identity: identity.clone(),
            passphrase: data.filled("password").cloned(),
            known_hosts: known_hosts.expose().to_vec(),
        }))
    }
}

/// The decoded name and password of a URL; none when it has neither.
pub(crate) fn userinfo(url: &Url) -> Option<(String, Secret)> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let username = percent_decode_str(url.username()).decode_utf8_lossy().into_owned();
    let password: Vec<u8> = percent_decode_str(url.password().unwrap_or_default()).collect();
    Some((username, Secret::new(password)))
}

/// Takes name and password out of a URL, so that it can be shown and requested.
pub fn strip_userinfo(url: &mut Url) {
    // Both fail only for URLs that cannot have them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

#[cfg(test)]
mod tests {
    use super::{Credentials, Login};
    use crate::SecretData;

    /// What is sent, as one text.
    #[track_caller]
    fn check(url: &str, pairs: &[(&str, &str)], expected: &str) {
        let data: SecretData = pairs.iter().map(|(key, value)| (*key, *value)).collect();
        let seen = match Credentials::read(&url.parse().unwrap(), &data) {
            Err(error) => error.to_string(),
            Ok(Credentials::Http { login, .. }) => match login {
                Login::Anonymous => "anonymous".into(),
                Login::Basic { username, password } => format!("basic {username}:{}", password.expose_text()),
                Login::Bearer(token) => format!("bearer {}", token.expose_text()),
            },
            Ok(Credentials::Ssh(ssh)) => format!("ssh {} {}", ssh.user, ssh.passphrase.is_some()),
        };
        assert_eq!(seen, expected);
    }

    #[test]
    fn http_takes_the_secret_before_the_url() {
        check("https://example.com/r", &[], "anonymous");
        check("https://example.com/r", &[("username", "u"), ("password", "p")], "basic u:p");
        check("https://example.com/r", &[("username", "u")], "basic u:");
        check("https://a:b%20c@example.com/r", &[], "basic a:b c");
        check("https://a:b@example.com/r", &[("username", "u"), ("password", "p")], "basic u:p");
        check("https://example.com/r", &[("bearerToken", "t"), ("username", "u"), ("password", "p")], "bearer t");
        check("https://example.com/r", &[("bearerToken", "")], "anonymous");
        check(
            "http://example.com/r",
            &[("password", "p")],
            "invalid 'http' auth option: 'password' requires 'username' to be set",
        );
        check(
            "https://a:b@example.com/r",
            &[("bearerToken", "t")],
            "basic auth and bearer token cannot be set at the same time",
        );
    }

    #[test]
    fn ssh_needs_a_key_and_known_hosts() {
        let (key, hosts) = (("identity", "k"), ("known_hosts", "h"));
        check("ssh://example.com/r", &[], "invalid 'ssh' auth option: 'identity' is required");
        check("ssh://example.com/r", &[key], "invalid 'ssh' auth option: 'known_hosts' is required");
        check("ssh://example.com/r", &[key, hosts], "ssh git false");
        check("ssh://me@example.com/r", &[key, hosts, ("password", "p"), ("username", "u")], "ssh me true");
        check("ext::sh -c x", &[], "unknown transport 'ext'");
        check("file:///etc", &[], "unknown transport 'file'");
    }
}
