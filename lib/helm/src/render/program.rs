//! A chart's templates, parsed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gotemplate::{Map, MissingKey, ParseError, Parsed, Session, Templates, Value};
use rayon::prelude::*;

use super::RenderError;
use super::objects::Scope;
use crate::chart::Chart;
use crate::functions::{self, Lookup};
use crate::manifest::{Files, Seen};
use crate::values;

/// From how many bytes of templates on a chart is worth several threads: starting them takes as long as parsing a few.
const LARGE: usize = 64 << 10;

/// The templates of a chart and its subcharts, parsed. Can be executed any number of times, from many threads.
#[derive(Debug, Clone)]
pub struct Program {
    templates: Templates,
    /// What is rendered, in the order in which it is.
    order: Vec<File>,
    is_large: bool,
    /// What the last rendering printed.
    seen: Arc<Mutex<Seen>>,
}

/// A file that is rendered.
#[derive(Debug, Clone)]
struct File {
    path: String,
    /// The path of the chart that it belongs to.
    chart: Arc<str>,
}

/// A template before it is parsed.
struct Source<'c> {
    file: File,
    text: &'c Arc<[u8]>,
}

impl Program {
    /// Parses the templates of a chart whose dependencies are processed.
    pub fn parse(chart: &Chart) -> Result<Self, RenderError> {
        let mut sources = Vec::new();
        collect(chart, chart.name(), &mut sources);
        // Deeper files first, then by name backwards: of two definitions the later one wins, so that the top chart's
        // beat its subcharts'.
        sources.sort_by(|a, b| {
            let depth = |source: &Source<'_>| source.file.path.matches('/').count();
            depth(b).cmp(&depth(a)).then_with(|| b.file.path.cmp(&a.file.path))
        });
        let mut templates = Templates::new(functions::funcs(None)).missing_key(MissingKey::Zero);
        let bytes: usize = sources.iter().map(|source| source.text.len()).sum();
        let is_large = bytes >= LARGE && rayon::current_num_threads() > 1;
        let read = |source: &Source<'_>| templates.read(&source.file.path, source.text);
        let parsed: Vec<Result<Parsed, ParseError>> =
            if is_large { sources.par_iter().map(read).collect() } else { sources.iter().map(read).collect() };
        for parsed in parsed {
            templates.add(parsed.map_err(|error| RenderError::parse(error, templates.funcs()))?);
        }
        let is_partial = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with('_'));
        let order = sources.into_iter().map(|source| source.file).filter(|file| !is_partial(&file.path)).collect();
        Ok(Self { templates, order, is_large, seen: Arc::default() })
    }

    /// Whether several threads render it faster than one.
    pub(super) fn is_large(&self) -> bool {
        self.is_large
    }

    /// What the last rendering printed.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        // Whoever panicked meanwhile left a file out at worst.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renders every file but partials; paths come with what was rendered, and are told as soon as they are.
    pub(super) fn execute(
        &self,
        chart: &Chart,
        values: &Map,
        scope: &Scope,
        lookup: Option<Arc<dyn Lookup>>,
        session: &mut Session,
        mut printed: impl FnMut(&str, &Arc<String>),
    ) -> Result<Files, RenderError> {
        let mut tops = BTreeMap::new();
        prepare(chart, chart.name(), true, values.clone(), scope, &mut tops);
        let templates = match lookup {
            Some(lookup) => self.templates.clone().with_funcs(functions::funcs(Some(lookup))),
            None => self.templates.clone(),
        };
        let file_name = session.volatile();
        let mut rendered = Vec::with_capacity(self.order.len());
        for File { path, chart } in &self.order {
            let Some((top, values)) = tops.get(&**chart) else { continue };
            top.insert("Template", Scope::template(path, &format!("{chart}/templates"), &file_name));
            let text = templates
                .print(path, top.clone().into(), session)
                .map_err(|error| RenderError::execution(path, &error, values, templates.funcs()))?;
            let text = Arc::new(functions::text_of(text));
            printed(path, &text);
            rendered.push((path.clone(), text));
        }
        Ok(rendered)
    }
}

fn collect<'c>(chart: &'c Chart, path: &str, sources: &mut Vec<Source<'c>>) {
    for dependency in &chart.dependencies {
        collect(dependency, &format!("{path}/charts/{}", dependency.name()), sources);
    }
    let chart_path: Arc<str> = path.into();
    for template in &chart.templates {
        let name = template.name.rsplit('/').next().unwrap_or_default();
        if chart.is_library() && !name.starts_with('_') {
            continue;
        }
        let file = File { path: format!("{path}/{}", template.name), chart: Arc::clone(&chart_path) };
        sources.push(Source { file, text: &template.data });
    }
}

/// Makes what each chart's templates see, children inside of their parents' values.
fn prepare(
    chart: &Chart,
    path: &str,
    is_root: bool,
    values: Map,
    scope: &Scope,
    tops: &mut BTreeMap<String, (Map, Map)>,
) -> Map {
    let top = scope.top(chart, is_root, values.clone());
    let subcharts = Map::new();
    for dependency in &chart.dependencies {
        let below = values::table(&values, dependency.name()).unwrap_or_default();
        let path = format!("{path}/charts/{}", dependency.name());
        let child = prepare(dependency, &path, false, below, scope, tops);
        subcharts.insert(dependency.name(), child);
    }
    top.insert("Subcharts", Value::from(subcharts));
    tops.insert(path.to_owned(), (top.clone(), values));
    top
}
