//! Keys for Git over SSH: ours are made or read, those of servers are collected.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use russh::client;
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey, PublicKey, PublicKeyOrCertificate};
use russh::{Preferred, keys::ssh_key};

use super::error::KeyError;

/// How long a server may take to show its key.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a new key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with a modulus of this many bits.
    Rsa {
        /// At least 1024.
        bits: usize,
    },
    /// ECDSA over this curve.
    Ecdsa(Curve),
    /// Ed25519.
    Ed25519,
}

/// A curve of NIST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// P-256.
    P256,
    /// P-384.
    P384,
    /// P-521.
    P521,
}

/// A private key, and what a Git server is told of it.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// The private key as text: PKCS#8 in PEM when it was made here, else as it was read.
    pub identity: Secret,
    /// A line as in OpenSSH's `authorized_keys`, with its line feed and no comment.
    pub public: String,
}

impl KeyPair {
    /// Makes a new key.
    ///
    /// # Errors
    /// When the SSH library refuses the size.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let mut random = russh::keys::key::safe_rng();
        let key = match kind {
            KeyKind::Rsa { bits } => ssh_key::private::RsaKeypair::random(&mut random, bits).map(PrivateKey::from),
            KeyKind::Ecdsa(curve) => PrivateKey::random(&mut random, Algorithm::Ecdsa { curve: curve.of_library() }),
            KeyKind::Ed25519 => PrivateKey::random(&mut random, Algorithm::Ed25519),
        };
        let made = |reason: String| KeyError::Made { reason };
        let key = key.map_err(|error| made(error.to_string()))?;
        let der = russh::keys::pkcs8::encode_pkcs8(&key).map_err(|error| made(error.to_string()))?;
        Ok(Self { identity: Secret::new(pem(&der)), public: public_line(&key)? })
    }

    /// Reads a private key in any format that credentials may have.
    ///
    /// # Errors
    /// When it is no key, or the passphrase does not fit.
    pub fn read(identity: Secret, passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        let key = decode(&identity, passphrase)?;
        Ok(Self { public: public_line(&key)?, identity })
    }
}

impl Curve {
    fn of_library(self) -> EcdsaCurve {
        match self {
            Self::P256 => EcdsaCurve::NistP256,
            Self::P384 => EcdsaCurve::NistP384,
            Self::P521 => EcdsaCurve::NistP521,
        }
    }
}

/// A private key in PEM, with the lines of 64 characters that RFC 7468 asks for.
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem + "\n-----END PRIVATE KEY-----\n"
}

fn public_line(key: &PrivateKey) -> Result<String, KeyError> {
    let mut public = key.public_key().clone();
    public.set_comment("");
    let line = public.to_openssh().map_err(|error| KeyError::Made { reason: error.to_string() })?;
    Ok(format!("{}\n", line.trim_end()))
}

/// Reads a private key in any format that the SSH library knows.
pub(super) fn decode(identity: &Secret, passphrase: Option<&Secret>) -> Result<PrivateKey, KeyError> {
    let text = identity.expose_text();
    let passphrase = passphrase.map(|secret| secret.expose_text().into_owned());
    // The reader looks for whole lines; Secrets often end theirs in other ways.
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let text = lines.join("\n") + "\n";
    let encrypted = text.contains("ENCRYPTED") || is_encrypted_openssh(&text);
    match (russh::keys::decode_secret_key(&text, passphrase.as_deref()), encrypted, passphrase) {
        (Ok(key), ..) => Ok(key),
        (Err(_), true, None) => Err(KeyError::Encrypted),
        (Err(_), true, Some(_)) => Err(KeyError::Passphrase),
        (Err(_), false, _) => Err(KeyError::Unreadable),
    }
}

fn is_encrypted_openssh(text: &str) -> bool {
    PrivateKey::from_openssh(text).is_ok_and(|key| key.is_encrypted())
}

/// The server did not show its key.
#[derive(Debug, thiserror::Error)]
#[error("SSH key scan for host '{host}' failed: {reason}")]
pub struct ScanError {
    /// Host and port.
    pub host: String,
    /// In the library's or the system's words.
    pub reason: String,
}

/// Asks the SSH server of a host for its key, and returns it as a line of `known_hosts`. Nobody vouches for that key:
/// whoever asks has to compare it.
///
/// # Errors
/// When the host cannot be reached, or the handshake does not get as far as its key, within half a minute.
pub async fn host_key(host: &str, port: Option<u16>) -> Result<String, ScanError> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = port.unwrap_or(super::ssh::PORT);
    let failed = |reason: String| ScanError { host: format!("{host}:{port}"), reason };
    let shown = Arc::new(Mutex::new(None));
    let scan = async {
        let stream = tokio::net::TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
        let config = client::Config { preferred: preferred(), ..client::Config::default() };
        let ended = client::connect_stream(Arc::new(config), stream, Witness(Arc::clone(&shown))).await;
        let key = shown.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (key, ended) {
            (Some(key), _) => PublicKey::to_openssh(&key).map_err(|error| error.to_string()),
            (None, Err(error)) => Err(error.to_string()),
            (None, Ok(_)) => Err("the server showed no key".to_owned()),
        }
    };
    let line = match tokio::time::timeout(PATIENCE, scan).await {
        Ok(scanned) => scanned.map_err(failed)?,
        Err(_) => return Err(failed(format!("no answer in {} s", PATIENCE.as_secs()))),
    };
    let name = if port == super::ssh::PORT { host.to_owned() } else { format!("[{host}]:{port}") };
    Ok(format!("{name} {}", line.trim_end()))
}

/// ECDSA, then RSA, then Ed25519, as Go's client asks, so that people see the key that Flux would show them.
fn preferred() -> Preferred {
    let mut preferred = Preferred::DEFAULT;
    let mut order: Vec<Algorithm> = preferred.key.to_vec();
    order.sort_by_key(|algorithm| match algorithm {
        Algorithm::Ecdsa { .. } => 0,
        Algorithm::Rsa { .. } => 1,
        _ => 2,
    });
    preferred.key = Cow::Owned(order);
    preferred
}

/// Keeps the key that a server shows, and goes.
struct Witness(Arc<Mutex<Option<PublicKey>>>);

impl client::Handler for Witness {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        if let PublicKeyOrCertificate::PublicKey { key, .. } = shown {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_made_is_read_again() {
        let kinds = [
            (KeyKind::Ed25519, "ssh-ed25519 "),
            (KeyKind::Ecdsa(Curve::P256), "ecdsa-sha2-nistp256 "),
            (KeyKind::Ecdsa(Curve::P384), "ecdsa-sha2-nistp384 "),
            (KeyKind::Ecdsa(Curve::P521), "ecdsa-sha2-nistp521 "),
            (KeyKind::Rsa { bits: 1024 }, "ssh-rsa "),
        ];
        for (kind, algorithm) in kinds {
            let made = KeyPair::generate(kind).unwrap();
            assert!(made.identity.expose_text().starts_with("-----BEGIN PRIVATE KEY-----\n"), "{kind:?}");
            assert!(made.public.starts_with(algorithm) && made.public.ends_with('\n'), "{}", made.public);
            assert_eq!(made.public.split(' ').count(), 2, "a comment in {}", made.public);
            let read = KeyPair::read(made.identity.clone(), None).unwrap();
            assert_eq!(read.public, made.public);
        }
        assert!(matches!(KeyPair::read(Secret::new("no key"), None), Err(KeyError::Unreadable)));
    }
}
