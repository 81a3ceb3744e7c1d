//! Server-side apply as a function: managed fields, merge, conflicts.
