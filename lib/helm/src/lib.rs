//! Helm charts, values, rendering and release records, without a cluster.
//!
//! - [`chart`]: a chart and its subcharts, from a folder or an archive.
//! - [`values`]: tables of values; [`strvals`]: the grammar of `--set`; [`layers`]: who set what; [`schema`]: what values
//!   must fit.
//! - [`dependencies`]: which subcharts take part.
//! - [`render`](mod@render): templates to manifests, hooks and notes; [`functions`]: what templates call;
//!   [`post_render`]: what may change manifests afterwards; [`listing`]: what `helm template` prints of them.
//! - [`release`]: release records in Helm's storage.
//! - [`manifest`]: documents, hooks, install order; [`Excerpt`]: their texts, shared with the files they are from.
//! - [`capabilities`]: the cluster as templates see it.
//! - [`glob`]: patterns of paths; `spelling`: what a misspelt name may have meant.
//!
//! Large charts are read, parsed and sorted on rayon's threads: those of the pool that the caller is in, else one a core.

pub mod capabilities;
pub mod chart;
mod coalesce;
pub mod dependencies;
mod excerpt;
pub mod functions;
pub mod glob;
pub mod layers;
pub mod listing;
pub mod manifest;
pub mod post_render;
pub mod release;
pub mod render;
pub mod schema;
mod spelling;
pub mod strvals;
pub mod values;

pub use capabilities::Capabilities;
pub use chart::Chart;
pub use coalesce::CoalesceError;
pub use excerpt::Excerpt;
pub use layers::Layers;
pub use render::{Rendered, render};
