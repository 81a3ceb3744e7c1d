//! `values.schema.json`: every violation at once, and no reference that leaves the chart.

use std::fmt;

use serde_json::Value;

use crate::chart::Chart;
use crate::values::Table;

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
    /// Every violation.
    pub violations: Vec<Violation>,
}

/// One value that does not fit, or a schema that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The value's path: `image.tag`; empty for the whole.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
    /// The rule's place in the schema: `/properties/image/properties/tag/type`.
    pub rule: String,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, chart) in self.charts.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:", chart.chart)?;
            for Violation { path, message, rule } in &chart.violations {
                let path = if path.is_empty() { "the values" } else { path };
                write!(f, "\n- {path}: {message} (schema {rule})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for SchemaError {}

/// How many violations are told of one chart.
const MAX_VIOLATIONS: usize = 100;

/// Holds coalesced values against the schemas of a chart and its subcharts.
pub fn validate(chart: &Chart, values: &Table) -> Result<(), SchemaError> {
    let mut charts = Vec::new();
    collect(chart, values, &mut charts);
    if charts.is_empty() { Ok(()) } else { Err(SchemaError { charts }) }
}

fn collect(chart: &Chart, values: &Table, charts: &mut Vec<ChartViolations>) {
    if let Some(schema) = &chart.schema {
        let violations = violations(schema, values);
        if !violations.is_empty() {
            charts.push(ChartViolations { chart: chart.name().to_owned(), violations });
        }
    }
    for dependency in &chart.dependencies {
        match values.get(dependency.name()) {
            None | Some(Value::Null) => {}
            Some(Value::Object(below)) => collect(dependency, below, charts),
            Some(other) => {
                let message = format!("expected a table of values, found {}", crate::values::kind_of(other));
                let violation = Violation { path: String::new(), message, rule: "/type".to_owned() };
                charts.push(ChartViolations { chart: dependency.name().to_owned(), violations: vec![violation] });
            }
        }
    }
}

fn violations(schema: &[u8], values: &Table) -> Vec<Violation> {
    let broken = |message: String| vec![Violation { path: String::new(), message, rule: "#".to_owned() }];
    let schema: Value = match serde_json::from_slice(schema) {
        Ok(schema) => schema,
        Err(error) => return broken(format!("values.schema.json is not JSON: {error}")),
    };
    let validator = jsonschema::options().with_retriever(NoRetriever).build(&schema);
    let validator = match validator {
        Ok(validator) => validator,
        Err(error) => return broken(format!("values.schema.json cannot be used: {error}")),
    };
    let values = Value::Object(integers(values.clone()));
    validator
        .iter_errors(&values)
        .take(MAX_VIOLATIONS)
        .map(|error| Violation {
            path: dotted(error.instance_path().as_str()),
            message: error.masked_with("the value").to_string(),
            rule: error.schema_path().to_string(),
        })
        .collect()
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

/// `/image/tag` as `image.tag`.
fn dotted(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    let mut out = String::new();
    for part in parts {
        if part.bytes().all(|b| b.is_ascii_digit()) && !out.is_empty() {
            out.extend(["[", &part, "]"]);
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&part);
        }
    }
    out
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
