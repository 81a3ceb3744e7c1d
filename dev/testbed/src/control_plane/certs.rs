//! The certificate authority, server certificate and service account key of one control plane.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::StartError;

/// Where the files lie, and the authority's certificate for kubeconfigs.
#[derive(Debug)]
pub(super) struct Certs {
    pub(super) ca_pem: String,
    pub(super) ca: PathBuf,
    pub(super) server: PathBuf,
    pub(super) server_key: PathBuf,
    pub(super) service_account_key: PathBuf,
    /// The API server takes no PKCS #8 private key where it wants a public one.
    pub(super) service_account_public_key: PathBuf,
}

/// Writes them into `folder`.
pub(super) fn write(folder: &Path) -> Result<Certs, StartError> {
    let pem = generate().map_err(StartError::Certificate)?;
    let certs = Certs {
        ca: folder.join("ca.crt"),
        server: folder.join("server.crt"),
        server_key: folder.join("server.key"),
        service_account_key: folder.join("service-account.key"),
        service_account_public_key: folder.join("service-account.pub"),
        ca_pem: pem.ca,
    };
    super::write(&certs.ca, &certs.ca_pem)?;
    super::write(&certs.server, &pem.server)?;
    super::write(&certs.server_key, &pem.server_key)?;
    super::write(&certs.service_account_key, &pem.service_account_key)?;
    super::write(&certs.service_account_public_key, &pem.service_account_public_key)?;
    Ok(certs)
}

struct Pem {
    ca: String,
    server: String,
    server_key: String,
    service_account_key: String,
    service_account_public_key: String,
}

fn generate() -> Result<Pem, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "testbed");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let ca_key = KeyPair::generate()?;
    let ca = params.self_signed(&ca_key)?;
    let issuer = Issuer::new(params, ca_key);

    let names = ["127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    let server_params = CertificateParams::new(names.map(String::from).to_vec())?;
    let server_key = KeyPair::generate()?;
    let server = server_params.signed_by(&server_key, &issuer)?;

    let service_account_key = KeyPair::generate()?;
    Ok(Pem {
        ca: ca.pem(),
        server: server.pem(),
        server_key: server_key.serialize_pem(),
        service_account_key: service_account_key.serialize_pem(),
        service_account_public_key: service_account_key.public_key_pem(),
    })
}
