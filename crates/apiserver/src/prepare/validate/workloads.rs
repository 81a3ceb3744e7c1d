//! What runs Pods: selectors that match, strategies that add up.

use notation::field::{At, FieldErrors};
use notation::names;
use serde_json::json;

use super::super::get::{self, Fields};
use super::{amount, label_selector, selects};

const MISMATCH: &str = "`selector` does not match template `labels`";

/// What is wrong with a Deployment or ReplicaSet.
pub(super) fn deployment(object: &Fields, kind: &str, errors: &mut FieldErrors) {
    let Some(spec) = get::map(object, "spec") else { return };
    let at = At::ROOT.field("spec");
    selector(spec, "deployment", &at, errors);
    restarts_always(spec, "ReplicaSet", &at, errors);
    if kind != "Deployment" {
        return;
    }
    let empty = Fields::new();
    let strategy = get::map(spec, "strategy").unwrap_or(&empty);
    let place = at.field("strategy");
    let rolling = get::map(strategy, "rollingUpdate");
    match get::text(strategy, "type") {
        "Recreate" if rolling.is_some() => {
            errors.forbidden(&place.field("rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'");
        }
        "RollingUpdate" => {
            let zero = json!(0);
            let of = |name: &str| rolling.and_then(|rolling| rolling.get(name)).unwrap_or(&zero);
            if amount(of("maxUnavailable")) == 0 && amount(of("maxSurge")) == 0 {
                let rolling = place.field("rollingUpdate");
                let detail = "may not be 0 when `maxSurge` is 0";
                errors.invalid(&rolling.field("maxUnavailable"), of("maxUnavailable"), detail);
            }
        }
        "Recreate" => {}
        // It prints as upstream's own struct.
        type_ => {
            errors.unsupported_as(&place, &strategy_as_printed(type_, rolling), ["Recreate", "RollingUpdate"]);
        }
    }
    let deadline = get::integer(spec, "progressDeadlineSeconds");
    if let Some(deadline) =
        deadline.filter(|deadline| *deadline <= get::integer(spec, "minReadySeconds").unwrap_or_default())
    {
        errors.invalid(&at.field("progressDeadlineSeconds"), &json!(deadline), "must be greater than minReadySeconds");
    }
}

/// What is wrong with a StatefulSet.
pub(super) fn stateful_set(object: &Fields, errors: &mut FieldErrors) {
    let Some(spec) = get::map(object, "spec") else { return };
    let at = At::ROOT.field("spec");
    let policy = get::text(spec, "podManagementPolicy");
    if !matches!(policy, "OrderedReady" | "Parallel") {
        errors.invalid(&at.field("podManagementPolicy"), &json!(policy), "must be 'OrderedReady' or 'Parallel'");
    }
    let strategy = get::map(spec, "updateStrategy");
    let rolling = strategy.and_then(|strategy| get::map(strategy, "rollingUpdate"));
    let place = at.field("updateStrategy");
    match strategy.map(|strategy| get::text(strategy, "type")).unwrap_or_default() {
        "OnDelete" => {
            if let Some(rolling) = rolling {
                let printed = json!({
                    "Partition": rolling.get("partition").unwrap_or(&json!(0)),
                    "MaxUnavailable": rolling.get("maxUnavailable"),
                });
                errors.invalid(
                    &place.field("rollingUpdate"),
                    &printed,
                    "only allowed for updateStrategy 'RollingUpdate'",
                );
            }
        }
        "RollingUpdate" => {}
        type_ => {
            let printed = strategy_as_printed(type_, rolling);
            errors.invalid_as(&place, &printed, "must be 'RollingUpdate' or 'OnDelete'");
        }
    }
    selector(spec, "statefulset", &at, errors);
    restarts_always(spec, "StatefulSet", &at, errors);
}

/// What is wrong with a ReplicationController.
pub(super) fn replication_controller(object: &Fields, errors: &mut FieldErrors) {
    let Some(spec) = get::map(object, "spec") else { return };
    let at = At::ROOT.field("spec");
    let labels = get::at(spec, &["template", "metadata", "labels"]);
    match get::map(spec, "selector").filter(|selector| !selector.is_empty()) {
        None => errors.required(&at.field("selector"), ""),
        Some(selector) => {
            let has = |(name, value): (&String, &serde_json::Value)| {
                labels.and_then(|labels| labels.get(name)) == Some(value)
            };
            if !selector.iter().all(has) {
                errors.invalid(&at.field("template.metadata.labels"), &json!(labels), MISMATCH);
            }
        }
    }
}

/// What is wrong with a DaemonSet.
pub(super) fn daemon_set(object: &Fields, errors: &mut FieldErrors) {
    let Some(spec) = get::map(object, "spec") else { return };
    let at = At::ROOT.field("spec");
    let labels = get::at(spec, &["template", "metadata", "labels"]);
    let place = at.field("template.metadata.labels");
    match get::map(spec, "selector") {
        // Nothing selects nothing.
        None => errors.invalid(&place, &json!(labels), MISMATCH),
        Some(selector) => {
            if !selects(selector, labels) {
                errors.invalid(&place, &json!(labels), MISMATCH);
            }
            if is_empty(selector) {
                errors.invalid(&at.field("selector"), &json!(selector), "empty selector is invalid for daemonset");
            }
        }
    }
    restarts_always(spec, "DaemonSet", &at, errors);
    let empty = Fields::new();
    let strategy = get::map(spec, "updateStrategy").unwrap_or(&empty);
    let place = at.field("updateStrategy");
    let rolling = get::map(strategy, "rollingUpdate");
    match get::text(strategy, "type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            let zero = json!(0);
            let of = |name: &str| rolling.and_then(|rolling| rolling.get(name)).unwrap_or(&zero);
            let rolling = place.field("rollingUpdate");
            match (amount(of("maxUnavailable")), amount(of("maxSurge"))) {
                (0, 0) => errors.required(&rolling.field("maxUnavailable"), "cannot be 0 when maxSurge is 0"),
                (0, _) | (_, 0) => {}
                _ => {
                    let detail = "may not be set when maxUnavailable is non-zero";
                    errors.invalid(&rolling.field("maxSurge"), of("maxSurge"), detail);
                }
            }
        }
        type_ => {
            errors.unsupported_as(&place, &strategy_as_printed(type_, rolling), ["RollingUpdate", "OnDelete"]);
        }
    }
}

