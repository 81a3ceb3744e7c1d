//! Post-build substitution: variables in the text of each object.

use std::collections::BTreeMap;
use std::fmt;

use api::well_known::{DISABLED, KUSTOMIZE_SUBSTITUTE};
use object::{InvalidObject, Object};
use yaml::Schema;

use crate::envsubst;

/// What stands for `${name}`.
#[derive(Clone)]
pub struct Variables {
    values: BTreeMap<String, String>,
    strict: bool,
    always: bool,
}

/// Why variables could not be put into an object.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubstituteError {
    /// A variable's name is none.
    #[error("'{name}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'")]
    Name {
        /// The name.
        name: String,
    },
    /// An expression does not parse, or has no value.
    #[error("variable substitution failed")]
    Expand(#[source] envsubst::Error),
    /// What comes out is not YAML.
    #[error("the result is not YAML")]
    Syntax(#[source] yaml::Error),
    /// What comes out is no object.
    #[error("the result is not a Kubernetes object")]
    NotAnObject(#[source] InvalidObject),
}

impl fmt::Debug for Variables {
    /// Prints the names; values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Variables {
    /// Makes an empty set. With `strict` a variable without value and default is a failure; with `always` objects are gone
    /// through even when there is no variable.
    pub fn new(strict: bool, always: bool) -> Self {
        Self { values: BTreeMap::new(), strict, always }
    }

    /// Sets a variable; a later value replaces an earlier one. Newlines are taken out of the value, as upstream does.
    pub fn set(&mut self, name: impl Into<String>, value: &str) {
        self.values.insert(name.into(), value.replace('\n', ""));
    }

    /// Puts the variables into an object, unless it asks to be left alone.
    ///
    /// Text is replaced in the object's YAML, so a value takes the type that it looks like: `replicas: ${count}` becomes
    /// a number.
    ///
    /// # Errors
    /// By variant of [`SubstituteError`].
    pub fn substitute(&self, object: Object) -> Result<Object, SubstituteError> {
        let disabled = |value: Option<&str>| value == Some(DISABLED);
        if disabled(object.label(KUSTOMIZE_SUBSTITUTE)) || disabled(object.annotation(KUSTOMIZE_SUBSTITUTE)) {
            return Ok(object);
        }
        if self.values.is_empty() && !self.always {
            return Ok(object);
        }
        if let Some(name) = self.values.keys().find(|name| !is_name(name)) {
            return Err(SubstituteError::Name { name: name.clone() });
        }
        let text = yaml::print(object.as_value());
        // `$` alone never changes anything: most objects have none.
        if !text.contains('$') {
            return Ok(object);
        }
        let value = |name: &str| match self.values.get(name) {
            None if !self.strict => Some(String::new()),
            value => value.cloned(),
        };
        let expanded = envsubst::expand(&text, &value).map_err(SubstituteError::Expand)?;
        let value = yaml::to_value(&expanded, Schema::V2).map_err(SubstituteError::Syntax)?;
        let origin = object.origin().cloned();
        Ok(Object::from_value(value).map_err(SubstituteError::NotAnObject)?.with_origin(origin))
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = |byte: u8| byte == b'_' || byte.is_ascii_alphabetic();
    bytes.next().is_some_and(first) && bytes.all(|byte| first(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn variables(values: &[(&str, &str)]) -> Variables {
        let mut variables = Variables::new(true, false);
        for (name, value) in values {
            variables.set(*name, value);
        }
        variables
    }

    fn object(data: &Value) -> Object {
        Object::from_value(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "one" }, "data": data,
        }))
        .unwrap()
    }

    #[track_caller]
    fn check(variables: &Variables, data: &Value, expected: &Value) {
        let result = variables.substitute(object(data)).unwrap();
        assert_eq!(result.field(&["data"]), Some(expected));
    }

    #[test]
    fn a_value_takes_the_type_that_it_looks_like() {
        let variables = variables(&[("count", "3"), ("flag", "true"), ("empty", ""), ("quote", "\"")]);
        check(&variables, &json!({ "n": "${count}" }), &json!({ "n": 3 }));
        check(&variables, &json!({ "n": "${flag}" }), &json!({ "n": true }));
        check(&variables, &json!({ "n": "${empty}" }), &json!({ "n": null }));
        check(&variables, &json!({ "n": "${quote}${count}${quote}" }), &json!({ "n": "3" }));
    }

    #[test]
    fn newlines_are_taken_out_of_values() {
        check(&variables(&[("cert", "a\nb\n")]), &json!({ "c": "${cert}" }), &json!({ "c": "ab" }));
    }

    #[test]
    fn without_variables_the_text_stays_unless_it_is_always_gone_through() {
        let none = variables(&[]);
        check(&none, &json!({ "a": "$$ ${x:=d}" }), &json!({ "a": "$$ ${x:=d}" }));
        let always = Variables::new(true, true);
        check(&always, &json!({ "a": "$$ ${x:=d}" }), &json!({ "a": "$ d" }));
    }

    #[test]
    fn an_object_can_ask_to_be_left_alone() {
        let value = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "one", "labels": { "kustomize.toolkit.fluxcd.io/substitute": "disabled" } },
            "data": { "a": "${none}" },
        });
        let untouched = variables(&[("x", "y")]).substitute(Object::from_value(value.clone()).unwrap()).unwrap();
        assert_eq!(untouched.as_value(), &value);
    }

    #[test]
    fn every_name_is_checked_even_of_variables_that_nobody_uses() {
        let error = variables(&[("a-b", "x")]).substitute(object(&json!({}))).unwrap_err();
        assert!(error.to_string().starts_with("'a-b' var name is invalid"), "{error}");
    }
}
