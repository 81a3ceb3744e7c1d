//! Reads what files printed while others are still executed.

use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::Scope;

use super::NOTES;
use super::program::Program;
use crate::manifest;

/// How many bytes are read in the time that it takes to start a thread, or nearly.
const READ_MEANWHILE: usize = 64 << 10;

/// Hands what files printed to a thread, from the moment on that there is much of it.
pub(super) struct Ahead<'s, 'e> {
    scope: &'s Scope<'s, 'e>,
    program: &'e Program,
    printed: usize,
    reader: Option<Sender<(String, Arc<str>)>>,
}

impl<'s, 'e> Ahead<'s, 'e> {
    pub(super) fn new(scope: &'s Scope<'s, 'e>, program: &'e Program) -> Self {
        Self { scope, program, printed: 0, reader: None }
    }

    /// Has a text read, for [`manifest::sort`] to find what is in it. What cannot be read is left to `sort`, which says
    /// why.
    pub(super) fn read(&mut self, path: &str, text: &Arc<str>) {
        self.printed += text.len();
        if self.printed < READ_MEANWHILE || path.ends_with(NOTES) {
            return;
        }
        let (scope, program) = (self.scope, self.program);
        let reader = self.reader.get_or_insert_with(|| {
            let (sender, receiver) = mpsc::channel::<(String, Arc<str>)>();
            scope.spawn(move || {
                for (path, text) in receiver {
                    if program.seen().knows(&path, &text) {
                        continue;
                    }
                    if let Ok(printed) = manifest::read(&path, &text) {
                        program.seen().add(path, printed);
                    }
                }
            });
            sender
        });
        // It listens for as long as there is a sender.
        let _ = reader.send((path.to_owned(), Arc::clone(text)));
    }
}
