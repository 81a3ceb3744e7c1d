//! `x-kubernetes-validations`: the rules in CEL that a kind brings along.

mod library;
mod values;

use std::sync::LazyLock;

use cel::Value as Cel;
use cel::objects::OptionalValue;
use expression::{Environment, Expression, ParseError};
use notation::field::{At, FieldErrors, print};
use serde_json::Value;

pub use library::EXTENSIONS;

use crate::checks::Checks;
use crate::node::{Additional, Id, ListType, MapType, Rule, Type};
use crate::schemas::Schemas;
use crate::validate::Correlation;

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| Environment::with(&library::EXTENSIONS));

/// A rule that was read.
#[derive(Debug)]
pub(crate) struct Compiled {
    rule: Rule,
    expression: Result<Expression, ParseError>,
    message: Option<Expression>,
    uses_old: bool,
}

impl Compiled {
    pub(crate) fn new(rule: &Rule) -> Self {
        let expression = Expression::parse_in(&rule.rule, &ENVIRONMENT);
        let uses_old = expression.as_ref().is_ok_and(|expression| expression.refers_to("oldSelf"));
        let message = Some(rule.message_expression.trim()).filter(|text| !text.is_empty());
        let message = message.and_then(|text| Expression::parse_in(text, &ENVIRONMENT).ok());
        Self { rule: rule.clone(), expression, message, uses_old }
    }
}

/// Whether a rule can be read, and why not.
///
/// # Errors
/// [`ParseError`]. Types are checked only as a rule runs.
pub fn parse(rule: &str) -> Result<(), ParseError> {
    Expression::parse_in(rule, &ENVIRONMENT).map(drop)
}

/// Whether a rule is about a change: it asks what was there before.
pub fn is_about_change(rule: &str) -> bool {
    Expression::parse_in(rule, &ENVIRONMENT).is_ok_and(|expression| expression.refers_to("oldSelf"))
}

/// Runs the rules of all that is in an object.
pub(crate) fn check(
    checks: &Checks,
    schemas: &Schemas,
    root: Id,
    object: &Value,
    old: Option<&Value>,
    errors: &mut FieldErrors,
) {
    Walk { checks, schemas }.value(root, object, old, &At::ROOT, errors);
}

#[derive(Clone, Copy)]
struct Walk<'a> {
    checks: &'a Checks,
    schemas: &'a Schemas,
}

impl Walk<'_> {
    fn value(self, id: Id, value: &Value, old: Option<&Value>, at: &At<'_>, errors: &mut FieldErrors) {
        if value.is_null() {
            return;
        }
        if let Some(rules) = self.checks.rules.get(&id) {
            self.rules(rules, (id, value, old), at, errors);
        }
        for all_of in self.schemas.limits(id).map(|limits| limits.all_of.as_slice()).unwrap_or_default() {
            self.value(*all_of, value, old, at, errors);
        }
        let node = self.schemas.node(id);
        match value {
            Value::Array(items) => {
                let Some(element) = node.items else { return };
                // Only the items of a map are the same ones before and after.
                let correlation = Correlation::new(self.schemas, id, old.filter(|_| node.list == ListType::Map));
                for (index, item) in items.iter().enumerate() {
                    let before = correlation.find(index, item);
                    self.value(element, item, before, &at.item(index), errors);
                }
            }
            Value::Object(fields) => {
                let old = old.filter(|_| node.map != MapType::Atomic);
                for (name, value) in fields {
                    let before = old.and_then(|old| old.get(name));
                    match (self.schemas.field(id, name), node.additional) {
                        (Some(field), _) => self.value(field.node, value, before, &at.field(name), errors),
                        (None, Additional::Of(element)) => self.value(element, value, before, &at.entry(name), errors),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn rules(
        self,
        rules: &[Compiled],
        (id, value, old): (Id, &Value, Option<&Value>),
        at: &At<'_>,
        errors: &mut FieldErrors,
    ) {
        let this = values::of(self.schemas, id, value);
        let old_value = old.map(|old| values::of(self.schemas, id, old));
        for compiled in rules {
            let rule = &compiled.rule;
            let old_self = match (&old_value, rule.optional_old_self) {
                (Some(old), true) => Some(Cel::Opaque(std::sync::Arc::new(OptionalValue::of(old.clone())))),
                (None, true) => Some(Cel::Opaque(std::sync::Arc::new(OptionalValue::none()))),
                (old, false) => old.clone(),
            };
            // A rule about a change says nothing about what is new, and one about a state nothing about what stays.
            let is_unchanged = !compiled.uses_old && old == Some(value);
            if (compiled.uses_old && old_self.is_none()) || is_unchanged {
                continue;
            }
            let variables: Vec<(&str, Cel)> = [("self", Some(this.clone())), ("oldSelf", old_self)]
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
            let expression = match &compiled.expression {
                Ok(expression) => expression,
                Err(error) => {
                    errors.invalid(at, &type_name(self.schemas, id), &format!("rule compile error: {error}"));
                    continue;
                }
            };
            match expression.evaluate(&variables) {
                Ok(Cel::Bool(true)) => {}
                Ok(_) => self.broken(compiled, (id, value), &variables, at, errors),
                Err(error) => {
                    let detail = format!("{} evaluating rule: {}", error.problem, named(rule));
                    errors.invalid(at, &type_name(self.schemas, id), &detail);
                }
            }
        }
    }

    fn broken(
        self,
        compiled: &Compiled,
        (id, value): (Id, &Value),
        variables: &[(&str, Cel)],
        at: &At<'_>,
        errors: &mut FieldErrors,
    ) {
        let rule = &compiled.rule;
        let told = compiled.message.as_ref().and_then(|message| message.evaluate(variables).ok());
        let said = told.as_ref().and_then(expression::fit_message);
        let detail = said.unwrap_or_else(|| {
            if rule.message.is_empty() {
                format!("failed rule: {}", rule.rule.trim())
            } else {
                rule.message.trim().to_owned()
            }
        });
        let path = rule.field_path.trim_start_matches('.');
        let below = at.field(path);
        let at = if path.is_empty() { at } else { &below };
        match rule.reason.as_str() {
            "FieldValueForbidden" => errors.forbidden(at, &detail),
            "FieldValueRequired" => errors.required(at, &detail),
            reason => {
                let is_large = matches!(self.schemas.node(id).kind, Type::Object | Type::Array);
                let shown = if is_large { None } else { Some(print(value)) };
                let reason = if reason == "FieldValueDuplicate" { reason } else { "FieldValueInvalid" };
                errors.told(at, reason, shown.as_deref(), &detail);
            }
        }
    }
}

fn type_name(schemas: &Schemas, id: Id) -> Value {
    let name = match schemas.node(id).kind {
        Type::Boolean => "boolean",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::String => "string",
        Type::Array => "array",
        Type::Object => "object",
        Type::Any | Type::IntOrString | Type::Quantity => "",
    };
    name.into()
}

/// A rule as errors name it: by its message, or by itself.
fn named(rule: &Rule) -> &str {
    let message = rule.message.trim();
    if message.is_empty() { rule.rule.trim() } else { message }
}
