//! What each check finds, since which version, and what labels mean.

use serde_json::json;

use super::*;

/// The version of a standard: a minor one, or 0 for the latest.
fn standard(level: Level, minor: u64) -> Standard {
    Standard { level, version: if minor == 0 { Version::Latest } else { Version::Minor(minor) } }
}

/// What a standard says of a Pod.
fn said(level: Level, minor: u64, pod: &Value) -> String {
    standard(level, minor).violations(pod).to_string()
}

/// A Pod that restricted allows.
fn good() -> Value {
    let context = json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } });
    json!({
        "metadata": { "name": "p" },
        "spec": {
            "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
            "initContainers": [{ "name": "i", "image": "i", "securityContext": context }],
            "containers": [
                { "name": "a", "image": "a", "securityContext": context },
                { "name": "b", "image": "b", "securityContext": context },
            ],
        },
    })
}

/// The same with values at pointers, where `~` stands for the security context.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut pod = good();
    for (pointer, value) in changes {
        let pointer = pointer.replace('~', "/securityContext/");
        let mut place = &mut pod;
        for step in pointer.split('/').skip(1) {
            place = match step.parse::<usize>() {
                Ok(index) => &mut place[index],
                Err(_) => &mut place[step.replace('!', "/")],
            };
        }
        *place = value.clone();
    }
    pod
}

const A: &str = "/spec/containers/0";
const B: &str = "/spec/containers/1";
const I: &str = "/spec/initContainers/0";

/// What both levels say alike of a change in their newest version, and privileged does not.
#[track_caller]
fn check(changes: &[(&str, Value)], expected: &str) {
    let pod = with(changes);
    assert_eq!(said(Level::Baseline, 0, &pod), expected, "baseline");
    assert_eq!(said(Level::Restricted, 0, &pod), expected, "restricted");
    assert_eq!(said(Level::Privileged, 0, &pod), "", "privileged");
}

/// What restricted alone says of a change.
#[track_caller]
fn check_restricted(changes: &[(&str, Value)], expected: &str) {
    let pod = with(changes);
    assert_eq!(said(Level::Baseline, 0, &pod), "", "baseline");
    assert_eq!(said(Level::Restricted, 0, &pod), expected, "restricted");
}

/// From which version on a level says something of a change; `before` is what it says until then.
#[track_caller]
fn since(level: Level, minor: u64, changes: &[(&str, Value)], before: &str, after: &str) {
    let pod = with(changes);
    assert_eq!(said(level, minor - 1, &pod), before, "v1.{}", minor - 1);
    assert_eq!(said(level, minor, &pod), after, "v1.{minor}");
}

fn at(container: &str, rest: &str) -> String {
    format!("{container}{rest}")
}

#[test]
fn a_good_pod_violates_nothing() {
    for minor in 0..40 {
        assert_eq!(said(Level::Restricted, minor, &good()), "", "v1.{minor}");
    }
    for nothing in [json!({}), json!(null), json!({ "spec": [] }), json!({ "spec": { "containers": 1 } })] {
        assert_eq!(said(Level::Restricted, 0, &nothing), "", "{nothing}");
    }
}

#[test]
fn app_armor_profiles_are_the_usual_ones() {
    check(
        &[("/spec~appArmorProfile", json!({ "type": "Unconfined" }))],
        "forbidden AppArmor profile (pod must not set AppArmor profile type to \"Unconfined\")",
    );
    let annotation = "/metadata/annotations/container.apparmor.security.beta.kubernetes.io!a";
    check(
        &[
            (&at(A, "~appArmorProfile"), json!({ "type": "Unconfined" })),
            (&at(B, "~appArmorProfile"), json!({ "type": "Localhost" })),
            (&at(I, "~appArmorProfile"), json!({ "type": "Odd" })),
            (annotation, json!("unconfined")),
        ],
        "forbidden AppArmor profiles (containers \"i\", \"a\" and annotation must not set AppArmor profile type to \
         \"Odd\", \"Unconfined\", \"container.apparmor.security.beta.kubernetes.io/a=\"unconfined\"\")",
    );
    for allowed in ["", "runtime/default", "localhost/x"] {
        check(&[(annotation, json!(allowed))], "");
    }
}

