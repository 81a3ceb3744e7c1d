//! The objects of an installation.

use api::well_known::{COMPONENT, INSTANCE, PART_OF, PART_OF_FLUX, VERSION};
use serde_json::{Value, json};

use super::{Args, Layout};
use crate::cli::version::OURS;

/// The controllers that can be installed.
pub(super) const CONTROLLERS: [&str; 2] = ["source-controller", "kustomize-controller"];

/// All API groups of Flux: an installation may share a cluster with controllers of another one.
const GROUPS: [&str; 6] = [
    "helm.toolkit.fluxcd.io",
    "image.toolkit.fluxcd.io",
    "kustomize.toolkit.fluxcd.io",
    "notification.toolkit.fluxcd.io",
    "source.extensions.fluxcd.io",
    "source.toolkit.fluxcd.io",
];

/// The Service that artifacts are fetched from, whatever Deployment stands behind it: its name is part of their URLs.
const ARTIFACTS: &str = "source-controller";

/// One Deployment with the controllers that run in it.
struct Unit<'a> {
    name: &'a str,
    controllers: Vec<&'a str>,
}

impl Unit<'_> {
    fn has(&self, controller: &str) -> bool {
        self.controllers.contains(&controller)
    }
}

/// The objects of an installation, in an order in which they can be applied.
pub(super) fn all(args: &Args, namespace: &str) -> Vec<Value> {
    let components: Vec<&str> = args.components.iter().map(String::as_str).collect();
    let units = match args.layout {
        Layout::One => vec![Unit { name: "flux", controllers: components }],
        Layout::Split => components.into_iter().map(|name| Unit { name, controllers: vec![name] }).collect(),
    };
    let mut objects = vec![object("v1", "Namespace", namespace, None, json!({}))];
    objects[0]["metadata"]["labels"] = json!({
        "pod-security.kubernetes.io/warn": "restricted",
        "pod-security.kubernetes.io/warn-version": "latest",
    });
    objects.extend(api::crds());
    if args.network_policy {
        objects.extend(network_policies(namespace));
    }
    objects.push(quota(namespace));
    objects.extend(units.iter().map(|unit| object("v1", "ServiceAccount", unit.name, Some(namespace), json!({}))));
    objects.extend(roles(&units, namespace));
    for unit in &units {
        if unit.has(ARTIFACTS) {
            objects.push(service(unit, namespace));
        }
        objects.push(deployment(unit, args, namespace));
    }
    for object in &mut objects {
        label(&mut object["metadata"]["labels"], namespace);
    }
    objects
}

fn object(api_version: &str, kind: &str, name: &str, namespace: Option<&str>, content: Value) -> Value {
    let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name } });
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    if let (Value::Object(object), Value::Object(content)) = (&mut object, content) {
        object.extend(content);
    }
    object
}

/// The labels by which `flux check` and others find what belongs to an installation.
fn label(labels: &mut Value, namespace: &str) {
    labels[INSTANCE] = json!(namespace);
    labels[PART_OF] = json!(PART_OF_FLUX);
    labels[VERSION] = json!(OURS);
}

fn network_policies(namespace: &str) -> [Value; 2] {
    let policy =
        |name, spec| object("networking.k8s.io/v1", "NetworkPolicy", name, Some(namespace), json!({ "spec": spec }));
    [
        policy(
            "allow-egress",
            json!({
                "podSelector": {},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [{ "from": [{ "podSelector": {} }] }],
                "egress": [{}],
            }),
        ),
        policy(
            "allow-scraping",
            json!({
                "podSelector": {},
                "policyTypes": ["Ingress"],
                "ingress": [{
                    "from": [{ "namespaceSelector": {} }],
                    "ports": [{ "port": 8080, "protocol": "TCP" }],
                }],
            }),
        ),
    ]
}

/// Some clusters admit pods of a critical priority only where a quota names it.
fn quota(namespace: &str) -> Value {
    let classes = ["system-node-critical", "system-cluster-critical"];
    let expression = json!({ "operator": "In", "scopeName": "PriorityClass", "values": classes });
    let spec = json!({ "hard": { "pods": "1000" }, "scopeSelector": { "matchExpressions": [expression] } });
    object("v1", "ResourceQuota", &format!("critical-pods-{namespace}"), Some(namespace), json!({ "spec": spec }))
}

