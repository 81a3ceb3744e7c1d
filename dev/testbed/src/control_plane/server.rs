//! One server of the control plane, which a test may freeze, stop and start again.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::process::{Process, ProcessError, Program, Usage};

/// A server with its place and arguments, running or not.
#[derive(Debug)]
pub struct Server {
    program: Program,
    process: Mutex<Option<Process>>,
}

impl Server {
    pub(super) fn start_new(program: Program) -> Result<Self, ProcessError> {
        let process = Process::start(&program)?;
        Ok(Self { program, process: Mutex::new(Some(process)) })
    }

    /// Starts it again on the same ports, if it does not run.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn start(&self) -> Result<(), ProcessError> {
        let mut process = self.lock();
        if process.as_mut().is_none_or(|p| p.ended().is_some()) {
            *process = Some(Process::start(&self.program)?);
        }
        Ok(())
    }

    /// Ends it as an operator does: SIGTERM, and SIGKILL when it takes longer than ten seconds.
    pub fn stop(&self) {
        if let Some(mut process) = self.lock().take() {
            let _ = process.resume();
            let _ = process.terminate(Duration::from_secs(10));
        }
    }

    /// Ends it as a power failure does.
    pub fn kill(&self) {
        self.lock().take();
    }

    /// Freezes it: connections stay open and nobody answers.
    ///
    /// # Errors
    /// As [`Process::pause`].
    pub fn pause(&self) -> Result<(), ProcessError> {
        self.lock().as_ref().map_or(Ok(()), Process::pause)
    }

    /// Lets it go on after [`Server::pause`].
    ///
    /// # Errors
    /// As [`Process::resume`].
    pub fn resume(&self) -> Result<(), ProcessError> {
        self.lock().as_ref().map_or(Ok(()), Process::resume)
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// It does not run.
    pub fn usage(&self) -> io::Result<Usage> {
        self.lock().as_ref().ok_or(io::ErrorKind::NotFound)?.usage()
    }

    /// Whether it ended by itself; servers that a test stopped have not.
    pub(super) fn failed(&self) -> bool {
        self.lock().as_mut().is_some_and(|p| p.ended().is_some())
    }

    /// The last lines it printed, for a message about why it did not start.
    pub(super) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.program.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    pub(super) fn name(&self) -> &str {
        &self.program.name
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
