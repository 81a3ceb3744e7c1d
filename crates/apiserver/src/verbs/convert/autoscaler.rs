//! HorizontalPodAutoscalers, which are kept in `autoscaling/v2`: what `v1` has no fields for it has annotations for.
//!
//! # Source
//! `k8s.io/kubernetes/pkg/apis/autoscaling/v1/conversion.go`.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const ALL: [&str; 6] = [
    METRICS,
    CURRENT_METRICS,
    CONDITIONS,
    BEHAVIOR,
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];

/// The CPU, in percent, that an autoscaler without any metric aims at.
const DEFAULT_CPU: i64 = 80;

/// A field of a metric: its key in the annotation, its place in `v2`, and whether it is always there.
type Place = (&'static str, &'static [&'static str], bool);

/// The kinds of metrics: the type, its member, and the fields of wishes and of facts.
struct Metric {
    type_: &'static str,
    member: &'static str,
    wanted: &'static [Place],
    found: &'static [Place],
}

/// In the order in which Go prints the members.
const KINDS: [Metric; 5] = [
    Metric {
        type_: "Object",
        member: "object",
        wanted: &[
            ("target", &["describedObject"], true),
            ("metricName", &["metric", "name"], true),
            ("targetValue", &["target", "value"], true),
            ("selector", &["metric", "selector"], false),
            ("averageValue", &["target", "averageValue"], false),
        ],
        found: &[
            ("target", &["describedObject"], true),
            ("metricName", &["metric", "name"], true),
            ("currentValue", &["current", "value"], true),
            ("selector", &["metric", "selector"], false),
            ("averageValue", &["current", "averageValue"], false),
        ],
    },
    Metric {
        type_: "Pods",
        member: "pods",
        wanted: &[
            ("metricName", &["metric", "name"], true),
            ("targetAverageValue", &["target", "averageValue"], true),
            ("selector", &["metric", "selector"], false),
        ],
        found: &[
            ("metricName", &["metric", "name"], true),
            ("currentAverageValue", &["current", "averageValue"], true),
            ("selector", &["metric", "selector"], false),
        ],
    },
    Metric {
        type_: "Resource",
        member: "resource",
        wanted: &[
            ("name", &["name"], true),
            ("targetAverageUtilization", &["target", "averageUtilization"], false),
            ("targetAverageValue", &["target", "averageValue"], false),
        ],
        found: &[
            ("name", &["name"], true),
            ("currentAverageUtilization", &["current", "averageUtilization"], false),
            ("currentAverageValue", &["current", "averageValue"], true),
        ],
    },
    Metric {
        type_: "ContainerResource",
        member: "containerResource",
        wanted: &[
            ("name", &["name"], true),
            ("targetAverageUtilization", &["target", "averageUtilization"], false),
            ("targetAverageValue", &["target", "averageValue"], false),
            ("container", &["container"], true),
        ],
        found: &[
            ("name", &["name"], true),
            ("currentAverageUtilization", &["current", "averageUtilization"], false),
            ("currentAverageValue", &["current", "averageValue"], true),
            ("container", &["container"], true),
        ],
    },
    Metric {
        type_: "External",
        member: "external",
        wanted: &[
            ("metricName", &["metric", "name"], true),
            ("metricSelector", &["metric", "selector"], false),
            ("targetValue", &["target", "value"], false),
            ("targetAverageValue", &["target", "averageValue"], false),
        ],
        found: &[
            ("metricName", &["metric", "name"], true),
            ("metricSelector", &["metric", "selector"], false),
            ("currentValue", &["current", "value"], true),
            ("currentAverageValue", &["current", "averageValue"], false),
        ],
    },
];

/// The fields of behavior, in the order of upstream's own structs, whose names the annotation has.
const RULES: [(&str, &str); 4] = [
    ("StabilizationWindowSeconds", "stabilizationWindowSeconds"),
    ("SelectPolicy", "selectPolicy"),
    ("Policies", "policies"),
    ("Tolerance", "tolerance"),
];
const POLICY: [(&str, &str); 3] = [("Type", "type"), ("Value", "value"), ("PeriodSeconds", "periodSeconds")];
const CONDITION: [&str; 5] = ["type", "status", "lastTransitionTime", "reason", "message"];

/// Gives an object of `v1` that names no metric at all the one that it has then.
pub(crate) fn aim_at_cpu(object: &mut Map<String, Value>) {
    let others = annotation(object, METRICS);
    let has_others = others.as_ref().and_then(Value::as_array).is_some_and(|metrics| !metrics.is_empty());
    if let (false, Some(Value::Object(spec))) = (has_others, object.get_mut("spec")) {
        let cpu = spec.entry("targetCPUUtilizationPercentage").or_insert(Value::Null);
        if cpu.is_null() {
            *cpu = DEFAULT_CPU.into();
        }
    }
}

/// An object of `v2` as `v1` has it.
pub(crate) fn to_v1(object: &mut Map<String, Value>) {
    forget(object);
    let mut notes: Vec<(&str, String)> = Vec::new();
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        let metrics = taken(spec, "metrics");
        let (cpu, others): (Vec<&Value>, Vec<&Value>) =
            metrics.iter().partition(|metric| cpu(metric, "target").is_some());
        if let Some(percent) = cpu.first().and_then(|metric| self::cpu(metric, "target")) {
            spec.insert("targetCPUUtilizationPercentage".to_owned(), percent.clone());
        }
        if !others.is_empty() {
            notes.push((METRICS, list(others.iter().map(|metric| old_metric(metric, |kind| kind.wanted)))));
        }
        if let Some(Value::Object(behavior)) = spec.remove("behavior") {
            notes.push((BEHAVIOR, old_behavior(&behavior)));
        }
    }
    if let Some(Value::Object(status)) = object.get_mut("status") {
        let metrics = taken(status, "currentMetrics");
        status.entry("currentReplicas").or_insert_with(|| 0.into());
        if let Some(percent) = metrics.iter().filter_map(|metric| cpu(metric, "current")).next_back() {
            status.insert("currentCPUUtilizationPercentage".to_owned(), percent.clone());
        }
        if !metrics.is_empty() {
            notes.push((CURRENT_METRICS, list(metrics.iter().map(|metric| old_metric(metric, |kind| kind.found)))));
        }
        let conditions = taken(status, "conditions");
        if !conditions.is_empty() {
            let old = |condition: &Value| object_text(CONDITION.iter().map(|key| (*key, condition.get(*key).cloned())));
            notes.push((CONDITIONS, list(conditions.iter().map(old))));
        }
    }
    if notes.is_empty() {
        return;
    }
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    for (key, text) in notes {
        metadata["annotations"][key] = text.into();
    }
}

/// An object of `v1` as `v2` has it.
pub(crate) fn to_v2(object: &mut Map<String, Value>) {
    let notes = [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR].map(|key| annotation(object, key));
    let [metrics, current, conditions, behavior] = notes;
    let metrics_of = |list: Option<Value>, places: fn(&Metric) -> &'static [Place], is_wish| -> Option<Vec<Value>> {
        Some(list?.as_array()?.iter().map(|metric| new_metric(metric, places, is_wish)).collect())
    };
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        let cpu = spec.remove("targetCPUUtilizationPercentage").filter(|percent| !percent.is_null());
        let mut all = metrics_of(metrics, |kind| kind.wanted, true).unwrap_or_default();
        all.extend(cpu.map(|percent| {
            let target = json!({ "type": "Utilization", "averageUtilization": percent });
            json!({ "type": "Resource", "resource": { "name": "cpu", "target": target } })
        }));
        if !all.is_empty() {
            spec.insert("metrics".to_owned(), all.into());
        }
        if let Some(behavior) = behavior.as_ref().and_then(Value::as_object).map(new_behavior).filter(|b| !b.is_empty())
        {
            spec.insert("behavior".to_owned(), behavior.into());
        }
    }
    if let Some(Value::Object(status)) = object.get_mut("status") {
        let percent = status.remove("currentCPUUtilizationPercentage").filter(|percent| !percent.is_null());
        let cpu = percent.map(|percent| {
            vec![json!({ "type": "Resource", "resource": { "name": "cpu", "current": { "averageUtilization": percent } } })]
        });
        let metrics = metrics_of(current, |kind| kind.found, false).or(cpu);
        status.insert("currentMetrics".to_owned(), metrics.map_or(Value::Null, Value::from));
        if status.get("currentReplicas").is_some_and(|replicas| replicas == 0) {
            status.remove("currentReplicas");
        }
        if let Some(conditions) = conditions.filter(Value::is_array) {
            status.insert("conditions".to_owned(), conditions);
        }
    }
    forget(object);
}

