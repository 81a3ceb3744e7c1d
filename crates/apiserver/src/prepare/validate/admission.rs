//! What else may refuse a request: webhooks, ValidatingAdmissionPolicies and their bindings.

use notation::field::{At, FieldErrors};
use notation::names;
use serde_json::{Value, json};

use super::super::get::{self, Fields};
use super::label_selector;

/// The longest expression of an audit annotation, in bytes.
const LONGEST_ANNOTATION: usize = 5 << 10;

/// What is wrong with a webhook.
pub(super) fn webhook(webhook: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let name = get::text(webhook, "name");
    let place = at.field("name");
    let problems = names::dns_subdomain(name);
    if name.is_empty() {
        errors.required(&place, "");
    } else if !problems.is_empty() {
        errors.invalid(&place, &json!(name), &problems.join(","));
    } else if name.split('.').count() < 3 {
        let detail = "should be a domain with at least three segments separated by dots";
        errors.invalid(&place, &json!(name), detail);
    }
    if get::text(webhook, "sideEffects").is_empty() {
        errors.required(&at.field("sideEffects"), "must specify one of None, NoneOnDryRun");
    }
    if get::items(webhook, "admissionReviewVersions").is_empty() {
        errors.required(&at.field("admissionReviewVersions"), "must specify one of v1, v1beta1");
    }
}

