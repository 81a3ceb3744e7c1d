//! Helm charts, values, rendering and release records, without a cluster.