#[test]
fn capabilities_are_the_default_ones_or_none() {
    let added = [
        (&*at(A, "~capabilities"), json!({ "drop": ["ALL"], "add": ["NET_ADMIN", "CHOWN", "NET_BIND_SERVICE"] })),
        (&*at(B, "~capabilities"), json!({ "drop": ["ALL"], "add": ["BPF"] })),
    ];
    let pod = with(&added);
    let baseline = "non-default capabilities (containers \"a\", \"b\" must not include \"BPF\", \"NET_ADMIN\" in \
                    securityContext.capabilities.add)";
    let restricted = "unrestricted capabilities (containers \"a\", \"b\" must not include \"BPF\", \"CHOWN\", \
                      \"NET_ADMIN\" in securityContext.capabilities.add)";
    assert_eq!(said(Level::Baseline, 0, &pod), baseline);
    since(Level::Restricted, 22, &added, baseline, restricted);
    check_restricted(
        &[
            (&at(A, "~capabilities"), json!({ "add": ["CHOWN"] })),
            (&at(I, "~capabilities"), json!(null)),
            (&at(B, "~capabilities"), json!({ "drop": ["NET_RAW"] })),
        ],
        "unrestricted capabilities (containers \"i\", \"a\", \"b\" must set securityContext.capabilities.drop=[\"ALL\"]; \
         container \"a\" must not include \"CHOWN\" in securityContext.capabilities.add)",
    );
}

#[test]
fn nothing_of_the_host_is_shared() {
    check(
        &[("/spec/hostIPC", json!(true)), ("/spec/hostNetwork", json!(true)), ("/spec/hostPID", json!(true))],
        "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)",
    );
    let ports = json!([{ "containerPort": 1, "hostPort": 90 }, { "containerPort": 2, "hostPort": 0 }]);
    check(&[(&at(A, "/ports"), ports.clone())], "hostPort (container \"a\" uses hostPort 90)");
    let more = json!([{ "hostPort": 8080 }, { "hostPort": 90 }]);
    check(
        &[(&at(A, "/ports"), ports), (&at(B, "/ports"), more)],
        "hostPort (containers \"a\", \"b\" use hostPorts 8080, 90)",
    );
    let process = json!({ "hostProcess": true });
    check(
        &[("/spec~windowsOptions", process.clone()), (&at(B, "~windowsOptions"), process)],
        "hostProcess (pod and container \"b\" must not set securityContext.windowsOptions.hostProcess=true)",
    );
}

#[test]
fn volumes_are_no_folders_of_the_host_or_of_few_kinds() {
    let volumes = json!([
        { "name": "h", "hostPath": { "path": "/" } },
        { "name": "n", "nfs": {} },
        { "name": "e", "emptyDir": {} },
        { "name": "h2", "hostPath": { "path": "/" } },
        { "name": "s", "secret": {} },
        { "name": "u", "unheard": {} },
    ]);
    let pod = with(&[("/spec/volumes", volumes)]);
    let baseline = "hostPath volumes (volumes \"h\", \"h2\")";
    let restricted = "restricted volume types (volumes \"h\", \"n\", \"h2\", \"u\" use restricted volume types \
                      \"hostPath\", \"nfs\", \"unknown\")";
    for minor in [0, 1, 20] {
        assert_eq!(said(Level::Baseline, minor, &pod), baseline);
        assert_eq!(said(Level::Restricted, minor, &pod), restricted);
    }
    check_restricted(
        &[("/spec/volumes", json!([{ "name": "g", "gitRepo": {} }]))],
        "restricted volume types (volume \"g\" uses restricted volume type \"gitRepo\")",
    );
    for source in checks::ALLOWED_VOLUMES {
        check(&[("/spec/volumes", json!([{ "name": "v", source: {} }]))], "");
    }
    for source in checks::FORBIDDEN_VOLUMES {
        let pod = with(&[("/spec/volumes", json!([{ "name": "v", source: {} }]))]);
        assert!(said(Level::Restricted, 0, &pod).contains(source), "{source}");
    }
}

#[test]
fn probes_and_handlers_ask_the_pod_itself() {
    let changes = [
        (&*at(B, "/livenessProbe"), json!({ "httpGet": { "host": "z.example", "port": 1 } })),
        (
            &*at(A, "/lifecycle"),
            json!({ "preStop": { "tcpSocket": { "host": "y.example" } }, "postStart": { "httpGet": { "host": "z.example" } } }),
        ),
        (&*at(A, "/startupProbe"), json!({ "tcpSocket": { "host": "" } })),
    ];
    let text =
        "probe or lifecycle host (containers \"a\", \"b\" use probe or lifecycle hosts \"y.example\", \"z.example\")";
    check(&changes, text);
    since(Level::Baseline, 34, &changes, "", text);
    since(Level::Restricted, 34, &changes, "", text);
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = at(A, &format!("/{probe}"));
        let text = "probe or lifecycle host (container \"a\" uses probe or lifecycle host \"x\")";
        check(&[(&probe, json!({ "tcpSocket": { "host": "x" } }))], text);
    }
}

