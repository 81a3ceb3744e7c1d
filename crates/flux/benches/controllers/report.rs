//! The table: one line for each thing measured, with its bar.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::Requests;

/// What one phase took.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) seconds: f64,
    pub(crate) cpu: Duration,
    pub(crate) peak: u64,
    pub(crate) requests: Requests,
}

/// Everything measured so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    entries: Vec<Value>,
    missed: usize,
}

impl Report {
    /// A number with its unit, and the bar that it must not pass.
    pub(crate) fn number(&mut self, shape: &str, what: &str, value: f64, unit: &str, bar: Option<f64>) {
        let over = bar.is_some_and(|bar| value > bar);
        let mut line = format!("{shape:<8} {what:<44} {value:>9.2} {unit:<4}");
        if let Some(bar) = bar {
            let _ = write!(line, " {} {bar:.2}", if over { "OVER " } else { "within" });
        }
        println!("{line}");
        self.missed += usize::from(over);
        self.entries.push(json!({ "shape": shape, "what": what, "value": value, "unit": unit, "bar": bar }));
    }

    /// A phase: its time against a bar, its processor time and memory against the common ones.
    pub(crate) fn phase(&mut self, shape: &str, what: &str, phase: &Phase, bar: Option<f64>) {
        #[expect(clippy::cast_precision_loss, reason = "mebibytes for people")]
        let mebibytes = phase.peak as f64 / (1024.0 * 1024.0);
        self.number(shape, &format!("{what}: until all are ready"), phase.seconds, "s", bar);
        self.number(shape, &format!("{what}: processor"), phase.cpu.as_secs_f64(), "s", Some(3.0));
        self.number(shape, &format!("{what}: peak memory"), mebibytes, "MiB", Some(60.0));
        println!("{shape:<8} {what}: requests: {}", phase.requests);
        for (resource, count) in phase.requests.by_resource() {
            println!("{:<12} {count:>6} {resource}", "");
        }
        let requests = json!({ "by_verb": phase.requests.by_verb(), "by_resource": phase.requests.by_resource() });
        self.entries.push(json!({ "shape": shape, "what": format!("{what}: requests"), "value": requests }));
    }

    /// A number of something that must not be more than the bar.
    pub(crate) fn count(&mut self, shape: &str, what: &str, count: usize, bar: usize) {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        self.number(shape, what, count as f64, "", Some(bar as f64));
    }

    /// Whether no bar was missed.
    pub(crate) fn holds(&self) -> bool {
        println!("\n{} measured, {} over their bars", self.entries.len(), self.missed);
        self.missed == 0
    }

    /// Writes everything for machines.
    pub(crate) fn save(&self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench.json");
        std::fs::write(path, format!("{:#}\n", Value::Array(self.entries.clone()))).unwrap();
    }
}
