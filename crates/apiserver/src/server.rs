//! Starting and stopping a server: what an embedder sees.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access::authenticate::Users;
use crate::access::token::{KeyError, Signer};
use crate::access::user::User;
use crate::allocate;
use crate::api::Api;
use crate::bootstrap;
use crate::controllers;
use crate::http::audit::Audit;
use crate::http::connection;
use crate::http::tls::{Authority, TlsError};
use crate::kinds;
use crate::resource::Resources;
use crate::simulate;
use crate::store::{DiskError, Store};

/// How a server is started.
#[derive(Clone, Default)]
pub struct Options {
    /// Where objects are kept; in memory alone when there is none.
    pub data_dir: Option<PathBuf>,
    /// The port on loopback; any free one when it is 0.
    pub port: u16,
    /// After which time what runs is ready, where nothing runs: see [`simulate`](crate::simulate). Without it everything
    /// waits for ever, as in a cluster without nodes.
    pub ready_after: Option<Duration>,
    /// Users besides the administrator, each with a token.
    pub users: Vec<(String, User)>,
    /// A file to which a line is added for each request; none without it.
    pub audit_log: Option<PathBuf>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("data_dir", &self.data_dir).field("port", &self.port).finish_non_exhaustive()
    }
}

/// A running server. It ends when this is dropped.
pub struct Server {
    url: String,
    ca: String,
    token: String,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A server cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port is taken, or may not be used.
    #[error("listen on port {port} of loopback")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// No certificates can be made.
    #[error("make certificates")]
    Tls(#[from] TlsError),
    /// The data folder cannot be used.
    #[error("open the data folder")]
    Disk(#[from] DiskError),
    /// What the data folder keeps besides objects cannot be read or written.
    #[error("use {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The key of the service accounts cannot be used.
    #[error("sign tokens")]
    Key(#[from] KeyError),
    /// The objects that every cluster has cannot be made.
    #[error("make the objects that every cluster has: {problem}")]
    Bootstrap {
        /// What the server said.
        problem: String,
    },
}

impl Server {
    /// Starts a server, which serves when this returns.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .await
            .map_err(|source| StartError::Listen { port: options.port, source })?;
        let address = listener.local_addr().map_err(|source| StartError::Listen { port: options.port, source })?;

        let (touched, changes) = tokio::sync::mpsc::unbounded_channel();
        let store = Arc::new(Store::open(options.data_dir.as_deref(), touched)?);
        let keys = Keys::open(options.data_dir.as_deref())?;
        let tls = keys.authority.server()?;
        let token = format!("{}{}", allocate::uid(), allocate::uid()).replace('-', "");
        let users = Users::new(token.clone(), options.users);
        let signer = Signer::new(&keys.signer)?;
        let ca = keys.authority.certificate;
        let audit = options.audit_log.as_deref().map(Audit::open).transpose();
        let audit = audit.map_err(|source| StartError::File { path: options.audit_log.unwrap_or_default(), source })?;
        let api =
            Arc::new(Api::new(store, Resources::new(kinds::built_in()), users, signer, ca.clone()).with_audit(audit));
        bootstrap::seed(&api).map_err(|failure| StartError::Bootstrap { problem: failure.message })?;
        controllers::restore(&api);

        let stop = CancellationToken::new();
        let mut tasks = vec![
            tokio::spawn(controllers::run(api.clone(), changes, stop.clone())),
            tokio::spawn(connection::serve(api.clone(), listener, tls, stop.clone())),
        ];
        if let Some(ready_after) = options.ready_after {
            tasks.push(tokio::spawn(simulate::run(api, ready_after, stop.clone())));
        }
        Ok(Self { url: format!("https://127.0.0.1:{}", address.port()), ca, token, stop, tasks })
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The authority that clients trust, in PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// The administrator's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A kubeconfig for the administrator, in JSON, which is YAML.
    pub fn kubeconfig(&self) -> String {
        self.kubeconfig_with(&self.token)
    }

    /// A kubeconfig for whoever has this token.
    pub fn kubeconfig_with(&self, token: &str) -> String {
        use base64::Engine as _;
        let ca = base64::engine::general_purpose::STANDARD.encode(&self.ca);
        let value = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "sandbox", "cluster": { "server": self.url, "certificate-authority-data": ca } }],
            "users": [{ "name": "admin", "user": { "token": token } }],
            "contexts": [{ "name": "sandbox", "context": { "cluster": "sandbox", "user": "admin" } }],
            "current-context": "sandbox",
        });
        format!("{value:#}\n")
    }

    /// Stops serving, and returns when everything that was confirmed is kept.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        for task in std::mem::take(&mut self.tasks) {
            // A task that panicked has said so.
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What outlives a restart besides the objects: clients trust the one and hold tokens of the other.
struct Keys {
    authority: Authority,
    signer: Vec<u8>,
}

impl Keys {
    fn open(data_dir: Option<&Path>) -> Result<Self, StartError> {
        let Some(folder) = data_dir else {
            return Ok(Self { authority: Authority::generate()?, signer: Signer::generate()? });
        };
        let [certificate, key, signer] = ["ca.crt", "ca.key", "service-accounts.key"].map(|name| folder.join(name));
        let authority = if let (Some(certificate), Some(key)) = (read(&certificate)?, read(&key)?) {
            Authority {
                certificate: String::from_utf8_lossy(&certificate).into_owned(),
                key: String::from_utf8_lossy(&key).into_owned(),
            }
        } else {
            let authority = Authority::generate()?;
            write(&certificate, authority.certificate.as_bytes())?;
            write(&key, authority.key.as_bytes())?;
            authority
        };
        let signer = if let Some(key) = read(&signer)? {
            key
        } else {
            let key = Signer::generate()?;
            write(&signer, &key)?;
            key
        };
        Ok(Self { authority, signer })
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StartError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StartError::File { path: path.to_owned(), source }),
    }
}

/// Writes a file that nobody else may read.
fn write(path: &Path, bytes: &[u8]) -> Result<(), StartError> {
    use std::io::Write as _;
    let failed = |source| StartError::File { path: path.to_owned(), source };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|mut file| file.write_all(bytes)).map_err(failed)
}