#[test]
fn nobody_is_privileged() {
    check(
        &[(&at(I, "~privileged"), json!(true)), (&at(A, "~privileged"), json!(false))],
        "privileged (container \"i\" must not set securityContext.privileged=true)",
    );
    let mut pod = good();
    pod["spec"]["ephemeralContainers"] = json!([{ "name": "e", "securityContext": { "privileged": true } }]);
    let text = "privileged (container \"e\" must not set securityContext.privileged=true)";
    assert_eq!(said(Level::Baseline, 0, &pod), text);
}

#[test]
fn proc_is_masked_but_for_users_of_its_own() {
    let changes = [(&*at(A, "~procMount"), json!("Unmasked")), (&*at(B, "~procMount"), json!("Default"))];
    let text = "procMount (container \"a\" must not set securityContext.procMount to \"Unmasked\")";
    check(&changes, text);
    since(Level::Baseline, 35, &changes, text, text);
    let own = [changes[0].clone(), ("/spec/hostUsers", json!(false))];
    since(Level::Baseline, 35, &own, text, "");
    since(Level::Restricted, 35, &own, text, text);
}

#[test]
fn se_linux_has_few_types_and_no_users() {
    check(
        &[
            ("/spec~seLinuxOptions", json!({ "type": "spc_t", "level": "s0" })),
            (&at(A, "~seLinuxOptions"), json!({ "user": "u", "type": "container_t" })),
            (&at(B, "~seLinuxOptions"), json!({ "role": "r", "type": "other_t" })),
        ],
        "seLinuxOptions (pod and containers \"a\", \"b\" set forbidden securityContext.seLinuxOptions: types \
         \"other_t\", \"spc_t\"; user may not be set; role may not be set)",
    );
    let engine = [("/spec~seLinuxOptions", json!({ "type": "container_engine_t" }))];
    let text = "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type \"container_engine_t\")";
    since(Level::Baseline, 31, &engine, text, "");
    since(Level::Restricted, 31, &engine, text, "");
}

#[test]
fn seccomp_is_on() {
    let changes = [
        ("/spec~seccompProfile", json!({ "type": "Unconfined" })),
        (&*at(A, "~seccompProfile"), json!({ "type": "Localhost" })),
        (&*at(B, "~seccompProfile"), json!({ "type": "Unconfined" })),
    ];
    let text =
        "seccompProfile (pod and container \"b\" must not set securityContext.seccompProfile.type to \"Unconfined\")";
    check(&changes, text);
    since(Level::Baseline, 19, &changes, "", text);
    since(Level::Restricted, 19, &changes, "", text);
    let silent = [("/spec~seccompProfile", json!(null)), (&*at(A, "~seccompProfile"), json!({ "type": "Localhost" }))];
    let text = "seccompProfile (pod or containers \"i\", \"b\" must set securityContext.seccompProfile.type to \
                \"RuntimeDefault\" or \"Localhost\")";
    check_restricted(&silent, text);
    since(Level::Restricted, 19, &silent, "", text);
    let annotations = [
        ("/metadata/annotations/seccomp.security.alpha.kubernetes.io!pod", json!("unconfined")),
        ("/metadata/annotations/container.seccomp.security.alpha.kubernetes.io!a", json!("x")),
        ("/metadata/annotations/container.seccomp.security.alpha.kubernetes.io!b", json!("localhost/y")),
        ("/metadata/annotations/container.seccomp.security.alpha.kubernetes.io!other", json!("x")),
    ];
    let text = "seccompProfile (forbidden annotations container.seccomp.security.alpha.kubernetes.io/a=\"x\", \
                seccomp.security.alpha.kubernetes.io/pod=\"unconfined\")";
    since(Level::Baseline, 19, &annotations, text, "");
    since(Level::Restricted, 19, &annotations, text, "");
}

