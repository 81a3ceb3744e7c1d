//! What one rendering is given from outside: clock, randomness, limits.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use re2::{BytesRegex, PatternError};

use crate::funcs::Fault;
use crate::template::Tree;
use crate::value::{Map, Str, Value};

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

/// Counts the answers that would be others at another time of the same rendering: randomness, and what an
/// [`Object`](crate::Object) makes of where the rendering is.
#[derive(Clone, Debug, Default)]
pub struct Volatile(Rc<Cell<u64>>);

impl Volatile {
    /// Says that there was such an answer.
    pub fn note(&self) {
        self.0.set(self.0.get().wrapping_add(1));
    }
}

/// Texts that templates printed, which they would print again over the same map: nothing has changed since.
#[derive(Default)]
struct Printed(BTreeMap<(usize, usize), (Arc<Tree>, Map, Str)>);

impl Printed {
    /// Both live as long as they are in here, so that their addresses tell them apart.
    fn key(tree: &Arc<Tree>, dot: &Map) -> (usize, usize) {
        (Arc::as_ptr(tree).addr(), dot.id())
    }
}

/// The regular expressions that were asked for last: charts use few of them, many times.
#[derive(Default)]
struct Patterns(VecDeque<(Str, Arc<BytesRegex>)>);

impl Patterns {
    /// Each may be as large as [`re2`] lets it become.
    const MOST: usize = 8;

    fn get(&mut self, pattern: &Str) -> Result<Arc<BytesRegex>, PatternError> {
        if let Some((_, known)) = self.0.iter().find(|(known, _)| known == pattern) {
            return Ok(known.clone());
        }
        let regex = Arc::new(re2::compile_bytes(&pattern.to_str())?);
        self.0.truncate(Self::MOST - 1);
        self.0.push_front((pattern.clone(), regex.clone()));
        Ok(regex)
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
    volatile: Volatile,
    printed: Printed,
    patterns: Patterns,
    /// The map that the outermost template is executed over.
    root: Option<Map>,
    /// How often a map was changed.
    changes: u64,
}

impl Session {
    /// Starts a rendering.
    pub fn new(now: Moment, random: impl Random + 'static, limits: Limits) -> Self {
        Self {
            now,
            random: Box::new(random),
            limits,
            steps: 0,
            bytes: 0,
            depth: 0,
            stop: None,
            linked: Vec::new(),
            volatile: Volatile::default(),
            printed: Printed::default(),
            patterns: Patterns::default(),
            root: None,
            changes: 0,
        }
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
        self.volatile.note();
        self.random.fill(bytes);
    }

    /// Counts what must not be remembered of this rendering.
    pub fn volatile(&self) -> Volatile {
        self.volatile.clone()
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

    /// An outermost template begins.
    pub(crate) fn begin(&mut self, data: &Value) {
        self.root = if let Value::Map(map) = data { Some(map.clone()) } else { None };
    }

    /// Whether the outermost template is executed over this map.
    pub(crate) fn is_root(&self, map: &Map) -> bool {
        self.root.as_ref().is_some_and(|root| root.same(map))
    }

    /// A map is about to change: what was printed may be printed differently from now on.
    pub(crate) fn change(&mut self) {
        self.changes += 1;
        self.printed.0.clear();
    }

    /// What makes two moments of a rendering the same for a template.
    pub(crate) fn moment(&self) -> (u64, u64) {
        (self.changes, self.volatile.0.get())
    }

    /// The text that a template would print over a map.
    pub(crate) fn printed(&self, tree: &Arc<Tree>, dot: &Map) -> Option<Str> {
        self.printed.0.get(&Printed::key(tree, dot)).map(|(.., text)| text.clone())
    }

    /// Remembers what a template printed over a map, unless something has changed since it began.
    pub(crate) fn remember(&mut self, began: (u64, u64), tree: Arc<Tree>, dot: Map, text: &Str) {
        if began == self.moment() {
            self.printed.0.insert(Printed::key(&tree, &dot), (tree, dot, text.clone()));
        }
    }

    /// Compiles a regular expression, unless it was lately.
    pub(crate) fn pattern(&mut self, pattern: &Str) -> Result<Arc<BytesRegex>, PatternError> {
        self.patterns.get(pattern)
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
