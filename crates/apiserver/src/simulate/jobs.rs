//! Jobs, which run Pods to their end, and CronJobs, which begin Jobs.

use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::{Value, json};

use super::{Act, Plan, World, condition, controlled_by, failure, is_deleted, items, number, pod_of, pods, text};

/// Runs a Job's Pods until enough of them have succeeded, or too many have failed.
pub(super) fn job(world: &World, job: &Value, plan: &mut Plan) {
    let is_over = items(job, "/status/conditions")
        .any(|one| matches!(text(one, "/type"), "Complete" | "Failed") && one["status"] == "True");
    if is_deleted(job) || is_over {
        return;
    }
    let parallelism = number(job, "/spec/parallelism");
    let completions = job.pointer("/spec/completions").and_then(Value::as_i64).unwrap_or(1);
    let own: Vec<&Value> = world.owned("pods", job).filter(|pod| !is_deleted(pod)).collect();
    let count =
        |phase: &str| i64::try_from(own.iter().filter(|pod| text(pod, "/status/phase") == phase).count()).unwrap_or(0);
    let (succeeded, failed) = (count("Succeeded"), count("Failed"));
    let active: Vec<&&Value> = own.iter().filter(|pod| !pods::is_over(pod)).collect();
    let running = i64::try_from(active.len()).unwrap_or(0);
    let is_suspended = job["spec"]["suspend"] == true;
    let too_many = failed > number(job, "/spec/backoffLimit") || (failed > 0 && failure(job).is_some());
    let is_complete = succeeded >= completions;
    let wanted = if is_suspended || too_many || is_complete { 0 } else { parallelism.min(completions - succeeded) };
    for _ in running..wanted {
        plan.acts.push(Act::Create(pod_of(job, &job["spec"]["template"], &[])));
    }
    for pod in active.iter().skip(usize::try_from(wanted).unwrap_or_default()) {
        plan.acts.push(Act::Delete((**pod).clone()));
    }
    let mut status = json!({ "terminating": 0, "uncountedTerminatedPods": {} });
    let begun = text(job, "/status/startTime");
    if !is_suspended || !begun.is_empty() {
        status["startTime"] = if begun.is_empty() { world.now_text().into() } else { begun.into() };
    }
    let ready = i64::try_from(active.iter().filter(|pod| pods::is_ready(pod)).count()).unwrap_or(0);
    for (name, count) in
        [("active", running.min(wanted)), ("succeeded", succeeded), ("failed", failed), ("ready", ready)]
    {
        if count > 0 || name == "ready" {
            status[name] = count.into();
        }
    }
    let holds = |type_: &str, reason: &str, message: &str| {
        let mut condition = condition(job, world, type_, true, [reason, message]);
        condition["lastProbeTime"] = condition["lastTransitionTime"].clone();
        condition
    };
    if is_complete {
        let message = "Reached expected number of succeeded pods";
        status["completionTime"] = world.now_text().into();
        status["conditions"] = json!([
            holds("SuccessCriteriaMet", "CompletionsReached", message),
            holds("Complete", "CompletionsReached", message)
        ]);
    } else if too_many {
        let message = "Job has reached the specified backoff limit";
        status["conditions"] = json!([
            holds("FailureTarget", "BackoffLimitExceeded", message),
            holds("Failed", "BackoffLimitExceeded", message)
        ]);
    } else if is_suspended {
        status["conditions"] = json!([holds("Suspended", "JobSuspended", "Job suspended")]);
    }
    plan.status(job, status);
}

