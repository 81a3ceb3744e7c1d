//! What stands in the cells of tables of built-in kinds: `kubectl get` as people know it.
//!
//! A cell is a function with its arguments, `fraction .status.readyReplicas .spec.replicas`; most take paths.
//!
//! # Source
//! `pkg/printers/internalversion` of Kubernetes; compared with the real server's tables by the cases of `tests/`.

mod lists;
mod pods;

use jiff::Timestamp;
use serde_json::{Value, json};

/// What a function may ask.
struct Row<'a> {
    object: &'a Value,
    now: Timestamp,
    arguments: Vec<&'a str>,
}

/// What a cell shows; null when there is no such function.
pub fn evaluate(cell: &str, object: &Value, now: Timestamp) -> Value {
    let mut words = cell.split(' ');
    let Some(function) = words.next().and_then(function) else { return Value::Null };
    function(&Row { object, now, arguments: words.collect() })
}

/// Whether there is such a function.
#[cfg(test)]
pub(crate) fn is_known(cell: &str) -> bool {
    cell.split(' ').next().and_then(function).is_some()
}

/// The value at a path like `.spec.replicas`; nothing when it is null.
fn at<'o>(object: &'o Value, path: &str) -> Option<&'o Value> {
    let steps = path.split('.').filter(|step| !step.is_empty());
    steps.into_iter().try_fold(object, |value, step| value.get(step)).filter(|value| !value.is_null())
}

impl<'a> Row<'a> {
    fn argument(&self, index: usize) -> &'a str {
        self.arguments.get(index).copied().unwrap_or_default()
    }

    /// The value at the path that is an argument.
    fn value(&self, index: usize) -> Option<&'a Value> {
        at(self.object, self.argument(index))
    }

    fn at(&self, path: &str) -> Option<&'a Value> {
        at(self.object, path)
    }

    fn text(&self, path: &str) -> &'a str {
        self.at(path).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, path: &str) -> i64 {
        self.at(path).and_then(Value::as_i64).unwrap_or_default()
    }

    fn items(&self, path: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.at(path).and_then(Value::as_array).into_iter().flatten()
    }

    /// How long ago it was, for people.
    fn since(&self, time: Option<&Value>) -> String {
        let time = time.and_then(Value::as_str).and_then(|time| time.parse::<Timestamp>().ok());
        time.map_or("<unknown>".to_owned(), |time| human(self.now.as_second() - time.as_second()))
    }

    fn is_deleted(&self) -> bool {
        self.at(".metadata.deletionTimestamp").is_some()
    }

    /// Whether the object has this condition, true.
    fn has_condition(&self, type_: &str) -> bool {
        self.items(".status.conditions").any(|one| one["type"] == type_ && one["status"] == "True")
    }
}

fn function(name: &str) -> Option<fn(&Row<'_>) -> Value> {
    Some(match name {
        "age" => |row| row.since(row.value(0)).into(),
        "age_or_none" => |row| row.value(0).map_or(json!("<none>"), |time| row.since(Some(time)).into()),
        "text" => |row| row.value(0).cloned().unwrap_or(json!("")),
        "number" => |row| row.value(0).cloned().unwrap_or(json!(0)),
        "flag_text" => |row| if row.value(0) == Some(&json!(true)) { "True".into() } else { "False".into() },
        "flag" => |row| row.value(0).cloned().unwrap_or(json!(false)),
        "number_or_none" => |row| row.value(0).cloned().unwrap_or_else(|| "<none>".into()),
        "or_none" => |row| text_or(row, "<none>"),
        "or_unset" => |row| text_or(row, "<unset>"),
        "or_unknown" => |row| text_or(row, "<unknown>"),
        "or_na" => |row| text_or(row, "N/A"),
        "count" => |row| (0..row.arguments.len()).map(|index| size(row.value(index))).sum::<usize>().into(),
        "trimmed" => |row| row.value(0).and_then(Value::as_str).unwrap_or_default().trim().into(),
        "joined" => |row| or_none(&texts(row.value(0)).join(",")).into(),
        "fraction" => |row| {
            let number = |index| row.value(index).and_then(Value::as_i64).unwrap_or_default();
            format!("{}/{}", number(0), number(1)).into()
        },
        "labels" => |row| or_none(&labels(row.value(0)).join(",")).into(),
        "selector" => |row| or_none(&selector(row.value(0))).into(),
        "names" => |row| {
            let field = row.argument(1);
            let names: Vec<&str> = row.items(row.argument(0)).filter_map(|one| one[field].as_str()).collect();
            names.join(",").into()
        },
        "seconds" => |row| row.value(0).and_then(Value::as_i64).map_or("<none>".to_owned(), human).into(),
        _ => return pods::function(name).or_else(|| lists::function(name)),
    })
}

