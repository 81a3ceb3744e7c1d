//! A policy that was read, and what it says of a request.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cel::Value as Cel;
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use expression::{Environment, Expression, ParseError};
use object::selector::LabelSelector;
use serde_json::Value;

use crate::authorizer::{self, Authorizer, Resource, Subject};
use crate::matching::{Matching, is_namespace};
use crate::{Request, Row, World, text};

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
    let mut extensions = schema::rules::EXTENSIONS.to_vec();
    extensions.push(authorizer::extension);
    Environment::with(&extensions)
});

/// Whether an expression of a policy can be read, and why not.
///
/// # Errors
/// [`ParseError`]. Types are checked only as it runs.
pub fn parse(expression: &str) -> Result<(), ParseError> {
    Expression::parse_in(expression, &ENVIRONMENT).map(drop)
}

/// A ValidatingAdmissionPolicy.
#[derive(Debug)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) matching: Matching,
    /// Whether what cannot be told is refused.
    pub(crate) fails: bool,
    /// API version and kind of the parameters.
    params: Option<(String, String)>,
    conditions: Vec<Compiled>,
    variables: Vec<(String, Compiled)>,
    validations: Vec<Validation>,
    /// Only refuse when they cannot be told: annotations go to no audit log here.
    annotations: Vec<Compiled>,
}

/// A ValidatingAdmissionPolicyBinding.
#[derive(Debug)]
pub struct Binding {
    pub(crate) name: String,
    pub(crate) policy: String,
    pub(crate) matching: Matching,
    /// `paramRef`.
    params: Option<Value>,
    pub(crate) denies: bool,
    pub(crate) warns: bool,
}

impl Binding {
    /// Reads an object.
    pub fn read(object: &Value) -> Self {
        let actions = object.pointer("/spec/validationActions").and_then(Value::as_array);
        let does = |action: &str| actions.is_some_and(|actions| actions.iter().any(|one| one == action));
        Self {
            name: text(object, "/metadata/name").to_owned(),
            policy: text(object, "/spec/policyName").to_owned(),
            matching: Matching::read(object.pointer("/spec/matchResources")),
            params: object.pointer("/spec/paramRef").cloned(),
            denies: does("Deny"),
            warns: does("Warn"),
        }
    }
}

#[derive(Debug)]
struct Validation {
    rule: Compiled,
    message: String,
    message_expression: Option<Compiled>,
    reason: Option<String>,
}

/// An expression with its text.
#[derive(Debug)]
struct Compiled {
    text: String,
    expression: Result<Expression, ParseError>,
}

impl Compiled {
    fn of(value: &Value, key: &str) -> Self {
        let text = value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let expression = Expression::parse_in(&text, &ENVIRONMENT);
        Self { text, expression }
    }

    fn evaluate(&self, bound: &Bound<'_>) -> Result<Cel, String> {
        let expression = self.expression.as_ref().map_err(|error| format!("compilation error: {error}"))?;
        let told = expression.evaluate_in(&bound.values, bound);
        told.map_err(|error| {
            let problem = bound.failure().unwrap_or(error.problem);
            format!("expression '{}' resulted in error: {problem}", self.text)
        })
    }
}

/// A request, made ready for expressions.
pub(crate) struct Input {
    object: Cel,
    old: Cel,
    request: Cel,
    namespace: Cel,
    authorizer: Subject,
    resource: Resource,
}

impl Input {
    pub(crate) fn new(
        request: &Request<'_>,
        row: Row<'_>,
        authorizer: &Arc<dyn Authorizer>,
        world: &dyn World,
    ) -> Self {
        let object = |object: Option<&Value>| {
            let Some(object) = object else { return Cel::Null };
            if row == request.row {
                return expression::from_json(object);
            }
            let mut object = object.clone();
            object["apiVersion"] = row.api_version().into();
            expression::from_json(&object)
        };
        let is_inside = !request.namespace.is_empty() && !is_namespace(request.row);
        let namespace = if is_inside { world.namespace(request.namespace) } else { None };
        let authorizer = Subject::new(authorizer.clone());
        Self {
            object: object(request.object),
            old: object(request.old),
            request: expression::from_json(&request.to_value(row)),
            namespace: namespace.as_ref().map_or(Cel::Null, expression::from_json),
            resource: authorizer.resource_of(request),
            authorizer,
        }
    }
}

