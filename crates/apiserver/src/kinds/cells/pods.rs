//! Cells of Pods, Jobs and Nodes: what runs.

use serde_json::{Value, json};

use super::{Row, human, or_none};

pub(super) fn function(name: &str) -> Option<fn(&Row<'_>) -> Value> {
    Some(match name {
        "pod_ready" => |row| {
            let pod = Pod::of(row);
            format!("{}/{}", pod.ready, pod.containers).into()
        },
        "pod_status" => |row| Pod::of(row).reason.into(),
        "pod_restarts" => |row| {
            let pod = Pod::of(row);
            match pod.last_restart {
                Some(time) if pod.restarts > 0 => {
                    format!("{} ({} ago)", pod.restarts, row.since(Some(&json!(time)))).into()
                }
                _ => pod.restarts.to_string().into(),
            }
        },
        "pod_gates" => |row| {
            let gates: Vec<&str> =
                row.items(".spec.readinessGates").filter_map(|gate| gate["conditionType"].as_str()).collect();
            let met = gates.iter().filter(|gate| row.has_condition(gate)).count();
            if gates.is_empty() { "<none>".into() } else { format!("{met}/{}", gates.len()).into() }
        },
        "job_status" => job_status,
        "job_completions" => |row| {
            let succeeded = row.number(".status.succeeded");
            match (row.at(".spec.completions"), row.number(".spec.parallelism")) {
                (Some(completions), _) => format!("{succeeded}/{completions}").into(),
                (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}").into(),
                _ => format!("{succeeded}/1").into(),
            }
        },
        "job_duration" => |row| {
            let second = |path: &str| row.text(path).parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second);
            let Some(start) = second(".status.startTime") else { return "".into() };
            human(second(".status.completionTime").unwrap_or(row.now.as_second()) - start).into()
        },
        "node_status" => |row| {
            let ready = row.items(".status.conditions").find(|one| one["type"] == "Ready");
            let mut status =
                ready.map_or("Unknown", |one| if one["status"] == "True" { "Ready" } else { "NotReady" }).to_owned();
            if row.at(".spec.unschedulable") == Some(&json!(true)) {
                status.push_str(",SchedulingDisabled");
            }
            status.into()
        },
        "node_roles" => |row| {
            let labels = row.at(".metadata.labels").and_then(Value::as_object).into_iter().flatten();
            let mut roles: Vec<&str> = labels
                .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
                    Some(role) => Some(role),
                    None => (key == "kubernetes.io/role").then(|| value.as_str()).flatten(),
                })
                .filter(|role| !role.is_empty())
                .collect();
            roles.sort_unstable();
            or_none(&roles.join(",")).into()
        },
        "node_address" => |row| {
            let address = row.items(".status.addresses").find(|one| one["type"] == row.argument(0));
            address.and_then(|one| one["address"].as_str()).unwrap_or("<none>").into()
        },
        _ => return None,
    })
}

fn job_status(row: &Row<'_>) -> Value {
    let conditions = [
        ("Complete", "Complete"),
        ("Failed", "Failed"),
        ("", "Terminating"),
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
        ("SuccessCriteriaMet", "SuccessCriteriaMet"),
    ];
    let is = |condition: &str| if condition.is_empty() { row.is_deleted() } else { row.has_condition(condition) };
    conditions.iter().find(|(condition, _)| is(condition)).map_or("Running", |(_, status)| status).into()
}

/// A Pod in short.
struct Pod<'a> {
    containers: usize,
    ready: usize,
    reason: String,
    restarts: i64,
    last_restart: Option<&'a str>,
}

