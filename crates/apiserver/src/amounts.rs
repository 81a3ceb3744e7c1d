//! Amounts of resources by their names, and how much of each a Pod takes: what limits and quotas are about.

use std::collections::BTreeMap;

use notation::quantity::Quantity;
use serde_json::Value;

/// `cpu`, `requests.storage`, `count/jobs.batch`: how much of each.
pub(crate) type Amounts = BTreeMap<String, Quantity>;

/// The amounts that a field holds; what is no quantity is not there.
pub(crate) fn of(object: &Value, pointer: &str) -> Amounts {
    let fields = object.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    fields.filter_map(|(name, amount)| Some((name.clone(), quantity(amount)?))).collect()
}

/// A quantity, as a text or a number.
pub(crate) fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

pub(crate) fn add(to: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        to.entry(name.clone()).and_modify(|sum| *sum = sum.plus(*amount)).or_insert(*amount);
    }
}

/// What `requests` or `limits` of a Pod's containers come to: those that run side by side together, or what it takes to
/// start them if that is more; what the Pod says for all of them goes before.
pub(crate) fn of_pod(pod: &Value, field: &str) -> Amounts {
    let pointer = format!("/resources/{field}");
    let containers = |list: &str| pod.pointer(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut running = Amounts::new();
    for container in containers("/spec/containers") {
        add(&mut running, &of(container, &pointer));
    }
    let (mut beside, mut starting) = (Amounts::new(), Amounts::new());
    for container in containers("/spec/initContainers") {
        let own = of(container, &pointer);
        let mut now = beside.clone();
        add(&mut now, &own);
        if container["restartPolicy"] == "Always" {
            add(&mut running, &own);
            beside = now.clone();
        }
        raise(&mut starting, &now);
    }
    raise(&mut running, &starting);
    let whole = of(pod, &format!("/spec/resources/{field}"));
    running.extend(whole.into_iter().filter(|(name, _)| matches!(name.as_str(), "cpu" | "memory")));
    running
}

/// Takes the larger of each.
fn raise(to: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        to.entry(name.clone()).and_modify(|most| *most = (*most).max(*amount)).or_insert(*amount);
    }
}

/// `cpu=1,memory=2Gi`
pub(crate) fn listed(amounts: &Amounts) -> String {
    amounts.iter().map(|(name, amount)| format!("{name}={amount}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_takes_what_runs_side_by_side_or_what_starts_it() {
        let container = |cpu: &str| json!({ "resources": { "requests": { "cpu": cpu } } });
        let sidecar = |cpu: &str| json!({ "restartPolicy": "Always", "resources": { "requests": { "cpu": cpu } } });
        let total = |spec: Value| listed(&of_pod(&json!({ "spec": spec }), "requests"));
        assert_eq!(total(json!({ "containers": [container("1"), container("500m")] })), "cpu=1500m");
        let starts = json!({ "containers": [container("1")], "initContainers": [container("3"), container("2")] });
        assert_eq!(total(starts), "cpu=3");
        let beside = json!({ "containers": [container("1")], "initContainers": [sidecar("2"), container("2")] });
        assert_eq!(total(beside), "cpu=4");
        let before = json!({ "containers": [container("1")], "initContainers": [container("2"), sidecar("500m")] });
        assert_eq!(total(before), "cpu=2");
        let whole = json!({ "containers": [container("1")], "resources": { "requests": { "cpu": "7", "x/y": "1" } } });
        assert_eq!(total(whole), "cpu=7");
    }
}
