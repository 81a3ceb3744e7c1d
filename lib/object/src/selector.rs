//! Selects objects: by labels as Kubernetes does, and by identity as Flux' `target` fields do.

use re2::Regex;

use crate::Object;

mod labels;

pub use labels::{LabelSelector, ParseSelectorError};

/// What a target may name. Empty fields select everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetFields {
    /// A pattern of the API group.
    pub group: String,
    /// A pattern of the API version.
    pub version: String,
    /// A pattern of the kind.
    pub kind: String,
    /// A pattern of the name.
    pub name: String,
    /// A pattern of the namespace.
    pub namespace: String,
    /// A label selector over the labels.
    pub label_selector: String,
    /// A label selector over the annotations.
    pub annotation_selector: String,
}

/// Selects objects by identity, labels and annotations. Patterns match the whole text.
#[derive(Clone, Debug)]
pub struct Target {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: LabelSelector,
    annotations: LabelSelector,
}

/// A target that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// A pattern is not a regular expression.
    #[error("invalid {field} regex")]
    Pattern {
        /// The target's field.
        field: &'static str,
        /// What is wrong with the pattern.
        source: Box<re2::PatternError>,
    },
    /// A selector of labels or annotations cannot be understood.
    #[error("invalid {field} selector")]
    Selector {
        /// `label` or `annotation`.
        field: &'static str,
        /// What is wrong with the selector.
        source: ParseSelectorError,
    },
}

impl Target {
    /// Compiles a target.
    ///
    /// # Errors
    /// [`TargetError`] names the field.
    pub fn new(fields: &TargetFields) -> Result<Self, TargetError> {
        let labels =
            |field, text: &str| LabelSelector::parse(text).map_err(|source| TargetError::Selector { field, source });
        Ok(Self {
            group: pattern("group", &fields.group)?,
            version: pattern("version", &fields.version)?,
            kind: pattern("kind", &fields.kind)?,
            name: pattern("name", &fields.name)?,
            namespace: pattern("namespace", &fields.namespace)?,
            labels: labels("label", &fields.label_selector)?,
            annotations: labels("annotation", &fields.annotation_selector)?,
        })
    }

    /// Whether the object is one of those meant.
    pub fn matches(&self, object: &Object) -> bool {
        let fits = |pattern: &Option<Regex>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        fits(&self.group, object.group())
            && fits(&self.version, object.version())
            && fits(&self.kind, object.kind())
            && fits(&self.name, object.name())
            && fits(&self.namespace, object.namespace().unwrap_or_default())
            && self.labels.matches(&object.labels())
            && self.annotations.matches(&object.annotations())
    }
}

fn pattern(field: &'static str, text: &str) -> Result<Option<Regex>, TargetError> {
    if text.is_empty() {
        return Ok(None);
    }
    let compiled = re2::compile(&format!("^(?:{text})$"));
    compiled.map(Some).map_err(|source| TargetError::Pattern { field, source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn object() -> Object {
        Object::from_value(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web-1", "labels": {"app": "web"}, "annotations": {"a": "b"}}}))
        .unwrap()
    }

    #[track_caller]
    fn check(fields: &TargetFields, expected: bool) {
        assert_eq!(Target::new(fields).unwrap().matches(&object()), expected);
    }

    #[test]
    fn patterns_match_the_whole_text() {
        check(&TargetFields::default(), true);
        check(&TargetFields { name: "web".to_owned(), ..Default::default() }, false);
        check(
            &TargetFields { name: "web-.*|api".to_owned(), kind: "Deployment".to_owned(), ..Default::default() },
            true,
        );
        check(&TargetFields { namespace: ".+".to_owned(), ..Default::default() }, false);
        check(&TargetFields { label_selector: "app in (web, api)".to_owned(), ..Default::default() }, true);
        check(&TargetFields { annotation_selector: "a!=b".to_owned(), ..Default::default() }, false);
    }

    #[test]
    fn errors_name_the_field() {
        let error = |fields: &TargetFields| Target::new(fields).unwrap_err().to_string();
        assert_eq!(error(&TargetFields { kind: "(".to_owned(), ..Default::default() }), "invalid kind regex");
        assert_eq!(
            error(&TargetFields { label_selector: "a in b".to_owned(), ..Default::default() }),
            "invalid label selector"
        );
    }

    #[test]
    fn large_patterns_are_refused() {
        assert!(Target::new(&TargetFields { name: "(a{1000}){1000}".to_owned(), ..Default::default() }).is_err());
    }

    #[test]
    fn labels_select_as_in_kubernetes() {
        #[track_caller]
        fn check(selector: &str, expected: bool) {
            let labels = BTreeMap::from([("app", "web"), ("n", "5"), ("empty", "")]);
            assert_eq!(LabelSelector::parse(selector).unwrap().matches(&labels), expected, "{selector}");
        }
        check("", true);
        check("app", true);
        check("nope", false);
        check("!nope", true);
        check("! app", false);
        check("app=web", true);
        check("app == web,n=5", true);
        check("app!=web", false);
        check("nope!=web", true);
        check("empty=", true);
        check("empty", true);
        check("app in (a,web)", true);
        check("app in ()", false);
        check("app notin (a, web)", false);
        check("nope notin (a)", true);
        check("n>4,n<6", true);
        check("n > 5", false);
        check("app > 1", false);
        check("in in (in)", false);
        for bad in [
            "app in",
            "app in (",
            "app in (a",
            "=a",
            "a b",
            "a==b=c",
            "a,,b",
            "a,",
            "n > x",
            "-a=b",
            "a=b c",
            "a in (b c)",
        ] {
            assert!(LabelSelector::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn selectors_of_objects_select_by_labels() {
        let object = json!({ "metadata": { "labels": { "app": "web", "tier": "front" } } });
        let one = |operator: &str, key: &str, values: &[&str]| json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] });
        for (selector, expected) in [
            (json!({}), true),
            (json!({ "matchLabels": { "app": "web", "tier": "front" } }), true),
            (json!({ "matchLabels": { "app": "web", "tier": "back" } }), false),
            (one("In", "app", &["api", "web"]), true),
            (one("NotIn", "app", &["api", "web"]), false),
            (one("NotIn", "absent", &["x"]), true),
            (one("Exists", "app", &[]), true),
            (one("DoesNotExist", "app", &[]), false),
            // What nobody understands gives nobody's rights away.
            (one("Resembles", "app", &["web"]), false),
        ] {
            assert_eq!(LabelSelector::of(&selector).selects(&object), expected, "{selector}");
        }
    }
}
