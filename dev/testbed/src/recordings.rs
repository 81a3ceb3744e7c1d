//! What Flux did, recorded by others, and how ours is held against it.
//!
//! A [`Scenario`] holds what users did and what the world looked like after Flux's controllers had played it. [`play`]
//! plays it on ours, and [`judge`] compares, with the [`Expectations`] of what is meant to differ.

mod compare;
mod expectations;
mod normalize;
mod player;
mod record;
mod scenario;
mod soften;
mod verdict;

pub use expectations::Expectations;
pub use player::play;
pub use scenario::Scenario;
pub use verdict::judge;
