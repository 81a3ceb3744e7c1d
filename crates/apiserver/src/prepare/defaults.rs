//! Fills built-in kinds with their defaults: the table of `defaults.txt`, and the few that take more than a row.

use std::collections::HashMap;
use std::sync::LazyLock;

use object::go_struct::{self, Struct, Type};
use serde_json::{Map, Value, json};

use super::get::{self, Fields};
use crate::verbs::convert::autoscaler;

const TABLE: &str = include_str!("defaults.txt");

static ROWS: LazyLock<HashMap<&str, Vec<Row>>> = LazyLock::new(|| {
    let mut rows: HashMap<&str, Vec<Row>> = HashMap::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some((name, row)) = Row::parse(line) {
            rows.entry(name).or_default().push(row);
        }
    }
    rows
});

/// Fills an object of a built-in kind.
pub(super) fn fill(root: &'static Struct, object: &mut Fields) {
    root.visit_mut(object, &mut |struct_, fields| {
        for row in ROWS.get(struct_.name).into_iter().flatten() {
            row.apply(struct_, fields);
        }
    });
}

struct Row {
    conditions: Vec<Condition>,
    fills: Vec<Fill>,
    change: Option<fn(&mut Fields)>,
}

enum Condition {
    Present(Vec<&'static str>),
    Absent(Vec<&'static str>),
    Equal(Vec<&'static str>, Value),
}

struct Fill {
    path: Vec<&'static str>,
    value: Source,
}

enum Source {
    Constant(Value),
    Computed(fn(&Fields) -> Value),
}

impl Row {
    fn parse(line: &'static str) -> Option<(&'static str, Self)> {
        let mut words = line.split(' ');
        let head = words.next()?;
        let (name, conditions) = match head.split_once('[') {
            Some((name, conditions)) => {
                (name, conditions.trim_end_matches(']').split(',').filter_map(Condition::parse).collect())
            }
            None => (head, Vec::new()),
        };
        let mut row = Self { conditions, fills: Vec::new(), change: None };
        for word in words {
            match word.split_once('=') {
                None => row.change = change(word),
                Some((field, value)) => {
                    let value = match value.strip_prefix('@') {
                        Some(name) => Source::Computed(computed(name)?),
                        None => Source::Constant(serde_json::from_str(value).ok()?),
                    };
                    row.fills.push(Fill { path: field.split('.').collect(), value });
                }
            }
        }
        Some((name, row))
    }

    fn apply(&self, struct_: &Struct, fields: &mut Fields) {
        if !self.conditions.iter().all(|condition| condition.holds(struct_, fields)) {
            return;
        }
        for fill in &self.fills {
            fill.apply(struct_, fields);
        }
        if let Some(change) = self.change {
            change(fields);
        }
    }
}

impl Condition {
    fn parse(text: &'static str) -> Option<Self> {
        let path = |text: &'static str| text.split('.').collect();
        Some(match (text.strip_prefix('!'), text.split_once('=')) {
            (Some(absent), _) => Self::Absent(path(absent)),
            (None, Some((field, value))) => Self::Equal(path(field), serde_json::from_str(value).ok()?),
            (None, None) => Self::Present(path(text)),
        })
    }

    fn holds(&self, struct_: &Struct, fields: &Fields) -> bool {
        match self {
            Self::Present(path) => is_there(struct_, fields, path),
            Self::Absent(path) => !is_there(struct_, fields, path),
            Self::Equal(path, value) => get::value(fields, path) == Some(value),
        }
    }
}

impl Fill {
    fn apply(&self, struct_: &Struct, fields: &mut Fields) {
        if is_there(struct_, fields, &self.path) {
            return;
        }
        let value = match &self.value {
            Source::Constant(value) => value.clone(),
            Source::Computed(compute) => compute(fields),
        };
        let Some((last, above)) = self.path.split_last() else { return };
        if let Some(fields) = get::at_mut(fields, above)
            && !value.is_null()
        {
            fields.insert((*last).to_owned(), value);
        }
    }
}

/// Whether Go would see a value: not nil, and for what is no pointer not zero either.
fn is_there(struct_: &Struct, fields: &Fields, path: &[&str]) -> bool {
    let Some(value) = get::value(fields, path) else { return false };
    let mut type_ = None;
    let mut struct_ = Some(struct_);
    for name in path {
        type_ = struct_.and_then(|struct_| struct_.field(name)).map(|field| &field.type_);
        struct_ = match type_.map(Type::target) {
            Some(Type::Struct(id)) => Some(id.get()),
            _ => None,
        };
    }
    match type_ {
        None | Some(Type::Pointer(_)) => true,
        Some(type_) => *value != type_.zero(),
    }
}

fn computed(name: &str) -> Option<fn(&Fields) -> Value> {
    Some(match name {
        "pull_policy" => |fields| pull_policy(get::text(fields, "image")),
        "reference_pull_policy" => |fields| pull_policy(get::text(fields, "reference")),
        "policy_types" => policy_types,
        _ => return None,
    })
}

fn change(word: &str) -> Option<fn(&mut Fields)> {
    Some(match word {
        "@through_v2" => through_v2,
        "@claim_kinds" => claim_kinds,
        "@empty_dir" => empty_dir,
        "@host_ports" => host_ports,
        "@limits" => limits,
        "@name_label" => name_label,
        "@names" => names,
        "@requests_from_limits" => requests_from_limits,
        "@scaling_rules" => scaling_rules,
        "@service_account" => service_account,
        "@stored_versions" => stored_versions,
        "@target_port" => target_port,
        "@template_labels" => template_labels,
        _ => return None,
    })
}

/// `Always` for what has the tag `latest`, by name or by default; a digest is no tag.
fn pull_policy(image: &str) -> Value {
    let name = image.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    let tag = last.split_once(':').map(|(_, tag)| tag);
    // What is no name of an image has no tag at all.
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte));
    let is_latest = match tag {
        Some(tag) => tag == "latest",
        None => is_name && !image.contains('@'),
    };
    json!(if is_latest { "Always" } else { "IfNotPresent" })
}

fn policy_types(spec: &Fields) -> Value {
    if get::items(spec, "egress").is_empty() { json!(["Ingress"]) } else { json!(["Ingress", "Egress"]) }
}

/// A volume without a source is an empty directory.
fn empty_dir(volume: &mut Fields) {
    if !volume.iter().any(|(name, source)| name != "name" && !source.is_null()) {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
}

/// The claims in a StatefulSet say what they are.
fn claim_kinds(spec: &mut Fields) {
    for claim in structs_mut(spec, "volumeClaimTemplates") {
        claim.insert("apiVersion".to_owned(), json!("v1"));
        claim.insert("kind".to_owned(), json!("PersistentVolumeClaim"));
    }
}

/// With the host's network, a container's port is the host's.
fn host_ports(pod: &mut Fields) {
    let Some(spec) = get::at_mut(pod, &["spec"]) else { return };
    for list in ["containers", "initContainers"] {
        for container in structs_mut(spec, list) {
            for port in structs_mut(container, "ports") {
                if let Some(number) = port.get("containerPort").filter(|number| **number != json!(0)).cloned() {
                    port.entry("hostPort").or_insert(number);
                }
            }
        }
    }
}

/// The old name of the field shows what the new one holds, and only that.
fn service_account(pod: &mut Fields) {
    let name = match (get::text(pod, "serviceAccountName"), get::text(pod, "serviceAccount")) {
        ("", "") => return,
        ("", old) => old.to_owned(),
        (name, _) => name.to_owned(),
    };
    pod.insert("serviceAccountName".to_owned(), name.clone().into());
    pod.insert("serviceAccount".to_owned(), name.into());
}

/// What a container may take at most is what it asks for when it does not say.
fn requests_from_limits(pod: &mut Fields) {
    let Some(spec) = get::at_mut(pod, &["spec"]) else { return };
    for list in ["containers", "initContainers"] {
        for container in structs_mut(spec, list) {
            let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut) else { continue };
            let limits = get::map(resources, "limits").cloned().unwrap_or_default();
            fill_from(resources, "requests", &limits);
        }
    }
}

/// The defaults of a LimitRange follow from its bounds.
fn limits(item: &mut Fields) {
    let of = |item: &Fields, name: &str| get::map(item, name).cloned().unwrap_or_default();
    let most = of(item, "max");
    fill_from(item, "default", &most);
    let default = of(item, "default");
    fill_from(item, "defaultRequest", &default);
    let least = of(item, "min");
    fill_from(item, "defaultRequest", &least);
}

/// Adds the entries that a map of the fields lacks.
fn fill_from(fields: &mut Fields, name: &str, entries: &Map<String, Value>) {
    if entries.is_empty() {
        return;
    }
    let Some(map) = get::map_or_new(fields, name) else { return };
    for (key, value) in entries {
        map.entry(key).or_insert_with(|| value.clone());
    }
}

fn name_label(namespace: &mut Fields) {
    let Some(metadata) = get::map_or_new(namespace, "metadata") else { return };
    let name = get::text(metadata, "name").to_owned();
    if name.is_empty() {
        return;
    }
    if let Some(labels) = get::map_or_new(metadata, "labels") {
        labels.insert("kubernetes.io/metadata.name".to_owned(), name.into());
    }
}

/// A Job, or a ReplicationController, without labels has those of its template; the latter selects by them as well.
fn template_labels(owner: &mut Fields) {
    let Some(labels) = get::at(owner, &["spec", "template", "metadata", "labels"]).cloned() else { return };
    let is_controller = owner.get("kind") == Some(&json!("ReplicationController"));
    if is_controller && let Some(spec) = get::at_mut(owner, &["spec"]) {
        spec.entry("selector").or_insert_with(|| Value::Object(labels.clone()));
    }
    if let Some(metadata) = get::map_or_new(owner, "metadata")
        && get::map(metadata, "labels").is_none()
    {
        metadata.insert("labels".to_owned(), Value::Object(labels));
    }
}

fn target_port(port: &mut Fields) {
    if matches!(port.get("targetPort"), None | Some(Value::Null))
        || port.get("targetPort") == Some(&json!(0))
        || port.get("targetPort") == Some(&json!(""))
    {
        let number = port.get("port").cloned().unwrap_or_default();
        port.insert("targetPort".to_owned(), number);
    }
}

fn scaling_rules(behavior: &mut Fields) {
    let up = json!({
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [
            { "type": "Pods", "value": 4, "periodSeconds": 15 },
            { "type": "Percent", "value": 100, "periodSeconds": 15 },
        ],
    });
    let down = json!({
        "selectPolicy": "Max",
        "policies": [{ "type": "Percent", "value": 100, "periodSeconds": 15 }],
    });
    for (name, rules) in [("scaleUp", up), ("scaleDown", down)] {
        if let Value::Object(rules) = rules {
            fill_from(behavior, name, &rules);
        }
    }
}

/// An autoscaler of `v1` has the defaults of the form in which it is kept.
fn through_v2(object: &mut Fields) {
    autoscaler::aim_at_cpu(object);
    autoscaler::to_v2(object);
    if let Some(kept) = go_struct::of_kind("autoscaling/v2", "HorizontalPodAutoscaler") {
        fill(kept, object);
    }
    autoscaler::to_v1(object);
}

/// A CustomResourceDefinition's singular and list kind follow from its kind.
fn names(names: &mut Fields) {
    let kind = get::text(names, "kind").to_owned();
    if kind.is_empty() {
        return;
    }
    for (field, value) in [("singular", kind.to_lowercase()), ("listKind", format!("{kind}List"))] {
        if get::text(names, field).is_empty() {
            names.insert(field.to_owned(), value.into());
        }
    }
}

fn stored_versions(definition: &mut Fields) {
    let name = {
        let Some(spec) = get::map(definition, "spec") else { return };
        let mut versions = get::structs(spec, "versions").map(|(_, version)| version);
        versions.find(|version| get::is_true(version, "storage")).and_then(|version| version.get("name")).cloned()
    };
    let Some(name) = name else { return };
    if let Some(status) = get::map_or_new(definition, "status")
        && get::items(status, "storedVersions").is_empty()
    {
        status.insert("storedVersions".to_owned(), json!([name]));
    }
}

fn structs_mut<'o>(fields: &'o mut Fields, name: &str) -> impl Iterator<Item = &'o mut Fields> {
    fields.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_understood() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        for line in lines {
            let (name, row) = Row::parse(line).unwrap_or_else(|| panic!("{line}"));
            let struct_ = object::go_struct::named(name).unwrap_or_else(|| panic!("no struct {name}"));
            let words = line.split(' ').skip(1).count();
            assert_eq!(row.fills.len() + usize::from(row.change.is_some()), words, "{line}");
            for fill in row.fills.iter().filter(|fill| fill.path.len() == 1) {
                assert!(struct_.field(fill.path[0]).is_some(), "{line}: {:?}", fill.path);
            }
        }
    }

    #[test]
    fn images_are_pulled_by_their_tag() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.2", "IfNotPresent"),
            ("localhost:5000/nginx", "Always"),
            ("localhost:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:abc", "IfNotPresent"),
            ("nginx:latest@sha256:abc", "Always"),
        ] {
            assert_eq!(pull_policy(image), json!(policy), "{image}");
        }
    }
}