#[test]
fn sysctls_are_safe() {
    let sysctls = |names: &[&str]| {
        let list: Vec<Value> = names.iter().map(|name| json!({ "name": name, "value": "1" })).collect();
        [("/spec~sysctls", Value::from(list))]
    };
    check(
        &sysctls(&["kernel.msgmax", "net.ipv4.tcp_syncookies", "kernel.a"]),
        "forbidden sysctls (kernel.msgmax, kernel.a)",
    );
    for (name, minor) in
        [("net.ipv4.ip_local_reserved_ports", 27), ("net.ipv4.tcp_fin_timeout", 29), ("net.ipv4.tcp_rmem", 32)]
    {
        since(Level::Baseline, minor, &sysctls(&[name]), &format!("forbidden sysctls ({name})"), "");
        since(Level::Restricted, minor, &sysctls(&[name]), &format!("forbidden sysctls ({name})"), "");
    }
}

#[test]
fn privileges_do_not_grow() {
    let changes =
        [(&*at(A, "~allowPrivilegeEscalation"), json!(true)), (&*at(I, "~allowPrivilegeEscalation"), json!(null))];
    let text = "allowPrivilegeEscalation != false (containers \"i\", \"a\" must set \
                securityContext.allowPrivilegeEscalation=false)";
    check_restricted(&changes, text);
    since(Level::Restricted, 8, &changes, "", text);
}

#[test]
fn nobody_is_root_but_among_users_of_their_own() {
    let root = [("/spec~runAsNonRoot", json!(false)), (&*at(A, "~runAsNonRoot"), json!(false))];
    let text = "runAsNonRoot != true (pod and container \"a\" must not set securityContext.runAsNonRoot=false)";
    check_restricted(&root, text);
    let silent = [("/spec~runAsNonRoot", json!(null)), (&*at(A, "~runAsNonRoot"), json!(true))];
    let text = "runAsNonRoot != true (pod or containers \"i\", \"b\" must set securityContext.runAsNonRoot=true)";
    check_restricted(&silent, text);
    assert_eq!(said(Level::Restricted, 1, &with(&silent)), text);
    let own = [silent[0].clone(), silent[1].clone(), ("/spec/hostUsers", json!(false))];
    since(Level::Restricted, 35, &own, text, "");
    let zero = [("/spec~runAsUser", json!(0)), (&*at(B, "~runAsUser"), json!(0)), (&*at(A, "~runAsUser"), json!(7))];
    let text = "runAsUser=0 (pod and container \"b\" must not set runAsUser=0)";
    check_restricted(&zero, text);
    since(Level::Restricted, 23, &zero, "", text);
    let own = [zero[0].clone(), ("/spec/hostUsers", json!(false))];
    since(Level::Restricted, 35, &own, "runAsUser=0 (pod must not set runAsUser=0)", "");
}

#[test]
fn windows_has_less_to_say() {
    let mut pod = json!({ "spec": { "os": { "name": "windows" }, "securityContext": { "runAsNonRoot": true }, "containers": [{ "name": "a" }] } });
    assert_eq!(standard(Level::Restricted, 25).violations(&pod).reasons(), "");
    let reasons = "allowPrivilegeEscalation != false, unrestricted capabilities, seccompProfile";
    assert_eq!(standard(Level::Restricted, 24).violations(&pod).reasons(), reasons);
    pod["spec"]["os"]["name"] = "linux".into();
    assert_eq!(standard(Level::Restricted, 25).violations(&pod).reasons(), reasons);
}

#[test]
fn violations_come_in_the_order_of_the_checks() {
    let pod = json!({ "spec": {
        "hostNetwork": true,
        "volumes": [{ "name": "h", "hostPath": { "path": "/" } }],
        "securityContext": { "seLinuxOptions": { "user": "u" }, "runAsUser": 0, "sysctls": [{ "name": "x" }] },
        "containers": [{ "name": "a", "ports": [{ "hostPort": 1 }], "securityContext": {
            "privileged": true, "procMount": "Unmasked", "capabilities": { "add": ["BPF"] },
            "appArmorProfile": { "type": "Unconfined" }, "seccompProfile": { "type": "Unconfined" },
        } }],
    } });
    let (baseline, restricted) = (standard(Level::Baseline, 0), standard(Level::Restricted, 0));
    assert_eq!(
        baseline.violations(&pod).reasons(),
        "forbidden AppArmor profile, non-default capabilities, host namespaces, hostPath volumes, hostPort, privileged, \
         procMount, seLinuxOptions, seccompProfile, forbidden sysctls"
    );
    assert_eq!(
        restricted.violations(&pod).reasons(),
        "forbidden AppArmor profile, host namespaces, hostPort, privileged, seLinuxOptions, forbidden sysctls, \
         allowPrivilegeEscalation != false, unrestricted capabilities, procMount, restricted volume types, \
         runAsNonRoot != true, runAsUser=0, seccompProfile"
    );
    assert_eq!(standard(Level::Restricted, 99).violations(&pod), restricted.violations(&pod));
}

