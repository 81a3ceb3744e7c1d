//! CEL expressions as Flux evaluates them, over JSON values.
//!
//! The environment is Flux's: the standard library, optional types, and the extensions for strings, encoders and sets.
//! Expressions are parsed when they are read and type-checked only as they run, so a field that does not exist is an
//! error of the evaluation.

mod sets;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::objects::{Key, Map};
use cel::{Context, Env, Program, extensions};

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

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// When the text is no expression, or longer or deeper than anybody writes them.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let refused = |problem: String| ParseError { text: text.chars().take(200).collect(), problem };
        if text.len() > LONGEST {
            return Err(refused(format!("it is longer than {LONGEST} bytes")));
        }
        if depth(text) > DEEPEST {
            return Err(refused(format!("its brackets nest deeper than {DEEPEST} levels")));
        }
        let environment = environment();
        let program = environment.compile(text).map_err(|error| refused(error.to_string()))?;
        Ok(Self { text: text.to_owned(), program, environment })
    }

    /// Evaluates the expression to true or false.
    ///
    /// # Errors
    /// When it reads a field that does not exist, mixes types, or gives something else.
    pub fn is_true(&self, variables: &[(&str, &serde_json::Value)]) -> Result<bool, EvaluateError> {
        let refused = |problem: String| EvaluateError { text: self.text.clone(), problem };
        let mut context = Context::with_env(self.environment.clone());
        for (name, value) in variables {
            context.add_variable_from_value(*name, from_json(value));
        }
        match self.program.execute(&context) {
            Ok(cel::Value::Bool(value)) => Ok(value),
            Ok(_) => Err(refused("the result is neither true nor false".to_owned())),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// The text that was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Flux's environment, made once.
fn environment() -> Arc<Env> {
    static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
        let mut env = Env::stdlib().with_optional_support(true);
        // An extension is refused only when it is there already.
        for extension in [extensions::strings, extensions::encoders, sets::extension] {
            drop(env.add_extension(extension));
        }
        Arc::new(env)
    });
    ENVIRONMENT.clone()
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
fn from_json(value: &serde_json::Value) -> cel::Value {
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

#[cfg(test)]
mod tests;