/// A strategy as upstream's own struct prints, which knows no names of JSON.
fn strategy_as_printed(type_: &str, rolling: Option<&Fields>) -> String {
    let rolling = rolling.map_or("null".to_owned(), |rolling| json!(rolling).to_string());
    format!("{{\"Type\":{type_:?},\"RollingUpdate\":{rolling}}}")
}

/// A selector that is there, selects something, and selects the template.
fn selector(spec: &Fields, kind: &str, at: &At<'_>, errors: &mut FieldErrors) {
    let place = at.field("selector");
    let labels = get::at(spec, &["template", "metadata", "labels"]);
    let Some(selector) = get::map(spec, "selector") else {
        errors.required(&place, "");
        // Nothing selects nothing.
        errors.invalid(&at.field("template.metadata.labels"), &json!(labels), MISMATCH);
        return;
    };
    label_selector(selector, &place, errors);
    if is_empty(selector) {
        errors.invalid(&place, &json!(selector), &format!("empty selector is invalid for {kind}"));
        return;
    }
    if !selects(selector, labels) {
        errors.invalid(&at.field("template.metadata.labels"), &json!(labels), MISMATCH);
    }
}

fn is_empty(selector: &Fields) -> bool {
    get::map(selector, "matchLabels").is_none_or(Fields::is_empty)
        && get::items(selector, "matchExpressions").is_empty()
}

/// What runs for ever is restarted whatever happens.
fn restarts_always(spec: &Fields, kind: &str, at: &At<'_>, errors: &mut FieldErrors) {
    let Some(pod) = get::at(spec, &["template", "spec"]) else { return };
    let policy = get::text(pod, "restartPolicy");
    if policy != "Always" {
        errors.unsupported(&at.field("template.spec.restartPolicy"), &json!(policy), ["Always"]);
    }
    if get::value(pod, &["activeDeadlineSeconds"]).is_some() {
        let detail = format!("activeDeadlineSeconds in {kind} is not Supported");
        errors.forbidden(&at.field("template.spec.activeDeadlineSeconds"), &detail);
    }
}