impl<'a> Pod<'a> {
    fn of(row: &Row<'a>) -> Self {
        let init: Vec<&Value> = row.items(".spec.initContainers").collect();
        let is_sidecar = |name: &Value| init.iter().any(|one| &one["name"] == name && one["restartPolicy"] == "Always");
        let phase = row.text(".status.phase");
        let gated =
            row.items(".status.conditions").any(|c| c["type"] == "PodScheduled" && c["reason"] == "SchedulingGated");
        let reason = match row.text(".status.reason") {
            _ if gated => "SchedulingGated",
            "" => phase,
            reason => reason,
        };
        let mut pod = Pod {
            containers: row.items(".spec.containers").count()
                + init.iter().filter(|one| is_sidecar(&one["name"])).count(),
            ready: 0,
            reason: reason.to_owned(),
            restarts: 0,
            last_restart: None,
        };
        let mut sidecars = (0, None);
        let mut initializing = false;
        for (index, status) in row.items(".status.initContainerStatuses").enumerate() {
            pod.count_restarts(status);
            let state = &status["state"];
            if is_sidecar(&status["name"]) {
                sidecars.0 += status["restartCount"].as_i64().unwrap_or_default();
                sidecars.1 = later(sidecars.1, status);
            }
            if state["terminated"]["exitCode"] == 0 {
                continue;
            }
            if is_sidecar(&status["name"]) && status["started"] == true {
                pod.ready += usize::from(status["ready"] == true);
                continue;
            }
            let waiting =
                state["waiting"]["reason"].as_str().filter(|reason| !matches!(*reason, "" | "PodInitializing"));
            pod.reason = match (terminated(&state["terminated"]), waiting) {
                (Some(reason), _) => format!("Init:{reason}"),
                (None, Some(reason)) => format!("Init:{reason}"),
                (None, None) => format!("Init:{index}/{}", init.len()),
            };
            initializing = true;
            break;
        }
        if !initializing || row.has_condition("Initialized") {
            (pod.restarts, pod.last_restart) = sidecars;
            pod.read_containers(row);
        }
        if row.is_deleted() && row.text(".status.reason") == "NodeLost" {
            "Unknown".clone_into(&mut pod.reason);
        } else if row.is_deleted() && !matches!(phase, "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut pod.reason);
        }
        pod
    }

    fn read_containers(&mut self, row: &Row<'a>) {
        let (mut has_running, mut error) = (false, None);
        let statuses: Vec<&Value> = row.items(".status.containerStatuses").collect();
        for status in statuses.into_iter().rev() {
            self.count_restarts(status);
            let state = &status["state"];
            if let Some(reason) = state["waiting"]["reason"].as_str().filter(|reason| !reason.is_empty()) {
                reason.clone_into(&mut self.reason);
            } else if let Some(reason) = terminated(&state["terminated"]) {
                if state["terminated"]["exitCode"] != 0 {
                    error = Some(reason.clone());
                }
                self.reason = reason;
            } else if status["ready"] == true && state["running"].is_object() {
                has_running = true;
                self.ready += 1;
            }
        }
        if self.reason == "Completed" {
            if has_running && row.has_condition("Ready") {
                "Running".clone_into(&mut self.reason);
            } else if let Some(error) = error {
                self.reason = error;
            } else if has_running {
                "NotReady".clone_into(&mut self.reason);
            }
        }
    }

    fn count_restarts(&mut self, status: &'a Value) {
        self.restarts += status["restartCount"].as_i64().unwrap_or_default();
        self.last_restart = later(self.last_restart, status);
    }
}

/// The later of a time and the end of a container's last life.
fn later<'a>(time: Option<&'a str>, status: &'a Value) -> Option<&'a str> {
    time.max(status["lastState"]["terminated"]["finishedAt"].as_str())
}

/// Why a container ended, if it did.
fn terminated(state: &Value) -> Option<String> {
    state.as_object()?;
    let number = |name: &str| state[name].as_i64().unwrap_or_default();
    Some(match state["reason"].as_str() {
        Some(reason) if !reason.is_empty() => reason.to_owned(),
        _ if number("signal") != 0 => format!("Signal:{}", number("signal")),
        _ => format!("ExitCode:{}", number("exitCode")),
    })
}
