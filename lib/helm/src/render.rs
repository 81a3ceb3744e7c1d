//! Rendering: a chart and values in, manifests, hooks and notes out. No cluster, no disk, no clock.

mod ahead;
mod error;
mod objects;
mod program;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gotemplate::{Limits, Moment, Random, Session};

use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::coalesce::{Nulls, coalesce};
use crate::dependencies;
use crate::functions::Lookup;
use crate::manifest::{self, Hook, Manifest};
use crate::post_render::{self, PostRender, Strategy};
use crate::schema;
use crate::values::{self, Table};
use ahead::Ahead;
pub use error::{MissingValue, Place, RenderError};
pub use program::Program;

/// The release that is rendered, as templates ask `.Release`.
#[derive(Debug, Clone)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Where it goes.
    pub namespace: String,
    /// From 1.
    pub revision: i64,
    /// Whether it was there before.
    pub is_upgrade: bool,
}

/// Whether values are held against the charts' schemas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SchemaCheck {
    /// They must fit.
    #[default]
    Enforce,
    /// Nobody looks.
    Skip,
}

/// All that a rendering depends on besides chart and values.
pub struct Request<'r> {
    /// The release.
    pub release: Release,
    /// The cluster.
    pub capabilities: &'r Capabilities,
    /// Who answers `lookup`; nobody when rendering offline.
    pub lookup: Option<Arc<dyn Lookup>>,
    /// Whether values are checked.
    pub schema: SchemaCheck,
    /// The time that templates see.
    pub now: Moment,
    /// The randomness that templates see. The same bytes give the same rendering.
    pub random: Box<dyn Random>,
    /// What the templates may spend.
    pub limits: Limits,
    /// Ends the rendering soon after it is set: how a caller with a clock bounds the time.
    pub stop: Option<Arc<AtomicBool>>,
    /// Who changes the manifests before they are sorted.
    pub post_render: Option<(Strategy, &'r mut dyn PostRender)>,
}

/// What a chart renders to.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// What is installed, in that order.
    pub manifests: Vec<Manifest>,
    /// What is created at certain moments, in the same order of kinds.
    pub hooks: Vec<Hook>,
    /// The top chart's `NOTES.txt`.
    pub notes: String,
    /// The chart with its dependencies processed, as a release stores it.
    pub chart: Arc<Chart>,
    /// What was skipped while values were merged.
    pub warnings: Vec<String>,
}

/// The end of the name of what is told to people, and never installed.
const NOTES: &str = "NOTES.txt";

/// Renders a chart.
pub fn render(chart: &Chart, values: &Table, request: Request<'_>) -> Result<Rendered, RenderError> {
    let mut chart = chart.clone();
    let (program, warnings) = prepare(&mut chart, values)?;
    render_parsed(Arc::new(chart), &program, values, request, warnings)
}

/// Processes a chart's dependencies and parses the templates that are left; what was skipped comes with it.
pub fn prepare(chart: &mut Chart, values: &Table) -> Result<(Program, Vec<String>), RenderError> {
    let mut warnings = Vec::new();
    dependencies::process(chart, values, &mut warnings).map_err(RenderError::Values)?;
    Ok((Program::parse(chart)?, warnings))
}

/// Renders a chart whose dependencies are processed with templates that are parsed already.
///
/// *Assumptions*: `program` was parsed from this chart, with the same subcharts switched on.
pub fn render_parsed(
    chart: Arc<Chart>,
    program: &Program,
    values: &Table,
    request: Request<'_>,
    mut warnings: Vec<String>,
) -> Result<Rendered, RenderError> {
    check_kube_version(&chart, request.capabilities)?;
    let coalesced = values::to_map(values);
    coalesce(&chart, &coalesced, Nulls::Remove, &mut warnings).map_err(RenderError::Values)?;
    if request.schema == SchemaCheck::Enforce && schema::is_asked_for(&chart) {
        schema::validate(&chart, &values::from_map(&coalesced)).map_err(RenderError::Schema)?;
    }
    let mut session = Session::new(request.now, BoxedRandom(request.random), request.limits);
    if let Some(stop) = request.stop {
        session = session.stop_when(stop);
    }
    let scope = objects::Scope::new(&request.release, request.capabilities);
    let execute = |printed: &mut dyn FnMut(&str, &Arc<String>)| {
        program.execute(&chart, &coalesced, &scope, request.lookup, &mut session, printed)
    };
    // What a post-renderer changes is read afterwards.
    let mut files = if program.is_large() && request.post_render.is_none() {
        rayon::in_place_scope(|threads| {
            let mut ahead = Ahead::new(threads, program);
            execute(&mut |path, text| ahead.read(path, text))
        })
    } else {
        execute(&mut |_, _| {})
    }?;
    let own_notes = format!("{}/templates/{NOTES}", chart.name());
    let notes = files.iter().find(|(path, _)| *path == own_notes).map(|(_, text)| text.to_string()).unwrap_or_default();
    files.retain(|(path, _)| !path.ends_with(NOTES));
    if let Some((strategy, post_renderer)) = request.post_render {
        files = post_render::run(files, strategy, post_renderer).map_err(RenderError::PostRender)?;
    }
    let (hooks, manifests) = manifest::sort(files, &mut program.seen()).map_err(RenderError::Manifest)?;
    Ok(Rendered { manifests, hooks, notes, chart, warnings })
}

struct BoxedRandom(Box<dyn Random>);

impl Random for BoxedRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

fn check_kube_version(chart: &Chart, capabilities: &Capabilities) -> Result<(), RenderError> {
    let wanted = &chart.metadata.kube_version;
    let fits = || {
        let constraint = version::Constraint::parse(wanted).ok()?;
        Some(constraint.check(&capabilities.kube_version.semantic()?))
    };
    if wanted.is_empty() || fits().unwrap_or(false) {
        return Ok(());
    }
    Err(RenderError::KubeVersion { wanted: wanted.clone(), version: capabilities.kube_version.version.clone() })
}

impl Rendered {
    /// The release's manifest as Helm stores it: every document under its source.
    pub fn manifest(&self) -> String {
        let parts = || {
            self.manifests
                .iter()
                .flat_map(|Manifest { path, content, .. }| ["---\n# Source: ", path, "\n", content, "\n"])
        };
        let mut out = String::with_capacity(parts().map(str::len).sum());
        out.extend(parts());
        out
    }
}
