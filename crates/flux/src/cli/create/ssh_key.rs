//! Keys for Git over SSH: which is made or read, and what goes into a Secret for it.

use std::path::PathBuf;

use clap::ValueEnum;
use fetch::git::keys::{self, Curve, KeyKind, KeyPair};
use url::Url;

use crate::cli::{
    create::secret::GitSecret,
    failure::{Failure, chain},
    settings::read_file,
};

// What was typed.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// What a new SSH key is made of
    #[arg(long, value_enum, default_value = "ecdsa")]
    ssh_key_algorithm: Algorithm,
    /// How long a new RSA key is, in bits: a multiple of 8
    #[arg(long, default_value = "2048", value_parser = rsa_bits)]
    ssh_rsa_bits: usize,
    /// The curve of a new ECDSA key
    #[arg(long, value_enum, default_value = "p384")]
    ssh_ecdsa_curve: EcdsaCurve,
    /// The private key to use instead of a new one; --password is its passphrase
    #[arg(long, value_name = "FILE")]
    private_key_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Algorithm {
    Rsa,
    Ecdsa,
    Ed25519,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EcdsaCurve {
    P256,
    P384,
    P521,
}

fn rsa_bits(typed: &str) -> Result<usize, String> {
    match typed.parse() {
        Ok(bits) if (1024..=16384).contains(&bits) && bits % 8 == 0 => Ok(bits),
        _ => Err("an RSA key has at least 1024 and at most 16384 bits, and a multiple of 8".to_owned()),
    }
}

/// A key of ours, and the line by which the server is known.
pub(super) struct Access {
    /// For the person who registers it with the server.
    pub(super) deploy_key: String,
    /// For the person who compares it.
    pub(super) known_hosts: String,
    /// Both, and the private key.
    pub(super) secret: GitSecret,
}

impl Args {
    /// Makes or reads the key, and asks the server for its own.
    pub(super) async fn access(&self, url: &str, passphrase: Option<auth::Secret>) -> Result<Access, Failure> {
        let failed = |error: &dyn std::error::Error| Failure::new(chain(error));
        let url = Url::parse(url).map_err(|error| Failure::new(format!("git URL parse failed: {error}")))?;
        let pair = match &self.private_key_file {
            Some(path) => KeyPair::read(auth::Secret::new(read_file(path)?), passphrase.as_ref()),
            None => KeyPair::generate(self.kind()),
        };
        let pair = pair.map_err(|error| failed(&error))?;
        let host = keys::host_key(url.host_str().unwrap_or_default(), url.port()).await;
        let known_hosts = host.map_err(|error| failed(&error))?;
        let mut secret = GitSecret::default();
        secret.set("identity", pair.identity);
        secret.set("identity.pub", auth::Secret::new(pair.public.clone()));
        secret.set("known_hosts", auth::Secret::new(known_hosts.clone()));
        if let Some(passphrase) = passphrase {
            secret.set("password", passphrase);
        }
        Ok(Access { deploy_key: pair.public, known_hosts, secret })
    }

    fn kind(&self) -> KeyKind {
        match (self.ssh_key_algorithm, self.ssh_ecdsa_curve) {
            (Algorithm::Rsa, _) => KeyKind::Rsa { bits: self.ssh_rsa_bits },
            (Algorithm::Ed25519, _) => KeyKind::Ed25519,
            (Algorithm::Ecdsa, EcdsaCurve::P256) => KeyKind::Ecdsa(Curve::P256),
            (Algorithm::Ecdsa, EcdsaCurve::P384) => KeyKind::Ecdsa(Curve::P384),
            (Algorithm::Ecdsa, EcdsaCurve::P521) => KeyKind::Ecdsa(Curve::P521),
        }
    }
}
