//! The skeleton that every controller stands on: one turn, settle, status, events, metrics, leadership.