/// The percentage of a metric that is the CPU's.
fn cpu<'m>(metric: &'m Value, side: &str) -> Option<&'m Value> {
    let resource = metric.get("resource").filter(|_| metric["type"] == "Resource")?;
    let percent = resource.get(side)?.get("averageUtilization")?;
    (resource["name"] == "cpu" && !percent.is_null()).then_some(percent)
}

fn taken(fields: &mut Map<String, Value>, key: &str) -> Vec<Value> {
    match fields.remove(key) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// What an annotation says in JSON.
fn annotation(object: &Map<String, Value>, key: &str) -> Option<Value> {
    let text = object.get("metadata")?.get("annotations")?.get(key)?.as_str()?;
    serde_json::from_str(text).ok()
}

fn forget(object: &mut Map<String, Value>) {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else { return };
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        let before = annotations.len();
        annotations.retain(|key, _| !ALL.contains(&key.as_str()));
        if before > 0 && annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}

fn kind_of(metric: &Value) -> Option<&'static Metric> {
    KINDS.iter().find(|kind| metric["type"] == kind.type_)
}

fn old_metric(metric: &Value, places: impl Fn(&Metric) -> &'static [Place]) -> String {
    let mut parts = vec![("type", metric.get("type").map(ToString::to_string))];
    let found = kind_of(metric).and_then(|kind| Some((kind, metric.get(kind.member)?)));
    if let Some((kind, source)) = found {
        let fields = places(kind).iter().map(|(key, path, always)| {
            let value = path.iter().try_fold(source, |value, key| value.get(key)).filter(|value| !value.is_null());
            let zero = || if key.ends_with("Value") { json!("0") } else { json!("") };
            (*key, value.cloned().or_else(|| always.then(zero)))
        });
        // A reference is printed in its own order.
        let fields = fields.map(|(key, value)| match (key, value) {
            ("target", Some(reference)) => {
                let keys = ["kind", "name", "apiVersion"];
                (key, Some(object_text(keys.iter().map(|key| (*key, reference.get(*key).cloned())))))
            }
            (key, value) => (key, value.map(|value| value.to_string())),
        });
        parts.push((kind.member, Some(braced(fields))));
    }
    braced(parts.into_iter())
}

