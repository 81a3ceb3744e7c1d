//! `flux render chart` beside `helm template`, and the library alone.

mod charts;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use self::charts::Chart;
use super::process::{self, Bars, Program, Table, Time};
use crate::Outcome;
use crate::oracles;
use crate::workspace::{Workspace, run};

/// Measures every row that the filters want.
pub(crate) fn measure(workspace: &Workspace, filters: &[&str]) -> Outcome {
    oracles::run(workspace, &["helm"])?;
    let flux = process::flux(workspace)?;
    let real = workspace.path("target/oracles/helm");
    let folder = workspace.target().join("bench/helm");
    let mut table = Table::new(&folder, filters)?;
    let rows: [(&str, Chart); 3] = [
        ("small chart, 5 templates", charts::small()),
        ("medium chart, 200 templates", charts::medium(200)),
        ("huge chart, 400 objects", charts::huge(400)),
    ];
    let mut folders = Vec::new();
    for (name, chart) in rows {
        if table.wants(name) {
            let path = write(&folder.join(name.split(' ').next().unwrap_or(name)), &chart)?;
            let ours = Program::new(&flux, arguments(&path));
            let real = Program::new(&real, ["template".as_ref(), "rel".as_ref(), path.as_os_str()]);
            table.compare(name, &ours, &real, &Bars { time: Time::Times(10.0), memory: Some(4.0) })?;
            folders.push(path);
        }
    }
    let bench = ["bench", "--quiet", "--package", "helm", "--bench", "rendering", "--"];
    let library = run(workspace.cargo(&bench).args(&folders));
    table.finish().and(library)
}

/// Arguments of `flux` for renderings like those that are measured.
pub(super) fn renderings(folder: &Path) -> Result<Vec<Vec<OsString>>, String> {
    let each = [charts::small(), charts::medium(50), charts::huge(100)].into_iter().enumerate();
    each.map(|(i, chart)| Ok(arguments(&write(&folder.join(i.to_string()), &chart)?).map(OsString::from).to_vec()))
        .collect()
}

fn arguments(chart: &Path) -> [&OsStr; 4] {
    ["render".as_ref(), "chart".as_ref(), chart.as_os_str(), "rel".as_ref()]
}

/// Writes a chart to the disk, in place of what is there.
fn write(folder: &Path, chart: &Chart) -> Result<PathBuf, String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|e| format!("remove {}: {e}", folder.display()))?;
    }
    for (path, text) in &chart.files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|e| format!("write {}: {e}", path.display()))?;
    }
    Ok(folder.to_owned())
}
