//! Our own binary as a child process: `flux run` against a control plane.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::ports;
use crate::process::{Process, ProcessError, Program, Usage};

const READY_WITHIN: Duration = Duration::from_mins(1);

/// How to run the controllers.
#[derive(Clone, Debug)]
pub struct Options {
    /// The `flux` binary.
    pub binary: PathBuf,
    /// The cluster.
    pub kubeconfig: PathBuf,
    /// Where artifacts and the log go. A second process needs a second folder.
    pub folder: PathBuf,
    /// Where notifications are sent; nowhere when empty.
    pub events_address: String,
    /// More arguments after `run`.
    pub args: Vec<OsString>,
    /// More environment.
    pub env: Vec<(OsString, OsString)>,
}

/// `flux run`, killed when dropped.
#[derive(Debug)]
pub struct Flux {
    program: Program,
    process: Mutex<Process>,
    health: u16,
    metrics: u16,
}

/// The controllers could not be started.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages explain the fields")]
#[non_exhaustive]
pub enum FluxError {
    /// The binary cannot be run.
    #[error("run the controllers")]
    Process(#[from] ProcessError),
    /// There is no free port, or the folder cannot be made.
    #[error("prepare a place for the controllers")]
    Place(#[source] io::Error),
    /// It ended by itself.
    #[error("`flux run` ended with {status}; its last words:\n{log}")]
    Ended { status: ExitStatus, log: String },
    /// It runs and is not ready.
    #[error("`flux run` was not ready after {seconds} s; its last words:\n{log}")]
    NotReady { seconds: u64, log: String },
}

impl Flux {
    /// Starts the controllers and waits until they are ready.
    ///
    /// # Errors
    /// [`FluxError`]; with the last lines of the log when the controllers ended.
    pub async fn start(options: &Options) -> Result<Self, FluxError> {
        let [storage, metrics, health] = ports::free().map_err(FluxError::Place)?;
        let storage_path = options.folder.join("storage");
        std::fs::create_dir_all(&storage_path).map_err(FluxError::Place)?;
        let mut args = vec![OsString::from("run")];
        args.extend([
            os("--kubeconfig=", &options.kubeconfig),
            os("--storage-path=", &storage_path),
            format!("--storage-addr=127.0.0.1:{storage}").into(),
            format!("--storage-adv-addr=127.0.0.1:{storage}").into(),
            format!("--metrics-addr=127.0.0.1:{metrics}").into(),
            format!("--health-addr=127.0.0.1:{health}").into(),
            format!("--events-addr={}", options.events_address).into(),
        ]);
        args.extend(options.args.iter().cloned());
        let program = Program {
            name: "flux run".to_owned(),
            path: options.binary.clone(),
            args,
            env: options.env.clone(),
            log: options.folder.join("flux.log"),
        };
        let process = Process::start(&program)?;
        let flux = Self { program, process: Mutex::new(process), health, metrics };
        flux.ready().await?;
        Ok(flux)
    }

    /// Starts the controllers again on the same ports and storage after [`Flux::kill`] or [`Flux::terminate`].
    ///
    /// # Errors
    /// As [`Flux::start`].
    pub async fn restart(&self) -> Result<(), FluxError> {
        self.kill();
        *self.process() = Process::start(&self.program)?;
        self.ready().await
    }

    /// Ends the controllers without a chance to tidy up.
    pub fn kill(&self) {
        self.process().kill();
    }

    /// Asks the controllers to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// [`ProcessError::StillRunning`] when they do not.
    pub fn terminate(&self, patience: Duration) -> Result<ExitStatus, ProcessError> {
        self.process().terminate(patience)
    }

    /// The exit status if the controllers have ended by themselves.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.process().ended()
    }

    /// Everything the controllers have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.program.log).unwrap_or_default()
    }

    /// The folder of the artifacts.
    pub fn storage(&self) -> PathBuf {
        self.program.log.with_file_name("storage")
    }

    /// The text of `/metrics`.
    ///
    /// # Errors
    /// No answer.
    pub async fn metrics(&self) -> io::Result<String> {
        get(self.metrics, "/metrics").await.map(|(_, body)| body)
    }

    /// Processor time and memory.
    ///
    /// # Errors
    /// The process is gone.
    pub fn usage(&self) -> io::Result<Usage> {
        self.process().usage()
    }

    /// Lets [`Usage::peak`] begin anew.
    ///
    /// # Errors
    /// The process is gone.
    pub fn forget_peak(&self) -> io::Result<()> {
        self.process().forget_peak()
    }

    async fn ready(&self) -> Result<(), FluxError> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = self.ended() {
                return Err(FluxError::Ended { status, log: self.last_words() });
            }
            if matches!(get(self.health, "/readyz").await, Ok((200, _))) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(FluxError::NotReady { seconds: READY_WITHIN.as_secs(), log: self.last_words() });
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

fn os(flag: &str, path: &Path) -> OsString {
    let mut arg = OsString::from(flag);
    arg.push(path);
    arg
}

/// Status and body of a request to loopback.
async fn get(port: u16, path: &str) -> io::Result<(u16, String)> {
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<String, io::Error>(answer)
    };
    let answer =
        timeout(Duration::from_secs(5), exchange).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split_whitespace().nth(1).and_then(|s| s.parse().ok());
    Ok((status.ok_or(io::ErrorKind::InvalidData)?, body.to_owned()))
}