fn new_metric(metric: &Value, places: fn(&Metric) -> &'static [Place], is_wish: bool) -> Value {
    let mut new = json!({ "type": metric["type"] });
    let Some((kind, source)) = kind_of(metric).and_then(|kind| Some((kind, metric.get(kind.member)?))) else {
        return new;
    };
    let mut member = json!({});
    for (key, path, _) in places(kind) {
        let Some(value) = source.get(*key).filter(|value| !value.is_null()) else { continue };
        let place = path.iter().fold(&mut member, |place, key| &mut place[*key]);
        *place = value.clone();
    }
    if is_wish {
        let has = |key: &str| source.get(key).is_some_and(|value| !value.is_null());
        let type_ = match kind.type_ {
            "Object" if !has("averageValue") => "Value",
            "External" if has("targetValue") => "Value",
            "Resource" | "ContainerResource" if has("targetAverageUtilization") => "Utilization",
            _ => "AverageValue",
        };
        member["target"]["type"] = type_.into();
    }
    new[kind.member] = member;
    new
}

fn old_behavior(behavior: &Map<String, Value>) -> String {
    let policy = |policy: &Value| object_text(POLICY.iter().map(|(old, new)| (*old, policy.get(*new).cloned())));
    let rules = |rules: Option<&Value>| {
        let Some(rules) = rules.filter(|rules| !rules.is_null()) else { return "null".to_owned() };
        let fields = RULES.iter().map(|(old, new)| {
            let value = rules.get(*new).filter(|value| !value.is_null());
            let text = match value {
                Some(Value::Array(policies)) => list(policies.iter().map(policy)),
                value => value.map_or_else(|| "null".to_owned(), ToString::to_string),
            };
            (*old, Some(text))
        });
        braced(fields)
    };
    braced(
        [("ScaleUp", "scaleUp"), ("ScaleDown", "scaleDown")]
            .iter()
            .map(|(old, new)| (*old, Some(rules(behavior.get(*new))))),
    )
}

fn new_behavior(behavior: &Map<String, Value>) -> Map<String, Value> {
    let renamed = |fields: &Map<String, Value>, names: &[(&str, &str)]| -> Map<String, Value> {
        let present = names.iter().filter_map(|(old, new)| {
            Some(((*new).to_owned(), fields.get(*old).filter(|value| !value.is_null())?.clone()))
        });
        present.collect()
    };
    let mut new = renamed(behavior, &[("ScaleUp", "scaleUp"), ("ScaleDown", "scaleDown")]);
    for rules in new.values_mut() {
        let Value::Object(fields) = rules else { continue };
        let mut fields = renamed(fields, &RULES);
        if let Some(Value::Array(policies)) = fields.get_mut("policies") {
            for policy in policies {
                let named = policy.as_object().map(|fields| renamed(fields, &POLICY)).unwrap_or_default();
                *policy = named.into();
            }
        }
        *rules = fields.into();
    }
    new
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn object_text<'k>(fields: impl Iterator<Item = (&'k str, Option<Value>)>) -> String {
    braced(fields.map(|(key, value)| (key, value.filter(|value| !value.is_null()).map(|value| value.to_string()))))
}

/// An object in JSON whose fields keep their order; those without a value are left out.
fn braced<'k>(fields: impl Iterator<Item = (&'k str, Option<String>)>) -> String {
    let mut text = String::from("{");
    for (key, value) in fields.filter_map(|(key, value)| Some((key, value?))) {
        if text.len() > 1 {
            text.push(',');
        }
        let _ = write!(text, "{}:{value}", json!(key));
    }
    text.push('}');
    text
}
