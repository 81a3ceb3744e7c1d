//! The release binary: its size, and how fast it starts.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::report::Report;

const FLUX: &str = env!("CARGO_BIN_EXE_flux");

pub(crate) fn measure(report: &mut Report) {
    let size = std::fs::metadata(FLUX).unwrap().len();
    #[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
    report.number("binary", "size", size as f64 / 1e6, "MB", Some(40.0));
    let mut times: Vec<f64> = (0..10).map(|_| start()).collect();
    times.sort_by(f64::total_cmp);
    report.number("binary", "flux version --client, median of 10", times[5] * 1e3, "ms", Some(100.0));
}

#[expect(clippy::disallowed_methods, reason = "our own binary is what is measured")]
fn start() -> f64 {
    let started = Instant::now();
    let status = Command::new(FLUX).args(["version", "--client"]).stdout(Stdio::null()).status().unwrap();
    assert!(status.success());
    started.elapsed().as_secs_f64()
}
