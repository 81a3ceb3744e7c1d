//! Quotas: how many objects of which kinds a namespace may hold, and how much its Pods, claims and Services may take.
//!
//! # Source
//! `k8s.io/kubernetes/pkg/quota/v1/evaluator/core`, `k8s.io/apiserver/pkg/admission/plugin/resourcequota`.

use std::collections::BTreeSet;
use std::sync::MutexGuard;

use notation::quantity::Quantity;
use serde_json::{Value, json};

use crate::amounts::{self, Amounts};
use crate::api::{Api, Target};
use crate::failure::{About, Failure};
use crate::meta;
use crate::resource::Resource;

/// Kinds that quotas know by a name of their own, from the time before `count/`.
const NAMED: [&str; 7] =
    ["configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services"];
/// Who charges quotas.
const MANAGER: &str = "kube-apiserver";
/// What every container must say when a quota counts it.
const REQUIRED: [&str; 6] = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];
/// What follows the name of a storage class where a quota is about that class alone.
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";

/// What quotas have let through, and nobody else is counted meanwhile.
#[derive(Debug)]
pub(crate) struct Counted<'a> {
    _held: MutexGuard<'a, ()>,
    namespace: String,
    /// How much of each quota is used as soon as it is kept.
    used: Vec<(String, Amounts)>,
}

impl Api {
    /// Refuses what would be one object, or take one amount, too many.
    ///
    /// # Errors
    /// 403 with what is asked for, used and allowed, or with what must be said for it to be counted.
    pub(crate) fn admit_within_quota(
        &self,
        target: &Target,
        old: Option<&Value>,
        new: &Value,
    ) -> Result<Option<Counted<'_>>, Failure> {
        let resource = &target.resource;
        let changes =
            matches!((resource.group.as_str(), &*resource.plural), ("", "persistentvolumeclaims" | "services"));
        if !resource.namespaced || target.subresource.is_some() || (old.is_some() && !changes) {
            return Ok(None);
        }
        let quotas = self.objects("", "resourcequotas", &target.namespace);
        let quotas =
            quotas.iter().map(Quota::read).filter(|quota| quota.is_about(resource) && quota.covers(resource, new));
        let quotas: Vec<Quota<'_>> = quotas.collect();
        if quotas.is_empty() {
            return Ok(None);
        }
        let held = self.count();
        let mut asked = usage(resource, new);
        if let Some(old) = old {
            let before = usage(resource, old);
            for (name, amount) in &mut asked {
                *amount = before.get(name).map_or(*amount, |before| amount.minus(*before));
            }
        }
        asked.retain(|_, amount| amount.sign() > 0);
        let mut used = Vec::new();
        for quota in &quotas {
            let counted = quota.check(target, new, &asked, || self.used(&target.namespace, quota))?;
            used.push((quota.name.to_owned(), counted));
        }
        Ok(Some(Counted { _held: held, namespace: target.namespace.clone(), used }))
    }

    /// Has quotas say what is used of them, now that an object is kept.
    pub(crate) fn charge(&self, counted: &Counted<'_>) {
        let Ok(quotas) = self.row("", "v1", "resourcequotas") else { return };
        for (name, used) in counted.used.iter().filter(|(_, used)| !used.is_empty()) {
            let target = Target::new(&quotas, &counted.namespace, name);
            let target = Target { subresource: Some("status".to_owned()), ..target };
            let charged = self.edit(&target, MANAGER, &|quota| {
                for (name, amount) in used {
                    quota["status"]["used"][name] = amount.to_string().into();
                }
            });
            // Who counts them all is about to say it anyway.
            if let Err(failure) = charged {
                tracing::debug!(quota = name, failure = %failure.message, "not charged");
            }
        }
    }

    /// What a quota's status says: the limits, and how much of each is used.
    pub(crate) fn quota_status(&self, namespace: &str, quota: &Value) -> Value {
        let used: serde_json::Map<String, Value> = self
            .used(namespace, &Quota::read(quota))
            .into_iter()
            .map(|(name, amount)| (name, amount.to_string().into()))
            .collect();
        json!({ "hard": quota.pointer("/spec/hard").cloned().unwrap_or_else(|| json!({})), "used": used })
    }

    /// What the objects of a namespace take of what a quota limits.
    fn used(&self, namespace: &str, quota: &Quota<'_>) -> Amounts {
        let mut used = Amounts::new();
        let mut seen = BTreeSet::new();
        for resource in self.resources().iter() {
            let names: Vec<&String> = quota.hard.keys().filter(|name| measures(resource, name)).collect();
            if names.is_empty() || !resource.namespaced || !seen.insert(resource.qualified()) {
                continue;
            }
            for name in &names {
                used.insert((*name).clone(), Quantity::whole(0));
            }
            for (_, stored) in self.all(resource, namespace) {
                let object = Value::Object(stored.parse());
                if quota.covers(resource, &object) {
                    let usage = usage(resource, &object).into_iter().filter(|(name, _)| names.contains(&name));
                    amounts::add(&mut used, &usage.collect());
                }
            }
        }
        used
    }
}

