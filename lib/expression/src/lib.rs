//! CEL expressions as Flux evaluates them, over JSON values.
//!
//! The environment is Flux's: the standard library, optional types, and the extensions for strings, encoders and sets.
//! Expressions are parsed when they are read and type-checked only as they run, so a field that does not exist is an
//! error of the evaluation.

mod opaque;
mod sets;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::context::VariableResolver;
use cel::objects::{Key, Map};
use cel::{Context, DeclarationError, Env, ExecutionError, Program, extensions};

/// The longest expression, in bytes. Nobody writes longer ones, and parsing takes stack.
const LONGEST: usize = 16 << 10;
/// How deep brackets may nest, for the same reason.
const DEEPEST: usize = 64;

/// A parsed expression.
pub struct Expression {
    text: String,
    program: Program,
    environment: Arc<Env>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

/// The text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse the CEL expression '{text}': {problem}")]
pub struct ParseError {
    /// The text, cut where it is long.
    pub text: String,
    /// What is wrong, with line and column.
    pub problem: String,
}

/// The expression has no value for these variables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to evaluate the CEL expression '{text}': {problem}")]
pub struct EvaluateError {
    /// The text of the expression.
    pub text: String,
    /// What is wrong.
    pub problem: String,
}

/// What expressions may call.
#[derive(Clone)]
pub struct Environment(Arc<Env>);

/// Adds functions to an environment.
pub type Extension = fn(&mut Env) -> Result<(), DeclarationError>;

impl Environment {
    /// Flux's environment, made once.
    pub fn flux() -> Self {
        static FLUX: LazyLock<Environment> = LazyLock::new(|| Environment::with(&[]));
        FLUX.clone()
    }

    /// Flux's environment and more. An extension that is there already is not added again.
    pub fn with(more: &[Extension]) -> Self {
        let mut env = Env::stdlib().with_optional_support(true);
        let own: [Extension; 3] = [extensions::strings, extensions::encoders, sets::extension];
        for extension in own.iter().chain(more) {
            drop(env.add_extension(extension));
        }
        Self(Arc::new(env))
    }
}

impl Expression {
    /// Parses an expression in Flux's environment.
    ///
    /// # Errors
    /// When the text is no expression, or longer or deeper than anybody writes them.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Self::parse_in(text, &Environment::flux())
    }

    /// Parses an expression in an environment.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_in(text: &str, environment: &Environment) -> Result<Self, ParseError> {
        let refused = |problem: String| ParseError { text: text.chars().take(200).collect(), problem };
        if text.len() > LONGEST {
            return Err(refused(format!("it is longer than {LONGEST} bytes")));
        }
        if depth(text) > DEEPEST {
            return Err(refused(format!("its brackets nest deeper than {DEEPEST} levels")));
        }
        let environment = environment.0.clone();
        let program = environment.compile(text).map_err(|error| refused(error.to_string().replace("\n| ", "\n | ")))?;
        Ok(Self { text: text.to_owned(), program, environment })
    }

    /// Evaluates the expression to true or false.
    ///
    /// # Errors
    /// When it reads a field that does not exist, mixes types, or gives something else.
    pub fn is_true(&self, variables: &[(&str, &serde_json::Value)]) -> Result<bool, EvaluateError> {
        let variables: Vec<(&str, cel::Value)> =
            variables.iter().map(|(name, value)| (*name, from_json(value))).collect();
        match self.evaluate(&variables)? {
            cel::Value::Bool(value) => Ok(value),
            _ => Err(self.refused("the result is neither true nor false".to_owned())),
        }
    }

    /// Evaluates the expression.
    ///
    /// # Errors
    /// When it reads a field that does not exist, or mixes types.
    pub fn evaluate(&self, variables: &[(&str, cel::Value)]) -> Result<cel::Value, EvaluateError> {
        self.execute(Context::with_env(self.environment.clone()), variables)
    }

    /// Evaluates the expression with variables that are told only when they are asked for.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn evaluate_in(
        &self,
        variables: &[(&str, cel::Value)],
        more: &dyn VariableResolver,
    ) -> Result<cel::Value, EvaluateError> {
        let mut context = Context::with_env(self.environment.clone());
        context.set_variable_resolver(more);
        self.execute(context, variables)
    }

    fn execute(
        &self,
        mut context: Context<'_, '_>,
        variables: &[(&str, cel::Value)],
    ) -> Result<cel::Value, EvaluateError> {
        for (name, value) in variables {
            context.add_variable_from_value(*name, value.clone());
        }
        self.program.execute(&context).map_err(|error| self.refused(explain(&error)))
    }

    /// Whether the expression reads this variable.
    pub fn refers_to(&self, variable: &str) -> bool {
        self.program.references().has_variable(variable)
    }

    fn refused(&self, problem: String) -> EvaluateError {
        EvaluateError { text: self.text.clone(), problem }
    }

    /// The text that was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What went wrong, in the words of cel-go where people know them.
fn explain(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("no such key: {key}"),
        ExecutionError::FunctionError { function, message } if message.starts_with("string parse error") => {
            format!("type conversion error from 'string' to '{function}'")
        }
        error => error.to_string(),
    }
}

/// How deep an expression may nest, strings included: a bound that is cheap to know before anything recurses. Brackets
/// nest, and so do `!` and `-`, of which long runs only occur in attacks.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    let negations = text.bytes().filter(|byte| matches!(byte, b'!' | b'-')).count();
    deepest + negations / 8
}

/// JSON numbers without a fraction are CEL integers, as they are in Go's unstructured objects.
pub fn from_json(value: &serde_json::Value) -> cel::Value {
    match value {
        serde_json::Value::Null => cel::Value::Null,
        serde_json::Value::Bool(value) => cel::Value::Bool(*value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => cel::Value::Int(integer),
            (None, Some(integer)) => cel::Value::UInt(integer),
            (None, None) => cel::Value::Float(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        serde_json::Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(from_json).collect())),
        serde_json::Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (Key::String(Arc::new(name.clone())), from_json(value)));
            cel::Value::Map(Map { map: Arc::new(fields.collect::<HashMap<_, _>>()) })
        }
    }
}

/// The message that an expression made, if people can be shown it: a line of text that is not too long.
pub fn fit_message(told: &cel::Value) -> Option<String> {
    const LONGEST: usize = 5 << 10;
    let cel::Value::String(text) = told else { return None };
    let text = text.trim();
    let is_fit = !text.is_empty() && !text.contains('\n') && text.len() <= LONGEST;
    is_fit.then(|| text.to_owned())
}

/// A time in RFC 3339.
pub fn timestamp(text: &str) -> Option<cel::Value> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(cel::Value::Timestamp)
}

/// A duration as Go writes it: `1h30m`, `1.5s`, `-2ms`.
pub fn duration(text: &str) -> Option<cel::Value> {
    let (sign, text) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(cel::Value::Duration(chrono::Duration::zero()));
    }
    let mut nanoseconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, tail) = rest.split_at(end);
        let units = [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12)];
        let (unit, factor) =
            units.iter().filter(|(unit, _)| tail.starts_with(unit)).max_by_key(|(unit, _)| unit.len())?;
        nanoseconds += number.parse::<f64>().ok()? * factor;
        rest = tail.get(unit.len()..)?;
    }
    #[expect(clippy::cast_possible_truncation, reason = "in range, as checked")]
    let whole = (nanoseconds.abs() < 9e18).then(|| (sign * nanoseconds).round() as i64);
    (!text.is_empty()).then_some(cel::Value::Duration(chrono::Duration::nanoseconds(whole?)))
}

#[cfg(test)]
mod tests;
