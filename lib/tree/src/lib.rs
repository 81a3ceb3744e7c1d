//! A read-only file tree as a value: safe paths, ignore rules, archive limits.
