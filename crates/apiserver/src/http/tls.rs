//! The certificates: an authority of this server's own, and what it serves with.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The names under which the server is reached.
const NAMES: [&str; 5] = ["127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];

/// A certificate cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// It cannot be made.
    #[error("make a certificate")]
    Make(#[source] rcgen::Error),
    /// It cannot be used.
    #[error("serve with a certificate")]
    Use(#[source] rustls::Error),
}

/// An authority, as it is kept between two starts.
#[derive(Clone)]
pub(crate) struct Authority {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// [`TlsError::Make`].
    pub(crate) fn generate() -> Result<Self, TlsError> {
        let key = KeyPair::generate().map_err(TlsError::Make)?;
        let certificate = params().and_then(|params| params.self_signed(&key)).map_err(TlsError::Make)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// What a server needs to answer as one that the authority vouches for.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(crate) fn server(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let made = || {
            let issuer = Issuer::new(params()?, KeyPair::from_pem(&self.key)?);
            let mut params = CertificateParams::new(NAMES.map(String::from).to_vec())?;
            params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            let key = KeyPair::generate()?;
            let certificate = params.signed_by(&key, &issuer)?;
            Ok((certificate.der().clone(), key.serialize_der()))
        };
        let (certificate, key) = made().map_err(TlsError::Make)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Use)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .map_err(TlsError::Use)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// What the authority says of itself: the same at every start.
fn params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "kubernetes");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    Ok(params)
}