fn text_or(row: &Row<'_>, otherwise: &str) -> Value {
    match row.value(0) {
        Some(Value::String(text)) if text.is_empty() => otherwise.into(),
        Some(Value::String(text)) => text.as_str().into(),
        Some(value) => value.to_string().into(),
        None => otherwise.into(),
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

fn size(value: Option<&Value>) -> usize {
    match value {
        Some(Value::Array(items)) => items.len(),
        Some(Value::Object(fields)) => fields.len(),
        _ => 0,
    }
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn labels(value: Option<&Value>) -> Vec<String> {
    let labels = value.and_then(Value::as_object).into_iter().flatten();
    let mut labels: Vec<String> =
        labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    labels.sort();
    labels
}

/// A label selector as text, its requirements by key.
fn selector(value: Option<&Value>) -> String {
    let Some(selector) = value else { return String::new() };
    let mut requirements: Vec<(String, String)> = Vec::new();
    for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        requirements.push((key.clone(), format!("{key}={}", value.as_str().unwrap_or_default())));
    }
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default();
        let mut values = texts(expression.get("values"));
        values.sort_unstable();
        let values = values.join(",");
        let text = match expression["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return "<error>".to_owned(),
        };
        requirements.push((key.to_owned(), text));
    }
    requirements.sort_by(|one, other| one.0.cmp(&other.0));
    requirements.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}

/// A number of seconds as people like to read them: `90s`, `5m3s`, `3h`, `2d4h`, `400d`.
fn human(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let two = |large: i64, unit: char, small: i64, small_unit: char| {
        if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{small_unit}") }
    };
    match () {
        () if seconds < -1 => "<invalid>".to_owned(),
        () if seconds < 0 => "0s".to_owned(),
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => two(minutes, 'm', seconds % 60, 's'),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => two(hours, 'h', minutes % 60, 'm'),
        () if hours < 48 => format!("{hours}h"),
        () if hours < 24 * 8 => two(hours / 24, 'd', hours % 24, 'h'),
        () if hours < 24 * 365 * 2 => format!("{}d", hours / 24),
        () if hours < 24 * 365 * 8 => two(hours / 24 / 365, 'y', hours / 24 % 365, 'd'),
        () => format!("{}y", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cell: &str, object: &Value, expected: impl Into<Value>) {
        let now = "2026-01-02T00:00:00Z".parse().unwrap();
        assert_eq!(evaluate(cell, object, now), expected.into(), "{cell}");
    }

    #[test]
    fn durations_are_for_people() {
        for (seconds, text) in [
            (-5, "<invalid>"),
            (0, "0s"),
            (119, "119s"),
            (180, "3m"),
            (303, "5m3s"),
            (7200, "120m"),
            (14400, "4h"),
            (14460, "4h1m"),
            (100_000, "27h"),
            (200_000, "2d7h"),
            (864_000, "10d"),
            (100_000_000, "3y62d"),
        ] {
            assert_eq!(human(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn cells_read_as_upstreams() {
        let object = json!({
            "metadata": { "creationTimestamp": "2026-01-01T00:00:00Z" },
            "spec": {
                "replicas": 3,
                "selector": { "matchLabels": { "b": "2" }, "matchExpressions": [{ "key": "a", "operator": "In", "values": ["y", "x"] }] },
                "containers": [{ "name": "one", "image": "i:1" }, { "name": "two", "image": "i:2" }],
            },
            "data": { "x": "1" },
        });
        check("age .metadata.creationTimestamp", &object, "24h");
        check("fraction .status.readyReplicas .spec.replicas", &object, "0/3");
        check("selector .spec.selector", &object, "a in (x,y),b=2");
        check("labels .spec.nodeSelector", &object, "<none>");
        check("names .spec.containers image", &object, "i:1,i:2");
        check("count .data .binaryData", &object, 1);
    }

    #[test]
    fn a_pods_status_tells_what_is_wrong_with_it() {
        let pod = |status: Value| json!({ "spec": { "containers": [{ "name": "a" }] }, "status": status });
        let waiting = json!({ "phase": "Pending", "containerStatuses": [{ "restartCount": 2, "ready": false, "state": { "waiting": { "reason": "ImagePullBackOff" } } }] });
        check("pod_status", &pod(waiting.clone()), "ImagePullBackOff");
        check("pod_ready", &pod(waiting.clone()), "0/1");
        check("pod_restarts", &pod(waiting), "2");
        let running =
            json!({ "phase": "Running", "containerStatuses": [{ "ready": true, "state": { "running": {} } }] });
        check("pod_ready", &pod(running.clone()), "1/1");
        check("pod_status", &pod(running), "Running");
    }

    #[test]
    fn services_show_where_they_are_reached() {
        let service = json!({
            "spec": { "type": "LoadBalancer", "ports": [{ "port": 80, "nodePort": 30080, "protocol": "TCP" }, { "port": 443, "protocol": "TCP" }] },
        });
        check("service_ports", &service, "80:30080/TCP,443/TCP");
        check("external_ip", &service, "<pending>");
    }
}
