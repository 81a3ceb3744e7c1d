//! Helm charts, values, rendering and release records, without a cluster.
//!
//! - [`values`]: tables of values; [`strvals`]: the grammar of `--set`.

pub mod strvals;
pub mod values;
