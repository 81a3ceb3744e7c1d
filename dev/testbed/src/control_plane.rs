//! A whole control plane on loopback: etcd, kube-apiserver and kube-controller-manager, as released.
//!
//! There is no kubelet and no scheduler: a Deployment with 0 replicas becomes current, one with replicas never does.

mod certs;
mod requests;
mod server;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::sleep;

pub use self::requests::{Mark, Request, Requests};
pub use self::server::Server;
use crate::ports;
use crate::process::{ProcessError, Program};

/// A start that loses a port to somebody else is tried again.
const ATTEMPTS: usize = 3;
const READY_WITHIN: Duration = Duration::from_mins(2);
const CONTROLLER_MANAGER: &str = "system:kube-controller-manager";

/// Somebody whom the API server knows. All but one are cluster administrators; they differ in what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// The test itself; its requests are not counted.
    Admin,
    /// The controllers under test; their requests are counted.
    Flux,
    /// The tool that the controllers are measured against; its requests are counted.
    Floor,
    /// The controllers without the group that nothing limits. It may do what a test binds it to; its requests are counted.
    Limited,
}

impl User {
    const ALL: [Self; 4] = [Self::Admin, Self::Flux, Self::Floor, Self::Limited];

    /// The name as it stands in the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Flux => "flux",
            Self::Floor => "floor",
            Self::Limited => "limited",
        }
    }
}

/// A running control plane, which ends when this is dropped or the process ends in whatever way.
#[derive(Debug)]
pub struct ControlPlane {
    servers: Servers,
    address: String,
    port: u16,
    audit_log: PathBuf,
    // Last, so that the servers are gone before their folder is.
    folder: TempDir,
}

/// Which API server tests run on: the suite is one, the servers are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// etcd, kube-apiserver and kube-controller-manager, as released.
    Real,
    /// Ours, as a process of its own.
    Embedded,
}

impl Kind {
    /// Names the kind for everything that is started below.
    pub const VARIABLE: &str = "FLUXIDE_API_SERVER";

    /// What the environment asks for.
    ///
    /// # Panics
    /// When it asks for something else than `real` or `embedded`: a test that ran on the wrong one would prove nothing.
    #[expect(clippy::panic, reason = "there is nobody else to tell")]
    pub fn of_environment() -> Self {
        match std::env::var(Self::VARIABLE).as_deref() {
            Err(_) | Ok("" | "real") => Self::Real,
            Ok("embedded") => Self::Embedded,
            Ok(other) => panic!("{}={other}: neither real nor embedded", Self::VARIABLE),
        }
    }
}

/// The processes of a control plane.
#[derive(Debug)]
enum Servers {
    Real(Box<Real>),
    /// One that serves, keeps and controls.
    Embedded(Box<Server>),
}

/// The processes of a real one.
#[derive(Debug)]
struct Real {
    api_server: Server,
    controller_manager: Server,
    etcd: Server,
}

