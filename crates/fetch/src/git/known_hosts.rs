//! Whose keys we know: OpenSSH's `known_hosts`.
//!
//! The SSH library has a reader of its own, which knows neither patterns nor markers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The keys of one host.
#[derive(Debug, Default)]
pub(super) struct KnownHost {
    keys: Vec<Known>,
    revoked: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Known {
    algorithm: String,
    key: Vec<u8>,
}

/// What to think of a key that a server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the one that we know.
    Known,
    /// We know no key of this host.
    Unknown,
    /// We know others.
    Mismatch,
    /// It is marked as no longer good.
    Revoked,
}

impl KnownHost {
    /// Picks the lines about a host and port. Lines that cannot be read are skipped, as OpenSSH does, and so are
    /// certificate authorities: a server that has a plain key is asked for that.
    pub(super) fn read(text: &[u8], host: &str, port: u16) -> Self {
        let text = String::from_utf8_lossy(text);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        let name = if port == 22 { host } else { format!("[{host}]:{port}") };
        let mut found = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace().peekable();
            let marker = words.next_if(|word| word.starts_with('@'));
            let (Some(hosts), Some(algorithm), Some(key)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let Some(key) = STANDARD.decode(key).ok().filter(|_| !hosts.starts_with('#')) else { continue };
            if !covers(hosts, &name) {
                continue;
            }
            match marker {
                None => found.keys.push(Known { algorithm: algorithm.to_owned(), key }),
                Some("@revoked") => found.revoked.push(key),
                Some(_) => {}
            }
        }
        found
    }

    /// The kinds of key to ask the server for: only those that could match. Empty when the host is not known.
    pub(super) fn algorithms(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for known in &self.keys {
            // RSA keys sign by three names; the oldest comes last.
            let signatures: &[&str] = match known.algorithm.as_str() {
                "ssh-rsa" => &["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
                other => &[other],
            };
            for signature in signatures {
                if !names.contains(signature) {
                    names.push(*signature);
                }
            }
        }
        names
    }

    pub(super) fn check(&self, key: &[u8]) -> Verdict {
        if self.revoked.iter().any(|revoked| revoked == key) {
            Verdict::Revoked
        } else if self.keys.is_empty() {
            Verdict::Unknown
        } else if self.keys.iter().any(|known| known.key == key) {
            Verdict::Known
        } else {
            Verdict::Mismatch
        }
    }
}

/// Whether a list of hosts, or the hash of one, is about this one.
fn covers(hosts: &str, name: &str) -> bool {
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return hashed.split_once('|').is_some_and(|(salt, hash)| is_hash_of(salt, hash, name));
    }
    let mut covered = false;
    for pattern in hosts.split(',') {
        match pattern.strip_prefix('!') {
            // An exclusion wins over whatever else the list says.
            Some(pattern) if matches(pattern, name) => return false,
            Some(_) => {}
            None => covered |= matches(pattern, name),
        }
    }
    covered
}

fn is_hash_of(salt: &str, hash: &str, name: &str) -> bool {
    let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else { return false };
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&salt) else { return false };
    mac.update(name.as_bytes());
    mac.verify_slice(&hash).is_ok()
}

/// `*` and `?`, in any case. A pattern with the usual port written out means the bare host.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern = pattern.to_lowercase();
    let pattern = pattern.strip_prefix('[').and_then(|rest| rest.strip_suffix("]:22")).unwrap_or(&pattern);
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut from) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, from));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[from] => {
                at += 1;
                from += 1;
            }
            _ => match retry {
                Some((after, start)) => {
                    (at, from) = (after, start + 1);
                    retry = Some((after, start + 1));
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;
    use sha1::Sha1;

    use super::{KnownHost, Verdict};

    const A: &str = "QUFB";

    #[track_caller]
    fn check(lines: &str, host: &str, port: u16, expected: Verdict) {
        let verdict = KnownHost::read(lines.as_bytes(), host, port).check(b"AAA");
        assert_eq!(verdict, expected, "{lines}");
    }

    #[test]
    fn s3_a_host_is_known_by_name_pattern_or_hash() {
        check(&format!("example.com ssh-ed25519 {A}"), "example.com", 22, Verdict::Known);
        check(&format!("example.com ssh-ed25519 {A} a comment"), "EXAMPLE.com", 22, Verdict::Known);
        check(&format!("other,10.0.0.1,example.com ssh-ed25519 {A}"), "10.0.0.1", 22, Verdict::Known);
        check(&format!("*.example.com ssh-ed25519 {A}"), "git.example.com", 22, Verdict::Known);
        check(&format!("*.example.com ssh-ed25519 {A}"), "example.com", 22, Verdict::Unknown);
        check(&format!("git?.example.com ssh-ed25519 {A}"), "git1.example.com", 22, Verdict::Known);
        check(&format!("*,!evil.com ssh-ed25519 {A}"), "evil.com", 22, Verdict::Unknown);
        check(&format!("[example.com]:2222 ssh-ed25519 {A}"), "example.com", 2222, Verdict::Known);
        check(&format!("example.com ssh-ed25519 {A}"), "example.com", 2222, Verdict::Unknown);
        check(&format!("[example.com]:22 ssh-ed25519 {A}"), "example.com", 22, Verdict::Known);
        check(&format!("::1 ssh-ed25519 {A}"), "[::1]", 22, Verdict::Known);
        let mut mac = Hmac::<Sha1>::new_from_slice(b"salt").unwrap();
        mac.update(b"[example.com]:2222");
        let hash = STANDARD.encode(mac.finalize().into_bytes());
        let line = format!("|1|{}|{hash} ssh-ed25519 {A}", STANDARD.encode("salt"));
        check(&line, "example.com", 2222, Verdict::Known);
        check(&line, "example.com", 22, Verdict::Unknown);
    }

    #[test]
    fn s3_other_keys_revoked_keys_and_authorities_do_not_count() {
        check("example.com ssh-ed25519 QkJC", "example.com", 22, Verdict::Mismatch);
        check(&format!("example.com ssh-ed25519 {A}\n@revoked * ssh-ed25519 {A}"), "example.com", 22, Verdict::Revoked);
        check(&format!("@cert-authority * ssh-ed25519 {A}"), "example.com", 22, Verdict::Unknown);
        check(
            &format!("# example.com ssh-ed25519 {A}\n#example.com ssh-ed25519 {A}"),
            "example.com",
            22,
            Verdict::Unknown,
        );
        check("", "example.com", 22, Verdict::Unknown);
        check("example.com ssh-ed25519 !!!", "example.com", 22, Verdict::Unknown);
    }

    #[test]
    fn only_kinds_of_keys_that_are_known_are_asked_for() {
        let text = format!("h ecdsa-sha2-nistp256 {A}\nh ssh-rsa {A}\nh ssh-rsa QkJC\nother ssh-ed25519 {A}");
        let known = KnownHost::read(text.as_bytes(), "h", 22);
        assert_eq!(known.algorithms(), ["ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]);
        assert!(KnownHost::read(text.as_bytes(), "x", 22).algorithms().is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[ -~\n|@!*]{0,200}", host in "[a-z.\\[\\]:]{0,12}") {
            let _ = KnownHost::read(text.as_bytes(), &host, 22).check(b"AAA");
        }
    }
}
