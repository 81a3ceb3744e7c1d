//! Keys and certificates: `genPrivateKey`, `genCA`, `genSelfSignedCert`, `genSignedCert`, `buildCustomCert`.

use std::any::Any;
use std::convert::Infallible;
use std::net::IpAddr;

use ed25519_dalek::{Signer as _, SigningKey as EdKey};
use gotemplate::sprig::encoding::from_base64;
use gotemplate::sprig::time::{Duration, Time};
use gotemplate::{Args, Call, Fault, Funcs, Object, Type, Value};
use p256::ecdsa::{DerSignature, SigningKey as EcKey};
use p256::pkcs8::{DecodePrivateKey, EncodePublicKey};
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::der::{self, BIT_STRING, NULL, OCTET_STRING, SEQUENCE, SET};

const CERTIFICATE: Type = Type::Named("sprig.certificate");

/// What a key costs in steps, so that a template that makes keys forever comes to the limit.
const KEY_STEPS: usize = 2_000_000;

pub(super) fn register(funcs: &mut Funcs) {
    const NAME_DAYS: &[Type] = &[Type::String, Type::Int];
    const NAME_DAYS_KEY: &[Type] = &[Type::String, Type::Int, Type::String];
    const SELF: &[Type] = &[Type::String, Type::LIST, Type::LIST, Type::Int];
    const SELF_KEY: &[Type] = &[Type::String, Type::LIST, Type::LIST, Type::Int, Type::String];
    const SIGNED: &[Type] = &[Type::String, Type::LIST, Type::LIST, Type::Int, CERTIFICATE];
    const SIGNED_KEY: &[Type] = &[Type::String, Type::LIST, Type::LIST, Type::Int, CERTIFICATE, Type::String];
    funcs.add("genPrivateKey", &[Type::String], |call, args| {
        Ok(match &*args.text(0)? {
            "" | "rsa" => PrivateKey::rsa(call, 4096)?.to_pem()?.into(),
            "ecdsa" => PrivateKey::ecdsa(call)?.to_pem()?.into(),
            "ed25519" => PrivateKey::ed25519(call)?.to_pem()?.into(),
            "dsa" => "failed to generate dsa params: DSA is not supported, nobody should use it".into(),
            other => format!("Unknown type {other}").into(),
        })
    });
    funcs.add("genCA", NAME_DAYS, |call, args| {
        let key = PrivateKey::rsa(call, 2048)?;
        authority(call, args, &key)
    });
    funcs.add("genCAWithKey", NAME_DAYS_KEY, |call, args| {
        let key = given_key(args, 2)?;
        authority(call, args, &key)
    });
    funcs.add("genSelfSignedCert", SELF, |call, args| {
        let key = PrivateKey::rsa(call, 2048)?;
        Request::leaf(args)?.sign(call, &key, None)
    });
    funcs.add("genSelfSignedCertWithKey", SELF_KEY, |call, args| {
        Request::leaf(args)?.sign(call, &given_key(args, 4)?, None)
    });
    funcs.add("genSignedCert", SIGNED, |call, args| {
        let parent = Parent::read(args.get(4))?;
        let key = PrivateKey::rsa(call, 2048)?;
        Request::leaf(args)?.sign(call, &key, Some(&parent))
    });
    funcs.add("genSignedCertWithKey", SIGNED_KEY, |call, args| {
        Request::leaf(args)?.sign(call, &given_key(args, 5)?, Some(&Parent::read(args.get(4))?))
    });
    funcs.add("buildCustomCert", &[Type::String, Type::String], |_, args| {
        let decode = |i: usize, what: &str| {
            let bytes = from_base64(args.string(i)?.as_bytes());
            let bytes = bytes.map_err(|_| Fault::message(format!("unable to decode base64 {what}")))?;
            Ok::<_, Fault>(String::from_utf8_lossy(&bytes).into_owned())
        };
        let certificate = Certificate { cert: decode(0, "certificate")?, key: decode(1, "private key")? };
        subject_of(&certificate.cert)?;
        PrivateKey::from_pem(&certificate.key)
            .map_err(|error| Fault::message(format!("error parsing private key: {error}")))?;
        Ok(Value::object(certificate))
    });
}

