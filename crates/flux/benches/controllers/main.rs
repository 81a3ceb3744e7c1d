//! The controllers measured on a real control plane, beside `kubectl apply --server-side` of the same objects.
//!
//! `cargo xtask bench [FILTER...]` runs the shapes whose names contain a filter: `paths`, `chain`, `stuck`, `binary`. It
//! prints a table, writes `target/bench.json`, and fails when a bar is missed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench has nobody to report to")]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod bed;
mod binary;
mod chain;
mod floor;
mod paths;
mod report;
mod stuck;

use std::process::ExitCode;

use crate::report::Report;

fn main() -> ExitCode {
    // cargo adds `--bench`.
    let filters: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(f.as_str()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut report = Report::default();
    if wanted("binary") {
        binary::measure(&mut report);
    }
    if wanted("paths") {
        runtime.block_on(paths::measure(&mut report));
    }
    if wanted("chain") {
        runtime.block_on(chain::measure(&mut report));
    }
    if wanted("stuck") {
        runtime.block_on(stuck::measure(&mut report));
    }
    report.save();
    if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
