//! Every Flux kind as serde types, with conditions, events and CRDs.