/// What is wrong with a Job.
pub(super) fn job(object: &Fields, errors: &mut FieldErrors) {
    let Some(spec) = get::map(object, "spec") else { return };
    let at = At::ROOT.field("spec");
    job_spec(spec, &at, errors);
    match get::map(spec, "selector") {
        None => errors.required(&at.field("selector"), ""),
        Some(selector) => {
            label_selector(selector, &at.field("selector"), errors);
            let labels = get::at(spec, &["template", "metadata", "labels"]);
            if !selects(selector, labels) {
                errors.invalid(&at.field("template.metadata.labels"), &json!(labels), MISMATCH);
            }
        }
    }
}

fn job_spec(spec: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    if get::text(spec, "completionMode") == "Indexed" && get::value(spec, &["completions"]).is_none() {
        errors.required(&at.field("completions"), "when completion mode is Indexed");
    }
    if get::text(spec, "completionMode") != "Indexed" {
        for name in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if let Some(value) = get::value(spec, &[name]) {
                errors.invalid(&at.field(name), value, "requires indexed completion mode");
            }
        }
    }
    let policy = get::at(spec, &["template", "spec"]).map(|pod| get::text(pod, "restartPolicy")).unwrap_or_default();
    let place = at.field("template.spec.restartPolicy");
    match policy {
        "OnFailure" | "Never" => {}
        "Always" | "" => errors.required(&place, "valid values: \"OnFailure\", \"Never\""),
        other => errors.unsupported(&place, &json!(other), ["OnFailure", "Never"]),
    }
}

/// What is wrong with a CronJob.
pub(super) fn cron_job(object: &Fields, errors: &mut FieldErrors) {
    let Some(spec) = get::map(object, "spec") else { return };
    let at = At::ROOT.field("spec");
    let schedule = get::text(spec, "schedule");
    if !schedule.is_empty() {
        let place = at.field("schedule");
        if let Some(problem) = schedule_problem(schedule) {
            errors.invalid(&place, &json!(schedule), &problem);
        }
        if schedule.contains("TZ") {
            let detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
            errors.invalid(&place, &json!(schedule), detail);
        }
    }
    let job = at.field("jobTemplate");
    if let Some(spec) = get::at(spec, &["jobTemplate", "spec"]) {
        job_spec(spec, &job.field("spec"), errors);
        if get::is_true(spec, "manualSelector") {
            errors.unsupported(&job.field("spec.manualSelector"), &json!(true), ["nil", "false"]);
        }
    }
}

