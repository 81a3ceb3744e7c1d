//! What a schema demands of values, made ready to be asked many times: patterns and rules compiled.

use std::collections::{HashMap, HashSet};

use notation::field::{FieldError, FieldErrors};
use re2::Regex;
use serde_json::Value;

use crate::node::{Additional, Id};
use crate::rules::Compiled;
use crate::schemas::Schemas;
use crate::{rules, validate};

/// Patterns and rules of one kind, compiled.
#[derive(Debug, Default)]
pub struct Checks {
    /// By their text; none for what is no pattern.
    patterns: HashMap<Box<str>, Option<Regex>>,
    pub(crate) rules: HashMap<Id, Vec<Compiled>>,
}

impl Checks {
    /// Compiles those of a type and all that is below it.
    pub fn new(schemas: &Schemas, root: Id) -> Self {
        let mut checks = Self::default();
        let mut seen = HashSet::new();
        let mut open = vec![root];
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let node = schemas.node(id);
            open.extend(schemas.fields(id).iter().map(|field| field.node));
            open.extend(node.items);
            if let Additional::Of(element) = node.additional {
                open.push(element);
            }
            let Some(limits) = schemas.limits(id) else { continue };
            open.extend(limits.all_of.iter().chain(&limits.any_of).chain(&limits.one_of).chain(&limits.not));
            if let Some(pattern) = &limits.pattern {
                checks.patterns.insert(pattern.clone(), re2::compile(pattern).ok());
            }
            if !limits.rules.is_empty() {
                checks.rules.insert(id, limits.rules.iter().map(Compiled::new).collect());
            }
        }
        checks
    }

    /// Whether a text satisfies a pattern that was compiled; anything satisfies what is none.
    pub(crate) fn matches(&self, pattern: &str, text: &str) -> bool {
        self.patterns.get(pattern).and_then(Option::as_ref).is_none_or(|regex| regex.is_match(text))
    }

    /// What is wrong with an object that was pruned and filled: types and limits, then the uniqueness of lists, then, if
    /// nothing that they rely on is wrong, the rules. What an update leaves as it was is not held against it.
    pub fn validate(&self, schemas: &Schemas, root: Id, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = FieldErrors::default();
        validate::limits(self, schemas, root, object, old, &mut errors);
        validate::lists(schemas, root, object, &mut errors);
        if self.rules.is_empty() {
            return errors.into_vec();
        }
        let errors = errors.into_vec();
        let blocks = |error: &FieldError| {
            matches!(
                error.reason,
                "FieldValueNotSupported"
                    | "FieldValueRequired"
                    | "FieldValueTooLong"
                    | "FieldValueTooMany"
                    | "FieldValueTypeInvalid"
            )
        };
        if errors.iter().any(blocks) {
            let unchecked = FieldError {
                field: "<nil>".to_owned(),
                reason: "FieldValueInvalid",
                message: "Invalid value: null: some validation rules were not checked because the object was invalid; correct \
                          the existing errors to complete validation"
                    .to_owned(),
            };
            return errors.into_iter().chain([unchecked]).collect();
        }
        let mut broken = FieldErrors::default();
        rules::check(self, schemas, root, object, old, &mut broken);
        errors.into_iter().chain(broken.into_vec()).collect()
    }
}
