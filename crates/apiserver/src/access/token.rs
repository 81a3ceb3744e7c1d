//! Tokens of service accounts: signed by this server, bound to what they name.
//!
//! # Source
//! `k8s.io/kubernetes/pkg/serviceaccount`: the claims; RFC 7515 and 7518 (ES256).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Who issues tokens, and whom they are for unless they say otherwise.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc";

/// The key that signs tokens.
#[derive(Debug)]
pub(crate) struct Signer {
    pair: EcdsaKeyPair,
    key_id: String,
}

/// The key is not one that can sign.
#[derive(Debug, thiserror::Error)]
#[error("the key of the service accounts is not a P-256 key in PKCS #8")]
pub struct KeyError;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) audiences: Vec<String>,
    /// Kind, name and uid of the Pod, Secret or Node that the token ends with.
    pub(crate) bound: Option<(String, String, String)>,
    /// Seconds since 1970.
    pub(crate) issued: i64,
    pub(crate) expires: i64,
    pub(crate) id: String,
}

impl Signer {
    /// A new key, in PKCS #8.
    ///
    /// # Errors
    /// [`KeyError`] when the machine has no randomness.
    pub(crate) fn generate() -> Result<Vec<u8>, KeyError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        document.map(|document| document.as_ref().to_vec()).map_err(|_| KeyError)
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub(crate) fn new(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(|_| KeyError)?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, pair.public_key().as_ref());
        Ok(Self { pair, key_id: URL_SAFE_NO_PAD.encode(digest) })
    }

    /// Signs a token.
    ///
    /// # Errors
    /// [`KeyError`] when the machine has no randomness.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        let header = json!({ "alg": "ES256", "kid": self.key_id });
        let mut kubernetes = json!({
            "namespace": claims.namespace,
            "serviceaccount": { "name": claims.name, "uid": claims.uid },
        });
        if let Some((kind, name, uid)) = &claims.bound {
            kubernetes[kind.to_ascii_lowercase()] = json!({ "name": name, "uid": uid });
        }
        let payload = json!({
            "aud": claims.audiences,
            "exp": claims.expires,
            "iat": claims.issued,
            "iss": ISSUER,
            "jti": claims.id,
            "kubernetes.io": kubernetes,
            "nbf": claims.issued,
            "sub": format!("system:serviceaccount:{}:{}", claims.namespace, claims.name),
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&payload));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| KeyError)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// What a token says, if it is one that this key signed, and it holds at `now`.
    pub(crate) fn verify(&self, token: &str, now: i64) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        if json(header)?.get("alg")?.as_str()? != "ES256" {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let key = signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key().as_ref());
        key.verify(signed.as_bytes(), &signature).ok()?;
        let claims = Claims::read(&json(payload)?)?;
        (claims.issued <= now && now < claims.expires).then_some(claims)
    }
}

impl Claims {
    fn read(payload: &Value) -> Option<Self> {
        let kubernetes = payload.get("kubernetes.io")?;
        let account = kubernetes.get("serviceaccount")?;
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let bound = ["Pod", "Secret", "Node"].into_iter().find_map(|kind| {
            let object = kubernetes.get(kind.to_ascii_lowercase())?;
            Some((kind.to_owned(), text(object, "name")?, text(object, "uid")?))
        });
        Some(Self {
            namespace: text(kubernetes, "namespace")?,
            name: text(account, "name")?,
            uid: text(account, "uid")?,
            audiences: payload.get("aud")?.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            bound,
            issued: payload.get("iat")?.as_i64()?,
            expires: payload.get("exp")?.as_i64()?,
            id: text(payload, "jti")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_unexpired_tokens_are_believed() {
        let signer = Signer::new(&Signer::generate().unwrap()).unwrap();
        let other = Signer::new(&Signer::generate().unwrap()).unwrap();
        let claims = Claims {
            namespace: "a".into(),
            name: "b".into(),
            uid: "1".into(),
            audiences: vec![ISSUER.into()],
            bound: Some(("Pod".into(), "p".into(), "2".into())),
            issued: 100,
            expires: 200,
            id: "3".into(),
        };
        let token = signer.sign(&claims).unwrap();
        assert_eq!(signer.verify(&token, 150), Some(claims));
        assert_eq!(signer.verify(&token, 200), None, "expired");
        assert_eq!(signer.verify(&token, 99), None, "not yet valid");
        assert_eq!(other.verify(&token, 150), None, "another key");
        assert_eq!(signer.verify(&token.replace("eyJhbGciOiJFUzI1NiI", "eyJhbGciOiJub25lIiI"), 150), None);
        assert_eq!(signer.verify("x", 150), None);
    }
}
