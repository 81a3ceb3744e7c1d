//! What one rendering is given from outside: clock, randomness, limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::funcs::Fault;
use crate::value::Map;

/// How much one rendering may do. Every limit is an error when it is passed, never a truncated result.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nodes executed, values compared, elements walked: stops endless loops. One step is some 50 ns.
    pub steps: u64,
    /// Templates that execute within each other through `template`, `include` or `tpl`.
    pub depth: usize,
    /// Bytes that functions and templates produce altogether, including what was thrown away again.
    pub bytes: u64,
}

impl Default for Limits {
    /// Far more than the largest public charts need.
    fn default() -> Self {
        Self { steps: 50_000_000, depth: 1000, bytes: 1 << 30 }
    }
}

/// Every 4,096 steps the flag is looked at.
const STEPS_BETWEEN_LOOKS: u32 = 12;

/// A point in time: the Unix epoch plus this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Whole seconds.
    pub seconds: i64,
    /// Nanoseconds below a second.
    pub nanos: u32,
}

/// Where random bytes come from.
pub trait Random {
    /// Fills the whole slice.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Random for F {
    fn fill(&mut self, bytes: &mut [u8]) {
        self(bytes);
    }
}

/// One rendering: what it may know, what it may spend, what it has spent.
///
/// It may span the execution of many templates over the same values, as a chart's rendering does. Dropping it empties
/// the maps that [`crate::Call::set`] has put containers into, so that maps which contain each other are freed.
pub struct Session {
    now: Moment,
    random: Box<dyn Random>,
    limits: Limits,
    steps: u64,
    bytes: u64,
    depth: usize,
    stop: Option<Arc<AtomicBool>>,
    linked: Vec<crate::value::WeakMap>,
}

impl Session {
    /// Starts a rendering.
    pub fn new(now: Moment, random: impl Random + 'static, limits: Limits) -> Self {
        Self { now, random: Box::new(random), limits, steps: 0, bytes: 0, depth: 0, stop: None, linked: Vec::new() }
    }

    /// Gives up with an error soon after the flag is set: how a caller with a clock bounds the time.
    #[must_use]
    pub fn stop_when(mut self, flag: Arc<AtomicBool>) -> Self {
        self.stop = Some(flag);
        self
    }

    /// The time at which the rendering happens; it does not pass.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Fills a slice with random bytes.
    pub fn random(&mut self, bytes: &mut [u8]) {
        self.random.fill(bytes);
    }

    /// What the rendering may do.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Accounts for work.
    pub fn spend_steps(&mut self, steps: u64) -> Result<(), Fault> {
        let before = self.steps;
        self.steps = before.saturating_add(steps);
        if self.steps > self.limits.steps {
            return Err(Fault::Steps(self.limits.steps));
        }
        if before >> STEPS_BETWEEN_LOOKS != self.steps >> STEPS_BETWEEN_LOOKS
            && self.stop.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
        {
            return Err(Fault::Stopped);
        }
        Ok(())
    }

    /// Accounts for a template that begins to execute. Whoever calls it says [`Session::leave`] in the end.
    pub(crate) fn enter(&mut self) -> Result<(), Fault> {
        if self.depth == self.limits.depth {
            return Err(Fault::Depth(self.limits.depth));
        }
        self.depth += 1;
        Ok(())
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    pub(crate) fn set_depth(&mut self, depth: usize) {
        self.depth = depth;
    }

    /// A template has ended.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Accounts for bytes that are about to be produced.
    pub fn spend_bytes(&mut self, bytes: u64) -> Result<(), Fault> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limits.bytes { Err(Fault::Bytes(self.limits.bytes)) } else { Ok(()) }
    }

    /// How many more bytes may be produced.
    pub fn bytes_left(&self) -> usize {
        usize::try_from(self.limits.bytes.saturating_sub(self.bytes)).unwrap_or(usize::MAX)
    }

    /// Empties the map when the session ends.
    pub(crate) fn link(&mut self, map: &Map) {
        self.linked.extend(map.link());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for map in &self.linked {
            map.clear();
        }
    }
}
