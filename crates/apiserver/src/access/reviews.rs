//! Questions about rights and tokens, asked by creating objects that are not kept.
//!
//! # Source
//! `k8s.io/kubernetes/pkg/registry/{authorization,authentication}`.

use http::Response;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::access::authenticate::user_of;
use crate::access::rbac::{Attributes, Rule};
use crate::access::token::{Claims, ISSUER};
use crate::access::user::{MASTERS, User};
use crate::allocate;
use crate::api::{Api, Target, key};
use crate::failure::{About, Failure};
use crate::http::answer::Call;
use crate::http::query::WriteOptions;
use crate::http::respond::{self, Body};
use crate::meta;
use crate::resource::FieldError;
use crate::verbs::manage::Manager;
use crate::verbs::write::time;

/// Tokens last so long unless they say otherwise, and never shorter than [`SHORTEST`].
const HOUR: i64 = 3600;
const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;

/// Answers a review.
///
/// # Errors
/// 404 for a review that is not known, 422 for one that does not say what it asks.
pub(crate) fn answer(call: &Call, target: &Target, review: &Value) -> Result<Response<Body>, Failure> {
    let api = &call.api;
    let spec = review.get("spec").cloned().unwrap_or_else(|| json!({}));
    let mut answer = review.clone();
    let kind = target.resource.kind.as_str();
    answer["metadata"] = json!({});
    if !target.namespace.is_empty() {
        answer["metadata"]["namespace"] = target.namespace.clone().into();
    }
    match kind {
        "SelfSubjectReview" => answer["metadata"]["creationTimestamp"] = time(api.now()).into(),
        "SelfSubjectRulesReview" => answer["spec"] = json!({}),
        _ => {
            let options = WriteOptions::parse(&call.query, "CreateOptions")?;
            let name = options.manager(call.user_agent());
            let manager = Manager { name: &name, subresource: "", now: api.now() };
            api.note(&target.resource, &manager, None, None, &mut answer);
        }
    }
    answer["status"] = match kind {
        "SelfSubjectAccessReview" => {
            let asked = attributes(&spec)?;
            api.review(&call.user, &asked)
        }
        "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            let user = subject(&spec);
            let asked = attributes(&spec)?;
            if user.name.is_empty() && user.groups.is_empty() {
                let message = "Invalid value: \"\": at least one of user or group must be specified".to_owned();
                let error = FieldError { field: "spec.user".to_owned(), reason: "FieldValueInvalid", message };
                return Err(Failure::invalid("authorization.k8s.io", "", "", &[error]));
            }
            if kind == "LocalSubjectAccessReview" && asked.namespace != target.namespace {
                let message = format!("Invalid value: {:?}: must match metadata.namespace", asked.namespace);
                let field = "spec.resourceAttributes.namespace".to_owned();
                let error = FieldError { field, reason: "FieldValueInvalid", message };
                return Err(Failure::invalid("authorization.k8s.io", "", "", &[error]));
            }
            api.review(&user, &asked)
        }
        "SelfSubjectRulesReview" => {
            let namespace = spec.get("namespace").and_then(Value::as_str).unwrap_or_default();
            if namespace.is_empty() {
                return Err(Failure::bad_request("no namespace on request"));
            }
            api.rules_of(&call.user, namespace)
        }
        "SelfSubjectReview" => json!({ "userInfo": call.user.to_value() }),
        "TokenReview" => api.review_token(&spec),
        _ => return Err(Failure::no_resource()),
    };
    Ok(respond::value(201, call.accept()?.encoding, &answer))
}

fn subject(spec: &Value) -> User {
    let text = |key: &str| spec.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let groups = spec.get("groups").and_then(Value::as_array).into_iter().flatten();
    let groups: Vec<String> = groups.filter_map(Value::as_str).map(str::to_owned).collect();
    // What is asked for is judged by the groups that it names, and no others.
    User { name: text("user"), uid: text("uid"), groups, extra: std::collections::BTreeMap::new() }
}

