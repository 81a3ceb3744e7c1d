//! Any bytes as a chart: as an archive, or, split at lines of `%%`, as files whose first lines are their paths. Loading
//! and rendering never panics and holds its limits.
#![no_main]

use std::io::Write as _;

use gotemplate::{Limits, Moment};
use helm::render::{Release, Request, SchemaCheck};
use helm::values::Table;
use helm::{Capabilities, Chart, chart};
use libfuzzer_sys::fuzz_target;

const CHART: chart::Limits = chart::Limits { total_bytes: 1 << 20, file_bytes: 1 << 18, entries: 100, depth: 3 };
const RENDERING: Limits = Limits { steps: 20_000, depth: 50, bytes: 1 << 20 };

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let _ = gzip.write_all(bytes);
    gzip.finish().unwrap_or_default()
}

/// An archive of files with any names.
fn archive(text: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for file in text.split("%%\n") {
        let (path, content) = file.split_once('\n').unwrap_or((file, ""));
        let mut header = tar::Header::new_gnu();
        let name = &mut header.as_old_mut().name;
        for (to, from) in name.iter_mut().zip(path.bytes().take(99)) {
            *to = from;
        }
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        let _ = tar.append(&header, content.as_bytes());
    }
    packed(&tar.into_inner().unwrap_or_default())
}

fn render(chart: &Chart) {
    let capabilities = Capabilities::default();
    let request = Request {
        release: Release { name: "rel".to_owned(), namespace: "default".to_owned(), revision: 1, is_upgrade: false },
        capabilities: &capabilities,
        lookup: None,
        schema: SchemaCheck::Enforce,
        now: Moment::default(),
        random: Box::new(|bytes: &mut [u8]| bytes.fill(7)),
        limits: RENDERING,
        stop: None,
        post_render: None,
    };
    if let Ok(rendered) = helm::render(chart, &Table::new(), request) {
        assert!(rendered.manifest().len() <= 4 << 20);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let _ = Chart::from_archive(bytes, &CHART);
    let _ = Chart::from_archive(&packed(bytes)[..], &CHART);
    // Keys of a real size take seconds to make.
    if bytes.windows(3).any(|word| word == b"gen") || bytes.windows(6).any(|word| word == b"derive") {
        return;
    }
    if let Ok(chart) = Chart::from_archive(&archive(&String::from_utf8_lossy(bytes))[..], &CHART) {
        render(&chart);
    }
});