/// The control plane could not be started or asked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages explain the fields")]
#[non_exhaustive]
pub enum StartError {
    /// The real tools have not been built.
    #[error("{path} is not there: build the real tools with `cargo xtask oracles kubernetes etcd`")]
    Oracle { path: PathBuf },
    /// The embedded API server has not been built.
    #[error("{path} is not there: build it with `cargo build --package testbed --examples`")]
    Embedded { path: PathBuf },
    /// A server cannot be run.
    #[error("run a server of the control plane")]
    Process(#[from] ProcessError),
    /// A server ended while it started.
    #[error("{name} ended while it started; its last words:\n{log}")]
    Ended { name: String, log: String },
    /// The control plane does not become ready.
    #[error("the control plane was not ready after {seconds} s: {why}")]
    NotReady { seconds: u64, why: String },
    /// The folder cannot be written.
    #[error("write {path}")]
    Write { path: PathBuf, source: std::io::Error },
    /// There is no free port.
    #[error("find free ports")]
    Ports(#[source] std::io::Error),
    /// A certificate cannot be made.
    #[error("make a certificate")]
    Certificate(#[source] rcgen::Error),
    /// The kubeconfig that we wrote is not understood.
    #[error("read {path}")]
    Kubeconfig { path: PathBuf, source: kube::config::KubeconfigError },
    /// No client can be made.
    #[error("make a client")]
    Client(#[source] kube::Error),
}

impl ControlPlane {
    /// Starts one and waits until it serves; about five seconds.
    ///
    /// # Errors
    /// [`StartError`]; with the last lines of the log when a server ended.
    pub async fn start() -> Result<Self, StartError> {
        Self::start_of(Kind::of_environment()).await
    }

    /// Starts one of this kind and waits until it serves.
    ///
    /// # Errors
    /// As [`ControlPlane::start`].
    pub async fn start_of(kind: Kind) -> Result<Self, StartError> {
        let mut attempt = 1;
        loop {
            match Self::try_start(kind).await {
                Err(StartError::Ended { .. }) if attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    async fn try_start(kind: Kind) -> Result<Self, StartError> {
        match kind {
            Kind::Real => Self::try_start_real().await,
            Kind::Embedded => Self::try_start_embedded().await,
        }
    }

    async fn try_start_embedded() -> Result<Self, StartError> {
        let folder = folder()?;
        let [port] = ports::free().map_err(StartError::Ports)?;
        let address = format!("https://127.0.0.1:{port}");
        let audit_log = folder.path().join("audit.log");
        write(&audit_log, "")?;
        write(&folder.path().join("tokens.csv"), &tokens())?;
        let server = Server::start_new(embedded(folder.path(), port, &audit_log)?)?;
        // It makes its own authority; what is read while it is written has no end.
        let ca = folder.path().join("data/ca.crt");
        let deadline = Instant::now() + READY_WITHIN;
        let ca_pem = loop {
            let pem = std::fs::read_to_string(&ca).unwrap_or_default();
            if pem.trim_end().ends_with("-----END CERTIFICATE-----") {
                break pem;
            }
            if server.failed() || Instant::now() > deadline {
                return Err(StartError::Ended { name: server.name().to_owned(), log: server.last_words() });
            }
            sleep(Duration::from_millis(5)).await;
        };
        write_users(folder.path(), &address, &ca_pem)?;
        let plane = Self { servers: Servers::Embedded(Box::new(server)), address, port, audit_log, folder };
        plane.ready().await?;
        Ok(plane)
    }

    async fn try_start_real() -> Result<Self, StartError> {
        let folder = folder()?;
        let certs = certs::write(folder.path())?;
        let [client_port, peer_port, secure_port] = ports::free().map_err(StartError::Ports)?;
        let address = format!("https://127.0.0.1:{secure_port}");
        write_users(folder.path(), &address, &certs.ca_pem)?;
        write(&folder.path().join("tokens.csv"), &tokens())?;
        let audit_log = folder.path().join("audit.log");
        write(&audit_log, "")?;
        write(&folder.path().join("audit-policy.yaml"), requests::POLICY)?;

        let etcd = Server::start_new(etcd(folder.path(), client_port, peer_port)?)?;
        let api_server = Server::start_new(api_server(folder.path(), &certs, client_port, secure_port, &audit_log)?)?;
        let controller_manager = Server::start_new(controller_manager(folder.path(), &certs)?)?;
        let servers = Servers::Real(Box::new(Real { api_server, controller_manager, etcd }));
        let plane = Self { servers, address, port: secure_port, audit_log, folder };
        plane.ready().await?;
        Ok(plane)
    }

    /// Waits until the API server is ready and the controller manager does its work.
    ///
    /// # Errors
    /// [`StartError::Ended`] and [`StartError::NotReady`].
    pub async fn ready(&self) -> Result<(), StartError> {
        let client = self.client().await?;
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            for server in [self.etcd(), self.api_server()] {
                if server.failed() {
                    return Err(StartError::Ended { name: server.name().to_owned(), log: server.last_words() });
                }
            }
            // The controller manager gives up when the API server is not there in its first seconds.
            if self.controller_manager().failed() {
                self.controller_manager().start()?;
            }
            match is_serving(&client).await {
                Ok(()) => return Ok(()),
                Err(why) if Instant::now() > deadline => {
                    return Err(StartError::NotReady { seconds: READY_WITHIN.as_secs(), why });
                }
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// A new client for an administrator.
    ///
    /// Every caller takes its own: a client lives in the runtime that made it, and each test has a runtime of its own.
    ///
    /// # Errors
    /// [`StartError::Kubeconfig`] and [`StartError::Client`].
    pub async fn client(&self) -> Result<Client, StartError> {
        self.client_of(User::Admin).await
    }

    /// A new client for this user.
    ///
    /// # Errors
    /// [`StartError::Kubeconfig`] and [`StartError::Client`].
    pub async fn client_of(&self, user: User) -> Result<Client, StartError> {
        let path = self.kubeconfig(user);
        let kubeconfig = |source| StartError::Kubeconfig { path: path.clone(), source };
        let file = Kubeconfig::read_from(&path).map_err(kubeconfig)?;
        let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.map_err(kubeconfig)?;
        Client::try_from(config).map_err(StartError::Client)
    }

    /// The kubeconfig file of a user.
    pub fn kubeconfig(&self, user: User) -> PathBuf {
        kubeconfig_path(self.folder.path(), user)
    }

    /// Writes the kubeconfig of a user who reaches the API server through another port of loopback.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn kubeconfig_through(&self, user: User, port: u16) -> std::io::Result<PathBuf> {
        let text = std::fs::read_to_string(self.kubeconfig(user))?;
        let path = self.folder.path().join(format!("{}-through-{port}.kubeconfig", user.name()));
        std::fs::write(&path, text.replace(&self.address, &format!("https://127.0.0.1:{port}")))?;
        Ok(path)
    }

    /// The port of the API server.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `https://127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The folder of this control plane, gone with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Which one it is.
    pub fn kind(&self) -> Kind {
        match self.servers {
            Servers::Real(_) => Kind::Real,
            Servers::Embedded(_) => Kind::Embedded,
        }
    }

    /// The API server, to be disturbed.
    pub fn api_server(&self) -> &Server {
        match &self.servers {
            Servers::Real(real) => &real.api_server,
            Servers::Embedded(server) => server.as_ref(),
        }
    }

    /// What keeps the objects, to be disturbed.
    pub fn etcd(&self) -> &Server {
        match &self.servers {
            Servers::Real(real) => &real.etcd,
            Servers::Embedded(server) => server.as_ref(),
        }
    }

    /// The controller manager, to be disturbed.
    pub fn controller_manager(&self) -> &Server {
        match &self.servers {
            Servers::Real(real) => &real.controller_manager,
            Servers::Embedded(server) => server.as_ref(),
        }
    }

    /// The present end of the audit log. A watch may tell of a write a moment before the write is noted, so what was
    /// answered is given that moment.
    pub fn mark(&self) -> Mark {
        std::thread::sleep(Duration::from_millis(20));
        requests::mark(&self.audit_log)
    }

    /// The requests that a user has made since then.
    ///
    /// # Errors
    /// The audit log cannot be read.
    pub fn requests(&self, user: User, since: Mark) -> std::io::Result<Requests> {
        Ok(requests::read(&self.audit_log, since)?.only(|r| r.user == user.name()))
    }

    /// Runs the real kubectl as a user and returns what it said.
    ///
    /// # Errors
    /// [`StartError::Oracle`], or the program cannot be run.
    pub async fn kubectl(&self, user: User, args: &[&str]) -> Result<Output, StartError> {
        let path = oracle("kubectl")?;
        let mut command = tokio::process::Command::new(&path);
        command.arg("--kubeconfig").arg(self.kubeconfig(user)).args(args).kill_on_drop(true);
        // Discovery is cached below the home folder; another control plane may have had this port.
        command.env("KUBECACHEDIR", self.folder.path().join("kubectl-cache"));
        let run = command.stdin(std::process::Stdio::null()).output().await;
        run.map_err(|source| ProcessError::Spawn { name: "kubectl".to_owned(), path, source }.into())
    }
}

/// A new folder, named after this process. The folders of dead processes are removed: a killed one could not.
fn folder() -> Result<TempDir, StartError> {
    const PREFIX: &str = "fluxide-testbed-";
    let temp = std::env::temp_dir();
    let failed = |source| StartError::Write { path: temp.clone(), source };
    for entry in std::fs::read_dir(&temp).map_err(failed)?.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|n| n.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|id| !Path::new(&format!("/proc/{id}")).exists()) {
            // Two processes may tidy at once.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let prefix = format!("{PREFIX}{}-", std::process::id());
    tempfile::Builder::new().prefix(&prefix).tempdir().map_err(failed)
}

async fn is_serving(client: &Client) -> Result<(), String> {
    let asked = async {
        let readyz = http::Request::get("/readyz").body(Vec::new()).map_err(|e| e.to_string())?;
        client.request_text(readyz).await.map_err(|e| e.to_string())?;
        let cluster_roles: Api<ClusterRole> = Api::all(client.clone());
        let role = cluster_roles.get("view").await.map_err(|e| e.to_string())?;
        match role.rules {
            Some(rules) if !rules.is_empty() => Ok(()),
            _ => Err("the controller manager has not filled ClusterRole view".to_owned()),
        }
    };
    tokio::time::timeout(Duration::from_secs(5), asked).await.unwrap_or_else(|_| Err("no answer in 5 s".to_owned()))
}

/// The path of a real tool that `cargo xtask oracles` has built.
///
/// # Errors
/// [`StartError::Oracle`] when it has not been built.
pub fn oracle(name: &str) -> Result<PathBuf, StartError> {
    let folder = std::env::var_os("FLUXIDE_ORACLES")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/oracles")), PathBuf::from);
    let path = folder.join(name);
    if path.is_file() { Ok(path) } else { Err(StartError::Oracle { path }) }
}

fn etcd(folder: &Path, client_port: u16, peer_port: u16) -> Result<Program, StartError> {
    let client = format!("http://127.0.0.1:{client_port}");
    let peer = format!("http://127.0.0.1:{peer_port}");
    program(
        folder,
        "etcd",
        &[
            format!("--data-dir={}", folder.join("etcd").display()),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ],
    )
}

fn api_server(
    folder: &Path,
    certs: &certs::Certs,
    etcd_port: u16,
    port: u16,
    audit_log: &Path,
) -> Result<Program, StartError> {
    program(
        folder,
        "kube-apiserver",
        &[
            format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
            format!("--secure-port={port}"),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--tls-cert-file={}", certs.server.display()),
            format!("--tls-private-key-file={}", certs.server_key.display()),
            format!("--token-auth-file={}", folder.join("tokens.csv").display()),
            "--authorization-mode=RBAC".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", certs.service_account_public_key.display()),
            format!("--service-account-signing-key-file={}", certs.service_account_key.display()),
            "--service-cluster-ip-range=10.0.0.0/16".to_owned(),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            "--allow-privileged=true".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--audit-policy-file={}", folder.join("audit-policy.yaml").display()),
            format!("--audit-log-path={}", audit_log.display()),
            // One process writes, one reads: never rotated away under a reader.
            "--audit-log-maxsize=100000".to_owned(),
        ],
    )
}

fn controller_manager(folder: &Path, certs: &certs::Certs) -> Result<Program, StartError> {
    let kubeconfig = folder.join("controller-manager.kubeconfig");
    let kubeconfig = kubeconfig.display();
    program(
        folder,
        "kube-controller-manager",
        &[
            format!("--kubeconfig={kubeconfig}"),
            format!("--authentication-kubeconfig={kubeconfig}"),
            format!("--authorization-kubeconfig={kubeconfig}"),
            format!("--service-account-private-key-file={}", certs.service_account_key.display()),
            format!("--root-ca-file={}", certs.ca.display()),
            "--use-service-account-credentials=true".to_owned(),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            // At its stock 20 a second the controller manager, and nobody else, would be measured.
            "--kube-api-qps=500".to_owned(),
            "--kube-api-burst=750".to_owned(),
        ],
    )
}

/// Ours is an example of this crate, which a build of the workspace's tests leaves beside the programs of the tests.
fn embedded(folder: &Path, port: u16, audit_log: &Path) -> Result<Program, StartError> {
    let test = std::env::current_exe().unwrap_or_default();
    let built = test.ancestors().nth(2).unwrap_or(Path::new("")).join("examples/api-server");
    if !built.is_file() {
        return Err(StartError::Embedded { path: built });
    }
    let paths = [folder.join("data"), audit_log.to_owned(), folder.join("tokens.csv")];
    let args = std::iter::once(OsString::from(port.to_string())).chain(paths.into_iter().map(OsString::from));
    Ok(Program {
        name: "api-server".to_owned(),
        path: built,
        args: args.collect(),
        env: Vec::new(),
        log: folder.join("api-server.log"),
    })
}

fn program(folder: &Path, name: &str, args: &[String]) -> Result<Program, StartError> {
    Ok(Program {
        name: name.to_owned(),
        path: oracle(name)?,
        args: args.iter().map(OsString::from).collect(),
        env: Vec::new(),
        log: folder.join(format!("{name}.log")),
    })
}

fn write_users(folder: &Path, address: &str, ca_pem: &str) -> Result<(), StartError> {
    let manager = CONTROLLER_MANAGER;
    let manager_kubeconfig = folder.join("controller-manager.kubeconfig");
    write(&manager_kubeconfig, &kubeconfig(address, ca_pem, &format!("{manager}-token")))?;
    for user in User::ALL {
        let name = user.name();
        write(&kubeconfig_path(folder, user), &kubeconfig(address, ca_pem, &format!("{name}-token")))?;
    }
    Ok(())
}

/// The users, as `--token-auth-file` has them.
fn tokens() -> String {
    let manager = CONTROLLER_MANAGER;
    let mut tokens = format!("{manager}-token,{manager},{manager}\n");
    for user in User::ALL {
        let name = user.name();
        let group = if user == User::Limited { "limited" } else { "system:masters" };
        let _ = writeln!(tokens, "{name}-token,{name},{name},\"{group}\"");
    }
    tokens
}

fn kubeconfig_path(folder: &Path, user: User) -> PathBuf {
    folder.join(format!("{}.kubeconfig", user.name()))
}

/// A kubeconfig in JSON, which is YAML.
fn kubeconfig(address: &str, ca_pem: &str, token: &str) -> String {
    let ca = k8s_openapi::ByteString(ca_pem.as_bytes().to_vec());
    let value = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "testbed", "cluster": { "server": address, "certificate-authority-data": ca } }],
        "users": [{ "name": "user", "user": { "token": token } }],
        "contexts": [{ "name": "testbed", "context": { "cluster": "testbed", "user": "user" } }],
        "current-context": "testbed",
    });
    format!("{value:#}\n")
}

fn write(path: &Path, text: &str) -> Result<(), StartError> {
    std::fs::write(path, text).map_err(|source| StartError::Write { path: path.to_owned(), source })
}