fn attributes(spec: &Value) -> Result<Attributes, Failure> {
    let (resource, path) = (spec.get("resourceAttributes"), spec.get("nonResourceAttributes"));
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    match (resource.filter(|r| r.is_object()), path.filter(|p| p.is_object())) {
        (Some(resource), None) => Ok(Attributes {
            verb: text(resource, "verb"),
            group: text(resource, "group"),
            version: text(resource, "version"),
            resource: text(resource, "resource"),
            subresource: text(resource, "subresource"),
            namespace: text(resource, "namespace"),
            name: text(resource, "name"),
            path: None,
        }),
        (None, Some(path)) => {
            Ok(Attributes { verb: text(path, "verb"), path: Some(text(path, "path")), ..Attributes::default() })
        }
        (both, _) => {
            let why = if both.is_some() {
                "cannot be specified in combination with resourceAttributes"
            } else {
                "exactly one of nonResourceAttributes or resourceAttributes must be specified"
            };
            let field = if both.is_some() { "spec.nonResourceAttributes" } else { "spec.resourceAttributes" };
            let message = format!("Invalid value: null: {why}");
            let error = FieldError { field: field.to_owned(), reason: "FieldValueInvalid", message };
            Err(Failure::invalid("authorization.k8s.io", "", "", &[error]))
        }
    }
}

impl Api {
    /// Whether somebody may do something, and by what.
    fn review(&self, user: &User, asked: &Attributes) -> Value {
        if user.is_in(MASTERS) {
            return json!({ "allowed": true });
        }
        match self.rbac.policy(&self.store).why(user, asked) {
            Some(reason) => json!({ "allowed": true, "reason": reason }),
            None => json!({ "allowed": false }),
        }
    }

    /// All that somebody may do in a namespace.
    fn rules_of(&self, user: &User, namespace: &str) -> Value {
        let everything = [
            Rule { verbs: all(), groups: all(), resources: all(), ..Rule::default() },
            Rule { verbs: all(), paths: all(), ..Rule::default() },
        ];
        let policy = self.rbac.policy(&self.store);
        let mut rules: Vec<&Rule> = policy.rules(user, namespace).collect();
        if user.is_in(MASTERS) {
            rules.extend(&everything);
        }
        let (mut resources, mut paths) = (Vec::new(), Vec::new());
        for rule in rules {
            if !rule.resources.is_empty() {
                let mut entry = json!({ "verbs": rule.verbs, "apiGroups": rule.groups, "resources": rule.resources });
                if !rule.names.is_empty() {
                    entry["resourceNames"] = json!(rule.names);
                }
                resources.push(entry);
            }
            if !rule.paths.is_empty() {
                paths.push(json!({ "verbs": rule.verbs, "nonResourceURLs": rule.paths }));
            }
        }
        json!({ "resourceRules": resources, "nonResourceRules": paths, "incomplete": false })
    }

    fn review_token(&self, spec: &Value) -> Value {
        let token = spec.get("token").and_then(Value::as_str).unwrap_or_default();
        let asked = spec.get("audiences").and_then(Value::as_array).into_iter().flatten();
        let asked: Vec<String> = asked.filter_map(Value::as_str).map(str::to_owned).collect();
        let asked = if asked.is_empty() { vec![ISSUER.to_owned()] } else { asked };
        let known = match self.claims(token) {
            Some(claims) => {
                let audiences: Vec<String> =
                    asked.iter().filter(|audience| claims.audiences.contains(audience)).cloned().collect();
                if audiences.is_empty() {
                    let error = format!(
                        "[invalid bearer token, token audiences {} is invalid for the target audiences {}]",
                        json!(claims.audiences),
                        json!(asked)
                    );
                    return json!({ "user": {}, "error": error });
                }
                Some((user_of(&claims), audiences))
            }
            None => self.user_of_token(token).map(|user| (user, asked)),
        };
        match known {
            Some((user, audiences)) => {
                json!({ "authenticated": true, "user": user.to_value(), "audiences": audiences })
            }
            None => json!({ "user": {}, "error": "invalid bearer token" }),
        }
    }

