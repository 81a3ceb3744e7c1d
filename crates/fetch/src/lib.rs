//! Sources: request in, tree and revision out.