/// What is wrong with a ValidatingAdmissionPolicy.
pub(super) fn policy(object: &Fields, errors: &mut FieldErrors) {
    let empty = Fields::new();
    let spec = get::map(object, "spec").unwrap_or(&empty);
    let at = At::ROOT.field("spec");
    one_of(spec, "failurePolicy", &["Fail", "Ignore"], &at, errors);
    if let Some(kind) = get::map(spec, "paramKind") {
        param_kind(kind, &at.field("paramKind"), errors);
    }
    let place = at.field("matchConstraints");
    match get::map(spec, "matchConstraints") {
        None => errors.required(&place, ""),
        Some(matching) => {
            match_resources(matching, &place, errors);
            if get::items(matching, "resourceRules").is_empty() {
                errors.required(&place.field("resourceRules"), "");
            }
        }
    }
    conditions(spec, &at, errors);
    let list = at.field("variables");
    for (index, variable) in get::structs(spec, "variables") {
        let at = list.item(index);
        let name = get::text(variable, "name");
        if name.trim().is_empty() {
            errors.required(&at.field("name"), "name is not specified");
        } else if !is_identifier(name) {
            errors.invalid(&at.field("name"), &json!(name), "must be a valid CEL identifier");
        }
        expression(variable, "expression", "expression is not specified", &at, errors);
    }
    if get::items(spec, "validations").is_empty() && get::items(spec, "auditAnnotations").is_empty() {
        for list in ["validations", "auditAnnotations"] {
            errors.required(&at.field(list), "validations or auditAnnotations must contain at least one item");
        }
    }
    let list = at.field("validations");
    for (index, one) in get::structs(spec, "validations") {
        validation(one, &list.item(index), errors);
    }
    let policy = get::value(object, &["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
    annotations(spec, policy, &at, errors);
}

/// What is wrong with a ValidatingAdmissionPolicyBinding.
pub(super) fn policy_binding(object: &Fields, errors: &mut FieldErrors) {
    let empty = Fields::new();
    let spec = get::map(object, "spec").unwrap_or(&empty);
    let at = At::ROOT.field("spec");
    let policy = get::text(spec, "policyName");
    if policy.is_empty() {
        errors.required(&at.field("policyName"), "");
    } else {
        errors.invalid_each(&at.field("policyName"), policy, names::dns_subdomain(policy));
    }
    if let Some(reference) = get::map(spec, "paramRef") {
        param_ref(reference, &at.field("paramRef"), errors);
    }
    if let Some(matching) = get::map(spec, "matchResources") {
        match_resources(matching, &at.field("matchResources"), errors);
    }
    let place = at.field("validationActions");
    let actions = get::items(spec, "validationActions");
    if actions.is_empty() {
        errors.required(&place, "at least one validation action is required");
    }
    for (index, action) in actions.iter().enumerate() {
        if !["Audit", "Deny", "Warn"].iter().any(|known| action == known) {
            errors.unsupported(&place.item(index), action, ["Audit", "Deny", "Warn"]);
        } else if actions.iter().take(index).any(|one| one == action) {
            errors.duplicate(&place.item(index), action);
        }
    }
    if ["Deny", "Warn"].iter().all(|both| actions.iter().any(|action| action == both)) {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the API \
                      response and headers serves no purpose)";
        errors.invalid(&place, &json!(actions), detail);
    }
}

fn param_kind(kind: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let api_version = get::text(kind, "apiVersion");
    let place = at.field("apiVersion");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if api_version.is_empty() {
        errors.required(&place, "");
    } else if version.contains('/') {
        let detail = format!("unexpected GroupVersion string: {api_version}");
        errors.invalid(&place, &json!(api_version), &detail);
    } else {
        let problems = names::dns_subdomain(group);
        if !group.is_empty() && !problems.is_empty() {
            errors.invalid(&place, &json!(group), &problems.join(","));
        }
        let problems = names::dns_1035_label(version);
        if version.is_empty() {
            errors.invalid(&place, &json!(api_version), "version must be specified");
        } else if !problems.is_empty() {
            errors.invalid(&place, &json!(version), &problems.join(","));
        }
    }
    let name = get::text(kind, "kind");
    let problems = names::dns_1035_label(&name.to_lowercase());
    if name.is_empty() {
        errors.required(&at.field("kind"), "");
    } else if !problems.is_empty() {
        let detail = format!("may have mixed case, but should otherwise match: {}", problems.join(","));
        errors.invalid(&at.field("kind"), &json!(name), &detail);
    }
}

fn param_ref(reference: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    const EITHER: &str = "name and selector are mutually exclusive";
    let name = get::text(reference, "name");
    let selector = get::map(reference, "selector");
    errors.invalid_each(&at.field("name"), name, names::path_segment(name));
    if !name.is_empty() && selector.is_some() {
        errors.forbidden(&at.field("name"), EITHER);
    }
    if let Some(selector) = selector {
        label_selector(selector, &at.field("selector"), errors);
        if !name.is_empty() {
            errors.forbidden(&at.field("selector"), EITHER);
        }
    } else if name.is_empty() {
        errors.required(at, "one of name or selector must be specified");
    }
    one_of(reference, "parameterNotFoundAction", &["Deny", "Allow"], at, errors);
}

fn match_resources(matching: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    one_of(matching, "matchPolicy", &["Equivalent", "Exact"], at, errors);
    for field in ["namespaceSelector", "objectSelector"] {
        if let Some(selector) = get::map(matching, field) {
            label_selector(selector, &at.field(field), errors);
        }
    }
    for field in ["resourceRules", "excludeResourceRules"] {
        let list = at.field(field);
        for (index, one) in get::structs(matching, field) {
            rule(one, &list.item(index), errors);
        }
    }
}

fn rule(rule: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
    let items = |field: &str| get::items(rule, field);
    let texts = |field: &str| items(field).iter().map(|text| text.as_str().unwrap_or_default());
    let place = at.field("resourceNames");
    for (index, name) in texts("resourceNames").enumerate() {
        errors.invalid_each(&place.item(index), name, names::path_segment(name));
        if texts("resourceNames").take(index).any(|one| one == name) {
            errors.duplicate(&place.item(index), &json!(name));
        }
    }
    for (field, others) in [("operations", "operations"), ("apiGroups", "API groups"), ("apiVersions", "API versions")]
    {
        let place = at.field(field);
        if items(field).is_empty() {
            errors.required(&place, "");
        } else if items(field).len() > 1 && texts(field).any(|one| one == "*") {
            let detail = format!("if '*' is present, must not specify other {others}");
            errors.invalid(&place, &json!(items(field)), &detail);
        }
        for (index, item) in texts(field).enumerate() {
            if field == "operations" && !OPERATIONS.contains(&item) {
                errors.unsupported(&place.item(index), &json!(item), OPERATIONS);
            } else if field == "apiVersions" && item.is_empty() {
                errors.required(&place.item(index), "");
            }
        }
    }
    resources(items("resources"), &at.field("resources"), errors);
    let scope = get::text(rule, "scope");
    if !scope.is_empty() && !["*", "Cluster", "Namespaced"].contains(&scope) {
        errors.unsupported(&at.field("scope"), &json!(scope), ["*", "Cluster", "Namespaced"]);
    }
}

fn resources(items: &[Value], at: &At<'_>, errors: &mut FieldErrors) {
    if items.is_empty() {
        errors.required(at, "");
    }
    let texts: Vec<&str> = items.iter().map(|text| text.as_str().unwrap_or_default()).collect();
    for (index, text) in texts.iter().enumerate() {
        let at = at.item(index);
        if text.is_empty() {
            errors.required(&at, "");
        }
        let Some((resource, below)) = text.split_once('/') else { continue };
        let earlier = &texts[..index];
        for all in [format!("{resource}/*"), format!("*/{below}")] {
            if earlier.contains(&all.as_str()) {
                errors.invalid(&at, &json!(text), &format!("if '{all}' is present, must not specify {text}"));
            }
        }
    }
    if texts.len() > 1 && texts.contains(&"*/*") {
        errors.invalid(at, &json!(items), "if '*/*' is present, must not specify other resources");
    }
    // Upstream asks the last one only.
    let is_plain = texts.iter().rfind(|text| !text.contains('/')).is_some_and(|text| *text != "*");
    if texts.contains(&"*") && is_plain {
        let detail = "if '*' is present, must not specify other resources without subresources";
        errors.invalid(at, &json!(items), detail);
    }
}

fn conditions(spec: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    const MOST: usize = 64;
    let list = at.field("matchConditions");
    let there_are = get::items(spec, "matchConditions").len();
    if there_are > MOST {
        errors.too_many(&list, there_are, MOST);
    }
    let mut seen: Vec<&str> = Vec::new();
    for (index, condition) in get::structs(spec, "matchConditions") {
        let at = list.item(index);
        expression(condition, "expression", "", &at, errors);
        let name = get::text(condition, "name");
        if name.is_empty() {
            errors.required(&at.field("name"), "");
            continue;
        }
        errors.invalid_each(&at.field("name"), name, names::qualified_name(name));
        if seen.contains(&name) {
            errors.duplicate(&at.field("name"), &json!(name));
        }
        seen.push(name);
    }
}

fn validation(validation: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    const EMPTY: &str = "must be non-empty if specified";
    expression(validation, "expression", "expression is not specified", at, errors);
    let message = get::text(validation, "messageExpression");
    let place = at.field("messageExpression");
    if !message.is_empty() && message.trim().is_empty() {
        errors.invalid(&place, &json!(message), EMPTY);
    } else if !message.is_empty() {
        compiles(message, &place, errors);
    }
    let message = get::text(validation, "message");
    let place = at.field("message");
    if !message.is_empty() && message.trim().is_empty() {
        errors.invalid(&place, &json!(message), EMPTY);
    } else if message.trim().contains('\n') {
        errors.invalid(&place, &json!(message), "must not contain line breaks");
    }
    let reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
    if let Some(Value::String(reason)) = validation.get("reason")
        && !reasons.contains(&reason.as_str())
    {
        errors.unsupported(&at.field("reason"), &json!(reason), reasons);
    }
}

fn annotations(spec: &Fields, policy: &str, at: &At<'_>, errors: &mut FieldErrors) {
    let list = at.field("auditAnnotations");
    let mut seen: Vec<&str> = Vec::new();
    for (index, annotation) in get::structs(spec, "auditAnnotations") {
        let at = list.item(index);
        let key = get::text(annotation, "key");
        let full = format!("{policy}/{key}");
        errors.invalid_each(&at.field("key"), &full, names::qualified_name(&full));
        let text = get::text(annotation, "valueExpression");
        if text.trim().len() > LONGEST_ANNOTATION {
            let detail = format!("must not exceed {LONGEST_ANNOTATION} bytes in length");
            errors.required(&at.field("valueExpression"), &detail);
        } else {
            expression(annotation, "valueExpression", "valueExpression is not specified", &at, errors);
        }
        if seen.contains(&key) {
            errors.duplicate(&at.field("key"), &json!(key));
        }
        seen.push(key);
    }
}

fn expression(fields: &Fields, field: &str, absent: &str, at: &At<'_>, errors: &mut FieldErrors) {
    let text = get::text(fields, field);
    if text.trim().is_empty() {
        errors.required(&at.field(field), absent);
    } else {
        compiles(text, &at.field(field), errors);
    }
}

fn compiles(expression: &str, at: &At<'_>, errors: &mut FieldErrors) {
    if let Err(error) = ::admission::parse(expression) {
        errors.invalid(at, &json!(expression), &format!("compilation failed: {}", error.problem));
    }
}

fn one_of(fields: &Fields, field: &str, values: &[&str], at: &At<'_>, errors: &mut FieldErrors) {
    let text = get::text(fields, field);
    if text.is_empty() {
        errors.required(&at.field(field), "");
    } else if !values.contains(&text) {
        errors.unsupported(&at.field(field), &json!(text), values.iter().copied());
    }
}

fn is_identifier(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && letters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