/// A quota, as it was read.
struct Quota<'a> {
    name: &'a str,
    hard: Amounts,
    scopes: Vec<Scope<'a>>,
}

/// Which Pods a quota is about.
struct Scope<'a> {
    name: &'a str,
    operator: &'a str,
    values: Vec<&'a str>,
}

impl<'a> Quota<'a> {
    fn read(quota: &'a Value) -> Self {
        let items = |pointer: &str| quota.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        let plain = items("/spec/scopes").filter_map(Value::as_str);
        let plain = plain.map(|name| Scope { name, operator: "Exists", values: Vec::new() });
        let selected = items("/spec/scopeSelector/matchExpressions").map(|expression| Scope {
            name: expression["scopeName"].as_str().unwrap_or_default(),
            operator: expression["operator"].as_str().unwrap_or_default(),
            values: expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
        });
        Self {
            name: meta::text(quota, "name"),
            hard: amounts::of(quota, "/spec/hard"),
            scopes: plain.chain(selected).collect(),
        }
    }

    fn is_about(&self, resource: &Resource) -> bool {
        self.hard.keys().any(|name| measures(resource, name))
    }

    /// Whether the scopes let an object in: those of Pods, others have none.
    fn covers(&self, resource: &Resource, object: &Value) -> bool {
        let is_pod = resource.group.is_empty() && resource.plural == "pods";
        self.scopes.iter().all(|scope| is_pod && scope.covers(object))
    }

    /// Holds what is asked for against what is left, and returns what will be used of it.
    fn check(
        &self,
        target: &Target,
        new: &Value,
        asked: &Amounts,
        used: impl FnOnce() -> Amounts,
    ) -> Result<Amounts, Failure> {
        let about = About::new(&target.resource, &target.name);
        let missing = self.unsaid(&target.resource, new);
        if !missing.is_empty() {
            let why = format!("failed quota: {}: must specify {}", self.name, missing.join("; "));
            return Err(Failure::forbidden(about, &why));
        }
        let asked: Amounts = asked.iter().filter(|(name, _)| self.hard.contains_key(*name)).map(own).collect();
        if asked.is_empty() {
            return Ok(asked);
        }
        let used = used();
        let mut sums = asked.clone();
        for (name, sum) in &mut sums {
            *sum = used.get(name).map_or(*sum, |used| used.plus(*sum));
        }
        let over = sums.iter().filter(|(name, sum)| **sum > self.hard[*name]).map(|(name, _)| name);
        let over: BTreeSet<&String> = over.collect();
        if over.is_empty() {
            return Ok(sums);
        }
        let of =
            |all: &Amounts| amounts::listed(&all.iter().filter(|(name, _)| over.contains(name)).map(own).collect());
        let (name, asked, used, hard) = (self.name, of(&asked), of(&used), of(&self.hard));
        let why = format!("exceeded quota: {name}, requested: {asked}, used: {used}, limited: {hard}");
        Err(Failure::forbidden(about, &why))
    }

    /// What containers leave out that is limited: each amount, and for which containers.
    fn unsaid(&self, resource: &Resource, pod: &Value) -> Vec<String> {
        let is_whole = ["requests", "limits"].iter().any(|field| {
            let said = amounts::of(pod, &format!("/spec/resources/{field}"));
            said.keys().any(|name| matches!(name.as_str(), "cpu" | "memory") || name.starts_with("hugepages-"))
        });
        if !resource.group.is_empty() || resource.plural != "pods" || is_whole {
            return Vec::new();
        }
        let containers = ["/spec/containers", "/spec/initContainers"]
            .iter()
            .flat_map(|list| pod.pointer(list).and_then(Value::as_array).into_iter().flatten());
        let said: Vec<(&str, Amounts)> = containers
            .map(|container| {
                let amounts = |field: &str| amounts::of(container, &format!("/resources/{field}"));
                (container["name"].as_str().unwrap_or_default(), computed(&amounts("requests"), &amounts("limits")))
            })
            .collect();
        let limited = REQUIRED.iter().filter(|name| self.hard.contains_key(**name));
        let unsaid = limited.filter_map(|name| {
            let without: BTreeSet<&str> = said
                .iter()
                .filter(|(_, amounts)| !amounts.contains_key(*name))
                .map(|(container, _)| *container)
                .collect();
            let containers: Vec<&str> = without.into_iter().collect();
            (!containers.is_empty()).then(|| format!("{name} for: {}", containers.join(",")))
        });
        unsaid.collect()
    }
}

