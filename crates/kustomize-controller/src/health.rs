//! `spec.healthCheckExprs`: health by CEL expressions.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::CustomHealthCheck;
use apply::wait::Rules;
use expression::Expression;
use object::Object;
use object::health::{Health, Status};
use serde_json::Value;

/// The expressions of one Kustomization, by group and kind; without a kind they are for the whole group.
#[derive(Debug, Default)]
pub(crate) struct Expressions(BTreeMap<(String, Option<String>), Expressed>);

#[derive(Debug)]
struct Expressed {
    in_progress: Option<Expression>,
    failed: Option<Expression>,
    current: Expression,
}

impl Expressions {
    /// Parses all expressions of a spec.
    pub(crate) fn parse(checks: &[CustomHealthCheck]) -> Result<Self, String> {
        let mut expressions = BTreeMap::new();
        for (index, check) in checks.iter().enumerate() {
            let named = |name: &str, problem: expression::ParseError| {
                format!(
                    "failed to create custom status evaluator for healthchecks[{index}]: \
                     failed to parse the expression {name}: {problem}"
                )
            };
            let parse = |name: &str, text: &Option<String>| {
                let text = text.as_deref().filter(|text| !text.is_empty());
                text.map(Expression::parse).transpose().map_err(|problem| named(name, problem))
            };
            let expressed = Expressed {
                in_progress: parse("InProgress", &check.in_progress)?,
                failed: parse("Failed", &check.failed)?,
                current: Expression::parse(&check.current).map_err(|problem| named("Current", problem))?,
            };
            let group = check.api_version.split_once('/').map_or("", |(group, _)| group);
            let kind = check.kind.clone().filter(|kind| !kind.is_empty());
            if expressions.insert((group.to_owned(), kind.clone()), expressed).is_some() {
                let kind = kind.unwrap_or_else(|| "*".to_owned());
                return Err(format!(
                    "duplicate custom health check for GroupKind {kind}.{group} at healthchecks[{index}]"
                ));
            }
        }
        Ok(Self(expressions))
    }

    /// The rules that a wait asks first, if there are any.
    pub(crate) fn rules(self) -> Option<Rules> {
        (!self.0.is_empty()).then(|| {
            let rules: Rules = Arc::new(move |object: &Object| self.health(object));
            rules
        })
    }

    fn health(&self, object: &Object) -> Option<Health> {
        let (group, kind) = (object.group().to_owned(), object.kind().to_owned());
        let expressed = self.0.get(&(group.clone(), Some(kind))).or_else(|| self.0.get(&(group, None)))?;
        Some(expressed.health(object))
    }
}

impl Expressed {
    fn health(&self, object: &Object) -> Health {
        let observed = object.field(&["status", "observedGeneration"]).and_then(Value::as_i64);
        if observed.is_some_and(|observed| Some(observed) != object.generation()) {
            return Health::new(Status::InProgress, "the controller has not seen the last edit");
        }
        let Value::Object(fields) = object.as_value() else { return Health::not_found() };
        let variables: Vec<(&str, &Value)> = fields.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let in_order = [
            (self.in_progress.as_ref(), Status::InProgress),
            (self.failed.as_ref(), Status::Failed),
            (Some(&self.current), Status::Current),
        ];
        for (expression, status) in in_order {
            let Some(expression) = expression else { continue };
            match expression.is_true(&variables) {
                Ok(true) => return Health::new(status, format!("by the expression '{}'", expression.text())),
                Ok(false) => {}
                Err(error) => return Health::new(Status::Unknown, error.to_string()),
            }
        }
        Health::new(Status::InProgress, "no expression holds")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(kind: Option<&str>, current: &str) -> CustomHealthCheck {
        CustomHealthCheck {
            api_version: "example.com/v1".into(),
            kind: kind.map(Into::into),
            failed: Some("status.phase == 'Broken'".into()),
            current: current.into(),
            in_progress: None,
        }
    }

    fn health(checks: &[CustomHealthCheck], status: &Value) -> Option<Status> {
        let object = json!({
            "apiVersion": "example.com/v2", "kind": "Gadget", "metadata": { "name": "g", "generation": 2 }, "status": status,
        });
        let object = Object::from_value(object).unwrap();
        Expressions::parse(checks).unwrap().health(&object).map(|health| health.status)
    }

    #[test]
    fn the_first_expression_that_holds_decides() {
        let checks = [check(Some("Gadget"), "status.phase == 'Ready'")];
        assert_eq!(health(&checks, &json!({ "phase": "Ready" })), Some(Status::Current));
        assert_eq!(health(&checks, &json!({ "phase": "Broken" })), Some(Status::Failed));
        assert_eq!(health(&checks, &json!({ "phase": "Other" })), Some(Status::InProgress));
        assert_eq!(health(&checks, &json!({})), Some(Status::Unknown), "a field that does not exist is an error");
        let stale = json!({ "phase": "Ready", "observedGeneration": 1 });
        assert_eq!(health(&checks, &stale), Some(Status::InProgress));
    }

    #[test]
    fn a_kind_comes_before_its_group_and_others_have_no_rule() {
        let checks = [check(None, "false"), check(Some("Gadget"), "true")];
        assert_eq!(health(&checks, &json!({ "phase": "" })), Some(Status::Current));
        assert_eq!(health(&[check(Some("Widget"), "true")], &json!({})), None);
    }

    #[test]
    fn expressions_that_do_not_parse_or_repeat_are_named() {
        let error = Expressions::parse(&[check(None, "data.k ===")]).unwrap_err();
        let expected = "failed to create custom status evaluator for healthchecks[0]: failed to parse the expression Current: \
                        failed to parse the CEL expression 'data.k ==='";
        assert!(error.starts_with(expected), "{error}");
        assert!(
            Expressions::parse(&[check(None, "true"), check(None, "true")]).unwrap_err().contains("healthchecks[1]")
        );
    }
}
