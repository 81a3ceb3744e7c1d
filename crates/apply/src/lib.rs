//! Observe, plan, execute, wait and prune against one cluster.
