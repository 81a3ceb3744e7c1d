//! Artifacts: revision, digest, packing, a store with retention, verified download, a file server.
