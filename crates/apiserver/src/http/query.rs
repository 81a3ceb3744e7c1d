//! The options of a request, as they stand in its query, and in the body of a deletion.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::resource::{FieldError, FieldValidation};

/// The parameters of a query, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(key), decode(value))
                })
                .collect(),
        )
    }

    /// The first value of a parameter; none when it is absent or empty.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All values of a parameter.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// Whether a flag is set: present and not one of the words for no.
    pub(crate) fn flag(&self, key: &str) -> bool {
        let value = self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value.to_ascii_lowercase());
        value.is_some_and(|value| !matches!(value.as_str(), "false" | "0" | "f" | "no"))
    }

    /// A number.
    ///
    /// # Errors
    /// 400 when it is none.
    pub(crate) fn number(&self, key: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.get(key) else { return Ok(None) };
        let number = text.parse();
        let bad = |_| Failure::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"));
        number.map(Some).map_err(bad)
    }
}

/// Options of a write.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    pub(crate) field_manager: Option<String>,
    pub(crate) field_validation: FieldValidation,
    pub(crate) force: Option<bool>,
}

impl WriteOptions {
    /// Reads and checks the options of a POST, PUT or PATCH; `kind` is that of the options.
    ///
    /// # Errors
    /// 422 that names the option.
    pub(crate) fn parse(query: &Query, kind: &str) -> Result<Self, Failure> {
        let mut errors = Vec::new();
        let dry_run = dry_run(query.all("dryRun"), &mut errors);
        let field_manager = query.get("fieldManager").map(str::to_owned);
        if let Some(manager) = &field_manager {
            check_manager(manager, &mut errors);
        }
        let field_validation = match query.get("fieldValidation") {
            None | Some("Warn") => FieldValidation::Warn,
            Some("Ignore") => FieldValidation::Ignore,
            Some("Strict") => FieldValidation::Strict,
            Some(other) => {
                errors.push(unsupported("fieldValidation", other, r#""", "Ignore", "Strict", "Warn""#));
                FieldValidation::Warn
            }
        };
        let force = query.get("force").map(|value| value != "false" && value != "0");
        refuse(kind, &errors)?;
        Ok(Self { dry_run, field_manager, field_validation, force })
    }

    /// The options as admission sees them: patches are writes there.
    pub(crate) fn to_value(&self, creates: bool) -> Value {
        let kind = if creates { "CreateOptions" } else { "UpdateOptions" };
        let mut options = json!({ "kind": kind, "apiVersion": "meta.k8s.io/v1" });
        if self.dry_run {
            options["dryRun"] = json!(["All"]);
        }
        if let Some(manager) = &self.field_manager {
            options["fieldManager"] = manager.as_str().into();
        }
        options
    }

    /// The name under which fields are managed: the one that was given, or the start of the user agent.
    pub(crate) fn manager(&self, user_agent: &str) -> String {
        let agent = || user_agent.split('/').next().unwrap_or_default().chars().take(MANAGER_LENGTH).collect();
        self.field_manager.clone().unwrap_or_else(agent)
    }
}

const MANAGER_LENGTH: usize = 128;

fn check_manager(manager: &str, errors: &mut Vec<FieldError>) {
    if manager.chars().count() > MANAGER_LENGTH {
        errors.push(FieldError {
            field: "fieldManager".to_owned(),
            reason: "FieldValueTooLong",
            message: format!("Too long: may not be more than {MANAGER_LENGTH} bytes"),
        });
    }
    if let Some((at, bad)) = manager.chars().enumerate().find(|(_, letter)| letter.is_control()) {
        let shown: String = manager
            .chars()
            .map(|c| if c.is_control() { format!("\\x{:02x}", u32::from(c)) } else { c.to_string() })
            .collect();
        errors.push(FieldError {
            field: "fieldManager".to_owned(),
            reason: "FieldValueInvalid",
            message: format!(
                "Invalid value: \"{shown}\": invalid character U+{:04X} (at position {at})",
                u32::from(bad)
            ),
        });
    }
}

/// Whether a write is only tried.
fn dry_run<'a>(values: impl Iterator<Item = &'a str>, errors: &mut Vec<FieldError>) -> bool {
    let mut dry = false;
    for value in values {
        match value {
            "All" => dry = true,
            other => errors.push(FieldError {
                field: "dryRun".to_owned(),
                reason: "FieldValueNotSupported",
                message: format!("Unsupported value: [{other:?}]: supported values: \"All\""),
            }),
        }
    }
    dry
}

fn unsupported(field: &str, value: &str, supported: &str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        reason: "FieldValueNotSupported",
        message: format!("Unsupported value: {value:?}: supported values: {supported}"),
    }
}

fn refuse(kind: &str, errors: &[FieldError]) -> Result<(), Failure> {
    if errors.is_empty() { Ok(()) } else { Err(Failure::invalid("meta.k8s.io", kind, "", errors)) }
}

/// What becomes of the dependents of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// Options of a deletion.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) dry_run: bool,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) grace_seconds: Option<i64>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

impl DeleteOptions {
    /// The options as admission sees them.
    pub(crate) fn to_value(&self) -> Value {
        let mut options = json!({ "kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1" });
        if self.dry_run {
            options["dryRun"] = json!(["All"]);
        }
        if let Some(seconds) = self.grace_seconds {
            options["gracePeriodSeconds"] = seconds.into();
        }
        if let Some(propagation) = self.propagation {
            options["propagationPolicy"] = format!("{propagation:?}").into();
        }
        options
    }

    /// Reads them from a body, or from the query when there is none.
    ///
    /// # Errors
    /// 400 and 422 that name the option.
    pub(crate) fn parse(query: &Query, body: Option<&Value>) -> Result<Self, Failure> {
        let mut errors = Vec::new();
        let mut options = Self::default();
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let (dry, propagation, grace, orphan) = match body {
            Some(body) => {
                let dry = body.get("dryRun").and_then(Value::as_array).into_iter().flatten();
                let preconditions = body.get("preconditions");
                options.uid = text(preconditions.and_then(|p| p.get("uid")));
                options.resource_version = text(preconditions.and_then(|p| p.get("resourceVersion")));
                (
                    dry.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>(),
                    text(body.get("propagationPolicy")),
                    body.get("gracePeriodSeconds").and_then(Value::as_i64),
                    body.get("orphanDependents").and_then(Value::as_bool),
                )
            }
            None => (
                query.all("dryRun").map(str::to_owned).collect(),
                query.get("propagationPolicy").map(str::to_owned),
                query.number("gracePeriodSeconds")?,
                query.get("orphanDependents").map(|value| value == "true" || value == "1"),
            ),
        };
        options.dry_run = dry_run(dry.iter().map(String::as_str), &mut errors);
        options.grace_seconds = grace;
        options.propagation = match propagation.as_deref() {
            None => match orphan {
                Some(true) => Some(Propagation::Orphan),
                Some(false) => Some(Propagation::Background),
                None => None,
            },
            Some("Background") => Some(Propagation::Background),
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(other) => {
                let supported = r#""Foreground", "Background", "Orphan", "nil""#;
                errors.push(unsupported("propagationPolicy", other, supported));
                None
            }
        };
        if propagation.is_some() && orphan.is_some() {
            errors.push(FieldError {
                field: "propagationPolicy".to_owned(),
                reason: "FieldValueInvalid",
                message: format!(
                    "Invalid value: {:?}: orphanDependents and deletionPropagation cannot be both set",
                    propagation.unwrap_or_default()
                ),
            });
        }
        refuse("DeleteOptions", &errors)?;
        Ok(options)
    }
}
