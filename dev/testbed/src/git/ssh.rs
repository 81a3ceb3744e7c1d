//! An SSH server that runs `git upload-pack` for one key.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::ssh_key::private::{EcdsaKeypair, KeypairData, RsaKeypair};
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey, PublicKey};
use russh::server::{self, Auth, ChannelOpenHandle, Handle, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::ChildStdin;
use tokio::task::JoinSet;

/// By which key a server is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKey {
    /// Ed25519.
    Ed25519,
    /// ECDSA on the curve P-256.
    Ecdsa,
    /// RSA with 2048 bits.
    Rsa,
}

/// A running server; it ends with this value.
#[derive(Debug)]
pub struct GitSsh {
    port: u16,
    keys: Vec<PublicKey>,
    _tasks: JoinSet<()>,
}

impl HostKey {
    /// Makes a key of that kind.
    ///
    /// # Errors
    /// The key library's.
    pub fn generate(self) -> io::Result<PrivateKey> {
        let mut random = russh::keys::key::safe_rng();
        let key = match self {
            Self::Ed25519 => PrivateKey::random(&mut random, Algorithm::Ed25519),
            Self::Ecdsa => EcdsaKeypair::random(&mut random, EcdsaCurve::NistP256)
                .and_then(|pair| PrivateKey::new(KeypairData::from(pair), "")),
            Self::Rsa => {
                RsaKeypair::random(&mut random, 2048).and_then(|pair| PrivateKey::new(KeypairData::from(pair), ""))
            }
        };
        key.map_err(io::Error::other)
    }
}

impl GitSsh {
    /// Serves the bare repositories in a folder to the user `git` with that key.
    ///
    /// # Errors
    /// There is no free port, or no key.
    pub async fn start(folder: &Path, client: &PublicKey, host_keys: &[HostKey]) -> io::Result<Self> {
        let keys = host_keys.iter().map(|kind| kind.generate()).collect::<io::Result<Vec<_>>>()?;
        let public = keys.iter().map(|key| key.public_key().clone()).collect();
        let config = Arc::new(server::Config {
            keys,
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            ..server::Config::default()
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (folder, client) = (folder.to_owned(), client.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = Connection { folder: folder.clone(), client: client.clone(), inputs: HashMap::new() };
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    if let Ok(session) = server::run_stream(config, stream, connection).await {
                        let _ = session.await;
                    }
                });
            }
        });
        Ok(Self { port, keys: public, _tasks: tasks })
    }

    /// `ssh://git@127.0.0.1:PORT`; a repository is `NAME.git` below it.
    pub fn url(&self) -> String {
        format!("ssh://git@127.0.0.1:{}", self.port)
    }

    /// The name of this server in a `known_hosts` file.
    pub fn host(&self) -> String {
        format!("[127.0.0.1]:{}", self.port)
    }

    /// A `known_hosts` file that knows this server.
    ///
    /// # Errors
    /// The key library's.
    pub fn known_hosts(&self) -> io::Result<String> {
        let line = |key: &PublicKey| key.to_openssh().map(|key| format!("{} {key}\n", self.host()));
        self.keys.iter().map(line).collect::<Result<_, _>>().map_err(io::Error::other)
    }
}

struct Connection {
    folder: PathBuf,
    client: PublicKey,
    inputs: HashMap<ChannelId, ChildStdin>,
}

impl server::Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let known = user == "git" && key.public_key.key_data() == self.client.key_data();
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(&mut self, id: ChannelId, command: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        let command = String::from_utf8_lossy(command).into_owned();
        let path = command.strip_prefix("git-upload-pack '").and_then(|rest| rest.strip_suffix('\''));
        let Some(path) = path else { return session.channel_failure(id) };
        session.channel_success(id)?;
        let (input, running) = upload_pack(&self.folder, path.trim_start_matches('/')).map_err(russh::Error::IO)?;
        self.inputs.insert(id, input);
        tokio::spawn(pump(running, id, session.handle()));
        Ok(())
    }

    async fn data(&mut self, id: ChannelId, data: &[u8], _session: &mut Session) -> Result<(), Self::Error> {
        if let Some(input) = self.inputs.get_mut(&id) {
            input.write_all(data).await.map_err(russh::Error::IO)?;
        }
        Ok(())
    }

    async fn channel_eof(&mut self, id: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        self.inputs.remove(&id);
        Ok(())
    }
}

fn upload_pack(folder: &Path, path: &str) -> io::Result<(ChildStdin, tokio::process::Child)> {
    let mut child = tokio::process::Command::new("git")
        .arg("upload-pack")
        .arg(folder.join(path))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    Ok((input, child))
}

/// Passes on what the program prints, then how it ended.
async fn pump(mut child: tokio::process::Child, id: ChannelId, session: Handle) {
    if let Some(mut output) = child.stdout.take() {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(count @ 1..) = output.read(&mut buffer).await {
            if session.data(id, buffer[..count].to_vec()).await.is_err() {
                return;
            }
        }
    }
    if let Some(mut errors) = child.stderr.take() {
        let mut text = Vec::new();
        let _ = errors.read_to_end(&mut text).await;
        let _ = session.extended_data(id, 1, text).await;
    }
    let code = child.wait().await.ok().and_then(|status| status.code()).unwrap_or(1);
    let _ = session.exit_status_request(id, u32::from(code.unsigned_abs() != 0)).await;
    let _ = session.eof(id).await;
    let _ = session.close(id).await;
}
