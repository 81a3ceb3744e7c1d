//! Git's protocol over SSH: `git-upload-pack` on the other side, no program on ours.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use auth::git::Ssh;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use russh::client::{self, AuthResult, Handle};
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelMsg, Disconnect, Preferred, kex};
use url::Url;

use super::error::{Error, RemoteError};
use super::known_hosts::{KnownHost, Verdict};
use super::{GitRequest, SshAlgorithms, keys, shown, wire};

/// Where SSH servers listen.
pub(super) const PORT: u16 = 22;
/// How much of what a server complains of is of interest.
const COMPLAINT: usize = 1024;

/// A server that runs `git-upload-pack` for us.
pub(super) struct Remote {
    session: Handle<Client>,
    channel: Channel<client::Msg>,
    complaint: Vec<u8>,
}

/// Judges the server's key.
struct Client {
    host: KnownHost,
    name: String,
    /// Where a refusal is left: the library has no words of ours.
    refusal: Arc<Mutex<Option<RemoteError>>>,
}

impl client::Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        let verdict = key.to_bytes().map_or(Verdict::Unknown, |bytes| self.host.check(&bytes));
        let (problem, hint) = match verdict {
            Verdict::Known => return Ok(true),
            Verdict::Unknown => ("key is unknown", self.line(key)),
            Verdict::Mismatch => ("key mismatch", "; 'known_hosts' holds another key of this server".to_owned()),
            Verdict::Revoked => ("key is revoked", String::new()),
        };
        let shown = format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256));
        let refusal = RemoteError::HostKey { problem, shown, hint };
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
        Ok(false)
    }
}

impl Client {
    fn line(&self, key: &PublicKey) -> String {
        match key.to_openssh() {
            Ok(line) => format!("; if that is its fingerprint, add \"{} {line}\" to 'known_hosts'", self.name),
            Err(_) => String::new(),
        }
    }
}

impl Remote {
    /// Shakes hands, shows our key and starts the program.
    pub(super) async fn connect(request: &GitRequest, credentials: &Ssh) -> Result<Self, Error> {
        let key = keys::decode(&credentials.identity, credentials.passphrase.as_ref());
        let key = key.map_err(|source| Error::Key { source })?;
        let connected = Self::start(&request.url, credentials, key, &request.ssh).await;
        connected.map_err(|source| {
            let url = shown(&request.url);
            if request.last.is_some() { Error::List { url, source } } else { Error::Clone { url, source } }
        })
    }

    async fn start(url: &Url, ours: &Ssh, key: PrivateKey, algorithms: &SshAlgorithms) -> Result<Self, RemoteError> {
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port().unwrap_or(PORT);
        let known = KnownHost::read(&ours.known_hosts, &host, port);
        let config = Arc::new(config(&known, algorithms)?);
        let name = if port == PORT { host.clone() } else { format!("[{host}]:{port}") };
        let refusal = Arc::new(Mutex::new(None));
        let client = Client { host: known, name, refusal: Arc::clone(&refusal) };

        let dial = |reason: std::io::Error| {
            let reason = match reason.kind() {
                std::io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
                _ => reason.to_string(),
            };
            RemoteError::Dial { address: format!("{host}:{port}"), reason }
        };
        let stream = tokio::net::TcpStream::connect((host.as_str(), port)).await.map_err(dial)?;
        let _ = stream.set_nodelay(true);
        let judged = |error: russh::Error| {
            let refusal = refusal.lock().unwrap_or_else(PoisonError::into_inner).take();
            refusal.unwrap_or_else(|| RemoteError::Ssh { reason: format!("handshake failed: {error}") })
        };
        let mut session = client::connect_stream(config, stream, client).await.map_err(judged)?;
        authenticate(&mut session, &ours.user, key).await?;

        let channel = session.channel_open_session().await.map_err(|error| failed(&error))?;
        channel.exec(true, command(url)).await.map_err(|error| failed(&error))?;
        Ok(Self { session, channel, complaint: Vec::new() })
    }

    pub(super) async fn send(&mut self, request: Vec<u8>) -> Result<(), RemoteError> {
        self.channel.data_bytes(request).await.map_err(|error| failed(&error))
    }