/// Something against a request.
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) reason: Option<String>,
    /// Whether it is refused whatever the binding says.
    pub(crate) always: bool,
}

impl Policy {
    /// Reads an object. What is wrong with it refuses the requests that it is about.
    pub fn read(object: &Value) -> Self {
        let items = |key: &str| {
            let items = object.pointer(&format!("/spec/{key}")).and_then(Value::as_array);
            items.map(Vec::as_slice).unwrap_or_default()
        };
        let params = object.pointer("/spec/paramKind");
        Self {
            name: text(object, "/metadata/name").to_owned(),
            matching: Matching::read(object.pointer("/spec/matchConstraints")),
            fails: text(object, "/spec/failurePolicy") != "Ignore",
            params: params.map(|kind| (text(kind, "/apiVersion").to_owned(), text(kind, "/kind").to_owned())),
            conditions: items("matchConditions").iter().map(|one| Compiled::of(one, "expression")).collect(),
            variables: items("variables")
                .iter()
                .map(|one| (text(one, "/name").to_owned(), Compiled::of(one, "expression")))
                .collect(),
            validations: items("validations").iter().map(Validation::read).collect(),
            annotations: items("auditAnnotations").iter().map(|one| Compiled::of(one, "valueExpression")).collect(),
        }
    }

    /// What is wrong with the policy itself.
    pub(crate) fn problem(&self, world: &dyn World) -> Option<String> {
        let (api_version, kind) = self.params.as_ref()?;
        let unknown = world.is_namespaced(api_version, kind).is_none();
        unknown.then(|| format!("failed to find resource referenced by paramKind: '{api_version}, Kind={kind}'"))
    }

    /// What a binding has the policy evaluated with, once each.
    pub(crate) fn params(&self, binding: &Binding, namespace: &str, world: &dyn World) -> Result<Vec<Value>, String> {
        let Some(((api_version, kind), reference)) = self.params.as_ref().zip(binding.params.as_ref()) else {
            return Ok(vec![Value::Null]);
        };
        let own = text(reference, "/namespace");
        let is_namespaced = world.is_namespaced(api_version, kind).unwrap_or_default();
        let namespace = match (is_namespaced, own) {
            (false, "") => "",
            (false, _) => {
                return Err("paramRef.namespace must not be provided for a cluster-scoped `paramKind`".to_owned());
            }
            (true, "") if namespace.is_empty() => {
                return Err(
                    "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources".to_owned()
                );
            }
            (true, "") => namespace,
            (true, own) => own,
        };
        let name = text(reference, "/name");
        let selector = reference.get("selector").map(LabelSelector::of).unwrap_or_default();
        let mut params = world.objects(api_version, kind, namespace);
        params.retain(
            |object| {
                if name.is_empty() { selector.selects(object) } else { text(object, "/metadata/name") == name }
            },
        );
        if params.is_empty() && text(reference, "/parameterNotFoundAction") == "Deny" {
            return Err("no params found for policy binding with `Deny` parameterNotFoundAction".to_owned());
        }
        Ok(params)
    }

    /// Everything that the policy has against a request.
    pub(crate) fn failures(&self, input: &Input, params: &Value) -> Vec<Failure> {
        let bound = Bound::new(self, input, params);
        match self.meets_conditions(&bound) {
            Ok(true) => {}
            Ok(false) => return Vec::new(),
            Err(problem) => return self.untold(problem, false).into_iter().collect(),
        }
        let broken = self.validations.iter().filter_map(|validation| match validation.rule.evaluate(&bound) {
            Ok(Cel::Bool(true)) => None,
            Ok(_) => Some(validation.failure(&bound)),
            Err(problem) => self.untold(problem, false),
        });
        let untold = self.annotations.iter().filter_map(|annotation| match annotation.evaluate(&bound) {
            Ok(Cel::String(_) | Cel::Null) => None,
            Ok(other) => Some(Failure {
                message: format!(
                    "valueExpression '{}' resulted in unsupported return type: {}. Return type must be either string or null.",
                    annotation.text,
                    other.type_of()
                ),
                reason: None,
                always: true,
            }),
            Err(problem) => self.untold(problem, true),
        });
        broken.chain(untold).collect()
    }