fn labels(labels: &[(&str, &str)]) -> Value {
    labels.iter().map(|(name, value)| (format!("pod-security.kubernetes.io/{name}"), json!(value))).collect()
}

#[test]
fn labels_say_what_is_enforced_and_warned_of() {
    let said = |pairs: &[(&str, &str)]| {
        let (policy, errors) = Policy::read(&labels(pairs));
        let errors: Vec<String> = errors.into_vec().iter().map(ToString::to_string).collect();
        (policy.enforce.to_string(), policy.warn.to_string(), errors.join("; "))
    };
    let fine = |enforce: &str, warn: &str| (enforce.to_owned(), warn.to_owned(), String::new());
    assert_eq!(said(&[]), fine("privileged:latest", "privileged:latest"));
    assert_eq!(said(&[("enforce", "baseline")]), fine("baseline:latest", "baseline:latest"));
    assert_eq!(
        said(&[("enforce", "baseline"), ("enforce-version", "v1.30")]),
        fine("baseline:v1.30", "baseline:v1.30")
    );
    assert_eq!(
        said(&[("enforce", "baseline"), ("enforce-version", "v1.30"), ("warn", "privileged")]),
        fine("baseline:v1.30", "privileged:latest")
    );
    assert_eq!(
        said(&[("enforce", "baseline"), ("enforce-version", "v1.30"), ("warn-version", "v1.0")]),
        fine("baseline:v1.30", "baseline:v1.0")
    );
    assert_eq!(
        said(&[("warn", "restricted"), ("warn-version", "latest")]),
        fine("privileged:latest", "restricted:latest")
    );
    let invalid = |name: &str, value: &str, rule: &str| {
        format!("metadata.labels[pod-security.kubernetes.io/{name}]: Invalid value: {value:?}: {rule}")
    };
    let level = "must be one of privileged, baseline, restricted";
    let (enforce, warn, errors) = said(&[("enforce", "x"), ("audit", ""), ("warn", "y")]);
    assert_eq!((enforce.as_str(), warn.as_str()), ("restricted:latest", "privileged:latest"));
    assert_eq!(
        errors,
        [invalid("enforce", "x", level), invalid("audit", "", level), invalid("warn", "y", level)].join("; ")
    );
    for version in ["", "1.30", "v1", "v1.", "v1.01", "v1.+1", "v2.0", "v1.30.1", "v1.99999999999999999999", "Latest"] {
        let (_, _, errors) = said(&[("audit-version", version)]);
        assert_eq!(errors, invalid("audit-version", version, "must be \"latest\" or \"v1.x\""));
    }
}

#[test]
fn only_stricter_labels_are_held_against_what_is_there() {
    let changed = |old: &[(&str, &str)], new: &[(&str, &str)]| {
        change(Some(&labels(old)), &labels(new)).map(|standard| standard.map(|standard| standard.to_string()))
    };
    let some = |text: &str| Ok(Some(text.to_owned()));
    assert_eq!(changed(&[], &[("enforce", "baseline")]), some("baseline:latest"));
    assert_eq!(changed(&[("enforce", "baseline")], &[("enforce", "restricted")]), some("restricted:latest"));
    assert_eq!(
        changed(&[("enforce", "restricted")], &[("enforce", "baseline"), ("enforce-version", "v1.30")]),
        some("baseline:v1.30")
    );
    assert_eq!(changed(&[("enforce", "restricted")], &[("enforce", "baseline")]), Ok(None));
    assert_eq!(changed(&[("enforce", "baseline")], &[("enforce", "baseline")]), Ok(None));
    assert_eq!(changed(&[], &[("warn", "restricted"), ("audit", "restricted")]), Ok(None));
    assert_eq!(
        changed(&[("enforce", "baseline")], &[("enforce", "privileged"), ("enforce-version", "v1.1")]),
        Ok(None)
    );
    assert!(changed(&[], &[("warn", "x")]).is_err());
    assert!(changed(&[("warn", "x")], &[("warn", "y")]).is_err());
    assert_eq!(changed(&[("warn", "x")], &[("warn", "x")]), Ok(None));
    assert_eq!(change(None, &labels(&[("enforce", "restricted")])), Ok(None));
    assert!(change(None, &labels(&[("enforce-version", "x")])).is_err());
}