    /// What the program prints next; none when it has ended.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, RemoteError> {
        loop {
            match self.channel.wait().await {
                Some(ChannelMsg::Data { data }) => return Ok(Some(data)),
                Some(ChannelMsg::ExtendedData { data, .. }) => self.complain(&data),
                Some(ChannelMsg::Failure) => {
                    return Err(RemoteError::Ssh { reason: "the server refuses to run git-upload-pack".to_owned() });
                }
                Some(ChannelMsg::Eof | ChannelMsg::Close) | None => return Ok(None),
                Some(_) => {}
            }
        }
    }

    /// What the program said beside the protocol, once it has ended.
    pub(super) async fn complaint(&mut self) -> Option<RemoteError> {
        while let Some(message) = self.channel.wait().await {
            if let ChannelMsg::ExtendedData { data, .. } = message {
                self.complain(&data);
            }
        }
        (!self.complaint.is_empty()).then(|| wire::refusal(&self.complaint))
    }

    fn complain(&mut self, data: &[u8]) {
        let room = COMPLAINT.saturating_sub(self.complaint.len());
        self.complaint.extend_from_slice(&data[..data.len().min(room)]);
    }

    /// Says that nothing is wanted, and goes.
    pub(super) async fn close(self) {
        let _ = self.channel.data_bytes(&b"0000"[..]).await;
        let _ = self.channel.eof().await;
        let _ = self.session.disconnect(Disconnect::ByApplication, "", "").await;
    }
}

async fn authenticate(session: &mut Handle<Client>, user: &str, key: PrivateKey) -> Result<(), RemoteError> {
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    let hash = if key.algorithm().is_rsa() {
        // Servers that do not say what they take are taken to be of this century.
        let best = session.best_supported_rsa_hash().await.map_err(|error| failed(&error))?;
        best.unwrap_or(Some(HashAlg::Sha256))
    } else {
        None
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    match session.authenticate_publickey(user, key).await.map_err(|error| failed(&error))? {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { .. } => Err(RemoteError::Refused { user: user.to_owned(), fingerprint }),
    }
}

fn config(known: &KnownHost, algorithms: &SshAlgorithms) -> Result<client::Config, RemoteError> {
    let mut preferred = Preferred::DEFAULT;
    let wanted: Vec<String> = if algorithms.host_key.is_empty() {
        known.algorithms().into_iter().map(str::to_owned).collect()
    } else {
        algorithms.host_key.clone()
    };
    // An unknown host may show any key: it is refused, but with its fingerprint.
    if !wanted.is_empty() {
        let supported: Vec<Algorithm> = wanted.iter().filter_map(|name| name.parse().ok()).collect();
        if supported.is_empty() {
            let reason = format!("no supported kind of host key among {}", wanted.join(", "));
            return Err(RemoteError::Ssh { reason });
        }
        preferred.key = Cow::Owned(supported);
    }
    if !algorithms.kex.is_empty() {
        let supported: Vec<kex::Name> =
            algorithms.kex.iter().filter_map(|name| kex::Name::try_from(name.as_str()).ok()).collect();
        if supported.is_empty() {
            let reason = format!("no supported key exchange among {}", algorithms.kex.join(", "));
            return Err(RemoteError::Ssh { reason });
        }
        preferred.kex = Cow::Owned(supported);
    }
    Ok(client::Config { preferred, nodelay: true, ..client::Config::default() })
}

/// The program to run, with the path in quotes that no path gets out of.
fn command(url: &Url) -> String {
    let path = percent_decode_str(url.path()).decode_utf8_lossy();
    // `ssh://host/~user/repository` means a home directory.
    let path = path.strip_prefix('/').filter(|rest| rest.starts_with('~')).unwrap_or(&path);
    let quoted = path.replace('\'', r"'\''").replace('!', r"'\!'");
    format!("git-upload-pack '{quoted}'")
}

fn failed(error: &russh::Error) -> RemoteError {
    RemoteError::Ssh { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn x1_no_path_gets_out_of_its_quotes() {
        let check = |url: &str, expected: &str| assert_eq!(command(&url.parse().unwrap()), expected);
        check("ssh://git@h/org/repo.git", "git-upload-pack '/org/repo.git'");
        check("ssh://git@h/~me/repo.git", "git-upload-pack '~me/repo.git'");
        check("ssh://git@h/a%20b", "git-upload-pack '/a b'");
        check("ssh://git@h/a';reboot;'", r"git-upload-pack '/a'\'';reboot;'\'''");
        check("ssh://git@h/-oProxyCommand=x", "git-upload-pack '/-oProxyCommand=x'");
        check("ssh://git@h/a!b", r"git-upload-pack '/a'\!'b'");
    }
}
