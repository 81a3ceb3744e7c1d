//! Why a chart does not render, so that the next step is plain.

use std::fmt;

use gotemplate::{ExecError, Fault, Map, ParseError};

use crate::coalesce::CoalesceError;
use crate::manifest::ManifestError;
use crate::post_render::PostRenderError;
use crate::schema::SchemaError;

/// Why a chart does not render.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The values do not fit the chart's structure.
    #[error("merge the values of the chart and its dependencies")]
    Values(#[source] CoalesceError),
    /// The values do not fit the schemas.
    #[error("values don't meet the specifications of the schema(s) in the following chart(s)")]
    Schema(#[source] SchemaError),
    /// The cluster is too old or too new.
    #[error("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {version}")]
    KubeVersion {
        /// The chart's constraint.
        wanted: String,
        /// The cluster's version.
        version: String,
    },
    /// A template is not well formed.
    #[error("parse error at ({file}:{line}): {message}")]
    Parse {
        /// `chart/templates/a.yaml`
        file: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// `required` or `fail` refused, in the chart's words.
    #[error("execution error at ({place}): {message}")]
    Refused {
        /// Which template was being rendered, and where it came to this.
        place: Place,
        /// What the chart says.
        message: String,
    },
    /// A template failed. Templates that it was included from come first.
    #[error("{}{}", Trace(.trace), Hint(.missing.as_ref()))]
    Template {
        /// From the rendered template to the one that failed.
        trace: Vec<(Place, String)>,
        /// The value that is not there, when that is the cause.
        missing: Option<MissingValue>,
    },
    /// A template came to a limit.
    #[error("rendering {template} came to a limit: {message}")]
    Limit {
        /// The template that was being rendered.
        template: String,
        /// Which limit.
        message: String,
    },
    /// Post-rendering failed.
    #[error("post-render the manifests")]
    PostRender(#[source] PostRenderError),
    /// What came out is no manifest.
    #[error("read what the templates rendered")]
    Manifest(#[source] ManifestError),
}

/// A place in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `chart/templates/a.yaml`
    pub file: String,
    /// From 1.
    pub line: usize,
    /// The byte in the line, from 0, as Go counts.
    pub column: usize,
    /// The template that executed, when it is not the file itself, and the expression.
    pub context: String,
}

/// A path of values that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingValue {
    /// The first part that is not there: `.Values.image.tga`.
    pub path: String,
    /// What is there instead, closest first in spelling.
    pub nearest: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Writes places with what was executing there, innermost last, as Helm lays them out.
struct Trace<'t>(&'t [(Place, String)]);

impl fmt::Display for Trace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (place, message)) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{place}\n  {}:\n    {message}", place.context)?;
        }
        Ok(())
    }
}

struct Hint<'h>(Option<&'h MissingValue>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(MissingValue { path, nearest }) = self.0 else { return Ok(()) };
        write!(f, "\nhint: {path} is not set")?;
        match nearest {
            Some(nearest) => write!(f, "; did you mean {nearest}?"),
            None => Ok(()),
        }
    }
}

impl RenderError {
    pub(super) fn parse(error: ParseError) -> Self {
        Self::Parse { file: error.file, line: error.line, message: error.message }
    }

    /// Follows the error into the templates that were included; `values` are those of the chart that was rendered.
    pub(super) fn execution(template: &str, error: &ExecError, values: &Map) -> Self {
        if error.is_limit() {
            let message = limit_of(error);
            return Self::Limit { template: template.to_owned(), message };
        }
        let mut trace = Vec::new();
        let mut missing = None;
        let mut current = Some(error);
        while let Some(failure) = current.and_then(ExecError::failure) {
            let context = format!("executing {:?} at <{}>", failure.template, failure.context);
            let place = Place { file: failure.file.clone(), line: failure.line, column: failure.column, context };
            let reason = failure.reason.to_string();
            let function = reason.strip_prefix("error calling ").and_then(|rest| rest.split(':').next());
            match (current.and_then(ExecError::cause), function) {
                (Some(Fault::Refused(message)), _) => {
                    let place = trace.into_iter().next().map_or(place, |(place, _)| place);
                    return Self::Refused { place, message: message.clone() };
                }
                (Some(Fault::Template(inner)), Some(function)) => {
                    trace.push((place, format!("error calling {function}")));
                    current = Some(inner);
                }
                _ => {
                    missing = missing_value(&failure.context, values);
                    trace.push((place, reason));
                    current = None;
                }
            }
        }
        if trace.is_empty() {
            let place = Place { file: template.to_owned(), line: 1, column: 0, context: String::new() };
            trace.push((place, error.to_string()));
        }
        Self::Template { trace, missing }
    }
}

fn limit_of(error: &ExecError) -> String {
    let mut current = error;
    loop {
        match current.cause() {
            Some(Fault::Template(inner)) => current = inner,
            Some(fault) => return fault.to_string(),
            None => return error.to_string(),
        }
    }
}

/// Finds the first part of `.Values.a.b.c` that is not there.
fn missing_value(context: &str, values: &Map) -> Option<MissingValue> {
    let path = context.trim_start_matches('$').strip_prefix(".Values.")?;
    let mut table = values.clone();
    let mut known = String::from(".Values");
    for key in path.split('.') {
        if key.is_empty() || !key.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        match table.get(key) {
            Some(value) if !matches!(value, gotemplate::Value::Nil) => table = value.as_map()?,
            _ => {
                let keys = table.keys();
                let nearest = keys.iter().map(gotemplate::Str::to_str).min_by_key(|other| distance(key, other));
                let nearest = nearest.filter(|other| distance(key, other) <= key.len().div_ceil(2) && *other != key);
                return Some(MissingValue {
                    path: format!("{known}.{key}"),
                    nearest: nearest.map(|nearest| format!("{known}.{nearest}")),
                });
            }
        }
        known = format!("{known}.{key}");
    }
    None
}

/// How many letters must change to make one word the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, r) in right.iter().enumerate() {
            let change = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}
