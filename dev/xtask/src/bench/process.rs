//! Runs whole processes, ours and the real one, and holds the ratios of their time and peak memory against bars.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

use crate::Outcome;
use crate::workspace::{Workspace, run};

/// How often a program is run at most.
const RUNS: usize = 11;
/// How long the runs of one program may take together; what takes longer than that is run once.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program with its arguments.
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) args: Vec<OsString>,
}

/// What the runs of a program cost.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    /// Wall time from start to exit, the median of all runs.
    pub(super) seconds: f64,
    /// Peak resident memory in bytes, the largest of all runs.
    ///
    /// *Caveat*: the kernel counts what a program had before it became another, so nothing is ever seen to take less
    /// than this program itself, some 5 MB.
    pub(super) peak: u64,
}

/// What ours must reach beside the real program.
pub(super) struct Bars {
    pub(super) time: Time,
    /// Ours may take one part in so many of the real program's memory.
    pub(super) memory: Option<f64>,
}

/// A bar for time.
pub(super) enum Time {
    /// So many times faster.
    Times(f64),
    /// No longer than so many seconds.
    Seconds(f64),
}

/// One line for each thing that both programs did.
pub(super) struct Table {
    /// Where the programs' output goes, to be compared.
    folder: PathBuf,
    filters: Vec<String>,
    missed: usize,
}

impl Program {
    pub(super) fn new(path: impl Into<PathBuf>, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { path: path.into(), args: args.into_iter().map(Into::into).collect() }
    }

    /// Runs the program until its time is known well, its output going to a file.
    pub(super) fn measure(&self, output: &Path) -> Result<Cost, String> {
        let mut times = Vec::new();
        let mut peak = 0;
        let started = Instant::now();
        while times.is_empty() || times.len() < RUNS && started.elapsed() < PATIENCE {
            let (seconds, memory) = self.run(output)?;
            times.push(seconds);
            peak = peak.max(memory);
        }
        times.sort_by(f64::total_cmp);
        Ok(Cost { seconds: times[times.len() / 2], peak })
    }

    fn run(&self, output: &Path) -> Result<(f64, u64), String> {
        let name = self.path.display();
        let file = File::create(output).map_err(|e| format!("write {}: {e}", output.display()))?;
        let mut command = Command::new(&self.path);
        command.args(&self.args).stdout(file).stderr(Stdio::inherit());
        let started = Instant::now();
        let child = command.spawn().map_err(|e| format!("run {name}: {e}"))?;
        let ended = child.wait4().map_err(|e| format!("wait for {name}: {e}"))?;
        let seconds = started.elapsed().as_secs_f64();
        if ended.status.success() {
            Ok((seconds, ended.rusage.maxrss))
        } else {
            Err(format!("{name} {:?} ended with {}", self.args, ended.status))
        }
    }
}

impl Table {
    /// An empty table, its files going to a folder of their own.
    pub(super) fn new(folder: &Path, filters: &[&str]) -> Result<Self, String> {
        fs::create_dir_all(folder).map_err(|e| format!("make {}: {e}", folder.display()))?;
        let filters = filters.iter().map(|&filter| filter.to_owned()).collect();
        println!("{:<44} {:>23}   {:>29}", "", "ours / real: seconds", "ours / real: peak MB");
        Ok(Self { folder: folder.to_owned(), filters, missed: 0 })
    }

    /// Whether a row is asked for.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| name.contains(filter.as_str()))
    }

    /// Runs both programs, which must print the same, and adds a row.
    pub(super) fn compare(&mut self, name: &str, ours: &Program, real: &Program, bars: &Bars) -> Outcome {
        let (our_output, real_output) = (self.folder.join("ours"), self.folder.join("real"));
        let our_cost = ours.measure(&our_output)?;
        let real_cost = real.measure(&real_output)?;
        if !is_same(&our_output, &real_output).map_err(|e| format!("compare what was printed: {e}"))? {
            return Err(format!("{name}: {} and {} differ", our_output.display(), real_output.display()));
        }
        let faster = real_cost.seconds / our_cost.seconds;
        let (fast, time_bar) = match bars.time {
            Time::Times(bar) => (faster >= bar, format!("{bar}x")),
            Time::Seconds(bar) => (our_cost.seconds <= bar, format!("{bar} s")),
        };
        let smaller = megabytes(real_cost.peak) / megabytes(our_cost.peak);
        let small = bars.memory.is_none_or(|bar| smaller >= bar);
        let memory_bar = bars.memory.map_or("none".to_owned(), |bar| format!("1/{bar}"));
        println!(
            "{name:<44} {:>8.4} / {:>8.4} {faster:>7.1}x (bar {time_bar:>4}) {:>6.1} / {:>6.1} 1/{smaller:<5.1} (bar {memory_bar:>4}) {}",
            our_cost.seconds,
            real_cost.seconds,
            megabytes(our_cost.peak),
            megabytes(real_cost.peak),
            verdict(fast && small),
        );
        self.missed += usize::from(!(fast && small));
        Ok(())
    }

    /// Adds a row of another kind: a number that must not be more than its bar.
    pub(super) fn bound(&mut self, name: &str, number: f64, bar: f64) {
        println!("{name:<44} {number:>8.2} (bar {bar}) {}", verdict(number <= bar));
        self.missed += usize::from(number > bar);
    }

    /// Fails if a bar was missed.
    pub(super) fn finish(self) -> Outcome {
        if self.missed == 0 { Ok(()) } else { Err(format!("{} bars missed", self.missed)) }
    }
}

/// The release build of `flux`.
pub(super) fn flux(workspace: &Workspace) -> Result<PathBuf, String> {
    run(&mut workspace.cargo(&["build", "--quiet", "--release", "--package", "flux", "--bin", "flux"]))?;
    Ok(workspace.target().join("release/flux"))
}

fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "MISSED" }
}

#[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Compares piece by piece: what this program holds when it starts another counts as the other's memory.
fn is_same(a: &Path, b: &Path) -> std::io::Result<bool> {
    if fs::metadata(a)?.len() != fs::metadata(b)?.len() {
        return Ok(false);
    }
    let (a, b) = (BufReader::new(File::open(a)?), BufReader::new(File::open(b)?));
    for (a, b) in a.bytes().zip(b.bytes()) {
        if a? != b? {
            return Ok(false);
        }
    }
    Ok(true)
}
