//! Reads what files printed while others are still executed.

use std::mem;
use std::sync::Arc;

use rayon::Scope;

use super::NOTES;
use super::program::Program;
use crate::manifest::{self, Files};

/// How many bytes are handed over at once: waking a thread takes as long as reading some.
const BATCH: usize = 32 << 10;

/// Hands what files printed to other threads.
pub(super) struct Ahead<'s, 'e> {
    scope: &'s Scope<'e>,
    program: &'e Program,
    batch: Files,
    bytes: usize,
}

impl<'s, 'e> Ahead<'s, 'e> {
    pub(super) fn new(scope: &'s Scope<'e>, program: &'e Program) -> Self {
        Self { scope, program, batch: Files::new(), bytes: 0 }
    }

    /// Has a text read, for [`manifest::sort`] to find what is in it. What cannot be read is left to `sort`, which says
    /// why; so is what comes last.
    pub(super) fn read(&mut self, path: &str, text: &Arc<String>) {
        if path.ends_with(NOTES) {
            return;
        }
        self.batch.push((path.to_owned(), Arc::clone(text)));
        self.bytes += text.len();
        if self.bytes < BATCH {
            return;
        }
        self.bytes = 0;
        let (batch, program) = (mem::take(&mut self.batch), self.program);
        self.scope.spawn(move |_| read_all(batch, program));
    }
}

fn read_all(mut batch: Files, program: &Program) {
    let seen = program.seen();
    batch.retain(|(path, text)| !seen.knows(path, text));
    drop(seen);
    let read = |(path, text): (String, Arc<String>)| manifest::read(&path, &text).ok().map(|printed| (path, printed));
    let read: Vec<_> = batch.into_iter().filter_map(read).collect();
    let mut seen = program.seen();
    for (path, printed) in read {
        seen.add(path, printed);
    }
}
