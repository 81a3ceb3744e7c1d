//! Why a chart does not render, so that the next step is plain.

use std::fmt;

use gotemplate::{ExecError, Fault, Funcs, Map, ParseError};

use crate::coalesce::{self, CoalesceError};
use crate::manifest::ManifestError;
use crate::post_render::PostRenderError;
use crate::schema::SchemaError;
use crate::spelling::nearest;

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
    #[error("parse error at ({file}:{line}:{column}): {message}")]
    Parse {
        /// `chart/templates/a.yaml`
        file: String,
        /// From 1.
        line: usize,
        /// The byte in the line, from 0, as Go counts.
        column: usize,
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
pub enum MissingValue {
    /// Nobody set it.
    NotSet {
        /// The first part that is not there: `.Values.image.tga`.
        path: String,
        /// What is there instead, closest in spelling.
        nearest: Option<String>,
    },
    /// It goes on below something that is no table.
    NotATable {
        /// `.Values.image`
        path: String,
        /// What it is.
        found: &'static str,
    },
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
        match self.0 {
            None => Ok(()),
            Some(MissingValue::NotSet { path, nearest: None }) => write!(f, "\nhint: {path} is not set"),
            Some(MissingValue::NotSet { path, nearest: Some(nearest) }) => {
                write!(f, "\nhint: {path} is not set; did you mean {nearest}?")
            }
            Some(MissingValue::NotATable { path, found }) => write!(f, "\nhint: {path} is {found}, not a table"),
        }
    }
}

impl RenderError {
    /// Adds to Go's words which of the functions may have been meant.
    pub(super) fn parse(error: ParseError, funcs: &Funcs) -> Self {
        let ParseError { file, line, column, message } = error;
        Self::Parse { file, line, column, message: with_nearest(message, funcs) }
    }

    /// Follows the error into the templates that were included; `values` are those of the chart that was rendered.
    pub(super) fn execution(template: &str, error: &ExecError, values: &Map, funcs: &Funcs) -> Self {
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
                (Some(Fault::Parse(error)), Some(function)) => {
                    trace.push((place, format!("error calling {function}")));
                    let ParseError { file, line, column, message } = error.clone();
                    let place = Place { file, line, column, context: format!("parsing the text given to {function}") };
                    trace.push((place, with_nearest(message, funcs)));
                    current = None;
                }
                _ => {
                    // A function does not see where the value came from that is piped into it.
                    let is_piped = reason.starts_with("invalid value; expected");
                    let expression = if is_piped { &failure.pipeline } else { &failure.context };
                    missing = missing_value(expression, values);
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

/// Adds to what is wrong with a template which function may have been meant.
fn with_nearest(message: String, funcs: &Funcs) -> String {
    let unknown = message.strip_prefix("function \"").and_then(|rest| rest.strip_suffix("\" not defined"));
    match unknown.and_then(|unknown| nearest(unknown, funcs.names())) {
        Some(nearest) => format!("{message}; did you mean {nearest}?"),
        None => message,
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

/// Finds the first path of values in an expression that leads nowhere.
fn missing_value(expression: &str, values: &Map) -> Option<MissingValue> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    expression.match_indices(".Values.").find_map(|(at, start)| {
        // `.Values` of something else than the chart is not ours to look into.
        let before = expression[..at].chars().next_back();
        let below = &expression[at + start.len()..];
        let end = below.find(|c| !is_path(c)).unwrap_or(below.len());
        missing_below(&below[..end], values).filter(|_| !before.is_some_and(is_path))
    })
}

fn missing_below(path: &str, values: &Map) -> Option<MissingValue> {
    let mut table = values.clone();
    let mut known = String::from(".Values");
    let mut keys = path.split('.').peekable();
    while let Some(key) = keys.next().filter(|key| !key.is_empty()) {
        let value = table.get(key).filter(|value| !matches!(value, gotemplate::Value::Nil));
        let Some(value) = value else {
            let keys: Vec<_> = table.keys().iter().map(|key| key.to_str().into_owned()).collect();
            let nearest = nearest(key, keys.iter().map(String::as_str)).map(|nearest| format!("{known}.{nearest}"));
            return Some(MissingValue::NotSet { path: format!("{known}.{key}"), nearest });
        };
        known = format!("{known}.{key}");
        keys.peek()?;
        match value.as_map() {
            Some(below) => table = below,
            None => return Some(MissingValue::NotATable { path: known, found: coalesce::kind_of(&value) }),
        }
    }
    None
}
