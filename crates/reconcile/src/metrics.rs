//! The Prometheus metrics that dashboards and alerts for Flux read, under the names they read.

use std::time::Duration;

use prometheus::{
    Encoder, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder, exponential_buckets,
};

/// Where a turn of controller-runtime's histograms falls, in seconds.
const TURN_BUCKETS: [f64; 27] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5,
    1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0,
];

/// The metrics of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    reconcile_duration: HistogramVec,
    turns: IntCounterVec,
    errors: IntCounterVec,
    terminal_errors: IntCounterVec,
    panics: IntCounterVec,
    timeouts: IntCounterVec,
    turn_seconds: HistogramVec,
    active_workers: IntGaugeVec,
    max_workers: IntGaugeVec,
    queue_adds: IntCounterVec,
    queue_retries: IntCounterVec,
    queue_depth: IntGaugeVec,
    queue_seconds: HistogramVec,
    work_seconds: HistogramVec,
    unfinished_seconds: GaugeVec,
    longest_running_seconds: GaugeVec,
    requests: IntCounterVec,
}

/// How a turn ended, as controller-runtime counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnResult {
    /// Nothing more to do until something happens.
    Success,
    /// Due again at once.
    Requeue,
    /// Due again at a date.
    RequeueAfter,
    /// It failed and is retried with back-off.
    Error,
    /// It failed and is not retried.
    TerminalError,
}

impl Metrics {
    /// Registers all metrics in a registry of their own.
    ///
    /// # Errors
    /// When a name is registered twice, which is a mistake in this function.
    #[expect(clippy::too_many_lines, reason = "a table of names, helps and labels")]
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec, prometheus::Error> {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let histogram = |name: &str, help: &str, labels: &[&str], buckets: Vec<f64>| {
            let histogram = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets), labels)?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        let int_gauge = |name: &str, help: &str, labels: &[&str]| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let queue_buckets = exponential_buckets(1e-8, 10.0, 12)?;
        let object = ["kind", "name", "namespace"];
        let metrics = Self {
            reconcile_duration: histogram(
                "gotk_reconcile_duration_seconds",
                "The duration in seconds of a GitOps Toolkit resource reconciliation.",
                &object,
                // Ten buckets from 10 ms to 30 minutes.
                exponential_buckets(0.01, (1800.0_f64 / 0.01).powf(1.0 / 9.0), 10)?,
            )?,
            turns: counter(
                "controller_runtime_reconcile_total",
                "Total number of reconciliations per controller",
                &["controller", "result"],
            )?,
            errors: counter(
                "controller_runtime_reconcile_errors_total",
                "Total number of reconciliation errors per controller",
                &["controller"],
            )?,
            terminal_errors: counter(
                "controller_runtime_terminal_reconcile_errors_total",
                "Total number of terminal reconciliation errors per controller",
                &["controller"],
            )?,
            panics: counter(
                "controller_runtime_reconcile_panics_total",
                "Total number of reconciliation panics per controller",
                &["controller"],
            )?,
            timeouts: counter(
                "controller_runtime_reconcile_timeouts_total",
                "Total number of reconciliation timeouts per controller",
                &["controller"],
            )?,
            turn_seconds: histogram(
                "controller_runtime_reconcile_time_seconds",
                "Length of time per reconciliation per controller",
                &["controller"],
                TURN_BUCKETS.to_vec(),
            )?,
            active_workers: int_gauge(
                "controller_runtime_active_workers",
                "Number of currently used workers per controller",
                &["controller"],
            )?,
            max_workers: int_gauge(
                "controller_runtime_max_concurrent_reconciles",
                "Maximum number of concurrent reconciles per controller",
                &["controller"],
            )?,
            queue_adds: counter(
                "workqueue_adds_total",
                "Total number of adds handled by workqueue",
                &["controller", "name"],
            )?,
            queue_retries: counter(
                "workqueue_retries_total",
                "Total number of retries handled by workqueue",
                &["controller", "name"],
            )?,
            queue_depth: int_gauge("workqueue_depth", "Current depth of workqueue", &["controller", "name"])?,
            queue_seconds: histogram(
                "workqueue_queue_duration_seconds",
                "How long in seconds an item stays in workqueue before being requested",
                &["controller", "name"],
                queue_buckets.clone(),
            )?,
            work_seconds: histogram(
                "workqueue_work_duration_seconds",
                "How long in seconds processing an item from workqueue takes.",
                &["controller", "name"],
                queue_buckets,
            )?,
            unfinished_seconds: gauge(
                "workqueue_unfinished_work_seconds",
                "How many seconds of work has been done that is in progress and hasn't been observed by work_duration.",
                &["controller", "name"],
            )?,
            longest_running_seconds: gauge(
                "workqueue_longest_running_processor_seconds",
                "How many seconds has the longest running processor for workqueue been running.",
                &["controller", "name"],
            )?,
            requests: counter(
                "rest_client_requests_total",
                "Number of HTTP requests, partitioned by status code, method, and host.",
                &["code", "host", "method"],
            )?,
            registry: registry.clone(),
        };
        // No tokens are cached yet: dashboards find the series at zero.
        let cached = IntGauge::new("gotk_token_cached_items", "Total number of items in the token cache.")?;
        registry.register(Box::new(cached))?;
        let evictions =
            prometheus::IntCounter::new("gotk_token_cache_evictions_total", "Total number of token cache evictions.")?;
        registry.register(Box::new(evictions))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(metrics)
    }

    /// The metrics of one controller, e.g. `kustomization`.
    pub fn controller(&self, name: &'static str, workers: usize) -> ControllerMetrics {
        self.max_workers.with_label_values(&[name]).set(i64::try_from(workers).unwrap_or(i64::MAX));
        self.active_workers.with_label_values(&[name]).set(0);
        for result in ["success", "error", "requeue", "requeue_after"] {
            self.turns.with_label_values(&[name, result]);
        }
        for vec in [&self.errors, &self.terminal_errors, &self.panics, &self.timeouts] {
            vec.with_label_values(&[name]);
        }
        self.queue_retries.with_label_values(&[name, name]);
        self.queue_adds.with_label_values(&[name, name]);
        self.unfinished_seconds.with_label_values(&[name, name]).set(0.0);
        self.longest_running_seconds.with_label_values(&[name, name]).set(0.0);
        ControllerMetrics { all: self.clone(), name }
    }

    /// Counts one request to an API server.
    pub fn request(&self, method: &str, host: &str, code: &str) {
        self.requests.with_label_values(&[code, host, method]).inc();
    }

    /// Registers a gauge of the caller's own.
    ///
    /// # Errors
    /// When the name is taken or not a metric's name.
    pub fn gauge(&self, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
        let gauge = Gauge::new(name, help)?;
        self.registry.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    /// Prints all metrics in Prometheus' text format.
    pub fn print(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::warn!(%error, "metrics not printed");
        }
        text
    }
}

