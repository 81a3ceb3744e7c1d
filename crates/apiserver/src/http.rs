//! The wire: from requests to calls, and from results to answers.

pub(crate) mod accept;
pub(crate) mod answer;
pub(crate) mod audit;
pub(crate) mod connection;
pub(crate) mod discovery;
pub(crate) mod fairness;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod objects;
pub(crate) mod openapi;
pub(crate) mod query;
pub(crate) mod respond;
pub(crate) mod route;
pub(crate) mod table;
pub(crate) mod tls;
pub(crate) mod watch;