#[test]
fn pods_that_are_there_are_named_once_for_what_they_have_in_common() {
    let pod = |name: &str, controller: &str, spec: Value| {
        json!({
            "metadata": { "name": name, "ownerReferences": [{ "uid": controller, "controller": !controller.is_empty() }] },
            "spec": spec,
        })
    };
    let (network, port) =
        (json!({ "hostNetwork": true }), json!({ "containers": [{ "name": "a", "ports": [{ "hostPort": 80 }] }] }));
    let baseline = standard(Level::Baseline, 30);
    let pods = [
        pod("z", "", network.clone()),
        pod("y", "", network.clone()),
        pod("x", "", json!({})),
        pod("c", "", port.clone()),
        pod("d", "", port.clone()),
        pod("b", "", port.clone()),
        pod("q", "", json!({ "hostPID": true, "containers": port["containers"] })),
    ];
    assert_eq!(
        baseline.existing("apps", &pods),
        [
            "existing pods in namespace \"apps\" violate the new PodSecurity enforce level \"baseline:v1.30\"",
            "b (and 2 other pods): hostPort",
            "q: host namespaces, hostPort",
            "y (and 1 other pod): host namespaces",
        ]
    );
    assert_eq!(baseline.existing("apps", &pods[2..3]), [""; 0]);
    let mut many: Vec<Value> = (0..EXISTING).map(|at| pod(&format!("p{at}"), "one", json!({}))).collect();
    many.push(pod("last", "other", network));
    assert_eq!(
        baseline.existing("apps", &many),
        [
            "new PodSecurity enforce level only checked against the first 3000 of 3001 existing pods",
            "existing pods in namespace \"apps\" violate the new PodSecurity enforce level \"baseline:v1.30\"",
            "last: host namespaces",
        ]
    );
}

#[test]
fn only_images_and_new_containers_are_looked_at_again() {
    let pod = with(&[("/spec/ephemeralContainers", json!([{ "name": "e", "image": "e" }]))]);
    let changed = |pointer: &str, value: Value| {
        let mut new = pod.clone();
        *new.pointer_mut(pointer).unwrap() = value;
        concerns("", Some(&pod), &new)
    };
    assert!(concerns("", None, &pod));
    assert!(!concerns("", Some(&pod), &pod));
    assert!(!changed("/metadata/name", json!("q")));
    assert!(!changed("/spec/containers/0/name", json!("q")));
    assert!(!changed("/spec/ephemeralContainers", json!([])));
    assert!(changed("/spec/containers/0/image", json!("q")));
    assert!(changed("/spec/containers", json!([])));
    assert!(changed("/spec/initContainers/0/image", json!("q")));
    assert!(changed("/spec/ephemeralContainers/0/image", json!("q")));
    assert!(changed("/spec/ephemeralContainers/0/name", json!("q")));
    let mut new = pod.clone();
    new["spec"]["containers"][0]["image"] = json!("q");
    assert!(concerns("resize", Some(&pod), &new) && concerns("ephemeralcontainers", Some(&pod), &new));
    assert!(!concerns("status", Some(&pod), &new) && !concerns("binding", Some(&pod), &new));
}

#[test]
fn templates_are_where_their_kinds_have_them() {
    let object = json!({
        "template": 1,
        "spec": { "template": { "at": "spec" }, "jobTemplate": { "spec": { "template": { "at": "job" } } } },
    });
    let found = |group, kind| template(group, kind, &object).map(|template| text(&template["at"]));
    for (group, kind) in [
        ("", "ReplicationController"),
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("batch", "Job"),
    ] {
        assert_eq!(found(group, kind), Some("spec"), "{kind}");
    }
    assert_eq!(found("batch", "CronJob"), Some("job"));
    assert_eq!(
        (found("", "PodTemplate"), found("example.com", "Deployment"), found("", "ConfigMap")),
        (None, None, None)
    );
    let object = json!({ "template": { "at": "here" } });
    assert_eq!(template("", "PodTemplate", &object).map(|template| text(&template["at"])), Some("here"));
}