    /// Makes a token for a service account.
    ///
    /// # Errors
    /// 404 for an account, or an object to bind the token to, that is not there; 422 for what no token can be.
    pub(crate) fn request_token(&self, namespace: &str, name: &str, mut request: Value) -> Result<Value, Failure> {
        let about = About { group: "", plural: "serviceaccounts", name };
        let account = self.store.get("serviceaccounts", &key(namespace, name));
        let account = Value::Object(account.ok_or_else(|| Failure::not_found(about))?.parse());
        let spec = request.get("spec").cloned().unwrap_or_else(|| json!({}));
        let audiences = spec.get("audiences").and_then(Value::as_array).into_iter().flatten();
        let mut audiences: Vec<String> = audiences.filter_map(Value::as_str).map(str::to_owned).collect();
        if audiences.is_empty() {
            audiences.push(ISSUER.to_owned());
        }
        let seconds = spec.get("expirationSeconds").and_then(Value::as_i64).unwrap_or(HOUR);
        let problem = if seconds < SHORTEST {
            Some("may not specify a duration less than 10 minutes")
        } else if seconds > LONGEST {
            Some("may not specify a duration larger than 2^32 seconds")
        } else {
            None
        };
        if let Some(problem) = problem {
            let error = FieldError {
                field: "spec.expirationSeconds".to_owned(),
                reason: "FieldValueInvalid",
                message: format!("Invalid value: {seconds}: {problem}"),
            };
            return Err(Failure::invalid("authentication.k8s.io", "TokenRequest", "", &[error]));
        }
        let bound = spec.get("boundObjectRef").filter(|reference| reference.is_object());
        let bound = bound.map(|reference| self.bound_object(namespace, reference)).transpose()?;
        let now = self.now();
        let claims = Claims {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: meta::text(&account, "uid").to_owned(),
            audiences: audiences.clone(),
            bound,
            issued: now.as_second(),
            expires: now.as_second() + seconds,
            id: allocate::uid(),
        };
        let token = self.signer.sign(&claims).map_err(|error| Failure::internal(&error.to_string()))?;
        request["metadata"] = json!({ "name": name, "namespace": namespace, "creationTimestamp": time(now) });
        request["spec"] = spec;
        request["spec"]["audiences"] = json!(audiences);
        request["spec"]["expirationSeconds"] = seconds.into();
        if request["spec"].get("boundObjectRef").is_none() {
            request["spec"]["boundObjectRef"] = Value::Null;
        }
        let expires = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
        request["status"] = json!({ "token": token, "expirationTimestamp": time(expires) });
        Ok(request)
    }

    fn bound_object(&self, namespace: &str, reference: &Value) -> Result<(String, String, String), Failure> {
        let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or_default();
        let (kind, name) = (text("kind"), text("name"));
        let (plural, key) = match kind {
            "Pod" => ("pods", key(namespace, name)),
            "Secret" => ("secrets", key(namespace, name)),
            "Node" => ("nodes", name.to_owned()),
            _ => {
                let version = text("apiVersion");
                return Err(Failure::bad_request(format!(
                    "cannot bind token to object of type /{version}, Kind={kind}"
                )));
            }
        };
        let about = About { group: "", plural, name };
        let object = self.store.get(plural, &key).ok_or_else(|| Failure::not_found(about))?;
        let object = Value::Object(object.parse());
        let (uid, asked) = (meta::text(&object, "uid"), text("uid"));
        if !asked.is_empty() && asked != uid {
            let why = format!(
                "the UID in the bound object reference ({asked}) does not match the UID in record. The object might have been deleted and then recreated"
            );
            return Err(Failure::conflict(about, &why));
        }
        Ok((kind.to_owned(), name.to_owned(), uid.to_owned()))
    }
}

fn all() -> Vec<String> {
    vec!["*".to_owned()]
}
