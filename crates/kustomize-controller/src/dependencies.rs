//! Whether the Kustomizations that come first are ready.

use std::sync::Arc;

use api::{Artifact, ConditionType, DependencyReference, Kustomization};
use expression::Expression;
use reconcile::Key;

/// Why an object does not get its turn yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A `readyExpr` is no expression.
    Invalid(String),
    /// Dependencies are not ready.
    NotReady {
        /// All of them, with what is wrong with each.
        message: String,
        /// Their names: a change of one is a reason to look again.
        keys: Vec<Key>,
    },
}

/// Checks the dependencies of `object`, whose source offers `artifact`.
///
/// A dependency is ready when its controller has seen its last edit and says so. One that reads the same source must
/// also have applied the very revision that is at hand, so that every commit is rolled out in order. A `readyExpr` takes
/// the place of both, or comes on top of them if it is `additive`.
pub(crate) fn check(
    object: &Kustomization,
    artifact: &Artifact,
    additive: bool,
    find: impl Fn(&Key) -> Option<Arc<Kustomization>>,
) -> Result<(), Problem> {
    let mut problems = Vec::new();
    let mut keys = Vec::new();
    for reference in &object.spec.depends_on {
        let key = key(object, reference);
        let expression = reference.ready_expr.as_deref().filter(|text| !text.is_empty()).map(Expression::parse);
        let expression = expression
            .transpose()
            .map_err(|error| Problem::Invalid(format!("failed to evaluate dependency {}: {error}", reference.name)))?;
        let problem = match find(&key) {
            None => Some("not found".to_owned()),
            Some(dependency) => {
                let expressed = expression.as_ref().and_then(|expression| disagrees(expression, object, &dependency));
                let checks = expression.is_none() || additive;
                expressed.or_else(|| checks.then(|| problem(&dependency, object, artifact)).flatten())
            }
        };
        if let Some(problem) = problem {
            problems.push(format!("dependency '{key}' {problem}"));
            keys.push(key);
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Problem::NotReady { message: problems.join(", "), keys }) }
}

fn disagrees(expression: &Expression, object: &Kustomization, dependency: &Kustomization) -> Option<String> {
    let value = |object| serde_json::to_value(object).unwrap_or_default();
    match expression.is_true(&[("self", &value(object)), ("dep", &value(dependency))]) {
        Ok(true) => None,
        Ok(false) => Some("is not ready according to readyExpr eval".to_owned()),
        Err(error) => Some(format!("is not ready: {error}")),
    }
}

/// The full name of a dependency.
pub(crate) fn key(object: &Kustomization, reference: &DependencyReference) -> Key {
    Key::new(reference.namespace.as_deref().unwrap_or(object.namespace()), &reference.name)
}

fn problem(dependency: &Kustomization, object: &Kustomization, artifact: &Artifact) -> Option<String> {
    if dependency.observed_generation() != dependency.generation() || !dependency.is_true(ConditionType::Ready) {
        return Some("is not ready".to_owned());
    }
    let applied = dependency.status.as_ref().and_then(|status| status.last_applied_revision.as_deref());
    let same_source = source(dependency) == source(object);
    (same_source && applied != Some(&artifact.revision)).then(|| "revision is not up to date".to_owned())
}

fn source(object: &Kustomization) -> (api::SourceKind, &str, &str) {
    let source = &object.spec.source_ref;
    (source.kind, source.namespace.as_deref().unwrap_or(object.namespace()), &source.name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn kustomization(name: &str, status: &Value) -> Kustomization {
        serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": { "namespace": "ns", "name": name, "generation": 2 },
            "spec": {
                "interval": "1m", "prune": true, "sourceRef": { "kind": "GitRepository", "name": "repo" },
                "dependsOn": [{ "name": "first" }],
            },
            "status": status,
        }))
        .unwrap()
    }

    fn status(ready: &str, observed: i64, revision: &str) -> Value {
        json!({
            "observedGeneration": observed, "lastAppliedRevision": revision,
            "conditions": [{
                "type": "Ready", "status": ready, "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
            }],
        })
    }

    #[track_caller]
    fn check_against(first: Option<Value>, expected: Result<(), &str>) {
        let artifact = Artifact {
            path: String::new(),
            url: String::new(),
            revision: "main@sha1:2".into(),
            digest: String::new(),
            last_update_time: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH),
            size: None,
            metadata: std::collections::BTreeMap::new(),
        };
        let first = first.map(|status| Arc::new(kustomization("first", &status)));
        let message = match check(&kustomization("app", &Value::Null), &artifact, false, |_| first.clone()) {
            Ok(()) => Ok(()),
            Err(Problem::NotReady { message, .. } | Problem::Invalid(message)) => Err(message),
        };
        assert_eq!(message, expected.map_err(ToOwned::to_owned));
    }

    #[test]
    fn a_dependency_must_have_applied_the_same_revision_of_the_same_source() {
        check_against(Some(status("True", 2, "main@sha1:2")), Ok(()));
        check_against(Some(status("True", 2, "main@sha1:1")), Err("dependency 'ns/first' revision is not up to date"));
    }

    #[test]
    fn a_dependency_that_is_missing_or_not_ready_is_named() {
        check_against(None, Err("dependency 'ns/first' not found"));
        check_against(Some(Value::Null), Err("dependency 'ns/first' is not ready"));
        check_against(Some(status("False", 2, "main@sha1:2")), Err("dependency 'ns/first' is not ready"));
    }

    #[test]
    fn an_edit_that_the_controller_has_not_seen_makes_a_dependency_unready() {
        check_against(Some(status("True", 1, "main@sha1:2")), Err("dependency 'ns/first' is not ready"));
    }
}
