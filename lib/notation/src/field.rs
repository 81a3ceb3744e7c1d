//! What is wrong with the fields of an object: paths, reasons and texts as upstream writes them.

use std::fmt;

use serde_json::Value;

/// What is wrong with one field. Displays as `spec.replicas: Invalid value: -1: must be …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// `spec.template.spec.containers[0].name`.
    pub field: String,
    /// The reason of the cause: `FieldValueInvalid`, `FieldValueRequired`, …
    pub reason: &'static str,
    /// `Invalid value: "A": a lowercase RFC 1123 label must…`, without the field.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// The place of a field, cheap to make: it is printed only when something is to be said of it.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    above: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Item(usize),
    Entry(&'a str),
}

impl<'a> At<'a> {
    /// The object itself.
    pub const ROOT: At<'static> = At { above: None, step: Step::Root };

    /// `.name`, below this.
    #[must_use]
    pub fn field(&'a self, name: &'a str) -> Self {
        Self { above: Some(self), step: Step::Field(name) }
    }

    /// `[0]`, below this.
    #[must_use]
    pub fn item(&'a self, index: usize) -> Self {
        Self { above: Some(self), step: Step::Item(index) }
    }

    /// `[key]`, below this.
    #[must_use]
    pub fn entry(&'a self, key: &'a str) -> Self {
        Self { above: Some(self), step: Step::Entry(key) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            above.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Field(name) if self.above.is_none_or(|above| matches!(above.step, Step::Root)) => f.write_str(name),
            Step::Field(name) => write!(f, ".{name}"),
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Entry(key) => write!(f, "[{key}]"),
        }
    }
}