/// The rights of the controllers, and what people with the cluster's own roles may do with Flux's objects.
fn roles(units: &[Unit], namespace: &str) -> Vec<Value> {
    const RBAC: &str = "rbac.authorization.k8s.io/v1";
    let may = |groups: &[&str], resources: &[&str], verbs: &[&str]| json!({ "apiGroups": groups, "resources": resources, "verbs": verbs });
    let read = ["get", "list", "watch"];
    let change = ["create", "delete", "deletecollection", "patch", "update"];
    let lead = ["get", "list", "watch", "create", "update", "patch", "delete"];
    let controller = json!({ "rules": [
        may(&GROUPS, &["*"], &["*"]),
        may(&[""], &["namespaces", "secrets", "configmaps", "serviceaccounts"], &read),
        may(&[""], &["events"], &["create", "patch"]),
        may(&["coordination.k8s.io"], &["leases"], &lead),
        may(&[""], &["serviceaccounts/token"], &["create"]),
    ] });
    let binding = |name: &str, role: &str, subjects: Vec<Value>| {
        let role = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role });
        object(RBAC, "ClusterRoleBinding", name, None, json!({ "roleRef": role, "subjects": subjects }))
    };
    let accounts = |units: &mut dyn Iterator<Item = &Unit>| -> Vec<Value> {
        units.map(|unit| json!({ "kind": "ServiceAccount", "name": unit.name, "namespace": namespace })).collect()
    };
    let for_people = |verb: &str, roles: &[&str], verbs: &[&str]| {
        let content = json!({ "rules": [may(&GROUPS, &["*"], verbs)] });
        let mut role = object(RBAC, "ClusterRole", &format!("flux-{verb}-{namespace}"), None, content);
        for to in roles {
            role["metadata"]["labels"][format!("rbac.authorization.k8s.io/aggregate-to-{to}")] = json!("true");
        }
        role
    };
    let own = format!("crd-controller-{namespace}");
    let mut objects = vec![
        object(RBAC, "ClusterRole", &own, None, controller),
        for_people("edit", &["edit", "admin"], &change),
        for_people("view", &["view", "edit", "admin"], &read),
        binding(&own, &own, accounts(&mut units.iter())),
    ];
    let appliers = accounts(&mut units.iter().filter(|unit| unit.has("kustomize-controller")));
    if !appliers.is_empty() {
        objects.push(binding(&format!("cluster-reconciler-{namespace}"), "cluster-admin", appliers));
    }
    objects
}

fn service(unit: &Unit, namespace: &str) -> Value {
    let spec = json!({
        "type": "ClusterIP",
        "selector": { "app": unit.name },
        "ports": [{ "name": "http", "port": 80, "protocol": "TCP", "targetPort": "http" }],
    });
    object("v1", "Service", ARTIFACTS, Some(namespace), json!({ "spec": spec }))
}

fn deployment(unit: &Unit, args: &Args, namespace: &str) -> Value {
    let serves = unit.has(ARTIFACTS);
    let mut template = json!({ "labels": { "app": unit.name, COMPONENT: unit.name } });
    label(&mut template["labels"], namespace);
    template["annotations"] = json!({ "prometheus.io/port": "8080", "prometheus.io/scrape": "true" });
    let mut pod = json!({
        "serviceAccountName": unit.name,
        "nodeSelector": { "kubernetes.io/os": "linux" },
        "priorityClassName": "system-cluster-critical",
        "securityContext": { "fsGroup": 1337 },
        "terminationGracePeriodSeconds": 60,
        "containers": [container(unit, args)],
        "volumes": [{ "name": "temp", "emptyDir": {} }],
    });
    if serves && let Some(volumes) = pod["volumes"].as_array_mut() {
        volumes.push(json!({ "name": "data", "emptyDir": {} }));
    }
    if let Some(secret) = &args.image_pull_secret {
        pod["imagePullSecrets"] = json!([{ "name": secret }]);
    }
    if !args.toleration_keys.is_empty() {
        let tolerations = args.toleration_keys.iter().map(|key| json!({ "key": key, "operator": "Exists" }));
        pod["tolerations"] = tolerations.collect();
    }
    let mut spec = json!({
        "replicas": 1,
        "selector": { "matchLabels": { "app": unit.name } },
        "template": { "metadata": template, "spec": pod },
    });
    if serves {
        // Two at once would each hold half of the artifacts.
        spec["strategy"] = json!({ "type": "Recreate" });
    }
    let mut deployment = object("apps/v1", "Deployment", unit.name, Some(namespace), json!({ "spec": spec }));
    deployment["metadata"]["labels"] = json!({ COMPONENT: unit.name, "control-plane": "controller" });
    deployment
}

