//! How much of a foreign text is read before it is refused.

/// Bounds on what one text may cost. Every entry point takes them or uses [`Limits::default`].
///
/// *Guarantees*: reading takes memory in proportion to [`bytes`](Self::bytes) and [`nodes`](Self::nodes), whatever the
/// text; no depth that the limits admit overflows a thread's stack, when it is read, printed, cloned or dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Length of the text in bytes; never above [`Limits::MAX_BYTES`].
    pub bytes: usize,
    /// Collections inside each other, after aliases are followed; never above [`Limits::MAX_DEPTH`].
    pub depth: usize,
    /// Scalars and collections of the whole text, after aliases are followed. Text behind an alias counts one more per
    /// [`Limits::TEXT_PER_NODE`] bytes.
    pub nodes: usize,
    /// Documents in one text.
    pub documents: usize,
}

impl Limits {
    /// Offsets are kept in 32 bits.
    pub const MAX_BYTES: usize = 1 << 31;
    /// What fits a stack of 2 MiB with room to spare, in a debug build too.
    pub const MAX_DEPTH: usize = 500;
    /// Bytes of text that weigh as much as a node.
    pub const TEXT_PER_NODE: usize = 64;
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 64 << 20, depth: Self::MAX_DEPTH, nodes: 4_000_000, documents: 100_000 }
    }
}
