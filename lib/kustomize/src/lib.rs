//! kustomize build over a file tree: no disk, no network.
