//! Pod Security Standards: what the levels that a namespace's labels ask for forbid in a Pod.
//!
//! A Pod is anything with `metadata` and `spec` of one: the template of a Deployment is judged as its Pods would be.
//!
//! # Source
//! `k8s.io/pod-security-admission` of Kubernetes v1.35, of whose texts these are; proven against the real kube-apiserver
//! by `dev/testbed/differential/15-pod-security.txt`.

mod checks;
mod labels;
mod pod;

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use notation::field::FieldErrors;
use serde_json::Value;

pub use self::labels::Policy;
use self::pod::{Pod, items, text};

/// The newest minor version of Kubernetes in which a check has changed: later versions are like this one.
const NEWEST: u64 = 35;
/// So many Pods of a namespace are held against new labels.
const EXISTING: usize = 3000;
/// What is below a Pod and changes nothing of what it may do.
const HARMLESS: [&str; 8] = ["attach", "binding", "eviction", "exec", "log", "portforward", "proxy", "status"];

/// How much is forbidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    #[default]
    Privileged,
    /// What is known to lead out of a container.
    Baseline,
    /// What is not the best practice.
    Restricted,
}

/// The version of Kubernetes whose checks are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// `v1.` and this.
    Minor(u64),
    /// The newest that there is.
    #[default]
    Latest,
}

/// A level as a version has it. Displays as `restricted:v1.30`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standard {
    /// How much is forbidden.
    pub level: Level,
    /// As of when.
    pub version: Version,
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.level.name())?;
        match self.version {
            Version::Latest => f.write_str(":latest"),
            Version::Minor(minor) => write!(f, ":v1.{minor}"),
        }
    }
}

impl Level {
    const ALL: [Self; 3] = [Self::Privileged, Self::Baseline, Self::Restricted];

    /// As labels say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// What a Pod has that a standard forbids, in the order of the checks. Displays with the details of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Violation {
    /// `hostPort`.
    reason: &'static str,
    /// `container "a" uses hostPort 80`.
    detail: String,
}

impl Violations {
    /// Whether the Pod is as the standard wants it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the checks alone: many Pods have them in common.
    pub fn reasons(&self) -> String {
        self.0.iter().map(|one| one.reason).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Violation { reason, detail }) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{reason}")?;
            if !detail.is_empty() {
                write!(f, " ({detail})")?;
            }
        }
        Ok(())
    }
}

impl Standard {
    /// What a Pod has that this forbids.
    pub fn violations(self, pod: &Value) -> Violations {
        let minor = match self.version {
            Version::Latest => NEWEST,
            Version::Minor(minor) => minor.min(NEWEST),
        };
        let pod = Pod::read(pod);
        let checks = checks::CHECKS.iter().filter(|check| check.applies(self.level, minor));
        Violations(checks.filter_map(|check| (check.find)(&pod, minor)).collect())
    }

    /// What is said of a namespace that is to enforce this from now on, and of its Pods that are not like it.
    pub fn existing(self, namespace: &str, pods: &[Value]) -> Vec<String> {
        // One of each controller comes before the others that it made.
        let mut controllers = HashSet::new();
        let (first, others): (Vec<&Value>, Vec<&Value>) =
            pods.iter().partition(|pod| controller(pod).is_none_or(|uid| controllers.insert(uid)));
        let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for pod in first.into_iter().chain(others).take(EXISTING) {
            let violations = self.violations(pod);
            if !violations.is_empty() {
                found.entry(violations.reasons()).or_default().push(text(&pod["metadata"]["name"]));
            }
        }
        let mut warnings = Vec::new();
        if pods.len() > EXISTING {
            let all = pods.len();
            warnings.push(format!(
                "new PodSecurity enforce level only checked against the first {EXISTING} of {all} existing pods"
            ));
        }
        if !found.is_empty() {
            warnings.push(format!(
                "existing pods in namespace {namespace:?} violate the new PodSecurity enforce level \"{self}\""
            ));
        }
        let mut each: Vec<String> = found.iter().map(|(reasons, names)| named(names, reasons)).collect();
        each.sort();
        warnings.append(&mut each);
        warnings
    }
}

/// Who has the same in common: the first by name, and how many others.
fn named(pods: &[&str], reasons: &str) -> String {
    let first = pods.iter().min().copied().unwrap_or_default();
    match pods.len() {
        0 | 1 => format!("{first}: {reasons}"),
        2 => format!("{first} (and 1 other pod): {reasons}"),
        many => format!("{first} (and {} other pods): {reasons}", many - 1),
    }
}

fn controller(pod: &Value) -> Option<&str> {
    items(&pod["metadata"]["ownerReferences"]).find(|owner| owner["controller"] == true)?["uid"].as_str()
}

/// What new labels of a namespace change: the standard that its Pods are to be held against, if there is one.
///
/// # Errors
/// What is wrong with the labels, unless it has been so before.
pub fn change(old: Option<&Value>, new: &Value) -> Result<Option<Standard>, FieldErrors> {
    let (policy, errors) = Policy::read(new);
    let before = old.map(Policy::read);
    if !errors.is_empty() && before.as_ref().is_none_or(|(_, before)| *before != errors) {
        return Err(errors);
    }
    let (new, Some(old)) = (policy.enforce, before.map(|(before, _)| before.enforce)) else { return Ok(None) };
    let is_relaxed = new.version == old.version && new.level <= old.level;
    Ok((new.level != Level::Privileged && !is_relaxed).then_some(new))
}

/// Whether a write of a Pod is one that could make it forbidden: not every change of an allowed one is looked at.
pub fn concerns(subresource: &str, old: Option<&Value>, new: &Value) -> bool {
    !HARMLESS.contains(&subresource) && old.is_none_or(|old| is_other(&old["spec"], &new["spec"]))
}

fn is_other(old: &Value, new: &Value) -> bool {
    let is_new = |list: &str| !images(old, list).eq(images(new, list));
    let was_there = |one: &Value| {
        let before = items(&old["ephemeralContainers"]).find(|before| before["name"] == one["name"]);
        before.is_some_and(|before| before["image"] == one["image"])
    };
    is_new("containers") || is_new("initContainers") || !items(&new["ephemeralContainers"]).all(was_there)
}

fn images<'s>(spec: &'s Value, list: &str) -> impl Iterator<Item = &'s Value> {
    items(&spec[list]).map(|container| &container["image"])
}

/// The template of the Pods that an object is to have.
pub fn template<'o>(group: &str, kind: &str, object: &'o Value) -> Option<&'o Value> {
    let pointer = match (group, kind) {
        ("", "PodTemplate") => "/template",
        ("", "ReplicationController")
        | ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch", "Job") => "/spec/template",
        ("batch", "CronJob") => "/spec/jobTemplate/spec/template",
        _ => return None,
    };
    object.pointer(pointer).filter(|template| template.is_object())
}

#[cfg(test)]
mod tests;
