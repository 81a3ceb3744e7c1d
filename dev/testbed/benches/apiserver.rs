//! The embedded API server measured beside kube-apiserver with etcd: its start, its memory, and 10,000 objects.
//!
//! `cargo xtask bench apiserver` prints a table and fails when a bar is missed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench has nobody to report to")]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ListParams, PostParams};
use testbed::process::Usage;
use testbed::{ControlPlane, Kind};

const WRITERS: usize = 20;
const OBJECTS: usize = 10_000;
/// So often a list is asked for; the median counts.
const LISTS: usize = 5;

/// What is measured of a server, and the bar for ours.
const ROWS: [(&str, &str, Bar); 5] = [
    ("start to serving", "ms", Bar::AtMost(300.0)),
    ("memory, idle", "MiB", Bar::AtMost(30.0)),
    ("creates of ConfigMaps of 1 KiB", "/s", Bar::AtLeast(3000.0)),
    ("memory at most, with 10,000 of them", "MiB", Bar::AtMost(150.0)),
    ("list of them all", "ms", Bar::AtMost(300.0)),
];

#[derive(Clone, Copy)]
enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ours = runtime.block_on(measure(Kind::Embedded));
    let real = runtime.block_on(measure(Kind::Real));
    let mut missed = 0;
    println!("{:<40} {:>10} {:>10}", "", "ours", "real");
    for ((what, unit, bar), (ours, real)) in ROWS.into_iter().zip(ours.into_iter().zip(real)) {
        let (holds, sign, bar) = match bar {
            Bar::AtMost(bar) => (ours <= bar, '≤', bar),
            Bar::AtLeast(bar) => (ours >= bar, '≥', bar),
        };
        let verdict = if holds { "holds" } else { "MISSED" };
        println!("{what:<40} {ours:>10.1} {real:>10.1} {unit:<4} (bar {sign} {bar}) {verdict}");
        missed += usize::from(!holds);
    }
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The numbers of [`ROWS`] for a server of this kind.
async fn measure(kind: Kind) -> [f64; ROWS.len()] {
    let started = Instant::now();
    let plane = ControlPlane::start_of(kind).await.unwrap();
    let start = started.elapsed();
    let client = plane.client().await.unwrap();
    // What a start leaves behind settles.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let idle = memory(&plane, |usage| usage.resident);

    let started = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
            tokio::spawn(async move {
                for at in 0..OBJECTS / WRITERS {
                    maps.create(&PostParams::default(), &map(format!("m-{writer}-{at}"))).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let creates = OBJECTS as f64 / started.elapsed().as_secs_f64();

    let mut lists = Vec::new();
    for _ in 0..LISTS {
        let started = Instant::now();
        // The bytes alone: reading them is the client's time.
        let request = http::Request::get("/api/v1/namespaces/default/configmaps").body(Vec::new()).unwrap();
        let text = client.request_text(request).await.unwrap();
        lists.push(started.elapsed());
        assert!(text.len() > OBJECTS * 1024);
    }
    lists.sort();
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    assert!(maps.list(&ListParams::default()).await.unwrap().items.len() >= OBJECTS);
    let loaded = memory(&plane, |usage| usage.peak);
    [milliseconds(start), idle, creates, loaded, milliseconds(lists[LISTS / 2])]
}

/// Memory of what serves and what keeps, in MiB.
fn memory(plane: &ControlPlane, of: impl Fn(Usage) -> u64) -> f64 {
    let mut bytes = of(plane.api_server().usage().unwrap());
    if plane.kind() == Kind::Real {
        bytes += of(plane.etcd().usage().unwrap());
    }
    #[expect(clippy::cast_precision_loss, reason = "mebibytes for people")]
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    mebibytes
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn map(name: String) -> ConfigMap {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name);
    map.data = Some([("x".to_owned(), "x".repeat(1024))].into());
    map
}