/// A generator for the crates that make keys: a seed of the session's randomness, hashed with a counter.
///
/// Looking for primes takes as many numbers as it takes; a source that repeats itself must not make it endless.
struct Expansion {
    seed: [u8; 32],
    counter: u64,
}

impl Expansion {
    fn new(call: &mut Call<'_>) -> Self {
        let mut seed = [0; 32];
        call.random(&mut seed);
        Self { seed, counter: 0 }
    }

    fn block(&mut self) -> [u8; 32] {
        self.counter += 1;
        Sha256::new().chain_update(self.seed).chain_update(self.counter.to_le_bytes()).finalize().into()
    }
}

impl TryRng for Expansion {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for piece in bytes.chunks_mut(32) {
            let block = self.block();
            piece.copy_from_slice(&block[..piece.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Expansion {}

/// A private key. It is never printed but by the functions that a chart calls to get it.
enum PrivateKey {
    Rsa(Box<RsaPrivateKey>),
    Ecdsa(EcKey),
    Ed25519(EdKey),
}

fn failed(what: &str, error: impl std::fmt::Display) -> Fault {
    Fault::message(format!("{what}: {error}"))
}

impl PrivateKey {
    fn rsa(call: &mut Call<'_>, bits: usize) -> Result<Self, Fault> {
        call.spend_steps(KEY_STEPS)?;
        let key = RsaPrivateKey::new(&mut Expansion::new(call), bits);
        Ok(Self::Rsa(Box::new(key.map_err(|error| failed("error generating rsa key", error))?)))
    }

    fn ecdsa(call: &mut Call<'_>) -> Result<Self, Fault> {
        call.spend_steps(KEY_STEPS / 100)?;
        // A random number is no key with a probability of 2^-32.
        for _ in 0..64 {
            let mut bytes = [0; 32];
            call.random(&mut bytes);
            if let Ok(key) = EcKey::from_slice(&bytes) {
                return Ok(Self::Ecdsa(key));
            }
        }
        Err(Fault::message("failed to generate private key: no randomness"))
    }

    fn ed25519(call: &mut Call<'_>) -> Result<Self, Fault> {
        call.spend_steps(KEY_STEPS / 100)?;
        let mut bytes = [0; 32];
        call.random(&mut bytes);
        Ok(Self::Ed25519(EdKey::from_bytes(&bytes)))
    }

    fn from_pem(text: &str) -> Result<Self, String> {
        let (label, bytes) = der::from_pem(text).ok_or("no PEM data in input")?;
        match label.as_str() {
            "RSA PRIVATE KEY" => RsaPrivateKey::from_pkcs1_der(&bytes)
                .map(|key| Self::Rsa(Box::new(key)))
                .map_err(|error| format!("parsing RSA private key from PEM: {error}")),
            "EC PRIVATE KEY" => p256::SecretKey::from_sec1_der(&bytes)
                .map(|key| Self::Ecdsa(key.into()))
                .map_err(|error| format!("parsing EC private key from PEM: {error}")),
            "PRIVATE KEY" => Self::from_pkcs8(&bytes),
            label if label.ends_with(" PRIVATE KEY") => Err(format!("invalid private key type {label}")),
            label => Err(format!("no private key data in PEM block of type {label}")),
        }
    }

    fn from_pkcs8(bytes: &[u8]) -> Result<Self, String> {
        if let Ok(key) = RsaPrivateKey::from_pkcs8_der(bytes) {
            return Ok(Self::Rsa(Box::new(key)));
        }
        if let Ok(key) = p256::SecretKey::from_pkcs8_der(bytes) {
            return Ok(Self::Ecdsa(key.into()));
        }
        // The seed is an octet string inside of an octet string, at the end of what is always 48 bytes.
        let seed = bytes.get(16..48).and_then(|seed| <[u8; 32]>::try_from(seed).ok());
        match seed {
            Some(seed) if bytes.get(9..12) == Some(&[0x2b, 0x65, 0x70]) => Ok(Self::Ed25519(EdKey::from_bytes(&seed))),
            _ => Err("decoding PEM as PKCS#8: unknown kind of key".to_owned()),
        }
    }

    fn to_pem(&self) -> Result<String, Fault> {
        const WHAT: &str = "failed to generate private key";
        Ok(match self {
            Self::Rsa(key) => {
                let bytes = key.to_pkcs1_der().map_err(|error| failed(WHAT, error))?;
                der::pem("RSA PRIVATE KEY", bytes.as_bytes())
            }
            Self::Ecdsa(key) => {
                let curve = der::element(0xa0, &der::oid(&[1, 2, 840, 10_045, 3, 1, 7]));
                let point = key.verifying_key().to_sec1_point(false);
                let public = der::element(0xa1, &der::of(BIT_STRING, &[&[0], point.as_bytes()]));
                let secret = der::element(OCTET_STRING, &key.to_bytes());
                der::pem("EC PRIVATE KEY", &der::of(SEQUENCE, &[&der::integer(&[1]), &secret, &curve, &public]))
            }
            Self::Ed25519(key) => {
                let algorithm = der::of(SEQUENCE, &[&der::oid(ED25519)]);
                let secret = der::element(OCTET_STRING, &der::element(OCTET_STRING, &key.to_bytes()));
                der::pem("PRIVATE KEY", &der::of(SEQUENCE, &[&der::integer(&[0]), &algorithm, &secret]))
            }
        })
    }

    /// The SubjectPublicKeyInfo.
    fn public(&self) -> Result<Vec<u8>, Fault> {
        const WHAT: &str = "error retrieving public key from signee key";
        Ok(match self {
            Self::Rsa(key) => {
                let public = key.to_public_key().to_public_key_der().map_err(|error| failed(WHAT, error))?;
                public.as_bytes().to_vec()
            }
            Self::Ecdsa(key) => {
                let algorithm = der::of(
                    SEQUENCE,
                    &[&der::oid(&[1, 2, 840, 10_045, 2, 1]), &der::oid(&[1, 2, 840, 10_045, 3, 1, 7])],
                );
                let point = key.verifying_key().to_sec1_point(false);
                der::of(SEQUENCE, &[&algorithm, &der::of(BIT_STRING, &[&[0], point.as_bytes()])])
            }
            Self::Ed25519(key) => {
                let algorithm = der::of(SEQUENCE, &[&der::oid(ED25519)]);
                let public = key.verifying_key().to_bytes();
                der::of(SEQUENCE, &[&algorithm, &der::of(BIT_STRING, &[&[0], &public])])
            }
        })
    }

    /// The AlgorithmIdentifier of its signatures.
    fn signature_algorithm(&self) -> Vec<u8> {
        match self {
            Self::Rsa(_) => der::of(SEQUENCE, &[&der::oid(&[1, 2, 840, 113_549, 1, 1, 11]), &der::element(NULL, &[])]),
            Self::Ecdsa(_) => der::of(SEQUENCE, &[&der::oid(&[1, 2, 840, 10_045, 4, 3, 2])]),
            Self::Ed25519(_) => der::of(SEQUENCE, &[&der::oid(ED25519)]),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Fault> {
        Ok(match self {
            Self::Rsa(key) => {
                // SHA-256 in the DigestInfo that PKCS #1 puts before a digest.
                const PREFIX: &[u8] = &[
                    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
                    0x00, 0x04, 0x20,
                ];
                let scheme = Pkcs1v15Sign { hash_len: Some(32), prefix: PREFIX.into() };
                key.sign(scheme, &Sha256::digest(message))
                    .map_err(|error| failed("error creating certificate", error))?
            }
            Self::Ecdsa(key) => {
                let signature: DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
            Self::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
        })
    }
}

const ED25519: &[u32] = &[1, 3, 101, 112];

fn given_key(args: Args<'_>, i: usize) -> Result<PrivateKey, Fault> {
    PrivateKey::from_pem(&args.text(i)?).map_err(|error| Fault::message(format!("parsing private key: {error}")))
}

/// A certificate with its key, both PEM: `$ca.Cert`, `$ca.Key`.
struct Certificate {
    cert: String,
    key: String,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(self.cert.as_str().into()),
            "Key" => Some(self.key.as_str().into()),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<(&str, Value)> {
        vec![("Cert", self.cert.as_str().into()), ("Key", self.key.as_str().into())]
    }
}

/// The one who signs: its name, its key identifier, its key.
struct Parent {
    subject: Vec<u8>,
    key_id: Option<Vec<u8>>,
    key: PrivateKey,
}

impl Parent {
    fn read(value: &Value) -> Result<Self, Fault> {
        let certificate = value.downcast::<Certificate>().ok_or_else(|| Fault::message("expected a certificate"))?;
        let (subject, key_id) = subject_of(&certificate.cert)?;
        let key = PrivateKey::from_pem(&certificate.key)
            .map_err(|error| Fault::message(format!("error parsing private key: {error}")))?;
        Ok(Self { subject, key_id, key })
    }
}

/// The subject of a certificate as it is encoded, and its key identifier if it has one.
fn subject_of(pem: &str) -> Result<(Vec<u8>, Option<Vec<u8>>), Fault> {
    let (_, bytes) = der::from_pem(pem).ok_or_else(|| Fault::message("unable to decode certificate"))?;
    read_subject(&bytes)
        .ok_or_else(|| Fault::message("error parsing certificate: decodedCert.Bytes: x509: malformed certificate"))
}

fn read_subject(bytes: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
    let (_, certificate, ..) = der::take(bytes)?;
    let (_, mut rest, ..) = der::take(certificate)?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (tag, content, whole, after) = der::take(rest)?;
        parts.push((tag, content, whole));
        rest = after;
    }
    // Version is optional; serial number, algorithm, issuer and validity come before the subject.
    let first = usize::from(parts.first()?.0 == 0xa0);
    let subject = parts.get(first + 4)?.2.to_vec();
    let extensions = parts.iter().find(|(tag, ..)| *tag == 0xa3).and_then(|(_, content, _)| der::take(content));
    let mut rest = extensions.map_or(&[][..], |(_, content, ..)| content);
    while let Some((_, extension, _, after)) = der::take(rest) {
        let (_, id, _, value) = der::take(extension)?;
        if id == SUBJECT_KEY_ID {
            let (_, value, ..) = der::take(value)?;
            let (_, key_id, ..) = der::take(value)?;
            return Some((subject, Some(key_id.to_vec())));
        }
        rest = after;
    }
    Some((subject, None))
}

/// What is to be certified.
struct Request {
    name: String,
    ips: Vec<IpAddr>,
    names: Vec<String>,
    days: i64,
    authority: bool,
}

fn authority(call: &mut Call<'_>, args: Args<'_>, key: &PrivateKey) -> Result<Value, Fault> {
    let name = args.text(0)?.into_owned();
    let request = Request { name, ips: Vec::new(), names: Vec::new(), days: args.int(1)?, authority: true };
    request.sign(call, key, None)
}

impl Request {
    fn leaf(args: Args<'_>) -> Result<Self, Fault> {
        let texts = |i: usize, what: &str| {
            let list = if matches!(args.get(i), Value::Nil) { Vec::new() } else { args.list(i)?.to_vec() };
            let text = |value: &Value| match value {
                Value::String(text) => Ok(text.to_str().into_owned()),
                other => Err(Fault::message(format!("error {what}: {} is not a string", other.type_name()))),
            };
            list.iter().map(text).collect::<Result<Vec<_>, _>>()
        };
        let parse = |ip: &String| ip.parse().map_err(|_| Fault::message(format!("error parsing ip: {ip}")));
        Ok(Self {
            name: args.text(0)?.into_owned(),
            ips: texts(1, "parsing ip")?.iter().map(parse).collect::<Result<_, _>>()?,
            names: texts(2, "processing alternate dns name")?,
            days: args.int(3)?,
            authority: false,
        })
    }

    /// Makes the certificate; without a parent it signs itself.
    fn sign(&self, call: &mut Call<'_>, key: &PrivateKey, parent: Option<&Parent>) -> Result<Value, Fault> {
        let mut serial = [0; 16];
        call.random(&mut serial);
        let subject = self.subject();
        let issuer = parent.map_or(&subject, |parent| &parent.subject);
        let signer = parent.map_or(key, |parent| &parent.key);
        let now = Time::at(call.now());
        let end = now.plus(Duration::seconds(self.days.saturating_mul(86_400)));
        let public = key.public()?;
        let algorithm = signer.signature_algorithm();
        let body = der::of(
            SEQUENCE,
            &[
                &der::element(0xa0, &der::integer(&[2])),
                &der::integer(&serial),
                &algorithm,
                issuer,
                &der::of(SEQUENCE, &[&time(&now), &time(&end)]),
                &subject,
                &public,
                &der::element(0xa3, &der::element(SEQUENCE, &self.extensions(&public, &subject, parent))),
            ],
        );
        let signature = der::of(BIT_STRING, &[&[0], &signer.sign(&body)?]);
        let certificate = der::of(SEQUENCE, &[&body, &algorithm, &signature]);
        Ok(Value::object(Certificate { cert: der::pem("CERTIFICATE", &certificate), key: key.to_pem()? }))
    }

    fn subject(&self) -> Vec<u8> {
        const UTF8: u8 = 0x0c;
        const PRINTABLE: u8 = 0x13;
        let printable = |b: u8| b.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&b);
        let tag = if self.name.bytes().all(printable) { PRINTABLE } else { UTF8 };
        let name = der::of(SEQUENCE, &[&der::oid(&[2, 5, 4, 3]), &der::element(tag, self.name.as_bytes())]);
        let parts = if self.name.is_empty() { Vec::new() } else { der::element(SET, &name) };
        der::element(SEQUENCE, &parts)
    }

    fn extensions(&self, public: &[u8], subject: &[u8], parent: Option<&Parent>) -> Vec<u8> {
        const CRITICAL: &[u8] = &[0x01, 0x01, 0xff];
        let extension = |id: u32, critical: bool, value: &[u8]| {
            let critical = if critical { CRITICAL } else { &[] };
            der::of(SEQUENCE, &[&der::oid(&[2, 5, 29, id]), critical, &der::element(OCTET_STRING, value)])
        };
        let usage: &[u8] = if self.authority { &[2, 0xa4] } else { &[5, 0xa0] };
        let purposes = [1, 2].map(|n| der::oid(&[1, 3, 6, 1, 5, 5, 7, 3, n])).concat();
        let constraints: &[u8] = if self.authority { CRITICAL } else { &[] };
        let mut all = [
            extension(15, true, &der::element(BIT_STRING, usage)),
            extension(37, false, &der::element(SEQUENCE, &purposes)),
            extension(19, true, &der::element(SEQUENCE, constraints)),
        ]
        .concat();
        if self.authority {
            all.extend(extension(14, false, &der::element(OCTET_STRING, &key_id(public))));
        }
        if let Some(id) = parent.filter(|parent| parent.subject != subject).and_then(|parent| parent.key_id.as_ref()) {
            all.extend(extension(35, false, &der::element(SEQUENCE, &der::element(0x80, id))));
        }
        let mut names: Vec<u8> = self.names.iter().flat_map(|name| der::element(0x82, name.as_bytes())).collect();
        for ip in &self.ips {
            names.extend(match ip {
                IpAddr::V4(ip) => der::element(0x87, &ip.octets()),
                IpAddr::V6(ip) => der::element(0x87, &ip.octets()),
            });
        }
        if !names.is_empty() {
            all.extend(extension(17, self.name.is_empty(), &der::element(SEQUENCE, &names)));
        }
        all
    }
}

/// The SHA-1 of the public key's bits, as RFC 5280 proposes.
fn key_id(public: &[u8]) -> Vec<u8> {
    let bits = der::take(public).and_then(|(_, info, ..)| {
        let (.., after) = der::take(info)?;
        Some(der::take(after)?.1)
    });
    Sha1::digest(bits.and_then(|bits| bits.get(1..)).unwrap_or_default()).to_vec()
}

/// UTCTime until 2049, GeneralizedTime afterwards.
fn time(time: &Time) -> Vec<u8> {
    const YEAR_2050: i64 = 2_524_608_000;
    if (0..YEAR_2050).contains(&time.unix()) {
        der::element(0x17, time.format("060102150405Z").as_bytes())
    } else {
        der::element(0x18, time.format("20060102150405Z").as_bytes())
    }
}
