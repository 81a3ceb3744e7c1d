//! A chart's templates, parsed.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gotemplate::{Map, MissingKey, Session, Templates, Value};

use super::RenderError;
use super::objects::Scope;
use crate::chart::Chart;
use crate::functions::{self, Lookup};
use crate::manifest::{Files, Seen};
use crate::parallel;
use crate::values;

/// How many bytes of templates are parsed in the time that it takes to start a thread, or nearly.
const PARSED_MEANWHILE: usize = 16 << 10;

/// The templates of a chart and its subcharts, parsed. Can be executed any number of times, from many threads.
#[derive(Debug, Clone)]
pub struct Program {
    templates: Templates,
    /// What is rendered, in the order in which it is.
    order: Vec<String>,
    /// What the last rendering printed.
    seen: Arc<Mutex<Seen>>,
}

/// A template before it is parsed.
struct Source<'c> {
    path: String,
    text: &'c Arc<[u8]>,
}

impl Program {
    /// Parses the templates of a chart whose dependencies are processed, on so many threads.
    pub fn parse(chart: &Chart, threads: NonZeroUsize) -> Result<Self, RenderError> {
        let mut sources = Vec::new();
        collect(chart, chart.name(), &mut sources);
        // Deeper files first, then by name backwards: of two definitions the later one wins, so that the top chart's
        // beat its subcharts'.
        sources.sort_by(|a, b| {
            let depth = |source: &Source<'_>| source.path.matches('/').count();
            depth(b).cmp(&depth(a)).then_with(|| b.path.cmp(&a.path))
        });
        let mut templates = Templates::new(functions::funcs(None)).missing_key(MissingKey::Zero);
        let bytes: usize = sources.iter().map(|source| source.text.len()).sum();
        let threads = threads.get().min(bytes / PARSED_MEANWHILE);
        let parsed = parallel::map(&sources, threads, |source| templates.read(&source.path, source.text));
        for parsed in parsed {
            templates.add(parsed.map_err(|error| RenderError::parse(error, templates.funcs()))?);
        }
        let is_partial = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with('_'));
        let order = sources.into_iter().map(|source| source.path).filter(|path| !is_partial(path)).collect();
        Ok(Self { templates, order, seen: Arc::default() })
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
        mut printed: impl FnMut(&str, &Arc<str>),
    ) -> Result<Files, RenderError> {
        let mut tops = BTreeMap::new();
        prepare(chart, chart.name(), true, values.clone(), scope, &mut tops);
        let templates = match lookup {
            Some(lookup) => self.templates.clone().with_funcs(functions::funcs(Some(lookup))),
            None => self.templates.clone(),
        };
        let file_name = session.volatile();
        let mut rendered = Vec::with_capacity(self.order.len());
        for path in &self.order {
            // The longest chart path that the file lies below is its chart's.
            let mut folders = path.rmatch_indices("/templates/").filter_map(|(at, _)| path.get(..at));
            let owner = folders.find_map(|folder| tops.get_key_value(folder));
            let Some((below, (top, values))) = owner else { continue };
            top.insert("Template", Scope::template(path, &format!("{below}/templates"), &file_name));
            let text = templates
                .execute(path, top.clone().into(), session)
                .map_err(|error| RenderError::execution(path, &error, values, templates.funcs()))?;
            let text = functions::without_no_value(&text).into_text();
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
    for template in &chart.templates {
        let name = template.name.rsplit('/').next().unwrap_or_default();
        if chart.is_library() && !name.starts_with('_') {
            continue;
        }
        sources.push(Source { path: format!("{path}/{}", template.name), text: &template.data });
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
