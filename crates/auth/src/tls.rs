//! Whom a server must be vouched for by, and as whom we show ourselves.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::secret::{Secret, SecretData};

/// TLS beyond the defaults.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Certificates, in PEM, that are trusted besides the system's.
    pub ca: Option<Vec<u8>>,
    /// What is shown to servers that ask.
    pub identity: Option<Identity>,
}

/// A client certificate with its key, both in PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate, and those that lead to its issuer.
    pub certificates: Vec<u8>,
    /// Its private key.
    pub key: Secret,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The CA file holds no certificate that can be read.
    #[error("the CA certificates ('ca.crt') are not certificates in PEM")]
    Ca,
    /// One of the two is missing.
    #[error("'tls.crt' and 'tls.key' are only of use together: '{missing}' is missing")]
    Half {
        /// The key of the Secret that is not there.
        missing: &'static str,
    },
    /// The client certificate cannot be read.
    #[error("the client certificate ('tls.crt') is not a certificate in PEM")]
    Certificate,
    /// The key cannot be read.
    #[error("the client key ('tls.key') is not a private key in PEM")]
    Key,
    /// They do not belong together, or are of a kind that we do not speak.
    #[error("the client certificate and key cannot be used")]
    Pair {
        /// What the TLS library said.
        source: rustls::Error,
    },
}

impl Tls {
    /// Reads `ca.crt` (or, where that is missing, `caFile`), `tls.crt` and `tls.key`.
    ///
    /// # Errors
    /// [`TlsError::Half`]; the rest is read when a client is built.
    pub fn from_secret(data: &SecretData) -> Result<Self, TlsError> {
        let ca = data.filled("ca.crt").or_else(|| data.filled("caFile")).map(|ca| ca.expose().to_vec());
        let identity = match (data.filled("tls.crt"), data.filled("tls.key")) {
            (Some(certificates), Some(key)) => {
                Some(Identity { certificates: certificates.expose().to_vec(), key: key.clone() })
            }
            (None, None) => None,
            (Some(_), None) => return Err(TlsError::Half { missing: "tls.key" }),
            (None, Some(_)) => return Err(TlsError::Half { missing: "tls.crt" }),
        };
        Ok(Self { ca, identity })
    }

    pub(crate) fn config(&self) -> Result<ClientConfig, TlsError> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|source| TlsError::Pair { source })?
            .with_root_certificates(self.roots()?);
        let Some(identity) = &self.identity else { return Ok(config.with_no_client_auth()) };
        let chain = certificates(&identity.certificates).ok_or(TlsError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(identity.key.expose()).map_err(|_| TlsError::Key)?;
        config.with_client_auth_cert(chain, key).map_err(|source| TlsError::Pair { source })
    }

    fn roots(&self) -> Result<Arc<RootCertStore>, TlsError> {
        let system = system_roots();
        let Some(ca) = &self.ca else { return Ok(system) };
        let mut roots = (*system).clone();
        let (added, _) = roots.add_parsable_certificates(certificates(ca).ok_or(TlsError::Ca)?);
        if added == 0 { Err(TlsError::Ca) } else { Ok(Arc::new(roots)) }
    }
}

/// At least one certificate; none when there is none or one is broken.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!found.is_empty()).then_some(found)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    static PROVIDER: OnceLock<Arc<rustls::crypto::CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider())))
}

/// The system's certificates, read once. A system without any is fine as long as nobody speaks TLS without a CA.
fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    Arc::clone(ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    }))
}

#[cfg(test)]
mod tests {
    use super::Tls;
    use crate::SecretData;

    fn data(pairs: &[(&str, &str)]) -> SecretData {
        pairs.iter().map(|(key, value)| (*key, *value)).collect()
    }

    #[track_caller]
    fn refusal(pairs: &[(&str, &str)]) -> String {
        let tls = Tls::from_secret(&data(pairs));
        tls.and_then(|tls| tls.config()).unwrap_err().to_string()
    }

    #[test]
    fn ca_crt_wins_over_ca_file() {
        let tls = Tls::from_secret(&data(&[("ca.crt", "new"), ("caFile", "old")])).unwrap();
        assert_eq!(tls.ca.unwrap(), b"new");
        let tls = Tls::from_secret(&data(&[("ca.crt", ""), ("caFile", "old")])).unwrap();
        assert_eq!(tls.ca.unwrap(), b"old");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (cert, key) = (signed.cert.pem(), signed.signing_key.serialize_pem());
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().signing_key.serialize_pem();
        assert!(refusal(&[("ca.crt", "x")]).contains("'ca.crt'"));
        assert!(refusal(&[("tls.crt", &cert)]).contains("'tls.key' is missing"));
        assert!(refusal(&[("tls.key", &key)]).contains("'tls.crt' is missing"));
        assert!(refusal(&[("tls.crt", "x"), ("tls.key", &key)]).contains("('tls.crt') is not"));
        assert!(refusal(&[("tls.crt", &cert), ("tls.key", "x")]).contains("('tls.key') is not"));
        assert!(refusal(&[("tls.crt", &cert), ("tls.key", &other)]).contains("cannot be used"));
        let fine = Tls::from_secret(&data(&[("ca.crt", &cert), ("tls.crt", &cert), ("tls.key", &key)])).unwrap();
        fine.config().unwrap();
    }
}