/// All that is wrong with an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// The errors in the order in which they were found, each once.
    pub fn into_vec(self) -> Vec<FieldError> {
        let mut seen: Vec<FieldError> = Vec::new();
        for error in self.0 {
            if !seen.contains(&error) {
                seen.push(error);
            }
        }
        seen
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds an error as it is.
    pub fn push(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// Adds errors as they are.
    pub fn extend(&mut self, errors: impl IntoIterator<Item = FieldError>) {
        self.0.extend(errors);
    }

    /// A value has to be there.
    pub fn required(&mut self, at: &At<'_>, detail: &str) {
        self.add(at, "FieldValueRequired", "Required value".to_owned(), detail);
    }

    /// A value breaks a rule.
    pub fn invalid(&mut self, at: &At<'_>, value: &Value, detail: &str) {
        self.add(at, "FieldValueInvalid", format!("Invalid value: {}", print(value)), detail);
    }

    /// A value breaks several rules.
    pub fn invalid_each(&mut self, at: &At<'_>, value: &str, details: impl IntoIterator<Item = String>) {
        for detail in details {
            self.invalid(at, &Value::from(value), &detail);
        }
    }

    /// A value breaks a rule, and prints otherwise than it is written: as the struct that upstream holds it in.
    pub fn invalid_as(&mut self, at: &At<'_>, printed: &str, detail: &str) {
        self.add(at, "FieldValueInvalid", format!("Invalid value: {printed}"), detail);
    }

    /// A value is none of those that there are, and prints otherwise than it is written.
    pub fn unsupported_as<'s>(&mut self, at: &At<'_>, printed: &str, supported: impl IntoIterator<Item = &'s str>) {
        let detail = supported_values(supported);
        self.add(at, "FieldValueNotSupported", format!("Unsupported value: {printed}"), &detail);
    }

    /// A value has the wrong type.
    pub fn wrong_type(&mut self, at: &At<'_>, value: &str, detail: &str) {
        self.add(at, "FieldValueTypeInvalid", format!("Invalid value: {value:?}"), detail);
    }

    /// A value is none of those that there are.
    pub fn unsupported<'s>(&mut self, at: &At<'_>, value: &Value, supported: impl IntoIterator<Item = &'s str>) {
        self.unsupported_as(at, &print(value), supported);
    }

    /// A value that may be there once is there again.
    pub fn duplicate(&mut self, at: &At<'_>, value: &Value) {
        self.add(at, "FieldValueDuplicate", format!("Duplicate value: {}", print(value)), "");
    }

    /// A value that may be there once is there again, and prints otherwise than it is written.
    pub fn duplicate_as(&mut self, at: &At<'_>, printed: &str) {
        self.add(at, "FieldValueDuplicate", format!("Duplicate value: {printed}"), "");
    }

    /// A value names what is not there.
    pub fn not_found(&mut self, at: &At<'_>, value: &Value) {
        self.add(at, "FieldValueNotFound", format!("Not found: {}", print(value)), "");
    }

    /// A field may not be set.
    pub fn forbidden(&mut self, at: &At<'_>, detail: &str) {
        self.add(at, "FieldValueForbidden", "Forbidden".to_owned(), detail);
    }

    /// A text or bytes are longer than this many bytes.
    pub fn too_long(&mut self, at: &At<'_>, most: usize) {
        let bytes = if most == 1 { "byte" } else { "bytes" };
        self.add(at, "FieldValueTooLong", "Too long".to_owned(), &format!("may not be more than {most} {bytes}"));
    }

    /// There are more items or fields than this.
    pub fn too_many(&mut self, at: &At<'_>, there_are: usize, most: usize) {
        let items = if most == 1 { "item" } else { "items" };
        let detail = format!("must have at most {most} {items}");
        self.add(at, "FieldValueTooMany", format!("Too many: {there_are}"), &detail);
    }

    /// What breaks a rule that brings its own words and reason; the value is shown when it is small.
    pub fn told(&mut self, at: &At<'_>, reason: &str, value: Option<&str>, detail: &str) {
        let (reason, title) = match reason {
            "FieldValueDuplicate" => ("FieldValueDuplicate", "Duplicate value"),
            _ => ("FieldValueInvalid", "Invalid value"),
        };
        let message = value.map_or_else(|| title.to_owned(), |value| format!("{title}: {value}"));
        self.add(at, reason, message, detail);
    }

    fn add(&mut self, at: &At<'_>, reason: &'static str, mut message: String, detail: &str) {
        if !detail.is_empty() {
            message.push_str(": ");
            message.push_str(detail);
        }
        self.0.push(FieldError { field: at.to_string(), reason, message });
    }
}

fn supported_values<'s>(supported: impl IntoIterator<Item = &'s str>) -> String {
    let supported: Vec<String> = supported.into_iter().map(|one| format!("{one:?}")).collect();
    if supported.is_empty() { String::new() } else { format!("supported values: {}", supported.join(", ")) }
}

/// A value as Go's messages hold it: texts quoted, everything else as JSON that HTML may hold.
pub fn print(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Array(_) | Value::Object(_) => {
            value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_read_as_upstreams() {
        let (spec, mut errors) = (At::ROOT.field("spec"), FieldErrors::default());
        let ports = spec.field("ports");
        errors.invalid(&ports.item(0).field("port"), &json!(0), "must be between 1 and 65535, inclusive");
        errors.required(&spec, "");
        errors.unsupported(&spec.field("type"), &json!("X"), ["A", "B"]);
        errors.duplicate(&ports.item(1), &json!({ "port": 1 }));
        errors.forbidden(&At::ROOT.field("data").entry("a.b"), "no");
        errors.too_many(&ports, 3, 1);
        errors.required(&spec, "");
        let lines: Vec<String> = errors.into_vec().iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                "spec: Required value",
                "spec.type: Unsupported value: \"X\": supported values: \"A\", \"B\"",
                "spec.ports[1]: Duplicate value: {\"port\":1}",
                "data[a.b]: Forbidden: no",
                "spec.ports: Too many: 3: must have at most 1 item",
            ]
        );
    }
}
