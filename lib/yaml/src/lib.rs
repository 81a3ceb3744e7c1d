//! Lossless YAML documents, read and printed as Go's YAML libraries do.