/// The metrics of one controller.
#[derive(Debug, Clone)]
pub struct ControllerMetrics {
    all: Metrics,
    name: &'static str,
}

impl ControllerMetrics {
    /// An object was put into the queue.
    pub fn queued(&self) {
        self.all.queue_adds.with_label_values(&[self.name, self.name]).inc();
    }

    /// How many objects are due.
    pub fn depth(&self, depth: usize) {
        let depth = i64::try_from(depth).unwrap_or(i64::MAX);
        self.all.queue_depth.with_label_values(&[self.name, self.name]).set(depth);
    }

    /// A turn began, of an object that had been due for `waited`.
    pub fn began(&self, waited: Duration) {
        self.all.queue_seconds.with_label_values(&[self.name, self.name]).observe(waited.as_secs_f64());
        self.all.active_workers.with_label_values(&[self.name]).inc();
    }

    /// A turn ended after `took`.
    pub fn ended(&self, result: TurnResult, took: Duration) {
        let label = match result {
            TurnResult::Success => "success",
            TurnResult::Requeue => "requeue",
            TurnResult::RequeueAfter => "requeue_after",
            TurnResult::Error | TurnResult::TerminalError => "error",
        };
        self.all.turns.with_label_values(&[self.name, label]).inc();
        if label == "error" {
            self.all.errors.with_label_values(&[self.name]).inc();
        }
        match result {
            TurnResult::TerminalError => self.all.terminal_errors.with_label_values(&[self.name]).inc(),
            TurnResult::Error => self.all.queue_retries.with_label_values(&[self.name, self.name]).inc(),
            _ => {}
        }
        self.all.turn_seconds.with_label_values(&[self.name]).observe(took.as_secs_f64());
        self.all.work_seconds.with_label_values(&[self.name, self.name]).observe(took.as_secs_f64());
        self.all.active_workers.with_label_values(&[self.name]).dec();
    }

    /// A turn panicked.
    pub fn panicked(&self) {
        self.all.panics.with_label_values(&[self.name]).inc();
    }

    /// How long the reconciliation of one object took.
    pub fn reconciled(&self, kind: &str, name: &str, namespace: &str, took: Duration) {
        self.all.reconcile_duration.with_label_values(&[kind, name, namespace]).observe(took.as_secs_f64());
    }

    /// Drops the series of an object that is gone.
    pub fn gone(&self, kind: &str, name: &str, namespace: &str) {
        // It has none when it never had a turn.
        drop(self.all.reconcile_duration.remove_label_values(&[kind, name, namespace]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashboards_find_the_names_they_read() {
        let metrics = Metrics::new().unwrap();
        let controller = metrics.controller("kustomization", 4);
        controller.queued();
        controller.depth(1);
        controller.began(Duration::from_millis(1));
        controller.ended(TurnResult::RequeueAfter, Duration::from_millis(20));
        controller.reconciled("Kustomization", "app", "ns", Duration::from_millis(20));
        metrics.request("GET", "127.0.0.1:6443", "200");
        let text = String::from_utf8(metrics.print()).unwrap();
        for line in [
            r#"gotk_reconcile_duration_seconds_count{kind="Kustomization",name="app",namespace="ns"} 1"#,
            r#"controller_runtime_reconcile_total{controller="kustomization",result="requeue_after"} 1"#,
            r#"controller_runtime_max_concurrent_reconciles{controller="kustomization"} 4"#,
            r#"controller_runtime_active_workers{controller="kustomization"} 0"#,
            r#"workqueue_depth{controller="kustomization",name="kustomization"} 1"#,
            r#"rest_client_requests_total{code="200",host="127.0.0.1:6443",method="GET"} 1"#,
        ] {
            assert!(text.contains(line), "{line}\nis missing in\n{text}");
        }
        controller.gone("Kustomization", "app", "ns");
        assert!(!String::from_utf8(metrics.print()).unwrap().contains("name=\"app\""));
    }
}
