//! Things become ready as the health rules of `object` see them, or fail as they were told to.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use object::Object;
use object::health::{Status, health};
use serde_json::{Value, json};

use super::*;
use crate::kinds;
use crate::prepare::prepare;
use crate::resource::{Allocate, FieldValidation, Operation, Resources, Surroundings, Write};

#[derive(Default)]
struct Counting(u32);

impl Allocate for Counting {
    fn cluster_ip(&mut self) -> String {
        "10.0.0.10".to_owned()
    }

    fn take_cluster_ip(&mut self, _: &str) -> bool {
        true
    }

    fn node_port(&mut self) -> u16 {
        30000
    }

    fn take_node_port(&mut self, _: u16) -> bool {
        true
    }

    fn suffix(&mut self, length: usize) -> String {
        self.0 += 1;
        format!("{:0length$}", self.0)
    }

    fn uid(&mut self) -> String {
        self.0 += 1;
        format!("uid-{}", self.0)
    }
}

/// A cluster in memory: what is done is prepared as on the server, and looked at until nothing is left to do.
struct Cluster {
    resources: Resources,
    objects: BTreeMap<(String, String), Value>,
    allocate: Counting,
    now: Timestamp,
}

impl Cluster {
    fn with(objects: &[Value]) -> Self {
        let now = "2026-11-27T08:00:00Z".parse().unwrap();
        let resources = Resources::new(kinds::built_in());
        let mut cluster = Self { resources, objects: BTreeMap::new(), allocate: Counting::default(), now };
        for object in objects {
            let mut object = object.clone();
            object["metadata"]["namespace"] = "default".into();
            cluster.write(Operation::Create, None, object);
        }
        cluster
    }

    fn write(&mut self, operation: Operation, subresource: Option<&str>, mut object: Value) {
        let api_version = text(&object, "/apiVersion").to_owned();
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        let resource = self.resources.of_kind(group, version, text(&object, "/kind")).unwrap().clone();
        if !resource.namespaced {
            object["metadata"].as_object_mut().unwrap().remove("namespace");
        }
        let key = |object: &Value| (resource.kind.clone(), text(object, "/metadata/name").to_owned());
        let old = self.objects.get(&key(&object)).cloned();
        if operation == Operation::Create && old.is_some() && !text(&object, "/metadata/name").is_empty() {
            return;
        }
        let old = old.filter(|_| operation != Operation::Create);
        let mut write = Write {
            operation,
            subresource,
            old: old.as_ref(),
            field_validation: FieldValidation::Strict,
            now: self.now,
            allocate: &mut self.allocate,
            around: Surroundings::default(),
            defaulted: None,
        };
        if let Err(refusal) = prepare(&resource, &mut write, &mut object) {
            panic!("{operation:?} {subresource:?} {}: {refusal:?}", object["kind"]);
        }
        self.objects.insert(key(&object), object);
    }

    fn world(&self) -> World {
        let of = |(group, version, plural): &(&str, &str, &str)| {
            let kind = self.resources.get(group, version, plural).unwrap().kind.clone();
            self.objects.iter().filter(|((one, _), _)| *one == kind).map(|(_, object)| object.clone()).collect()
        };
        World {
            objects: KINDS.iter().map(of).collect(),
            now: self.now,
            ready_after: SignedDuration::from_secs(2),
            ..World::default()
        }
    }

    /// Looks until nothing is left to do at this time.
    fn settle(&mut self) {
        for _ in 0..50 {
            let plan = self.world().look();
            if plan.acts.is_empty() {
                return;
            }
            for act in plan.acts {
                match act {
                    Act::Create(object) => self.write(Operation::Create, None, object),
                    Act::Status(object) => self.write(Operation::Update, Some("status"), object),
                    Act::Bind(object) => self.write(Operation::Update, Some("binding"), object),
                    Act::Update(object) => self.write(Operation::Update, None, object),
                    Act::Delete(object) => {
                        let key = (text(&object, "/kind").to_owned(), text(&object, "/metadata/name").to_owned());
                        self.objects.remove(&key);
                    }
                }
            }
        }
        panic!("it never settles: {:?}", self.world().look().acts);
    }

    fn wait(&mut self, seconds: i64) {
        self.settle();
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        self.settle();
    }

    fn health(&self, kind: &str, name: &str) -> (Status, String) {
        let object =
            self.objects.get(&(kind.to_owned(), name.to_owned())).unwrap_or_else(|| panic!("no {kind} {name}"));
        let object = Object::from_value(object.clone()).unwrap();
        let health = health(&object, self.now);
        (health.status, health.message)
    }

    fn count(&self, kind: &str) -> usize {
        self.objects.keys().filter(|(one, _)| one == kind).count()
    }
}

