//! A server in a child process that cannot outlive the test.
//!
//! Dropping a [`Process`] kills it. A test process that is killed itself drops nothing, so beside every child runs a
//! watchdog: a shell that waits for its standard input to end, which happens exactly when the test process is gone,
//! and then kills the child. It needs no unsafe code, and unlike `PR_SET_PDEATHSIG` it is not fired by the end of the
//! thread that happened to start the child.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How to start a server: program, arguments, environment, and the file that collects what it prints.
#[derive(Clone, Debug)]
pub struct Program {
    /// Name for messages.
    pub name: String,
    /// The binary.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables added to the environment.
    pub env: Vec<(OsString, OsString)>,
    /// Standard output and standard error are appended here.
    pub log: PathBuf,
}

/// A running child process.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
    watchdog: Child,
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Processor time, in user and system mode, of all threads.
    pub cpu: Duration,
    /// The most memory that was resident at once since the start or [`Process::forget_peak`], in bytes.
    pub peak: u64,
    /// Memory resident now, in bytes.
    pub resident: u64,
}

/// A server that could not be started or did not end.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages explain the fields")]
#[non_exhaustive]
pub enum ProcessError {
    /// The program is not there or cannot be executed.
    #[error("start {name} ({path})")]
    Spawn { name: String, path: PathBuf, source: io::Error },
    /// The log file cannot be opened.
    #[error("open log file {path}")]
    Log { path: PathBuf, source: io::Error },
    /// The child does not end.
    #[error("{name} did not end within {seconds} s of {signal}; its log is {log}")]
    StillRunning { name: String, seconds: u64, signal: &'static str, log: PathBuf },
    /// The system refuses to signal or await the child.
    #[error("signal or await {name}")]
    Control { name: String, source: io::Error },
}

impl Process {
    /// Starts the program and its watchdog.
    ///
    /// # Errors
    /// [`ProcessError::Log`] and [`ProcessError::Spawn`].
    #[expect(clippy::disallowed_methods, reason = "the testbed exists to run the real servers")]
    pub fn start(program: &Program) -> Result<Self, ProcessError> {
        let (out, err) = open_log(&program.log)?;
        let spawn_error =
            |path: &Path, source| ProcessError::Spawn { name: program.name.clone(), path: path.to_owned(), source };
        let mut child = Command::new(&program.path)
            .args(&program.args)
            .envs(program.env.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            // Ctrl-C is for whoever started us; servers end after their users.
            .process_group(0)
            .spawn()
            .map_err(|source| spawn_error(&program.path, source))?;
        let watchdog = Command::new("/bin/sh")
            .args(["-c", "read -r _; kill -9 \"$1\"", "watchdog", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let watchdog = match watchdog {
            Ok(watchdog) => watchdog,
            Err(source) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(spawn_error(Path::new("/bin/sh"), source));
            }
        };
        Ok(Self { name: program.name.clone(), log: program.log.clone(), child, watchdog })
    }

    /// The process id, for `/proc`.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Processor time and memory.
    ///
    /// # Errors
    /// The process is gone.
    pub fn usage(&self) -> io::Result<Usage> {
        usage(self.child.id())
    }

    /// Lets [`Usage::peak`] begin anew.
    ///
    /// # Errors
    /// The process is gone.
    pub fn forget_peak(&self) -> io::Result<()> {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")
    }

    /// The file with everything it printed.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The exit status if it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Kills it, without a chance to tidy up, and waits until it is gone.
    pub fn kill(&mut self) {
        // The watchdog goes first: afterwards the child's id may belong to somebody else.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// [`ProcessError::StillRunning`] when it has not ended in time; it goes on running.
    pub fn terminate(&mut self, patience: Duration) -> Result<ExitStatus, ProcessError> {
        self.signal(Signal::TERM)?;
        let deadline = Instant::now() + patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.kill();
                    return Ok(status);
                }
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
                Ok(None) => {
                    return Err(ProcessError::StillRunning {
                        name: self.name.clone(),
                        seconds: patience.as_secs(),
                        signal: "SIGTERM",
                        log: self.log.clone(),
                    });
                }
                Err(source) => return Err(ProcessError::Control { name: self.name.clone(), source }),
            }
        }
    }

    /// Freezes it (SIGSTOP): connections stay open and nobody answers. It is frozen when this returns: the signal alone
    /// lets its threads go on for a moment.
    ///
    /// # Errors
    /// [`ProcessError::Control`] when it is gone.
    pub fn pause(&self) -> Result<(), ProcessError> {
        self.signal(Signal::STOP)?;
        let tasks = format!("/proc/{}/task", self.child.id());
        loop {
            let listed = std::fs::read_dir(&tasks);
            let listed = listed.map_err(|source| ProcessError::Control { name: self.name.clone(), source })?;
            // A thread that ends meanwhile does nothing either.
            let runs = |task: PathBuf| std::fs::read_to_string(task.join("stat")).is_ok_and(|stat| !is_stopped(&stat));
            if !listed.flatten().any(|task| runs(task.path())) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets it go on after [`Process::pause`].
    ///
    /// # Errors
    /// [`ProcessError::Control`] when it is gone.
    pub fn resume(&self) -> Result<(), ProcessError> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        kill_process(Pid::from_child(&self.child), signal)
            .map_err(|errno| ProcessError::Control { name: self.name.clone(), source: errno.into() })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Processor time and memory of a process, from `/proc`.
fn usage(id: u32) -> io::Result<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The command's name is in parentheses and may hold anything; the numbers follow the last one.
    let numbers: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| numbers.get(i).and_then(|n| n.parse::<u64>().ok()).unwrap_or_default();
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let kilobytes = |key: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(key));
        line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
    };
    Ok(Usage {
        cpu: Duration::from_millis((ticks(11) + ticks(12)) * 1000 / per_second),
        peak: kilobytes("VmHWM:"),
        resident: kilobytes("VmRSS:"),
    })
}

/// Whether the line of `/proc` says that a thread is stopped, or ended. Its name, in parentheses, may hold anything.
fn is_stopped(stat: &str) -> bool {
    let state = stat.rsplit(')').next().unwrap_or_default().split_whitespace().next();
    matches!(state, Some("T" | "t" | "Z" | "X"))
}

fn open_log(path: &Path) -> Result<(File, File), ProcessError> {
    let open = || -> io::Result<(File, File)> {
        let out = OpenOptions::new().create(true).append(true).open(path)?;
        let err = out.try_clone()?;
        Ok((out, err))
    };
    open().map_err(|source| ProcessError::Log { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_stopped_says_so() {
        assert!(super::is_stopped("12 (a (b) S) T 1 12 12 0 -1"));
        assert!(!super::is_stopped("12 (T) S 1 12 12 0 -1"));
    }

    #[test]
    fn our_own_usage_can_be_read() {
        let usage = super::usage(std::process::id()).unwrap();
        assert!(usage.resident > 1024 * 1024 && usage.peak >= usage.resident, "{usage:?}");
    }
}
