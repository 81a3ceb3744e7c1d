//! LimitRanges: how little and how much the containers, Pods and claims of a namespace may ask for.
//!
//! # Source
//! `k8s.io/kubernetes/plugin/pkg/admission/limitranger`.

use notation::quantity::Quantity;
use serde_json::Value;

use crate::amounts::{self, Amounts};
use crate::api::{Api, Target};
use crate::failure::{About, Failure};
use crate::meta;

impl Api {
    /// The LimitRanges of a namespace.
    pub(crate) fn limit_ranges(&self, namespace: &str) -> Vec<Value> {
        self.objects("", "limitranges", namespace)
    }

    /// Refuses what asks for less or more than its namespace lets it.
    ///
    /// # Errors
    /// 403 with everything that is out of bounds.
    pub(crate) fn admit_within_limits(&self, target: &Target, old: Option<&Value>, new: &Value) -> Result<(), Failure> {
        let resource = &target.resource;
        let check: fn(&Value, &Value) -> Vec<String> = match (resource.group.as_str(), resource.kind.as_str()) {
            // The amounts of a Pod do not change.
            ("", "Pod") if old.is_none() => check_pod,
            ("", "PersistentVolumeClaim") => check_claim,
            _ => return Ok(()),
        };
        if target.subresource.is_some() || old.is_some_and(meta::is_terminating) {
            return Ok(());
        }
        for range in self.limit_ranges(&target.namespace) {
            let limits = range.pointer("/spec/limits").and_then(Value::as_array).into_iter().flatten();
            let problems: Vec<String> = limits.flat_map(|limit| check(limit, new)).collect();
            let why = match problems.as_slice() {
                [] => continue,
                [one] => one.clone(),
                many => format!("[{}]", many.join(", ")),
            };
            return Err(Failure::forbidden(About::new(resource, &target.name), &why));
        }
        Ok(())
    }
}

fn check_pod(limit: &Value, pod: &Value) -> Vec<String> {
    let asked: Vec<Asked> = match limit["type"].as_str() {
        Some("Container") => ["/spec/containers", "/spec/initContainers"]
            .iter()
            .flat_map(|list| pod.pointer(list).and_then(Value::as_array).into_iter().flatten())
            .map(|container| Asked {
                of: "Container",
                requests: amounts::of(container, "/resources/requests"),
                limits: amounts::of(container, "/resources/limits"),
            })
            .collect(),
        Some("Pod") => vec![Asked {
            of: "Pod",
            requests: amounts::of_pod(pod, "requests"),
            limits: amounts::of_pod(pod, "limits"),
        }],
        _ => return Vec::new(),
    };
    let bounds = [("/min", Asked::min as Bound), ("/max", Asked::max), ("/maxLimitRequestRatio", Asked::ratio)];
    asked.iter().flat_map(|asked| asked.problems(limit, &bounds)).collect()
}

/// Claims have requests alone.
fn check_claim(limit: &Value, claim: &Value) -> Vec<String> {
    if limit["type"] != "PersistentVolumeClaim" {
        return Vec::new();
    }
    let requests = amounts::of(claim, "/spec/resources/requests");
    let asked = Asked { of: "PersistentVolumeClaim", requests, limits: Amounts::new() };
    asked.problems(limit, &[("/min", Asked::min), ("/max", Asked::max_request)])
}

/// What is asked for, by whom.
struct Asked {
    of: &'static str,
    requests: Amounts,
    limits: Amounts,
}

/// Holds what is asked for of a resource against a bound.
type Bound = fn(&Asked, &str, Quantity) -> Result<(), String>;

impl Asked {
    fn problems(&self, limit: &Value, bounds: &[(&str, Bound)]) -> Vec<String> {
        let mut problems = Vec::new();
        for (pointer, bound) in bounds {
            problems
                .extend(amounts::of(limit, pointer).iter().filter_map(|(name, most)| bound(self, name, *most).err()));
        }
        problems
    }