fn container(unit: &Unit, args: &Args) -> Value {
    let serves = unit.has(ARTIFACTS);
    let mut flags = vec![
        "run".to_owned(),
        format!("--controllers={}", unit.controllers.join(",")),
        "--events-addr=".to_owned(),
        format!("--watch-all-namespaces={}", args.watch_all_namespaces),
        format!("--log-level={}", args.log_level.as_str()),
        "--log-encoding=json".to_owned(),
        "--enable-leader-election".to_owned(),
    ];
    let mut ports = vec![
        json!({ "name": "http-prom", "containerPort": 8080, "protocol": "TCP" }),
        json!({ "name": "healthz", "containerPort": 9440, "protocol": "TCP" }),
    ];
    let mut mounts = vec![json!({ "name": "temp", "mountPath": "/tmp" })];
    // Only the leader serves artifacts, so only the leader is ready to be asked for them.
    let mut ready = json!({ "path": "/readyz", "port": "healthz" });
    if serves {
        let domain = &args.cluster_domain;
        flags.push("--storage-path=/data".to_owned());
        flags.push(format!("--storage-adv-addr={ARTIFACTS}.$(RUNTIME_NAMESPACE).svc.{domain}."));
        ports.insert(0, json!({ "name": "http", "containerPort": 9090, "protocol": "TCP" }));
        mounts.push(json!({ "name": "data", "mountPath": "/data" }));
        ready = json!({ "path": "/", "port": "http" });
    }
    json!({
        "name": "manager",
        "image": format!("{}/flux:{OURS}", args.registry),
        "imagePullPolicy": "IfNotPresent",
        "args": flags,
        "env": [{
            "name": "RUNTIME_NAMESPACE",
            "valueFrom": { "fieldRef": { "fieldPath": "metadata.namespace" } },
        }],
        "ports": ports,
        "livenessProbe": { "httpGet": { "path": "/healthz", "port": "healthz" } },
        "readinessProbe": { "httpGet": ready },
        "resources": {
            "limits": { "cpu": "1000m", "memory": "1Gi" },
            "requests": { "cpu": "50m", "memory": "64Mi" },
        },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "volumeMounts": mounts,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        args: Args,
    }

    fn installed(flags: &[&str]) -> Vec<Value> {
        all(&Typed::parse_from([&["install"], flags].concat()).args, "gitops")
    }

    fn names(objects: &[Value], kind: &str) -> Vec<String> {
        let of_kind = objects.iter().filter(|object| object["kind"] == kind);
        of_kind.map(|object| object["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn one_deployment_stands_behind_the_service_in_artifact_urls() {
        let objects = installed(&[]);
        assert_eq!(names(&objects, "Deployment"), ["flux"]);
        assert_eq!(names(&objects, "Service"), ["source-controller"]);
        let service = objects.iter().find(|object| object["kind"] == "Service").unwrap();
        let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
        let pod = &deployment["spec"]["template"]["metadata"]["labels"];
        assert_eq!(service["spec"]["selector"]["app"], pod["app"]);
        assert_eq!(deployment["spec"]["selector"]["matchLabels"]["app"], pod["app"]);
    }

    #[test]
    fn the_split_layout_has_flux_s_names() {
        let objects = installed(&["--layout=split"]);
        assert_eq!(names(&objects, "Deployment"), CONTROLLERS);
        assert_eq!(names(&objects, "ServiceAccount"), CONTROLLERS);
        let admin = objects.iter().find(|object| object["metadata"]["name"] == "cluster-reconciler-gitops").unwrap();
        assert_eq!(admin["subjects"].as_array().unwrap().len(), 1);
        assert_eq!(admin["subjects"][0]["name"], "kustomize-controller");
    }

    #[test]
    fn the_controllers_take_the_flags_that_they_are_given() {
        for flags in [&[][..], &["--layout=split", "--watch-all-namespaces=false", "--log-level=debug"]] {
            for deployment in installed(flags).iter().filter(|object| object["kind"] == "Deployment") {
                let container = &deployment["spec"]["template"]["spec"]["containers"][0];
                let words = container["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
                let parsed = crate::cli::parse::parse(std::iter::once("flux").chain(words).map(Into::into));
                assert!(parsed.is_ok(), "{}", parsed.err().unwrap());
            }
        }
    }

    #[test]
    fn every_object_is_labelled_and_none_comes_twice() {
        let objects = installed(&["--toleration-keys=a,b", "--image-pull-secret=s"]);
        let mut seen = BTreeSet::new();
        for object in &objects {
            assert_eq!(object["metadata"]["labels"][PART_OF], "flux", "{object}");
            assert_eq!(object["metadata"]["labels"][INSTANCE], "gitops", "{object}");
            assert!(seen.insert((object["kind"].to_string(), object["metadata"]["name"].to_string())), "{object}");
        }
        assert_eq!(names(&objects, "CustomResourceDefinition").len(), api::crds().len());
        assert_eq!(names(&installed(&["--network-policy=false"]), "NetworkPolicy"), Vec::<String>::new());
    }
}