    /// Whether all conditions hold; one that does not counts more than those that cannot be told.
    fn meets_conditions(&self, bound: &Bound<'_>) -> Result<bool, String> {
        let mut problems = Vec::new();
        for condition in &self.conditions {
            match condition.evaluate(bound) {
                Ok(Cel::Bool(false)) => return Ok(false),
                Ok(_) => {}
                Err(problem) => problems.push(problem),
            }
        }
        match problems.as_slice() {
            [] => Ok(true),
            [one] => Err(one.clone()),
            many => Err(format!("[{}]", many.join(", "))),
        }
    }

    fn untold(&self, message: String, always: bool) -> Option<Failure> {
        self.fails.then_some(Failure { message, reason: None, always })
    }
}

impl Validation {
    fn read(value: &Value) -> Self {
        let said = |key: &str| value.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        Self {
            rule: Compiled::of(value, "expression"),
            message: said("message").unwrap_or_default().to_owned(),
            message_expression: said("messageExpression").map(|_| Compiled::of(value, "messageExpression")),
            reason: said("reason").map(str::to_owned),
        }
    }

    fn failure(&self, bound: &Bound<'_>) -> Failure {
        let told = self.message_expression.as_ref().and_then(|message| message.evaluate(bound).ok());
        let said = told.as_ref().and_then(expression::fit_message);
        let message = said.unwrap_or_else(|| match self.message.as_str() {
            "" => format!("failed expression: {}", self.rule.text.trim()),
            message => message.to_owned(),
        });
        Failure { message, reason: self.reason.clone(), always: false }
    }
}

/// What the names in the expressions of one evaluation stand for. Variables are told when they are first asked for.
struct Bound<'a> {
    policy: &'a Policy,
    input: &'a Input,
    values: Vec<(&'static str, Cel)>,
    told: Mutex<HashMap<String, Cel>>,
    /// Why a variable could not be told.
    failed: Mutex<Option<String>>,
}

impl<'a> Bound<'a> {
    fn new(policy: &'a Policy, input: &'a Input, params: &Value) -> Self {
        let values = vec![
            ("object", input.object.clone()),
            ("oldObject", input.old.clone()),
            ("request", input.request.clone()),
            ("namespaceObject", input.namespace.clone()),
            ("params", expression::from_json(params)),
        ];
        Self { policy, input, values, told: Mutex::default(), failed: Mutex::default() }
    }

    fn failure(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn variable(&self, name: &str) -> Option<Cel> {
        if let Some(value) = self.told.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Some(value.clone());
        }
        let (_, variable) = self.policy.variables.iter().find(|(one, _)| one == name)?;
        let expression = variable.expression.as_ref();
        let told = expression.map_err(|error| format!("composited variable {name:?} fails to compile: {error}"));
        let told = told.and_then(|expression| {
            let told = expression.evaluate_in(&self.values, &Earlier { bound: self, than: name });
            told.map_err(|error| {
                let problem = self.failure().unwrap_or(error.problem);
                format!("composited variable {name:?} fails to evaluate: {problem}")
            })
        });
        match told {
            Ok(value) => {
                self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), value.clone());
                Some(value)
            }
            Err(problem) => {
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
                None
            }
        }
    }
}

impl VariableResolver for Bound<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        match name {
            "authorizer" => Some(CowVal::owned(self.input.authorizer.clone())),
            "authorizer.requestResource" => Some(CowVal::owned(self.input.resource.clone())),
            _ => {
                let value: Box<dyn Val> = self.variable(name.strip_prefix("variables.")?)?.try_into().ok()?;
                Some(CowVal::Owned(value))
            }
        }
    }
}

/// What a variable may refer to: those before it.
struct Earlier<'a> {
    bound: &'a Bound<'a>,
    than: &'a str,
}

impl VariableResolver for Earlier<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let mut earlier = self.bound.policy.variables.iter().take_while(|(one, _)| one != self.than);
        match name.strip_prefix("variables.") {
            Some(asked) if !earlier.any(|(one, _)| one == asked) => None,
            _ => self.bound.resolve(name),
        }
    }
}
