//! Questions to the person before the screen.

use std::io::{self, BufRead as _};

use crate::cli::output::Output;

/// Asks a question that only a `y` answers with yes.
pub(crate) fn confirm(question: &str, out: &mut Output) -> bool {
    out.prompt(&format!("{question}? [y/N]"));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
