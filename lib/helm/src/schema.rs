//! `values.schema.json`: every violation at once, and no reference that leaves the chart.

use std::fmt;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use serde_json::Value;

use crate::chart::Chart;
use crate::layers::{self, Layers, Origin};
use crate::values::{GLOBAL, Path, Step, Table};

/// Values that do not fit, of a chart and its subcharts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    /// By chart, the top one first.
    pub charts: Vec<ChartViolations>,
}

/// What is wrong with the values of one chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartViolations {
    /// The chart's name.
    pub chart: String,
    /// Where its values are among those of the top chart.
    pub tables: Vec<String>,
    /// Every violation.
    pub violations: Vec<Violation>,
}

/// One value that does not fit, or a schema that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The value's path among those of its chart: `image.tag`; empty for the whole.
    pub path: Path,
    /// What is wrong with it.
    pub message: String,
    /// The rule's place in the schema: `/properties/image/properties/tag/type`.
    pub rule: String,
    /// Where it came from: the charts, unless [`SchemaError::locate`] knows better.
    pub origin: Origin,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, chart) in self.charts.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:", chart.chart)?;
            for Violation { path, message, rule, origin, .. } in &chart.violations {
                let path = if path.is_empty() { "the values".to_owned() } else { path.to_string() };
                write!(f, "\n- {path}: {message} ({origin}; schema {rule})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for SchemaError {}

impl SchemaError {
    /// Says of every value that a user set where.
    pub fn locate(&mut self, layers: &Layers) {
        for chart in &mut self.charts {
            for violation in &mut chart.violations {
                let path = &violation.path;
                let own = layers.origin(&path.below(&chart.tables));
                // Globals reach a subchart from the top.
                let is_global = matches!(path.0.first(), Some(Step::Key(key)) if key == GLOBAL);
                if let Some(found) = own.or_else(|| is_global.then(|| layers.origin(path)).flatten()) {
                    violation.origin = found;
                }
            }
        }
    }
}

/// How many violations are told of one chart.
const MAX_VIOLATIONS: usize = 100;

/// Whether the chart or one of its subcharts has a schema.
pub(crate) fn is_asked_for(chart: &Chart) -> bool {
    chart.schema.is_some() || chart.dependencies.iter().any(is_asked_for)
}

/// Holds coalesced values against the schemas of a chart and its subcharts.
pub fn validate(chart: &Chart, values: &Table) -> Result<(), SchemaError> {
    let mut charts = Vec::new();
    collect(&[chart], values, &mut charts);
    if charts.is_empty() { Ok(()) } else { Err(SchemaError { charts }) }
}

/// Collects what is wrong with the last chart of `line`, which begins with the top one, and with those below it.
fn collect(line: &[&Chart], values: &Table, charts: &mut Vec<ChartViolations>) {
    let [above @ .., chart] = line else { return };
    let violations = chart.schema.as_ref().map(|schema| violations(schema, values)).unwrap_or_default();
    add(charts, line, violations);
    for dependency in &chart.dependencies {
        let line = [above, &[chart, dependency]].concat();
        match values.get(dependency.name()) {
            None | Some(Value::Null) => {}
            Some(Value::Object(below)) => collect(&line, below, charts),
            Some(other) => {
                let message = format!("expected a table of values, found {}", crate::values::kind_of(other));
                add(charts, &line, vec![Violation { origin: Origin::Chart, ..Violation::of_all(message, "/type") }]);
            }
        }
    }
}

fn add(charts: &mut Vec<ChartViolations>, line: &[&Chart], mut violations: Vec<Violation>) {
    let ([_, below @ ..], Some(chart), false) = (line, line.last(), violations.is_empty()) else { return };
    let tables: Vec<String> = below.iter().map(|chart| chart.name().to_owned()).collect();
    for violation in violations.iter_mut().filter(|violation| violation.origin == Origin::Chart) {
        if let Some(origin) = default_origin(line, &tables, &violation.path) {
            violation.origin = origin;
        }
    }
    charts.push(ChartViolations { chart: chart.name().to_owned(), tables, violations });
}

/// Finds the values file that sets a value: charts further up override those below.
fn default_origin(line: &[&Chart], tables: &[String], path: &Path) -> Option<Origin> {
    let is_global = matches!(path.0.first(), Some(Step::Key(key)) if key == GLOBAL);
    let mut file = String::new();
    line.iter().enumerate().find_map(|(depth, chart)| {
        file.push_str(if depth > 0 { "/charts/" } else { "" });
        file.push_str(chart.name());
        let own = layers::line(&chart.values_text, &path.below(tables.get(depth..).unwrap_or_default()));
        // Globals reach a subchart from every chart above it.
        let found = own.or_else(|| layers::line(&chart.values_text, path).filter(|_| is_global));
        found.map(|line| Origin::Default { file: format!("{file}/values.yaml"), line })
    })
}

impl Violation {
    fn of_all(message: String, rule: &str) -> Self {
        Self { path: Path::default(), message, rule: rule.to_owned(), origin: Origin::Nobody }
    }
}

fn violations(schema: &[u8], values: &Table) -> Vec<Violation> {
    let broken = |message: String| vec![Violation::of_all(message, "#")];
    let schema: Value = match serde_json::from_slice(schema) {
        Ok(schema) => schema,
        Err(error) => return broken(format!("values.schema.json is not JSON: {error}")),
    };
    let validator = jsonschema::options()
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .with_retriever(NoRetriever)
        .build(&schema);
    let validator = match validator {
        Ok(validator) => validator,
        Err(error) => return broken(format!("values.schema.json cannot be used: {error}")),
    };
    let values = Value::Object(integers(values.clone()));
    validator.iter_errors(&values).flat_map(|error| told(&error, &values)).take(MAX_VIOLATIONS).collect()
}

/// What there is to say of one error: each property that is not allowed or not there is a violation of its own.
fn told(error: &ValidationError<'_>, values: &Value) -> Vec<Violation> {
    let path = Path(
        error
            .instance_path()
            .segments()
            .map(|segment| match segment {
                LocationSegment::Property(key) => Step::Key(key.into_owned()),
                LocationSegment::Index(index) => Step::Index(index),
            })
            .collect(),
    );
    let violation = |path: Path, message: String| {
        let origin = if path.find(values).is_some() { Origin::Chart } else { Origin::Nobody };
        Violation { path, message, rule: error.schema_path().to_string(), origin }
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let not_allowed =
                |key: &String| violation(path.join(Step::Key(key.clone())), "is not allowed here".to_owned());
            unexpected.iter().map(not_allowed).collect()
        }
        ValidationErrorKind::Required { property: Value::String(key) } => {
            vec![violation(path.join(Step::Key(key.clone())), "is required".to_owned())]
        }
        _ => vec![violation(path, error.masked_with("the value").to_string())],
    }
}

/// Whole numbers as integers, so that messages and `integer` rules see 3 and not 3.0.
fn integers(mut table: Table) -> Table {
    table.values_mut().for_each(integers_in);
    table
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn integers_in(value: &mut Value) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => {
            if let Some(n) = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= EXACT) {
                *number = (n as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(integers_in),
        Value::Object(table) => table.values_mut().for_each(integers_in),
        _ => {}
    }
}

/// Refuses references to anything outside of the schema: neither files nor the network are read.
///
/// # Deviation
/// Helm fetches `http` references and reads `file` ones; an unknown `urn` accepts everything there and here.
struct NoRetriever;

impl jsonschema::Retrieve for NoRetriever {
    fn retrieve(&self, uri: &jsonschema::Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        if uri.scheme().as_str() == "urn" {
            return Ok(Value::Bool(true));
        }
        Err(format!("$ref {uri} leads out of the chart; only references inside of values.schema.json are followed")
            .into())
    }
}