    fn min(&self, name: &str, least: Quantity) -> Result<(), String> {
        let rule = format!("minimum {name} usage per {} is {least}", self.of);
        match (self.requests.get(name), self.limits.get(name)) {
            (None, _) => Err(format!("{rule}.  No request is specified")),
            (Some(request), _) if *request < least => Err(format!("{rule}, but request is {request}")),
            (_, Some(limit)) if *limit < least => Err(format!("{rule}, but limit is {limit}")),
            _ => Ok(()),
        }
    }

    fn max(&self, name: &str, most: Quantity) -> Result<(), String> {
        let rule = format!("maximum {name} usage per {} is {most}", self.of);
        match (self.requests.get(name), self.limits.get(name)) {
            (_, None) => Err(format!("{rule}.  No limit is specified")),
            (_, Some(limit)) if *limit > most => Err(format!("{rule}, but limit is {limit}")),
            (Some(request), _) if *request > most => Err(format!("{rule}, but request is {request}")),
            _ => Ok(()),
        }
    }

    fn max_request(&self, name: &str, most: Quantity) -> Result<(), String> {
        let rule = format!("maximum {name} usage per {} is {most}", self.of);
        match self.requests.get(name) {
            None => Err(format!("{rule}.  No request is specified")),
            Some(request) if *request > most => Err(format!("{rule}, but request is {request}")),
            Some(_) => Ok(()),
        }
    }

    fn ratio(&self, name: &str, most: Quantity) -> Result<(), String> {
        let rule = format!("{name} max limit to request ratio per {} is {most}", self.of);
        let of = |amounts: &Amounts| amounts.get(name).copied().filter(|amount| amount.sign() != 0);
        let Some(request) = of(&self.requests) else {
            return Err(format!("{rule}, but no request is specified or request is 0"));
        };
        let Some(limit) = of(&self.limits) else {
            return Err(format!("{rule}, but no limit is specified or limit is 0"));
        };
        let ratio = limit.approximately() / request.approximately();
        if ratio > most.approximately() {
            return Err(format!("{rule}, but provided ratio is {ratio:.6}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bounds_hold_for_requests_and_limits() {
        let limit = json!({
            "type": "Container", "min": { "cpu": "100m" }, "max": { "cpu": "2" }, "maxLimitRequestRatio": { "cpu": "4" },
        });
        let told = |resources: Value| {
            let pod = json!({ "spec": { "containers": [{ "name": "a", "resources": resources }] } });
            check_pod(&limit, &pod).join("|")
        };
        assert_eq!(told(json!({ "requests": { "cpu": "1" }, "limits": { "cpu": "2" } })), "");
        assert_eq!(
            told(json!({ "requests": { "cpu": "50m" }, "limits": { "cpu": "3" } })),
            "minimum cpu usage per Container is 100m, but request is 50m|maximum cpu usage per Container is 2, but \
             limit is 3|cpu max limit to request ratio per Container is 4, but provided ratio is 60.000000"
        );
        assert_eq!(
            told(json!({})),
            "minimum cpu usage per Container is 100m.  No request is specified|maximum cpu usage per Container is 2.  \
             No limit is specified|cpu max limit to request ratio per Container is 4, but no request is specified or \
             request is 0"
        );
    }

    #[test]
    fn claims_are_held_to_what_they_request() {
        let limit =
            json!({ "type": "PersistentVolumeClaim", "min": { "storage": "1Gi" }, "max": { "storage": "2Gi" } });
        let told = |size: &str| {
            let claim = json!({ "spec": { "resources": { "requests": { "storage": size } } } });
            check_claim(&limit, &claim).join("|")
        };
        assert_eq!(told("2Gi"), "");
        assert_eq!(told("5Gi"), "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 5Gi");
        assert_eq!(told("1Mi"), "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi");
    }
}
