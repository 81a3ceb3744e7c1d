//! Where a command's words go: data to stdout, everything else to stderr.

use std::io::{self, Write};

use crate::cli::is_broken_pipe;

/// The two streams of a command.
///
/// Writing never fails for the caller: when nobody reads any more there is nobody to tell.
pub(crate) struct Output {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    /// Whether the reader of stdout went away. Commands that would go on for ever end then.
    closed: bool,
}

impl Output {
    pub(crate) fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self { out, err, closed: false }
    }

    /// The streams of this process.
    pub(crate) fn to_process() -> Self {
        Self::new(Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// Prints what was asked for.
    pub(crate) fn data(&mut self, text: &str) {
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        self.closed |= written.is_err_and(|error| is_broken_pipe(&error));
    }

    /// Whether nobody reads stdout any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Shows a text on stderr in place of the lines that were shown before it.
    pub(crate) fn redraw(&mut self, text: &str, before: usize) {
        // Up to the first of the lines, and clear to the end of the screen.
        let up = if before > 0 { format!("\x1b[{before}A\x1b[J") } else { String::new() };
        // When nobody reads any more there is nobody to tell.
        drop(self.err.write_all(format!("{up}{text}").as_bytes()).and_then(|()| self.err.flush()));
    }

    /// Says what is being done.
    pub(crate) fn action(&mut self, text: &str) {
        self.note(&format!("► {text}"));
    }

    /// Says what is being made up.
    pub(crate) fn generate(&mut self, text: &str) {
        self.note(&format!("✚ {text}"));
    }

    /// Says what is waited for.
    pub(crate) fn waiting(&mut self, text: &str) {
        self.note(&format!("◎ {text}"));
    }

    /// Says what is done.
    pub(crate) fn success(&mut self, text: &str) {
        self.note(&format!("✔ {text}"));
    }

    /// Says what looks wrong and is gone along with.
    pub(crate) fn warning(&mut self, text: &str) {
        self.note(&format!("⚠️ {text}"));
    }

    /// Says what went wrong.
    pub(crate) fn failure(&mut self, text: &str) {
        self.note(&format!("✗ {text}"));
    }

    /// Says something to the person before the screen.
    pub(crate) fn note(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}").and_then(|()| self.err.flush());
    }

    /// Asks the person before the screen, and leaves the cursor behind the question.
    pub(crate) fn prompt(&mut self, text: &str) {
        let _ = write!(self.err, "{text} ").and_then(|()| self.err.flush());
    }
}
