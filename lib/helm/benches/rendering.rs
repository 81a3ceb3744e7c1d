//! Renders chart folders without a process around it: from the files' bytes, and again with the templates parsed.
//! `cargo xtask bench helm` makes the folders.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a bench talks, and fails by panicking")]
#![allow(clippy::disallowed_types, reason = "a bench takes the time")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gotemplate::{Limits, Moment};
use helm::render::{Program, Release, Request, SchemaCheck, render_parsed};
use helm::values::Table;
use helm::{Capabilities, Chart, chart, dependencies};
use tree::{Tree, TreePath};

/// How often each is done; the median counts.
const RUNS: usize = 15;
/// The second rendering may take one part in so many of the first.
const BAR: f64 = 3.0;

/// On one thread: what a rendering costs, not how long it takes.
fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    let mut missed = 0;
    for folder in std::env::args_os().skip(1).map(PathBuf::from).filter(|folder| folder.is_dir()) {
        let mut tree = Tree::new();
        read(&folder, &TreePath::root(), &mut tree);
        let (first, second) = measure(&tree);
        let ratio = first.as_secs_f64() / second.as_secs_f64();
        let verdict = if ratio >= BAR { "holds" } else { "MISSED" };
        missed += usize::from(ratio < BAR);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        println!(
            "library alone, {name:<20} first {first:>10.2?}, second {second:>10.2?}, 1/{ratio:.1} (bar 1/{BAR}) {verdict}"
        );
    }
    assert!(missed == 0, "{missed} bars missed");
}

/// The medians of the time from bytes to manifests, and of that from parsed templates.
fn measure(tree: &Tree) -> (Duration, Duration) {
    let capabilities = Capabilities::default();
    let values = Table::new();
    let load = || {
        let mut chart = Chart::from_files(tree, &TreePath::root(), &chart::Limits::default()).unwrap();
        dependencies::process(&mut chart, &values, &mut Vec::new()).unwrap();
        Arc::new(chart)
    };
    let render = |chart: &Arc<Chart>, program: &Program| {
        render_parsed(Arc::clone(chart), program, &values, request(&capabilities), Vec::new()).unwrap().manifest()
    };
    let chart = load();
    let program = Program::parse(&chart).unwrap();
    let first = median(|| {
        let chart = load();
        render(&chart, &Program::parse(&chart).unwrap())
    });
    (first, median(|| render(&chart, &program)))
}

fn median(mut run: impl FnMut() -> String) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            assert!(!run().is_empty());
            started.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn request(capabilities: &Capabilities) -> Request<'_> {
    Request {
        release: Release { name: "rel".to_owned(), namespace: "default".to_owned(), revision: 1, is_upgrade: false },
        capabilities,
        lookup: None,
        schema: SchemaCheck::Enforce,
        now: Moment::default(),
        random: Box::new(|bytes: &mut [u8]| bytes.fill(7)),
        limits: Limits::default(),
        stop: None,
        post_render: None,
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench reads files")]
fn read(disk: &Path, path: &TreePath, tree: &mut Tree) {
    for entry in disk.read_dir().unwrap() {
        let entry = entry.unwrap();
        let path = path.join(entry.file_name().to_str().unwrap()).unwrap();
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &path, tree);
        } else {
            tree.insert(&path, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