/// What is wrong with a schedule, as the parser that upstream uses says it.
fn schedule_problem(schedule: &str) -> Option<String> {
    let schedule = match schedule.strip_prefix("TZ=").or(schedule.strip_prefix("CRON_TZ=")) {
        Some(rest) => rest.split_once(' ').map_or("", |(_, rest)| rest),
        None => schedule,
    };
    if let Some(name) = schedule.strip_prefix('@') {
        let is_known = matches!(name, "yearly" | "annually" | "monthly" | "weekly" | "daily" | "midnight" | "hourly");
        return (!is_known && !name.starts_with("every ")).then(|| format!("unrecognized descriptor: {schedule}"));
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != 5 {
        let list = fields.join(" ");
        return Some(format!("expected exactly 5 fields, found {}: [{list}]", fields.len()));
    }
    let bounds = [(0, 59, &[][..]), (0, 23, &[]), (1, 31, &[]), (1, 12, &MONTHS), (0, 6, &DAYS)];
    fields.iter().zip(bounds).find_map(|(field, (least, most, names))| {
        field.split(',').find_map(|part| range_problem(part, least, most, names))
    })
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

fn range_problem(part: &str, least: u32, most: u32, names: &[&str]) -> Option<String> {
    let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
    let number = |text: &str| -> Result<u32, String> {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        if let Some(index) = named.and_then(|index| u32::try_from(index).ok()) {
            return Ok(index + least);
        }
        text.parse::<u32>()
            .map_err(|_| format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax"))
    };
    let (start, end) = match range.split_once('-') {
        _ if matches!(range, "*" | "?") => (least, most),
        None => match number(range) {
            Ok(only) => (only, if step.is_some() { most } else { only }),
            Err(problem) => return Some(problem),
        },
        Some((start, end)) => match (number(start), number(end)) {
            (Ok(start), Ok(end)) => (start, end),
            (Err(problem), _) | (_, Err(problem)) => return Some(problem),
        },
    };
    if let Some(step) = step {
        match step.parse::<u32>() {
            Ok(0) => return Some(format!("step of range should be a positive number: {part}")),
            Ok(_) => {}
            Err(_) => {
                return Some(format!(
                    "failed to parse int from {step}: strconv.Atoi: parsing {step:?}: invalid syntax"
                ));
            }
        }
    }
    match () {
        () if start < least => Some(format!("beginning of range ({start}) below minimum ({least}): {part}")),
        () if end > most => Some(format!("end of range ({end}) above maximum ({most}): {part}")),
        () if start > end => Some(format!("beginning of range ({start}) beyond end of range ({end}): {part}")),
        () => None,
    }
}

/// What is wrong with a HorizontalPodAutoscaler.
pub(super) fn autoscaler(object: &Fields, old: Option<&Fields>, errors: &mut FieldErrors) {
    let Some(spec) = get::map(object, "spec") else { return };
    let at = At::ROOT.field("spec");
    let least = get::integer(spec, "minReplicas");
    let most = get::integer(spec, "maxReplicas").unwrap_or_default();
    if let Some(least) = least.filter(|least| *least < 1) {
        errors.invalid(&at.field("minReplicas"), &json!(least), "must be greater than or equal to 1");
    }
    if most < 1 {
        errors.invalid(&at.field("maxReplicas"), &json!(most), "must be greater than 0");
    }
    if least.is_some_and(|least| most < least) {
        errors.invalid(&at.field("maxReplicas"), &json!(most), "must be greater than or equal to `minReplicas`");
    }
    scale_target(spec, old.and_then(|old| get::map(old, "spec")), &at.field("scaleTargetRef"), errors);
}

fn scale_target(spec: &Fields, old: Option<&Fields>, at: &At<'_>, errors: &mut FieldErrors) {
    let empty = Fields::new();
    let target = get::map(spec, "scaleTargetRef").unwrap_or(&empty);
    for field in ["kind", "name"] {
        match get::text(target, field) {
            "" => errors.required(&at.field(field), ""),
            text => errors.invalid_each(&at.field(field), text, names::path_segment(text)),
        }
    }
    let (kind, version) = (get::text(target, "kind"), get::text(target, "apiVersion"));
    let before = old.and_then(|old| get::map(old, "scaleTargetRef"));
    let is_new = before.is_none_or(|old| get::text(old, "kind") != kind || get::text(old, "apiVersion") != version);
    // ReplicationControllers alone are of the core.
    let has_group = version.contains('/') || kind == "ReplicationController";
    if is_new && version.matches('/').count() > 1 {
        let detail = format!("unexpected GroupVersion string: {version}");
        errors.invalid(&at.field("apiVersion"), &json!(version), &detail);
    } else if is_new && !has_group {
        errors.invalid(&at.field("apiVersion"), &json!(version), "apiVersion must specify API group");
    }
}

/// What is wrong with a PodDisruptionBudget.
pub(super) fn disruption_budget(object: &Fields, errors: &mut FieldErrors) {
    let Some(spec) = get::map(object, "spec") else { return };
    let (least, most) = (get::value(spec, &["minAvailable"]), get::value(spec, &["maxUnavailable"]));
    if least.is_some() && most.is_some() {
        // It prints as upstream's own struct.
        let printed = format!(
            "{{\"MinAvailable\":{},\"Selector\":{},\"MaxUnavailable\":{},\"UnhealthyPodEvictionPolicy\":{}}}",
            json!(least),
            json!(get::map(spec, "selector")),
            json!(most),
            json!(spec.get("unhealthyPodEvictionPolicy")),
        );
        errors.invalid_as(&At::ROOT.field("spec"), &printed, "minAvailable and maxUnavailable cannot be both set");
    }
}

/// Numbers of a status that are negative, or larger than what they are part of.
pub(super) fn counts(object: &Fields, errors: &mut FieldErrors) {
    let Some(status) = get::map(object, "status") else { return };
    let at = At::ROOT.field("status");
    let count = |name: &str| get::integer(status, name).unwrap_or_default();
    let names = [
        "replicas",
        "fullyLabeledReplicas",
        "currentReplicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
    ];
    for name in names {
        if count(name) < 0 {
            errors.invalid(&at.field(name), &json!(count(name)), "must be greater than or equal to 0");
        }
        if count(name) > count("replicas") {
            errors.invalid(&at.field(name), &json!(count(name)), "cannot be greater than status.replicas");
        }
    }
    if count("availableReplicas") > count("readyReplicas") {
        let detail = "cannot be greater than readyReplicas";
        errors.invalid(&at.field("availableReplicas"), &json!(count("availableReplicas")), detail);
    }
}