impl Scope<'_> {
    fn covers(&self, pod: &Value) -> bool {
        let terminates = pod.pointer("/spec/activeDeadlineSeconds").is_some_and(Value::is_number);
        let is_best_effort = pod["status"]["qosClass"] == "BestEffort";
        match self.name {
            "Terminating" => terminates,
            "NotTerminating" => !terminates,
            "BestEffort" => is_best_effort,
            "NotBestEffort" => !is_best_effort,
            "PriorityClass" => self.selects(pod["spec"]["priorityClassName"].as_str().unwrap_or_default()),
            "CrossNamespacePodAffinity" => reaches_other_namespaces(pod),
            _ => false,
        }
    }

    fn selects(&self, value: &str) -> bool {
        match self.operator {
            "Exists" => !value.is_empty(),
            "DoesNotExist" => value.is_empty(),
            "In" => self.values.contains(&value),
            "NotIn" => value.is_empty() || !self.values.contains(&value),
            _ => false,
        }
    }
}

fn reaches_other_namespaces(pod: &Value) -> bool {
    let reaches = |term: &Value| {
        term["namespaces"].as_array().is_some_and(|list| !list.is_empty()) || term["namespaceSelector"].is_object()
    };
    ["podAffinity", "podAntiAffinity"].iter().any(|kind| {
        let terms = |list: &str| pod["spec"]["affinity"][*kind][list].as_array().into_iter().flatten();
        terms("requiredDuringSchedulingIgnoredDuringExecution").any(reaches)
            || terms("preferredDuringSchedulingIgnoredDuringExecution").any(|term| reaches(&term["podAffinityTerm"]))
    })
}

fn own((name, amount): (&String, &Quantity)) -> (String, Quantity) {
    (name.clone(), *amount)
}

/// Whether an amount of this name is measured on the objects of a resource.
fn measures(resource: &Resource, name: &str) -> bool {
    if let Some(counted) = name.strip_prefix("count/") {
        return counted == resource.qualified();
    }
    let is_core = resource.group.is_empty();
    match resource.plural.as_str() {
        plural if is_core && NAMED.contains(&plural) && name == plural => true,
        "pods" if is_core => {
            let name = name.strip_prefix("requests.").or_else(|| name.strip_prefix("limits.")).unwrap_or(name);
            matches!(name, "cpu" | "memory" | "ephemeral-storage")
                || name.starts_with("hugepages-")
                || (name.contains('/') && !name.contains(OF_CLASS))
        }
        "persistentvolumeclaims" if is_core => name == "requests.storage" || name.contains(OF_CLASS),
        "services" if is_core => matches!(name, "services.loadbalancers" | "services.nodeports"),
        _ => false,
    }
}

/// Everything that an object takes, under all the names that quotas have for it.
fn usage(resource: &Resource, object: &Value) -> Amounts {
    let one = Quantity::whole(1);
    let mut usage = Amounts::from([(format!("count/{}", resource.qualified()), one)]);
    if !resource.group.is_empty() {
        return usage;
    }
    let plural = resource.plural.as_str();
    let is_over = plural == "pods" && matches!(object["status"]["phase"].as_str(), Some("Failed" | "Succeeded"));
    if NAMED.contains(&plural) && !is_over {
        usage.insert(plural.to_owned(), one);
    }
    match plural {
        "pods" if !is_over => {
            let total = |field: &str| {
                let mut amounts = amounts::of_pod(object, field);
                amounts::add(&mut amounts, &amounts::of(object, "/spec/overhead"));
                amounts
            };
            usage.extend(computed(&total("requests"), &total("limits")));
        }
        "persistentvolumeclaims" => {
            let storage = object.pointer("/spec/resources/requests/storage").and_then(amounts::quantity);
            let class = object["spec"]["storageClassName"].as_str().unwrap_or_default();
            if !class.is_empty() {
                usage.insert(format!("{class}{OF_CLASS}persistentvolumeclaims"), one);
                usage.extend(storage.map(|storage| (format!("{class}{OF_CLASS}requests.storage"), storage)));
            }
            usage.extend(storage.map(|storage| ("requests.storage".to_owned(), storage)));
        }
        "services" => {
            let ports = object["spec"]["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
            let is_balanced = object["spec"]["type"] == "LoadBalancer";
            let has_ports = is_balanced || object["spec"]["type"] == "NodePort";
            let is_open = |port: &&Value| {
                object["spec"]["allocateLoadBalancerNodePorts"] != false || port["nodePort"].is_number()
            };
            let open = ports.iter().filter(|port| has_ports && is_open(port)).count();
            usage.insert("services.loadbalancers".to_owned(), Quantity::whole(i64::from(is_balanced)));
            usage.insert("services.nodeports".to_owned(), Quantity::whole(i64::try_from(open).unwrap_or(i64::MAX)));
        }
        _ => {}
    }
    usage
}

/// Requests and limits under the names that quotas have for them.
fn computed(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut computed = Amounts::new();
    for (name, amount) in requests {
        computed.insert(format!("requests.{name}"), *amount);
        if !name.contains('/') {
            computed.insert(name.clone(), *amount);
        }
    }
    computed.extend(limits.iter().map(|(name, amount)| (format!("limits.{name}"), *amount)));
    computed
}
