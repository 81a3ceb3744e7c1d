//! What bytes are known by.

use std::fmt;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::str::FromStr;

use sha2::Digest as _;

/// A hash function that artifacts may be addressed with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Git's own; good for names, not against forgery.
    Sha1,
    /// The default.
    #[default]
    Sha256,
    /// Longer.
    Sha384,
    /// Longest.
    Sha512,
    /// Fast.
    Blake3,
}

/// `<algorithm>:<hex>` of some bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    hex: String,
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// The text before the colon.
    #[error("digest {digest:?} has an unsupported algorithm; use sha1, sha256, sha384, sha512 or blake3")]
    Algorithm {
        /// The text as given.
        digest: String,
    },
    /// The text after the colon.
    #[error("digest {digest:?} is not {length} lower-case hexadecimal digits after the colon")]
    Hex {
        /// The text as given.
        digest: String,
        /// How many digits the algorithm has.
        length: usize,
    },
}

impl Algorithm {
    const ALL: [Self; 5] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512, Self::Blake3];

    /// The name in digests and flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
        }
    }

    /// Starts hashing.
    pub fn hasher(self) -> Hasher {
        Hasher(match self {
            Self::Sha1 => State::Sha1(sha1::Sha1::new()),
            Self::Sha256 => State::Sha256(sha2::Sha256::new()),
            Self::Sha384 => State::Sha384(sha2::Sha384::new()),
            Self::Sha512 => State::Sha512(sha2::Sha512::new()),
            Self::Blake3 => State::Blake3(Box::new(blake3::Hasher::new())),
        })
    }

    /// Hashes all that a reader gives, in pieces.
    ///
    /// # Errors
    /// The reader's.
    pub fn hash(self, mut from: impl Read) -> io::Result<Digest> {
        let mut hasher = self.hasher();
        io::copy(&mut from, &mut hasher)?;
        Ok(hasher.finish())
    }

    const fn hex_length(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 | Self::Blake3 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

impl FromStr for Algorithm {
    type Err = DigestError;

    fn from_str(name: &str) -> Result<Self, DigestError> {
        let known = Self::ALL.into_iter().find(|algorithm| algorithm.name() == name);
        known.ok_or_else(|| DigestError::Algorithm { digest: name.to_owned() })
    }
}

impl Digest {
    /// Reads `<algorithm>:<hex>`; without a colon the text is taken for SHA-256, as consumers of artifacts do.
    ///
    /// # Errors
    /// By variant of [`DigestError`].
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text.split_once(':').unwrap_or(("sha256", text));
        let algorithm: Algorithm = algorithm.parse().map_err(|_| DigestError::Algorithm { digest: text.to_owned() })?;
        let length = algorithm.hex_length();
        if hex.len() != length || !hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(DigestError::Hex { digest: text.to_owned(), length });
        }
        Ok(Self { algorithm, hex: hex.to_owned() })
    }

    /// What the bytes were hashed with.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hash in lower-case hexadecimal digits.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::parse(text)
    }
}

/// A hash under way: write bytes to it, then [`Hasher::finish`].
pub struct Hasher(State);

enum State {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
            State::Blake3(state) => {
                state.update(bytes);
            }
        }
    }

    /// The digest of all that was taken in.
    pub fn finish(self) -> Digest {
        let (algorithm, bytes) = match self.0 {
            State::Sha1(state) => (Algorithm::Sha1, state.finalize().to_vec()),
            State::Sha256(state) => (Algorithm::Sha256, state.finalize().to_vec()),
            State::Sha384(state) => (Algorithm::Sha384, state.finalize().to_vec()),
            State::Sha512(state) => (Algorithm::Sha512, state.finalize().to_vec()),
            State::Blake3(state) => (Algorithm::Blake3, state.finalize().as_bytes().to_vec()),
        };
        let mut hex = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            let _ = write!(hex, "{byte:02x}");
        }
        Digest { algorithm, hex }
    }
}

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, Digest};

    #[test]
    fn known_bytes_have_known_digests() {
        let expected = [
            ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "sha384",
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
            ("blake3", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
        ];
        for (algorithm, hex) in expected {
            let digest = algorithm.parse::<Algorithm>().unwrap().hash(&b"abc"[..]).unwrap();
            assert_eq!(digest.to_string(), format!("{algorithm}:{hex}"));
            assert_eq!(Digest::parse(&digest.to_string()).unwrap(), digest);
        }
        let long = Algorithm::Sha512.hash(&b"abc"[..]).unwrap();
        assert!(long.hex().starts_with("ddaf35a193617aba") && long.hex().len() == 128);
    }

    #[test]
    fn what_is_no_digest_is_refused_with_the_reason() {
        let message = |text: &str| Digest::parse(text).unwrap_err().to_string();
        assert_eq!(
            message("md5:00"),
            "digest \"md5:00\" has an unsupported algorithm; use sha1, sha256, sha384, sha512 or blake3"
        );
        assert_eq!(message(""), "digest \"\" is not 64 lower-case hexadecimal digits after the colon");
        assert_eq!(message("sha1:AA"), "digest \"sha1:AA\" is not 40 lower-case hexadecimal digits after the colon");
        assert!(Digest::parse(&"0".repeat(64)).unwrap().to_string().starts_with("sha256:00"));
    }
}