/// Begins the Job that a CronJob's schedule is due for, and forgets the oldest.
pub(super) fn cron_job(world: &World, cron_job: &Value, plan: &mut Plan) {
    if is_deleted(cron_job) || cron_job["spec"]["suspend"] == true {
        return;
    }
    let minute = Timestamp::from_second(world.now.as_second() / 60 * 60).unwrap_or(world.now);
    if let Ok(next) = minute.checked_add(SignedDuration::from_mins(1)) {
        plan.look_at(next);
    }
    let own: Vec<&Value> = world.owned("jobs", cron_job).filter(|job| !is_deleted(job)).collect();
    let is_active = |job: &Value| {
        !items(job, "/status/conditions")
            .any(|one| matches!(text(one, "/type"), "Complete" | "Failed") && one["status"] == "True")
    };
    let last = text(cron_job, "/status/lastScheduleTime");
    let this = format!("{minute:.0}");
    let created = text(cron_job, "/metadata/creationTimestamp").parse::<Timestamp>().unwrap_or(minute);
    let name = format!("{}-{}", text(cron_job, "/metadata/name"), minute.as_second() / 60);
    let mut status = json!({});
    for job in own.iter().filter(|job| is_active(job)) {
        let reference = json!({
            "apiVersion": job["apiVersion"], "kind": job["kind"], "name": job["metadata"]["name"],
            "namespace": job["metadata"]["namespace"], "uid": job["metadata"]["uid"],
            "resourceVersion": job["metadata"]["resourceVersion"],
        });
        if let Some(active) = status.as_object_mut() {
            let list = active.entry("active").or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                list.push(reference);
            }
        }
    }
    if !last.is_empty() {
        status["lastScheduleTime"] = last.into();
    }
    let succeeded = own.iter().filter_map(|job| job.pointer("/status/completionTime").and_then(Value::as_str)).max();
    if let Some(time) = succeeded.or(cron_job.pointer("/status/lastSuccessfulTime").and_then(Value::as_str)) {
        status["lastSuccessfulTime"] = time.into();
    }
    let zone = text(cron_job, "/spec/timeZone");
    let local = minute
        .in_tz(if zone.is_empty() { "UTC" } else { zone })
        .unwrap_or_else(|_| minute.to_zoned(jiff::tz::TimeZone::UTC));
    let forbidden = text(cron_job, "/spec/concurrencyPolicy") == "Forbid" && own.iter().any(|job| is_active(job));
    if last != this && minute > created && is_due(text(cron_job, "/spec/schedule"), &local) && !forbidden {
        plan.acts.push(Act::Create(new_job(cron_job, &name, &this)));
        status["lastScheduleTime"] = this.into();
    }
    plan.status(cron_job, status);
    for (condition, limit) in
        [("Complete", "/spec/successfulJobsHistoryLimit"), ("Failed", "/spec/failedJobsHistoryLimit")]
    {
        let mut over: Vec<&&Value> = own
            .iter()
            .filter(|job| {
                items(job, "/status/conditions").any(|one| one["type"] == condition && one["status"] == "True")
            })
            .collect();
        over.sort_by_key(|job| std::cmp::Reverse(text(job, "/metadata/creationTimestamp")));
        let kept = usize::try_from(number(cron_job, limit)).unwrap_or_default();
        plan.acts.extend(over.into_iter().skip(kept).map(|job| Act::Delete((*job).clone())));
    }
}

fn new_job(cron_job: &Value, name: &str, scheduled: &str) -> Value {
    let template = &cron_job["spec"]["jobTemplate"];
    let mut job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": template.get("metadata").filter(|metadata| metadata.is_object()).cloned().unwrap_or_else(|| json!({})),
        "spec": template["spec"],
    });
    job["metadata"]["name"] = name.into();
    job["metadata"]["namespace"] = cron_job["metadata"]["namespace"].clone();
    job["metadata"]["ownerReferences"] = controlled_by(cron_job);
    job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] = scheduled.into();
    if let Some(fail) = failure(cron_job) {
        job["metadata"]["annotations"][super::FAIL] = fail.into();
    }
    job
}

/// Whether a schedule is due in this minute.
fn is_due(schedule: &str, minute: &Zoned) -> bool {
    let schedule = match schedule {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        other => other,
    };
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let [minutes, hours, days, months, weekdays] = fields.as_slice() else { return false };
    let is = |field: &str, value: i8, least: i64, names: &[&str]| holds(field, i64::from(value), least, names);
    let day = is(days, minute.day(), 1, &[]);
    let weekday = is(weekdays, minute.weekday().to_sunday_zero_offset(), 0, &DAYS);
    // Two restrictions on days are alternatives; one is alone.
    let is_day = if days.starts_with('*') || weekdays.starts_with('*') { day && weekday } else { day || weekday };
    is(minutes, minute.minute(), 0, &[])
        && is(hours, minute.hour(), 0, &[])
        && is(months, minute.month(), 1, &MONTHS)
        && is_day
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

fn holds(field: &str, value: i64, least: i64, names: &[&str]) -> bool {
    let number = |text: &str| {
        let named =
            names.iter().position(|name| name.eq_ignore_ascii_case(text)).and_then(|index| i64::try_from(index).ok());
        named.map(|index| index + least).or_else(|| text.parse().ok())
    };
    field.split(',').any(|part| {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let (start, end) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (Some(least), Some(i64::MAX)),
            Some((start, end)) => (number(start), number(end)),
            None if part.contains('/') => (number(range), Some(i64::MAX)),
            None => (number(range), number(range)),
        };
        let step: i64 = step.parse().unwrap_or(1);
        matches!((start, end), (Some(start), Some(end)) if (start..=end).contains(&value) && (value - start) % step.max(1) == 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_due_in_their_minutes() {
        let minute: Zoned = "2026-11-27T08:30:00[UTC]".parse().unwrap();
        for (schedule, expected) in [
            ("* * * * *", true),
            ("*/15 * * * *", true),
            ("*/7 * * * *", false),
            ("30 8 * * *", true),
            ("30 8 * * fri", true),
            ("30 8 * * 1-4", false),
            ("30 8 1 * fri", true),
            ("30 8 1 * *", false),
            ("0-40/10 8 * nov *", true),
            ("@hourly", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_due(schedule, &minute), expected, "{schedule}");
        }
    }
}
