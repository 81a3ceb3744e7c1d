//! What is counted: requests by verb, resource and code, how long they took, and the watches that are open.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use prometheus::{Encoder as _, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};

use crate::store::Store;

const LABELS: [&str; 5] = ["verb", "group", "resource", "subresource", "code"];

/// The counters of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Option<IntCounterVec>,
    durations: Option<HistogramVec>,
    watches: Arc<AtomicI64>,
}

/// What a request was about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Labels<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
}

/// An open watch.
#[derive(Debug)]
pub(crate) struct Watching(Arc<AtomicI64>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        let requests =
            IntCounterVec::new(Opts::new("apiserver_request_total", "Requests, by what they asked for."), &LABELS).ok();
        let durations = HistogramVec::new(
            HistogramOpts::new(
                "apiserver_request_duration_seconds",
                "Seconds until a request was answered; watches left out.",
            ),
            &LABELS[..4],
        )
        .ok();
        if let Some(requests) = &requests {
            // The names are ours and differ.
            let _ = registry.register(Box::new(requests.clone()));
        }
        if let Some(durations) = &durations {
            let _ = registry.register(Box::new(durations.clone()));
        }
        Self { registry, requests, durations, watches: Arc::default() }
    }
}

impl Metrics {
    /// Counts a request.
    pub(crate) fn count(&self, labels: Labels<'_>, code: u16, took: Duration) {
        let Labels { verb, group, resource, subresource } = labels;
        if let Some(requests) = &self.requests {
            requests.with_label_values(&[verb, group, resource, subresource, code.to_string().as_str()]).inc();
        }
        if let Some(durations) = self.durations.as_ref().filter(|_| verb != "watch") {
            durations.with_label_values(&[verb, group, resource, subresource]).observe(took.as_secs_f64());
        }
    }

    /// Counts a watch for as long as it is kept.
    pub(crate) fn watching(&self) -> Watching {
        self.watches.fetch_add(1, Ordering::Relaxed);
        Watching(self.watches.clone())
    }

    /// All numbers, as Prometheus reads them.
    pub(crate) fn print(&self, store: &Store) -> String {
        let mut text = Vec::new();
        // Writing into memory does not fail.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        let mut text = String::from_utf8(text).unwrap_or_default();
        let mut gauge = |name: &str, help: &str, lines: &[(String, String)]| {
            text.extend(["# HELP ", name, " ", help, "\n# TYPE ", name, " gauge\n"]);
            for (labels, value) in lines {
                text.extend([name, labels.as_str(), " ", value.as_str(), "\n"]);
            }
        };
        let watches = self.watches.load(Ordering::Relaxed).to_string();
        gauge("apiserver_longrunning_requests", "Watches that are open.", &[("{verb=\"WATCH\"}".to_owned(), watches)]);
        let sizes: Vec<_> = store
            .sizes()
            .into_iter()
            .map(|(shelf, size)| (format!("{{resource=\"{shelf}\"}}"), size.to_string()))
            .collect();
        gauge("apiserver_storage_objects", "Objects, by resource.", &sizes);
        text
    }
}