fn workload(kind: &str, more: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": { "name": "web" },
        "spec": {
            "selector": { "matchLabels": { "app": "web" } },
            "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": "nginx:1" }] } },
        },
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        object["spec"][name] = value.clone();
    }
    object
}

fn failing(mut object: Value, how: &str) -> Value {
    object["metadata"]["annotations"] = json!({ FAIL: how });
    object
}

#[test]
fn a_deployment_becomes_current_and_rolls_to_its_next_template() {
    let mut cluster = Cluster::with(&[workload("Deployment", &json!({ "replicas": 3 }))]);
    cluster.settle();
    assert_eq!(cluster.health("Deployment", "web").0, Status::InProgress);
    cluster.wait(3);
    assert_eq!(
        cluster.health("Deployment", "web"),
        (Status::Current, "Deployment is available. Replicas: 3".to_owned())
    );
    assert_eq!((cluster.count("ReplicaSet"), cluster.count("Pod")), (1, 3));

    let mut changed = cluster.objects[&("Deployment".to_owned(), "web".to_owned())].clone();
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:2".into();
    cluster.write(Operation::Update, None, changed);
    cluster.settle();
    assert_eq!(cluster.health("Deployment", "web").0, Status::InProgress);
    cluster.wait(3);
    assert_eq!(cluster.health("Deployment", "web").0, Status::Current);
    assert_eq!((cluster.count("ReplicaSet"), cluster.count("Pod")), (2, 3));
    let deployment = &cluster.objects[&("Deployment".to_owned(), "web".to_owned())];
    assert_eq!(deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
}

#[test]
fn a_deployment_that_is_to_fail_exceeds_its_deadline() {
    for how in ["ImagePullBackOff", "CrashLoopBackOff", "NeverReady"] {
        let deployment = failing(workload("Deployment", &json!({ "progressDeadlineSeconds": 60 })), how);
        let mut cluster = Cluster::with(&[deployment]);
        cluster.wait(30);
        assert_eq!(cluster.health("Deployment", "web").0, Status::InProgress, "{how}");
        cluster.wait(60);
        assert_eq!(
            cluster.health("Deployment", "web"),
            (Status::Failed, "Progress deadline exceeded".to_owned()),
            "{how}"
        );
    }
}

#[test]
fn stateful_sets_daemon_sets_and_claims_become_current() {
    let claim = json!({ "metadata": { "name": "data" }, "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } });
    let set = workload("StatefulSet", &json!({ "replicas": 2, "serviceName": "web", "volumeClaimTemplates": [claim] }));
    let mut daemon = workload("DaemonSet", &json!({}));
    daemon["metadata"]["name"] = "agent".into();
    let mut cluster = Cluster::with(&[set, daemon]);
    cluster.wait(3);
    assert_eq!(cluster.health("StatefulSet", "web").0, Status::InProgress, "the second waits for the first");
    cluster.wait(3);
    assert_eq!(cluster.health("StatefulSet", "web").0, Status::Current);
    assert_eq!(cluster.health("DaemonSet", "agent").0, Status::Current);
    assert_eq!(cluster.health("PersistentVolumeClaim", "data-web-1").0, Status::Current);
    assert_eq!((cluster.count("Pod"), cluster.count("PersistentVolume")), (3, 2));
}

#[test]
fn jobs_end_and_cron_jobs_begin_them() {
    let template = json!({ "spec": { "restartPolicy": "Never", "containers": [{ "name": "a", "image": "b" }] } });
    let job = json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "job" }, "spec": { "template": template } });
    let mut bad = failing(job.clone(), "CrashLoopBackOff");
    bad["metadata"]["name"] = "bad".into();
    let cron = json!({ "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "cron" }, "spec": { "schedule": "* * * * *", "jobTemplate": { "spec": { "template": template } } } });
    let mut cluster = Cluster::with(&[job, bad, cron]);
    cluster.wait(3);
    assert_eq!(cluster.health("Job", "job").0, Status::Current);
    assert_eq!(cluster.health("Job", "bad").0, Status::Failed);
    assert_eq!(cluster.count("Job"), 2);
    cluster.wait(60);
    cluster.wait(3);
    assert_eq!(cluster.count("Job"), 3);
}

#[test]
fn load_balancers_get_addresses_of_their_own() {
    let service = |name: &str| json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": name }, "spec": { "type": "LoadBalancer", "ports": [{ "port": 80 }] } });
    let mut cluster = Cluster::with(&[service("a"), service("b")]);
    cluster.wait(3);
    let ip = |name: &str| {
        cluster.objects[&("Service".to_owned(), name.to_owned())]["status"]["loadBalancer"]["ingress"][0]["ip"].clone()
    };
    assert_eq!((ip("a"), ip("b")), (json!("192.0.2.1"), json!("192.0.2.2")));
}
