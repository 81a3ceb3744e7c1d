//! The skeleton that every controller stands on: one turn, settle, status, events, metrics, leadership.
//!
//! A controller implements [`Reconciler`] for its kind and hands it to a [`Driver`]. A turn ends in [`Done`] or in a
//! [`Failure`] that says what comes next; the driver derives conditions, events, metrics and the next date from it.
//! A wait is a state: [`Turn::idle`] gives the worker back, and a newer trigger ends the wait at once.

pub mod clients;
pub mod conditions;
mod driver;
pub mod events;
pub mod lease;
mod metrics;
pub mod probes;
pub mod schedule;
mod settle;
mod state;
mod status;
mod store;
mod turn;

pub use driver::{Driver, Settings, Shared, Suspended, Triggers};
pub use metrics::{ControllerMetrics, Metrics, TurnResult};
pub use prometheus::Error as MetricsError;
pub use state::State;
pub use store::{Change, Key, Scope, Store};
pub use turn::{Done, Failure, Interrupted, Reconciler, Retry, Turn};
